"""Finds updates that are steps along the gradient, whose size depends on the numbers.

The gradient may be divided by its norm, clipped, or multiplied by a flag that stops the training.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Container, Sequence

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.proportional import most_frequent, rounded
from workbook_tools.differentiation.tape import Array
from workbook_tools.learning.judging.claims import Claims
from workbook_tools.learning.search.models import Model
from workbook_tools.program.memory import NUMBER

_CLEAR = 1e-6  # relative
_TINY = 1e-9  # of the largest derivative; smaller ones tell nothing
_CLIPS = re.compile(r"\b(?:MIN|MAX|MEDIAN|ABS|SIGN|IFS?)\(", re.IGNORECASE)
_IF = re.compile(r"\b(?:IFS?|CHOOSE|SWITCH)\(", re.IGNORECASE)
_LEVELS = 3  # of cells in whose formulas a function is sought that clips


def along_the_gradient(model: Model, claims: Claims, right: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which updates are such steps, beside those that are ``right`` in any case.

    They must read a derivative, times their size: of a single unit, a wrong slope is in all
    gradients, too.
    """
    found = np.zeros(len(right), dtype=bool)
    if right.all():
        return found
    adjoints = model.adjoints[model.updates.parameters]
    clear = np.abs(adjoints) > _TINY * np.abs(adjoints).max(axis=0, initial=0.0)
    with np.errstate(all="ignore"):
        steps = np.where(clear, model.added / adjoints, np.nan)
    for own in _iterations(model, right):
        if np.isfinite(model.factors[own]).any():
            found[own] = _clipped(model, own, steps[own], right[own])
        else:
            found[own] = _with_common_size(steps[own])
            if found[own].any():
                found[own] &= _read_derivatives(model, claims, own)
    return found & ~right


def is_frozen(model: Model) -> NDArray[np.bool_]:
    """Tell which updates add nothing because of a condition, or of a rate that is 0."""
    space, own = model.space, model.updates
    found = np.asarray(np.abs(model.added).max(axis=1, initial=0.0) <= model.noise)
    is_number = space.stored.kinds == NUMBER
    is_zero = is_number & ~model.memory.numbers.any(axis=1)
    may_be_a_rate = ~model.candidate.upstream & ~space.is_parameter
    for k in np.flatnonzero(found).tolist():
        cell = int(own.cells[k])
        rates = [one for one in space.named_by(cell) if is_zero[one] and may_be_a_rate[one]]
        is_rate = any(not _is_gradient(model, one) for one in rates)
        found[k] = is_rate or has_condition(space.formula(cell))
    return found


def has_condition(formula: str | None) -> bool:
    """Tell whether a formula gives one thing or another."""
    return bool(_IF.search(formula or ""))


def _is_gradient(model: Model, cell: int) -> bool:
    """Tell whether a cell is calculated from something that the loss depends on."""
    _, read = model.space.flow.read_by(np.array([cell]))
    return bool((model.candidate.upstream | model.space.depends)[read].any())


def _iterations(model: Model, right: NDArray[np.bool_]) -> Sequence[Sequence[int]]:
    """Return the numbers of the updates of each iteration on a sheet that are not all right."""
    layout = model.space.layout
    found: dict[tuple[str, int], list[int]] = defaultdict(list)
    for k, parameter in enumerate(model.updates.parameters.tolist()):
        sheet, _, _ = layout.cell(parameter)
        found[sheet, model.space.iteration_of(parameter)].append(k)
    return [own for own in found.values() if not right[own].all()]


def _with_common_size(steps: Array) -> NDArray[np.bool_]:
    """Tell which steps, (updates, draws), vary from draw to draw as most others do.

    They may have another size, such as that of another learning rate.
    """
    nothing = np.zeros(len(steps), dtype=bool)
    with np.errstate(all="ignore"):
        sizes = np.nanmax(np.abs(steps), axis=1, initial=0.0)
        shapes = steps / sizes[:, None]
        shapes *= np.sign(np.nansum(shapes, axis=1))[:, None]
    whole = np.isfinite(shapes).all(axis=1)
    if 2 * whole.sum() <= len(steps):
        return nothing
    keys = [tuple(row) for row in rounded(shapes[whole] + 0.0, digits=5).tolist()]
    usual = max(keys, key=keys.count)
    if keys.count(usual) < 2 or 2 * keys.count(usual) <= len(keys):
        return nothing
    shape = shapes[whole][keys.index(usual)]
    off = np.where(np.isfinite(shapes), np.abs(shapes - shape), 0.0)
    return np.asarray((off.max(axis=1) <= _CLEAR) & np.isfinite(shapes).any(axis=1))


def _read_derivatives(model: Model, claims: Claims, own: Sequence[int]) -> NDArray[np.bool_]:
    """Tell which updates read a derivative, not only by way of cells that others read, too."""
    space, updates = model.space, model.updates
    backward = space.depends & ~model.candidate.upstream & ~space.is_parameter

    def read(k: int, without: Container[int]) -> tuple[set[int], bool]:
        """Return the cells that are no derivatives, and whether one is read."""
        parameter = int(updates.parameters[k])
        seen, waiting, is_read = set[int](), [int(updates.cells[k])], False
        for _ in range(_LEVELS):
            named = {one for cell in waiting for one in space.named_by(cell) if backward[one]}
            known = {c for c in named if claims.shows(c, parameter) or c in claims.others}
            is_read |= bool(known)
            waiting = [c for c in named - known - seen if c not in without]
            seen.update(waiting)
        return seen, is_read

    counts = Counter(cell for k in own for cell in read(k, ())[0])
    shared = {cell for cell, count in counts.items() if count > 1}
    return np.array([read(k, shared)[1] for k in own], dtype=bool)


def _clipped(
    model: Model, own: Sequence[int], steps: Array, right: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Tell which updates are those of a gradient that is cut off where it is too large."""
    found = np.zeros(len(own), dtype=bool)
    factors = model.factors[own][right]
    factors = factors[np.isfinite(factors)]
    if not len(factors):
        return found
    factor = most_frequent(factors)
    for n, k in enumerate(own):
        if right[n]:
            continue
        step, added = steps[n], np.abs(model.added[k])
        known = np.isfinite(step)
        is_whole = known & (np.abs(step - factor) <= _CLEAR * abs(factor))
        is_cut = known & ~is_whole & (step / factor > 0) & (np.abs(step) < abs(factor))
        if (is_whole | is_cut)[known].all() and is_cut.any():
            spread = np.ptp(added[is_cut])
            found[n] = spread <= _CLEAR * added[is_cut].max() and _clips(model, k)
    return found


def may_clip(formula: str | None) -> bool:
    """Tell whether a formula may cut something off, or leave out its sign."""
    return bool(_CLIPS.search(formula or ""))


def _clips(model: Model, k: int) -> bool:
    """Tell whether an update, or what it reads, may cut something off."""
    space = model.space
    cells = [int(model.updates.cells[k])]
    for _ in range(_LEVELS):
        if any(may_clip(space.formula(cell)) for cell in cells):
            return True
        backward = space.depends & ~model.candidate.upstream
        cells = [one for cell in cells for one in space.named_by(cell) if backward[one]]
    return False
