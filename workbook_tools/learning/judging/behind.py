"""Finds the gradients behind updates that are calculated from these in several steps.

An optimizer keeps a state, such as the momentum: an update is then no multiple of its gradient. The
gradient is where the others of these updates have theirs: it is read in the same role.
"""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from workbook_tools.learning.applied import Shown
from workbook_tools.learning.judging.claims import Claims
from workbook_tools.learning.judging.columns import Columns
from workbook_tools.learning.judging.walks import walked
from workbook_tools.learning.search.losses import Candidate
from workbook_tools.learning.search.models import Model, model_again
from workbook_tools.learning.space import Space
from workbook_tools.learning.usual import ALIKE, moves_to, usual_in
from workbook_tools.program.memory import Indexes


def behind(model: Model, claims: Claims, is_indirect: NDArray[np.bool_]) -> list[Shown]:
    """Return the gradients from which some updates are calculated, or should be, by column."""
    space = model.space
    cells, parameters = _read_as_gradients(model, claims, np.flatnonzero(is_indirect))
    layout = space.layout
    lines, moves = moves_to(parameters, cells, layout)
    should_be = Columns(model)
    found: dict[int, Shown] = {}
    usual = usual_in(lines, moves)
    downs = Counter((sheet, other, down) for (sheet, _), ((other, down, _), _) in usual.items())

    for line, (move, count) in usual.items():
        own, by = should_be.of(line, move)
        sheet = line[0]
        if len(own) > 2 * count:  # other cells stand there, too
            continue
        pairs = [(own, by)]
        _, other, down = max((one for one in downs if one[0] == sheet), key=lambda k: downs[k])
        if (other, down) != move[:2]:  # the updates may read the gradients of another row
            own, by = should_be.of(line, (other, down, move[2]))
            shown = claims.show(own, by)
            if len(own) and shown.mean() >= ALIKE:
                pairs = [(own, by)]
        else:  # where a training begins, a gradient may lie in another direction
            in_column = [own_line == line for own_line in lines]
            pairs.append((cells[in_column], parameters[in_column]))
        for one, parameter in zip(*map(np.concatenate, zip(*pairs, strict=True)), strict=True):
            shows = Shown(layout.cell(int(parameter)), layout.cell(int(one)), sheet)
            found.setdefault(int(one), shows)
    in_columns = {sheet for sheet, _ in usual}
    for (sheet, _), one, by in zip(lines, cells.tolist(), parameters.tolist(), strict=True):
        if sheet not in in_columns:  # an iteration may be a column
            found.setdefault(one, Shown(layout.cell(by), layout.cell(one), sheet))
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
    reached = walked(model, left, lambda k, cells, _: claims.show(cells, parameters[k]))
    # A state may be a gradient, too, but only where the training begins.
    is_counted = np.isin(reached.updates, reached.updates[reached.are_last])
    sheets = len(model.space.layout.sheets)
    size = (int(model.space.roles.max(initial=0)) // sheets + 1) * sheets
    counts = np.bincount(reached.roles[is_counted], minlength=size)
    shown = np.bincount(reached.roles[reached.are_last], minlength=size)
    by_sheet = (2 * shown > counts).reshape(-1, sheets)
    is_unknown = ~by_sheet.any(axis=0)  # all gradients of the sheet may be wrong
    are_gradients = (by_sheet | (is_unknown & by_sheet.any(axis=1, keepdims=True))).ravel()
    reached = walked(model, left, lambda _, __, roles: are_gradients[roles])
    cells, by = reached.cells[reached.are_last], parameters[reached.updates[reached.are_last]]
    # By mistake, the gradient of another parameter may be read, or a state.
    is_right = claims.show(cells, by)
    known = np.union1d(cells[is_right], reached.cells[~reached.are_last])
    kept = is_right | ~np.isin(cells, known)
    return cells[kept], by[kept]
