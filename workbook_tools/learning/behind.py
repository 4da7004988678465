"""Finds the gradients behind updates that are calculated from these in several steps.

An optimizer keeps a state, such as the momentum: an update is then no multiple of its gradient. The
gradient is where the others of these updates have theirs: it is read in the same role.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.learning.applied import Shown
from workbook_tools.learning.blame import usual_in
from workbook_tools.learning.claims import Claims
from workbook_tools.learning.flow import Ways
from workbook_tools.learning.losses import Candidate
from workbook_tools.learning.models import Model, model_again
from workbook_tools.learning.space import Space
from workbook_tools.program.memory import Indexes

_MOST_LEVELS = 12  # of cells between an update and a gradient
_SMALL = 1e-11  # of the largest derivative; what is smaller may be rounding


def behind(model: Model, claims: Claims, is_indirect: NDArray[np.bool_]) -> list[Shown]:
    """Return the gradients from which some updates are calculated, or should be, by column."""
    space = model.space
    cells, parameters = _read_as_gradients(model, claims, np.flatnonzero(is_indirect))
    layout = space.layout
    sheets, rows, columns = layout.cells(cells)
    others, other_rows, other_columns = layout.cells(parameters)
    lines = [*zip(sheets.tolist(), columns.tolist(), strict=True)]
    moves = zip(
        others.tolist(), (other_rows - rows).tolist(), (other_columns - columns).tolist(),
        strict=True,
    )  # fmt: skip
    used = model.candidate.upstream
    may_be = space.is_formula & ~space.is_parameter & ~used
    may_be[:2] = False
    sizes = np.abs(model.adjoints)
    asked = space.is_parameter & used & ((sizes > _SMALL * sizes.max()).sum(axis=1) >= 2)
    found: dict[int, Shown] = {}
    for (sheet, column), (move, count) in usual_in(lines, [*moves]).items():
        other, down, along = move
        base, top, bottom = layout.column(other, column + along)
        own_rows = top + np.flatnonzero(asked[base + top : base + bottom + 1])
        places = layout.places(np.array(sheet), np.maximum(own_rows - down, 1), np.array(column))
        is_formula = may_be[places]
        if is_formula.sum() > 2 * count:  # other cells stand there, too
            continue
        in_column = (sheets == sheet) & (columns == column)  # with others, where a training begins
        own = [(places[is_formula], (base + own_rows)[is_formula])]
        own += [(cells[in_column], parameters[in_column])]
        for cell, by in zip(*map(np.concatenate, zip(*own, strict=True)), strict=True):
            found.setdefault(int(cell), Shown(layout.cell(int(by)), layout.cell(int(cell)), sheet))
    return [*found.values()]


def with_gradients(model: Model, is_indirect: NDArray[np.bool_], gradients: list[Shown]) -> Model:
    """Return the model with gradients that are to be judged in place of indirect updates."""
    old = model.space
    parameters = [old.layout.cell(place) for place in old.parameters.tolist()]
    space = Space(old.sheets, old.values, old.iterations, old.updates, parameters, gradients)
    candidate = Candidate(model.losses, model.candidate.assumed, space.flow.upstream(model.losses))
    left_out = np.isin(space.updates.cells, model.updates.cells[is_indirect])
    return model_again(space, candidate, model.keeps_whole, left_out) or model


def _read_as_gradients(model: Model, claims: Claims, left: Indexes) -> tuple[Indexes, Indexes]:
    """Return cells that are read as gradients are for some updates, and the parameters of these."""
    parameters = model.updates.parameters
    walked = _walked(model, left, lambda k, cells, _: claims.show(cells, parameters[k]))
    # A state may be a gradient, too, but only where the training begins.
    is_walked = np.isin(walked.updates, walked.updates[walked.are_last])
    sheets = len(model.space.layout.sheets)
    size = (int(model.space.roles.max(initial=0)) // sheets + 1) * sheets
    counts = np.bincount(walked.roles[is_walked], minlength=size)
    shown = np.bincount(walked.roles[walked.are_last], minlength=size)
    by_sheet = (2 * shown > counts).reshape(-1, sheets)
    is_unknown = ~by_sheet.any(axis=0)  # all gradients of the sheet may be wrong
    are_gradients = (by_sheet | (is_unknown & by_sheet.any(axis=1, keepdims=True))).ravel()
    walked = _walked(model, left, lambda _, __, roles: are_gradients[roles])
    return walked.cells[walked.are_last], parameters[walked.updates[walked.are_last]]


class _Walked(NamedTuple):
    """The cells that were reached on the ways back from updates."""

    updates: Indexes  # numbers
    cells: Indexes
    roles: Indexes  # in which the cells are read
    are_last: NDArray[np.bool_]


def _walked(
    model: Model,
    left: Indexes,
    is_last: Callable[[Indexes, Indexes, Indexes], NDArray[np.bool_]],
) -> _Walked:
    """Go back from some updates until cells are reached that are the last ones."""
    space, reads = model.space, model.space.reads
    backward = space.depends & ~model.candidate.upstream & ~space.is_parameter
    ways = Ways(reads.readers, np.arange(len(reads.readers)), space.layout.size)
    parts = []
    k, at = left, model.updates.cells[left]
    for _ in range(_MOST_LEVELS):
        number, pair = ways.next(at)
        k, cells, roles = k[number], reads.read[pair], space.roles[pair]
        kept = backward[cells]
        k, cells, roles = k[kept], cells[kept], roles[kept]
        are_last = is_last(k, cells, roles)
        parts.append((k, cells, roles, are_last))
        is_left = ~np.isin(k, k[are_last])
        k, at = np.unique(np.stack([k[is_left], cells[is_left]]), axis=1)
        if not at.size:
            break
    return _Walked(*map(np.concatenate, zip(*parts, strict=True)))
