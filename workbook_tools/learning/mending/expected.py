"""What a wrong cell of the backward half should be, from the updates that it makes wrong."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.adjoints import Derivatives, NotDifferentiableError
from workbook_tools.differentiation.proportional import factors, most_frequent, rounded
from workbook_tools.differentiation.tape import Array
from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import FilledFormula, areas
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.tree import Call, Number, SyntaxProblemError, parse, parts
from workbook_tools.learning.judging.verdicts import Compared, Culprit, Expected, Judged, Verdict
from workbook_tools.learning.mending.by_sample import BySample
from workbook_tools.learning.moved import on_any_sheet
from workbook_tools.learning.search.models import Model
from workbook_tools.program.memory import Memory

_CLEAR = 1e-6  # relative; what two updates ask for is the same up to this
_ROUNDING = 1e-13  # relative
_BESIDE, _LEAST_BESIDE = (-2, -1, 1, 2), 2  # columns, of which so many must agree
_LEVELS = 4  # of cells, in whose formulas the rate is sought
_LARGEST_RATE = 10.0
_MOST_FACTORS = 4
_MOST_UPDATES = 12  # of one cell
_MOST_TOGETHER = 100  # culprits from which the same updates are calculated


_SHEET = "updates apart"


class Meant(Protocol):
    """What wrong cells should be."""

    def every(self, culprit: Culprit) -> Iterator[Expected]:
        """Yield what a cell may be meant to be, the most likely first."""

    def like(self, culprit: Culprit, other: Expected) -> Expected | None:
        """Return what a cell should be if another one, with the same formula, should be that."""

    def as_shown(self, culprit: Culprit) -> Expected | None:
        """Return what a cell should show if no formula is found for it."""

    def as_copy(self, culprit: Culprit, first: Culprit, other: Expected) -> Expected | None:
        """Return what a cell should be if it is a copy of another one, which should be that."""


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

    def as_copy(self, culprit: Culprit, first: Culprit, other: Expected) -> None:
        """Return nothing, as above."""


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
        self._rounding = _ROUNDING * np.nanmax(np.abs(model.adjoints[model.updates.parameters]))
        self._memories = model.memory, self._stored
        self._updated = [space.updated(memory) for memory in self._memories]
        self._kept = [space.kept(memory) for memory in self._memories]
        self._rows = np.flatnonzero(np.isin(space.updates.cells, model.updates.cells))
        self._systems = [*_systems(culprits)]
        self._system_of = {
            one.cell: (own, number)
            for own in self._systems
            for number, one in enumerate(own.culprits)
        }
        self._slopes_of: dict[int, list[Array] | None] = {}
        self._solved: dict[tuple[int, float], list[Array]] = {}
        self._updates = _Apart(model, self._systems)
        self._by_sample = BySample(result, self._adjoints)

    def every(self, culprit: Culprit) -> Iterator[Expected]:
        """Yield what a cell may be meant to be, the most likely first.

        Several learning rates are tried if it is not clear which one belongs there.
        """
        if own := self._by_sample.of(culprit):
            yield own
            return
        if self._misses_the_rate(culprit):
            return
        yield from filter(None, [self._as_beside(culprit)])
        every = self._factors(culprit)
        found = [*filter(None, (self._of(culprit, factor) for factor in every))]
        yield from found or self._by_one(culprit, every[:1])
        yield from filter(None, [self.as_shown(culprit)])

    def _as_beside(self, culprit: Culprit) -> Expected | None:
        """Return the derivative that belongs in a cell, as those belong that are beside it.

        Each of several errors in a row may be the derivative by a cell as far to the left.
        """
        layout, claims = self._model.space.layout, self._result.claims.others
        sheet, row, column = layout.cell(culprit.cell)
        moves: Counter[tuple[int, int, float]] = Counter()
        for beside in (column + k for k in _BESIDE if column + k > 0):
            for claim in claims.get(layout.place_of((sheet, row, beside)), ()):
                own, *where = layout.cell(claim.by)
                if claim.through < 0 and own == sheet:
                    factor = float(rounded(np.array([claim.factor]))[0])
                    moves[where[0] - row, where[1] - beside, factor] += 1
        if not culprit.is_gradient or not moves:
            return None
        [((down, right, factor), count)] = moves.most_common(1)
        if count < _LEAST_BESIDE or row + down < 1 or column + right < 1:
            return None
        by = layout.place_of((sheet, row + down, column + right))
        drawn, now = factor * self._model.adjoints[by], factor * self._adjoints[by, 0]
        is_so_already = np.allclose(drawn, self._model.memory.numbers[culprit.cell], rtol=_CLEAR)
        return None if is_so_already or not drawn.any() else Expected(drawn, float(now), None)

    def _misses_the_rate(self, culprit: Culprit) -> bool:
        """Tell whether a cell reads an empty one, and no other update tells the rate."""
        is_empty = self._model.space.empty_cell(culprit.cell) is not None
        updates = culprit.updates[:1]
        return is_empty and all(usual_factor(self._result, k) is None for k in updates)

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
        usual = usual_factor(self._result, k)
        found: list[float] = []
        counts: dict[int, None] = {}  # of numbers of which the average is taken
        space = self._model.space
        cells = self._model.updates.cells[[k]]
        if usual is None and space.shows(int(cells[0])) is not None:  # then that of the errors
            errors = map(self._result.claims.others.get, space.named_by(culprit.cell))
            factors_of = [claim.factor for own in errors if own for claim in own]
            return list(dict.fromkeys(rounded(np.array(factors_of)).tolist()))[:_MOST_FACTORS]
        for _ in range(_LEVELS):
            _, read = space.flow_of_all.read_by(cells)
            for place in cells.tolist():
                found += _constants(space.formula(place))
                counts |= dict.fromkeys(_averaged(space.formula(place)))
            numbers = self._stored.numbers[read[space.is_leaf[read]], 0]
            found += numbers[(numbers > 0) & (numbers <= _LARGEST_RATE)].tolist()
            cells = np.unique(read[space.depends[read] & ~space.is_parameter[read]])
        sign = 1.0 if usual is not None and usual > 0 else -1.0
        found += [1.0]
        found = [one / count for count in (*counts, 1) for one in found]
        every = [*filter(None, [usual]), *(sign * abs(own) for own in found)]
        if self._result.is_meant:  # without a rate, it may be a step of Newton's method
            every = [one for one in every if abs(one) != 1.0]
        return list(dict.fromkeys(every))[:_MOST_FACTORS]

    def as_shown(self, culprit: Culprit) -> Expected | None:
        """Return what a gradient should be that is shown, or that an update names.

        It is the derivative, times the factor of most others.
        """
        if own := self._by_sample.of(culprit):
            return own
        model = self._model
        shown = [claims[0].factor for claims in self._result.claims.by_parameter.values()]
        named = [model.space.named_by(int(model.updates.cells[k])) for k in culprit.updates[:1]]
        is_one = culprit.is_gradient and not culprit.is_helper
        if not is_one or not shown or any(culprit.cell not in own for own in named):
            return None
        factor = most_frequent(np.array(shown))
        drawn = factor * model.adjoints[culprit.parameter]
        return Expected(drawn, float(factor * self._adjoints[culprit.parameter, 0]), None)

    def as_copy(self, culprit: Culprit, first: Culprit, other: Expected) -> Expected | None:
        """Return the same multiple of the derivative by its parameter, if the other one is one."""
        adjoints = self._model.adjoints
        multiple = float(factors(other.drawn[None], adjoints[[first.parameter]])[0])
        if not np.isfinite(multiple):
            return None
        now = float(multiple * self._adjoints[culprit.parameter, 0])
        return Expected(multiple * adjoints[culprit.parameter], now, None)

    def _of(self, culprit: Culprit, factor: float) -> Expected | None:
        """Return what a cell should be so that its updates are right; None if that is not known.

        The updates must depend in a linear way on it, and on others that are wrong with it.
        """
        if not culprit.updates:
            return None
        if not culprit.is_gradient:
            drawn, now = (self._should(culprit.updates[0], factor, of) for of in (0, 1))
        elif culprit.cell not in self._system_of:
            return None  # there were too many
        else:
            system, number = self._system_of[culprit.cell]
            key = system.culprits[0].cell, factor
            if key not in self._solved:
                self._solved[key] = [self._solution(system, factor, of) for of in (0, 1)]
            drawn, now = (solution[number] for solution in self._solved[key])
        if not (np.isfinite(drawn).all() and np.isfinite(now).all()):
            return None
        if np.abs(drawn).max() <= self._rounding:
            drawn, now = np.zeros_like(drawn), np.zeros_like(now)
        return Expected(drawn, float(now[0]), factor)

    def _by_one(self, culprit: Culprit, every: Sequence[float]) -> Iterator[Expected]:
        """Yield what a cell should be by one of its updates; others are wrong for more reasons."""
        if culprit.cell not in self._system_of or len(culprit.updates) < 2:
            return
        system, _ = self._system_of[culprit.cell]
        for factor in every:
            for k in culprit.updates[:_MOST_UPDATES]:
                own, number = _System([culprit], [k]), system.updates.index(k)
                drawn, now = (self._solution(own, factor, of, [number])[0] for of in (0, 1))
                if np.isfinite(drawn).all() and np.isfinite(now).all():
                    yield Expected(drawn, float(now[0]), factor)

    def _should(self, k: int, factor: float, of: int) -> Array:
        """Return what an update should give, (draws,)."""
        memory, adjoints = self._memories[of], (self._model.adjoints, self._adjoints)[of]
        parameter = int(self._model.updates.parameters[k])
        places = self._model.space.copies.get(parameter, np.array([parameter]))
        kept = self._kept[of][self._rows[k]] * memory.numbers[parameter]
        return np.asarray(kept + factor * adjoints[places].sum(axis=0))

    def _solution(
        self, system: "_System", factor: float, of: int, numbers: Sequence[int] | None = None
    ) -> Array:
        """Return what the culprits should be, (culprits, draws); NaN where that is not known."""
        memory = self._memories[of]
        cells = np.array([one.cell for one in system.culprits])
        slopes = [*map(self._slopes, numbers or range(len(system.updates)))]
        is_now = memory.numbers[cells]
        found = np.full(is_now.shape, np.nan)
        if len(cells) > _MOST_TOGETHER:
            return found
        given = self._updated[of][self._rows[system.updates]]
        missing = [self._should(k, factor, of) for k in system.updates] - given
        for draw in range(memory.draws):
            by = np.array([own[of][cells, draw] for own in slopes if own])
            known = [n for n, own in enumerate(slopes) if own]
            change = _solve(by.reshape(-1, len(cells)), missing[known, draw])
            found[:, draw] = is_now[:, draw] + change
        return found

    def _slopes(self, number: int) -> list[Array] | None:
        """Return the derivatives of one update of each system, on both kinds of numbers."""
        if number not in self._slopes_of:
            updates = [own.updates[number] for own in self._systems if len(own.updates) > number]
            try:
                self._slopes_of[number] = [
                    self._updates.slopes(updates, memory) for memory in self._memories
                ]
            except NotDifferentiableError:
                self._slopes_of[number] = None
        return self._slopes_of[number]


class _System(NamedTuple):
    """Culprits that are wrong together, and updates that are calculated from them."""

    culprits: list[Culprit]
    updates: list[int]


def _systems(culprits: Sequence[Culprit]) -> Iterator[_System]:
    """Yield the culprits that have updates in common with each other, and with no others."""
    of_update: dict[int, list[Culprit]] = defaultdict(list)
    for one in culprits:
        for k in one.updates[:_MOST_UPDATES]:
            of_update[k].append(one)
    left = {one.cell: one for one in culprits if one.is_gradient}
    while left:
        _, first = left.popitem()
        found, updates = [first], dict.fromkeys(first.updates[:_MOST_UPDATES])
        waiting = [*updates]
        while waiting:
            for one in of_update[waiting.pop()]:
                if one.cell in left:
                    found.append(left.pop(one.cell))
                    more = [k for k in one.updates[:_MOST_UPDATES] if k not in updates]
                    updates |= dict.fromkeys(more)
                    waiting += more
        yield _System(found, [*updates])


def _solve(slopes: Array, missing: Array) -> Array:
    """Return by how much culprits have to change, (culprits,), so that nothing is missing.

    ``slopes`` are those of the updates, (updates, culprits). What is not known is NaN.
    """
    found = np.full(slopes.shape[1], np.nan)
    largest = np.abs(slopes).max(axis=1, initial=0.0)
    used = np.isfinite(largest) & (largest > 0) & np.isfinite(missing)
    slopes, missing = slopes[used] / largest[used, None], missing[used] / largest[used]
    if not len(missing):
        return found
    _, sizes, ways = np.linalg.svd(slopes)
    rank = int((sizes > _CLEAR * sizes[0]).sum())
    change, *_ = np.linalg.lstsq(slopes, missing, rcond=_CLEAR)
    off = np.abs(slopes @ change - missing) > _CLEAR * np.abs(missing).max()
    is_known = np.abs(ways[rank:]).max(axis=0, initial=0.0) < _CLEAR
    is_known &= ~(np.abs(slopes[off]) > 0).any(axis=0)
    found[is_known] = change[is_known]
    return found


class _Apart:
    """The updates on a sheet of their own, so that none is calculated from the one before.

    The parameters and the culprits count as numbers.
    """

    def __init__(self, model: Model, systems: Sequence[_System]) -> None:
        space = self._space = model.space
        numbers = sorted({k for own in systems for k in own.updates})
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
        own = [culprit.cell for system in systems for culprit in system.culprits]
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


def _averaged(formula: str | None) -> list[int]:
    """Return of how many numbers a formula takes an average."""
    try:
        tree = parse(formula or "")
    except SyntaxProblemError:
        return []
    calls = (part for _, part in parts(tree) if isinstance(part, Call))
    return [
        sum(area.cell_count for argument in call.arguments for area in areas(str(argument)))
        for call in calls
        if call.function.upper() == "AVERAGE"
    ]


def usual_factor(result: Judged, k: int) -> float | None:
    """Return by what most right updates like this one multiply their derivative."""
    model = result.model
    finite = np.isfinite(model.factors)
    shown = model.space.is_assumed[model.updates.cells]
    finite &= shown == shown[k]  # gradients that are only shown have no rate
    same = finite & (model.updates.groups == model.updates.groups[k])
    among = model.factors[same] if same.any() else model.factors[finite]
    right = np.array([v in (Verdict.RIGHT, Verdict.LATENT) for v in result.verdicts])
    for alike in (same & right & _in_row(result, k), same & right):
        if alike.any():
            among = model.factors[alike]
            break
    return most_frequent(among) if len(among) else None


def _in_row(result: Judged, k: int) -> NDArray[np.bool_]:
    """Tell which updates are in the row of one: they have its rate, if that changes."""
    sheets, rows, _ = result.model.space.layout.cells(result.model.updates.cells)
    return np.asarray((sheets == sheets[k]) & (rows == rows[k]))
