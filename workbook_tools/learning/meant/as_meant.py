"""Tries what may have been meant where updates are not explained, and tells the mistakes."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

from workbook_tools.differentiation.adjoints import NotDifferentiableError
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.wording import change_in_words
from workbook_tools.judging.faults import Fault, Kind, Suggestion, compared, plain
from workbook_tools.judging.findings import Finding
from workbook_tools.judging.report import Learned
from workbook_tools.learning.described import NOT_CHECKED
from workbook_tools.learning.found import Found, Search
from workbook_tools.learning.given import given_by
from workbook_tools.learning.judging.verdicts import Judged, Verdict
from workbook_tools.learning.meant.bound_wrongly import bound_wrongly
from workbook_tools.learning.meant.earlier_parameters import earlier_parameters, with_earlier
from workbook_tools.learning.meant.in_gradients import in_gradients
from workbook_tools.learning.meant.left_out import left_out, unused
from workbook_tools.learning.meant.proposals import Change, Proposal
from workbook_tools.learning.moved import as_copied
from workbook_tools.learning.ranges import by_sheet, ranges
from workbook_tools.learning.reads import TooManyReadsError
from workbook_tools.notation.addresses import Cell, cell_name
from workbook_tools.package.cell_values import CellValue
from workbook_tools.program.what_if import with_formulas

_MOST = 8  # proposals that are tried
_GOOD = (Verdict.RIGHT, Verdict.ALIKE)
_NOT_USED = "the loss does not depend on its parameter"
_SAME = 1e-9  # a value that is off by less is right at present


def as_meant(found: Found, sheets: Sequence[Sheet], search: Search) -> tuple[Found, list[Proposal]]:
    """Return what learns with the formulas that were meant, and these.

    Return what was found if no proposal makes everything right that it is for.
    """
    if search.loss is not None:
        return found, []
    for propose in (bound_wrongly, earlier_parameters, left_out, in_gradients):
        if (mended := _first(propose, found, sheets, search)) is not None:
            return mended
    return found, []


def _first(
    propose: Callable[[Found], Iterator[Proposal]],
    found: Found,
    sheets: Sequence[Sheet],
    search: Search,
) -> tuple[Found, list[Proposal]] | None:
    """Return what learns with the first proposal that is right, perhaps with others on top."""
    for proposal in islice(propose(found), _MOST):
        try:
            changed = with_formulas(sheets, proposal.formulas)
            again = search(changed)
            if _is_better(again, found, proposal):
                return again, [proposal]
            if propose is bound_wrongly:
                more = _first(in_gradients, again, changed, search)
                if more is not None and _is_better(more[0], found, proposal):
                    return more[0], [proposal, *more[1]]
        except (NotDifferentiableError, TooManyReadsError):
            continue
    return None


def _is_better(again: Found, found: Found, proposal: Proposal) -> bool:
    """Tell whether all is right that a proposal is for, and nothing is wrong that was right."""
    before, now, updates = _right(found), _right(again), {*proposal.updates}
    of_them = (one for one in again.results if not updates.isdisjoint(dict(_verdicts(one))))
    return now >= before | updates and not any(one.culprits for one in of_them)


def _right(found: Found) -> set[Cell]:
    """Return the updates that are right; those that are only assumed do not count."""
    known = {sheet.name for sheet in found.space.sheets}
    every = (pair for result in found.results for pair in _verdicts(result))
    return {cell for cell, verdict in every if verdict in _GOOD and cell[0] in known}


def _verdicts(result: Judged) -> Iterator[tuple[Cell, Verdict]]:
    for part in (result, result.indirect):
        if part is not None:
            cells = map(part.model.space.layout.cell, part.model.updates.cells.tolist())
            yield from zip(cells, part.verdicts, strict=True)


def findings_of(result: Judged, proposals: Sequence[Proposal]) -> Iterator[Finding]:
    """Yield the mistakes of a model, one for each proposal, and call their cells wrong."""
    own = dict(_verdicts(result))
    for proposal in proposals:
        if not all(cell in own for cell in proposal.updates):
            continue
        groups: dict[tuple[str, int, str], list[Cell]] = defaultdict(list)
        for cell, change in sorted(proposal.changes.items(), key=lambda one: one[0]):
            sheet, row, column = cell
            groups[sheet, column, as_copied(change.meant, row, column)].append(cell)
        for cells in groups.values():
            _call_wrong(result, cells)
        yield Finding(
            tuple(
                _fault(result, {cell: proposal.changes[cell] for cell in cells})
                for cells in groups.values()
            )
        )


def _call_wrong(result: Judged, cells: Sequence[Cell]) -> None:
    """Call cells of a model wrong: updates, and gradients."""
    places = {result.model.space.layout.place_of(cell) for cell in cells}
    for part in (result, result.indirect):
        for k, update in enumerate(part.model.updates.cells.tolist() if part else ()):
            if part and update in places:
                part.verdicts[k] = Verdict.WRONG
                places.discard(update)
    result.wrong |= places & result.claims.by_parameter.keys()


def _fault(result: Judged, changes: Mapping[Cell, Change]) -> Fault:
    """Return cells of a column that are wrong in the same way."""
    space = result.model.space
    (first, change), *_ = changes.items()
    sheet, row, column = first
    formulas = {cell[1]: one.meant for cell, one in changes.items()}
    should = {cell: _given(result, cell, one.meant) for cell, one in changes.items()}
    shown = {cell: space.values.value(cell) for cell in changes}
    off = [cell for cell in changes if not _is_same(shown[cell], should[cell])]
    worst, *_ = *off, first
    value = shown[worst]
    value = value if isinstance(value, str | float) else None
    name = cell_name(row, column)
    said = f"{name} {change.what}"
    if off and math.isfinite(should[worst]):
        said += f": {compared(cell_name(*worst[1:]), value, plain(should[worst]), True)}"
    return Fault(
        kind=change.kind if off else Kind.LATENT, quantity=change.quantity, sheet=sheet,
        column=column, rows=tuple(formulas), formula=change.formula, value=value,
        expected=plain(should[worst]), max_rel_error=None, message=f"{said}.",
        suggestion=Suggestion(
            formulas, change_in_words(change.formula, change.meant, len(changes) > 1), None,
            len(changes), result.model.memory.draws,
        ),
    )  # fmt: skip


def _given(result: Judged, cell: Cell, formula: str) -> float:
    """Return what a formula gives in a cell with the numbers of the workbook; NaN if unknown."""
    found = given_by(result, cell, formula)
    return math.nan if found is None else float(found[-1])


def _is_same(shown: CellValue, should: float) -> bool:
    return isinstance(shown, float) and math.isclose(shown, should, rel_tol=_SAME, abs_tol=_SAME)


def not_used(found: Found, result: Judged) -> Iterator[Learned]:
    """Yield updates like those of a model, of parameters on which the loss does not depend.

    Nothing that was tried makes them right.
    """
    space = found.space
    earlier = np.array([update for update, *_ in with_earlier(found, result)], dtype=np.int64)
    every = np.concatenate([earlier, *unused(found, result)])
    for sheet, own in by_sheet(map(space.layout.cell, every.tolist())).items():
        yield Learned(sheet, ranges(own), len(own), "", None, NOT_CHECKED, _NOT_USED)
