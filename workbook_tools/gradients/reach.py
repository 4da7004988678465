"""Finds the cells that others depend on, through all formulas between."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.sheets import Sheet
from workbook_tools.gradients.blocks import Block, Slot
from workbook_tools.notation.addresses import Cell

Mask = NDArray[np.bool_]  # (rows, columns) of a sheet or a block


class Reach:
    """The cells that some cells depend on; these count, too."""

    def __init__(
        self,
        sheets: Sequence[Sheet],
        blocks: Sequence[Block],
        of: Iterable[Cell],
        through: Callable[[Block, str], bool] = lambda block, reference: True,
    ) -> None:
        """Follow all references of formulas, or those ``through`` which one should go."""
        self._masks = {s.name: np.zeros((s.last_row + 1, s.last_column + 1), bool) for s in sheets}
        self._in_column: dict[tuple[str, int], list[int]] = defaultdict(list)
        for number, block in enumerate(blocks):
            for column in block.columns:
                self._in_column[block.sheet, column].append(number)
        waiting: deque[int] = deque()
        for sheet, row, column in of:
            waiting.extend(self._mark(sheet, row, column, row, column))
        done: dict[int, Mask] = {}
        while waiting:
            number = waiting.popleft()
            block = blocks[number]
            live = self.in_block(block)
            new = live & ~done.get(number, np.zeros_like(live))
            if new.any():
                done[number] = live.copy()
                for reference, slot in block.slots.items():
                    if through(block, reference):
                        waiting.extend(self._read(block, slot, new))

    def has(self, cell: Cell) -> bool:
        """Tell whether they depend on a cell."""
        sheet, row, column = cell
        mask = self._masks[sheet]
        return row < mask.shape[0] and column < mask.shape[1] and bool(mask[row, column])

    def cells_of(self, block: Block) -> Iterator[Cell]:
        """Yield the cells of a block that they depend on, row by row."""
        for k, j in np.argwhere(self.in_block(block)).tolist():
            yield block.sheet, block.rows[k], block.columns[j]

    def on(self, sheet: str) -> Mask:
        """Return which cells of a sheet they depend on, by row and column, which count from 1."""
        return self._masks[sheet]

    def in_block(self, block: Block) -> Mask:
        """Return which cells of a block they depend on."""
        rows, columns = block.rows, block.columns
        own = self._masks[block.sheet]
        return own[rows.start : rows[-1] + 1 : rows.step, columns.start : columns.stop]

    def _read(self, block: Block, slot: Slot, live: Mask) -> set[int]:
        """Mark what some cells of a block read; return the blocks that may have more marks."""
        if slot.sheet not in self._masks:
            return set()
        edges = slot.top, slot.left, slot.bottom, slot.right
        found: set[int] = set()
        if not any(edge.moves for edge in edges):
            return self._mark(slot.sheet, *(edge.number for edge in edges))
        downs = np.flatnonzero(live.any(axis=1)).tolist()
        if not slot.left.moves and not slot.right.moves:
            for k in downs:
                row = block.rows[k]
                ends = slot.top.at(row), slot.left.number, slot.bottom.at(row), slot.right.number
                found |= self._mark(slot.sheet, *ends)
            return found
        for k in downs:
            for j in np.flatnonzero(live[k]).tolist():
                row, column = block.rows[k], block.columns[j]
                first = slot.top.at(row), slot.left.at(column)
                last = slot.bottom.at(row), slot.right.at(column)
                found |= self._mark(slot.sheet, *first, *last)
        return found

    def _mark(self, sheet: str, top: int, left: int, bottom: int, right: int) -> set[int]:
        """Mark a range; return the blocks that may have more marks."""
        part = self._masks[sheet][top : bottom + 1, left : right + 1]
        if part.all():
            return set()
        part[:] = True
        columns = range(left, min(right, self._masks[sheet].shape[1] - 1) + 1)
        return {number for column in columns for number in self._in_column[sheet, column]}


class Changed:
    """The formula cells among those of a ``Reach`` that depend on some cells."""

    def __init__(
        self, sheets: Sequence[Sheet], blocks: Sequence[Block], reach: Reach, by: Iterable[Cell]
    ) -> None:
        self._masks = {s.name: np.zeros((s.last_row + 1, s.last_column + 1), bool) for s in sheets}
        for sheet, row, column in by:
            self._masks[sheet][row, column] = True
        self.blocks: dict[Cell, Block] = {}  # of each such cell
        waiting = {cell: block for block in blocks for cell in reach.cells_of(block)}
        is_new = True
        while is_new:
            is_new = False
            for cell, block in [*waiting.items()]:
                if self.are_read(cell, block):
                    self._masks[cell[0]][cell[1:]] = is_new = True
                    self.blocks[cell] = waiting.pop(cell)

    def are_read(self, cell: Cell, block: Block) -> bool:
        """Tell whether the formula of a block in a cell reads any of them."""
        return any(self.in_range(slot, cell) for slot in block.slots.values())

    def in_range(self, slot: Slot, cell: Cell) -> bool:
        """Tell whether any of them is in what a formula in a cell reads."""
        part = self.part(slot, cell)
        return part is not None and bool(part.any())

    def part(self, slot: Slot, cell: Cell) -> Mask | None:
        """Return which of the cells that a formula in a cell reads are among them."""
        if slot.sheet not in self._masks:
            return None
        top, left, bottom, right = slot.at(*cell[1:])
        return self._masks[slot.sheet][top : bottom + 1, left : right + 1]
