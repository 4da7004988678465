"""Which cells of a workbook read which, and in what role."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.adjoints import named_in
from workbook_tools.program.graph import Area, Node
from workbook_tools.program.lanes import Batch
from workbook_tools.program.memory import Indexes, Layout, Memory

_MOST = 20_000_000  # pairs of a cell and one that it reads
COPIES = ("=_0", "=+_0", "=(_0)")  # the shapes of formulas that only show another cell
_ELEMENT = "=ARRAYFORMULA("  # as formulas of cells in an array formula are read


class TooManyReadsError(Exception):
    """The formulas read too many cells to look at each."""


@dataclass(frozen=True, eq=False)
class Reads:
    """Pairs of a cell and one that it reads, by their places in a memory.

    Formulas that only copy a cell of their sheet are left out: who reads such a copy reads the
    ``origin``. A copy of a cell on another sheet may be where a training begins.
    """

    readers: Indexes
    cells: Indexes  # as they are read, also copies
    roles: Indexes  # equal for cells that are read by formulas of one shape, at one place in them
    shapes: Indexes  # of the formulas that read, by number
    is_named: NDArray[np.bool_]  # the cell is read alone, not in a range
    origin: Indexes  # by place: the cell that is shown there
    across: Indexes  # the same, also where it is on another sheet

    @cached_property
    def read(self) -> Indexes:
        """The cells that are read; of a copy, the cell that it shows."""
        return self.origin[self.cells]

    def of(self, cells: Indexes) -> "Reads":
        """Return the pairs in which some cells are read."""
        return self.at(np.flatnonzero(np.isin(self.read, cells)))

    def by(self, cells: Indexes) -> "Reads":
        """Return the pairs in which some cells read."""
        return self.at(np.flatnonzero(np.isin(self.readers, cells)))

    def at(self, numbers: Indexes) -> "Reads":
        """Return some of the pairs."""
        return Reads(
            self.readers[numbers],
            self.cells[numbers],
            self.roles[numbers],
            self.shapes[numbers],
            self.is_named[numbers],
            self.origin,
            self.across,
        )


def reads(nodes: Sequence[Node], memory: Memory) -> Reads:
    """Return which cells read which; raises ``TooManyReadsError``."""
    layout = memory.layout
    origin, across = np.arange(layout.size), np.arange(layout.size)
    shapes: dict[str, list[Node]] = {}
    for node in nodes:
        shapes.setdefault(node.shape.text, []).append(node)
    found: list[tuple[Indexes, ...]] = []
    count = 0
    roles: dict[tuple[int, int], int] = {}
    for number, (text, own) in enumerate(shapes.items()):
        for k, places, read, is_named in _of_shape(text, own, memory):
            if text in COPIES:
                is_near = _sheets(places, layout) == _sheets(read, layout)
                origin[places[is_near]], across[places] = read[is_near], read
                places, read = places[~is_near], read[~is_near]
            role = roles.setdefault((number, k), len(roles))
            count += len(read)
            if count > _MOST:
                raise TooManyReadsError
            same = np.ones(len(read), dtype=np.int64)
            found.append((places, read, role * same, number * same, is_named * same))
    for _ in range(_DEEPEST):  # copies of copies
        origin, across = origin[origin], across[across]
    every = [np.concatenate(parts) for parts in zip(*found, strict=True)] if found else [_NONE] * 5
    readers, read, own_roles, own_shapes, named = every
    return Reads(readers, read, own_roles, own_shapes, named.astype(bool), origin, across)


def _sheets(places: Indexes, layout: Layout) -> Indexes:
    """Return the numbers of the sheets on which cells are."""
    return np.asarray(np.searchsorted(layout.sheet_begins, places, side="right"))


_NONE = np.zeros(0, dtype=np.int64)
_DEEPEST = 20  # copies of copies are followed 2 to the power of this


def _of_shape(
    text: str, nodes: Sequence[Node], memory: Memory
) -> Iterator[tuple[int, Indexes, Indexes, bool]]:
    """Yield the number of a slot, the places of readers and read cells, and whether named alone."""
    if nodes[0].shape.is_complete and not text.startswith(_ELEMENT):
        batch = Batch(nodes, memory)
        for k, slot in enumerate(nodes[0].shape.slots):
            is_named = slot.height == slot.width == 1
            if slot.height * slot.width * len(batch.places) > _MOST:
                raise TooManyReadsError
            read = batch.places_read(k, slice(0, len(batch.places)))
            places = np.broadcast_to(batch.places, read.shape)
            yield k, places.ravel(), read.ravel(), is_named
        return
    for node in nodes:
        for row in node.run.rows:
            own = memory.layout.place_of((node.sheet, row, node.column))
            named = named_in(node, row)
            for k, cell in enumerate(named):
                yield k, np.array([own]), np.array([memory.layout.place_of(cell)]), True
            for k, area in enumerate(node.areas(row), start=len(named)):
                read = _places(area, memory.layout)
                yield k, np.full(len(read), own), read, False


def _places(area: Area, layout: Layout) -> Indexes:
    rows = np.arange(area.first_row, area.last_row + 1)[:, None]
    columns = np.arange(area.first_column, area.last_column + 1)
    if len(rows) * len(columns) > _MOST:
        raise TooManyReadsError
    places = layout.places(np.array(layout.sheet(area.sheet)), rows, columns).ravel()
    return np.asarray(places[places > 1])
