"""A workbook as a program: which of its values its formulas contradict, and what they give."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbook_tools.evaluator.formula import UnknownFunctionError
from workbook_tools.evaluator.place import Arrays
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.tree import SyntaxProblemError
from workbook_tools.package.cell_values import CellValue
from workbook_tools.package.columns import Columns
from workbook_tools.package.workbook import Iterations
from workbook_tools.program.edges import Edges, with_readers
from workbook_tools.program.graph import Graph, Node
from workbook_tools.program.lanes import Batch
from workbook_tools.program.loops import Loop, NoOrderError
from workbook_tools.program.memory import NUMBER, Layout, Memory, TooSparseError
from workbook_tools.program.on_demand import calculate_on_demand
from workbook_tools.program.order import components, levels
from workbook_tools.program.single_cells import SingleCells

_SAME = 1e-13  # relative; libraries round the last digits of functions differently
_FEW = 8  # cells
_LONG = 200  # cells of a range
_CHANGING = re.compile(r"\b(?:RAND|RANDBETWEEN|RANDARRAY|NOW|TODAY)\(", re.IGNORECASE)


class NotCompiledError(Exception):
    """A workbook with a formula that is not understood, or too large to be calculated here."""


@contextmanager
def _as_not_compiled() -> Iterator[None]:
    try:
        yield
    except (UnknownFunctionError, SyntaxProblemError, RecursionError) as error:
        raise NotCompiledError(str(error)) from error


class Program:
    """The formulas of a workbook, and the values that it begins with.

    Formulas that change by themselves, such as ``RAND()``, keep their values.
    """

    def __init__(
        self,
        graph: Graph,
        sheets: Sequence[Sheet],
        values: Columns,
        iterations: Iterations | None = None,
    ) -> None:
        """Compile the formulas of the sheets, which are those of the graph.

        ``iterations`` are those of circles; None if circles are mistakes. It raises
        ``NotCompiledError``, as do all methods.
        """
        self.values, self.iterations = values, iterations
        changing = [node for node in graph.nodes if _changes(node)]
        self.graph = graph
        if changing:
            self.graph = Graph([node for node in graph.nodes if not _changes(node)])
        for node in changing:
            if not values.has(node.sheet, node.column, node.run.rows):
                raise NotCompiledError(node.run.formula.pattern)
        try:
            self.layout = Layout([sheet.name for sheet in sheets], _extents(sheets, values))
        except TooSparseError as error:
            raise NotCompiledError from error
        self.strictly = SingleCells(self.layout, self.graph.nodes, sheets)

    @cached_property
    def _batches(self) -> list[list[int]]:
        """The numbers of nodes of the same shape."""
        return _by_shape(self.graph.nodes, range(len(self.graph.nodes)))

    def memory(self) -> Memory:
        """Return the values that the program begins with."""
        return Memory.of(self.layout, self.values)

    def calculation(self) -> Columns:
        """Return the values of the workbook after a recalculation."""
        memory = self.memory()
        return memory.columns() if self.recalculate(memory) else self.values

    def recalculate(self, memory: Memory, among: Iterable[int] | None = None) -> bool:
        """Recalculate what is not up to date; return whether there was anything.

        If every formula gives the value that is in its cell, from the values in those that it
        reads, a recalculation would change nothing. Otherwise all is calculated that depends on
        the other cells. They are sought ``among`` some nodes, or all.
        """
        stale = self.stale(memory, among)
        # Values in a circle may agree with each other, such as the zeros that Excel shows.
        stale |= set(np.flatnonzero(self.graph.suspects).tolist())
        if stale:
            self.run(memory, stale)
        return bool(stale)

    @_as_not_compiled()
    def stale(self, memory: Memory, among: Iterable[int] | None = None) -> set[int]:
        """Return the numbers of the nodes with a cell whose value its formula contradicts."""
        found: set[int] = set()
        get = memory.get
        arrays: Arrays = {}
        batches = self._batches if among is None else _by_shape(self.graph.nodes, among)
        for numbers in batches:
            if self._are_few(numbers):
                for node, row, place in self._cells(numbers, memory):
                    if not _is_same(self.strictly.value(node, row, get, arrays), get(place)):
                        found.add(node)
                continue
            batch = Batch([self.graph.nodes[k] for k in numbers], memory)
            for part in batch.parts():
                given, right = batch.calculated(part, is_exact=False)
                places = batch.places[part]
                off = np.abs(given - memory.numbers[places])
                same = right & (off <= _SAME * np.abs(given))
                same = same[:, 0] & (memory.kinds[places] == NUMBER)
                for k in np.flatnonzero(~same).tolist():
                    node = numbers[batch.node[part][k]]
                    if node not in found:
                        row = int(batch.rows[part][k])
                        value = self.strictly.value(node, row, get, arrays)
                        if not _is_same(value, get(int(places[k]))):
                            found.add(node)
        return found

    @_as_not_compiled()
    def run(
        self, memory: Memory, begin: Iterable[int], among: NDArray[np.bool_] | None = None
    ) -> None:
        """Calculate these nodes, and all that depend on them, or those ``among`` them."""
        due = with_readers(len(self.graph.nodes), self._edges, begin)
        if among is not None:
            due &= among
        for own in self._levels:
            singles: list[int] = []
            for component in own:
                if not due[component[0]]:
                    continue
                if len(component) == 1 and component[0] not in self._reading_themselves:
                    singles += component
                else:
                    self._run_component(component, memory)
            for numbers in _by_shape(self.graph.nodes, singles):
                self._run_batch(numbers, memory)

    @cached_property
    def _edges(self) -> Edges:
        edges = self.graph.edges
        if edges is None:
            raise NotCompiledError("too many references between formulas")
        return edges

    @cached_property
    def _reading_themselves(self) -> set[int]:
        edges = self._edges
        return set(edges.readers[edges.readers == edges.read].tolist())

    @cached_property
    def _levels(self) -> list[list[list[int]]]:
        """The components of the graph by level: each reads only those of lower levels."""
        count = len(self.graph.nodes)
        found = components(count, self._edges.readers, self._edges.read)
        return [[found[k] for k in level] for level in levels(found, count, self._edges)]

    def _are_few(self, numbers: Sequence[int]) -> bool:
        """Tell whether nodes of one shape have, and read, too few cells for code to be worth it."""
        if sum(len(self.graph.nodes[k].run.rows) for k in numbers[:_FEW]) >= _FEW:
            return False
        slots = self.graph.nodes[numbers[0]].shape.slots
        return max((slot.height * slot.width for slot in slots), default=1) < _LONG

    def _cells(self, numbers: Iterable[int], memory: Memory) -> Iterator[tuple[int, int, int]]:
        """Yield node, row and place of all cells of some nodes."""
        layout = memory.layout
        for k in numbers:
            node = self.graph.nodes[k]
            for row in node.run.rows:
                yield k, row, layout.place(layout.number[node.sheet], row, node.column)

    def _run_batch(self, numbers: Sequence[int], memory: Memory) -> None:
        """Calculate nodes of one shape that do not depend on each other."""
        if memory.draws == 1 and self._are_few(numbers):
            for node, row, place in self._cells(numbers, memory):
                memory.put(place, self.strictly.value(node, row, memory.get))
            return
        batch = Batch([self.graph.nodes[k] for k in numbers], memory)
        for part in batch.parts():
            given, right = batch.calculated(part, is_exact=memory.draws == 1)
            places = batch.places[part]
            all_right = right.all(axis=1)
            memory.put_numbers(places[all_right], given[all_right])
            for k in np.flatnonzero(~all_right).tolist():
                node, row = numbers[batch.node[part][k]], int(batch.rows[part][k])
                values = [
                    float(given[k, draw])
                    if right[k, draw]
                    else self.strictly.value(node, row, memory.in_draw(draw))
                    for draw in range(memory.draws)
                ]
                memory.put(int(places[k]), *values)

    def _run_component(self, numbers: Sequence[int], memory: Memory) -> None:
        """Calculate nodes that depend on each other."""
        nodes = [self.graph.nodes[k] for k in numbers]

        def strictly(number: int, row: int, get: Callable[[int], CellValue]) -> CellValue:
            return self.strictly.value(numbers[number], row, get)

        try:
            loop = Loop(nodes, _among(numbers, self._edges), memory, strictly)
        except NoOrderError:
            for draw in range(memory.draws):
                calculate_on_demand(nodes, memory, draw, strictly, self.iterations)
            return
        for draw in range(memory.draws):
            loop.run(draw)


def _changes(node: Node) -> bool:
    """Tell whether a formula changes by itself."""
    return _CHANGING.search(node.run.formula.pattern) is not None


def _is_same(one: CellValue, other: CellValue) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= _SAME * abs(one)
    return type(one) is type(other) and one == other


def _by_shape(nodes: Sequence[Node], numbers: Iterable[int]) -> list[list[int]]:
    """Group the numbers of nodes by their shape."""
    found: dict[str, list[int]] = {}
    for k in numbers:
        found.setdefault(nodes[k].shape.text, []).append(k)
    return list(found.values())


def _among(numbers: Sequence[int], edges: Edges) -> Edges:
    """Return the edges between these nodes, numbered anew."""
    new = np.full(int(max(edges.readers.max(), edges.read.max())) + 1, -1)
    new[list(numbers)] = np.arange(len(numbers))
    inside = (new[edges.readers] >= 0) & (new[edges.read] >= 0)
    return Edges(
        new[edges.readers[inside]],
        new[edges.read[inside]],
        edges.least[inside],
        edges.most[inside],
        edges.picks[inside],
    )


def _extents(sheets: Sequence[Sheet], values: Columns) -> dict[tuple[str, int], tuple[int, int]]:
    """Return the first and last row of each column that is not empty."""
    rows: dict[tuple[str, int], list[int]] = {}
    for sheet in sheets:
        for column in {*sheet.runs, *values.filled(sheet.name)}:
            stored = values.column(sheet.name, column)
            runs = sheet.runs.get(column, [])
            own = [run.first_row for run in runs] + [run.last_row for run in runs]
            if stored is not None and len(stored.rows):
                own += [int(stored.rows[0]), int(stored.rows[-1])]
            if own:
                rows[sheet.name, column] = own
    return {place: (min(own), max(own)) for place, own in rows.items()}
