"""Finds the gradients behind updates that are calculated from these in several steps.

An optimizer keeps a state, such as the momentum: an update is then no multiple of its gradient. The
gradient is where the others of these updates have theirs: it is read in the same role.
"""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.learning.applied import Shown
from workbook_tools.learning.flow import Ways
from workbook_tools.learning.judging.claims import Claims
from workbook_tools.learning.search.losses import Candidate
from workbook_tools.learning.search.models import Model, model_again
from workbook_tools.learning.space import Space
from workbook_tools.learning.usual import ALIKE, Column, Move, moves_to, usual_in
from workbook_tools.program.memory import Indexes

_MOST_LEVELS = 12  # of cells between an update and a gradient
_SMALL = 1e-11  # of the largest derivative; what is smaller may be rounding


def behind(model: Model, claims: Claims, is_indirect: NDArray[np.bool_]) -> list[Shown]:
    """Return the gradients from which some updates are calculated, or should be, by column."""
    space = model.space
    cells, parameters = _read_as_gradients(model, claims, np.flatnonzero(is_indirect))
    layout = space.layout
    lines, moves = moves_to(parameters, cells, layout)
    used = model.candidate.upstream
    may_be = space.is_formula & ~space.is_parameter & ~used
    may_be[:2] = False
    sizes = np.abs(model.adjoints)
    asked = space.is_parameter & used & ((sizes > _SMALL * sizes.max()).sum(axis=1) >= 2)
    found: dict[int, Shown] = {}
    usual = usual_in(lines, moves)
    downs = Counter((sheet, other, down) for (sheet, _), ((other, down, _), _) in usual.items())

    def column_of(line: Column, move: Move) -> tuple[Indexes, Indexes]:
        """Return the cells of a column that should be gradients, and their parameters."""
        (sheet, column), (other, down, along) = line, move
        base, top, bottom = layout.column(other, column + along)
        own_rows = top + np.flatnonzero(asked[base + top : base + bottom + 1])
        places = layout.places(np.array(sheet), np.maximum(own_rows - down, 1), np.array(column))
        kept = may_be[places]
        return places[kept], (base + own_rows)[kept]

    for line, (move, count) in usual.items():
        own, by = column_of(line, move)
        sheet = line[0]
        if len(own) > 2 * count:  # other cells stand there, too
            continue
        pairs = [(own, by)]
        _, other, down = max((one for one in downs if one[0] == sheet), key=lambda k: downs[k])
        if (other, down) != move[:2]:  # the updates may read the gradients of another row
            own, by = column_of(line, (other, down, move[2]))
            shown = claims.show(own, by)
            if len(own) and shown.mean() >= ALIKE:
                pairs = [(own, by)]
        else:  # where a training begins, a gradient may lie in another direction
            in_column = [own_line == line for own_line in lines]
            pairs.append((cells[in_column], parameters[in_column]))
        for one, parameter in zip(*map(np.concatenate, zip(*pairs, strict=True)), strict=True):
            shows = Shown(layout.cell(int(parameter)), layout.cell(int(one)), sheet)
            found.setdefault(int(one), shows)
    return [*found.values()]


def with_gradients(model: Model, is_indirect: NDArray[np.bool_], gradients: list[Shown]) -> Model:
    """Return the model with gradients that are to be judged in place of indirect updates."""
    old = model.space
    parameters = [old.layout.cell(place) for place in old.parameters.tolist()]
    space = Space(old.sheets, old.values, old.iterations, old.updates, parameters, gradients)
    candidate = Candidate(model.losses, model.candidate.assumed, space.flow.upstream(model.losses))
    left_out = model.updates.cells[is_indirect]
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
    cells, by = walked.cells[walked.are_last], parameters[walked.updates[walked.are_last]]
    # By mistake, the gradient of another parameter may be read, or a state.
    is_right = claims.show(cells, by)
    known = np.union1d(cells[is_right], walked.cells[~walked.are_last])
    kept = is_right | ~np.isin(cells, known)
    return cells[kept], by[kept]


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
