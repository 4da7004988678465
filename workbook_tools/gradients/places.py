"""Where the references of a derivative are, for a cell that is read by another one.

A formula such as ``=SUMPRODUCT($B2:$D2,F$1:F$3)`` is differentiated once for all cells that hold it
and for all cells of a range. The result names places that depend on both: those that the formula
names itself, and those beside the cell in its range.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from workbook_tools.differentiation.elements import Line
from workbook_tools.formulas.tree import Reference
from workbook_tools.gradients.blocks import Block, Edge, Slot, slot_of
from workbook_tools.notation.addresses import range_name, sheet_prefix


class Pair(NamedTuple):
    """A cell that reads another one."""

    row: int
    column: int
    read_row: int
    read_column: int


class Place(Protocol):
    """A cell or range that a derivative names."""

    @property
    def sheet(self) -> str:
        """The sheet of the cell or range."""

    @property
    def is_adjoint(self) -> bool:
        """Whether it is on the sheet of derivatives beside this sheet."""

    def of(self, pair: Pair) -> tuple[int, int, int, int]:
        """Return the first row, first column, last row and last column."""


@dataclass(frozen=True)
class Reader:
    """The cell that reads the other one, or the derivative by it."""

    sheet: str
    is_adjoint: bool

    def of(self, pair: Pair) -> tuple[int, int, int, int]:
        """Return the first row, first column, last row and last column."""
        return pair.row, pair.column, pair.row, pair.column


@dataclass(frozen=True)
class Read:
    """The cell that is read."""

    sheet: str
    is_adjoint: bool = False

    def of(self, pair: Pair) -> tuple[int, int, int, int]:
        """Return the first row, first column, last row and last column."""
        return pair.read_row, pair.read_column, pair.read_row, pair.read_column


@dataclass(frozen=True)
class Named:
    """What the formula names."""

    slot: Slot
    is_adjoint: bool = False

    @property
    def sheet(self) -> str:
        """The sheet of the cell or range."""
        return self.slot.sheet

    def of(self, pair: Pair) -> tuple[int, int, int, int]:
        """Return the first row, first column, last row and last column."""
        return self.slot.at(pair.row, pair.column)


@dataclass(frozen=True)
class Beside:
    """What is in a range where the cell that is read is in its own."""

    slot: Slot
    own: Slot
    rows: Line
    columns: Line
    is_adjoint: bool = False

    @property
    def sheet(self) -> str:
        """The sheet of the cell or range."""
        return self.slot.sheet

    def of(self, pair: Pair) -> tuple[int, int, int, int]:
        """Return the first row, first column, last row and last column."""
        top, bottom = self._lines(self.slot.top, self.slot.bottom, pair.row, self.rows, pair)
        left, right = self._lines(self.slot.left, self.slot.right, pair.column, self.columns, pair)
        return top, left, bottom, right

    def _lines(self, first: Edge, last: Edge, own: int, line: Line, pair: Pair) -> tuple[int, int]:
        """Return the first and last row, or column, beside the cell that is read."""
        begin, end = first.at(own), last.at(own)
        if line is Line.ALL or begin == end:
            return begin, end
        if line is Line.ROW:
            place = begin + pair.read_row - self.own.top.at(pair.row)
        else:
            place = begin + pair.read_column - self.own.left.at(pair.column)
        return place, place


@dataclass(frozen=True)
class Aside:
    """A cell to the right of all others, for what is the same for all cells in a range."""

    sheet: str
    shift: int  # from the column of the cell that reads the range
    is_adjoint: bool = True

    def of(self, pair: Pair) -> tuple[int, int, int, int]:
        """Return the first row, first column, last row and last column."""
        return pair.row, pair.column + self.shift, pair.row, pair.column + self.shift


@dataclass(frozen=True)
class Placed(Reference):
    """A reference in a derivative; its text is that for the first cells."""

    place: Place


class InBlock:
    """A cell that the formulas of a block read in one of their references.

    It is an ``Element`` by which they are differentiated.
    """

    def __init__(self, block: Block, reference: str) -> None:
        self.reference = reference
        self._block, self._own = block, block.slots[reference]
        _, row, column = block.first
        self._first = Pair(row, column, self._own.top.at(row), self._own.left.at(column))

    def reader(self, is_adjoint: bool = False) -> Reference:
        """Return the reference to the cell that has the formula, or to the derivative by it."""
        return self._placed(Reader(self._block.sheet, is_adjoint))

    def itself(self) -> Reference:
        """Return the reference to the cell that is read."""
        return self._placed(Read(self._own.sheet))

    def beside(self, other: str, rows: Line, columns: Line) -> Reference:
        """Return the part of another range that is beside the cell; a single line is always."""
        return self._placed(Beside(self._slot(other), self._own, rows, columns))

    def placed(self, reference: Reference) -> Placed:
        """Return a reference of a derivative with its place."""
        if isinstance(reference, Placed):
            return reference
        return self._placed(Named(self._slot(reference.text)))

    def aside(self, first_column: int) -> Placed:
        """Return the reference to a cell beside others, given the column of the first one."""
        sheet, _, column = self._block.first
        return self._placed(Aside(sheet, first_column - column))

    def _slot(self, text: str) -> Slot:
        return self._block.slots.get(text) or slot_of(text, self._block.first)

    def _placed(self, place: Place) -> Placed:
        text = range_name(*place.of(self._first))
        return Placed(sheet_prefix(place.sheet) + text, place)
