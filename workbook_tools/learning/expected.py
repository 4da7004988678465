"""What a wrong cell of the backward half should be, from the updates that it makes wrong."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.adjoints import Derivatives, NotDifferentiableError
from workbook_tools.differentiation.tape import Array
from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.tree import Number, SyntaxProblemError, parse, parts
from workbook_tools.learning.models import Model
from workbook_tools.learning.moved import on_any_sheet
from workbook_tools.learning.verdicts import Compared, Culprit, Expected, Judged, Verdict
from workbook_tools.program.memory import Memory

_CLEAR = 1e-6  # relative; what two updates ask for is the same up to this
_LEVELS = 4  # of cells, in whose formulas the rate is sought
_LARGEST_RATE = 10.0
_MOST_FACTORS = 4
_MOST_UPDATES = 6  # of one cell, which all have to ask for the same


_SHEET = "updates apart"


class Meant(Protocol):
    """What wrong cells should be."""

    def every(self, culprit: Culprit) -> Iterator[Expected]:
        """Yield what a cell may be meant to be, the most likely first."""

    def like(self, culprit: Culprit, other: Expected) -> Expected | None:
        """Return what a cell should be if another one, with the same formula, should be that."""

    def as_shown(self, culprit: Culprit) -> Expected | None:
        """Return what a cell should show if no formula is found for it."""


class AsOthers:
    """What cells of an optimizer should be: the same as for other parameters."""

    def __init__(self, result: Compared) -> None:
        """Prepare for the cells of one model."""
        self._known = result.expected

    def every(self, culprit: Culprit) -> Iterator[Expected]:
        """Yield what a cell should be, if that is known."""
        yield from filter(None, [self.as_shown(culprit)])

    def like(self, culprit: Culprit, other: Expected) -> None:
        """Return nothing: of several copies, what is right before the first one is known."""

    def as_shown(self, culprit: Culprit) -> Expected | None:
        """Return what a cell should be, if that is known."""
        return self._known.get(culprit.cell)


class Expectations:
    """What cells should be from which updates are calculated: such that these are right."""

    def __init__(self, result: Judged, culprits: Sequence[Culprit]) -> None:
        """Prepare for cells of one model; raises ``NotDifferentiableError``."""
        self._result = result
        model = self._model = result.model
        space = model.space
        self._stored = space.stored
        losses = [space.layout.cell(place) for place in model.losses.tolist()]
        self._adjoints = space.cut.adjoints(losses, self._stored)
        self._memories = model.memory, self._stored
        self._updated = [space.updated(memory) for memory in self._memories]
        self._culprits = culprits
        self._known: dict[int, tuple[Array, Array] | None] = {}
        self._updates = _Apart(model, culprits)

    def every(self, culprit: Culprit) -> Iterator[Expected]:
        """Yield what a cell may be meant to be, the most likely first.

        Several learning rates are tried if it is not clear which one belongs there.
        """
        meant = (self._of(culprit, factor) for factor in self._factors(culprit))
        yield from filter(None, chain(meant, [self.as_shown(culprit)]))

    def like(self, culprit: Culprit, other: Expected) -> Expected | None:
        """Return what a cell should be if another one, with the same formula, should be that."""
        if other.factor is not None and culprit.updates:
            return self._of(culprit, other.factor)
        return self.as_shown(culprit)

    def _factors(self, culprit: Culprit) -> list[float]:
        """Return by what its updates may multiply their derivative, the most likely first."""
        if not culprit.updates:
            return []
        k = culprit.updates[0]
        found = [*filter(None, [usual_factor(self._result, k)])]
        space = self._model.space
        cells = self._model.updates.cells[[k]]
        for _ in range(_LEVELS):
            _, read = space.flow_of_all.read_by(cells)
            for place in cells.tolist():
                found += _constants(space.formula(place))
            numbers = self._stored.numbers[read[space.is_leaf[read]], 0]
            found += numbers[(numbers > 0) & (numbers <= _LARGEST_RATE)].tolist()
            cells = np.unique(read[space.depends[read] & ~space.is_parameter[read]])
        sign = -1.0 if not found or found[0] < 0 or len(found) == 1 else 1.0
        every = found[:1] + [sign * abs(own) for own in found[1:]] + [sign]
        return list(dict.fromkeys(every))[:_MOST_FACTORS]

    def as_shown(self, culprit: Culprit) -> Expected | None:
        """Return what a gradient should be that is shown, or that an update names.

        It is the derivative, times the factor of most others.
        """
        model = self._model
        shown = [claims[0].factor for claims in self._result.claims.by_parameter.values()]
        named = [model.space.named_by(int(model.updates.cells[k])) for k in culprit.updates[:1]]
        if not culprit.is_gradient or not shown or any(culprit.cell not in own for own in named):
            return None
        factor = most_frequent(shown)
        drawn = factor * model.adjoints[culprit.parameter]
        return Expected(drawn, float(factor * self._adjoints[culprit.parameter, 0]), None)

    def _of(self, culprit: Culprit, factor: float) -> Expected | None:
        """Return what a cell should be so that its updates are right; None if that is not known.

        The updates must depend on the cell in a linear way, and all ask for the same.
        """
        first: Expected | None = None
        for number, k in enumerate(culprit.updates[:_MOST_UPDATES]):
            slopes = self._slopes(number)
            drawn, now = (
                self._needed(k, factor, culprit, slopes[of], of) if slopes else np.array([np.nan])
                for of in (0, 1)
            )
            if not np.isfinite(drawn).all() or not np.isfinite(now).all():
                continue  # it does not depend on the cell, because an input is 0
            if first is None:
                first = Expected(drawn, float(now[0]), factor)
            elif not np.allclose(first.drawn, drawn, rtol=_CLEAR, atol=0.0):
                return None
        return first

    def _slopes(self, number: int) -> tuple[Array, Array] | None:
        """Return the derivatives of one update of each culprit by it, on both kinds of numbers."""
        if number not in self._known:
            updates = [one.updates[number] for one in self._culprits if len(one.updates) > number]
            try:
                one, other = (self._updates.slopes(updates, m) for m in self._memories)
                self._known[number] = one, other
            except NotDifferentiableError:
                self._known[number] = None
        return self._known[number]

    def _needed(self, k: int, factor: float, culprit: Culprit, slopes: Array, of: int) -> Array:
        """Return what a cell should be, (draws,), so that an update adds so much."""
        model, space = self._model, self._model.space
        memory, adjoints = self._memories[of], (model.adjoints, self._adjoints)[of]
        parameter = int(model.updates.parameters[k])
        places = space.copies.get(parameter, np.array([parameter]))
        should = memory.numbers[parameter] + factor * adjoints[places].sum(axis=0)
        if not culprit.is_gradient:
            return np.asarray(should)
        number = int(np.flatnonzero(space.updates.cells == model.updates.cells[k])[0])
        with np.errstate(all="ignore"):
            is_now = self._updated[of][number]
            return np.asarray(
                memory.numbers[culprit.cell] + (should - is_now) / slopes[culprit.cell]
            )


class _Apart:
    """The updates on a sheet of their own, so that none is calculated from the one before.

    The parameters and the culprits count as numbers.
    """

    def __init__(self, model: Model, culprits: Sequence[Culprit]) -> None:
        space = self._space = model.space
        numbers = sorted({k for one in culprits for k in one.updates[:_MOST_UPDATES]})
        self._rows = {k: row for row, k in enumerate(numbers, start=1)}
        sheet = Sheet(_SHEET, last_row=len(numbers), last_column=1)
        for k, row in self._rows.items():
            place = int(model.updates.cells[k])
            try:
                tree = parse(space.formula(place) or "")
            except SyntaxProblemError as error:
                raise NotDifferentiableError(f"{space.name(place)}: cannot be parsed") from error
            text = f"={on_any_sheet(tree, space.layout.cell(place)[0])}"
            sheet.runs.setdefault(1, []).append(Run(row, row, FilledFormula.parse(text, row)))
        own = [culprit.cell for culprit in culprits if culprit.is_gradient]
        cells = [space.layout.cell(place) for place in {*space.parameters.tolist(), *own}]
        self._cut = Derivatives([*space.sheets, sheet], space.values, cells, space.iterations)

    def slopes(self, updates: Sequence[int], memory: Memory) -> Array:
        """Return the derivatives of the sum of some updates by all cells, (places, draws)."""
        cells = [(_SHEET, self._rows[k], 1) for k in updates]
        larger = Memory(self._cut.memory.layout, memory.draws)
        larger.numbers[: len(memory.numbers)] = memory.numbers
        larger.kinds[: len(memory.kinds)] = memory.kinds
        larger.others |= memory.others
        return self._cut.adjoints(cells, larger)


def _constants(formula: str | None) -> list[float]:
    """Return the numbers that are typed into a formula, in the range of learning rates."""
    try:
        tree = parse(formula or "")
    except SyntaxProblemError:
        return []
    found = [float(part.text) for _, part in parts(tree) if isinstance(part, Number)]
    return [number for number in found if 0 < number <= _LARGEST_RATE]


def usual_factor(result: Judged, k: int) -> float | None:
    """Return by what most right updates like this one multiply their derivative."""
    model = result.model
    finite = np.isfinite(model.factors)
    same = finite & (model.updates.groups == model.updates.groups[k])
    among = model.factors[same] if same.any() else model.factors[finite]
    right = np.array([v in (Verdict.RIGHT, Verdict.LATENT) for v in result.verdicts])
    for alike in (same & right & _in_row(result, k), same & right):
        if alike.any():
            among = model.factors[alike]
            break
    return most_frequent(among.tolist()) if len(among) else None


def _in_row(result: Judged, k: int) -> NDArray[np.bool_]:
    """Tell which updates are in the row of one: they have its rate, if that changes."""
    layout, cells = result.model.space.layout, result.model.updates.cells.tolist()
    places = [layout.cell(cell)[:2] for cell in cells]
    return np.array([place == places[k] for place in places])


def most_frequent(numbers: Sequence[float]) -> float:
    """Return the most frequent of some numbers, up to their last digits."""
    rounded = np.array([float(f"{number:.6g}") for number in numbers])
    values, counts = np.unique(rounded, return_counts=True)
    return float(values[counts.argmax()])
