"""Calculates all cells of one shape at once, from what a memory holds."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from workbook_tools.program.graph import Node
from workbook_tools.program.kernels import A_NUMBER, NOTHING, Array, Codes, Lanes, kernel
from workbook_tools.program.memory import EMPTY, OTHER, Indexes, Memory

_MOST_NUMBERS = 2_000_000  # that are gathered for one slot at a time


class Batch:
    """Nodes of one shape, and the places of their cells."""

    def __init__(self, nodes: Sequence[Node], memory: Memory) -> None:
        layout = memory.layout
        self.nodes, self._memory = nodes, memory
        self.shape = nodes[0].shape
        self._widest = max((slot.height * slot.width for slot in self.shape.slots), default=1)
        runs = [node.run for node in nodes]
        counts = np.array([len(run.rows) for run in runs])
        self.node = np.repeat(np.arange(len(nodes)), counts)  # of each cell
        within = np.arange(len(self.node)) - np.repeat(np.cumsum(counts) - counts, counts)
        first, step = (np.array([(r.first_row, r.step) for r in runs])[self.node]).T
        self.rows: Indexes = first + within * step
        own = np.array([(layout.number[node.sheet], node.column) for node in nodes])
        self._sheet, self._column = own.T
        self.places = layout.places(self._sheet[self.node], self.rows, self._column[self.node])

    def parts(self) -> Iterator[slice]:
        """Yield slices of the cells such that what they read fits into memory."""
        size = max(1, _MOST_NUMBERS // (self._widest * self._memory.draws))
        for begin in range(0, len(self.rows), size):
            yield slice(begin, begin + size)

    def calculated(self, part: slice, is_exact: bool) -> tuple[Array, NDArray[np.bool_]]:
        """Return the numbers of some cells, (cells, draws), and where they are right.

        Wherever they are not, only ``evaluator`` can calculate the cell.
        """
        function = kernel(self.shape.text, is_exact) if self._widest <= _MOST_NUMBERS else None
        cells, draws = len(self.rows[part]), self._memory.draws
        if function is None:
            return np.full((cells, draws), np.nan), np.zeros((cells, draws), dtype=bool)
        return _OfMemory(self, part, self._memory).calculated(function, (cells, draws))

    def slot(self, number: int, part: slice) -> tuple[Indexes, Indexes, Indexes]:
        """Return sheet, first row and first column that each of some cells reads, (cells,)."""
        layout, node = self._memory.layout, self.node[part]
        slots = [own.shape.slots[number] for own in self.nodes]
        at = np.array([(s.row, s.moves, s.column) for s in slots])
        own = zip(slots, self._sheet.tolist(), strict=True)
        sheets = np.array([layout.sheet(s.sheet) if s.sheet else k for s, k in own])
        rows = at[node, 0] + np.where(at[node, 1], self.rows[part], 0)
        return sheets[node], rows, at[node, 2]


class _OfMemory(Lanes):
    """The lanes of some cells of a batch."""

    def __init__(self, batch: Batch, part: slice, memory: Memory) -> None:
        super().__init__()
        self._batch, self._part, self._memory = batch, part, memory

    def one(self, slot: int) -> Array:
        found: Array = self._memory.numbers[self._places(slot)[0]]
        return found

    def every(self, slot: int) -> Array:
        return self._memory.numbers[self._places(slot)]

    def filled(self, slot: int) -> Array:
        places = self._places(slot)
        is_empty = self._memory.kinds[places] == EMPTY
        return np.where(is_empty[..., None], np.nan, self._memory.numbers[places])

    def codes(self, slot: int) -> Codes:
        memory, places = self._memory, self._places(slot)[0]
        kinds = memory.kinds[places]
        found = np.where(kinds == EMPTY, NOTHING, A_NUMBER)[:, None]
        others = kinds == OTHER
        if not others.any():
            return found
        distinct, number = np.unique(places[others], return_inverse=True)
        own = np.zeros((len(distinct), memory.draws), dtype=np.int64)
        for k, place in enumerate(distinct.tolist()):
            own[k] = [self.code(value) for value in memory.others[place]]
        found = np.repeat(found, memory.draws, axis=1)
        found[others] = own[number]
        return found

    def pick(self, slot: int, number: Array) -> Array:
        size, number = self._batch.shape.slots[slot], np.atleast_2d(number)
        is_inside = (number >= 1) & (number < size.height * size.width + 1)
        offset = np.where(is_inside, number, 1).astype(np.int64) - 1
        sheets, rows, columns = (one[:, None] for one in self._batch.slot(slot, self._part))
        down, along = (offset, 0) if size.height > 1 else (0, offset)
        places = self._memory.layout.places(sheets, rows + down, columns + along)
        draws = np.arange(self._memory.draws)
        return np.where(is_inside, self._memory.numbers[places, draws], np.nan)

    def _places(self, slot: int) -> Indexes:
        """Return the places of what a slot reads, (cells of the range, cells)."""
        size = self._batch.shape.slots[slot]
        sheets, rows, columns = self._batch.slot(slot, self._part)
        down = np.repeat(np.arange(size.height), size.width)[:, None]
        along = np.tile(np.arange(size.width), size.height)[:, None]
        return self._memory.layout.places(sheets, rows + down, columns + along)
