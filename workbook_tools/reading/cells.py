"""Reads single cells of a calculated workbook."""

from typing import NamedTuple

from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellValue
from workbook_tools.package.columns import Calculation


def number(value: CellValue) -> float:
    """Return a cell's value as a number; NaN if it is not one."""
    return value if isinstance(value, float) else float("nan")


def number_at(cell: Cell, calculation: Calculation) -> float:
    """Return a cell's number, or NaN if it has none."""
    return number(calculation.value(cell))


class Values(NamedTuple):
    """Where the values of a workbook come from."""

    calculation: Calculation
    stored: Calculation | None  # the values in the file, if an engine calculated others
