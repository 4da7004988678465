"""A short text that identifies a table's formulas, wherever the table stands.

References are replaced by what they refer to: the learning rate, or a quantity and how many rows
away it is. So the place of a table, the order of its columns and its length make no difference; how
a formula is written does.
"""

import hashlib
from collections.abc import Mapping

from workbook_tools.formulas.families import Families
from workbook_tools.formulas.references import with_references, without_spaces
from workbook_tools.notation.addresses import Cell, column_letter
from workbook_tools.notation.quantities import LEARNING_RATE
from workbook_tools.reading.table import Table


def signature(table: Table, families: Mapping[str, Families]) -> str:
    """Return the signature of a table; ``families`` are the formulas of its columns."""
    by_column = {column: symbol for symbol, column in table.columns.items()}
    by_cell = {cell: symbol for symbol, cell in table.single.items()}
    if table.rate_cell:
        by_cell[table.rate_cell] = LEARNING_RATE
    lines = []
    for symbol in sorted(families):
        own = families[symbol]
        for places, formula in zip(own.places, own.formulas, strict=True):
            row = table.row_of(int(places[0]) if len(places) else 0)
            lines.append(f"{symbol}{_in_symbols(table, by_column, by_cell, formula.at(row), row)}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _in_symbols(
    table: Table,
    by_column: Mapping[int, str],
    by_cell: Mapping[Cell, str],
    formula: str,
    own_row: int,
) -> str:
    def named(sheet: str | None, row: int, column: int) -> str:
        cell = (sheet or table.sheet.name, row, column)
        if cell in by_cell:
            return f"[{by_cell[cell]}]"
        if cell[0] != table.sheet.name:
            return f"[{sheet}!{column_letter(column)}{row}]"
        inside = table.first_row <= row <= table.last_row
        if inside and column in by_column:
            return f"[{by_column[column]} {row - own_row:+}]"
        return f"[{row - (own_row if inside else table.header_row):+}, {column_letter(column)}]"

    return with_references(without_spaces(formula), named).upper()
