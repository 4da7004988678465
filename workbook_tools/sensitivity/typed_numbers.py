"""Finds the typed numbers that a cell depends on: it is followed back, cell by cell."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.columns import Columns
from workbook_tools.program.graph import Area, Graph


def typed_numbers(
    sheets: Sequence[Sheet], graph: Graph, values: Columns, of: Cell, most: int
) -> list[Cell]:
    """Return the cells with a number and without a formula that a cell depends on.

    They come in the order of the sheets, then row by row. Formulas are followed as they are
    written: the branch of an IF that is not taken counts, too. If there are more than ``most``,
    one more is returned, not all.
    """
    found: list[Cell] = []
    seen = _Seen(sheets, values)
    waiting = [of]
    while waiting and len(found) <= most:
        cell = waiting.pop()
        number = graph.node_of(cell)
        if number is not None:
            for area in graph.nodes[number].areas(cell[1]):
                waiting += seen.new(area)
        elif cell != of and isinstance(values.value(cell), float):
            found.append(cell)
    order = {sheet.name: k for k, sheet in enumerate(sheets)}
    return sorted(found, key=lambda cell: (order[cell[0]], *cell[1:]))


class _Seen:
    """Which cells have been come across, by sheet and column."""

    def __init__(self, sheets: Sequence[Sheet], values: Columns) -> None:
        self._names = {sheet.name.lower(): sheet.name for sheet in sheets}
        self._columns: dict[str, dict[int, NDArray[np.bool_]]] = {}  # by column, from row 0
        for sheet in sheets:
            last: dict[int, int] = {}
            for column in values.filled(sheet.name):
                own = values.column(sheet.name, column)
                last[column] = int(own.rows[-1]) if own is not None and len(own.rows) else 0
            for column, runs in sheet.runs.items():
                last[column] = max(last.get(column, 0), *(run.last_row for run in runs))
            self._columns[sheet.name] = {
                column: np.zeros(row + 1, dtype=bool) for column, row in sorted(last.items())
            }

    def new(self, area: Area) -> list[Cell]:
        """Return the cells of an area that have not been come across, and remember them."""
        name = self._names.get(area.sheet.lower())
        found: list[Cell] = []
        for column, seen in self._columns.get(name or "", {}).items():
            if name and area.first_column <= column <= area.last_column:
                own = seen[area.first_row : area.last_row + 1]
                rows = np.flatnonzero(~own) + area.first_row
                own[:] = True
                found += [(name, row, column) for row in rows.tolist()]
        return found
