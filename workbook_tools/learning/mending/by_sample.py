"""What cells should show that are the derivative of the loss of one sample."""

from collections import Counter

import numpy as np

from workbook_tools.differentiation.proportional import matches, most_frequent
from workbook_tools.differentiation.tape import Array
from workbook_tools.learning.judging.verdicts import Culprit, Expected, Judged
from workbook_tools.learning.search.shares import shares_of
from workbook_tools.program.memory import Indexes


class BySample:
    """The gradients of a block in which each row, or each column, is for a sample of its own."""

    def __init__(self, result: Judged, stored: Array) -> None:
        """Prepare for a model; ``stored`` are the derivatives on the numbers of the workbook."""
        self._result = result
        model = self._model = result.model
        own = model.updates
        is_by_sample = np.isfinite(result.of_one_sample)
        size = int(own.groups.max(initial=0)) + 1
        counts, of_all = (
            np.bincount(own.groups, kept, size)
            for kept in (is_by_sample, np.isfinite(model.factors))
        )
        self._known = {
            group: self._factor_and_place(np.flatnonzero(is_by_sample & (own.groups == group)))
            for group in np.flatnonzero(counts > of_all).tolist()
        }
        if self._known:
            self._stored = shares_of(model.space, stored, model.space.stored)

    def of(self, culprit: Culprit) -> Expected | None:
        """Return what a cell should show; None if it does not belong to one sample."""
        own, shares = self._model.updates, self._result.claims.shares
        if not culprit.updates or not culprit.is_gradient:
            return None
        k = culprit.updates[0]
        if self._model.space.shows(int(own.cells[k])) != culprit.cell:
            return None
        if (group := int(own.groups[k])) not in self._known:
            return None
        factor, (axis, away) = self._known[group]
        layout = self._model.space.layout
        at = layout.cells(shares.readers)[axis]
        should_be = int(layout.cells(np.array([culprit.cell]))[axis][0]) + away
        kept = (shares.parameters == culprit.parameter) & (at == should_be)
        if not kept.any():
            return None
        drawn, now = (
            factor * part.derivatives[kept].sum(axis=0) for part in (shares, self._stored)
        )
        return Expected(drawn, float(now[0]), None)

    def _factor_and_place(self, right: Indexes) -> tuple[float, tuple[int, int]]:
        """Return by what right updates multiply the derivative, and where their samples are.

        That is the axis along which these lie, and how far they are from the gradients. The axis is
        1 for rows, and 2 for columns.
        """
        own, layout, shares = (
            self._model.updates,
            self._model.space.layout,
            self._result.claims.shares,
        )
        moves: Counter[tuple[int, int]] = Counter()
        places: dict[int, set[int]] = {1: set(), 2: set()}  # of the gradients, by axis
        for rows, parts, _ in matches(self._model.added[right], shares.derivatives):
            same = shares.parameters[parts] == own.parameters[right[rows]]
            cells = layout.cells(own.cells[right[rows[same]]])
            readers = layout.cells(shares.readers[parts[same]])
            for axis in (1, 2):
                moves.update((axis, int(move)) for move in readers[axis] - cells[axis])
                places[axis].update(cells[axis].tolist())
        # In a single row, all are as far above or below what they belong to: so the columns count.
        found = max(moves, key=lambda move: (moves[move], len(places[move[0]])))
        return most_frequent(self._result.of_one_sample[right]), found
