"""Suggests the formula that was meant where one is wrong.

The first proposal (``proposals.py``) that can be proven (``proof.py``) becomes the suggestion: it
has to give the right values with the sheet's own numbers in every row of the fault, and with
random numbers in every trial. If a column has several faults, a formula that is right in all their
rows comes first, so that the mended column is one formula filled down.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from workbook_tools.formulas.budget import Budget
from workbook_tools.formulas.families import filled
from workbook_tools.formulas.tree import SyntaxProblemError, parse
from workbook_tools.formulas.wording import ANEW, change_in_words, in_symbols
from workbook_tools.judging.faults import Fault, Kind, Suggestion
from workbook_tools.judging.grounds import Grounds
from workbook_tools.judging.judge import Judge
from workbook_tools.judging.probe import Trials
from workbook_tools.mending.causes import cause_of
from workbook_tools.mending.cells import named
from workbook_tools.mending.proof import Proof
from workbook_tools.mending.proposals import Proposal, Proposals
from workbook_tools.package.columns import Calculation

_WITHOUT = {Kind.STALE_VALUE, Kind.ODD_START}  # here no formula is wrong
_MOST_OTHERS = 20  # faults of a column, for which the formula suggested for one is tried


class Repair:
    """Suggests formulas for the faults of one table."""

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

    def of_all(self, faults: Sequence[Fault]) -> list[Fault]:
        """Return the faults, each with the formulas that its cells should have, if proven."""
        blamed = {fault.quantity for fault in faults}
        proposals = Proposals(self._grounds, self._trials, self._judge, blamed)
        by_quantity: dict[str, list[int]] = {}
        for k, fault in enumerate(faults):
            if fault.kind not in _WITHOUT:
                by_quantity.setdefault(fault.quantity, []).append(k)
        found = [*faults]
        for own in by_quantity.values():
            own.sort(key=lambda k: -faults[k].count)
            mended = self._column([faults[k] for k in own], proposals)
            for k, fault in zip(own, mended, strict=True):
                found[k] = fault
        return found

    def _column(self, faults: Sequence[Fault], proposals: Proposals) -> Iterator[Fault]:
        """Yield the faults of one quantity, the one in most cells first, with suggestions."""
        first: Proposal | None = None  # what was suggested for an earlier fault
        for number, fault in enumerate(faults):
            others = faults[number + 1 :][:_MOST_OTHERS] if first is None else []
            same = [self._filled(first, fault)] if first else []
            suggested, found = self._suggested(fault, chain(same, proposals.of(fault)), others)
            if found and not found.helpers:
                first = found
            yield suggested

    def _filled(self, proposal: Proposal, fault: Fault) -> Proposal:
        """Return the proposal to fill the formula of another fault into the rows of this one."""
        table = self._grounds.table
        row, formula = next(iter(proposal.formulas.items()))
        own = filled(formula, row, table.rows, table.block)
        return Proposal({row: own.at(row) for row in fault.rows}, proposal.note)

    def _suggested(
        self, fault: Fault, proposals: Iterable[Proposal], others: Sequence[Fault]
    ) -> tuple[Fault, Proposal | None]:
        """Return a fault with the first proposal that is right; best in the rows of others too."""
        if fault.quantity not in self._judge.families or not self._trials.knows(fault.quantity):
            return replace(fault, why_none="its right formula is not known"), None
        if not self._budget.begins():
            return replace(fault, why_none="there are too many findings"), None
        best: Proposal | None = None
        row, rows = fault.rows[0], 0
        for proposal in proposals:
            if fault.kind is Kind.BROKEN_PATTERN and proposal.formulas[row] == fault.formula:
                continue  # it is right as it is, but unlike the others
            checked = self._checked_rows(fault, proposal)
            if checked is None:
                continue
            is_right_everywhere = all(
                self._checked_rows(other, self._filled(proposal, other)) is not None
                for other in others
            )
            if best is None or is_right_everywhere:
                best, rows = proposal, checked
            if is_right_everywhere:
                break
        if best is None:
            why = "nothing that was tried is right in all of its rows"
            return replace(fault, why_none=why), None
        edit, symbols = self._said(fault, best)
        old, new = best.changed or (fault.formula, best.formulas[fault.rows[0]])
        suggestion = Suggestion(
            best.formulas,
            edit,
            symbols,
            rows,
            self._trials.count,
            best.helpers,
            cause_of(fault, old, new, self._grounds),
        )
        return replace(fault, suggestion=suggestion), best

    def _checked_rows(self, fault: Fault, proposal: Proposal) -> int | None:
        """Return in how many rows a proposal was checked; None if it is not right."""
        self._budget.spend()
        checked = self._proof.checked_rows(fault, proposal.formulas)
        is_right = checked is not None and self._proof.is_right(fault, proposal.formulas)
        return checked if is_right else None

    def _said(self, fault: Fault, proposal: Proposal) -> tuple[str, tuple[str, str] | None]:
        """Return the change in words, and in symbols if these can express it."""
        row, note = fault.rows[0], proposal.note
        old, new = proposal.changed or (fault.formula, proposal.formulas[row])
        words = change_in_words(old, new, fault.count > 1)
        if note and note != ANEW and words != ANEW:
            words += f", {note}"
        try:
            trees = parse(old or ""), parse(new)
        except SyntaxProblemError:
            return words, None
        if fault.kind is Kind.ROUNDED:
            return words, None
        return words, in_symbols(*trees, lambda text: named(self._grounds, text, row))
