"""Copies: of a wrong formula, and of a cell in the place of a derivative."""

from collections import defaultdict

import numpy as np

from workbook_tools.learning.judging.verdicts import Culprit, Judged, Verdict
from workbook_tools.learning.moved import as_copied
from workbook_tools.learning.space import Space

_LEAST = 2  # formulas that read a copy


def fill_copies(result: Judged) -> None:
    """Add the copies of a culprit's formula, in its column or row, that are not right.

    From the gradients of the last iteration, for example, nothing is calculated.
    """
    model, space = result.model, result.model.space
    number = {cell: k for k, cell in enumerate(model.updates.cells.tolist())}
    known = {*result.culprits}
    # An update may be right itself, and its gradient wrong.
    are_of_gradients = {
        k for one in result.culprits.values() if one.is_gradient for k in one.updates
    }
    in_rows = _InRows(space)
    for culprit in [*result.culprits.values()]:
        below = space.whole.places_of(space.whole.nodes[int(space.whole.node_at[culprit.cell])])
        for places in (below.tolist(), in_rows.copies(culprit.cell)):
            not_right = known.intersection(places) | result.wrong.intersection(places)
            if len(not_right) * 2 < len(places):
                continue
            for place in places:
                parameter = _moved_along(space, culprit.parameter, culprit.cell, place)
                if place in result.wrong and not space.is_parameter[parameter]:
                    parameter = culprit.parameter
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


class _InRows:
    """Formulas that were copied to the right or left."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._known: dict[tuple[str, int], dict[str, list[int]]] = {}  # by row

    def copies(self, cell: int) -> list[int]:
        """Return the cells of a row with the formula of one, copied; this one is among them."""
        sheet, row, column = self._space.layout.cell(cell)
        if (sheet, row) not in self._known:
            found: dict[str, list[int]] = defaultdict(list)
            for node in self._space.whole.nodes:
                if node.sheet == sheet and row in node.run.rows:
                    formula = as_copied(node.run.formula.at(row), row, node.column)
                    place = self._space.layout.place_of((sheet, row, node.column))
                    found[formula].append(place)
            self._known[sheet, row] = found
        return self._known[sheet, row][as_copied(self._space.formula(cell) or "", row, column)]


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
