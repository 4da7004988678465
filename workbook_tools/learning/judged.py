"""Judges the updates of a model, and finds the cells in which wrong ones go wrong."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from workbook_tools.learning.claims import Claims, claims
from workbook_tools.learning.models import Model
from workbook_tools.learning.proportional import factors, matches
from workbook_tools.program.memory import Indexes

_MOST_LEVELS = 12  # of cells between an update and a gradient
_CLEAR = 1e-5  # relative
_LOST = 1e4  # times the rounding error; smaller differences of large numbers tell nothing
_ODD_SIGNS = 0.4  # of the updates have another sign than the others, at most
_LEAST_ALIKE, _ALIKE = 4, 0.8  # cells of a column that go in one direction, so that all should
_Move = tuple[int, int]  # rows down and columns to the right
_Line = tuple[int, str, int]  # updates that are alike, in one column of a sheet


class Verdict(StrEnum):
    """What is known of an update."""

    RIGHT = "right"  # it adds a multiple of the derivative
    THROUGH = "through"  # it is calculated from the derivative, such as by momentum
    WRONG = "wrong"
    LATENT = "latent"  # it adds the derivative, but not from the cell that the others read
    UNKNOWN = "unknown"  # no loss explains it
    UNSEEN = "unseen"  # its derivative is 0 on the random numbers
    NONE = "none"  # nothing reads it, nor others like it, and nothing explains it: it is no update


@dataclass
class Culprit:
    """A cell in which updates go wrong."""

    cell: int
    parameter: int  # whose gradient it should be, or whose update it is
    updates: list[int] = field(default_factory=list)  # numbers
    is_gradient: bool = True  # else it is the update itself
    reads: int = -1  # the gradient that the update reads
    should_read: int = -1  # the one that it should read


@dataclass
class Judged:
    """What the updates of a model are, and what is wrong in them."""

    model: Model
    claims: Claims
    verdicts: list[Verdict]  # by update
    culprits: dict[int, Culprit] = field(default_factory=dict)  # by cell
    wrong: set[int] = field(
        default_factory=set
    )  # cells of the backward half that are no derivative

    def gradients(self, k: int) -> list[int]:
        """Return the cells that an update names and that are the derivative by its parameter."""
        own = self.model.updates
        named = self.model.space.named_by(int(own.cells[k]))
        parameter = int(own.parameters[k])
        return [
            cell
            for cell in named
            if any(claim.by == parameter for claim in self.claims.by_parameter.get(cell, ()))
        ]


def judged(model: Model) -> Judged:
    """Judge the updates of a model."""
    own, space = claims(model), model.space
    used = space.flow.upstream(model.losses)
    backward = space.depends & ~used
    right = np.isfinite(model.factors) | model.are_zero | _of_one_sample(model, own)
    verdicts = np.array([Verdict.RIGHT if one else Verdict.WRONG for one in right], dtype=object)
    _see_through(model, own, verdicts, backward)
    added = (np.abs(model.added) > model.noise[:, None]).sum(axis=1)
    is_read = np.isin(model.updates.cells, space.reads.read)
    largest = np.abs(model.added).max(axis=1)
    is_lost = (largest <= _LOST * model.noise) & (largest > model.noise)  # in rounding
    is_unseen = (added == 1) | ((added == 0) & ~is_read) | is_lost
    verdicts[(verdicts == Verdict.WRONG) & is_unseen] = Verdict.UNSEEN
    _compare_alike(model, verdicts)
    result = Judged(model, own, verdicts.tolist())
    moves = _usual_moves(result)
    for k, verdict in enumerate(result.verdicts):
        expected = _expected(result, moves, k)
        if verdict is Verdict.RIGHT and expected is not None and not model.are_zero[k]:
            named = space.named_by(int(model.updates.cells[k]))
            if expected not in named and np.isfinite(model.factors[k]):
                result.verdicts[k] = Verdict.LATENT
                cell = int(model.updates.cells[k])
                read = next(iter(result.gradients(k)), -1)
                parameter = int(model.updates.parameters[k])
                result.culprits[cell] = Culprit(cell, parameter, [k], False, read, expected)
    wrong = [k for k, verdict in enumerate(result.verdicts) if verdict is Verdict.WRONG]
    if wrong:
        _blame(result, wrong, moves, backward, used)
    _find_misplaced(result)
    _find_other_factors(result)
    _fill_down(result)
    return result


def _of_one_sample(model: Model, own: Claims) -> NDArray[np.bool_]:
    """Tell which updates add the derivative of the loss of one sample only."""
    left = np.flatnonzero(~np.isfinite(model.factors) & ~model.are_zero)
    found = np.zeros(len(model.factors), dtype=bool)
    for rows, parts, _ in matches(model.added[left], own.shares):
        same = own.shared[parts] == model.updates.parameters[left[rows]]
        found[left[rows[same]]] = True
    return found


def _see_through(
    model: Model, own: Claims, verdicts: NDArray[np.object_], backward: NDArray[np.bool_]
) -> None:
    """Find the updates that are calculated from a derivative in several steps."""
    updates, space = model.updates, model.space
    before = dict(zip(space.updates.cells.tolist(), space.updates.parameters.tolist(), strict=True))
    left = np.flatnonzero(verdicts == Verdict.WRONG)
    for k, found in _gradients(model, own, left, backward).items():
        parameter = at = int(updates.parameters[k])
        earlier = {parameter}
        while at in before and before[at] not in earlier:
            at = before[at]
            earlier.add(at)
        if parameter in found:
            verdicts[k] = Verdict.THROUGH if found <= earlier else Verdict.UNKNOWN
        elif not model.are_clear[k]:
            verdicts[k] = Verdict.UNSEEN
    for k in np.flatnonzero(verdicts == Verdict.THROUGH).tolist():
        parameter = int(updates.parameters[k])
        named = space.named_by(int(updates.cells[k]))
        every = own.by_parameter
        gradients = [c for c in named if any(one.by == parameter for one in every.get(c, ()))]
        if _is_multiplied_by_a_parameter(model, gradients, k):
            verdicts[k] = Verdict.WRONG


def _is_multiplied_by_a_parameter(model: Model, gradients: Sequence[int], k: int) -> bool:
    """Tell whether an update multiplies a gradient by a cell that is no rate."""
    space, parameter = model.space, int(model.updates.parameters[k])
    named = space.named_by(int(model.updates.cells[k]))
    others = [c for c in named if c != parameter and c not in gradients]
    others = [c for c in others if space.depends[c] or space.is_parameter[c]]
    numbers = model.memory.numbers
    return any(
        bool(np.isfinite(factors(model.added[[k]], numbers[[cell]] * numbers[[other]])[0]))
        for cell in gradients
        for other in others
    )


def _gradients(
    model: Model, own: Claims, left: Indexes, backward: NDArray[np.bool_]
) -> dict[int, set[int]]:
    """Return for updates by which parameters the nearest derivatives are that they are made of."""
    space = model.space
    found: dict[int, set[int]] = {int(k): set() for k in left}
    is_claim = np.zeros_like(backward)
    is_claim[own.are()] = True
    at = np.stack([left, model.updates.cells[left]])
    for _ in range(_MOST_LEVELS):
        if not at.size:
            break
        number, cells = space.flow_of_all.read_by(at[1])
        at = np.unique(np.stack([at[0][number], cells]), axis=1)
        at = at[:, backward[at[1]] & ~space.is_parameter[at[1]]]
        for k, cell in at[:, is_claim[at[1]]].T.tolist():
            by = own.parameters_of(cell)
            parameter = int(model.updates.parameters[k])
            if parameter not in by:
                found[k] |= by
            elif cell in own.by_parameter:
                found[k].add(parameter)
        at = at[:, [not found[k] for k in at[0].tolist()]]
    return found


def _compare_alike(model: Model, verdicts: NDArray[np.object_]) -> None:
    """Judge what is not explained by most of the updates that are alike."""
    groups = model.updates.groups
    size = int(groups.max(initial=0)) + 1
    direct, through, unknown, wrong = (
        np.bincount(groups, (verdicts == verdict) & ~model.are_zero, size)[groups]
        for verdict in (Verdict.RIGHT, Verdict.THROUGH, Verdict.UNKNOWN, Verdict.WRONG)
    )
    good = direct + through
    read = np.bincount(groups, np.isin(model.updates.cells, model.space.reads.read), size)
    is_read = read[groups] > 0
    is_usual = 2 * np.isin(verdicts, (Verdict.RIGHT, Verdict.THROUGH)).sum() > len(verdicts)
    verdicts[(verdicts == Verdict.THROUGH) & (direct > through + unknown)] = Verdict.WRONG
    verdicts[(verdicts == Verdict.UNKNOWN) & (good > unknown + wrong)] = Verdict.WRONG
    is_alone = (good == 0) & ~(is_usual & is_read)
    verdicts[(verdicts == Verdict.WRONG) & (is_alone | (unknown > good))] = Verdict.UNKNOWN
    is_left = (verdicts == Verdict.UNKNOWN) | (verdicts == Verdict.UNSEEN)
    verdicts[is_left & ~is_read] = Verdict.NONE


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


def _blame(
    result: Judged,
    wrong: list[int],
    moves: dict[_Line, _Move],
    backward: NDArray[np.bool_],
    used: NDArray[np.bool_],
) -> None:
    """Find the first cells that are wrong: what they read is explained, they are not."""
    model, own = result.model, result.claims
    space, cells = model.space, model.updates.cells
    good = [k for k, v in enumerate(result.verdicts) if v in (Verdict.RIGHT, Verdict.THROUGH)]
    good = [k for k in good if not model.are_zero[k]]
    sure = [*space.reads.by(cells[good]).read.tolist(), *own.by_parameter]
    is_explained = space.flow.upstream(np.unique(sure).astype(np.int64))
    is_explained[own.are()] = True
    suspects = backward & ~is_explained
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
            if _is_multiplied_by_a_parameter(model, gradients, k):
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


def _only_read_by(
    result: Judged, k: int, good: list[int], backward: NDArray[np.bool_]
) -> int | None:
    """Return the cell that an update reads as its gradient, if no other update can mean it."""
    space, cells = result.model.space, result.model.updates.cells
    named = [c for c in space.named_by(int(cells[k])) if backward[c] and not space.is_parameter[c]]
    readers = space.reads.of(np.array(named, dtype=np.int64))
    shared = {*readers.read[np.isin(readers.readers, cells[good])].tolist()}
    if len(named) != 1 or named[0] in shared or named[0] in result.claims.by_parameter:
        return None
    return named[0]


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
    """Find the cells of a column that are the derivative by another parameter than the others are.

    These show gradients from which nothing is calculated: those of the last iteration, for example.
    """
    model, layout = result.model, result.model.space.layout
    counts: dict[tuple[str, int], Counter[tuple[str, int, int]]] = defaultdict(Counter)
    moves: dict[int, set[tuple[str, int, int]]] = {}
    for cell, own in result.claims.by_parameter.items():
        sheet, row, column = layout.cell(cell)
        moves[cell] = {
            (other, other_row - row, other_column - column)
            for other, other_row, other_column in (layout.cell(claim.by) for claim in own)
        }
        counts[sheet, column].update(moves[cell])
    is_parameter = model.space.is_parameter & model.space.flow.upstream(model.losses)
    for cell, own_moves in moves.items():
        sheet, row, column = layout.cell(cell)
        usual, count = counts[sheet, column].most_common(1)[0]
        is_usual = count >= _LEAST_ALIKE and count >= _ALIKE * sum(counts[sheet, column].values())
        if usual in own_moves or not is_usual or cell in result.wrong:
            continue
        other, down, right = usual
        place = layout.place_of((other, max(row + down, 1), max(column + right, 1)))
        if is_parameter[place]:
            result.culprits.setdefault(cell, Culprit(cell, place))
            result.wrong.add(cell)


def _find_other_factors(result: Judged) -> None:
    """Find the updates that go uphill where others go downhill, or by another rate.

    A rate is another one if most updates of the column have one rate, and so does the row.
    """
    model = result.model
    right = [k for k, v in enumerate(result.verdicts) if v is Verdict.RIGHT]
    right = [k for k in right if np.isfinite(model.factors[k])]
    up = [k for k in right if model.factors[k] > 0]
    down = [k for k in right if model.factors[k] < 0]
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


def _fill_down(result: Judged) -> None:
    """Add the cells that have the formula of a culprit, filled down, and are not right.

    From the gradients of the last iteration, for example, nothing is calculated.
    """
    model, space = result.model, result.model.space
    number = {cell: k for k, cell in enumerate(model.updates.cells.tolist())}
    known = {*result.culprits}
    for culprit in [*result.culprits.values()]:
        places = space.whole.places_of(space.whole.nodes[int(space.whole.node_at[culprit.cell])])
        if len(known.intersection(places.tolist())) * 2 < len(places):
            continue
        for place in places.tolist():
            move = place - culprit.cell
            parameter = culprit.parameter + move
            if place in known or not 1 < parameter < len(space.is_parameter):
                continue
            known.add(place)
            claims = result.claims.by_parameter.get(place, ())
            is_right = any(claim.by == parameter for claim in claims)
            k = number.get(place, -1)
            if culprit.is_gradient and space.is_parameter[parameter] and not is_right:
                result.culprits[place] = Culprit(place, parameter)
                result.wrong.add(place)
            elif not culprit.is_gradient and k >= 0 and result.verdicts[k] is not Verdict.RIGHT:
                result.verdicts[k] = Verdict.WRONG
                parameter = int(model.updates.parameters[k])
                result.culprits[place] = Culprit(place, parameter, [k], False)
