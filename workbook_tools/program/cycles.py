"""Finds circular references: formulas that read themselves, directly or through other cells.

For every cell on a cycle, or that reads one, an engine shows an error value, or 0 as Excel does.
Here the cycle itself is found, from the formulas alone.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from workbook_tools.formulas.budget import Budget
from workbook_tools.notation.addresses import Cell, cell_name, full_name
from workbook_tools.program.graph import Graph, Node
from workbook_tools.program.suspects import on_cycles

_MOST_CELLS = 200_000  # that are visited from one cell
_MOST_STEPS = 3_000_000  # from cell to cell, in the search for all cycles of a workbook
_SHOWN = 6  # cells of a cycle that are named


class Formulas:
    """The formulas of a workbook, reduced to those that may lie on cycles."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._budget = Budget(_MOST_STEPS)
        self._left = graph.suspects

    @property
    def suspects(self) -> list[Node]:
        """The formulas that may lie on cycles; none in a correct workbook."""
        return [self._graph.nodes[k] for k in np.flatnonzero(self._left).tolist()]

    def without(self, mistaken: Iterable[Node]) -> None:
        """Leave formulas out, as if they had been corrected."""
        left = self._left.copy()
        left[[self._graph.number[node] for node in mistaken]] = False
        if left.any() and self._graph.edges:
            left = on_cycles(self._graph.edges, left)
        self._left = left

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


def shown(cycle: Sequence[Cell]) -> str:
    """Return a cycle in words: ``A5 → B5 → A5``, shortened if it is long."""
    own = cycle[0][0]
    names = [
        cell_name(row, column) if sheet == own else full_name((sheet, row, column))
        for sheet, row, column in cycle
    ]
    if len(names) > _SHOWN + 2:
        half = _SHOWN // 2
        more = f"… {len(names) - 2 * half:,} more …"
        names = [*names[:half], more, *names[-half:]]
    return " → ".join([*names, names[0]])
