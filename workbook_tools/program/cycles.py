"""Finds circular references: formulas that read themselves, directly or through other cells.

For every cell on a cycle, or that reads one, an engine shows an error value, or 0 as Excel does.
Here the cycle itself is found, from the formulas alone. The formulas of a run do not form a cycle
as long as every path back to the run leads to a row further up.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.budget import Budget
from workbook_tools.notation.addresses import Cell, cell_name, sheet_prefix
from workbook_tools.program.graph import Graph, Node, Numbers

_MOST_CELLS = 200_000  # that are visited from one cell
_MOST_STEPS = 3_000_000  # from cell to cell, in the search for all cycles of a workbook
_SHOWN = 6  # cells of a cycle that are named


class Formulas:
    """The formulas of a workbook, reduced to those that may lie on cycles."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._budget = Budget(_MOST_STEPS)
        self._left = np.ones(len(graph.nodes), dtype=bool)
        self._find_suspects()

    @property
    def suspects(self) -> list[Node]:
        """The formulas that may lie on cycles; none in a correct workbook."""
        return [self._graph.nodes[k] for k in np.flatnonzero(self._left).tolist()]

    def without(self, mistaken: Iterable[Node]) -> None:
        """Leave formulas out, as if they had been corrected."""
        self._left[[self._graph.number[node] for node in mistaken]] = False
        self._find_suspects()

    def node(self, cell: Cell) -> Node | None:
        """Return the suspect run that a cell belongs to; None if there is none."""
        number = self._graph.node_of(cell)
        return None if number is None or not self._left[number] else self._graph.nodes[number]

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
        for area in node.areas(cell[1]):
            _, first_row, first_column, last_row, last_column, picks = area
            found = self._graph.overlapping(
                area.sheet, first_column, last_column, first_row, last_row
            )
            for number in found if not picks else ():
                other = self._graph.nodes[number]
                for row in other.run.between(first_row, last_row) if self._left[number] else ():
                    if not self._budget.begins():
                        return
                    self._budget.spend()
                    yield other.sheet, row, other.column

    def _find_suspects(self) -> None:
        """Keep only the nodes that may lie on cycles: none in a correct workbook.

        In a workbook with too many edges, none are kept: cycles are left to the engine.
        """
        edges, left = self._graph.edges, self._left
        if edges is None:
            self._left = np.zeros_like(left)
            return
        kept = ~edges.picks & left[edges.readers] & left[edges.read]
        readers, read = edges.readers[kept], edges.read[kept]
        # Drop the nodes that lead to no cycle, and those that no cycle leads to.
        endless = _endless(readers, read, len(left)) & _endless(read, readers, len(left))
        inside = endless[readers] & endless[read]
        suspects, numbers = np.unique([readers[inside], read[inside]], return_inverse=True)
        from_to = numbers.reshape(2, -1)
        self._left = np.zeros_like(left)
        # There is no cycle if every edge leads up, or if every edge leads down.
        lowest, highest = edges.most[kept][inside], edges.least[kept][inside]
        self._left[suspects] = _may_return(from_to, lowest) and _may_return(from_to, -highest)


def _endless(begins: Numbers, ends: Numbers, count: int) -> NDArray[np.bool_]:
    """Tell for each of so many nodes whether paths of any length begin there.

    This is Kahn's algorithm: nodes from which no edge leads on are removed until none is left.
    """
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
