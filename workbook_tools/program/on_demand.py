"""Calculates formulas in any order: each one when another needs its value.

This is for what no loop can do, such as a lookup in the formula's own column, and finds out which
formulas really read themselves.
"""

from collections.abc import Callable, Sequence

from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.program.graph import Node
from workbook_tools.program.memory import Memory

CIRCULAR = CellError("#CIRC!")


class _NeededError(Exception):
    def __init__(self, place: int) -> None:
        self.place = place


def calculate_on_demand(
    nodes: Sequence[Node],
    memory: Memory,
    draw: int,
    strictly: Callable[[int, int, Callable[[int], CellValue]], CellValue],
) -> None:
    """Calculate all cells of some nodes; those that read themselves become ``CIRCULAR``.

    ``strictly`` calculates the formula of a node in a row, given how to read places.
    """
    layout = memory.layout
    waiting: dict[int, tuple[int, int]] = {}  # node and row, by place
    for k, node in enumerate(nodes):
        sheet = layout.number[node.sheet]
        waiting |= {layout.place(sheet, row, node.column): (k, row) for row in node.run.rows}

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
                for on in list(path)[list(path).index(needed.place) :]:
                    memory.put_in_draw(on, draw, CIRCULAR)
                    del waiting[on], path[on]
                continue
            memory.put_in_draw(place, draw, value)
            del waiting[place], path[place]
