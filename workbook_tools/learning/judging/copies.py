"""Copies of a wrong formula, of which nothing is calculated."""

from workbook_tools.learning.judging.verdicts import Culprit, Judged, Verdict
from workbook_tools.learning.moved import moved
from workbook_tools.learning.space import Space


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
