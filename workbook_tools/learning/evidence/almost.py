"""Finds updates that no loss explains, but that a small change would make right.

If all gradients of a training are wrong, no right one tells the loss. A loss that the sheet shows
is taken for the one that is meant if a formula can be suggested for every cell with which the
updates are those of its derivative, or if the learning rate is an empty cell.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.references import areas
from workbook_tools.formulas.replacing import bare
from workbook_tools.formulas.tree import Operation, Reference, SyntaxProblemError, parse, parts
from workbook_tools.judging.findings import Finding
from workbook_tools.learning.judging.judged import judged
from workbook_tools.learning.judging.verdicts import Judged, Verdict
from workbook_tools.learning.mending.faults import findings
from workbook_tools.learning.search.losses import Candidate, candidates
from workbook_tools.learning.search.models import model_of
from workbook_tools.learning.space import Space
from workbook_tools.learning.updates import Updates, joined

_MOST = 6  # losses
_NOT_KNOWN = (Verdict.UNKNOWN, Verdict.UNSEEN, Verdict.NONE)
_MOST_READ = 1_000  # cells of one range
_OTHERWISE = re.compile(
    r"\b(?:IFS?|SIGN|ABS|MIN|MAX|SQRT|ROUND\w*|INT|RAND\w*)\(|[<>]", re.IGNORECASE
)
_NEARLY_ALL = 0.9  # of the parameters; in the last iteration, no loss may be shown


def almost(
    space: Space, results: Sequence[Judged], left: Updates
) -> Iterator[tuple[Judged, list[Finding]]]:
    """Yield what is wrong with updates of which no loss explains any.

    They are those that are ``left``, and others that are alike and unknown in the ``results`` so
    far; there they are taken away if they are wrong.
    """
    unknown = [result.model.updates.among(_are_unknown(result)) for result in results]
    own = [one for one in unknown if len(one.cells)]
    left = joined([left, *own])
    for candidate in _losses_of(space, left):
        found = with_loss(space, candidate, left)
        if found is not None:
            cells = found[0].model.updates.cells
            left = left.among(~np.isin(left.cells, cells))
            for other in results:
                other.leave_out(cells)
            yield found


def shown_instead(space: Space, result: Judged) -> tuple[Judged, list[Finding]] | None:
    """Return what is wrong by a loss that the sheet shows, in place of one that was assumed.

    An error that is wrong looks like the error of another loss. But most of the other errors and
    gradients are derivatives of the loss that is shown.
    """
    if result.model.candidate.assumed is None or result.model.space.gradients:
        return None
    for candidate in _losses_of(space, result.model.updates):
        found = with_loss(space, candidate, result.model.updates)
        if found is not None and _explains_most(found[0]):
            return found
    return None


def _losses_of(space: Space, left: Updates) -> list[Candidate]:
    """Return the losses that a sheet shows and that depend on all parameters, small ones first."""
    every = [one for one in candidates(space) if _is_of_all(one, left)]
    return sorted(every, key=lambda one: int(one.upstream.sum()))[:_MOST]


def with_loss(
    space: Space, candidate: Candidate, left: Updates, keeps_whole: bool = False
) -> tuple[Judged, list[Finding]] | None:
    """Return what is wrong with some updates if a loss is meant; None if it is not that alone."""
    model = model_of(space, candidate, keeps_whole)
    if model is None:
        return None
    are_left = np.isin(model.updates.cells, left.cells)
    if not (are_left & model.are_clear).any():
        return None
    result = judged(model.of(are_left), is_meant=True)
    if any(is_meant_otherwise(space, culprit.cell) for culprit in result.culprits.values()):
        return None
    found = findings(result)
    left_over = [
        space.layout.place_of((place.sheet, row, place.column))
        for finding in found
        for place in finding.places
        for row in (place.rows if len(place.put_right) < len(place.rows) else ())
    ]
    is_known = all(space.empty_cell(place) for place in left_over)  # or what it reads is empty
    return (result, found) if result.are(Verdict.WRONG).any() and is_known else None


def _explains_most(result: Judged) -> bool:
    """Tell whether most cells are derivatives that depend on no cell that is wrong."""
    model, claims = result.model, result.claims
    space = model.space
    wrong = np.array([*result.wrong, *result.culprits], dtype=np.int64)
    is_backward = space.depends & space.needed & space.is_formula & ~model.candidate.upstream
    is_backward[wrong] = True
    known = np.zeros_like(is_backward)
    known[claims.are()] = True
    known[wrong] = False
    return 2 * int((known & is_backward).sum()) > int(is_backward.sum())


def _are_unknown(result: Judged) -> NDArray[np.bool_]:
    """Tell which updates are unknown, as all are that are alike."""
    groups = result.model.updates.groups
    known = ~np.any([result.are(one) for one in _NOT_KNOWN], axis=0)
    return np.asarray(np.bincount(groups, known)[groups] == 0) if len(groups) else known


def is_meant_otherwise(space: Space, cell: int) -> bool:
    """Tell whether a step may be meant that is no derivative.

    It is clipped, for example, or drawn at random, or follows the rule of the perceptron; or it is
    divided by what depends on parameters, as by Newton's method.
    """
    depends = space.depends | space.is_parameter
    read = [one for one in space.named_by(cell) if depends[one] and not space.is_parameter[one]]
    formulas = [space.formula(one) or "" for one in (cell, *read)]
    return any(map(_OTHERWISE.search, formulas)) or _is_divided(space, cell, depends)


def _is_divided(space: Space, cell: int, depends: NDArray[np.bool_]) -> bool:
    """Tell whether a formula is a quotient, and what it is divided by depends on parameters."""
    try:
        tree = bare(parse(space.formula(cell) or ""))
    except SyntaxProblemError:
        return False
    if not isinstance(tree, Operation) or tree.operator != "/":
        return False
    sheet, _, _ = space.layout.cell(cell)
    read = [part.text for _, part in parts(tree.right) if isinstance(part, Reference)]
    cells = [
        one
        for text in read
        for area in areas(text)
        for one in islice(area.cells(sheet), _MOST_READ)
    ]
    return any(depends[space.reads.origin[space.layout.place_of(one)]] for one in cells)


def _is_of_all(candidate: Candidate, left: Updates) -> bool:
    """Tell whether a loss depends on all parameters that some updates are for."""
    depends = candidate.upstream[left.parameters]
    groups = left.groups[depends]
    return bool(depends.any() and depends[np.isin(left.groups, groups)].mean() > _NEARLY_ALL)
