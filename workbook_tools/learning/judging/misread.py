"""Cells that updates read as their gradient, and that are none."""

import numpy as np
from numpy.typing import NDArray

from workbook_tools.learning.judging.verdicts import Judged, Verdict
from workbook_tools.learning.moved import moved
from workbook_tools.learning.space import Space

_FEW = 4  # updates of a column


def only_read_by(result: Judged, k: int, good: list[int], backward: NDArray[np.bool_]) -> int:
    """Return the cell that an update reads as its gradient, and no other can mean; −1 if none."""
    space, cells = result.model.space, result.model.updates.cells
    every = [c for c in space.named_by(int(cells[k])) if not space.is_parameter[c]]
    # What should be a gradient may not even depend on a parameter.
    named = [c for c in every if backward[c]] or [c for c in every if is_read_wrong(result, k, c)]
    readers = space.reads.of(np.array(named, dtype=np.int64))
    shared = {*readers.read[np.isin(readers.readers, cells[good])].tolist()}
    if len(named) != 1 or named[0] in shared:
        return -1
    # Is it another derivative, while the right one is shown elsewhere, and is to be read?
    parameter = int(result.model.updates.parameters[k])
    is_shown = any(result.claims.shows(cell, parameter) for cell in result.claims.by_parameter)
    return -1 if named[0] in result.claims.by_parameter and is_shown else named[0]


def copy_of_another(result: Judged, k: int) -> int:
    """Return the cell in which an update reads a copy of another parameter's gradient, if it does.

    Where the gradient should be is a formula that only shows another cell. −1 if there is none.
    """
    space, claims = result.model.space, result.claims.by_parameter
    cell = np.array([int(result.model.updates.cells[k])])
    _, named = space.named(cell, copies_too=True)
    every = zip(named.tolist(), space.reads.origin[named].tolist(), strict=True)
    return next((one for one, shown in every if one != shown and shown in claims), -1)


def is_read_wrong(result: Judged, k: int, read: int) -> bool:
    """Tell whether an update is a copy of right ones, but the cell that it reads is not."""
    model, space = result.model, result.model.space
    own, shapes = model.updates, space.shape_at
    alike = result.are(Verdict.RIGHT) & (shapes[own.cells] == shapes[own.cells[k]])
    cell = int(own.cells[k])
    for other in np.flatnonzero(alike & (own.groups == own.groups[k]))[:_FEW].tolist():
        like = int(own.cells[other])
        if _copied(space, like, cell, like) != space.formula(cell):
            continue
        for gradient in result.gradients(other):
            if _copied(space, like, cell, gradient) not in (None, space.formula(read)):
                return True
    return False


def _copied(space: Space, begin: int, end: int, cell: int) -> str | None:
    """Return the formula of a cell, moved from one place to another."""
    (_, *before), (_, *after) = space.layout.cell(begin), space.layout.cell(end)
    return moved(space.formula(cell) or "", after[0] - before[0], after[1] - before[1])
