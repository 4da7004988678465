"""Where a formula is evaluated: its cell, and how it reads others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from workbook_tools.evaluator.values import VALUE, Grid, Value
from workbook_tools.formulas.references import Area
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellValue


class Cells(Protocol):
    """The cells of a workbook; those of a sheet that does not exist are ``#REF!``."""

    def value(self, sheet: str, row: int, column: int) -> CellValue:
        """Return the value of a cell; rows and columns count from 1."""
        ...

    def grid(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> Grid:
        """Return the values of a range."""
        ...


# The results of array formulas that fill several cells, by their first cell.
Arrays: TypeAlias = dict[Cell, Grid]


@dataclass(slots=True)
class At:
    """The cell of a formula, and how many rows it is below the one that the formula is for.

    While no cell changes, formulas may share ``arrays``: each array is worked out once.
    """

    cells: Cells
    sheet: str
    row: int
    column: int
    shift: int
    arrays: Arrays

    def single(self, found: "Found") -> CellValue:
        """Return the one value that a part stands for; of a range, that in the cell's own line."""
        if isinstance(found, Grid):
            return found.at(0, 0)
        if not isinstance(found, Area):
            return found
        row, column = found.first_row, found.first_column
        if found.cell_count > 1:
            if column == found.last_column and row <= self.row <= found.last_row:
                row = self.row
            elif row == found.last_row and column <= self.column <= found.last_column:
                column = self.column
            else:
                return VALUE
        return self.cells.value(found.sheet or self.sheet, row, column)

    def cut(self, found: "Found") -> Value:
        """Return the one value that a range stands for; other arrays stay as they are."""
        return self.single(found) if isinstance(found, Area) else found

    def values(self, found: "Found") -> Value:
        """Return all values that a part stands for; a single cell is no grid."""
        if isinstance(found, Area):
            return self.single(found) if found.cell_count == 1 else self.grid(found)
        return found

    def grid(self, area: Area) -> Grid:
        """Return the values of an area."""
        return self.cells.grid(
            area.sheet or self.sheet,
            area.first_row,
            area.first_column,
            area.last_row,
            area.last_column,
        )


Found: TypeAlias = Value | Area
Step: TypeAlias = Callable[[At], Found]
