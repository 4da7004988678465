"""Suggests the formula that was meant where one is wrong.

The first proposal (``proposals.py``) that can be proven (``proof.py``) becomes the suggestion: it
has to give the right values with the sheet's own numbers in every row of the finding, and with
random numbers in every trial.
"""

from collections.abc import Sequence
from dataclasses import replace

from workbook_tools.formulas.budget import Budget
from workbook_tools.formulas.tree import SyntaxProblemError, parse
from workbook_tools.formulas.wording import ANEW, change_in_words, in_symbols
from workbook_tools.judging.findings import Finding, Kind, Suggestion
from workbook_tools.judging.grounds import Grounds
from workbook_tools.judging.judge import Judge
from workbook_tools.judging.probe import Trials
from workbook_tools.mending.cells import named
from workbook_tools.mending.proof import Proof
from workbook_tools.mending.proposals import Proposal, Proposals
from workbook_tools.package.columns import Calculation

_WITHOUT = {Kind.STALE_VALUE, Kind.ODD_START}  # here no formula is wrong


class Repair:
    """Suggests formulas for the findings of one table."""

    def __init__(
        self,
        grounds: Grounds,
        trials: Trials,
        judge: Judge,
        calculation: Calculation,
        budget: Budget,
    ) -> None:
        """Each proof counts against the ``budget``; when it is spent, nothing more is suggested."""
        self._grounds = grounds
        self._trials = trials
        self._judge = judge
        self._proof = Proof(grounds.table, trials, judge, calculation)
        self._budget = budget

    def of_all(self, findings: Sequence[Finding]) -> list[Finding]:
        """Return the findings, each with the formulas that its cells should have, if proven."""
        blamed = {finding.quantity for finding in findings}
        proposals = Proposals(self._grounds, self._trials, self._judge, blamed)
        return [self._suggested(finding, proposals) for finding in findings]

    def _suggested(self, finding: Finding, proposals: Proposals) -> Finding:
        if finding.kind in _WITHOUT or finding.quantity not in self._judge.families:
            return finding
        if not self._trials.knows(finding.quantity) or not self._budget.begins():
            return finding
        for proposal in proposals.of(finding):
            self._budget.spend()
            checked = self._proof.checked_rows(finding, proposal.formulas)
            if checked is not None and self._proof.is_right(finding, proposal.formulas):
                edit, symbols = self._said(finding, proposal)
                suggestion = Suggestion(
                    proposal.formulas,
                    edit,
                    symbols,
                    checked,
                    self._trials.count,
                    proposal.helpers,
                )
                return replace(finding, suggestion=suggestion)
        return finding

    def _said(self, finding: Finding, proposal: Proposal) -> tuple[str, tuple[str, str] | None]:
        """Return the change in words, and in symbols if these can express it."""
        row, note = finding.rows[0], proposal.note
        old, new = proposal.changed or (finding.formula, proposal.formulas[row])
        words = change_in_words(old, new, finding.count > 1)
        if note and note != ANEW and words != ANEW:
            words += f", {note}"
        try:
            trees = parse(old or ""), parse(new)
        except SyntaxProblemError:
            return words, None
        return words, in_symbols(*trees, lambda text: named(self._grounds, text, row))
