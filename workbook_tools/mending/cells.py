"""Cells of a table: the quantity of each, and how a formula or a message refers to it."""

from workbook_tools.formulas.references import areas
from workbook_tools.judging.grounds import Grounds
from workbook_tools.notation.addresses import Cell, cell_name, sheet_prefix
from workbook_tools.notation.quantities import LEARNING_RATE
from workbook_tools.reading.table import Table


def symbol_at(grounds: Grounds, cell: Cell) -> str | None:
    """Return the symbol of the quantity in a cell; None if there is none."""
    table = grounds.table
    if cell == table.rate_cell:
        return LEARNING_RATE
    for symbol, place in [*table.single.items(), *grounds.starts.items()]:
        if place == cell:
            return symbol
    if cell[0] == table.sheet.name and table.first_row <= cell[1] <= table.last_row:
        return next((s for s, column in table.columns.items() if column == cell[2]), None)
    return None


def written(table: Table, cell: Cell) -> str:
    """Return the reference that a formula of the table would use for a cell."""
    sheet, row, column = cell
    if sheet != table.sheet.name:
        return sheet_prefix(sheet) + cell_name(row, column, absolute=True)
    inside = table.first_row <= row <= table.last_row
    return cell_name(row, column, absolute=not inside)


def named(grounds: Grounds, text: str, row: int) -> str:
    """Return the symbol for a reference in a formula of ``row``, as a message shows it."""
    table, area = grounds.table, areas(text)[0]
    cell = (area.sheet or table.sheet.name, area.first_row, area.first_column)
    symbol = symbol_at(grounds, cell)
    if symbol is None:
        return text
    inside = cell[0] == table.sheet.name and symbol in table.columns
    if inside and abs(cell[1] - row) > table.block:
        return f"{symbol} of row {cell[1]}"
    return symbol
