"""Numbers the cells of a workbook, so that one array can say something about each of them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from workbook_tools.errors import InputError
from workbook_tools.formulas.families import Run
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation.addresses import Cell

Numbers: TypeAlias = NDArray[np.int64]
Index: TypeAlias = tuple[int, ...]  # of a cell in its grid, or the grid's shape

_MOST = 20_000_000  # cells, with the empty ones between sections


class Grid(NamedTuple):
    """Cells of one sheet as an array: their rows and columns, in two arrays of the same shape."""

    sheet: str
    rows: Numbers
    columns: Numbers

    @classmethod
    def of(cls, cell: Cell) -> "Grid":
        """Return a single cell as a grid without dimensions."""
        sheet, row, column = cell
        return cls(sheet, np.array(row), np.array(column))

    def cell(self, index: Index) -> Cell:
        """Return one of the cells."""
        return self.sheet, int(self.rows[index]), int(self.columns[index])

    def at(self, *index: int | Numbers) -> tuple[str, Numbers, Numbers]:
        """Return the sheet, row and column of a cell, or of several whose indices are in arrays."""
        return self.sheet, self.rows[index], self.columns[index]

    def padded(self, above: int, beside: int) -> "Grid":
        """Return maps (n, height, width) extended by rows and columns on each side."""
        height, width = self.rows.shape[1:]
        down = self.rows[:, :1, :1] + np.arange(-above, height + above)[None, :, None]
        along = self.columns[:, :1, :1] + np.arange(-beside, width + beside)[None, None, :]
        shape = (len(self.rows), height + 2 * above, width + 2 * beside)
        return Grid(self.sheet, np.broadcast_to(down, shape), np.broadcast_to(along, shape))


class Area(NamedTuple):
    """The cells of a sheet from A1 to the last that is needed."""

    begin: int  # the number of A1
    rows: int
    columns: int

    @property
    def numbers(self) -> slice:
        """The numbers of its cells, row by row."""
        return slice(self.begin, self.begin + self.rows * self.columns)


class Places:
    """The number of each cell; every sheet's begin where those of the one before end."""

    def __init__(self, path: Path, grids: Iterable[Grid]) -> None:
        """Take the cells from A1 of each sheet to the last of its ``grids``.

        Raises ``InputError`` if these are too many.
        """
        self._path = path
        last: dict[str, tuple[int, int]] = {}
        for grid in grids:
            rows, columns = last.get(grid.sheet, (1, 1))
            rows, columns = max(rows, int(grid.rows.max())), max(columns, int(grid.columns.max()))
            last[grid.sheet] = rows, columns
        self._areas: dict[str, Area] = {}
        self.count = 0
        for sheet, (rows, columns) in last.items():
            self._areas[sheet] = Area(self.count, rows, columns)
            self.count += rows * columns
        if self.count > _MOST:
            raise InputError(
                f"{path}: its sections are spread over {self.count:,} cells, and at most {_MOST:,} "
                "are read; write the workbook again"
            )

    def areas(self) -> Iterator[tuple[str, Area]]:
        """Yield the sheets."""
        yield from self._areas.items()

    def of(self, grid: Grid) -> Numbers:
        """Return the numbers of cells; raises ``InputError`` for cells beyond the last."""
        begin, rows, columns = self._areas[grid.sheet]
        at = begin + (grid.rows - 1) * columns + grid.columns - 1
        if min(grid.rows.min(), grid.columns.min()) < 1 or (
            grid.rows.max() > rows or grid.columns.max() > columns
        ):
            raise InputError(
                f"{self._path}: by its headings, the cells around a map on the sheet "
                f"{grid.sheet!r} lie beyond the sheet; write the workbook again"
            )
        return np.asarray(at)


class BookFormulas:
    """The formulas of a workbook; what is filled down a column is held once."""

    def __init__(self, sheets: Iterable[Sheet], places: Places) -> None:
        self._sheets = {sheet.name: sheet for sheet in sheets}
        self.runs: list[Run] = []
        self.numbers = np.full(places.count, -1)  # of the run that a cell belongs to; −1 for none
        for name, area in places.areas():
            own = self.numbers[area.numbers].reshape(area.rows, area.columns)
            sheet = self._sheets.get(name)
            for column, runs in sheet.runs.items() if sheet else ():
                for run in runs if column <= area.columns else ():
                    own[run.first_row - 1 : run.last_row : run.step, column - 1] = len(self.runs)
                    self.runs.append(run)

    def get(self, cell: Cell) -> str | None:
        """Return a cell's formula; None if it has none."""
        name, row, column = cell
        sheet = self._sheets.get(name)
        return sheet.formula_at(row, column) if sheet else None

    def counts(self) -> Iterator[tuple[str, int]]:
        """Yield each sheet with the number of its formula cells."""
        for name, sheet in self._sheets.items():
            yield name, sheet.formula_count()
