"""Which formulas of a workbook read which: a graph whose nodes are formulas filled down.

A run (a formula filled down a column) is one node, whatever its length.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.families import Run
from workbook_tools.formulas.replacing import bare
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
    parse_long,
)
from workbook_tools.formulas.words import all_areas
from workbook_tools.notation.addresses import MAX_COLUMNS, MAX_ROWS, Cell
from workbook_tools.program.edges import Edges, Places, Ranges, Reading
from workbook_tools.program.shapes import Shape, shape_of
from workbook_tools.program.suspects import on_cycles

MOST_EDGES = 2_000_000
# Functions that use the position of a cell, not its value.
_PLACES = {"ROW", "ROWS", "COLUMN", "COLUMNS", "SHEET", "AREAS", "CELL", "ISFORMULA", "FORMULATEXT"}
_BOOLEANS = ("TRUE", "FALSE")
# Functions that pick cells of a range, which may contain the formula's own cell.
_LOOKUPS = {"INDEX", "HLOOKUP", "VLOOKUP", "XLOOKUP", "LOOKUP", "OFFSET"}
# Functions that may read cells beyond the ranges that they name.
_REACHING = {"OFFSET", "SUMIF", "AVERAGEIF"}


class Area(NamedTuple):
    """What a formula reads in one of its rows."""

    sheet: str
    first_row: int
    first_column: int
    last_row: int
    last_column: int
    picks: bool  # a lookup picks cells of it, perhaps not the formula's own cell in it


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

    def areas(self, row: int) -> list[Area]:
        """Return what the formula reads in a row; not the cells of which only the place matters."""
        read = _slots_read(self.shape.text)
        if read is None:
            return self._areas_of_words(row)
        found = []
        for number, is_lookup in read:
            slot = self.shape.slots[number]
            top, right = slot.first_row(row), slot.column + slot.width - 1
            place = slot.sheet or self.sheet, top, slot.column, top + slot.height - 1, right
            found.append(Area(*place, is_lookup and self._is_in(*place)))
        return found

    def ranges(self) -> Iterator[tuple[str, int, int, int, int, int, int, bool]]:
        """Yield the ranges that the formula reads from all of its rows (see ``edges.Ranges``)."""
        begin, end = self.run.first_row, self.run.last_row
        read = _slots_read(self.shape.text)
        for number, is_lookup in read or ():
            name, top, moves, column, height, width = self.shape.slots[number]
            bottom, right, sheet = top + height - 1, column + width - 1, name or self.sheet
            picks = is_lookup and self._is_in(sheet, top, column, bottom, right)
            if moves:
                yield sheet, column, right, top + begin, bottom + end, top, bottom, picks
            else:
                yield sheet, column, right, top, bottom, top - end, bottom - begin, picks
        if read is None:
            both = zip(self._areas_of_words(begin), self._areas_of_words(end), strict=True)
            for first, last in both:
                yield (
                    first.sheet,
                    first.first_column,
                    first.last_column,
                    min(first.first_row, last.first_row),
                    max(first.last_row, last.last_row),
                    min(first.first_row - begin, last.first_row - end),
                    max(first.last_row - begin, last.last_row - end),
                    first.picks,
                )

    def _areas_of_words(self, row: int) -> list[Area]:
        """Return every cell and range that the formula names, whole columns and rows too."""
        is_lookup = any(name in self.shape.text.upper() for name in _LOOKUPS | _PLACES)
        found = []
        for one in all_areas(self.run.formula.at(row)):
            corners = one.first_row, one.first_column, one.last_row, one.last_column
            place = one.sheet or self.sheet, *corners
            found.append(Area(*place, is_lookup and self._is_in(*place)))
        if self._may_reach:
            names = dict.fromkeys(area.sheet for area in found)
            found += [Area(name, 1, 1, MAX_ROWS, MAX_COLUMNS, True) for name in names]
        return found

    @cached_property
    def _may_reach(self) -> bool:
        """Whether the formula may read cells beyond the ranges that it names, in any row."""
        if not any(name in self.shape.text.upper() for name in _REACHING):
            return False
        try:
            ends = {self.run.first_row, self.run.last_row}
            return any(_reach(parse_long(self.run.formula.at(row))) for row in ends)
        except SyntaxProblemError:
            return True

    def _is_in(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> bool:
        """Tell whether a range of several cells has the column of this node."""
        is_range = (first_row, first_column) != (last_row, last_column)
        return is_range and sheet == self.sheet and first_column <= self.column <= last_column


@lru_cache(maxsize=20_000)
def _slots_read(shape: str) -> tuple[tuple[int, bool], ...] | None:
    """Return the slots that a shape reads, each with whether it is inside a lookup.

    None if it may read other cells too: by whole columns, growing ranges, or defined names.
    """
    found: list[tuple[int, bool]] = []
    try:
        waiting: list[tuple[Tree, bool]] = [(parse_long(shape), False)]
        while waiting:
            part, is_lookup = waiting.pop()
            match part:
                case Name(text) if text.startswith("_"):
                    found.append((int(text[1:].partition("x")[0]), is_lookup))
                case Name(text) if not text.startswith("#") and text.upper() not in _BOOLEANS:
                    return None
                case Call(function) if function.upper() in _PLACES:
                    continue
                case Call(function, arguments) if _reaches(function.upper(), arguments):
                    return None
                case Call(function):
                    is_lookup = is_lookup or function.upper().removeprefix("_XLFN.") in _LOOKUPS
                case Reference() | Lines() | Span():
                    return None
            waiting += [(child, is_lookup) for child in reversed(children(part))]
    except (SyntaxProblemError, ValueError):
        return None
    return tuple(found)


def _reach(tree: Tree) -> bool:
    """Tell whether a formula may read cells beyond the ranges that it names."""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Call) and part.function.upper() in _REACHING:
            sizes = [_size(bare(own)) for own in part.arguments[::2]]  # without the criterion
            is_even = len(sizes) == 1 or (None not in sizes and len(set(sizes)) == 1)
            if part.function.upper() == "OFFSET" or not is_even:
                return True
        waiting += children(part)
    return False


def _size(part: Tree) -> tuple[int, int] | None:
    """Return how many rows and columns a reference has; None for anything else."""
    if not isinstance(part, Reference | Lines):
        return None
    area, *_ = all_areas(f"={part.text}")
    return area.last_row - area.first_row, area.last_column - area.first_column


def _reaches(function: str, arguments: Sequence[Tree]) -> bool:
    """Tell whether a call may read cells beyond the ranges that it names."""
    if function == "OFFSET" or function not in _REACHING:
        return function in _REACHING
    sizes = [str(bare(part)).partition("x")[2] for part in arguments[::2]]  # without the criterion
    return len(set(sizes)) > 1


class Graph:
    """Nodes, and which of them read which."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = nodes

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

    @cached_property
    def number(self) -> dict[Node, int]:
        """The number of each node."""
        return {node: k for k, node in enumerate(self.nodes)}

    @cached_property
    def _columns(self) -> dict[tuple[str, int], "_Column"]:
        found: dict[tuple[str, int], list[int]] = {}
        for k, node in enumerate(self.nodes):
            found.setdefault((node.sheet.lower(), node.column), []).append(k)
        return {place: _Column(own, self.nodes) for place, own in found.items()}

    @cached_property
    def _filled(self) -> dict[str, list[int]]:
        """The columns of each sheet that have nodes."""
        found: dict[str, list[int]] = {}
        for sheet, column in sorted(self._columns):
            found.setdefault(sheet, []).append(column)
        return found

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
    def reading(self) -> Reading:
        """Where the nodes stand, and the ranges that they read."""
        sheets: dict[str, int] = {}
        places = [
            (
                sheets.setdefault(node.sheet.lower(), len(sheets)),
                node.column,
                node.run.first_row,
                node.run.last_row,
            )
            for node in self.nodes
        ]
        ranges = (
            (k, sheets[sheet], *others)
            for k, node in enumerate(self.nodes)
            for name, *others in node.ranges()
            if (sheet := name.lower()) in sheets
        )
        flat = np.fromiter(chain.from_iterable(ranges), dtype=np.int64)
        return Reading(
            Places(*np.array(places, dtype=np.int64).reshape(-1, len(Places._fields)).T),
            Ranges(*flat.reshape(-1, len(Ranges._fields)).T),
        )

    @cached_property
    def edges(self) -> Edges | None:
        """The edges; None if there are more than ``MOST_EDGES``."""
        return self.reading.of_nodes(MOST_EDGES)

    @cached_property
    def suspects(self) -> NDArray[np.bool_]:
        """Which nodes may lie on cycles.

        None in a workbook with too many edges: there, cycles are left to the engine.
        """
        column = self.reading.column
        by_columns = on_cycles(
            self.reading.of_columns(), np.ones(int(column.max(initial=-1)) + 1, dtype=bool)
        )
        left = by_columns[column]
        if not left.any() or self.edges is None:
            return np.zeros_like(left)
        return on_cycles(self.edges, left)


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
