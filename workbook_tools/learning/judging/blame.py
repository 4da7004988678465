"""Finds the cells in which updates go wrong, and other cells that are wrong in the same way."""

from collections.abc import Sequence

import numpy as np

from workbook_tools.differentiation.proportional import factors
from workbook_tools.learning.judging.columns import Columns
from workbook_tools.learning.judging.copies import blame_what_only_copies, fill_copies
from workbook_tools.learning.judging.differences import is_estimate
from workbook_tools.learning.judging.factors import (
    find_doubled,
    find_other_factors,
    find_other_multiples,
    find_without_rate,
    lines_of,
    with_odd_factors,
)
from workbook_tools.learning.judging.misread import copy_of_another, only_read_by
from workbook_tools.learning.judging.step_sizes import may_clip
from workbook_tools.learning.judging.trail import Trail, trail_of
from workbook_tools.learning.judging.verdicts import Culprit, Judged, Verdict
from workbook_tools.learning.search.models import Model
from workbook_tools.learning.usual import ALIKE, moves_to, usual_in
from workbook_tools.program.memory import Indexes


def blame(result: Judged) -> None:
    """Add the cells in which updates go wrong, and those that are wrong like these."""
    for k in with_odd_factors(result):
        result.verdicts[k] = Verdict.WRONG
    expected = _expected(result)
    _find_latent(result, expected)
    wrong = np.flatnonzero(result.are(Verdict.WRONG)).tolist()
    if wrong:
        _find_first(result, wrong, expected)
    _find_misplaced(result)
    find_other_multiples(result)
    find_other_factors(result)
    find_without_rate(result)
    find_doubled(result)
    _blame_gradients(result)
    blame_what_only_copies(result)
    _keep_first(result)
    fill_copies(result)
    if not result.culprits:  # in a circle, no cell is the first one
        for k in np.flatnonzero(result.are(Verdict.WRONG)).tolist():
            cell, parameter = (
                int(result.model.updates.cells[k]),
                int(result.model.updates.parameters[k]),
            )
            result.culprits[cell] = Culprit(cell, parameter, [k], False)


def _find_latent(result: Judged, expected: Indexes) -> None:
    """Find the updates that are right, but do not read the cell that the others of them read."""
    model, own = result.model, result.model.updates
    number, named = model.space.named(own.cells)
    latent = result.are(Verdict.RIGHT) & np.isfinite(model.factors) & (expected >= 0)
    latent[number[named == model.space.reads.origin[expected[number]]]] = False
    for k in np.flatnonzero(latent).tolist():
        cell, parameter = int(own.cells[k]), int(own.parameters[k])
        result.verdicts[k] = Verdict.LATENT
        read = next(iter(result.gradients(k)), -1)
        result.culprits[cell] = Culprit(cell, parameter, [k], False, read, int(expected[k]))


def is_multiplied_by_a_parameter(model: Model, gradients: Sequence[int], k: int) -> bool:
    """Tell whether an update multiplies a gradient by a cell that is no rate."""
    space, parameter = model.space, int(model.updates.parameters[k])
    named = space.named_by(int(model.updates.cells[k]))
    others = [c for c in named if c != parameter and c not in gradients]
    used = model.candidate.upstream  # a rate may follow the loss, but is not used for it
    others = [c for c in others if used[c] or space.is_parameter[c]]
    numbers = model.memory.numbers
    return any(
        bool(np.isfinite(factors(model.added[[k]], numbers[[cell]] * numbers[[other]])[0]))
        for cell in gradients
        for other in others
    )


# In which direction updates read their gradient


def _expected(result: Judged) -> Indexes:
    """Return the cell in which each update should find its gradient; −1 if that is not known.

    Most updates of a column read it in one direction, from their own cell. Different columns may
    read it in different directions, such as weights of two layers.
    """
    model, own = result.model, result.model.updates
    space, layout = model.space, model.space.layout
    lines, (sheets, rows, columns) = lines_of(model), layout.cells(own.cells)
    number, named = space.named(own.cells)
    others, other_rows, other_columns = layout.cells(named)
    kept = np.isfinite(model.factors)[number] & (others == sheets[number])
    kept &= result.claims.show(named, own.parameters[number])
    number = number[kept]
    down, along = other_rows[kept] - rows[number], other_columns[kept] - columns[number]
    moves = [*zip(down.tolist(), along.tolist(), strict=True)]
    found = np.full(len(lines), -1)
    for line, (move, _) in usual_in(lines[number].tolist(), moves).items():
        k = np.flatnonzero(lines == line)
        right = np.maximum(columns[k] + move[1], 0)  # there is no column 0
        places = layout.places(sheets[k], rows[k] + move[0], right)
        is_formula = (places > 1) & space.is_formula[places]
        found[k[is_formula]] = places[is_formula]
    return found


# Where it goes wrong


def _find_first(result: Judged, wrong: Sequence[int], expected: Indexes) -> None:
    """Find the first cells that are wrong: what they read is explained, they are not."""
    model, own = result.model, result.claims
    space, cells = model.space, model.updates.cells
    used = model.candidate.upstream
    backward = space.depends & ~used
    good = [k for k, v in enumerate(result.verdicts) if v in (Verdict.RIGHT, Verdict.THROUGH)]
    good = [k for k in good if not model.are_zero[k]]
    shown = [space.shows(int(cells[k])) for k in wrong]
    trail = trail_of(
        result,
        [*space.reads.by(cells[good]).read.tolist(), *own.by_parameter],
        [cell for cell in shown if cell is not None],
    )
    for k in wrong:
        cell, parameter = int(cells[k]), int(model.updates.parameters[k])
        region, first = trail.of(cell)
        result.wrong |= region
        for other in sorted(first):
            culprit = result.culprits.setdefault(other, Culprit(other, parameter))
            culprit.updates.append(k)
        if first:
            gradients = [c for c in space.named_by(cell) if c in region]
            named_parameters = space.is_parameter[space.named_by(cell)].sum() > 1
            if named_parameters and is_multiplied_by_a_parameter(model, gradients, k):
                result.culprits[cell] = Culprit(cell, parameter, [k], False, gradients[0])
            continue
        if known := trail.known_behind(cell, result.culprits):
            for other in known:
                result.culprits[other].updates.append(k)
            continue
        should_read, reads_gradient = int(expected[k]), bool(result.gradients(k))
        named = space.named_by(cell)
        is_read = should_read in named
        if should_read < 0 and not reads_gradient:
            should_read = only_read_by(result, k, good, backward)
            if should_read < 0:
                should_read = copy_of_another(result, k)
            is_read = should_read >= 0
        if is_read and not reads_gradient:
            result.wrong.add(should_read)
            culprit = Culprit(should_read, parameter)
            result.culprits.setdefault(should_read, culprit).updates.append(k)
        else:
            read = next((c for c in named if c in own.by_parameter), -1)
            if is_read:
                should_read = -1
            result.culprits[cell] = Culprit(cell, parameter, [k], False, read, should_read)


def _find_misplaced(result: Judged) -> None:
    """Find the cells of a column of derivatives that are not the one that belongs there.

    Perhaps nothing is calculated from them: from those of the last iteration, for example.
    """
    model, claims, kept = result.model, result.claims, result.claims.are_by_parameters
    lines, moves = moves_to(claims.by[kept], claims.cells[kept], model.space.layout)
    should_be = Columns(model, model.updates.parameters[result.are(Verdict.RIGHT)])
    trail: Trail | None = None
    may_be_nothing = model.candidate.assumed is not None  # where a training begins with a target
    along = result.are(Verdict.RIGHT) & ~np.isfinite(model.factors) & ~model.are_zero
    if (along & ~np.isfinite(result.of_one_sample)).any():
        return  # the size of the steps depends on the numbers
    for line, (move, count) in usual_in(lines, moves).items():
        pairs = zip(*(part.tolist() for part in should_be.of(line, move)), strict=True)
        missing = [
            (cell, parameter)
            for cell, parameter in pairs
            if cell not in result.wrong
            and not claims.shows(cell, parameter)
            and not is_estimate(model, cell, parameter)
            and not may_clip(model.space.formula(cell))
            and (model.memory.numbers[cell].any() or not may_be_nothing)
        ]
        if len(missing) > (1 - ALIKE) * (count + len(missing)):
            continue  # these are no derivatives by parameters, after all
        for cell, parameter in missing:
            trail = trail or trail_of(result, [*claims.by_parameter], [])
            region, first = trail.of_cell(cell)
            for one in first or {cell}:
                result.culprits.setdefault(one, Culprit(one, parameter, is_helper=one != cell))
            result.wrong |= region | {cell}


def _blame_gradients(result: Judged) -> None:
    """Blame gradients in place of their updates, where these are only assumed."""
    for culprit in [*result.culprits.values()]:
        cell = None if culprit.is_gradient else result.model.space.shows(culprit.cell)
        if cell is not None:
            del result.culprits[culprit.cell]
            own = result.culprits.setdefault(cell, Culprit(cell, culprit.parameter))
            own.updates += culprit.updates
            result.wrong.add(cell)


def _keep_first(result: Judged) -> None:
    """Leave out gradients that are wrong because they are calculated from another culprit."""
    for cell, culprit in [*result.culprits.items()]:
        if culprit.is_gradient:
            read = [c for c in result.model.space.named_by(cell) if c in result.culprits]
            if read and read[0] != cell:
                result.culprits[read[0]].updates += culprit.updates
                del result.culprits[cell]
