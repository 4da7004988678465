"""Which formulas of a workbook read which: a graph whose nodes are formulas filled down.

A run (a formula filled down a column) is one node, whatever its length.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.families import Run
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.tree import (
    Call,
    Lines,
    Name,
    Reference,
    Span,
    SyntaxProblemError,
    Tree,
    children,
    parse,
)
from workbook_tools.formulas.words import words
from workbook_tools.notation.addresses import Cell
from workbook_tools.program.shapes import Shape, shape_of

Numbers = NDArray[np.int64]

MOST_EDGES = 2_000_000
# Functions that use the position of a cell, not its value.
_PLACES = {"ROW", "ROWS", "COLUMN", "COLUMNS", "SHEET", "AREAS", "CELL", "ISFORMULA", "FORMULATEXT"}
# Functions that pick cells of a range, which may contain the formula's own cell.
_LOOKUPS = {"INDEX", "HLOOKUP", "VLOOKUP", "XLOOKUP", "LOOKUP", "OFFSET"}


class Area(NamedTuple):
    """What a node reads."""

    sheet: str
    column: int
    last_column: int
    first: tuple[int, int]  # from which row to which one the node's first cell reads
    last: tuple[int, int]  # and its last cell
    is_lookup: bool  # some cells of it are picked, by their values or numbers


@dataclass(frozen=True, eq=False)
class Node:
    """A run of one formula filled down, and where it stands."""

    sheet: str
    column: int
    run: Run

    @property
    def cell(self) -> Cell:
        """Its first cell."""
        return self.sheet, self.run.first_row, self.column

    @cached_property
    def shape(self) -> Shape:
        """What the formula computes, and the places that it reads."""
        return shape_of(self.run.formula)

    def areas(self) -> Iterator[Area]:
        """Yield what it reads; not the cells of which only the position matters."""
        first, last = self.run.first_row, self.run.last_row
        read = _slots_read(self.shape.text)
        if read is None:
            yield from self._areas_of_words()
            return
        for number, is_lookup in read:
            slot = self.shape.slots[number]
            top, other, below = slot.first_row(first), slot.first_row(last), slot.height - 1
            sheet, right = slot.sheet or self.sheet, slot.column + slot.width - 1
            rows = (top, top + below), (other, other + below)
            yield Area(sheet, slot.column, right, *rows, is_lookup and slot.height + slot.width > 2)

    def _areas_of_words(self) -> Iterator[Area]:
        """Yield every cell and range that the formula names, whole columns and rows too."""
        ends = (words(self.run.formula.at(row)) for row in (self.run.first_row, self.run.last_row))
        is_lookup = any(name in self.shape.text.upper() for name in _LOOKUPS)
        for first, last in zip(*ends, strict=True):
            if first.area and last.area:
                sheet = (first.sheet or self.sheet).strip("'").replace("''", "'")
                one, other = first.area, last.area
                rows = (one.first_row, one.last_row), (other.first_row, other.last_row)
                columns = one.first_column, one.last_column
                yield Area(sheet, *columns, *rows, is_lookup and one.cell_count > 1)


@lru_cache(maxsize=20_000)
def _slots_read(shape: str) -> tuple[tuple[int, bool], ...] | None:
    """Return the slots that a shape reads, each with whether it is inside a lookup.

    None if it may read other cells too: by whole columns, growing ranges, or defined names.
    """
    found: list[tuple[int, bool]] = []

    def read(part: Tree, is_lookup: bool) -> bool:
        match part:
            case Name(text) if text.startswith("_"):
                found.append((int(text[1:].partition("x")[0]), is_lookup))
                return True
            case Name(text):
                return text.startswith("#") or text.upper() in ("TRUE", "FALSE")
            case Call(function) if function.upper() in _PLACES:
                return True
            case Call(function):
                is_lookup = is_lookup or function.upper().removeprefix("_XLFN.") in _LOOKUPS
            case Reference() | Lines() | Span():
                return False
        known = [read(child, is_lookup) for child in children(part)]  # all of them are to be read
        return all(known)

    try:
        return tuple(found) if read(parse(shape), False) else None
    except (SyntaxProblemError, ValueError):
        return None


class Edges(NamedTuple):
    """The edges of a graph, as arrays."""

    readers: Numbers  # numbers of nodes
    read: Numbers
    least: Numbers  # the smallest distance, in rows down, from a reading cell to a read one
    most: Numbers
    is_lookup: NDArray[np.bool_]


class Graph:
    """Nodes, and which of them read which."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = nodes
        self.number = {node: k for k, node in enumerate(nodes)}
        found: dict[tuple[str, int], list[int]] = {}
        for k, node in enumerate(nodes):
            found.setdefault((node.sheet.lower(), node.column), []).append(k)
        self._columns = {place: _Column(own, nodes) for place, own in found.items()}
        self._filled: dict[str, list[int]] = {}  # the columns of each sheet that have nodes
        for sheet, column in sorted(self._columns):
            self._filled.setdefault(sheet, []).append(column)

    @classmethod
    def of(cls, sheets: Sequence[Sheet]) -> "Graph":
        """Return the graph of all formulas of some sheets."""
        return cls(
            [
                Node(sheet.name, column, run)
                for sheet in sheets
                for column, runs in sheet.runs.items()
                for run in runs
            ]
        )

    def overlapping(
        self, sheet: str, first_column: int, last_column: int, first_row: int, last_row: int
    ) -> Iterator[int]:
        """Yield the nodes in a range, perhaps also some whose step skips all of its rows."""
        sheet = sheet.lower()
        filled = self._filled.get(sheet, [])
        begin, end = bisect_left(filled, first_column), bisect_right(filled, last_column)
        for column in filled[begin:end]:
            yield from self._columns[sheet, column].overlapping(first_row, last_row)

    def node_of(self, cell: Cell) -> int | None:
        """Return the node that a cell belongs to; None if there is none."""
        sheet, row, column = cell
        found = self.overlapping(sheet, column, column, row, row)
        return next((k for k in found if row in self.nodes[k].run.rows), None)

    @cached_property
    def edges(self) -> Edges | None:
        """The edges; None if there are more than ``MOST_EDGES``."""
        edges: list[tuple[int, int, int, int, bool]] = []
        for k, node in enumerate(self.nodes):
            begin, end = node.run.first_row, node.run.last_row
            for area in node.areas():
                top, bottom = min(area.first[0], area.last[0]), max(area.first[1], area.last[1])
                highest = min(area.first[0] - begin, area.last[0] - end)
                lowest = max(area.first[1] - begin, area.last[1] - end)
                columns = area.column, area.last_column
                for other in self.overlapping(area.sheet, *columns, top, bottom):
                    run = self.nodes[other].run
                    least = max(highest, run.first_row - end)
                    most = min(lowest, run.last_row - begin)
                    edges.append((k, other, least, most, area.is_lookup))
            if len(edges) > MOST_EDGES:
                return None
        found = np.array(edges, dtype=np.int64).reshape(-1, 5).T
        return Edges(found[0], found[1], found[2], found[3], found[4].astype(bool))


class _Column:
    """The nodes of one column, by their rows."""

    def __init__(self, numbers: Iterable[int], nodes: Sequence[Node]) -> None:
        self.numbers = sorted(numbers, key=lambda k: nodes[k].run.first_row)
        self._begins = [nodes[k].run.first_row for k in self.numbers]
        self._own_ends = [nodes[k].run.last_row for k in self.numbers]
        self._ends = list(accumulate(self._own_ends, max))  # the last row of all up to each one

    def overlapping(self, first_row: int, last_row: int) -> Iterator[int]:
        """Yield the nodes between these rows, perhaps also some whose step skips all of them."""
        for k in range(bisect_right(self._begins, last_row) - 1, -1, -1):
            if self._ends[k] < first_row:
                return
            if self._own_ends[k] >= first_row:
                yield self.numbers[k]
