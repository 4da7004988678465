"""What the last loss would be without a finding: its cells put right, all others as they are.

What is right is put into a copy of the workbook, which is calculated again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from workbook_tools.checking.cells import Cell, number
from workbook_tools.checking.findings import Finding, Kind, plain
from workbook_tools.checking.right_formulas import RightFormulas
from workbook_tools.checking.table import Table
from workbook_tools.engines.embedded import WhatIf


@dataclass(frozen=True)
class Effects:
    """Tells the last loss of one table."""

    table: Table
    what_if: WhatIf

    def with_contents(self, contents: Mapping[Cell, str | float]) -> float | None:
        """Return the last loss with these formulas and numbers in cells; None if it is none."""
        cell = self.table.last_loss_cell
        return plain(number(self.what_if.value(contents, cell))) if cell else None

    def with_formulas(self, findings: Sequence[Finding], right: RightFormulas) -> list[Finding]:
        """Return the findings, each with what the last loss would be without it."""
        found = []
        for finding in findings:
            if contents := _put_right(finding, right):
                finding = replace(finding, effect=self.with_contents(contents))
            found.append(finding)
        return found


def _put_right(finding: Finding, right: RightFormulas) -> dict[Cell, str | float] | None:
    """Return what belongs in a finding's cells; None if that cannot be said of all of them."""
    contents: dict[Cell, str | float] = {}
    if finding.kind is Kind.STALE_VALUE:
        return None  # calculated anew it is right
    for row in finding.rows:
        content: str | float | None = right.at(finding.quantity, row)
        if finding.kind is Kind.ODD_START:
            content = finding.expected
        if content is None:
            return None
        contents[finding.sheet, row, finding.column] = content
    return contents
