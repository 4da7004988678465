"""What a cell depends on, cell by cell: the typed numbers, and the formulas in between.

A result in row 40 of a long table needs 40 of its rows. So only these are run again.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.families import Run
from workbook_tools.formulas.runs import runs_of
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.columns import Column, Columns
from workbook_tools.program.graph import Area, Graph


class Behind:
    """The cells that one cell depends on.

    Formulas are followed as they are written: the branch of an IF that is not taken counts, too.
    """

    def __init__(
        self, sheets: Sequence[Sheet], graph: Graph, values: Columns, of: Cell, most: float
    ) -> None:
        """Follow a cell back; if there are more than ``most`` typed numbers, not all are found."""
        self._sheets, self._values = sheets, values
        self._names = {sheet.name.lower(): sheet.name for sheet in sheets}
        self._seen = {sheet.name: _rows_of(sheet, values) for sheet in sheets}  # then by column
        self._new(Area(*of, *of[1:], picks=False))
        found: list[Cell] = []
        waiting = [of]
        while waiting and len(found) <= most:
            cell = waiting.pop()
            number = graph.node_of(cell)
            if number is not None:
                for area in graph.nodes[number].areas(cell[1]):
                    waiting += self._new(area)
            elif cell != of and isinstance(values.value(cell), float):
                found.append(cell)
        order = {sheet.name: k for k, sheet in enumerate(sheets)}
        # The cells with a number and without a formula, in the order of the sheets, row by row.
        self.numbers = sorted(found, key=lambda cell: (order[cell[0]], *cell[1:]))

    def with_cells(self, cells: Sequence[Cell]) -> None:
        """Keep some cells, too, on which the cell does not depend, perhaps."""
        for cell in cells:
            self._new(Area(*cell, *cell[1:], picks=False))

    def values(self) -> Columns:
        """Return the values of the cells that the cell depends on, and its own."""
        found: dict[str, dict[int, Column]] = {}
        for sheet, columns in self._seen.items():
            found[sheet] = {}
            for column, seen in columns.items():
                own = self._values.column(sheet, column)
                if own is not None and seen.any():
                    kept = seen[own.rows]
                    others = {row: value for row, value in own.others.items() if seen[row]}
                    found[sheet][column] = Column(own.rows[kept], own.numbers[kept], others)
        return Columns(found)

    def sheets(self) -> list[Sheet]:
        """Return the sheets with those formulas alone that the cell depends on, and its own."""
        return [
            replace(
                sheet,
                runs={
                    column: kept
                    for column, runs in sheet.runs.items()
                    if (kept := _kept(runs, self._seen[sheet.name][column]))
                },
            )
            for sheet in self._sheets
        ]

    def _new(self, area: Area) -> list[Cell]:
        """Return the cells of an area that have not been come across, and remember them."""
        name = self._names.get(area.sheet.lower())
        found: list[Cell] = []
        for column, seen in self._seen.get(name or "", {}).items():
            if name and area.first_column <= column <= area.last_column:
                own = seen[area.first_row : area.last_row + 1]
                rows = np.flatnonzero(~own) + area.first_row
                own[:] = True
                found += [(name, row, column) for row in rows.tolist()]
        return found


def _rows_of(sheet: Sheet, values: Columns) -> dict[int, NDArray[np.bool_]]:
    """Return, by column, an array with an element for each row that may have something."""
    last: dict[int, int] = {}
    for column in values.filled(sheet.name):
        own = values.column(sheet.name, column)
        last[column] = int(own.rows[-1]) if own is not None and len(own.rows) else 0
    for column, runs in sheet.runs.items():
        last[column] = max(last.get(column, 0), *(run.last_row for run in runs))
    return {column: np.zeros(row + 1, dtype=bool) for column, row in sorted(last.items())}


def _kept(runs: Sequence[Run], seen: NDArray[np.bool_]) -> list[Run]:
    """Return the runs of a column without the rows that have not been come across."""
    parts = [np.arange(run.first_row, run.last_row + 1, run.step) for run in runs]
    rows = [part[seen[part]] for part in parts]
    numbers = np.repeat(np.arange(len(runs)), [*map(len, rows)])
    every = np.concatenate(rows)
    order = np.argsort(every)
    if not len(order):
        return []
    return runs_of(every[order], numbers[order], [run.formula for run in runs])
