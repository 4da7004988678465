"""Finds circular references: formulas that read themselves, directly or through other cells.

For every cell on a cycle, or that reads one, an engine shows an error value, or 0 as Excel does.
Here the cycle itself is found, from the formulas alone. A run (a formula filled down a column) is
one node of the graph, whatever its length. Its formulas do not form a cycle as long as every path
back to the run leads to a row further up.
"""

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.budget import Budget
from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import Area, areas
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation.addresses import Cell, cell_name, sheet_prefix

Numbers = NDArray[np.int64]

_MOST_EDGES = 2_000_000  # between runs; in a workbook with more, cycles are left to the engine
_MOST_CELLS = 200_000  # that are visited from one cell
_MOST_STEPS = 3_000_000  # from cell to cell, in the search for all cycles of a workbook
_SHOWN = 6  # cells of a cycle that are named
# Functions that use the position of a cell, not its value.
_PLACES = {"ROW", "ROWS", "COLUMN", "COLUMNS", "SHEET", "AREAS", "CELL", "ISFORMULA", "FORMULATEXT"}
# Functions that pick cells of a range, which may contain the formula's own cell.
_LOOKUPS = {"INDEX", "HLOOKUP", "VLOOKUP"}
_CALLS = re.compile(
    r"\"[^\"]*+\"|'[^']*+'|(?P<name>[^\W\d][\w.]*+)\(|[\w.]++|[()]"  # also words that are no call
)


@dataclass(frozen=True, eq=False)
class Node:
    """A run of one formula filled down, and where it stands: a node of the graph."""

    sheet: str
    column: int
    run: Run

    @property
    def cell(self) -> Cell:
        """Its first cell."""
        return self.sheet, self.run.first_row, self.column


class Formulas:
    """The formulas of a workbook, reduced to those that may lie on cycles."""

    def __init__(self, sheets: Sequence[Sheet]) -> None:
        self._columns = {sheet.name: sheet.runs for sheet in sheets}
        self._budget = Budget(_MOST_STEPS)
        self.suspects = self._on_cycles(
            [
                Node(sheet.name, column, run)
                for sheet in sheets
                for column, runs in sheet.runs.items()
                for run in runs
            ]
        )

    def without(self, mistaken: Iterable[Node]) -> None:
        """Leave formulas out, as if they had been corrected."""
        left_out = set(mistaken)
        self.suspects = self._on_cycles([node for node in self.suspects if node not in left_out])

    def node(self, cell: Cell) -> Node | None:
        """Return the suspect run that a cell belongs to; None if there is none."""
        sheet, row, column = cell
        nodes = self._by_column.get((sheet, column))
        found = nodes.overlapping(row, row) if nodes else ()
        return next((node for node in found if row in node.run.rows), None)

    def cycle(self, cell: Cell) -> list[Cell]:
        """Return a short cycle through a cell, or else one that the cell depends on.

        Each cell of the list reads the next. The list is empty if there is no cycle, or if the
        workbook's budget of steps is used up.
        """
        if not self._budget.begins():
            return []
        return self._through(cell) or self._through(self._on_a_cycle(cell))

    def _on_a_cycle(self, begin: Cell) -> Cell:
        """Return a cell on a cycle that ``begin`` depends on; ``begin`` itself if none is found."""
        path, seen = {begin: self._reads(begin)}, {begin}
        while path and len(seen) < _MOST_CELLS:
            cell = next(reversed(path))
            read = next(path[cell], None)
            if read is None:
                del path[cell]
            elif read in path:
                return read
            elif read not in seen:
                seen.add(read)
                path[read] = self._reads(read)
        return begin

    def _through(self, cell: Cell) -> list[Cell]:
        came_from: dict[Cell, Cell] = {}
        waiting = deque([cell])
        while waiting and len(came_from) < _MOST_CELLS:
            reader = waiting.popleft()
            for read in self._reads(reader):
                if read == cell:
                    found = [reader]
                    while found[-1] != cell:
                        found.append(came_from[found[-1]])
                    return found[::-1]
                if read not in came_from:
                    came_from[read] = reader
                    waiting.append(read)
        return []

    def _reads(self, cell: Cell) -> Iterator[Cell]:
        """Yield the cells that a formula reads and that may lie on a cycle."""
        node = self.node(cell)
        if node is None:
            return
        for area in _read(node, cell[1]):
            for other in self._overlapping(area, area.first_row, area.last_row):
                for row in other.run.between(area.first_row, area.last_row):
                    if not self._budget.begins():
                        return
                    self._budget.spend()
                    yield other.sheet, row, other.column

    def _overlapping(self, area: Area, first_row: int, last_row: int) -> Iterator[Node]:
        wide = range(area.first_column, area.last_column + 1)
        filled = self._columns.get(area.sheet or "", {})
        for column in wide if len(wide) < len(filled) else (c for c in filled if c in wide):
            if nodes := self._by_column.get((area.sheet or "", column)):
                yield from nodes.overlapping(first_row, last_row)

    def _on_cycles(self, nodes: list[Node]) -> list[Node]:
        """Return the nodes that may lie on cycles: none in a correct workbook."""
        self._by_column = _by_column(nodes)
        edges = self._edges(nodes)
        if edges is None:
            return []
        readers, read, highest, lowest = edges
        # Drop the nodes that lead to no cycle, and those that no cycle leads to.
        endless = _endless(readers, read) & _endless(read, readers)
        kept = endless[readers] & endless[read] if len(readers) else np.zeros(0, dtype=bool)
        left, numbers = np.unique([readers[kept], read[kept]], return_inverse=True)
        from_to = numbers.reshape(2, -1)
        # There is no cycle if every edge leads up, or if every edge leads down.
        if not (_may_return(from_to, lowest[kept]) and _may_return(from_to, -highest[kept])):
            return []
        suspects = [nodes[k] for k in left]
        self._by_column = _by_column(suspects)
        return suspects

    def _edges(self, nodes: list[Node]) -> tuple[Numbers, ...] | None:
        """Return the edges of the graph as four arrays; None if there are too many.

        These are the numbers of the reading and of the read node, and the smallest and largest
        distance, in rows down, from a reading cell to a read one.
        """
        number = {node: k for k, node in enumerate(nodes)}
        edges: list[tuple[int, int, int, int]] = []
        for k, node in enumerate(nodes):
            run = node.run
            ends = zip(_read(node, run.first_row), _read(node, run.last_row), strict=True)
            for first, last in ends:
                top = min(first.first_row, last.first_row)
                bottom = max(first.last_row, last.last_row)
                highest = min(first.first_row - run.first_row, last.first_row - run.last_row)
                lowest = max(first.last_row - run.first_row, last.last_row - run.last_row)
                for other in self._overlapping(first, top, bottom):
                    least = max(highest, other.run.first_row - run.last_row)
                    most = min(lowest, other.run.last_row - run.first_row)
                    edges.append((k, number[other], least, most))
            if len(edges) > _MOST_EDGES:
                return None
        return tuple(np.array(edges, dtype=np.int64).reshape(-1, 4).T)


class _Column:
    """The formulas of one column, by their rows."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._nodes = sorted(nodes, key=lambda node: node.run.first_row)
        self._begins = [node.run.first_row for node in self._nodes]
        ends = (node.run.last_row for node in self._nodes)
        self._ends = list(accumulate(ends, max))  # the last row of all runs up to each one

    def overlapping(self, first_row: int, last_row: int) -> Iterator[Node]:
        """Yield the nodes between these rows, perhaps also some whose step skips all of them."""
        for k in reversed(range(bisect_right(self._begins, last_row))):
            if self._ends[k] < first_row:
                return
            if self._nodes[k].run.last_row >= first_row:
                yield self._nodes[k]


def _by_column(nodes: Iterable[Node]) -> dict[tuple[str, int], _Column]:
    found: dict[tuple[str, int], list[Node]] = {}
    for node in nodes:
        found.setdefault((node.sheet, node.column), []).append(node)
    return {place: _Column(own) for place, own in found.items()}


def _endless(begins: Numbers, ends: Numbers) -> NDArray[np.bool_]:
    """Tell for each node whether paths of any length begin there.

    This is Kahn's algorithm: nodes from which no edge leads on are removed until none is left.
    """
    count = int(max(begins.max(initial=-1), ends.max(initial=-1))) + 1
    left = np.bincount(begins, minlength=count).tolist()
    before: list[list[int]] = [[] for _ in range(count)]
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        before[end].append(begin)
    ended = [number for number in range(count) if not left[number]]
    for number in ended:  # which grows in the loop
        for begin in before[number]:
            left[begin] -= 1
            if not left[begin]:
                ended.append(begin)
    return np.array(left, dtype=np.int64) > 0


def _may_return(from_to: Numbers, down: Numbers) -> bool:
    """Tell whether some closed path leads down or nowhere, given the rows ``down`` of each edge.

    If there is none, the longest paths are finite, and the Bellman–Ford iteration ends.
    """
    count = int(from_to.max(initial=-1)) + 1
    weights = down * (count + 1) + 1  # so that a closed path of 0 rows in all counts as positive
    longest = np.zeros(count, dtype=np.int64)
    for _ in range(count + 1):
        further = longest.copy()
        np.maximum.at(further, from_to[1], longest[from_to[0]] + weights)
        if (further == longest).all():
            return False
        longest = further
    return count > 0


def _read(node: Node, row: int) -> list[Area]:
    """Return the areas that a formula reads in a row, each with its sheet."""
    read: list[Area] = []
    for text, is_lookup in _arguments(node.run.formula.at(row)):
        for area in areas(text):
            if not area.sheet:
                area = replace(area, sheet=node.sheet)
            if not (is_lookup and area.cell_count > 1 and _may_hold(area, node)):
                read.append(area)
    return read


def _may_hold(area: Area, node: Node) -> bool:
    """Tell whether a range of a lookup may contain the formula's own cell.

    The lookup then picks other cells of it, so this is no cycle.
    """
    return area.sheet == node.sheet and area.first_column <= node.column <= area.last_column


def _arguments(formula: str) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a formula that read cells, and whether each is inside a lookup."""
    calls: list[str] = []
    begin = 0
    for match in _CALLS.finditer(formula):
        if match[0][-1] not in "()":
            continue
        if not _PLACES.intersection(calls):
            yield formula[begin : match.end()], not _LOOKUPS.isdisjoint(calls)
        begin = match.end()
        if match[0] != ")":
            calls.append((match["name"] or "").upper())
        elif calls:
            calls.pop()
    if not _PLACES.intersection(calls):
        yield formula[begin:], not _LOOKUPS.isdisjoint(calls)


def shown(cycle: Sequence[Cell]) -> str:
    """Return a cycle in words: ``A5 → B5 → A5``, shortened if it is long."""
    own = cycle[0][0]
    names = [
        cell_name(row, column) if sheet == own else f"{sheet_prefix(sheet)}{cell_name(row, column)}"
        for sheet, row, column in cycle
    ]
    if len(names) > _SHOWN + 2:
        half = _SHOWN // 2
        more = f"… {len(names) - 2 * half:,} more …"
        names = [*names[:half], more, *names[-half:]]
    return " → ".join([*names, names[0]])
