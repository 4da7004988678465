"""The effect of a finding: what the last loss would be if its cells were right.

For that, the right formulas or numbers are put into the calculated workbook for a moment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from workbook_tools.formulas.budget import Budget
from workbook_tools.judging.findings import Finding, Kind, plain
from workbook_tools.notation.addresses import Cell
from workbook_tools.program.what_if import WhatIf
from workbook_tools.reading.cells import number
from workbook_tools.reading.table import Table

MOST_CELLS = 10_000  # that a finding's effect is worked out for


class Effects(NamedTuple):
    """Works out the last loss of one table with other contents in some cells."""

    table: Table
    what_if: WhatIf
    budget: Budget  # in formula cells that are recalculated
    formulas: int  # how many formula cells the workbook has

    def with_contents(self, contents: Mapping[Cell, str | float]) -> float | None:
        """Return the last loss with these formulas and numbers in cells; None if it is no number.

        None too for so many cells that it would take minutes, and when the budget is spent.
        """
        cell = self.table.last_loss_cell
        if cell is None or len(contents) > MOST_CELLS or not self.budget.begins():
            return None
        self.budget.spend(self.formulas)
        return plain(number(self.what_if.value(contents, cell)))

    def of_all(self, findings: Sequence[Finding]) -> list[Finding]:
        """Return the findings with their effect, where it is known what belongs in their cells."""
        found = []
        for finding in findings:
            if contents := _put_right(finding):
                finding = replace(finding, effect=self.with_contents(contents))
            found.append(finding)
        return found


def _put_right(finding: Finding) -> dict[Cell, str | float]:
    """Return what belongs in a finding's cells; nothing if that is not known."""
    if finding.kind is Kind.ODD_START and finding.expected is not None:
        return {(finding.sheet, row, finding.column): finding.expected for row in finding.rows}
    return {**finding.put_right}
