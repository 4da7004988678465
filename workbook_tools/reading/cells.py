"""Single cells of a calculated workbook: where one is, and the number in it."""

from dataclasses import dataclass

from workbook_tools.engines import Calculation
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellValue


def number(value: CellValue) -> float:
    """Return a cell's value as a number; NaN if it is none."""
    return value if isinstance(value, float) else float("nan")


def value_at(cell: Cell, calculation: Calculation) -> CellValue:
    """Return a cell's value."""
    sheet, row, column = cell
    return calculation.block(sheet, row, column, row, column)[0][0]


def number_at(cell: Cell, calculation: Calculation) -> float:
    """Return a cell's number, or NaN if it has none."""
    return number(value_at(cell, calculation))


@dataclass(frozen=True)
class Values:
    """Where the values of a workbook come from."""

    calculation: Calculation
    stored: Calculation | None  # what the file carries, if something else calculated
