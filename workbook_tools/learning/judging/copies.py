"""Copies: of a wrong formula, and of a cell in the place of a derivative."""

import numpy as np

from workbook_tools.learning.judging.verdicts import Culprit, Judged, Verdict
from workbook_tools.learning.moved import moved
from workbook_tools.learning.space import Space

_LEAST = 2  # formulas that read a copy


def fill_copies(result: Judged) -> None:
    """Add the copies of a culprit's formula, below each other or side by side, that are not right.

    From the gradients of the last iteration, for example, nothing is calculated.
    """
    model, space = result.model, result.model.space
    number = {cell: k for k, cell in enumerate(model.updates.cells.tolist())}
    known = {*result.culprits}
    # An update may be right itself, and its gradient wrong.
    are_of_gradients = {
        k for one in result.culprits.values() if one.is_gradient for k in one.updates
    }
    for culprit in [*result.culprits.values()]:
        below = space.whole.places_of(space.whole.nodes[int(space.whole.node_at[culprit.cell])])
        for places in (below.tolist(), _beside(space, culprit.cell)):
            if len(known.intersection(places)) * 2 < len(places):
                continue
            for place in places:
                parameter = _moved_along(space, culprit.parameter, culprit.cell, place)
                if place in known or parameter < 2:
                    continue
                known.add(place)
                is_right = result.claims.shows(place, parameter)
                k = number.get(place, -1)
                if culprit.is_gradient and space.is_parameter[parameter] and not is_right:
                    copy = Culprit(place, parameter, is_helper=culprit.is_helper)
                    result.culprits[place] = copy
                    result.wrong.add(place)
                elif culprit.is_gradient or k < 0 or k in are_of_gradients:
                    continue
                elif result.verdicts[k] is not Verdict.RIGHT:
                    result.verdicts[k] = Verdict.WRONG
                    parameter = int(model.updates.parameters[k])
                    result.culprits[place] = Culprit(place, parameter, [k], False)


def _beside(space: Space, cell: int) -> list[int]:
    """Return the cells side by side with the formula of one, copied to the right or left."""
    formula, (sheet, row, column) = space.formula(cell) or "", space.layout.cell(cell)
    found = [cell]
    for step in (-1, 1):
        at = column + step
        while at > 0:
            place = space.layout.place_of((sheet, row, at))
            if place < 2 or space.formula(place) != moved(formula, 0, at - column):
                break
            found.append(place)
            at += step
    return found


def _moved_along(space: Space, cell: int, begin: int, end: int) -> int:
    """Return the cell that lies from one as ``end`` does from ``begin``; 0 if there is none."""
    sheet, row, column = space.layout.cell(cell)
    (_, *before), (_, *after) = space.layout.cell(begin), space.layout.cell(end)
    row, column = row + after[0] - before[0], column + after[1] - before[1]
    return space.layout.place_of((sheet, row, column)) if min(row, column) > 0 else 0


def blame_what_only_copies(result: Judged) -> None:
    """Blame a formula that only shows another cell, if all that read it there are wrong.

    An error that has lost its target is such a copy, of the prediction.
    """
    space, used = result.model.space, result.model.candidate.upstream
    reads = space.reads
    wrong = np.array([c.cell for c in result.culprits.values() if c.is_gradient], dtype=np.int64)
    named = np.unique(reads.cells[np.isin(reads.readers, wrong)])
    is_copy = (reads.origin[named] != named) & space.is_formula[named] & ~used[named]
    for cell in named[is_copy & used[reads.origin[named]]].tolist():
        readers = np.unique(reads.readers[reads.cells == cell]).tolist()
        if len(readers) < _LEAST or not all(one in result.wrong for one in readers):
            continue
        every = [result.culprits.pop(one) for one in readers if one in result.culprits]
        if every:
            updates = list(dict.fromkeys(k for one in every for k in one.updates))
            result.culprits[cell] = Culprit(cell, every[0].parameter, updates)
            result.wrong.add(cell)
