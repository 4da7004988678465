"""The mistakes of a model as findings: where gradients and updates go wrong, and what was meant."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import islice
from typing import TypeAlias

import numpy as np

from workbook_tools.differentiation.adjoints import NotDifferentiableError
from workbook_tools.differentiation.proportional import factors, matches, most_frequent
from workbook_tools.formulas.wording import change_in_words
from workbook_tools.judging.faults import Fault, Kind, Suggestion, compared, plain
from workbook_tools.judging.findings import Finding
from workbook_tools.learning.described import loss_of
from workbook_tools.learning.given import given_by
from workbook_tools.learning.judging.factors import LOG
from workbook_tools.learning.judging.typed import Typed, typed
from workbook_tools.learning.judging.verdicts import Compared, Culprit, Expected, Judged, Verdict
from workbook_tools.learning.mending.earlier import reading_earlier
from workbook_tools.learning.mending.expected import AsOthers, Expectations, Meant
from workbook_tools.learning.mending.slopes import without_slopes
from workbook_tools.learning.mending.suggested import (
    Proposed,
    filled,
    proposed,
    without_anchors,
    written,
)
from workbook_tools.learning.moved import continued
from workbook_tools.learning.search.models import model_again
from workbook_tools.learning.space import Space
from workbook_tools.notation.addresses import Cell, cell_name
from workbook_tools.package.cell_values import CellError
from workbook_tools.program.memory import Indexes
from workbook_tools.program.what_if import with_formulas

_MOST_TRIED = 3  # formulas of one shape for which nothing was found
_MOST_CULPRITS = 2_000
_MOST_ANCHORS = 2  # of one formula, one of which is left out
_MOST_WORKBOOKS = 10  # that are differentiated with other formulas
_NICE = (0.5, 1.0, 2.0)  # factors that a gradient may have
_CLEAR = 1e-5  # relative
_NOTHING = 1e-9  # a derivative that is larger is not 0
_SAME = 1e-9  # a value that is off by less is right at present


def findings(result: Judged) -> list[Finding]:
    """Return the mistakes of a model, each once, with the cells that are wrong in the same way."""
    faults = [*_faults(result), *_by_logarithm(result)]
    if result.indirect is not None:
        faults += _faults(result.indirect)
    return [Finding(tuple(places)) for places in _together(faults)]


def _faults(result: Judged) -> Iterator[Fault]:
    """Yield what is wrong with the gradients and updates of a model."""
    groups: dict[tuple[str, int, int, bool, bool], list[Culprit]] = defaultdict(list)
    space = result.model.space
    for culprit in result.culprits.values():
        sheet, _, column = space.layout.cell(culprit.cell)
        shape = int(space.shape_at[culprit.cell])
        kind = culprit.is_gradient, _is_latent(result, culprit)
        groups[sheet, column, shape, *kind].append(culprit)
    mender = _Mender(result)
    for _, own in sorted(groups.items()):
        own.sort(key=lambda one: one.cell)
        yield _fault(result, own, mender)
    yield from _typed(result)


def _by_logarithm(result: Judged) -> list[Fault]:
    """Return the gradients, if they are those of a natural logarithm and the loss has another."""
    shown = [every[0].factor for every in result.claims.by_parameter.values()]
    if not shown:
        return []
    ratio = abs(most_frequent(np.array(shown))) / math.log(10)
    if not any(math.isclose(ratio, nice, rel_tol=_CLEAR) for nice in _NICE):
        return []
    space = result.model.space
    used = np.flatnonzero(result.model.candidate.upstream & space.is_formula)
    gradients = {cell: own[0].by for cell, own in result.claims.by_parameter.items()}
    gradients |= _unseen_like(result, [*gradients])
    helpers = {}
    for place in used.tolist():
        formula = space.formula(place) or ""
        natural = LOG.sub("LN(", formula)
        if natural != formula and "," not in formula.partition("(")[2].partition(")")[0]:
            helpers[space.layout.cell(place)] = natural
    if not helpers:
        return []
    by_column: dict[tuple[str, int], list[int]] = defaultdict(list)
    for cell in sorted(gradients):
        sheet, row, column = space.layout.cell(cell)
        by_column[sheet, column].append(row)
        result.wrong.add(cell)
    (_, row, column), *_ = helpers
    edit = f"in {cell_name(row, column)}, change LOG to LN"
    found = []
    for (sheet, column), rows in by_column.items():
        place = space.layout.place_of((sheet, rows[0], column))
        parameter = gradients[place]
        name = cell_name(*space.layout.cell(parameter)[1:])
        quantity = f"∂{_short(loss_of(result, parameter))}/∂{name}"
        own = {row: space.formula(space.layout.place_of((sheet, row, column))) for row in rows}
        formulas = {row: formula for row, formula in own.items() if formula}
        value = space.values.value((sheet, rows[0], column))
        found.append(
            Fault(
                kind=Kind.WRONG_GRADIENT, quantity=quantity, sheet=sheet, column=column,
                rows=tuple(rows), formula=formulas.get(rows[0]),
                value=value if isinstance(value, float) else None, expected=None,
                max_rel_error=None,
                message=f"{cell_name(rows[0], column)} is {math.log(10):.5g} times {quantity}: the "
                "loss takes LOG, which is to base 10, and this is the derivative for LN.",
                suggestion=Suggestion(
                    formulas, edit, None, len(rows), result.model.memory.draws, helpers
                ),
            )
        )  # fmt: skip
    return found


def _unseen_like(result: Judged, known: Sequence[int]) -> dict[int, int]:
    """Return gradients, with their parameters, that are 0 on the random numbers, but not now.

    Updates read them as they read those that are ``known``, and their formulas are like these.
    """
    model, space = result.model, result.model.space
    shapes = {*space.shape_at[[*known]].tolist()}
    found = {}
    for k in np.flatnonzero(model.are_zero & result.are(Verdict.RIGHT)).tolist():
        for cell in space.named_by(int(model.updates.cells[k])):
            if space.shape_at[cell] in shapes and space.stored.numbers[cell, 0]:
                found[cell] = int(model.updates.parameters[k])
    return found


def _together(faults: Sequence[Fault]) -> Iterator[list[Fault]]:
    """Join faults in the same rows, with formulas of one shape: copies of one mistake."""
    found: dict[tuple[object, ...], list[Fault]] = defaultdict(list)
    for fault in faults:
        change = fault.suggestion.edit if fault.suggestion else ""
        words = "".join(c for c in change if not c.isupper() and not c.isdigit() and c != "$")
        shape = "".join(c for c in fault.formula or "" if not c.isupper() and not c.isdigit())
        found[fault.kind, fault.rows, shape, words].append(fault)
    yield from found.values()


def _fault(result: Judged, own: Sequence[Culprit], mender: "_Mender") -> Fault:
    """Return cells of one column that are wrong in the same way, and what was meant if known."""
    model, space = result.model, result.model.space
    first = own[0]
    sheet, row, column = space.layout.cell(first.cell)
    rows = tuple(space.layout.cell(one.cell)[1] for one in own)
    is_latent = _is_latent(result, first)
    every_right, formulas = mender.right(own)
    right = every_right.get(row)
    if right is None and (isinstance(result, Compared) or is_only_shown(result, first)):
        right = mender.as_shown(first)
    by = _by(result, first, right) if first.is_gradient else first.parameter
    name = cell_name(*space.layout.cell(by)[1:])
    loss = _short(loss_of(result, first.parameter))
    quantity = f"∂{loss}/∂{name}" if first.is_gradient else name
    shown = _shown(space, (sheet, row, column))
    formula = space.formula(first.cell)
    suggestion = None
    said = _message(result, first, quantity, is_latent)
    if formula and len(formulas) < len(rows):
        formulas = mender.changed_alike(own) or formulas
    if formula and len(formulas) < len(rows) and first.is_gradient:
        helpers, because = mender.helpers(own)
        if helpers:
            where, *_ = helpers
            said = f"{cell_name(row, column)} is not {quantity}, because {because}"
            old = space.formula(space.layout.place_of(where))
            edit = f"in {cell_name(*where[1:])}, {change_in_words(old, helpers[where])}"
            kept = {r: space.formula(one.cell) or "" for r, one in zip(rows, own, strict=True)}
            suggestion = Suggestion(kept, edit, None, len(rows), model.memory.draws, helpers)
        elif not result.is_meant:  # a formula can be written out for any loss that may be meant
            are_written, formulas = mender.right(own, written)
            every_right |= are_written
            right = every_right.get(row, right)
    if formula and suggestion is None and len(formulas) == len(rows):
        edit = change_in_words(formula, formulas[row], len(rows) > 1)
        suggestion = Suggestion(formulas, edit, None, len(rows), model.memory.draws)
    should = None if right is None else right.value
    off = [r for r, own in every_right.items() if not _shows(space, sheet, r, column, own.value)]
    if should is not None and not is_latent:
        at = row if row in off or not off else off[0]
        should = every_right[at].value if at in off else should
        shown = _shown(space, (sheet, at, column))
        is_off = not _shows(space, sheet, at, column, should)
        said = f"{said}: {compared(cell_name(at, column), shown, plain(should), is_off)}"
    kind = Kind.WRONG_GRADIENT if first.is_gradient else Kind.WRONG_UPDATE
    if is_latent or (not off and every_right.keys() >= {*rows}):
        kind = Kind.LATENT
    return Fault(
        kind=kind, quantity=quantity, sheet=sheet, column=column, rows=rows, formula=formula,
        value=shown, expected=plain(should) if should is not None else None, max_rel_error=None,
        message=f"{said}.", suggestion=suggestion,
        why_none="" if suggestion else "nothing that was tried is right on all numbers",
    )  # fmt: skip


def _shown(space: Space, cell: Cell) -> float | str | None:
    """Return what a cell shows; None if that is no number or text."""
    value = space.values.value(cell)
    shown = value.code if isinstance(value, CellError) else value
    return shown if isinstance(shown, str | float) else None


def _shows(space: Space, sheet: str, row: int, column: int, should: float) -> bool:
    """Tell whether a cell shows a number."""
    shown = space.values.value((sheet, row, column))
    return isinstance(shown, float) and math.isclose(shown, should, rel_tol=_SAME, abs_tol=_SAME)


def _by(result: Judged, culprit: Culprit, right: Expected | None) -> int:
    """Return the cell by which a wrong cell should be the derivative: a parameter, or another."""
    model = result.model
    if right is None or np.isfinite(
        factors(right.drawn[None], model.adjoints[[culprit.parameter]])
    ):
        return culprit.parameter
    forward = np.flatnonzero(model.candidate.upstream & model.space.is_formula)
    for _, others, _ in matches(right.drawn[None], model.adjoints[forward]):
        if len(others):
            return int(forward[others[0]])
    return culprit.parameter


def _short(loss: str) -> str:
    return loss.rpartition("!")[2]


def _is_latent(result: Judged, culprit: Culprit) -> bool:
    return any(result.verdicts[k] is Verdict.LATENT for k in culprit.updates)


def _typed(result: Judged) -> Iterator[Fault]:
    """Yield the numbers that were typed into the place of updates, those of a column together."""
    space = result.model.space
    columns: dict[tuple[str, int], list[Typed]] = defaultdict(list)
    for one in typed(result):
        columns[one.cell[0], one.cell[2]].append(one)
    for (sheet, column), own in columns.items():
        name = cell_name(*space.layout.cell(own[0].parameter)[1:])
        cell = cell_name(*own[0].cell[1:])
        value = float(space.stored.numbers[space.layout.place_of(own[0].cell), 0])
        formulas = {one.cell[1]: one.formula for one in own}
        edit = change_in_words(None, own[0].formula)
        what = f"A number is typed into {cell} where the update of {name} belongs."
        if own[0].is_series:
            what = (
                f"From {cell} on, the numbers go on by equal steps, as the fill handle continues a "
                f"series: they are not the updates, and that of {name} belongs into {cell}."
            )
        yield Fault(
            kind=Kind.TYPED_VALUE, quantity=name, sheet=sheet, column=column,
            rows=tuple(formulas), formula=None, value=value, expected=None, max_rel_error=None,
            message=what,
            shown=f"{cell} shows {value:.4g}",
            suggestion=Suggestion(formulas, edit, None, 1, result.model.memory.draws),
        )  # fmt: skip


_HELPERS = (
    (
        reading_earlier,
        (
            "reads the parameter of an earlier iteration",
            "read the parameter of an earlier iteration",
        ),
    ),
    (without_slopes, ("leaves out the slope of an activation", "leave out slopes of activations")),
)


Propose: TypeAlias = Callable[[Judged, Culprit, Meant], Proposed | None]


class _Mender:
    """Finds the formulas that were meant; what was found once is tried first the next time."""

    def __init__(self, result: Judged) -> None:
        self._result = result
        # By shape, and kind:
        self._found: dict[tuple[Propose, int, bool], tuple[Proposed, Cell]] = {}
        self._failed: Counter[tuple[Propose, int, bool]] = Counter()
        self._right_with: dict[frozenset[tuple[Cell, str]], Indexes] = {}  # updates
        self._expectations: Meant | None = None
        culprits = [*result.culprits.values()][:_MOST_CULPRITS]
        if isinstance(result, Compared):
            self._expectations = AsOthers(result)
        elif culprits:
            with suppress(NotDifferentiableError):
                self._expectations = Expectations(result, culprits)

    def helpers(self, own: Sequence[Culprit]) -> tuple[dict[Cell, str], str]:
        """Return cells from which gradients are calculated, with the formulas that were meant.

        Also return what is wrong with them, in words.
        """
        for find, what in _HELPERS:
            found: dict[Cell, str] = {}
            for culprit in own:
                new = find(self._result, culprit) if culprit.updates else {}
                if not new or not self._is_right_with(culprit, new):
                    break
                found |= new
            else:
                cells = [cell_name(*cell[1:]) for cell in found]
                where = f"{cells[0]}…{cells[-1]}" if len(cells) > 1 else "".join(cells)
                return found, f"{where} {what[len(cells) > 1]}"
        return {}, ""

    def changed_alike(self, own: Sequence[Culprit]) -> dict[int, str]:
        """Return the formulas of cells, by row, if all culprits are right when changed alike."""
        layout = self._result.model.space.layout
        found = {layout.cell(one.cell)[1]: one.cell for one in own}
        for every in self._changed_alike:
            if all(cell in every for cell in found.values()):
                return {row: every[cell] for row, cell in found.items()}
        return {}

    @cached_property
    def _changed_alike(self) -> list[dict[int, str]]:
        """Formulas of all culprits, changed in the same way, with which all updates are right.

        By cell. Without the first anchor of each formula, or the second one; with LN for LOG.
        """
        space, found = self._result.model.space, []
        for number in range(_MOST_ANCHORS + 1):
            every: dict[int, str] = {}
            for cell in self._result.culprits:
                _, row, _ = space.layout.cell(cell)
                old = space.formula(cell) or ""
                formula = next(islice(without_anchors(old, row), number, None), None)
                if number == _MOST_ANCHORS:
                    formula = LOG.sub("LN(", old)
                if formula not in (None, old):
                    every[cell] = str(formula)
            formulas = {space.layout.cell(cell): own for cell, own in every.items()}
            if every and all(
                self._is_right_with(one, formulas) for one in self._result.culprits.values()
            ):
                found.append(every)
        return found

    def _is_right_with(self, culprit: Culprit, formulas: Mapping[Cell, str]) -> bool:
        """Tell whether the updates are right if some cells have other formulas, and all others."""
        model, old = self._result.model, self._result.model.space
        key = frozenset(formulas.items())
        if key not in self._right_with:
            if len(self._right_with) == _MOST_WORKBOOKS:
                return False
            sheets = with_formulas(old.sheets, formulas)
            space = Space(sheets, old.values, old.iterations, old.updates)
            new = model_again(space, model.candidate, model.keeps_whole)
            right = np.zeros(0, dtype=np.int64)
            if new is not None:
                right = new.updates.cells[np.isfinite(new.factors) | new.are_zero]
            is_right = self._result.are(Verdict.RIGHT) & np.isfinite(model.factors)
            was_right = model.updates.cells[is_right]
            self._right_with[key] = right if np.isin(was_right, right).all() else right[:0]
        cells = model.updates.cells[culprit.updates]
        return bool(np.isin(cells, self._right_with[key]).all())

    def as_shown(self, culprit: Culprit) -> Expected | None:
        """Return what a gradient should show that is not used."""
        return self._expectations.as_shown(culprit) if self._expectations else None

    def right(
        self, own: Sequence[Culprit], propose: Propose = proposed
    ) -> tuple[dict[int, Expected], dict[int, str]]:
        """Return what cells should show, and their formulas, by row, where that is known."""
        if self._expectations is None:
            return {}, {}
        found: dict[int, tuple[str, Expected | None]] = {}
        of_nothing: list[Culprit] = []
        others: list[Culprit] = []
        with np.errstate(all="ignore"):
            for culprit in own:
                is_nothing = len(own) > 1 and self._should_be_nothing(culprit)
                (of_nothing if is_nothing else others).append(culprit)
            # Those before the first that is found are tried again.
            for culprit in [*others, *others] if len(own) > 1 else others:
                row = self._row(culprit)
                if row not in found and (one := self._one(culprit, propose)):
                    found[row] = one
            known = {row: formula for row, (formula, _) in found.items()}
            for culprit in of_nothing:
                if one := self._goes_on(culprit, known) or self._one(culprit, propose):
                    found[self._row(culprit)] = one
        rows = sorted(found)
        should = {row: right for row in rows if (right := found[row][1]) is not None}
        return should, {row: found[row][0] for row in rows}

    def _row(self, culprit: Culprit) -> int:
        return self._result.model.space.layout.cell(culprit.cell)[1]

    def _should_be_nothing(self, culprit: Culprit) -> bool:
        """Tell whether a derivative is 0, as that by a weight of a unit that is off.

        Many formulas are 0 then. That of one sample may be 0 where that of the loss is not.
        """
        assert self._expectations is not None
        model = self._result.model
        size = np.abs(model.adjoints[culprit.parameter]).max()
        if size > _NOTHING and culprit.cell not in model.space.gradients:
            return False
        right = next(self._expectations.every(culprit), None)
        return right is not None and not right.drawn.any()

    def _goes_on(
        self, culprit: Culprit, known: Mapping[int, str]
    ) -> tuple[str, Expected | None] | None:
        """Return the formula of a row as those of others go on, if it is right there."""
        assert self._expectations is not None
        formula = continued(known, self._row(culprit))
        if formula is None:
            return None
        right = next(self._expectations.every(culprit))
        given = given_by(self._result, self._result.model.space.layout.cell(culprit.cell), formula)
        return (formula, right) if given is not None and not given.any() else None

    def _one(self, culprit: Culprit, propose: Propose) -> tuple[str, Expected | None] | None:
        """Return the formula of one cell, and what it should give, if that is known."""
        assert self._expectations is not None
        space = self._result.model.space
        key = propose, int(space.shape_at[culprit.cell]), culprit.is_gradient
        if key in self._found:
            like, at = self._found[key]
            found = filled(self._result, culprit, self._expectations, like, at)
            if found is not None:
                return found
        if self._failed[key] >= _MOST_TRIED:
            return None
        anew = propose(self._result, culprit, self._expectations)
        if anew is None:
            self._failed[key] += 1
            return None
        self._found[key] = anew, space.layout.cell(culprit.cell)
        return anew.formula, anew.expected


def is_only_shown(result: Judged, culprit: Culprit) -> bool:
    """Tell whether a cell is a gradient that is shown, but not used for an update."""
    return culprit.cell in result.model.space.gradients


def _message(result: Judged, culprit: Culprit, quantity: str, is_latent: bool) -> str:
    """Say what is wrong with a cell, without numbers."""
    model, space = result.model, result.model.space
    layout = space.layout
    cell = cell_name(*layout.cell(culprit.cell)[1:])
    parameter = culprit.parameter
    others = result.claims.by_parameter.get(culprit.cell, ())
    if empty := space.empty_cell(culprit.cell):
        reader = cell if culprit.is_gradient else f"The update of {quantity}"
        return f"{reader} reads {cell_name(*empty[1:])}, which is empty"
    if culprit.is_gradient:
        if others and all(claim.by != parameter for claim in others):
            by = cell_name(*layout.cell(others[0].by)[1:])
            return f"{cell} is the derivative by {by}, but {quantity} belongs there"
        if others:
            return f"{cell} is {others[0].factor:.4g} times {quantity}, unlike the other gradients"
        if culprit.is_helper:
            what = "is no derivative of the loss"
            if LOG.search(space.formula(culprit.cell) or ""):
                what = "takes LOG, to base 10, where the derivative needs LN"
            return f"{quantity} is calculated from {cell}, which {what}"
        if not culprit.updates or is_only_shown(result, culprit):
            return f"{cell} is not {quantity}"
        updates = ", ".join(
            cell_name(*layout.cell(int(model.updates.cells[k]))[1:]) for k in culprit.updates[:3]
        )
        return f"{cell} is not {quantity}, nor what the update in {updates} needs"
    if isinstance(result, Compared):
        like = "" if culprit.like < 0 else cell_name(*layout.cell(culprit.like)[1:])
        if culprit.updates:
            other = f"that in {like} is" if like else "those of other parameters are"
            return f"The update of {quantity} is not calculated as {other}"
        other = f"{like} is for another parameter" if like else "is usual for other parameters"
        return f"{cell}, for the update of {quantity}, is not calculated as {other}"
    if culprit.reads >= 0 and culprit.should_read >= 0:
        read, should = (
            cell_name(*layout.cell(c)[1:]) for c in (culprit.reads, culprit.should_read)
        )
        if is_latent:
            return (
                f"The update of {quantity} reads {read}, not {should} as the others do; the two "
                "are equal at present"
            )
        return f"The update of {quantity} reads {read}, where the derivative is in {should}"
    gradients = result.claims.by_parameter.get(culprit.reads, ())
    factor = result.model.factors[culprit.updates[0]] if culprit.updates else np.nan
    if np.isfinite(factor):
        return f"The update of {quantity} adds {factor:.4g} times the derivative, unlike the others"
    if culprit.reads in result.wrong or any(claim.by == parameter for claim in gradients):
        read = cell_name(*layout.cell(culprit.reads)[1:])
        return f"The update of {quantity} multiplies {read} by a cell that is no learning rate"
    return f"The update of {quantity} adds something else than a multiple of the derivative"
