"""The cells of the sheet Digit that say how the network does, and what they should show."""

from collections.abc import Iterator

import numpy as np

from workbook_tools import network_notation as names
from workbook_tools.checking.cells import Cell
from workbook_tools.checking.convolutional.book import Book
from workbook_tools.checking.convolutional.state import State


def expected(book: Book, state: State, true_digit: float) -> Iterator[tuple[Cell, float | str]]:
    """Yield each of the cells with what it should show, from the cells that it reads."""
    probabilities = state.numbers(book.section(names.SOFTMAX).cells).flatten()
    yield book.singles[names.TRUE_DIGIT], true_digit
    read_as = float("nan") if np.isnan(probabilities).any() else float(probabilities.argmax())
    yield book.singles[names.READ_AS], read_as
    said, true = (state.number(book.singles[n]) for n in (names.READ_AS, names.TRUE_DIGIT))
    if said == said and true == true:
        yield book.singles[names.VERDICT], names.RIGHT if said == true else names.WRONG
    for label, section in (
        (names.LOSS_NOW, names.LOSS),
        (names.LOSS_AFTER, names.LOSS + names.AFTERWARDS),
    ):
        cell = book.section(section).cells.cell((0, 0, 0))
        yield book.singles[label], state.number(cell)
    _, now, after = names.PROBABILITY_HEADS
    for head, section in ((now, names.SOFTMAX), (after, names.SOFTMAX + names.AFTERWARDS)):
        column = book.table[head]
        values = state.numbers(book.section(section).cells).flatten()
        for digit, value in enumerate(values):
            yield column.cell((digit,)), float(value)
