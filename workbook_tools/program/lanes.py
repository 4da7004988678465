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
        self._first_row = np.array([run.first_row for run in runs])
        self._last_row = np.array([run.last_row for run in runs])
        step = np.array([run.step for run in runs])
        self.rows: Indexes = self._first_row[self.node] + within * step[self.node]
        self._sheet = np.array([layout.number[node.sheet] for node in nodes])
        self._column = np.array([node.column for node in nodes])
        self.places = layout.places(self._sheet[self.node], self.rows, self._column[self.node])
        self._read: dict[int, tuple[Indexes, Indexes, Indexes, Indexes]] = {}

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
        sheets, rows, moves, columns = self._slot(number)
        node = self.node[part]
        return sheets[node], rows[node] + moves[node] * self.rows[part], columns[node]

    def places_read(self, number: int, part: slice) -> Indexes:
        """Return the places of what some cells read in a slot, (cells of the range, cells)."""
        layout, (height, width) = self._memory.layout, self.shape.slots[number][-2:]
        sheets, rows, moves, columns = self._slot(number)
        down, along = np.arange(height)[:, None, None], np.arange(width)[:, None]
        begin = rows + moves * self._first_row
        end = rows + moves * self._last_row + height - 1
        starts = layout.starts(sheets, columns + along, begin, end)
        if starts is None:
            own_sheets, own_rows, own_columns = self.slot(number, part)
            places = layout.places(own_sheets, own_rows + down, own_columns + along)
        else:
            node = self.node[part]
            places = (starts + rows)[:, node] + moves[node] * self.rows[part] + down
        return places.reshape(height * width, -1)

    def _slot(self, number: int) -> tuple[Indexes, Indexes, Indexes, Indexes]:
        """Return a slot of all nodes: sheets, rows, whether they move (1 or 0), columns."""
        if number not in self._read:
            slots = (node.shape.slots[number] for node in self.nodes)
            names, rows, moves, columns, _, _ = zip(*slots, strict=True)
            by_name = {name: self._memory.layout.sheet(name) for name in {*names} if name}
            own = zip(names, self._sheet.tolist(), strict=True)
            sheets = np.array([by_name[name] if name else sheet for name, sheet in own])
            own_moves = np.array(moves, dtype=np.int64)
            self._read[number] = sheets, np.array(rows), own_moves, np.array(columns)
        return self._read[number]


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

    def line(self, slot: int, of_row: bool) -> Array:
        _, rows, columns = self._batch.slot(slot, self._part)
        return (rows if of_row else columns)[:, None].astype(float)

    def _places(self, slot: int) -> Indexes:
        """Return the places of what a slot reads, (cells of the range, cells)."""
        return self._batch.places_read(slot, self._part)
