"""Judges the updates of a model: whether they add a multiple of the derivative."""

from collections import Counter, defaultdict

import numpy as np
from numpy.typing import NDArray

from workbook_tools.learning.judging.behind import behind, with_gradients
from workbook_tools.learning.judging.blame import blame, is_multiplied_by_a_parameter
from workbook_tools.learning.judging.blocks import blocks
from workbook_tools.learning.judging.claims import Claims, claims
from workbook_tools.learning.judging.differences import is_estimate
from workbook_tools.learning.judging.optimizers import compared
from workbook_tools.learning.judging.step_sizes import along_the_gradient, has_condition, is_frozen
from workbook_tools.learning.judging.verdicts import Compared, Judged, Verdict
from workbook_tools.learning.judging.walks import walked
from workbook_tools.learning.search.models import Model, of_one_sample
from workbook_tools.program.memory import Indexes

_GOOD = (Verdict.RIGHT, Verdict.THROUGH)
_MOST_APART = 2  # trainings of one parameter, of which one may be wrong
_NEARLY_ALL = 0.9  # of the updates of a block
_FEW = 4  # times as many are left
_LOST = 1e4  # times the rounding error; smaller differences of large numbers tell nothing


def judged(model: Model, is_meant: bool = False) -> Judged:
    """Judge the updates of a model, and the gradients from which they are calculated.

    If it ``is_meant``, all updates should be those of the derivative, even if none is.
    """
    result = _verdicts(model, is_meant)
    is_indirect = _are_indirect(result)
    may_have_states = is_indirect.any() and not model.space.gradients  # those that are only shown
    gradients = behind(model, result.claims, is_indirect) if may_have_states else []
    if gradients:
        by_state = result.of(is_indirect)
        result = _verdicts(with_gradients(model, is_indirect, gradients), is_meant)
        result.indirect = compared(by_state, gradients)
        _leave_uncompared_blocks(result.indirect)
    blame(result)
    return result


def _verdicts(model: Model, is_meant: bool) -> Judged:
    """Return what is known of the updates of a model."""
    own, space = claims(model), model.space
    right = np.isfinite(model.factors) | model.are_zero
    of_one = np.full(len(right), np.nan)
    of_one[~right] = of_one_sample(model.updates.among(~right), model.added[~right], own.shares)
    right |= np.isfinite(of_one)
    right |= along_the_gradient(model, own, right)
    verdicts = np.array([Verdict.RIGHT if one else Verdict.WRONG for one in right], dtype=object)
    _see_through(model, own, verdicts)
    added = (np.abs(model.added) > model.noise[:, None]).sum(axis=1)
    is_read = np.isin(model.updates.cells, space.reads.read)
    largest = np.abs(model.added).max(axis=1)
    is_lost = (largest <= _LOST * model.noise) & (largest > model.noise)  # in rounding
    adds_nothing = (added == 0) & ~is_read & ~_read_nothing(model)
    frozen = is_frozen(model)
    is_unseen = (added == 1) | adds_nothing | is_lost | frozen
    verdicts[(verdicts == Verdict.WRONG) & is_unseen] = Verdict.UNSEEN
    verdicts[(verdicts == Verdict.THROUGH) & frozen] = Verdict.UNSEEN
    for k in np.flatnonzero(verdicts == Verdict.WRONG).tolist():
        parameter = int(model.updates.parameters[k])
        named = space.named_by(int(model.updates.cells[k]))
        if any(is_estimate(model, cell, parameter) for cell in named):
            verdicts[k] = Verdict.RIGHT
    if not is_meant:
        _compare_alike(model, verdicts)
        _leave_unlike_blocks(model, own, verdicts)
    return Judged(model, own, verdicts.tolist(), of_one, is_meant)


def _leave_unlike_blocks(model: Model, claims: Claims, verdicts: NDArray[np.object_]) -> None:
    """Take the updates of a block for unknown if none of it is right, and it is unlike the others.

    It may follow another rule, beside a training for which the loss is meant, or add gradients with
    a delay. If the loss is only assumed, more must be right than wrong.
    """
    is_wrong = verdicts == Verdict.WRONG
    if not is_wrong.any():
        return
    numbers = blocks(model)
    is_good = np.isin(verdicts, _GOOD) & ~model.are_zero
    for number in np.unique(numbers[is_wrong]).tolist():
        own = numbers == number
        others = is_good & ~own
        if is_wrong[own].mean() > _NEARLY_ALL and _are_delayed(model, claims, own & is_wrong):
            verdicts[own & is_wrong] = Verdict.UNKNOWN
            continue
        is_doubtful = not is_good[own].any()
        if model.candidate.assumed is not None and others.any():
            is_doubtful = bool(is_wrong[own].sum() > is_good[own].sum())
        beside = np.isin(numbers, np.unique(numbers[others]))
        is_like = _is_like(model, own, others) or _is_below(model, own, beside)
        if is_doubtful and not is_like:
            verdicts[own & is_wrong] = Verdict.UNKNOWN


def _are_delayed(model: Model, claims: Claims, chosen: NDArray[np.bool_]) -> bool:
    """Tell whether updates add the derivatives by parameters of the same number of steps before."""
    space, own = model.space, model.updates
    delays: Counter[int] = Counter()
    for k in np.flatnonzero(chosen).tolist():
        earlier = space.earlier(int(own.parameters[k]))
        named = space.named_by(int(own.cells[k]))
        by = (claim.by for cell in named for claim in claims.by_parameter.get(cell, ()))
        delays[next((earlier.index(one) for one in by if one in earlier), -1)] += 1
    return -1 not in delays and max(delays.values(), default=0) > _NEARLY_ALL * delays.total()


def _leave_uncompared_blocks(result: Compared) -> None:
    """Do the same for updates that are compared with those of other parameters."""
    model = result.model
    frozen = is_frozen(model) & result.are(Verdict.WRONG)
    numbers = blocks(model)
    good = np.isin(result.verdicts, (Verdict.RIGHT, Verdict.ALIKE))
    known = np.isin(numbers, np.unique(numbers[good]))
    unlike = set(np.flatnonzero(result.are(Verdict.WRONG) & ~known).tolist())
    firsts = {model.space.first_update(cell) for cell in model.updates.cells.tolist()}
    if not good.any() and len(firsts) > _MOST_APART:
        unlike = set(range(len(good)))  # nothing is like another one, of many
    still = set(np.flatnonzero(frozen).tolist())
    for cell, culprit in [*result.culprits.items()]:
        own, has_turns = set(culprit.updates), has_condition(model.space.formula(cell))
        unlike |= own if has_turns else set()
        if own <= unlike | still and (own or has_turns):
            del result.culprits[cell]
            result.wrong.discard(cell)
    for k in unlike | still:
        result.verdicts[k] = Verdict.UNSEEN if k in still else Verdict.THROUGH


def _is_like(model: Model, own: NDArray[np.bool_], good: NDArray[np.bool_]) -> bool:
    """Tell whether all formulas of some updates have the shapes of those of good ones.

    One may be another one, if the loss is shown.
    """
    space = model.space
    backward = space.depends & ~model.candidate.upstream & space.is_formula
    shapes = []
    for kept in (own, good):
        read = space.reads.by(model.updates.cells[kept]).read
        used = space.flow.upstream(np.unique(read)) & backward
        used[model.updates.cells[kept]] = True
        shapes.append({*space.shape_at[used].tolist()})
    return len(shapes[0] - shapes[1]) <= (model.candidate.assumed is None)


def _read_nothing(model: Model) -> NDArray[np.bool_]:
    """Tell which updates read a gradient that is always 0 although the derivative is not.

    Most that are alike add a multiple of the derivative, not of that of one sample, for example.
    """
    space, own = model.space, model.updates
    number, named = space.named(own.cells)
    is_nothing = space.depends & ~model.candidate.upstream & ~model.memory.numbers.any(axis=1)
    found = np.zeros(len(own.cells), dtype=bool)
    found[number[is_nothing[named]]] = True
    direct = np.bincount(own.groups, np.isfinite(model.factors))[own.groups]
    is_usual = 2 * direct > np.bincount(own.groups)[own.groups]
    return found & model.are_clear & is_usual


def _are_indirect(result: Judged) -> NDArray[np.bool_]:
    """Tell which updates are like those that are calculated from the derivative in several steps.

    A state may stand between, such as the momentum. On a sheet on which all gradients are wrong,
    the formulas are alike, but not like those of others that are direct there.
    """
    own, shapes = result.model.updates, result.model.space.shape_at
    numbers = blocks(result.model) if result.are(Verdict.THROUGH).any() else own.groups
    _, groups = np.unique(own.groups * (1 + numbers.max(initial=0)) + numbers, return_inverse=True)
    through, direct = (
        np.bincount(groups, result.are(verdict))[groups]
        for verdict in (Verdict.THROUGH, Verdict.RIGHT)
    )
    found = through > direct
    sheets, _, _ = result.model.space.layout.cells(own.cells)
    on_sheet = shapes[own.cells] * len(result.model.space.layout.sheets) + sheets
    is_alike = np.isin(shapes[own.cells], shapes[own.cells[found]])
    is_alike &= ~np.isin(on_sheet, on_sheet[direct > through])
    found |= is_alike & (through + direct == 0)
    return np.asarray(found & ~result.are(Verdict.NONE))


def _see_through(model: Model, own: Claims, verdicts: NDArray[np.object_]) -> None:
    """Find the updates that are calculated from a derivative in several steps."""
    updates, space = model.updates, model.space
    left = np.flatnonzero(verdicts == Verdict.WRONG)
    # What adds something where the derivative is 0 is wrong: a ReLU without its mask, for example.
    is_flat = np.asarray(~model.adjoints[updates.parameters].any(axis=1))
    for k, found in _gradients(model, own, left).items():
        parameter = int(updates.parameters[k])
        if parameter in found:
            is_own = found <= {parameter, *space.earlier(parameter)}
            verdicts[k] = Verdict.THROUGH if is_own else Verdict.UNKNOWN
        elif not model.are_clear[k] and not is_flat[k]:
            verdicts[k] = Verdict.UNSEEN
    # Nothing is added where the rate is an empty cell, for example.
    adds_nothing = ~model.added.any(axis=1) & model.are_clear
    verdicts[(verdicts == Verdict.THROUGH) & adds_nothing] = Verdict.WRONG
    for k in np.flatnonzero(verdicts == Verdict.THROUGH).tolist():
        parameter = int(updates.parameters[k])
        named = space.named_by(int(updates.cells[k]))
        gradients = [cell for cell in named if own.shows(cell, parameter)]
        if is_multiplied_by_a_parameter(model, gradients, k):
            verdicts[k] = Verdict.WRONG


def _gradients(model: Model, own: Claims, left: Indexes) -> dict[int, set[int]]:
    """Return for updates by which parameters the nearest derivatives are that they are made of."""
    found: dict[int, set[int]] = {int(k): set() for k in left}
    is_claim = np.zeros(model.space.layout.size, dtype=bool)
    is_claim[own.are()] = True

    def are_found(updates: Indexes, cells: Indexes, _: Indexes) -> NDArray[np.bool_]:
        claimed = is_claim[cells]
        for k, cell in zip(updates[claimed].tolist(), cells[claimed].tolist(), strict=True):
            by = own.parameters_of(cell)
            parameter = int(model.updates.parameters[k])
            if parameter not in by:
                found[k] |= by
            elif cell in own.by_parameter:
                found[k].add(parameter)
        return np.array([bool(found[k]) for k in updates.tolist()], dtype=bool)

    if len(left):
        walked(model, left, are_found)
    return found


def _is_below(model: Model, own: NDArray[np.bool_], others: NDArray[np.bool_]) -> bool:
    """Tell whether some updates are in the columns of others, as in a second table of a sheet."""
    _, _, columns = model.space.layout.cells(model.updates.cells)
    return bool(np.isin(columns[own], columns[others]).all())


def _have_the_rate_of_others(model: Model, right: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which updates have the formula of one that is right, and read the same learning rate."""
    space, own = model.space, model.updates
    number, named = space.named(own.cells)
    may_be_rate = space.is_leaf[named] & ~(model.candidate.upstream | space.is_parameter)[named]
    rates: dict[int, set[int]] = defaultdict(set)
    for k, rate in zip(number[may_be_rate].tolist(), named[may_be_rate].tolist(), strict=True):
        rates[k].add(rate)
    shapes = space.shape_at[own.cells].tolist()
    keys = [(shape, frozenset(rates[k])) for k, shape in enumerate(shapes)]
    known = {keys[k] for k in np.flatnonzero(right & np.isfinite(model.factors)) if keys[k][1]}
    return np.array([key in known for key in keys], dtype=bool)


def _are_few(model: Model) -> NDArray[np.bool_]:
    """Tell which updates are few of those with their formula: no loss depends on the others.

    They may belong to a running total, of which only the first term is used for the loss.
    """
    shapes = model.space.shape_at
    counts = np.bincount(shapes[model.space.updates.cells] + 1, minlength=int(shapes.max()) + 2)
    own = shapes[model.updates.cells] + 1
    return np.asarray(_FEW * np.bincount(own)[own] < counts[own])


def _compare_alike(model: Model, verdicts: NDArray[np.object_]) -> None:
    """Judge what is not explained by most of the updates that are alike."""
    groups = model.updates.groups
    size = int(groups.max(initial=0)) + 1
    direct, through, unknown, wrong = (
        np.bincount(groups, (verdicts == verdict) & ~model.are_zero, size)[groups]
        for verdict in (Verdict.RIGHT, Verdict.THROUGH, Verdict.UNKNOWN, Verdict.WRONG)
    )
    good = direct + through
    read = np.bincount(groups, np.isin(model.updates.cells, model.space.reads.read), size)
    is_read = read[groups] > 0
    is_usual = 2 * np.isin(verdicts, (Verdict.RIGHT, Verdict.THROUGH)).sum() > len(verdicts)
    verdicts[(verdicts == Verdict.THROUGH) & (direct > through + unknown)] = Verdict.WRONG
    verdicts[(verdicts == Verdict.UNKNOWN) & (good > unknown + wrong)] = Verdict.WRONG
    is_alone = ((good == 0) & ~(is_usual & is_read)) | (unknown > good)
    is_alone |= _are_few(model)
    is_wrong = verdicts == Verdict.WRONG
    if (is_wrong & is_alone).any():
        is_alone &= ~_have_the_rate_of_others(model, verdicts == Verdict.RIGHT)
    verdicts[is_wrong & is_alone] = Verdict.UNKNOWN
    is_left = (verdicts == Verdict.UNKNOWN) | (verdicts == Verdict.UNSEEN)
    verdicts[is_left & ~is_read] = Verdict.NONE
