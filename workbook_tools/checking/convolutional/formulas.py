"""Formulas that are unlike those beside them, or that read other cells than they have to."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from workbook_tools.checking.convolutional import reads
from workbook_tools.checking.convolutional.book import Book, Grid, Section
from workbook_tools.checking.findings import Kind
from workbook_tools.network_notation import Operation, size
from workbook_tools.references import anchoring


class Formulas:
    """The formulas of a workbook, looked at as texts."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def odd(
        self, section: Section, grid: Grid, wrong: NDArray[np.bool_]
    ) -> dict[tuple[int, ...], Kind]:
        """Return what is odd about formulas, by the indices of their cells.

        They read other cells than they have to, or are unlike the others of their section: the
        same formula stands in every cell of it, or of one place in its windows. ``wrong`` cells
        are no measure for the others.
        """
        own = grid is section.cells
        formulas = {
            at: formula
            for at in np.ndindex(grid.rows.shape)
            if (formula := self._book.formulas.get(grid.cell(at))) is not None
        }
        shapes: dict[tuple[int, ...], tuple[tuple[int, ...], str]] = {}
        for at, formula in formulas.items():
            phase = reads.phase(section, self._book, at) if own else ()
            shapes[at] = phase, anchoring(formula)
        usual: dict[tuple[int, ...], str] = {}
        counts = Counter(shape for at, shape in shapes.items() if not wrong[at])
        # Of shapes that are as many the shortest: what is added to a formula makes it longer.
        for phase, shape in sorted(counts, key=lambda s: (-counts[s], len(s[1]))):
            usual.setdefault(phase, shape)
        odd = {
            at: Kind.BROKEN_PATTERN
            for at, (phase, shape) in shapes.items()
            if shape != usual.get(phase)
        }
        wanted = (reads.wanted if own else reads.wanted_by_bias)(self._book, section)
        return odd | {
            at: Kind.LATENT
            for at, formula in formulas.items()
            if reads.rectangles(formula, grid.sheet) != set(wanted(*at))
        }

    def is_unread(self, section: Section, index: tuple[int, ...]) -> bool:
        """Tell whether a cell of a gradient is beyond the last whole window: it holds a 0."""
        heading = section.heading
        if heading.operation is not Operation.BACK:
            return False
        consumer = self._book.section(heading.parts["consumer"])
        if consumer.heading.operation not in (Operation.LARGEST, Operation.WINDOW_MEAN):
            return False
        height, width = size(consumer.heading.parts["window"])
        _, rows, columns = consumer.cells.rows.shape
        return bool(index[1] // height >= rows or index[2] // width >= columns)
