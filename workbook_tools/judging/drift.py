"""Finds updates that read the learning rate without ``$``, so that it drifts when filled down."""

from workbook_tools.formulas.families import Formula
from workbook_tools.formulas.references import areas
from workbook_tools.judging.columns import Places
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.table import Table


def reads_rate(formula: str, table: Table) -> bool:
    """Tell whether a formula reads the cell of the learning rate."""
    rate, sheet = table.rate_cell, table.sheet.name
    return rate is not None and any(area.covers(rate, sheet) for area in areas(formula))


def drifts(formula: Formula, places: Places, table: Table, calculation: Calculation) -> bool:
    """Tell whether a formula reads the learning rate in its first row, and others further down.

    The cells further down must hold other contents, too: a column may hold the same rate for each
    iteration.
    """
    rate, sheet = table.rate_cell, table.sheet.name
    first = areas(formula.at(table.row_of(int(places[0]))))
    own = next((k for k, area in enumerate(first) if rate and area.covers(rate, sheet)), None)
    if rate is None or own is None:
        return False
    for place in places[::-1]:
        area = areas(formula.at(table.row_of(int(place))))[own]
        if area.covers(rate, sheet):
            return False
        cell = area.sheet or sheet, area.first_row, area.first_column
        if calculation.value(cell) != calculation.value(rate):
            return True
    return False
