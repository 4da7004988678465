"""What a wrong cell of the backward half should be, from the updates that it makes wrong."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from workbook_tools.differentiation.adjoints import Derivatives, NotDifferentiableError
from workbook_tools.differentiation.tape import Array
from workbook_tools.formulas.tree import Number, SyntaxProblemError, parse, parts
from workbook_tools.learning.judged import Culprit, Judged, Verdict
from workbook_tools.program.memory import Memory

_CLEAR = 1e-6  # relative; what two updates ask for is the same up to this
_LEVELS = 4  # of cells, in whose formulas the rate is sought
_LARGEST_RATE = 10.0
_MOST_FACTORS = 6


class Expected(NamedTuple):
    """The right numbers of a cell."""

    drawn: Array  # (draws,): on the random numbers of the model
    value: float  # on those of the workbook
    factor: float  # by which the derivative is multiplied in the updates


class Expectations:
    """What cells should be that are wrong in the same way."""

    def __init__(self, result: Judged, culprits: Sequence[Culprit]) -> None:
        """Raises ``NotDifferentiableError``."""
        self._result = result
        model = self._model = result.model
        space = model.space
        self._stored = space.cut.memory
        losses = [space.layout.cell(place) for place in model.losses.tolist()]
        self._adjoints = space.cut.adjoints(losses, self._stored)
        own = [space.layout.cell(one.cell) for one in culprits if one.is_gradient]
        self._cut = Derivatives(space.sheets, space.values, own, space.iterations) if own else None

    def factors(self, culprit: Culprit) -> list[float]:
        """Return by what its updates may multiply their derivative, the most likely first."""
        k = culprit.updates[0]
        found = [*filter(None, [usual_factor(self._result, k)])]
        space = self._model.space
        cells = [int(self._model.updates.cells[k])]
        for _ in range(_LEVELS):
            _, read = space.flow_of_all.read_by(np.array(cells))
            for place in cells:
                found += _constants(space.formula(place))
            numbers = self._stored.numbers[read[space.is_leaf[read]], 0]
            found += numbers[(numbers > 0) & (numbers <= _LARGEST_RATE)].tolist()
            cells = np.unique(read[space.depends[read] & ~space.is_parameter[read]]).tolist()
        sign = -1.0 if not found or found[0] < 0 or len(found) == 1 else 1.0
        every = found[:1] + [sign * abs(own) for own in found[1:]] + [sign]
        return list(dict.fromkeys(every))[:_MOST_FACTORS]

    def as_shown(self, culprit: Culprit) -> Expected | None:
        """Return what a gradient that an update names should be: the derivative, as in others."""
        model, k = self._model, culprit.updates[0]
        shown = [claims[0].factor for claims in self._result.claims.by_parameter.values()]
        named = model.space.named_by(int(model.updates.cells[k]))
        if not culprit.is_gradient or culprit.cell not in named or not shown:
            return None
        factor = _most_frequent(shown)
        parameter = int(model.updates.parameters[k])
        drawn = factor * model.adjoints[parameter]
        return Expected(drawn, float(factor * self._adjoints[parameter, 0]), factor)

    def of(self, culprit: Culprit, factor: float) -> Expected | None:
        """Return what a cell should be so that its updates are right; None if that is not known.

        The updates must depend on the cell in a linear way, and all ask for the same.
        """
        first: Expected | None = None
        for k in culprit.updates:
            try:
                drawn = self._needed(k, factor, culprit, self._model.memory, self._model.adjoints)
                now = self._needed(k, factor, culprit, self._stored, self._adjoints)
            except NotDifferentiableError:
                return None
            if not np.isfinite(drawn).all() or not np.isfinite(now).all():
                continue  # it does not depend on the cell, because an input is 0
            if first is None:
                first = Expected(drawn, float(now[0]), factor)
            elif not np.allclose(first.drawn, drawn, rtol=_CLEAR, atol=0.0):
                return None
        return first

    def _needed(
        self, k: int, factor: float, culprit: Culprit, memory: Memory, adjoints: Array
    ) -> Array:
        """Return what a cell should be, (draws,), so that an update adds so much."""
        model, space = self._model, self._model.space
        update, parameter = int(model.updates.cells[k]), int(model.updates.parameters[k])
        number = int(np.flatnonzero(space.updates.cells == update)[0])
        places = space.copies.get(parameter, np.array([parameter]))
        should = memory.numbers[parameter] + factor * adjoints[places].sum(axis=0)
        if not culprit.is_gradient or self._cut is None:
            return np.asarray(should)
        slope = self._cut.adjoints([space.layout.cell(update)], memory)[culprit.cell]
        with np.errstate(all="ignore"):
            is_now = space.updated(memory)[number]
            return np.asarray(memory.numbers[culprit.cell] + (should - is_now) / slope)


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
    if (same & right).any():
        among = model.factors[same & right]
    return _most_frequent(among.tolist()) if len(among) else None


def _most_frequent(numbers: Sequence[float]) -> float:
    rounded = np.array([float(f"{number:.6g}") for number in numbers])
    values, counts = np.unique(rounded, return_counts=True)
    return float(values[counts.argmax()])
