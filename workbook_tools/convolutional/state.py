"""The numbers of a whole workbook at one moment, with one digit and one set of weights."""

import numpy as np
from numpy.typing import NDArray

from workbook_tools.convolutional.book import Book, Grid
from workbook_tools.engines import Calculation
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellValue


class State:
    """Every value of a workbook, read once."""

    def __init__(self, book: Book, calculation: Calculation) -> None:
        self._sheets = {
            sheet: calculation.block(sheet, 1, 1, *last) for sheet, last in _extents(book).items()
        }
        self._arrays = {
            sheet: np.array([[_number(value) for value in row] for row in rows])
            for sheet, rows in self._sheets.items()
        }
        self._blank = {
            sheet: np.array([[value is None for value in row] for row in rows])
            for sheet, rows in self._sheets.items()
        }

    def numbers(self, grid: Grid, blank: float = np.nan) -> NDArray[np.float64]:
        """Return the numbers of cells; ``blank`` for empty cells, NaN for other contents."""
        at = grid.rows - 1, grid.columns - 1
        found: NDArray[np.float64] = self._arrays[grid.sheet][at]
        return np.where(self._blank[grid.sheet][at], blank, found)

    def value(self, cell: Cell) -> CellValue:
        """Return the value of a cell."""
        sheet, row, column = cell
        return self._sheets[sheet][row - 1][column - 1]

    def number(self, cell: Cell) -> float:
        """Return a cell's number; NaN if it has none."""
        return _number(self.value(cell))


def _number(value: CellValue) -> float:
    if isinstance(value, float) and not isinstance(value, bool):
        return value
    return float("nan")


def _extents(book: Book) -> dict[str, tuple[int, int]]:
    """Return the last row and column of each sheet that are needed."""
    extents: dict[str, tuple[int, int]] = {}

    def reach(sheet: str, row: int, column: int) -> None:
        before = extents.get(sheet, (0, 0))
        extents[sheet] = (max(before[0], row), max(before[1], column))

    for section in book.sections.values():
        above, beside = section.heading.margin
        for grid in section.grids:
            reach(grid.sheet, int(grid.rows.max()) + above, int(grid.columns.max()) + beside)
    for grid in (*book.table.values(), book.truth):
        reach(grid.sheet, int(grid.rows.max()), int(grid.columns.max()))
    for sheet, row, column in [*book.inputs.values(), *book.singles.values()]:
        reach(sheet, row, column)
    return extents
