"""Differentiates one cell of a workbook by others, through all formulas that lie between them."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.errors import NoDerivativeError, UnevenError
from workbook_tools.differentiation.formula import Site
from workbook_tools.differentiation.tape import Array, pulled_back
from workbook_tools.evaluator.values import UnknownFunctionError
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.tree import (
    Call,
    Reference,
    SyntaxProblemError,
    Tree,
    children,
    parse_long,
)
from workbook_tools.notation.addresses import MAX_COLUMNS, Cell, full_name
from workbook_tools.package.columns import Columns
from workbook_tools.package.workbook import Iterations
from workbook_tools.program.edges import Edges, with_readers
from workbook_tools.program.graph import Graph, Node
from workbook_tools.program.lanes import Batch
from workbook_tools.program.memory import Indexes, Memory
from workbook_tools.program.order import components, levels
from workbook_tools.program.program import NotCompiledError, Program
from workbook_tools.program.what_if import with_formulas

_MOST_TOGETHER = 2_000  # formulas of one shape
_ELEMENT = "ARRAYFORMULA"  # as formulas of cells in an array formula are read: body, row, column


class NotDifferentiableError(Exception):
    """A cell cannot be differentiated; the message says where, and why."""


class Derivatives:
    """A workbook whose cells are differentiated by some of them, the *parameters*.

    These count as numbers, whatever formulas they have.
    """

    def __init__(
        self,
        sheets: Sequence[Sheet],
        values: Columns,
        parameters: Sequence[Cell],
        iterations: Iterations | None = None,
    ) -> None:
        """``values`` are those of a calculation; raises ``NotDifferentiableError``."""
        cut = with_formulas(sheets, dict.fromkeys(parameters, "=0"))
        self._graph = Graph.of(cut)
        try:
            self._program = Program(self._graph, cut, values, iterations)
        except NotCompiledError as error:
            raise NotDifferentiableError(str(error)) from error
        self.parameters = list(parameters)
        places = np.array([*map(self.place, parameters)], dtype=np.int64)
        self._own = {*np.unique(self.node_at[places]).tolist()} - {-1}
        self._arrays = {(s.name, *cell) for s in cut for cell in s.arrays}
        if self._program.graph.edges is None:
            raise NotDifferentiableError("too many references between formulas")
        self._edges = self._program.graph.edges
        self._orders: dict[bytes, tuple[Any, Any, set[int]]] = {}  # by the nodes that are ordered
        self._steps_of: dict[tuple[int, ...], list[_Step]] = {}  # by nodes of one shape

    @cached_property
    def _depends(self) -> NDArray[np.bool_]:
        """Which nodes depend on the parameters; these themselves do not count."""
        found = with_readers(len(self.nodes), self._edges, self._own)
        found[[*self._own]] = False
        return found

    @property
    def nodes(self) -> Sequence[Node]:
        """The formulas, each filled down; without those that change by themselves."""
        return self._program.graph.nodes

    @property
    def values(self) -> Columns:
        """The values that the workbook has."""
        return self._program.values

    @cached_property
    def are_formulas(self) -> NDArray[np.bool_]:
        """Which places have formulas."""
        found = self.node_at >= 0
        for node in self._graph.nodes:
            found[self.places_of(node)] = True  # also those that change by themselves
        return found

    @property
    def memory(self) -> Memory:
        """The values that the workbook has."""
        return self._program.memory()

    @cached_property
    def _empty(self) -> Memory:
        return Memory(self._program.layout)

    def place(self, cell: Cell) -> int:
        """Return the place of a cell in a memory."""
        return self._program.layout.place_of(cell)

    def drawn(
        self,
        places: Indexes,
        numbers: Array,
        readers: Indexes | None = None,
        needed: NDArray[np.bool_] | None = None,
    ) -> Memory:
        """Return the workbook calculated with other numbers in some cells, (places, draws).

        These cells are parameters, or have no formula. ``readers`` are the places of the formulas
        that read them, if that is known; then only what depends on these is calculated. Other cells
        than those ``needed``, by place, may keep their values. Raises ``NotDifferentiableError`` if
        a formula is not understood.
        """
        memory = Memory.of(self._program.layout, self._program.values, numbers.shape[1])
        memory.put_numbers(places, numbers)
        begin = {*range(len(self.nodes))}
        if readers is not None:
            begin = {*np.unique(self.node_at[readers]).tolist()}
        among = None
        if needed is not None:
            among = np.zeros(len(self.nodes) + 1, dtype=bool)
            among[self.node_at[needed]] = True
            among = among[:-1]  # the last one is for cells without a formula
        try:
            self._program.run(memory, begin.difference(self._own, (-1,)), among)
        except NotCompiledError as error:
            raise NotDifferentiableError(f"a formula is not understood: {error}") from error
        return memory

    def inputs(self, of: Cell) -> list[Cell]:
        """Return the cells with numbers and without a formula that a cell depends on.

        The parameters are left out. There may be some that it does not depend on.
        """
        found: dict[Cell, None] = {}
        values = self._program.values
        needed = _with_what_they_read(self._program.graph, self._edges, [of])
        for number in np.flatnonzero(needed).tolist():
            for sheet, first, last, top, bottom, *_ in self.nodes[number].ranges():
                for letter in range(first, min(last, MAX_COLUMNS) + 1):
                    column = values.column(sheet, letter)
                    if column is not None:
                        rows = column.rows[(column.rows >= top) & (column.rows <= bottom)]
                        found |= dict.fromkeys((sheet, row, letter) for row in rows.tolist())
        return [
            cell
            for cell in found
            if isinstance(values.value(cell), float) and self._program.graph.node_of(cell) is None
        ]

    def formulas(self) -> Iterator[tuple[Cell, int]]:
        """Yield the cells that hold formulas, each with its place; the parameters are left out."""
        for number, node in enumerate(self.nodes):
            if number not in self._own:
                for row, place in zip(node.run.rows, self.places_of(node).tolist(), strict=True):
                    yield (node.sheet, row, node.column), place

    def depends(self, cell: Cell) -> bool:
        """Tell whether a cell depends on the parameters."""
        number = self._program.graph.node_of(cell)
        return number is not None and bool(self._depends[number])

    def adjoints(
        self,
        of: Sequence[Cell],
        memory: Memory,
        seeds: Array | float = 1.0,
        beside: Indexes | None = None,
        gaps: list[str] | None = None,
    ) -> Array:
        """Return the derivatives of the sum of cells by all that they depend on, (places, draws).

        They are 0 for what they do not depend on, or what does not depend on the parameters. Of
        cells that depend on different parameters, such as the losses of several iterations, they
        are the derivatives of each. Each cell counts in the sum as often as its seed says, (cells,
        draws). Also the derivatives by the cells at the places ``beside`` are returned, as far as
        they come from formulas that depend on the parameters. Raises ``NotDifferentiableError``. If
        ``gaps`` are given, formulas without a derivative are added to them instead of raising, and
        the derivatives by all that they read are NaN.
        """
        found = np.zeros((len(memory.kinds), memory.draws))
        found[[self.place(cell) for cell in of]] = seeds
        between = self._depends & _with_what_they_read(self._program.graph, self._edges, of)
        self.refuse_changing(of)
        nodes = np.append(between, False)  # the last one is for cells without a formula
        nodes[[*self._own]] = True
        depends = nodes[self.node_at]
        if beside is not None:
            depends[beside] = True
        with np.errstate(all="ignore"):
            for step in self._steps(between, found, depends):
                step.pull(found, memory, depends, gaps)
        return found

    def between(self, of: Sequence[Cell]) -> NDArray[np.bool_]:
        """Return, by place, which formulas cells depend on that depend on the parameters.

        Those of the cells are among them.
        """
        between = self._depends & _with_what_they_read(self._program.graph, self._edges, of)
        return np.append(between, False)[self.node_at]

    def pulled(
        self, places: Indexes, seeds: Array, asked: NDArray[np.bool_], memory: Memory
    ) -> Array:
        """Return the derivatives of a sum of cells by those that their formulas read.

        Each of the cells, at ``places``, counts as often as its seed says, (cells, draws). The
        derivatives are those by cells that are ``asked``, by place, which must be others; there are
        zeros elsewhere. Raises ``NotDifferentiableError``.
        """
        found = np.zeros_like(memory.numbers)
        found[places] = seeds
        nodes = np.unique(self.node_at[places])
        with np.errstate(all="ignore"):
            for step in self._together(nodes[nodes >= 0].tolist()):
                step.pull(found, memory, asked)
        return np.where(asked[:, None], found, 0.0)

    def shares(
        self, seeds: Array, asked: NDArray[np.bool_], memory: Memory
    ) -> Iterator[tuple[Indexes, Indexes, Array]]:
        """Yield what comes from each formula to each of the ``asked`` cells that it reads.

        These are the places of formulas and of cells, and numbers (pairs, draws): the derivative of
        the formula by the cell, times the formula's seed, (places, draws). Formulas without a
        derivative are left out, and those whose seed is 0.
        """
        nodes = [k for k, n in enumerate(self.nodes) if seeds[self.places_of(n)].any()]
        with np.errstate(all="ignore"):
            for step in self._together(nodes):
                yield from step.apart(seeds, memory, asked)

    def readers(self) -> Iterator[tuple[Cell, Cell]]:
        """Yield each parameter with every cell whose formula names it, other than in a range."""
        asked = set(self.parameters)
        among = np.isin(self._edges.read, [*self._own])
        for number in np.unique(self._edges.readers[among]).tolist():
            node = self.nodes[number]
            for row in node.run.rows:
                reader = node.sheet, row, node.column
                yield from ((cell, reader) for cell in named_in(node, row) if cell in asked)

    def named_by(self, cell: Cell) -> list[Cell]:
        """Return the cells that a cell's formula names, other than in ranges."""
        number = self._program.graph.node_of(cell)
        return [] if number is None else named_in(self.nodes[number], cell[1])

    def slopes(
        self, pairs: Iterable[tuple[Cell, Cell]], memory: Memory
    ) -> Iterator[tuple[Cell, Cell, Array]]:
        """Yield cells with the derivative of another one's own formula by them, (draws,).

        In each pair, the second cell is the one with the formula. The derivative is NaN where the
        formula has none.
        """
        found, depends = np.zeros_like(memory.numbers), np.zeros(len(memory.kinds), dtype=bool)
        for by, of in pairs:
            node = self.nodes[self._program.graph.node_of(of) or 0]
            places = self.place(by), self.place(of)
            depends[places[0]], found[places[1]] = True, 1.0
            try:
                with np.errstate(all="ignore"):
                    self._step(node, _tree(node), np.array([of[1]])).pull(found, memory, depends)
                own = found[places[0]].copy()
            except NotDifferentiableError:
                own = np.full(memory.draws, np.nan)
            depends[places[0]], found[[*places]] = False, 0.0
            yield by, of, own

    def refuse_changing(self, of: Sequence[Cell]) -> None:
        """Raise if a formula that changes by itself lies between the parameters and some cells.

        It is a ``NotDifferentiableError``: ``RAND()`` does, for example.
        """
        if len(self._graph.nodes) == len(self.nodes):
            return
        kept = set(self.nodes)
        nodes, edges = self._graph.nodes, self._graph.edges
        if edges is None:
            raise NotDifferentiableError("too many references between formulas")
        begin = [k for k, node in enumerate(nodes) if node.cell in set(self.parameters)]
        between = with_readers(len(nodes), edges, begin)
        between &= _with_what_they_read(self._graph, edges, of)
        for k in np.flatnonzero(between).tolist():
            if nodes[k] not in kept:
                raise NotDifferentiableError(f"{full_name(nodes[k].cell)} changes by itself (RAND)")

    @cached_property
    def node_at(self) -> Indexes:
        """By place: the number of the node whose cell is there; −1 if there is none."""
        found = np.full(self._program.layout.size, -1)
        if self.nodes:
            batch = Batch(self.nodes, self._empty)
            found[batch.places] = batch.node
        return found

    def places_of(self, node: Node, rows: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
        """Return the places of a node's cells, in all of its rows or in these."""
        layout = self._program.layout
        if rows is None:
            rows = np.arange(node.run.first_row, node.run.last_row + 1, node.run.step)
        return layout.places(np.array(layout.sheet(node.sheet)), rows, np.array(node.column))

    def _steps(
        self, between: NDArray[np.bool_], found: Array, depends: NDArray[np.bool_]
    ) -> Iterator["_Step"]:
        """Yield some nodes in steps: each comes after all steps that read its cells.

        ``found`` are the derivatives, to which each step has added when the next one is asked for.
        ``depends`` tells by place what depends on the parameters; of cells that go one by one, only
        those are left that really do.
        """
        key = between.tobytes()
        if key not in self._orders:
            self._orders = {key: self._order(between)}  # others are rarely asked for again
        groups, by_level, reading_themselves = self._orders[key]
        for level in reversed(by_level):
            blocks: dict[tuple[str, str], list[Node]] = defaultdict(list)
            single: list[int] = []
            for own in (groups[k] for k in level if between[groups[k][0]]):
                if len(own) > 1 or own[0] in reading_themselves:
                    yield from self._one_by_one(own, found, depends)
                    continue
                node = self.nodes[own[0]]
                if _ELEMENT in node.run.formula.pattern:
                    tree = _tree(node)
                    is_alone = len(node.run.rows) == 1
                    if is_alone and isinstance(tree, Call) and tree.function == _ELEMENT:
                        blocks[node.sheet, _first_of(node, tree)].append(node)
                        continue
                single.append(own[0])
            yield from self._together(single)
            for block in blocks.values():
                yield self._array(block)

    def _order(
        self, between: NDArray[np.bool_]
    ) -> tuple[Sequence[list[int]], Sequence[Sequence[int]], set[int]]:
        """Return some nodes in groups that are circles, the groups by level, and small circles.

        These are nodes that read their own column. Each level is read by those after it.
        """
        inside = between[self._edges.readers] & between[self._edges.read]
        edges = Edges(*(part[inside] for part in self._edges))  # type: ignore[arg-type]
        count = len(self.nodes)
        groups = components(count, edges.readers, edges.read)
        reading_themselves = set(edges.readers[edges.readers == edges.read].tolist())
        return groups, levels(groups, count, edges), reading_themselves

    def _together(self, numbers: Sequence[int]) -> Iterator["_Step"]:
        """Yield the steps of nodes that do not read each other: one for each shape."""
        shapes: dict[str, list[int]] = defaultdict(list)
        for number in numbers:
            node = self.nodes[number]
            is_apart = not node.shape.is_complete or node.cell in self._arrays
            shapes[f"{number}" if is_apart else node.shape.text].append(number)
        for own in shapes.values():
            for begin in range(0, len(own), _MOST_TOGETHER):
                part = tuple(own[begin : begin + _MOST_TOGETHER])
                if part not in self._steps_of:
                    self._steps_of[part] = self._joined([self.nodes[k] for k in part])
                yield from self._steps_of[part]

    def _joined(self, nodes: Sequence[Node]) -> list["_Step"]:
        """Return one step for nodes of one shape; several if their references differ in kind."""
        first, batch = self._whole(nodes[0]), Batch(nodes, self._empty)
        if len(nodes) == 1:
            return [first]
        apart = partial(map, self._whole, nodes)
        texts = _references(first.tree)
        if len(texts) != len(first.node.shape.slots):
            return [*apart()]
        places: dict[str, Indexes] = {}
        for k, (text, slot) in enumerate(zip(texts, first.node.shape.slots, strict=True)):
            read = batch.places_read(k, slice(0, len(batch.places)))
            read = read.reshape(slot.height, slot.width, -1)
            if not np.array_equal(places.setdefault(text, read), read):
                return [*apart()]  # one name for different cells
        return [
            first._replace(
                rows=batch.rows, places=batch.places[None, None, :], known=places, parts=apart
            )
        ]

    def _whole(self, node: Node) -> "_Step":
        return self._step(node, _tree(node), np.array(node.run.rows))

    def _step(self, node: Node, tree: Tree, rows: NDArray[np.int64]) -> "_Step":
        is_array = (*node.cell,) in self._arrays
        return _Step(node, tree, rows, is_array, self.places_of(node, rows)[None, None, :])

    def _array(self, block: Sequence[Node]) -> "_Step":
        """Return the step of an array formula that fills several cells."""
        trees = [_tree(node) for node in block]
        at = [tuple(int(str(part)) - 1 for part in tree.arguments[1:]) for tree in trees]  # type: ignore[union-attr]
        shape = max(i for i, _ in at) + 1, max(j for _, j in at) + 1
        places = np.zeros((*shape, 1), dtype=np.int64)
        for node, (i, j) in zip(block, at, strict=True):
            places[i, j] = self.places_of(node)
        first = block[int(np.argmin([i + j for i, j in at]))]
        body = trees[0].arguments[0]  # type: ignore[union-attr]
        return _Step(first, body, np.array([first.run.first_row]), True, places)

    def _one_by_one(
        self, numbers: Sequence[int], found: Array, depends: NDArray[np.bool_]
    ) -> Iterator["_Step"]:
        """Yield cells of nodes that depend on each other, each after those that read it.

        These are the cells that have a derivative, and those of these nodes that they depend on, if
        they depend on the parameters (see ``_steps``).
        """
        own, order = set(numbers), []
        is_done: dict[_Place, bool] = {}  # False: begun
        reads: dict[_Place, list[_Place]] = {}
        begin = [
            (number, row)
            for number in numbers
            for row in self._rows_with(number, found[self.places_of(self.nodes[number])])
        ]
        for number in numbers:
            depends[self.places_of(self.nodes[number])] = False
        for root in begin:
            waiting = [root]
            while waiting:
                one = waiting[-1]
                if one not in is_done:
                    is_done[one] = False
                    reads[one] = [*self._read_by(*one, own)]
                    for other in reads[one]:
                        if is_done.get(other) is False:
                            raise NotDifferentiableError(f"{self._named(other)} is in a circle")
                    inside = [other for other in reads[one] if other[0] in own]
                    waiting += [other for other in inside if other not in is_done]
                    continue
                waiting.pop()
                if not is_done[one]:
                    is_done[one] = True
                    if any(depends[self._place(other)] for other in reads.pop(one)):
                        depends[self._place(one)] = True
                        order.append(one)
        for number, row in reversed(order):
            node = self.nodes[number]
            yield self._step(node, _tree(node), np.array([row]))

    def _rows_with(self, number: int, derivatives: Array) -> list[int]:
        """Return the rows of a node in which there is a derivative."""
        rows: list[int] = np.array(self.nodes[number].run.rows)[derivatives.any(axis=1)].tolist()
        return rows

    def _place(self, one: "_Place") -> int:
        node = self.nodes[one[0]]
        return self._program.layout.place_of((node.sheet, one[1], node.column))

    def _named(self, one: "_Place") -> str:
        node = self.nodes[one[0]]
        return full_name((node.sheet, one[1], node.column))

    def _read_by(self, number: int, row: int, own: Collection[int]) -> Iterator["_Place"]:
        """Yield the cells that a node reads in a row: all of its ``own`` ones, one of each other.

        Of others only those matter that may depend on the parameters, or are parameters.
        """
        for area in self.nodes[number].areas(row):
            columns, rows = (area.first_column, area.last_column), (area.first_row, area.last_row)
            for other in self._program.graph.overlapping(area.sheet, *columns, *rows):
                read = self.nodes[other].run.between(*rows)
                if other in own:
                    yield from ((other, own_row) for own_row in read)
                elif read and (self._depends[other] or other in self._own):
                    yield other, read[0]


_Place: TypeAlias = tuple[int, int]  # the number of a node, and a row


class _Step(NamedTuple):
    """Cells whose derivative is pulled back together to those that they read."""

    node: Node
    tree: Tree
    rows: NDArray[np.int64]
    is_array: bool
    places: NDArray[np.int64]  # of the results: (height, width, cells)
    # Of cells that have several formulas of one shape: the places that each reference means, and
    # the steps of the formulas.
    known: Mapping[str, Indexes] | None = None
    parts: Callable[[], Iterable["_Step"]] | None = None

    def apart(
        self, adjoints: Array, memory: Memory, asked: NDArray[np.bool_]
    ) -> Iterator[tuple[Indexes, Indexes, Array]]:
        """Yield the parts of derivatives that come by way of each cell: see ``shares``."""
        node = self.node
        site = Site(
            memory, asked, node.sheet, node.column, self.rows, node.run.first_row, self.is_array,
            is_smooth=False, is_apart=True, known_places=self.known,
        )  # fmt: skip
        try:
            if not site.matters(self.tree):
                return
            result = site.traced(self.tree, lifts=self.is_array)
            seed = _fitted(adjoints[self.places], result.value.shape, self.is_array)
        except (NoDerivativeError, UnknownFunctionError, UnevenError, ValueError):
            for part in self.parts() if self.parts else ():
                yield from part.apart(adjoints, memory, asked)
            return
        for key, derivative in pulled_back(result, seed).items():
            places = site.places[key]
            whole = np.broadcast_to(derivative, (*places.shape, memory.draws))
            readers = np.broadcast_to(self.places[0, 0], places.shape)
            kept = asked[places]
            yield readers[kept], places[kept], whole[kept]

    def pull(
        self,
        found: Array,
        memory: Memory,
        depends: NDArray[np.bool_],
        gaps: list[str] | None = None,
    ) -> None:
        """Add to the derivatives ``found`` by what the cells read; ``depends`` are by place.

        What has no derivative raises ``NotDifferentiableError``, or is added to the ``gaps``.
        """
        seed = found[self.places]
        if not seed.any():
            return
        # The derivative of ABS at 0 is midway between those on both sides: so must be MAX's.
        is_smooth = "ABS(" in self.node.run.formula.pattern.upper()
        node = self.node
        site = Site(
            memory, depends, node.sheet, node.column, self.rows, node.run.first_row, self.is_array,
            is_smooth, known_places=self.known, gaps=gaps,
        )  # fmt: skip
        try:
            if not site.matters(self.tree):
                return
            result = site.traced(self.tree, lifts=self.is_array)
            seed = _fitted(seed, result.value.shape, self.is_array)
            for key, derivative in pulled_back(result, seed).items():
                places = site.places[key]
                whole = np.broadcast_to(derivative, (*places.shape, memory.draws))
                kept = depends[places]
                _add(found, places[kept], whole[kept])
        except UnevenError:
            for part in self._apart():
                part.pull(found, memory, depends, gaps)
        except (NoDerivativeError, UnknownFunctionError, ValueError) as error:
            where = full_name((self.node.sheet, int(self.rows[0]), self.node.column))
            what = "arrays of different sizes" if isinstance(error, ValueError) else error
            if gaps is None:
                raise NotDifferentiableError(f"{where}: {what}") from error
            if self.parts or len(self.rows) > 1:  # perhaps some of the cells have a derivative
                for part in self._apart():
                    part.pull(found, memory, depends, gaps)
                return
            gaps.append(f"{where}: {what}")
            for area in self.node.areas(int(self.rows[0])):
                for stretch in memory.layout.stretches(area.sheet, *area[1:5]):
                    found[stretch][depends[stretch]] = np.nan

    def _apart(self) -> Iterator["_Step"]:
        """Yield the cells in smaller steps: those of each formula, or each by itself."""
        if self.parts:
            yield from self.parts()
            return
        for k, row in enumerate(self.rows.tolist()):
            yield self._replace(rows=np.array([row]), places=self.places[..., [k]])


def _add(found: Array, places: Indexes, numbers: Array) -> None:
    """Add numbers (cells, draws) at places, of which several may be the same.

    ``found`` must be contiguous: NumPy adds to an array with one axis several times as fast.
    """
    draws = found.shape[1]
    flat = places[:, None] * draws + np.arange(draws)
    np.add.at(found.reshape(-1), flat.ravel(), numbers.ravel())


def _with_what_they_read(graph: Graph, edges: Edges, cells: Sequence[Cell]) -> NDArray[np.bool_]:
    """Return which nodes some cells depend on, and their own."""
    numbers = {graph.node_of(cell) for cell in cells}
    backwards = edges._replace(readers=edges.read, read=edges.readers)
    return with_readers(len(graph.nodes), backwards, [n for n in numbers if n is not None])


def _fitted(seed: Array, shape: tuple[int, ...], is_array: bool) -> Array:
    """Return the derivatives by a result of this shape, from those by the cells that show it.

    An array formula may have more elements than cells that show them, or fewer; a single value is
    shown in all of them. Raises ``NoDerivativeError`` if an array is in the place of one value.
    """
    if shape[:2] == seed.shape[:2] or shape[:2] == (1, 1):
        return seed
    if not is_array:
        raise NoDerivativeError("an array in the place of one value")
    sizes = [own if own > 1 else shown for own, shown in zip(shape, seed.shape, strict=True)]
    found = np.zeros((*sizes[:2], *seed.shape[2:]))
    height, width = np.minimum(sizes[:2], seed.shape[:2])
    found[:height, :width] = seed[:height, :width]
    return found


def named_in(node: Node, row: int) -> list[Cell]:
    """Return the cells that a formula names; of ranges in an array formula, those in its place."""
    tree = _tree(node) if _ELEMENT in node.run.formula.pattern else None
    down, right = map(int, map(str, tree.arguments[1:])) if isinstance(tree, Call) else (1, 1)
    found = []
    for sheet, first_row, first_column, last_row, last_column, _ in node.areas(row):
        if (first_row, first_column) == (last_row, last_column):
            found.append((sheet, first_row, first_column))
        elif tree and first_row + down - 1 <= last_row and first_column + right - 1 <= last_column:
            found.append((sheet, first_row + down - 1, first_column + right - 1))
    return found


def _tree(node: Node) -> Tree:
    try:
        return parse_long(node.run.formula.at(node.run.first_row))
    except SyntaxProblemError as error:
        raise NotDifferentiableError(f"{full_name(node.cell)}: cannot be parsed") from error


def _references(tree: Tree) -> list[str]:
    """Return the references of a formula from left to right; it may have any number of terms."""
    found, waiting = [], [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Reference):
            found.append(part.text)
        waiting += reversed(children(part))
    return found


def _first_of(node: Node, tree: Call) -> str:
    """Return what all cells of an array formula have in common: its place and body."""
    body, row, column = map(str, tree.arguments)
    return f"{node.run.first_row - int(row) + 1} {node.column - int(column) + 1} {body}"
