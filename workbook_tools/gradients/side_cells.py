"""Cells for parts of derivatives, to the right of all others on the sheets of derivatives."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation.addresses import Cell


class Area(NamedTuple):
    """A cell or range, on a sheet or on the sheet of derivatives beside it."""

    sheet: str
    is_adjoint: bool
    first_row: int
    first_column: int
    last_row: int
    last_column: int

    def ends(self, axis: int) -> tuple[int, int]:
        """Return the first and last row (axis 0), or column (axis 1)."""
        if axis == 0:
            return self.first_row, self.last_row
        return self.first_column, self.last_column


class Written(NamedTuple):
    """A formula, as text with places between its pieces."""

    pieces: tuple[str, ...]
    areas: tuple[Area, ...]
    is_array: bool = False  # whether it is an array formula


class SideCells:
    """Cells for terms, to the right of all others on the sheets of derivatives."""

    def __init__(self, sheets: Sequence[Sheet]) -> None:
        self.formulas: dict[Cell, Written] = {}
        self.headings: dict[Cell, str] = {}
        self._first = {sheet.name: sheet.last_column + 2 for sheet in sheets}
        self._taken: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)

    def room(self, sheet: str, rows: tuple[int, int], width: int, heading: str) -> int:
        """Return the first of some columns that are free in these rows, and take them.

        The row above is for the heading, if there is one.
        """
        rows = max(rows[0] - 1, 1), rows[1]
        column = self._first[sheet]
        while any(
            rows[0] <= last and first <= rows[1]
            for k in range(column, column + width)
            for first, last in self._taken[sheet, k]
        ):
            column += 1
        for k in range(column, column + width):
            self._taken[sheet, k].append(rows)
        self.headings[sheet, rows[0], column] = heading
        return column
