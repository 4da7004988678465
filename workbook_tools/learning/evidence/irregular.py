"""Tells a loss that does not fit from a formula that is wrong."""

from collections import defaultdict

import numpy as np

from workbook_tools.differentiation.adjoints import named_in
from workbook_tools.learning.evidence.almost import is_meant_otherwise
from workbook_tools.learning.judging.verdicts import Judged, Verdict
from workbook_tools.learning.mending.faults import findings
from workbook_tools.learning.search.models import Model

_MOST_CHANGES = 3  # along the iterations of one parameter


def is_doubtful(result: Judged) -> bool:
    """Tell whether the loss is assumed, and more is wrong with it than right.

    Unless formulas can be suggested with which all is right.
    """
    good = result.are(Verdict.RIGHT) | result.are(Verdict.THROUGH)
    if result.model.candidate.assumed is None or result.are(Verdict.WRONG).sum() <= good.sum():
        return False
    if any(is_meant_otherwise(result.model.space, cell) for cell in result.culprits):
        return True
    places = [place for finding in findings(result) for place in finding.places]
    return not all(place.suggestion for place in places)


def is_irregular(result: Judged) -> bool:
    """Tell whether the loss is assumed, but the same formulas are right and wrong by turns with it.

    A rule that is no derivative, such as that of Kohonen's map, may look like one in some steps.
    But a wrong formula is wrong wherever it is filled down, unless it is anchored to another row.
    """
    model, space = result.model, result.model.space
    if model.candidate.assumed is None:
        return False
    chains: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    wrong = result.are(Verdict.WRONG)
    for cell, is_wrong in zip(model.updates.cells.tolist(), wrong.tolist(), strict=True):
        chains[space.first_update(cell)].append((space.iteration_of(cell), is_wrong))
    most = 0
    for own in chains.values():
        verdicts = np.array([is_wrong for _, is_wrong in sorted(own)])
        most = max(most, int((verdicts[1:] != verdicts[:-1]).sum()))
    return most > _MOST_CHANGES and not _has_anchors(model)


def _has_anchors(model: Model) -> bool:
    """Tell whether a formula of the backward half is anchored to a cell that changes."""
    space = model.space
    varies = space.depends | space.is_parameter
    backward = space.depends & space.needed & ~model.candidate.upstream
    for node, places in space.nodes():
        if len(places) > 1 and backward[places].any():
            pairs = zip(*(named_in(node, row) for row in node.run.rows[:2]), strict=False)
            fixed = [space.layout.place_of(one) for one, other in pairs if one == other]
            if varies[space.reads.origin[fixed]].any():
                return True
    return False
