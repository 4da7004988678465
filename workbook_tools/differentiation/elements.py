"""A cell in a reference of a formula, by which the formula is differentiated."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from workbook_tools.formulas.references import Area, areas
from workbook_tools.formulas.tree import Reference
from workbook_tools.notation.addresses import Cell, range_name, sheet_prefix


class Line(Enum):
    """Which rows, or columns, of a range are beside a cell in another one."""

    ROW = auto()  # the one with the number that the cell's row has in its own range
    COLUMN = auto()  # with that of the cell's column
    ALL = auto()


class Element(Protocol):
    """A cell in a reference of a formula."""

    @property
    def reference(self) -> str:
        """The reference, as it is written in the formula."""

    def itself(self) -> Reference:
        """Return the reference to the cell."""

    def beside(self, other: str, rows: Line, columns: Line) -> Reference:
        """Return the part of another range that is beside the cell; a single line is always."""


@dataclass(frozen=True)
class CellInRange:
    """A cell of a workbook, in a reference of a formula on a sheet."""

    cell: Cell
    sheet: str
    reference: str

    def itself(self) -> Reference:
        """Return the reference to the cell."""
        on, row, column = self.cell
        return self._named(Area(on, row, column, row, column))

    def beside(self, other: str, rows: Line, columns: Line) -> Reference:
        """Return the part of another range that is beside the cell; a single line is always."""
        [own], [there] = areas(f"={self.reference}"), areas(f"={other}")
        number = {
            Line.ROW: self.cell[1] - own.first_row,
            Line.COLUMN: self.cell[2] - own.first_column,
        }
        top, bottom = _lines(there.first_row, there.height, number.get(rows))
        left, right = _lines(there.first_column, there.width, number.get(columns))
        return self._named(Area(there.sheet or self.sheet, top, left, bottom, right))

    def _named(self, area: Area) -> Reference:
        prefix = "" if area.sheet == self.sheet else sheet_prefix(area.sheet or self.sheet)
        return Reference(prefix + range_name(*area[1:]))


def _lines(first: int, size: int, number: int | None) -> tuple[int, int]:
    """Return the first and last line that is beside a cell; without a ``number``, all are."""
    if size == 1 or number is None:
        return first, first + size - 1
    return first + number, first + number
