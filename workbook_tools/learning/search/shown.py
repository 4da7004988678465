"""Finds gradients that are shown, but from which no formula updates a parameter.

A macro may do that, or a person. Every number of the workbook may then be a parameter. Cells that
are the derivatives by several numbers, and that lie as these do, tell which numbers are parameters,
and which other cells should be derivatives.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from workbook_tools.differentiation.adjoints import NotDifferentiableError, named_in
from workbook_tools.differentiation.proportional import matches
from workbook_tools.differentiation.tape import Array
from workbook_tools.formulas.references import areas
from workbook_tools.learning.applied import Shown
from workbook_tools.learning.search.assumed import Assumed, assumed_losses
from workbook_tools.learning.search.losses import Candidate, candidates
from workbook_tools.learning.search.shares import shares_of
from workbook_tools.learning.space import Space
from workbook_tools.notation.addresses import Cell
from workbook_tools.program.graph import Node
from workbook_tools.program.memory import Memory

_MOST_NUMBERS = 20_000  # that may be parameters
_MOST_LOSSES = 40
_MOST_WORK = 20_000_000  # formulas that are filled down, times cells with formulas
_LEAST = 2  # cells that are derivatives by different numbers, so that others should be, too
_LEAST_OF_ONE = 3  # or by one number, each of another sample
_PRODUCT = re.compile(r"\*|PRODUCT\(|MMULT\(", re.IGNORECASE)

_Where: TypeAlias = tuple[int, int]  # row and column
_Key: TypeAlias = tuple[str, str, int, int, int]  # two sheets, the number of a map, and its shift

# How cells that show gradients lie: where the parameter of each is, up to a shift.
_MAPS: Sequence[Callable[[int, int], _Where]] = (
    lambda row, column: (row, column),
    lambda row, column: (column, row),  # transposed
    lambda row, column: (0, column),  # a sample a row
    lambda row, column: (0, row),
    lambda row, column: (row, 0),  # a sample a column
    lambda row, column: (column, 0),
)
_IS_BY_SAMPLE = (False, False, True, True, True, True)


def is_too_large(space: Space) -> bool:
    """Tell whether a workbook has too many formulas to look for gradients that are only shown."""
    return len(space.whole.nodes) * int(space.is_formula.sum()) > _MOST_WORK


def shown(space: Space, names: frozenset[str]) -> list[Shown]:
    """Return the gradients that some sheets show; ``names`` are those of the sheets.

    Raises ``NotDifferentiableError`` and ``TooManyReadsError``.
    """
    return _pairs([search.blocks() for search in _searches(space, names)])


def _searches(space: Space, names: frozenset[str]) -> Iterator["_Search"]:
    """Yield a search for each loss that may be meant on some sheets."""
    assumed = assumed_in(space, names)
    numbers = np.unique(space.reads.read)
    numbers = numbers[space.is_leaf[numbers]]
    if not assumed.names or not 0 < len(numbers) <= _MOST_NUMBERS:
        return
    cells = [space.layout.cell(place) for place in numbers.tolist()]
    none = space.updates.among(np.zeros(len(space.updates.cells), dtype=bool))
    own = Space([*space.sheets, assumed.sheet], space.values, space.iterations, none, cells)
    every = sorted(candidates(own, assumed), key=lambda one: -int(one.upstream.sum()))
    for candidate in every[:_MOST_LOSSES]:
        yield _Search(own, candidate, names)


def derivatives(space: Space, names: frozenset[str]) -> Iterator[Mapping[Cell, set[Cell]]]:
    """Yield, for each loss that may be meant, the numbers by which cells are its derivatives.

    Also for cells that may be errors. ``names`` and what is raised are as for ``shown``.
    """
    for search in _searches(space, names):
        search.match()
        cell = search.space.layout.cell
        yield {cell(k): {*map(cell, numbers)} for k, numbers in search.numbers_of.items()}


def shown_by(space: Space, candidate: Candidate) -> list[Shown]:
    """Return the gradients that are shown for a loss, by the parameters of the workbook."""
    return _pairs([_Search(space, candidate, frozenset(s.name for s in space.sheets)).blocks()])


def _pairs(found: Sequence[Sequence["_Block"]]) -> list[Shown]:
    """Return the gradients of several losses; where they overlap, those of the loss with most."""
    shown_by: dict[Cell, Shown] = {}
    group = 0
    for blocks in sorted(found, key=lambda blocks: -sum(len(block.votes) for block in blocks)):
        pairs = [block.pairs() for block in blocks]
        parameters = {one.parameter for one in shown_by.values()}
        every_pair = [pair for own_pairs in pairs for pair in own_pairs]
        if any(cell in shown_by or by in parameters for cell, by in every_pair):
            continue
        for own_pairs in pairs:
            shown_by |= {cell: Shown(by, cell, group) for cell, by in own_pairs}
            group += 1
    return [*shown_by.values()]


def assumed_in(space: Space, names: frozenset[str]) -> Assumed:
    """Return the losses that may be meant by the differences in formulas."""
    nodes = [(n, n.run.last_row) for n, _ in space.nodes() if n.sheet in names]
    numbers_of: dict[int, frozenset[int]] = {}  # from which a cell is calculated

    def place_of(cell: Cell) -> int:
        return int(space.reads.origin[space.layout.place_of(cell)])

    def numbers(place: int) -> frozenset[int]:
        if place not in numbers_of:
            upstream = space.flow_of_all.upstream(np.array([place]))
            numbers_of[place] = frozenset(np.flatnonzero(upstream & space.is_leaf).tolist())
        return numbers_of[place]

    def varies(node: Node, text: str) -> bool | None:
        [area] = areas(f"={text}") or [None]
        if area is None or area.cell_count > 1:
            return None
        place = place_of(next(iter(area.cells(node.sheet))))
        if place < 2:
            return None
        if not space.is_formula[place]:
            return False
        # A target may be calculated, too: from numbers of its own, fewer than the prediction has.
        others = {place_of(cell) for cell in named_in(node, node.run.last_row)} - {place}
        every = [numbers(other) for other in others if other > 1 and space.is_formula[other]]
        own = numbers(place)
        return bool(own) and not any(0 < len(own - other) < len(other - own) for other in every)

    return assumed_losses(nodes, varies)


class _Search:
    """Looks for the derivatives of one loss by numbers of the workbook."""

    def __init__(self, space: Space, candidate: Candidate, names: frozenset[str]) -> None:
        self.space, self._candidate = space, candidate
        used = candidate.upstream
        layout = space.layout
        read = space.reads.by(candidate.cells).read
        from_it = space.flow.downstream(read[space.depends[read]])
        self._needed = (used | from_it)[space.reads.origin]  # copies, too
        backward = np.flatnonzero(from_it & ~used & space.is_formula)
        self._backward = backward[[layout.cell(p)[0] in names for p in backward.tolist()]]
        self.is_backward = np.zeros(layout.size, dtype=bool)
        self.is_backward[self._backward] = True
        self.numbers_of: dict[int, set[int]] = defaultdict(set)  # by which a cell is the derivative
        self.is_number = space.is_parameter & used & ~space.is_steering
        used_otherwise = used.copy()
        used_otherwise[candidate.cells] = False
        others = space.reads.at(np.flatnonzero(used_otherwise[space.reads.readers])).read
        targets = np.setdiff1d(read, others)
        self.is_number[targets] = False

    @cached_property
    def roles(self) -> dict[int, set[int]]:
        """By number: in which roles it is read."""
        own = self.space.reads.of(np.flatnonzero(self.is_number))
        found: dict[int, set[int]] = defaultdict(set)
        for place, role in zip(own.read.tolist(), own.roles.tolist(), strict=True):
            found[place].add(role)
        return found

    def blocks(self) -> list["_Block"]:
        """Return the cells that show derivatives, or should, block by block."""
        products = [_PRODUCT.search(self.space.formula(p) or "") for p in self._backward.tolist()]
        if sum(map(bool, products)) < _LEAST:
            return []
        votes: dict[_Key, dict[_Where, _Where]] = defaultdict(dict)
        layout = self.space.layout
        for cell, number in self.match():
            (sheet, *where), (other, *at) = layout.cell(cell), layout.cell(number)
            for k, turned in enumerate(_MAPS):
                row, column = turned(*where)
                key = sheet, other, k, at[0] - row, at[1] - column
                votes[key][where[0], where[1]] = at[0], at[1]
        found: list[_Block] = []
        taken: set[tuple[str, _Where]] = set()
        parts = [(key, part) for key, own in votes.items() for part in _connected(own)]
        for key, own in sorted(parts, key=lambda one: (-len(one[1]), one[0][2])):
            left = {where: by for where, by in own.items() if (key[0], where) not in taken}
            count = len(set(left.values()))
            if count < _LEAST and (count < 1 or len(left) < _LEAST_OF_ONE):
                continue
            found.append(_Block(self, key, left))
            taken |= {(key[0], where) for where in left}
        roles = {role for block in found for role in block.roles()}
        for block in found:
            taken |= block.grow(taken, roles)
        return found

    def match(self) -> set[tuple[int, int]]:
        """Return pairs of a cell, and the number by which it is the derivative.

        Those are left out that are also the derivative by a formula: they may be errors.
        """
        space, used = self.space, self._candidate.upstream
        cells = [space.layout.cell(place) for place in self._candidate.cells.tolist()]
        stored = np.nan_to_num(space.stored.numbers[:, 0])
        forward = np.flatnonzero(used & space.is_formula)
        numbers = np.flatnonzero(self.is_number)
        nothing = np.zeros_like(used)  # beside the numbers
        found: set[tuple[int, int]] = set()
        # Gradients may be right only with the whole numbers that there are, such as weights of 1.
        # If all of these are kept, errors look like gradients where the input is 1.
        is_whole = stored % 1 == 0
        read = space.reads.read[used[space.reads.readers]]
        readers = np.bincount(read, minlength=len(stored))
        for is_kept in (np.zeros_like(used), is_whole & (readers > 1), is_whole):
            kept, known = ~self.is_number | is_kept, {cell for cell, _ in found}
            try:
                memory = space.drawn(nothing, False, kept=kept, needed=self._needed)
                if not np.isfinite(memory.numbers[self._candidate.cells]).any():
                    continue  # an error is no loss
                adjoints = space.cut.adjoints(cells, memory)
            except NotDifferentiableError:
                continue
            own = memory.numbers[self._backward]
            shares = shares_of(space, adjoints, memory, self.is_number)
            by = np.concatenate([numbers, shares.parameters])
            derivatives = np.concatenate([adjoints[numbers], shares.derivatives])
            is_error = np.zeros(len(own), dtype=bool)
            errors = [adjoints[forward], *self._errors(adjoints, memory)]
            for rows, _, _ in matches(own, np.concatenate(errors)):
                is_error[rows] = True
            for rows, others, _ in matches(own, derivatives):
                pairs = zip(self._backward[rows].tolist(), by[others].tolist(), strict=True)
                for (cell, number), is_weak in zip(pairs, is_error[rows].tolist(), strict=True):
                    self.numbers_of[cell].add(number)
                    if not is_weak and cell not in known:
                        found.add((cell, number))
        return found

    def _errors(self, adjoints: Array, memory: Memory) -> Iterator[Array]:
        """Yield the derivatives of the terms of the loss by what they are calculated from."""
        is_read = np.zeros(len(adjoints), dtype=bool)
        is_read[self.space.reads.by(self._candidate.cells).read] = True
        seeds = np.zeros_like(adjoints)
        seeds[self._candidate.cells] = 1.0
        for _, _, derivatives in self.space.cut.shares(seeds, is_read, memory):
            yield derivatives


class _Block:
    """Cells that show derivatives by numbers that lie as they do, and the cells between."""

    def __init__(self, search: _Search, key: _Key, votes: dict[_Where, _Where]) -> None:
        self.votes = votes  # by cell: the number by which it is the derivative
        self.cells = dict(votes)  # also those that should be a derivative
        self._search, self._key = search, key

    def pairs(self) -> list[tuple[Cell, Cell]]:
        """Return each cell with the number by which it is the derivative, or should be."""
        sheet, other, *_ = self._key
        return [((sheet, *cell), (other, *number)) for cell, number in self.cells.items()]

    def roles(self) -> set[int]:
        """Return in which roles the parameters are read."""
        return {role for at in self.votes.values() for role in self._roles(self._key[1], at)}

    def grow(self, taken: set[tuple[str, _Where]], known: set[int]) -> set[tuple[str, _Where]]:
        """Add cells beside those that are derivatives, if these should be such, too; return them.

        Those that are ``taken`` belong to other blocks, or are derivatives of this one. ``known``
        are the roles in which parameters are read.
        """
        space = self._search.space
        sheet, other, k, down, right = self._key
        own_numbers = {self._place(other, at) for at in self.votes.values()}
        shapes = {int(space.shape_at[self._place(sheet, where)]) for where in self.votes}
        self._steps = tuple(_usual_step(self.votes, along) for along in (0, 1))
        waiting = [*self.votes]
        tried = set(waiting)
        while waiting:
            for cell in self._beside(*waiting.pop()):
                place = self._place(sheet, cell)
                if cell in tried or (sheet, cell) in taken or not self._search.is_backward[place]:
                    continue
                tried.add(cell)
                turned = _MAPS[k](*cell)
                number = turned[0] + down, turned[1] + right
                at = self._place(other, number)
                if not self._search.is_number[at]:
                    continue
                by = self._search.numbers_of.get(place, set())
                if by and at not in by and not by & own_numbers:
                    continue  # it is another derivative
                is_alike = int(space.shape_at[place]) in shapes or self._is_between(cell)
                shares_role = bool(known & self._roles(other, number))
                is_free = shares_role and not _IS_BY_SAMPLE[k]
                if at in by or is_alike or (is_free and not by):
                    self.cells[cell] = number
                    waiting.append(cell)
        if 2 * len(self.votes) <= len(self.cells):
            self.cells = self.votes  # a diagonal, for example
        return {(sheet, cell) for cell in self.cells}

    def _is_between(self, cell: _Where) -> bool:
        """Tell whether a cell lies between two that are derivatives."""
        beside = self._beside(*cell)
        return any(
            {*pair} <= self.votes.keys() for pair in zip(beside[::2], beside[1::2], strict=True)
        )

    def _beside(self, row: int, column: int) -> Sequence[_Where]:
        """Return pairs of cells on both sides of one: next to it, or as far as they usually are."""
        downs, rights = ({1, step} for step in self._steps)
        above_and_below = [(row + sign * down, column) for down in downs for sign in (-1, 1)]
        return above_and_below + [
            (row, column + sign * right) for right in rights for sign in (-1, 1)
        ]

    def _place(self, sheet: str, where: _Where) -> int:
        return self._search.space.layout.place_of((sheet, *where)) if min(where) > 0 else 0

    def _roles(self, sheet: str, where: _Where) -> set[int]:
        return self._search.roles.get(self._place(sheet, where), set())


def _connected(cells: Mapping[_Where, _Where]) -> Iterator[dict[_Where, _Where]]:
    """Yield the parts of some cells that lie together, but for single gaps."""
    steps = [_usual_step(cells, along) for along in (0, 1)]
    near = [range(-2 * step, 2 * step + 1, step) for step in steps]
    left = set(cells)
    while left:
        waiting = [left.pop()]
        part = {}
        while waiting:
            row, column = waiting.pop()
            part[row, column] = cells[row, column]
            beside = {(row + down, column + right) for down in near[0] for right in near[1]} & left
            left -= beside
            waiting += beside
        yield part


def _usual_step(cells: Iterable[_Where], along: int) -> int:
    """Return how far cells are apart in most places, down (0) or to the right (1)."""
    lines: dict[int, list[int]] = defaultdict(list)
    for cell in cells:
        lines[cell[1 - along]].append(cell[along])
    steps = Counter(
        after - before for own in lines.values() for before, after in pairwise(sorted(own))
    )
    return steps.most_common(1)[0][0] if steps else 1
