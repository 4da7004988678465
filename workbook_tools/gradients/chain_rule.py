"""The derivatives of one cell by all that it depends on, as formulas: the chain rule."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.array_parts import NotWrittenError
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.gradients.blocks import Block, Edge, Slot, blocks_of
from workbook_tools.gradients.places import Pair
from workbook_tools.gradients.reach import Changed, Reach
from workbook_tools.gradients.side_cells import Area, SideCells, Written
from workbook_tools.gradients.terms import Rectangle, Term
from workbook_tools.notation.addresses import Cell, cell_name, full_name

_FEW = 6  # cells whose terms are written one after the other


class NoWayError(Exception):
    """The derivative by a cell cannot be written; the message says where, and why."""


class Reading(NamedTuple):
    """A reference through which cells are read by a block."""

    block: Block
    reference: str
    slot: Slot
    first_row: int  # of all that is read
    last_row: int


class ChainRule:
    """Writes the derivative of one cell by others."""

    def __init__(self, sheets: Sequence[Sheet], of: Cell) -> None:
        self.of, self._sheets = of, sheets
        self.beside = SideCells(sheets)
        self.blocks = blocks = [*blocks_of(sheets)]
        self.reach = Reach(sheets, blocks, [of])
        self._terms: dict[tuple[Block, str], Term | NotWrittenError] = {}
        self.with_effect = self.before([of])
        self._live = {id(b): live for b in blocks if (live := self.with_effect.in_block(b)).any()}
        self._in_column: dict[tuple[str, int], list[Reading]] = defaultdict(list)
        for block in blocks:
            if id(block) in self._live:
                self._note(block)

    def _note(self, block: Block) -> None:
        """Note what a block reads, by column."""
        rows = (block.rows[0], block.rows[-1])
        columns = (block.columns[0], block.columns[-1])
        for reference, slot in block.slots.items():
            if not self._matters(block, reference):
                continue
            first = min(map(slot.top.at, rows))
            last = max(map(slot.bottom.at, rows))
            left = min(map(slot.left.at, columns))
            right = max(map(slot.right.at, columns))
            for column in range(left, right + 1):
                self._in_column[slot.sheet, column].append(
                    Reading(block, reference, slot, first, last)
                )

    def before(self, cells: Iterable[Cell]) -> Reach:
        """Return what cells depend on other than through conditions and the like."""
        return Reach(self._sheets, self.blocks, cells, self._matters)

    def _matters(self, block: Block, reference: str) -> bool:
        """Tell whether a formula has a derivative by what it reads that is not 0, or none."""
        with suppress(NoWayError):
            return not self._term(block, reference).is_zero
        return True

    def changed(self, by: Sequence[Cell]) -> Changed:
        """Return the cells between some cells and the result: those that depend on them."""
        return Changed(self._sheets, self.blocks, self.reach, by)

    def by(self, cell: Cell) -> Written | None:
        """Return the derivative by a cell; None if it is 0. Raises ``NoWayError``."""
        if cell == self.of:
            return Written(("1",), ())
        found = [*self._by(cell)]
        return _joined(found) if found else None

    def _by(self, cell: Cell) -> Iterator[Written]:
        sheet, row, column = cell
        for reading in self._in_column[sheet, column]:
            if not reading.first_row <= row <= reading.last_row:
                continue
            readers = [*self._readers(reading, row, column)]
            if not readers:
                continue
            term = self._term(reading.block, reading.reference)
            yield from self._of(term, reading.block, readers, row, column)

    def has_no_slope(self, block: Block) -> bool:
        """Tell whether the derivative of a formula is 0 by all that it reads."""
        return all(self._term(block, reference).is_zero for reference in block.slots)

    def _term(self, block: Block, reference: str) -> Term:
        """Return the term of what a block reads; raises ``NoWayError``."""
        key = block, reference
        if key not in self._terms:
            try:
                self._terms[key] = Term(*key, self.beside)
            except NotWrittenError as error:
                self._terms[key] = error
        found = self._terms[key]
        if isinstance(found, NotWrittenError):
            raise NoWayError(f"{full_name(block.first)}: {found}")
        return found

    def _readers(self, reading: Reading, row: int, column: int) -> Iterator[Rectangle]:
        """Yield the cells of a block that read a cell, as far as the loss depends on them."""
        block, slot = reading.block, reading.slot
        downs = _numbers(block.rows, slot.top, slot.bottom, row)
        rights = _numbers(block.columns, slot.left, slot.right, column)
        live = self._live[id(block)][downs.start : downs.stop, rights.start : rights.stop]
        if live.all() and (block.rows.step == 1 or len(downs) == 1):
            if live.size:
                yield _rectangle(block, downs, rights)
            return
        if not live.any():
            return
        for k, own in zip(downs, live, strict=True):
            for first, last in _stretches(own):
                yield _rectangle(block, range(k, k + 1), rights[first:last])

    def _of(
        self, term: Term, block: Block, readers: Sequence[Rectangle], row: int, column: int
    ) -> Iterator[Written]:
        """Yield the terms of the cells of a block that read a cell."""
        if len(readers) == 1 and readers[0].size == 1:
            yield term.by_one(Pair(*readers[0][:2], row, column))
            return
        found = [self._of_rectangle(term, own, row, column) for own in readers]
        if len(found) <= _FEW and all(own is not None for own in found):
            yield from (own for own in found if own is not None)
            return
        pairs = [Pair(*cell, row, column) for own in readers for cell in own.cells()]
        if len(pairs) <= _FEW:
            yield from map(term.by_one, pairs)
            return
        yield self._added_up(term, block, pairs)

    @staticmethod
    def _of_rectangle(term: Term, own: Rectangle, row: int, column: int) -> Written | None:
        if own.size == 1:
            return term.by_one(Pair(own.first_row, own.first_column, row, column))
        return term.by_many(own, row, column)

    def _added_up(self, term: Term, block: Block, pairs: Sequence[Pair]) -> Written:
        """Write the terms into cells of their own, beside those of the sheet; return their sum."""
        rows = min(p.row for p in pairs), max(p.row for p in pairs)
        columns = min(p.column for p in pairs), max(p.column for p in pairs)
        heading = f"terms of ∂{cell_name(pairs[0].read_row, pairs[0].read_column)}"
        first = self.beside.room(block.sheet, rows, columns[1] - columns[0] + 1, heading)
        for pair in pairs:
            place = block.sheet, pair.row, first + pair.column - columns[0]
            self.beside.formulas[place] = term.by_one(pair)
        last = first + columns[1] - columns[0]
        return Written(("SUM(", ")"), (Area(block.sheet, True, rows[0], first, rows[1], last),))


def _numbers(lines: range, first: Edge, last: Edge, line: int) -> range:
    """Return the numbers of the rows, or columns, of a block that read one between two edges."""
    begin, end = lines[0], lines[-1]
    if first.moves:
        end = min(end, line - first.number)
    elif line < first.number:
        return range(0)
    if last.moves:
        begin = max(begin, line - last.number)
    elif line > last.number:
        return range(0)
    low = -((lines[0] - begin) // lines.step)
    high = (end - lines[0]) // lines.step
    return range(max(low, 0), max(high + 1, low, 0))


def _stretches(marks: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return where stretches of marks begin and end."""
    ends = np.flatnonzero(np.diff(marks.astype(np.int8), prepend=0, append=0)).tolist()
    return [*zip(ends[::2], ends[1::2], strict=True)]


def _rectangle(block: Block, downs: range, rights: range) -> Rectangle:
    rows, columns = block.rows, block.columns
    return Rectangle(rows[downs[0]], columns[rights[0]], rows[downs[-1]], columns[rights[-1]])


def _joined(terms: Sequence[Written]) -> Written:
    """Return the sum of some terms."""
    if len(terms) == 1:
        return terms[0]
    pieces = [""]
    areas: list[Area] = []
    for term in terms:
        first, *others = term.pieces
        plus = "+" if areas or pieces != [""] else ""
        pieces[-1] += first if first.startswith("-") else plus + first
        pieces += others
        areas += term.areas
    return Written(tuple(pieces), tuple(areas), any(term.is_array for term in terms))
