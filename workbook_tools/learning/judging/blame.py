"""Finds the cells in which updates go wrong, and other cells that are wrong in the same way."""

import math
from collections import Counter, defaultdict
from collections.abc import Container, Sequence

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.proportional import factors, matches, most_frequent, rounded
from workbook_tools.learning.judging.columns import Columns
from workbook_tools.learning.judging.verdicts import Culprit, Judged, Verdict
from workbook_tools.learning.moved import moved
from workbook_tools.learning.search.models import Model
from workbook_tools.learning.space import Space
from workbook_tools.learning.usual import ALIKE, LEAST_ALIKE, moves_to, usual_in
from workbook_tools.notation.addresses import MAX_COLUMNS
from workbook_tools.program.memory import Indexes

_CLEAR = 1e-5  # relative
_FEW = 4  # updates of a column
_ODD_SIGNS = 0.4  # of the updates have another sign than the others, at most
_MOST_IN_COLUMN = 0.7  # cells of a column that are derivatives by cells that lie as they do


def blame(result: Judged) -> None:
    """Add the cells in which updates go wrong, and those that are wrong like these."""
    for k in _with_odd_factors(result):
        result.verdicts[k] = Verdict.WRONG
    expected = _expected(result)
    _find_latent(result, expected)
    wrong = np.flatnonzero(result.are(Verdict.WRONG)).tolist()
    if wrong:
        _find_first(result, wrong, expected)
    _find_misplaced(result)
    _find_other_multiples(result)
    _find_other_factors(result)
    _find_without_rate(result)
    _blame_gradients(result)
    _keep_first(result)
    _fill_copies(result)
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
    latent[number[named == expected[number]]] = False
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
    lines, (sheets, rows, columns) = _lines(model), layout.cells(own.cells)
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


def _lines(model: Model) -> Indexes:
    """Return a number for each update, equal for those that are alike, in one column of a sheet."""
    own, layout = model.updates, model.space.layout
    sheets, _, columns = layout.cells(own.cells)
    return (own.groups * len(layout.sheets) + sheets) * (MAX_COLUMNS + 1) + columns


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
    trail = _trail(
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
            if is_multiplied_by_a_parameter(model, gradients, k):
                result.culprits[cell] = Culprit(cell, parameter, [k], False, gradients[0])
            continue
        if known := trail.known_behind(cell, result.culprits):
            for other in known:
                result.culprits[other].updates.append(k)
            continue
        should_read = int(expected[k])
        named = space.named_by(cell)
        if should_read < 0 and not result.gradients(k):
            should_read = _only_read_by(result, k, good, backward)
        if should_read < 0 and not result.gradients(k):
            should_read = _copy_of_another(result, k)
            named = [*named, should_read]
        if should_read in named and not result.gradients(k) and should_read >= 0:
            result.wrong.add(should_read)
            culprit = Culprit(should_read, parameter)
            result.culprits.setdefault(should_read, culprit).updates.append(k)
        else:
            read = next((c for c in named if c in own.by_parameter), -1)
            if should_read in named:
                should_read = -1
            result.culprits[cell] = Culprit(cell, parameter, [k], False, read, should_read)


def _trail(result: Judged, sure: Sequence[int], wrong: Sequence[int]) -> "_Trail":
    """Return the ways back to suspects: no derivatives, and nothing that is right needs them.

    ``sure`` are the cells that are right, ``wrong`` those that are suspects in any case.
    """
    model, space = result.model, result.model.space
    used = model.candidate.upstream
    needed_by_right = space.flow.upstream(np.unique(sure).astype(np.int64))
    is_explained = needed_by_right.copy()
    is_explained[result.claims.are()] = True
    is_explained[wrong] = False
    suspects = space.depends & ~used & ~is_explained
    suspects &= model.memory.numbers.any(axis=1)  # a derivative may be 0, of a sample without input
    suspects[_losses(model, np.flatnonzero(suspects))] = False
    suspects[_slopes(model, np.flatnonzero(suspects), used)] = False
    odd = np.array(_other_than_their_column(result), dtype=np.int64)
    odd = odd[~needed_by_right[odd]]
    suspects |= space.flow.downstream(odd) & space.depends & ~used & ~needed_by_right
    return _Trail(model, suspects)


def _other_than_their_column(result: Judged) -> list[int]:
    """Return the cells that are derivatives, but not the one that is meant in their column.

    They are derivatives by another cell, or are another multiple.
    """
    claims, layout = result.claims, result.model.space.layout
    kept = ~claims.are_by_parameters & (claims.through < 0)
    lines, moves = moves_to(claims.by[kept], claims.cells[kept], layout)
    multiples = [f"{factor:.6g}" for factor in claims.factors[kept].tolist()]
    every = [*zip(moves, multiples, strict=True)]
    usual = usual_in(lines, every, _MOST_IN_COLUMN)
    cells = claims.cells[kept].tolist()
    right = {
        cell
        for cell, line, own in zip(cells, lines, every, strict=True)
        if line not in usual or usual[line][0] == own
    }
    return [cell for cell in dict.fromkeys(cells) if cell not in right]


def _only_read_by(result: Judged, k: int, good: list[int], backward: NDArray[np.bool_]) -> int:
    """Return the cell that an update reads as its gradient, and no other can mean; −1 if none."""
    space, cells = result.model.space, result.model.updates.cells
    every = [c for c in space.named_by(int(cells[k])) if not space.is_parameter[c]]
    # What should be a gradient may not even depend on a parameter.
    named = [c for c in every if backward[c]] or [c for c in every if _is_read_wrong(result, k, c)]
    readers = space.reads.of(np.array(named, dtype=np.int64))
    shared = {*readers.read[np.isin(readers.readers, cells[good])].tolist()}
    if len(named) != 1 or named[0] in shared:
        return -1
    # Is it another derivative, while the right one is shown elsewhere, and is to be read?
    parameter = int(result.model.updates.parameters[k])
    is_shown = any(result.claims.shows(cell, parameter) for cell in result.claims.by_parameter)
    return -1 if named[0] in result.claims.by_parameter and is_shown else named[0]


def _copy_of_another(result: Judged, k: int) -> int:
    """Return the cell in which an update reads a copy of another parameter's gradient, if it does.

    Where the gradient should be is a formula that only shows another cell. −1 if there is none.
    """
    space, claims = result.model.space, result.claims.by_parameter
    cell = np.array([int(result.model.updates.cells[k])])
    _, named = space.named(cell, copies_too=True)
    every = zip(named.tolist(), space.reads.origin[named].tolist(), strict=True)
    return next((one for one, shown in every if one != shown and shown in claims), -1)


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
        is_other = ~model.space.is_parameter
        self._is_backward = model.space.depends & ~model.candidate.upstream & is_other
        self._suspects = suspects & is_other
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

    def known_behind(self, update: int, known: Container[int]) -> list[int]:
        """Return those of some cells from which an update is calculated, by way of no parameter."""
        seen, waiting = {update}, [update]
        found: list[int] = []
        while waiting:
            _, read = self._flow.read_by(np.array([waiting.pop()]))
            for cell in np.unique(read[self._is_backward[read]]).tolist():
                if cell not in seen:
                    seen.add(cell)
                    (found if cell in known else waiting).append(cell)
        return found

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


def _find_misplaced(result: Judged) -> None:
    """Find the cells of a column of derivatives that are not the one that belongs there.

    Perhaps nothing is calculated from them: from those of the last iteration, for example.
    """
    model, claims, kept = result.model, result.claims, result.claims.are_by_parameters
    lines, moves = moves_to(claims.by[kept], claims.cells[kept], model.space.layout)
    should_be = Columns(model, model.updates.parameters[result.are(Verdict.RIGHT)])
    trail: _Trail | None = None
    for line, (move, count) in usual_in(lines, moves).items():
        pairs = zip(*(part.tolist() for part in should_be.of(line, move)), strict=True)
        missing = [
            (cell, parameter)
            for cell, parameter in pairs
            if cell not in result.wrong and not claims.shows(cell, parameter)
        ]
        if len(missing) > (1 - ALIKE) * (count + len(missing)):
            continue  # these are no derivatives by parameters, after all
        for cell, parameter in missing:
            trail = trail or _trail(result, [*claims.by_parameter], [])
            region, first = trail.of_cell(cell)
            for one in first or {cell}:
                result.culprits.setdefault(one, Culprit(one, parameter, is_helper=one != cell))
            result.wrong |= region | {cell}


def _find_other_multiples(result: Judged) -> None:
    """Find single gradients that are another multiple of the derivative than their column.

    Of several, or at the beginning or end, a rate that changes in the training may be in them.
    """
    claims, layout = result.claims, result.model.space.layout
    kept = claims.are_by_parameters
    sheets, _, columns = layout.cells(claims.cells[kept])
    lines = [*zip(sheets.tolist(), columns.tolist(), strict=True)]
    multiples = rounded(claims.factors[kept]).tolist()
    usual = usual_in(lines, multiples)
    every: dict[tuple[int, int], set[int]] = defaultdict(set)
    odd: dict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    cells, by = claims.cells[kept].tolist(), claims.by[kept].tolist()
    for cell, parameter, line, multiple in zip(cells, by, lines, multiples, strict=True):
        every[line].add(cell)
        if usual.get(line, (multiple, 0))[0] != multiple:
            odd[line][cell] = parameter
    single = {
        cell: parameter
        for line, own in odd.items()
        for cell, parameter in own.items()
        if len(own) == 1 and min(every[line]) < cell < max(every[line])
    }
    for cell, parameter in single.items():
        reads_another = not single.keys().isdisjoint(result.model.space.named_by(cell))
        if cell not in result.wrong and not reads_another:
            result.culprits.setdefault(cell, Culprit(cell, parameter))
            result.wrong.add(cell)


def _find_other_factors(result: Judged) -> None:
    """Find the updates that go uphill where others go downhill, or by another rate.

    A rate is another one if most updates of the column have one rate, and so does the row. A single
    one is, too, unless the training begins or ends there.
    """
    model, space, cells = result.model, result.model.space, result.model.updates.cells
    right = np.flatnonzero(result.are(Verdict.RIGHT) & np.isfinite(model.factors))
    is_shown = np.array([space.shows(c) is not None for c in cells[right].tolist()], dtype=bool)
    used = right[~is_shown]
    up, down = used[model.factors[used] > 0], used[model.factors[used] < 0]
    odd = min(up, down, key=len).tolist()
    if len(odd) > _ODD_SIGNS * len(right):
        odd = []
    rates = np.abs(rounded(model.factors[right])).tolist()
    lines = _lines(model)[right].tolist()
    sheets, rows, _ = space.layout.cells(cells[right])
    places = [*zip(sheets.tolist(), rows.tolist(), strict=True)]
    in_row = {*zip(places, rates, strict=True)}
    usual = usual_in(lines, rates)
    for k, line, place, rate in zip(right.tolist(), lines, places, rates, strict=True):
        most, count = usual.get(line, (rate, 0))
        of_line = cells[right][np.array(lines) == line] if rate != most else cells[:0]
        is_single = count == len(of_line) - 1 and of_line.min() < cells[k] < of_line.max()
        if rate != most and ((place, most) in in_row or is_single):
            odd.append(k)
    for k in dict.fromkeys(odd):
        _blame_factor(result, k)


def _find_without_rate(result: Judged) -> None:
    """Find the columns of updates that leave out the learning rate, which all others read.

    What others add is smaller by just this number.
    """
    model, space = result.model, result.model.space
    own = np.flatnonzero(result.are(Verdict.RIGHT) & np.isfinite(model.factors))
    own = own[[space.shows(cell) is None for cell in model.updates.cells[own].tolist()]]
    lines = _lines(model)[own]
    every = {line: own[lines == line] for line in np.unique(lines).tolist()}
    read = {
        line: [
            _numbers_read(model, int(cell)) for cell in model.updates.cells[some[:_FEW]].tolist()
        ]
        for line, some in every.items()
    }
    for line, some in every.items():
        others = [one for other, numbers in read.items() if other != line for one in numbers]
        if not others or not frozenset().union(*read[line]) <= frozenset().union(*others):
            continue  # it has a rate of its own
        for rate in frozenset.intersection(*others).difference(*read[line]):
            value = abs(float(space.stored.numbers[rate, 0]))
            usual = most_frequent(np.abs(model.factors[np.setdiff1d(own, some)]))
            added = value * np.abs(model.factors[some])
            is_it = np.allclose(added, usual, rtol=_CLEAR, atol=0.0)
            if is_it and not np.isclose(value, 1.0, rtol=_CLEAR):
                for k in some.tolist():
                    _blame_factor(result, k)


def _numbers_read(model: Model, update: int) -> frozenset[int]:
    """Return the numbers that an update reads, itself or by what it names, but not the loss."""
    space, used = model.space, model.candidate.upstream
    _, named = space.named(np.array([update]), copies_too=True)
    steps = [one for one in named.tolist() if space.is_formula[one] and not used[one]]
    read = [*named.tolist(), *(one for step in steps for one in space.named_by(step))]
    return frozenset(c for c in read if space.is_leaf[c] and not (used[c] or space.is_parameter[c]))


def _with_odd_factors(result: Judged) -> list[int]:
    """Return gradients that are only shown with another factor than most of their block.

    A whole column may have the sum over samples where others have the average.
    """
    model, space = result.model, result.model.space
    multiples = rounded(
        np.where(np.isfinite(model.factors), model.factors, result.of_one_sample)
    ).tolist()
    blocks: dict[tuple[int, bool], dict[int, float]] = defaultdict(dict)
    columns: dict[int, tuple[str, int]] = {}
    for k, update in enumerate(model.updates.cells.tolist() if space.gradients else ()):
        cell = space.shows(update)
        if cell is not None and result.verdicts[k] is Verdict.RIGHT and math.isfinite(multiples[k]):
            is_of_all = bool(result.gradients(k))  # else of one sample
            block = int(model.updates.groups[k]), is_of_all
            blocks[block][k] = multiples[k]
            sheet, _, column = space.layout.cell(cell)
            columns[k] = sheet, column
    sizes = Counter(columns.values())
    odd = []
    for own in blocks.values():
        usual, count = Counter(own.values()).most_common(1)[0]
        lines = Counter((columns[k], factor) for k, factor in own.items() if factor != usual)
        for k, factor in own.items() if 2 * count > len(own) else ():
            size = lines[columns[k], factor]
            is_column = size >= LEAST_ALIKE and size >= ALIKE * sizes[columns[k]]
            if factor != usual and not (is_column and _is_number_of_samples(factor / usual)):
                odd.append(k)
    return odd


def _is_number_of_samples(ratio: float) -> bool:
    """Tell whether one gradient may be the sum of what another one is the average of."""
    return any(np.isclose(own, max(round(own), 1), rtol=_CLEAR) for own in (ratio, 1 / ratio))


def _blame_factor(result: Judged, k: int) -> None:
    """Blame an update with another factor than others, or its gradient if that has another one."""
    model = result.model
    cell, parameter = int(model.updates.cells[k]), int(model.updates.parameters[k])
    result.verdicts[k] = Verdict.WRONG
    every = [claims[0].factor for claims in result.claims.by_parameter.values()]
    usual = most_frequent(np.array(every))
    for gradient in result.gradients(k):
        known = [c for c in model.space.named_by(gradient) if c in result.culprits]
        if known:
            result.culprits[known[0]].updates.append(k)
            return
        [claim] = [c for c in result.claims.by_parameter[gradient] if c.by == parameter][:1]
        if not np.isclose(claim.factor, usual, rtol=_CLEAR, atol=0.0):
            culprit = result.culprits.setdefault(gradient, Culprit(gradient, parameter))
            culprit.updates.append(k)
            result.wrong.add(gradient)
            return
    read = next(iter(result.gradients(k)), -1)
    space = model.space
    _, named = space.named(np.array([cell]), copies_too=True)
    for one in named[space.reads.origin[named] == read].tolist():
        if _is_read_wrong(result, k, one):
            result.culprits.setdefault(one, Culprit(one, parameter)).updates.append(k)
            result.wrong.add(one)
            return
    result.culprits[cell] = Culprit(cell, parameter, [k], False, read)


def _is_read_wrong(result: Judged, k: int, read: int) -> bool:
    """Tell whether an update is a copy of right ones, but the cell that it reads is not."""
    model, space = result.model, result.model.space
    own, shapes = model.updates, space.shape_at
    alike = result.are(Verdict.RIGHT) & (shapes[own.cells] == shapes[own.cells[k]])
    cell = int(own.cells[k])
    for other in np.flatnonzero(alike & (own.groups == own.groups[k]))[:_FEW].tolist():
        like = int(own.cells[other])
        if _copied(space, like, cell, like) != space.formula(cell):
            continue
        for gradient in result.gradients(other):
            if _copied(space, like, cell, gradient) not in (None, space.formula(read)):
                return True
    return False


def _copied(space: Space, begin: int, end: int, cell: int) -> str | None:
    """Return the formula of a cell, moved from one place to another."""
    (_, *before), (_, *after) = space.layout.cell(begin), space.layout.cell(end)
    return moved(space.formula(cell) or "", after[0] - before[0], after[1] - before[1])


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


def _fill_copies(result: Judged) -> None:
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
