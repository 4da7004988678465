"""Finds the cells in which updates go wrong, and other cells that are wrong in the same way."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.proportional import factors, matches
from workbook_tools.learning.models import Model
from workbook_tools.learning.moved import moved
from workbook_tools.learning.space import Space
from workbook_tools.learning.verdicts import Culprit, Judged, Verdict
from workbook_tools.program.memory import Indexes

_CLEAR = 1e-5  # relative
_SMALL = 1e-11  # of the largest derivative; what is smaller may be rounding
_ODD_SIGNS = 0.4  # of the updates have another sign than the others, at most
_LEAST_ALIKE, _ALIKE = 4, 0.8  # cells of a column that go in one direction, so that all should
_Move = tuple[int, int]  # rows down and columns to the right
_Line = tuple[int, str, int]  # updates that are alike, in one column of a sheet


def blame(result: Judged) -> None:
    """Add the cells in which updates go wrong, and those that are wrong like these."""
    for k in _with_odd_factors(result):
        result.verdicts[k] = Verdict.WRONG
    moves = _usual_moves(result)
    _find_latent(result, moves)
    wrong = [k for k, verdict in enumerate(result.verdicts) if verdict is Verdict.WRONG]
    trail = _find_first(result, wrong, moves) if wrong else None
    _find_misplaced(result, trail)
    _find_other_factors(result)
    _blame_gradients(result)
    _fill_copies(result)


def _find_latent(result: Judged, moves: dict[_Line, _Move]) -> None:
    """Find the updates that are right, but do not read the cell that the others of them read."""
    model, own = result.model, result.model.updates
    for k, verdict in enumerate(result.verdicts):
        if verdict is not Verdict.RIGHT or not np.isfinite(model.factors[k]):
            continue
        cell, parameter = int(own.cells[k]), int(own.parameters[k])
        expected = _expected(result, moves, k)
        if expected is not None and expected not in model.space.named_by(cell):
            result.verdicts[k] = Verdict.LATENT
            read = next(iter(result.gradients(k)), -1)
            result.culprits[cell] = Culprit(cell, parameter, [k], False, read, expected)


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


def _usual_moves(result: Judged) -> dict[_Line, _Move]:
    """Return where most updates of a column read their gradient, from their own cell.

    Different columns may read it in different directions, such as weights of two layers.
    """
    space = result.model.space
    counts: dict[_Line, Counter[_Move]] = defaultdict(Counter)
    for k in np.flatnonzero(np.isfinite(result.model.factors)).tolist():
        sheet, row, column = space.layout.cell(int(result.model.updates.cells[k]))
        for cell in result.gradients(k):
            other, other_row, other_column = space.layout.cell(cell)
            if other == sheet:
                counts[_line(result, k)][other_row - row, other_column - column] += 1
    found = {}
    for line, moves in counts.items():
        move, count = moves.most_common(1)[0]
        if count >= _LEAST_ALIKE and count >= _ALIKE * sum(moves.values()):
            found[line] = move
    return found


def _line(result: Judged, k: int) -> _Line:
    own, space = result.model.updates, result.model.space
    sheet, _, column = space.layout.cell(int(own.cells[k]))
    return int(own.groups[k]), sheet, column


def _expected(result: Judged, moves: dict[_Line, _Move], k: int) -> int | None:
    """Return the cell in which an update should find its gradient, if that is known."""
    own, space = result.model.updates, result.model.space
    move = moves.get(_line(result, k))
    if move is None:
        return None
    sheet, row, column = space.layout.cell(int(own.cells[k]))
    if row + move[0] < 1 or column + move[1] < 1:
        return None
    place = space.layout.place_of((sheet, row + move[0], column + move[1]))
    return place if place > 1 and space.is_formula[place] else None


# Where it goes wrong


def _find_first(result: Judged, wrong: Sequence[int], moves: dict[_Line, _Move]) -> "_Trail":
    """Find the first cells that are wrong: what they read is explained, they are not."""
    model, own = result.model, result.claims
    space, cells = model.space, model.updates.cells
    used = model.candidate.upstream
    backward = space.depends & ~used
    good = [k for k, v in enumerate(result.verdicts) if v in (Verdict.RIGHT, Verdict.THROUGH)]
    good = [k for k in good if not model.are_zero[k]]
    sure = [*space.reads.by(cells[good]).read.tolist(), *own.by_parameter]
    is_explained = space.flow.upstream(np.unique(sure).astype(np.int64))
    is_explained[own.are()] = True
    shown = [space.shows(int(cells[k])) for k in wrong]
    is_explained[[cell for cell in shown if cell is not None]] = False
    suspects = backward & ~is_explained
    suspects[_losses(model, np.flatnonzero(suspects))] = False
    suspects[_slopes(model, np.flatnonzero(suspects), used)] = False
    trail = _Trail(model, suspects)
    for k in wrong:
        cell, parameter = int(cells[k]), int(model.updates.parameters[k])
        region, first = trail.of(cell)
        result.wrong |= region
        for other in sorted(first):
            culprit = result.culprits.setdefault(other, Culprit(other, parameter))
            culprit.updates.append(k)
        if first:
            gradients = [c for c in space.named_by(cell) if c in region]
            if is_multiplied_by_a_parameter(model, gradients, k):
                result.culprits[cell] = Culprit(cell, parameter, [k], False, gradients[0])
            continue
        expected = _expected(result, moves, k)
        named = space.named_by(cell)
        if expected is None and not result.gradients(k):
            expected = _only_read_by(result, k, good, backward)
        if expected is not None and expected in named and not result.gradients(k):
            result.wrong.add(expected)
            culprit = Culprit(expected, parameter)
            result.culprits.setdefault(expected, culprit).updates.append(k)
        else:
            read = next((c for c in named if c in own.by_parameter), -1)
            if expected in named:
                expected = None
            should = -1 if expected is None else expected
            result.culprits[cell] = Culprit(cell, parameter, [k], False, read, should)
    return trail


def _only_read_by(
    result: Judged, k: int, good: list[int], backward: NDArray[np.bool_]
) -> int | None:
    """Return the cell that an update reads as its gradient, if no other update can mean it."""
    space, cells = result.model.space, result.model.updates.cells
    named = [c for c in space.named_by(int(cells[k])) if backward[c] and not space.is_parameter[c]]
    readers = space.reads.of(np.array(named, dtype=np.int64))
    shared = {*readers.read[np.isin(readers.readers, cells[good])].tolist()}
    if len(named) != 1 or named[0] in shared:
        return None
    # Is it another derivative, while the right one is shown elsewhere, and is to be read?
    parameter = int(result.model.updates.parameters[k])
    is_shown = any(result.claims.shows(cell, parameter) for cell in result.claims.by_parameter)
    return None if named[0] in result.claims.by_parameter and is_shown else named[0]


def _losses(model: Model, cells: Indexes) -> Indexes:
    """Return the cells that show the loss that is assumed, or are calculated from it alone."""
    if model.candidate.assumed is None:
        return cells[:0]
    space, numbers = model.space, model.memory.numbers
    is_loss = np.zeros(len(numbers), dtype=bool)
    for rows, _, _ in matches(numbers[cells], numbers[model.losses]):
        is_loss[cells[rows]] = True
    reads = space.reads.by(cells)
    varies = (space.depends | space.is_parameter)[reads.read]
    readers, read = reads.readers[varies], reads.read[varies]
    while True:
        others = np.setdiff1d(readers, readers[~is_loss[read]])
        if is_loss[others].all():
            return cells[is_loss[cells]]
        is_loss[others] = True


def _slopes(model: Model, cells: Indexes, used: NDArray[np.bool_]) -> Indexes:
    """Return the cells that are the derivative of one formula of the forward half."""
    space, draws = model.space, model.memory.draws
    is_forward = used & space.is_formula & ~space.is_parameter
    seeds = np.repeat(is_forward[:, None], draws, 1).astype(float)
    asked = space.depends | space.is_parameter
    slopes = [values for _, _, values in space.cut.shares(seeds, asked, model.memory)]
    if not slopes or not len(cells):
        return cells[:0]
    found = [rows for rows, _, _ in matches(model.memory.numbers[cells], np.concatenate(slopes))]
    return cells[np.concatenate(found)]


class _Trail:
    """Follows suspects from each update to the first ones: these read no other suspect."""

    def __init__(self, model: Model, suspects: NDArray[np.bool_]) -> None:
        self._flow = model.space.flow_of_all
        self._suspects = suspects & ~model.space.is_parameter
        self._known: dict[int, tuple[set[int], set[int]]] = {}

    def of(self, update: int) -> tuple[set[int], set[int]]:
        """Return the suspects from which an update is calculated, and the first ones of them."""
        found: tuple[set[int], set[int]] = set(), set()
        for cell in self._read_by(update):
            region, first = self._from(cell)
            found[0].update(region)
            found[1].update(first)
        return found

    def of_cell(self, cell: int) -> tuple[set[int], set[int]]:
        """Return the suspects that make a cell wrong, and the first ones; none if it is none."""
        return self._from(cell) if self._suspects[cell] else (set(), set())

    def _from(self, cell: int) -> tuple[set[int], set[int]]:
        if cell not in self._known:
            reads: dict[int, list[int]] = {}
            waiting = [cell]
            while waiting:
                one = waiting.pop()
                reads[one] = self._read_by(one)
                waiting += [other for other in reads[one] if other not in reads]
            self._known[cell] = {*reads}, {one for one, read in reads.items() if not read}
        return self._known[cell]

    def _read_by(self, cell: int) -> list[int]:
        _, read = self._flow.read_by(np.array([cell]))
        found: list[int] = np.unique(read[self._suspects[read]]).tolist()
        return found


def _find_misplaced(result: Judged, trail: "_Trail | None") -> None:
    """Find the cells of a column of derivatives that are not the one that belongs there.

    Perhaps nothing is calculated from them: from those of the last iteration, for example.
    """
    model, layout = result.model, result.model.space.layout
    counts: dict[tuple[str, int], Counter[tuple[str, int, int]]] = defaultdict(Counter)
    for cell, own in result.claims.by_parameter.items():
        sheet, row, column = layout.cell(cell)
        for other, other_row, other_column in {layout.cell(claim.by) for claim in own}:
            counts[sheet, column][other, other_row - row, other_column - column] += 1
    parameters: dict[tuple[str, int], list[int]] = defaultdict(list)
    used = model.space.is_parameter & model.candidate.upstream
    for place in np.flatnonzero(used).tolist():
        sheet, _, column = layout.cell(place)
        parameters[sheet, column].append(place)
    verdicts = zip(model.updates.parameters.tolist(), result.verdicts, strict=True)
    right = {place for place, verdict in verdicts if verdict is Verdict.RIGHT}
    for (sheet, column), moves in counts.items():
        (other, down, along), count = moves.most_common(1)[0]
        if count < _LEAST_ALIKE or count < _ALIKE * sum(moves.values()):
            continue
        missing = []
        for parameter in parameters[other, column + along]:
            cell = layout.place_of((sheet, max(layout.cell(parameter)[1] - down, 1), column))
            is_right = result.claims.shows(cell, parameter)
            if not is_right and parameter not in right and _should_be(result, cell, parameter):
                missing.append((cell, parameter))
        if len(missing) > (1 - _ALIKE) * (count + len(missing)):
            continue  # these are no derivatives by parameters, after all
        for cell, parameter in missing:
            region, first = trail.of_cell(cell) if trail else (set(), set())
            for one in first or {cell}:
                result.culprits.setdefault(one, Culprit(one, parameter))
            result.wrong |= region | {cell}


def _should_be(result: Judged, cell: int, parameter: int) -> bool:
    """Tell whether a cell has a formula, and a parameter a derivative that can be told from 0."""
    model, space = result.model, result.model.space
    if cell < 2 or not space.is_formula[cell] or space.is_parameter[cell] or cell in result.wrong:
        return False
    largest = np.abs(model.adjoints).max()
    clear = np.abs(model.adjoints[parameter]) > _SMALL * largest
    return bool(clear.sum() >= 2) and not model.candidate.upstream[cell]


def _find_other_factors(result: Judged) -> None:
    """Find the updates that go uphill where others go downhill, or by another rate.

    A rate is another one if most updates of the column have one rate, and so does the row.
    """
    model = result.model
    right = [k for k, v in enumerate(result.verdicts) if v is Verdict.RIGHT]
    right = [k for k in right if np.isfinite(model.factors[k])]
    used = [k for k in right if model.space.shows(int(model.updates.cells[k])) is None]
    up = [k for k in used if model.factors[k] > 0]
    down = [k for k in used if model.factors[k] < 0]
    odd = min(up, down, key=len)
    if len(odd) > _ODD_SIGNS * len(right):
        odd = []
    columns: dict[_Line, Counter[float]] = defaultdict(Counter)
    rows: dict[tuple[str, int], Counter[float]] = defaultdict(Counter)
    rate = {k: abs(float(f"{model.factors[k]:.6g}")) for k in right}
    for k in right:
        sheet, row, _ = model.space.layout.cell(int(model.updates.cells[k]))
        columns[_line(result, k)][rate[k]] += 1
        rows[sheet, row][rate[k]] += 1
    for k in right:
        sheet, row, _ = model.space.layout.cell(int(model.updates.cells[k]))
        usual, count = columns[_line(result, k)].most_common(1)[0]
        own = columns[_line(result, k)]
        is_usual = count >= _LEAST_ALIKE and count >= _ALIKE * sum(own.values())
        if is_usual and rate[k] != usual and rows[sheet, row][usual]:
            odd.append(k)
    for k in dict.fromkeys(odd):
        _blame_factor(result, k)


def _with_odd_factors(result: Judged) -> list[int]:
    """Return gradients that are only shown with another factor than most of their block."""
    model = result.model
    multiples = np.where(np.isfinite(model.factors), model.factors, result.of_one_sample)
    blocks: dict[tuple[int, bool], dict[int, float]] = defaultdict(dict)
    for k in range(len(multiples) if model.space.gradients else 0):
        if result.verdicts[k] is Verdict.RIGHT and np.isfinite(multiples[k]):
            is_of_all = bool(result.gradients(k))  # else of one sample
            block = int(model.updates.groups[k]), is_of_all
            blocks[block][k] = float(f"{multiples[k]:.6g}")
    odd = []
    for own in blocks.values():
        usual, count = Counter(own.values()).most_common(1)[0]
        if 2 * count > len(own):
            odd += [k for k, factor in own.items() if factor != usual]
    return odd


def _blame_factor(result: Judged, k: int) -> None:
    """Blame an update with another factor than others, or its gradient if that has another one."""
    model = result.model
    cell, parameter = int(model.updates.cells[k]), int(model.updates.parameters[k])
    result.verdicts[k] = Verdict.WRONG
    every = [claims[0].factor for claims in result.claims.by_parameter.values()]
    usual = Counter(float(f"{factor:.6g}") for factor in every).most_common(1)[0][0]
    for gradient in result.gradients(k):
        [claim] = [c for c in result.claims.by_parameter[gradient] if c.by == parameter][:1]
        if not np.isclose(claim.factor, usual, rtol=_CLEAR, atol=0.0):
            culprit = result.culprits.setdefault(gradient, Culprit(gradient, parameter))
            culprit.updates.append(k)
            result.wrong.add(gradient)
            return
    read = next(iter(result.gradients(k)), -1)
    result.culprits[cell] = Culprit(cell, parameter, [k], False, read)


def _blame_gradients(result: Judged) -> None:
    """Blame gradients in place of their updates, where these are only assumed."""
    for culprit in [*result.culprits.values()]:
        cell = None if culprit.is_gradient else result.model.space.shows(culprit.cell)
        if cell is not None:
            del result.culprits[culprit.cell]
            own = result.culprits.setdefault(cell, Culprit(cell, culprit.parameter))
            own.updates += culprit.updates
            result.wrong.add(cell)


def _fill_copies(result: Judged) -> None:
    """Add the copies of a culprit's formula, below each other or side by side, that are not right.

    From the gradients of the last iteration, for example, nothing is calculated.
    """
    model, space = result.model, result.model.space
    number = {cell: k for k, cell in enumerate(model.updates.cells.tolist())}
    known = {*result.culprits}
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
                    result.culprits[place] = Culprit(place, parameter)
                    result.wrong.add(place)
                elif not culprit.is_gradient and k >= 0 and result.verdicts[k] is not Verdict.RIGHT:
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
