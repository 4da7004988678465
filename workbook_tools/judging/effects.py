"""The effect of a finding: what the last loss would be if its cells were right.

For that, the right formulas or numbers are put into the calculated workbook for a moment.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from workbook_tools.formulas.budget import Budget
from workbook_tools.judging.faults import Fault, Kind, plain
from workbook_tools.judging.findings import Effect
from workbook_tools.notation.addresses import Cell
from workbook_tools.program.what_if import WhatIf
from workbook_tools.reading.cells import number
from workbook_tools.reading.table import Table

MOST_CELLS = 10_000  # that a finding's effect is worked out for


class Effects(NamedTuple):
    """Works out the last losses of tables with other contents in some cells."""

    what_if: WhatIf
    budget: Budget  # in formula cells that are recalculated
    formulas: int  # how many formula cells the workbook has

    def of(self, places: Sequence[tuple[Table, Fault]]) -> tuple[Effect, ...]:
        """Return the effects of faults, each given with the table that they are in or change.

        There are none where it is not known what belongs in all cells of a table.
        """
        faults: dict[int, list[Fault]] = {}
        tables = {id(table): table for table, _ in places}
        for table, fault in places:
            faults.setdefault(id(table), []).append(fault)
        found = (self._on(tables[key], own) for key, own in faults.items())
        return tuple(effect for effect in found if effect)

    def _on(self, table: Table, faults: Sequence[Fault]) -> Effect | None:
        cell, contents = table.last_loss_cell, dict[Cell, str | float]()
        for fault in faults:
            right = _right(fault)
            if right is None:
                return None
            contents |= right
        if cell is None or len(contents) > MOST_CELLS:
            return None
        last_loss = plain(table.last_loss)
        if not contents:
            return Effect(table.sheet.name, last_loss, last_loss)
        if not self.budget.begins():
            return None
        self.budget.spend(self.formulas)
        without = plain(number(self.what_if.value(contents, cell)))
        return Effect(table.sheet.name, last_loss, without)


def _right(fault: Fault) -> Mapping[Cell, str | float] | None:
    """Return what belongs in a fault's cells; None if that is not known."""
    if fault.kind is Kind.STALE_VALUE:
        return {}  # the calculation has the right values already
    if fault.suggestion:
        return dict(fault.put_right)
    if fault.numbers:
        return {(fault.sheet, row, fault.column): own for row, own in fault.numbers.items()}
    return None
