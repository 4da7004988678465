"""Finds parameters that are updated like the others, but that the prediction leaves out.

Their updates tell how they should be used: what adds ``e·x`` to a parameter ``w`` is the update for
a sum with the term ``w·x``.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial, reduce
from typing import TypeAlias

import numpy as np

from workbook_tools.differentiation.proportional import factors
from workbook_tools.formulas.replacing import operation, replaced
from workbook_tools.formulas.tree import (
    Call,
    Operation,
    Reference,
    Route,
    Tree,
    at,
    parts,
)
from workbook_tools.judging.faults import Kind
from workbook_tools.learning.found import Found
from workbook_tools.learning.judging.verdicts import Judged, Verdict
from workbook_tools.learning.meant.proposals import Change, Proposal, backward, names_any, tree_at
from workbook_tools.learning.space import Space
from workbook_tools.notation.addresses import Cell, cell_name, sheet_prefix
from workbook_tools.program.memory import Indexes

_MOST = 3  # parameters that are left out
_MOST_CELLS = 5_000  # in which a term is missing
_SUMS = ("SUM", "SUMPRODUCT", "MMULT")

# Changes the formula of a cell, which should name a parameter: its place, itself, and the name.
_Edit: TypeAlias = Callable[[int, Tree, Tree], Tree | None]


def left_out(found: Found) -> Iterator[Proposal]:
    """Yield proposals to use such a parameter in the formulas that use the others."""
    for result in found.results:
        for left in unused(found, result)[:_MOST]:
            yield from _LeftOut(found.space, result, left).proposals()


def unused(found: Found, result: Judged) -> list[Indexes]:
    """Return updates that no loss explains, but that are like right ones of a model.

    They are at the same distance from their parameters, and have the same formula or learning rate.
    Those of all iterations of a parameter stand together; the loss depends on none of them.
    """
    space, model = found.space, result.model
    if model.space.gradients or not len(found.left.cells):
        return []
    chains: dict[int, list[int]] = defaultdict(list)
    for k, cell in enumerate(found.left.cells.tolist()):
        chains[space.first_update(cell)].append(k)
    good = model.updates.cells[np.isin(result.verdicts, (Verdict.RIGHT, Verdict.ALIKE))]
    known = set(_keys(space, good))
    explained = {space.first_update(cell) for cell in good.tolist() if cell < space.layout.size}
    chosen = []
    for first, own in chains.items():
        cells, by = found.left.cells[own], found.left.parameters[own]
        is_used = model.candidate.upstream[by].any() or first in explained
        is_used |= _adds_the_same(found, result, int(cells[0]))
        if not is_used and known.intersection(_keys(space, cells)):
            chosen.append(cells)
    return chosen


def _adds_the_same(found: Found, result: Judged, update: int) -> bool:
    """Tell whether an update adds what another one does: an integral of the error, for example."""
    model, own = result.model, found.space.updates
    [k] = np.flatnonzero(own.cells == update)
    given, before = found.space.updated(model.memory)[k], model.memory.numbers[own.parameters[k]]
    added = np.broadcast_to(given - before, model.added.shape)
    return bool(np.isfinite(factors(added, model.added)).any())


def _keys(space: Space, updates: Indexes) -> Iterator[tuple[int, str, int]]:
    """Yield by what updates are known to be alike: the distance, and the formula or the rate."""
    number = dict(zip(space.updates.cells.tolist(), space.updates.groups.tolist(), strict=True))
    for cell in updates.tolist():
        if cell in number:
            yield number[cell], "shape", int(space.shape_at[cell])
            for read in space.named_by(cell):
                if space.is_leaf[read] and not space.is_parameter[read]:
                    yield number[cell], "rate", read


class _LeftOut:
    """A parameter that is left out, in all its iterations."""

    def __init__(self, space: Space, result: Judged, updates: Indexes) -> None:
        self._space = space
        self._updates = updates
        own = space.updates
        is_own = np.isin(own.cells, updates)
        pairs = own.parameters[is_own].tolist(), own.cells[is_own].tolist()
        self._update_of = dict(zip(*pairs, strict=True))
        self._by_iteration = {space.iteration_of(one): one for one in self._update_of}
        upstream = result.model.candidate.upstream  # perhaps with a sheet of assumed losses
        self._used = np.zeros(space.layout.size, dtype=bool)
        self._used[: len(upstream)] = upstream[: space.layout.size]

    def proposals(self) -> Iterator[Proposal]:
        """Yield them: first those that add the parameter alone, as a bias."""
        for places in self._units():
            cells = {place: self._space.layout.cell(place) for place in places}
            terms: list[Mapping[int, Cell] | None] = [None, *self._inputs(cells)]
            add, *multiply = (partial(self._with_term, inputs=inputs) for inputs in terms)
            replace = [partial(self._in_place_of_another, number=k) for k in (-1, 0)]
            edits: Sequence[_Edit] = [add, *replace, *multiply]
            for edit in edits:
                if (proposal := self._proposal(cells, edit)) is not None:
                    yield proposal

    def _units(self) -> Iterator[list[int]]:
        """Yield the cells that use parameters for the loss, those with formulas of one shape."""
        space = self._space
        readers = np.unique(space.reads.of(space.parameters).readers)
        readers = readers[self._used[readers] & space.is_formula[readers]]
        readers = readers[~space.is_parameter[readers]]
        shapes = space.shape_at[readers]
        for shape in dict.fromkeys(shapes.tolist()):
            own = readers[shapes == shape]
            if len(own) <= _MOST_CELLS:
                yield own.tolist()

    def _inputs(self, cells: Mapping[int, Cell]) -> Iterator[dict[int, Cell]]:
        """Yield what may multiply the parameter in some cells, by their places.

        It is something from which the update is calculated, in the same row or column.
        """
        space = self._space
        behind = backward(space, self._updates)
        read = np.unique(space.reads.by(behind[~self._used[behind]]).read)
        may_be = self._used | space.is_leaf
        read = read[may_be[read] & ~space.is_parameter[read]]
        every = {space.layout.cell(place) for place in read.tolist()}
        lines: dict[tuple[str, str, int], set[Cell]] = defaultdict(set)
        for sheet, row, column in every:
            lines[sheet, "column", column].add((sheet, row, column))
            lines[sheet, "row", row].add((sheet, row, column))
        for (sheet, kind, number), own in sorted(lines.items()):
            by_place = {
                place: (sheet, cell[1], number) if kind == "column" else (sheet, number, cell[2])
                for place, cell in cells.items()
            }
            if len(own) == 1 and kind == "column":
                by_place = dict.fromkeys(cells, next(iter(own)))
            if own.issuperset(by_place.values()) and own.isdisjoint(cells.values()):
                yield by_place

    def _proposal(self, cells: Mapping[int, Cell], edit: _Edit) -> Proposal | None:
        space = self._space
        changes = {}
        is_one = len({*self._by_iteration.values()}) == 1 and len(cells) > 1
        for place, cell in cells.items():
            tree, parameter = tree_at(space, place), self._parameter(place)
            if tree is None or parameter is None:
                return None
            name = _name(space.layout.cell(parameter), cell, is_one or "$" in str(tree))
            new = edit(place, tree, name)
            if new is None or new == tree:
                return None
            symbol = cell_name(*space.layout.cell(parameter)[1:])
            update = cell_name(*space.layout.cell(self._update_of[parameter])[1:])
            what = (
                f"leaves out {symbol}: {update} updates it like the others, but the loss does not "
                "depend on it"
            )
            old = space.formula(place) or ""
            changes[cell] = Change(Kind.WRONG_FORMULA, symbol, old, f"={new}", what)
        updates = [space.layout.cell(update) for update in self._updates.tolist()]
        return Proposal(changes, updates)

    def _parameter(self, place: int) -> int | None:
        """Return the parameter as it is in the iteration to which a cell belongs."""
        space = self._space
        read = space.reads.by(np.array([place])).read
        numbers = {space.iteration_of(p) for p in read[space.is_parameter[read]].tolist()}
        return self._by_iteration.get(max(numbers, default=-1))

    def _routes(self, tree: Tree, sheet: str) -> list[Route]:
        """Return where a formula names parameters, alone or in ranges."""
        space = self._space
        return [
            route
            for route, part in parts(tree)
            if isinstance(part, Reference) and names_any(space, part, sheet, space.is_parameter)
        ]

    def _with_term(
        self, place: int, tree: Tree, name: Tree, inputs: Mapping[int, Cell] | None
    ) -> Tree | None:
        """Return a formula with another term in the sum that parameters are in."""
        cell = self._space.layout.cell(place)
        term = operation("*", name, _name(inputs[place], cell)) if inputs else name
        routes = self._routes(tree, cell[0])
        if not routes:
            return None
        route = reduce(_common, routes)
        while route and _goes_on(at(tree, route[:-1]), len(routes) == 1):
            route = route[:-1]
        return replaced(tree, route, operation("+", at(tree, route), term))

    def _in_place_of_another(self, place: int, tree: Tree, name: Tree, number: int) -> Tree | None:
        """Return a formula that names another parameter twice with one of these replaced."""
        sheet, *_ = self._space.layout.cell(place)
        routes = self._routes(tree, sheet)
        texts = [str(at(tree, route)) for route in routes]
        twice = [route for route, text in zip(routes, texts, strict=True) if texts.count(text) > 1]
        return replaced(tree, twice[number], name) if twice else None


def _common(one: Route, other: Route) -> Route:
    """Return the route to the smallest part that contains two others."""
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return one[:count]


def _goes_on(around: Tree, is_single: bool) -> bool:
    """Tell whether a sum of products of parameters goes on in the part around it."""
    if isinstance(around, Call):
        return around.function.upper() in _SUMS
    return isinstance(around, Operation) and (
        around.operator == "+" or (around.operator == "*" and is_single)
    )


def _name(cell: Cell, reader: Cell, is_fixed: bool = False) -> Reference:
    sheet, row, column = cell
    prefix = "" if sheet == reader[0] else sheet_prefix(sheet)
    return Reference(prefix + cell_name(row, column, is_fixed))
