"""The cells of the sheet Digit that show the network's result, and their right values."""

from collections.abc import Iterator

import numpy as np

from workbook_tools.convolutional.book import Book
from workbook_tools.convolutional.layers import Array
from workbook_tools.convolutional.reads import Rectangle, column_of, one, row_of
from workbook_tools.convolutional.state import State
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.addresses import Cell


def expected(
    book: Book, state: State, true_digits: Array
) -> Iterator[tuple[Cell, list[float] | list[str | None]]]:
    """Yield each of these cells with its right value at each moment; None if that is unknown.

    It is computed from the cells that it reads.
    """
    probabilities = state.numbers(book.section(names.SOFTMAX).cells)[:, :, 0, 0]
    yield book.singles[names.TRUE_DIGIT], true_digits.tolist()
    most = np.where(np.isnan(probabilities).any(axis=1), np.nan, probabilities.argmax(axis=1))
    yield book.singles[names.READ_AS], most.tolist()
    said, true = (state.number(book.singles[n]) for n in (names.READ_AS, names.TRUE_DIGIT))
    yield (
        book.singles[names.VERDICT],
        [
            None if np.isnan(one + other) else names.RIGHT if one == other else names.WRONG
            for one, other in zip(said, true, strict=True)
        ],
    )
    for cell, source in _copies(book):
        yield cell, state.number(source).tolist()


def wanted(book: Book) -> dict[Cell, set[Rectangle]]:
    """Return the cells and ranges that the formula of each of these cells should read."""
    true_digit, read_as = (book.singles[n] for n in (names.TRUE_DIGIT, names.READ_AS))
    inputs = (book.inputs[n] for n in (names.SELECTED, names.DRAWN_DIGIT))
    return {
        true_digit: {*map(one, inputs), column_of(book.truth)},
        read_as: {row_of(book.section(names.SOFTMAX).cells)},
        book.singles[names.VERDICT]: {one(read_as), one(true_digit)},
        **{cell: {one(source)} for cell, source in _copies(book)},
    }


def _copies(book: Book) -> Iterator[tuple[Cell, Cell]]:
    """Yield the cells that copy another cell, with that cell: losses and probabilities."""
    _, now, after = names.PROBABILITY_HEADS
    for label, head, suffix in (
        (names.LOSS_NOW, now, ""),
        (names.LOSS_AFTER, after, names.AFTERWARDS),
    ):
        yield book.singles[label], book.section(names.LOSS + suffix).cells.cell((0, 0, 0))
        column, row = book.table[head], book.section(names.SOFTMAX + suffix).cells
        for digit in range(len(row.rows)):
            yield column.cell((digit,)), row.cell((digit, 0, 0))
