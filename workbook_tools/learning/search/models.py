"""Finds what learns in a workbook: the losses whose derivatives its updates are made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.adjoints import NotDifferentiableError
from workbook_tools.differentiation.proportional import factors, matches, rounded
from workbook_tools.differentiation.tape import Array
from workbook_tools.formulas.references import areas
from workbook_tools.formulas.replacing import bare
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.tree import Operation, Reference, SyntaxProblemError, parse
from workbook_tools.learning.prepared.numeric_texts import with_numbers
from workbook_tools.learning.search.assumed import Assumed, assumed_losses
from workbook_tools.learning.search.labelled import labelled
from workbook_tools.learning.search.losses import Candidate, candidates
from workbook_tools.learning.search.shares import Shares, shares_of
from workbook_tools.learning.search.shown import is_too_large, shown, shown_by
from workbook_tools.learning.space import Space
from workbook_tools.learning.updates import Updates, joined, overlooked, starts
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.columns import Columns
from workbook_tools.package.workbook import Iterations
from workbook_tools.program.graph import Node
from workbook_tools.program.memory import Indexes, Memory

_MOST = 60  # candidates
_BY_CHANCE = 0.4  # of the derivatives are like a prediction, where the target is empty
_LITTLE = 0.25  # of the cells from which a term is calculated, more for the sum
_LEAST_DRAWS = 2  # in which a derivative is not 0, so that something is like it
_LEAST_SPREAD = 1e-6  # relative
_MOST_SCALED = 1_000  # losses with a formula that was filled down
_ROUNDING = 1e-13  # relative


@dataclass
class Model:
    """A loss, and the updates of the parameters that it depends on."""

    space: Space
    candidate: Candidate  # for the loss
    keeps_whole: bool  # whether whole numbers are kept in the draws
    updates: Updates
    factors: Array  # by update: it adds this times the derivative; NaN: it adds something else
    are_zero: NDArray[np.bool_]  # by update: it adds nothing, and the derivative is zero
    are_shown: NDArray[np.bool_]  # by update: a cell shows the derivative
    are_clear: NDArray[np.bool_]  # by update: the derivative is not 0 in enough draws
    added: Array  # by the updates, (updates, draws)
    memory: Memory  # random numbers
    adjoints: Array  # (places, draws): the derivatives of the losses

    @property
    def losses(self) -> Indexes:
        """The cells whose sum is differentiated."""
        return self.candidate.cells

    @property
    def noise(self) -> Array:
        """By update: by how much a sum with the parameter may be off."""
        largest: Array = np.abs(self.memory.numbers[self.updates.parameters]).max(axis=1)
        return _ROUNDING * largest

    @property
    def are_explained(self) -> NDArray[np.bool_]:
        """By update: what it adds is a multiple of the derivative, or calculated from it."""
        return np.isfinite(self.factors) | self.are_zero | self.are_shown

    def rank(self, left: NDArray[np.bool_]) -> tuple[int, ...]:
        """Tell how well it explains those updates that are left.

        It explains those of the parameters that are nearest to it: errors in what is calculated
        from these are passed back to all others. It explains many, and depends on the parameters of
        all that are alike. It does so with few rates, and with few cells. Of a sum and its terms,
        the sum is the loss.
        """
        explained = self.factors[left & np.isfinite(self.factors)]
        rates = len(np.unique(rounded(explained, digits=4)))
        shown = int((left & (self.are_shown | np.isfinite(self.factors))).sum())
        used = int(self.candidate.upstream.sum())
        near = self.space.flow.nearest(self.losses, self.space.is_parameter)
        is_near = np.isin(self.updates.parameters, near)
        explains_near = not is_near.any() or bool((is_near & self.are_explained).any())
        groups = self.updates.groups
        alike = int((left & np.isin(groups, groups[left & self.are_explained])).sum())
        near_and_shown = bool(shown) + explains_near, shown, len(explained)
        return *near_and_shown, alike, -rates, -len(self.losses), used

    def of(self, kept: NDArray[np.bool_]) -> "Model":
        """Return the model with only some of its updates."""
        return replace(
            self, updates=self.updates.among(kept), factors=self.factors[kept],
            are_zero=self.are_zero[kept], are_shown=self.are_shown[kept],
            are_clear=self.are_clear[kept], added=self.added[kept],
        )  # fmt: skip


def models(
    sheets: Sequence[Sheet], values: Columns, iterations: Iterations | None = None
) -> tuple[list[Model], Updates, Space]:
    """Return the models of a workbook, and the updates that no loss explains.

    ``values`` are those of a calculation. Raises ``NotDifferentiableError`` and
    ``TooManyReadsError``.
    """
    whole = _space(sheets, values, iterations)
    found, left, space = _searched(whole)
    used = np.zeros(space.layout.size, dtype=bool)
    for model in found:
        upstream = model.candidate.upstream
        used[: len(upstream)] |= upstream
    is_start = starts(space.whole.nodes, space.whole, space.reads)
    more = overlooked(space.updates, space.reads, used, is_start, space.layout)
    if len(more.cells):
        both = joined([space.updates, more])
        found, left, space = _searched(Space(sheets, whole.values, iterations, both))
    return found + _only_shown(whole, found), left, space


def _only_shown(space: Space, found: Sequence[Model]) -> list[Model]:
    """Return the models whose gradients are shown on sheets on which nothing was found yet."""
    if is_too_large(space):
        return []
    own = [(model.space.layout, (*model.updates.cells, *model.losses)) for model in found]
    known = {layout.cell(int(place))[0] for layout, places in own for place in places}
    names = frozenset(sheet.name for sheet in space.sheets) - known
    gradients = shown(space, names)
    gradients += labelled(space, names, gradients)
    if not gradients:
        return []
    every, _, _ = _searched(Space(space.sheets, space.values, space.iterations, shown=gradients))
    return every


def _searched(space: Space) -> tuple[list[Model], Updates, Space]:
    """Return the models of some updates, and those updates that no loss explains."""
    left = np.ones(len(space.updates.cells), dtype=bool)
    found = _chosen(space, None, left) if left.any() else []
    if left.any():
        found = _without_odd_ones(space, found, left)
        assumed = _assumed(space, left)
        if assumed.names:
            sheets = [*space.sheets, assumed.sheet]
            larger = Space(sheets, space.values, space.iterations, space.updates)
            found += _chosen(larger, assumed, left)
            space = larger
    return found, space.updates.among(left), space


def _without_odd_ones(space: Space, found: Sequence[Model], left: NDArray[np.bool_]) -> list[Model]:
    """Return the models without those of single updates, among many alike that are left.

    Such a loss may be that of the last iteration only, shown on a sheet of results. Its updates are
    added to those that are left.
    """
    groups = space.updates.groups
    of_group = np.bincount(groups)
    left_of_group = np.bincount(groups[left], minlength=len(of_group))
    kept = []
    for model in found:
        own = model.updates.groups
        if (2 * left_of_group[own] > of_group[own]).all():
            left |= np.isin(space.updates.cells, model.updates.cells)
        else:
            kept.append(model)
    return kept


def model_by(
    sheets: Sequence[Sheet],
    values: Columns,
    iterations: Iterations | None,
    loss: Cell,
    parameters: Sequence[Cell],
) -> tuple[list[Model], Updates, Space]:
    """Return the model of a loss and parameters that are given, if the loss depends on these.

    Raises as ``models`` does, also if the loss cannot be differentiated.
    """
    space = _space(sheets, values, iterations, parameters)
    losses = np.array([space.layout.place_of(loss)])
    candidate = Candidate(losses, None, space.flow.upstream(losses))
    none = space.updates.among(np.zeros(len(space.updates.cells), dtype=bool))
    if not (candidate.upstream & space.is_parameter).any():
        return [], none, space
    space.cut.adjoints([loss], space.stored)  # raises if there is no derivative
    if not len(space.updates.cells):
        gradients = shown_by(space, candidate)
        space = Space(sheets, space.values, iterations, parameters=parameters, shown=gradients)
        candidate = Candidate(losses, None, space.flow.upstream(losses))
    both = (model_of(space, candidate, keeps_whole) for keeps_whole in (False, True))
    every = [model for model in both if model is not None]
    if not every:
        return [], none, space
    left = np.ones(len(every[0].updates.cells), dtype=bool)
    return [_again(max(every, key=lambda model: model.rank(left)))], none, space


def _space(
    sheets: Sequence[Sheet],
    values: Columns,
    iterations: Iterations | None,
    parameters: Sequence[Cell] = (),
) -> Space:
    space = Space(sheets, values, iterations, parameters=parameters)
    numbers = with_numbers(space)
    if numbers is values:
        return space
    return Space(sheets, numbers, iterations, parameters=parameters)


def _chosen(space: Space, assumed: Assumed | None, left: NDArray[np.bool_]) -> list[Model]:
    """Return the models that explain most of the updates that are left, and take these away."""
    every = []
    every_candidate = sorted(
        candidates(space, assumed),
        key=lambda one: (-int((one.upstream & space.is_parameter).sum()), int(one.upstream.sum())),
    )
    # No loss depends on a counter, for example, which counts in steps of 1.
    upstream = [candidate.upstream[space.updates.parameters] for candidate in every_candidate]
    covered = ~left | ~np.any(upstream, axis=0) if upstream else ~left
    first: Candidate | None = None  # the smallest one with which all is explained
    is_direct = False  # the updates add multiples of its derivatives
    for candidate in every_candidate[:_MOST]:
        if first is not None and not _is_sum(candidate, first, is_direct):
            continue
        for keeps_whole in (False, True):
            if keeps_whole and not space.differs(candidate.upstream):
                continue
            model = model_of(space, candidate, keeps_whole)
            if model is None or not len(model.updates.cells):
                continue
            if not (np.isfinite(model.factors) | model.are_shown).any():
                continue
            if space.gradients and 2 * model.are_explained.sum() < len(model.are_explained):
                continue  # a loss that explains few of the gradients is none
            own = np.isin(space.updates.cells, model.updates.cells)
            every.append((model, own))
            if model.are_explained.all():
                covered |= own
            if 2 * model.are_explained.sum() >= len(model.are_explained):
                break  # whole numbers that are kept, such as 0, would only hide mistakes
        if covered.all() and first is None:
            first = candidate
            is_direct = any(np.isfinite(one.factors).any() for one, _ in every)
    found = []
    while left.any():
        ranks = [model.rank(left[own]) for model, own in every]
        best = max(range(len(ranks)), key=lambda k: ranks[k], default=None)
        if best is None or not ranks[best][1]:
            break
        best = _of_more_samples(every, ranks, best)
        model, own = every[best]
        found.append(_again(model.of(left[own])))
        left &= ~own
    return found


def _of_more_samples(
    every: Sequence[tuple[Model, NDArray[np.bool_]]], ranks: Sequence[tuple[int, ...]], best: int
) -> int:
    """Return the number of a loss that is calculated from the best one, if it explains updates.

    The best one may be that of a single sample, whose gradients are shown, but no update adds them.
    """
    losses, explained = every[best][0].losses, 2
    sums = [k for k, (model, _) in enumerate(every) if model.candidate.upstream[losses].all()]
    return max((best, *sums), key=lambda k: (bool(ranks[k][explained]), ranks[k]))


def _is_sum(candidate: Candidate, other: Candidate, of_little_else: bool) -> bool:
    """Tell whether a loss is calculated from another one, perhaps ``of_little_else``.

    Gradients of a single sample may be shown, while the updates are those of the loss of all.
    """
    if not of_little_else:
        return bool(candidate.upstream[other.cells].all())
    more = int(candidate.upstream.sum()) - int(other.upstream.sum())
    few = 2 * len(candidate.cells) + _LITTLE * int(other.upstream.sum())
    return bool(candidate.upstream[other.cells].all()) and more <= few


def model_of(space: Space, candidate: Candidate, keeps_whole: bool) -> Model | None:
    """Return what a loss explains; None if it depends on nothing, or has no derivative."""
    upstream = candidate.upstream
    depends = upstream[space.updates.parameters]
    if not (upstream & space.is_parameter).any():
        return None
    cells = [space.layout.cell(place) for place in candidate.cells.tolist()]
    try:
        memory = _drawn(space, candidate, keeps_whole)
        if not np.isfinite(memory.numbers[candidate.cells]).any():
            return None  # an error is no loss
        adjoints = space.cut.adjoints(cells, memory)
    except NotDifferentiableError:
        return None
    own = space.updates.among(depends)
    derivatives = adjoints[own.parameters]
    given, before = space.updated(memory)[depends], memory.numbers[own.parameters]
    added = given - before
    if own.are_decaying.any():
        # The decay may also be the derivative of a part of the loss.
        apart = own.are_decaying & ~np.isfinite(factors(added, derivatives))
        added[apart] = (given - space.kept(memory)[depends] * before)[apart]
    noise = _ROUNDING * np.abs(memory.numbers[own.parameters]).max(axis=1)
    with np.errstate(all="ignore"):
        largest = np.nanmax(np.abs(adjoints[upstream]), initial=0.0)
        varies = np.ptp(added, axis=1) > _LEAST_SPREAD * np.abs(added).max(axis=1) + noise
        are_nonzero = np.abs(derivatives) > _ROUNDING * largest
        is_clear = are_nonzero.sum(axis=1) >= _LEAST_DRAWS
        without = ~are_nonzero.any(axis=1)
        are_zero = without & (np.abs(added).max(axis=1) <= noise)
    counts = without & ~varies & ~are_zero  # of the iteration, which chooses the samples
    found = factors(added, derivatives, noise)
    found = np.where(varies & is_clear, found, np.nan)
    shown = np.flatnonzero(space.depends & space.needed & space.is_formula)
    are_shown = np.zeros(len(own.cells), dtype=bool)
    for cells_shown, rows, _ in matches(memory.numbers[shown], derivatives):
        is_used = upstream[shown[cells_shown]]
        if np.count_nonzero(is_used) > _BY_CHANCE * len(own.cells):
            return None  # no loss is calculated from its own derivatives
        are_shown[rows[~is_used]] = True
    if space.gradients:  # another cell may show the derivative by the same parameter
        of_one = of_one_sample(own, added, shares_of(space, adjoints, memory))
        are_shown = np.isfinite(of_one)
    model = Model(
        space, candidate, keeps_whole, own, found, are_zero, are_shown, is_clear, added, memory,
        adjoints,
    )  # fmt: skip
    return model.of(~counts)


def _drawn(space: Space, candidate: Candidate, keeps_whole: bool, are_tied: bool = False) -> Memory:
    """Return the workbook calculated on random numbers, for a loss.

    A number by which all of it is divided is kept, such as the count of the samples.
    """
    kept = np.zeros(space.layout.size, dtype=bool)
    for number in np.unique(space.whole.node_at[candidate.cells]).tolist():
        run, sheet = space.whole.nodes[number].run, space.whole.nodes[number].sheet
        is_divided = any(_divisors(run.formula.at(run.first_row)))
        for row in run.rows[:_MOST_SCALED] if is_divided else ():
            for text in _divisors(run.formula.at(row)):
                cells = (cell for area in areas(text) for cell in area.cells(sheet))
                kept[[space.layout.place_of(cell) for cell in cells]] = True
    kept &= ~space.is_parameter
    return space.drawn(candidate.upstream, keeps_whole, are_tied, kept)


def _divisors(formula: str) -> Iterator[str]:
    """Yield the cells by which all of a formula is divided."""
    try:
        tree = bare(parse(formula))
    except SyntaxProblemError:
        return
    while isinstance(tree, Operation) and tree.operator in "*/":
        if tree.operator == "/" and isinstance(divisor := bare(tree.right), Reference):
            yield divisor.text
        tree = bare(tree.left)


def model_again(
    space: Space, candidate: Candidate, keeps_whole: bool, left_out: Indexes | None = None
) -> Model | None:
    """Return what a loss explains in a changed workbook; some updates may be ``left_out``."""
    model = model_of(space, candidate, keeps_whole)
    if model is not None and left_out is not None:
        model = model.of(~np.isin(model.updates.cells, left_out))
    return None if model is None else _again(model)


def of_one_sample(own: Updates, added: Array, shares: Shares) -> Array:
    """Return by what updates multiply the derivative of the loss of one sample; NaN if not."""
    found = np.full(len(own.cells), np.nan)
    for rows, parts, multiples in matches(added, shares.derivatives):
        same = shares.parameters[parts] == own.parameters[rows]
        found[rows[same]] = multiples[same]
    return found


def _again(model: Model) -> Model:
    """Look again at what is not explained, each loss by itself, and copies of parameters as one."""
    space, own = model.space, model.updates
    left = ~(np.isfinite(model.factors) | model.are_zero)
    if 2 * np.count_nonzero(left & model.are_shown) > len(left):
        left &= ~model.are_shown  # by momentum, for example
    if not left.any():
        return model
    read = space.flow.downstream(own.parameters[left])
    losses = model.losses[read[model.losses]] if len(model.losses) > 1 else model.losses[:0]
    for place in losses[:_MOST].tolist() if len(losses) <= _MOST else ():
        adjoints = space.cut.adjoints([space.layout.cell(place)], model.memory)
        found = factors(model.added, adjoints[own.parameters], model.noise)
        model.factors = np.where(left & np.isfinite(found), found, model.factors)
        left &= ~np.isfinite(found)
    tied = [k for k in np.flatnonzero(left).tolist() if int(own.parameters[k]) in space.copies]
    if tied:
        memory = _drawn(space, model.candidate, model.keeps_whole, are_tied=True)
        cells = [space.layout.cell(place) for place in model.losses.tolist()]
        adjoints = space.cut.adjoints(cells, memory)
        updated = dict(zip(space.updates.cells.tolist(), space.updated(memory), strict=True))
        for k in tied:
            place = int(own.parameters[k])
            derivative = adjoints[space.copies[place]].sum(axis=0)
            added = updated[int(own.cells[k])] - memory.numbers[place]
            model.factors[k] = factors(added[None], derivative[None], model.noise[[k]])[0]
    return model


def _assumed(space: Space, left: NDArray[np.bool_]) -> Assumed:
    """Return the losses that may be meant by the errors from which updates are calculated."""
    cells = space.updates.cells[left]
    relevant = space.flow.upstream(np.unique(space.reads.by(cells).read)) & space.depends
    relevant[cells] = True
    nodes = []
    for node, places in space.nodes():
        if relevant[places].any():
            own = places[relevant[places]]
            nodes.append((node, space.layout.cell(int(own[-1]))[1]))

    def varies(node: Node, text: str) -> bool | None:
        [area] = areas(f"={text}") or [None]
        if area is None or area.cell_count > 1:
            return None
        place = space.layout.place_of(next(iter(area.cells(node.sheet))))
        at = space.reads.origin[place]
        return bool(space.depends[at] or space.is_parameter[at]) if place > 1 else None

    return assumed_losses(nodes, varies)
