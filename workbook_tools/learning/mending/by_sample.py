"""What cells should show that are the derivative of the loss of one sample."""

from collections import Counter

import numpy as np

from workbook_tools.differentiation.proportional import matches, most_frequent
from workbook_tools.differentiation.tape import Array
from workbook_tools.learning.judging.verdicts import Culprit, Expected, Judged
from workbook_tools.learning.search.shares import shares_of


class BySample:
    """The gradients of a block in which each row, or each column, is for a sample of its own."""

    def __init__(self, result: Judged, stored: Array) -> None:
        """Prepare for a model; ``stored`` are the derivatives on the numbers of the workbook."""
        self._result = result
        model = self._model = result.model
        own = model.updates
        self._groups = {
            group
            for group in np.unique(own.groups).tolist()
            if np.isfinite(result.of_one_sample[own.groups == group]).sum()
            > np.isfinite(model.factors[own.groups == group]).sum()
        }
        if self._groups:
            self._stored = shares_of(model.space, stored, model.space.stored)

    def of(self, culprit: Culprit) -> Expected | None:
        """Return what a cell should show; None if it does not belong to one sample."""
        own, shares = self._model.updates, self._result.claims.shares
        if not culprit.updates or not culprit.is_gradient:
            return None
        k = culprit.updates[0]
        if self._model.space.shows(int(own.cells[k])) != culprit.cell:
            return None
        if (group := int(own.groups[k])) not in self._groups:
            return None
        axis, away = self._away(group)
        layout = self._model.space.layout
        at = layout.cells(shares.readers)[axis]
        should_be = int(layout.cells(np.array([culprit.cell]))[axis][0]) + away
        kept = (shares.parameters == culprit.parameter) & (at == should_be)
        if not kept.any():
            return None
        alike = own.groups == group
        factors = self._result.of_one_sample[alike]
        factor = most_frequent(factors[np.isfinite(factors)])
        drawn, now = (
            factor * part.derivatives[kept].sum(axis=0) for part in (shares, self._stored)
        )
        return Expected(drawn, float(now[0]), None)

    def _away(self, group: int) -> tuple[int, int]:
        """Return the axis along which samples lie, and where those of right cells are from them.

        The axis is 1 for rows, and 2 for columns.
        """
        own, layout, shares = (
            self._model.updates,
            self._model.space.layout,
            self._result.claims.shares,
        )
        right = np.flatnonzero((own.groups == group) & np.isfinite(self._result.of_one_sample))
        moves: Counter[tuple[int, int]] = Counter()
        for rows, parts, _ in matches(self._model.added[right], shares.derivatives):
            same = shares.parameters[parts] == own.parameters[right[rows]]
            cells = layout.cells(own.cells[right[rows[same]]])
            readers = layout.cells(shares.readers[parts[same]])
            for axis in (1, 2):
                moves.update((axis, int(move)) for move in readers[axis] - cells[axis])
        [(found, _)] = moves.most_common(1)
        return found
