"""Finds formulas that differ from those beside them, or that do not read the cells they should."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from workbook_tools.convolutional import reads
from workbook_tools.convolutional.book import Book, Grid, Index, Section
from workbook_tools.formulas.references import anchoring
from workbook_tools.judging.findings import Kind
from workbook_tools.notation.convolutional import Operation, size


class Formulas:
    """Examines the formulas of a workbook as texts."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def odd(self, section: Section, grid: Grid, wrong: NDArray[np.bool_]) -> dict[Index, Kind]:
        """Return the kind of oddity of each odd formula, by the index of its cell.

        A formula is odd if it does not read exactly the cells that it should, or if it differs
        from the others of its section: all cells have the same formula, or all cells at the same
        place of a window. ``wrong`` cells do not count when the usual formula is determined.
        """
        formulas = {
            at: formula
            for at in np.ndindex(grid.rows.shape)
            if (formula := self._book.formulas.get(grid.cell(at))) is not None
        }
        shapes: dict[Index, tuple[Index, str]] = {}
        for at, formula in formulas.items():
            shapes[at] = reads.phase(self._book, section, grid, at), anchoring(formula)
        usual: dict[Index, str] = {}
        counts = Counter(shape for at, shape in shapes.items() if not wrong[at])
        # Among equally frequent ones the shortest: an addition makes a formula longer.
        for phase, shape in sorted(counts, key=lambda s: (-counts[s], len(s[1]))):
            usual.setdefault(phase, shape)
        odd = {
            at: Kind.BROKEN_PATTERN
            for at, (phase, shape) in shapes.items()
            if shape != usual.get(phase)
        }
        wanted = reads.wanted(self._book, section, grid)
        return odd | {
            at: Kind.LATENT
            for at, formula in formulas.items()
            if reads.rectangles(formula, grid.sheet) != set(wanted(*at))
        }

    def is_unread(self, section: Section, index: Index) -> bool:
        """Tell whether a cell of a gradient lies beyond the last whole window, and so holds 0."""
        heading = section.heading
        if heading.operation is not Operation.BACK:
            return False
        consumer = self._book.section(heading.parts["consumer"])
        if consumer.heading.operation not in (Operation.LARGEST, Operation.WINDOW_MEAN):
            return False
        height, width = size(consumer.heading.parts["window"])
        _, rows, columns = consumer.cells.rows.shape
        return bool(index[1] // height >= rows or index[2] // width >= columns)
