"""The ways back from wrong updates and gradients, to the cells in which these go wrong."""

from collections.abc import Container, Sequence

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.proportional import matches
from workbook_tools.learning.judging.verdicts import Judged, Verdict
from workbook_tools.learning.search.models import Model
from workbook_tools.learning.usual import moves_to, usual_in
from workbook_tools.program.memory import Indexes

_MOST_PARAMETERS = 12  # by which forward cells are differentiated
_MOST_PAIRS = 1_000_000
_CLEAR = 1e-6  # relative
_ROUNDING = 1e-13  # relative
_MOST_IN_COLUMN = 0.7  # cells of a column that are derivatives by cells that lie as they do


def trail_of(result: Judged, sure: Sequence[int], wrong: Sequence[int]) -> "Trail":
    """Return the ways back to suspects: no derivatives, and nothing that is right needs them.

    ``sure`` are the cells that are right, ``wrong`` those that are suspects in any case.
    """
    model, space = result.model, result.model.space
    used = model.candidate.upstream
    odd = np.array(_other_than_their_column(result), dtype=np.int64)
    own = result.claims
    helpers = own.cells[(own.through < 0) & ~own.are_by_parameters]
    helpers = np.setdiff1d(helpers, [*odd.tolist(), *wrong])
    read = space.reads.by(helpers.astype(np.int64)).read
    needed_by_right = space.flow.upstream(np.union1d(sure, read).astype(np.int64))
    is_explained = needed_by_right.copy()
    is_explained[own.are()] = True
    is_explained[wrong] = False
    suspects = space.depends & ~used & ~is_explained
    # A derivative may be 0, of a sample without input, but not all from which an update is made.
    adds_nothing = result.are(Verdict.WRONG) & model.are_clear & ~model.added.any(axis=1)
    read = space.reads.by(model.updates.cells[adds_nothing]).read
    made_of_nothing = space.flow.upstream(np.unique(read))
    suspects &= ~_is_nothing(model) | made_of_nothing
    suspects[_losses(model, np.flatnonzero(suspects))] = False
    suspects[_slopes(model, np.flatnonzero(suspects), used)] = False
    suspects[_sensitivities(result, np.flatnonzero(suspects))] = False
    odd = odd[~needed_by_right[odd]]
    suspects |= space.flow.downstream(odd) & space.depends & ~used & ~needed_by_right
    return Trail(model, suspects)


def _is_nothing(model: Model) -> NDArray[np.bool_]:
    """Tell which cells are 0 in all draws, but for rounding."""
    numbers, reads = np.abs(model.memory.numbers).max(axis=1), model.space.reads
    largest = np.zeros_like(numbers)
    np.maximum.at(largest, reads.readers, numbers[reads.read])
    return np.asarray(numbers <= _ROUNDING * largest)


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


def _sensitivities(result: Judged, cells: Indexes) -> Indexes:
    """Return the cells that are the derivative of a forward cell by a parameter.

    With such cells, derivatives are carried forward beside the prediction. The parameters are those
    whose updates are wrong.
    """
    model, space = result.model, result.model.space
    parameters = np.unique(model.updates.parameters[result.are(Verdict.WRONG)])
    forward = np.flatnonzero(model.candidate.upstream & space.is_formula & space.depends)
    forward = np.setdiff1d(forward, model.losses)
    if result.is_meant or not 0 < len(cells) * len(forward) <= _MOST_PAIRS:
        return cells[:0]
    found = []
    for parameter in parameters[:_MOST_PARAMETERS].tolist():
        slopes = space.slopes_by(parameter, model.memory, model.candidate.upstream)
        changed = np.flatnonzero(np.any(slopes[forward], axis=1))
        for rows, _, multiples in matches(model.memory.numbers[cells], slopes[forward[changed]]):
            found.append(cells[rows[np.isclose(np.abs(multiples), 1.0, rtol=_CLEAR)]])
    return np.concatenate(found) if found else cells[:0]


class Trail:
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
