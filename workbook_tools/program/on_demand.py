"""Calculates formulas in any order: each one when another needs its value.

This is for what no loop can do, such as a lookup in the formula's own column, and finds out which
formulas really read themselves.
"""

import math
from collections.abc import Callable, Sequence

from workbook_tools.evaluator.values import UnknownFunctionError
from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.package.workbook import Iterations
from workbook_tools.program.graph import Node
from workbook_tools.program.memory import Memory

CIRCULAR = CellError("#CIRC!")
_MOST_ITERATIONS = 32_767  # that Excel allows
_MOST_STEPS = 2_000_000  # formulas that are calculated in the iterations of a circle
Strictly = Callable[[int, int, Callable[[int], CellValue]], CellValue]


class _NeededError(Exception):
    def __init__(self, place: int) -> None:
        self.place = place


def calculate_on_demand(
    nodes: Sequence[Node],
    memory: Memory,
    draw: int,
    strictly: Strictly,
    iterations: Iterations | None,
) -> None:
    """Calculate all cells of some nodes; those that read themselves become ``CIRCULAR``.

    With ``iterations`` they are calculated again and again instead, from the values that they have.
    ``strictly`` calculates the formula of a node in a row, given how to read places.
    """
    cells = _cells(nodes, memory)
    before = {place: memory.get(place, draw) for place in cells if iterations}
    if _found_circles(dict(cells), memory, draw, strictly) and iterations:
        for place, value in before.items():
            memory.put_in_draw(place, draw, value)
        _iterate(cells, memory, draw, strictly, iterations)


def _cells(nodes: Sequence[Node], memory: Memory) -> dict[int, tuple[int, int]]:
    """Return the number of the node, and the row, of each place; sheet by sheet, row by row."""
    layout = memory.layout
    found = [
        (layout.number[node.sheet], row, node.column, k)
        for k, node in enumerate(nodes)
        for row in node.run.rows
    ]
    return {layout.place(sheet, row, column): (k, row) for sheet, row, column, k in sorted(found)}


def _iterate(
    cells: dict[int, tuple[int, int]],
    memory: Memory,
    draw: int,
    strictly: Strictly,
    iterations: Iterations,
) -> None:
    def get(place: int) -> CellValue:
        return memory.get(place, draw)

    for k in range(min(iterations.times, _MOST_ITERATIONS)):
        if k * len(cells) > _MOST_STEPS:
            raise UnknownFunctionError("a circle that takes too long")
        largest = 0.0
        for place, (node, row) in cells.items():
            old, value = get(place), strictly(node, row, get)
            memory.put_in_draw(place, draw, value)
            if isinstance(old, float) and isinstance(value, float):
                largest = max(largest, abs(value - old))
            elif value != old:
                largest = math.inf
        if largest < iterations.delta:
            return


def _found_circles(
    waiting: dict[int, tuple[int, int]], memory: Memory, draw: int, strictly: Strictly
) -> bool:
    """Calculate cells; tell whether some read themselves."""
    found = False

    def get(place: int) -> CellValue:
        if place in waiting:
            raise _NeededError(place)
        return memory.get(place, draw)

    for begin in sorted(waiting, key=lambda place: waiting[place][1]):
        path = {begin: None} if begin in waiting else {}
        while path:
            place = next(reversed(path))
            try:
                value = strictly(*waiting[place], get)
            except _NeededError as needed:
                if needed.place not in path:
                    path[needed.place] = None
                    continue
                found = True
                for on in list(path)[list(path).index(needed.place) :]:
                    memory.put_in_draw(on, draw, CIRCULAR)
                    del waiting[on], path[on]
                continue
            memory.put_in_draw(place, draw, value)
            del waiting[place], path[place]
    return found
