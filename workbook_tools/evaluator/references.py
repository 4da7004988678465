"""References in a syntax tree: which cells they mean, some rows further down."""

import re
from typing import NamedTuple

from workbook_tools.evaluator.values import REF, UnknownFunctionError
from workbook_tools.formulas.references import Area
from workbook_tools.notation.addresses import MAX_COLUMNS, MAX_ROWS, column_number
from workbook_tools.package.cell_values import CellError

_CORNER = re.compile(r"(?:\$?(?P<column>[A-Za-z]+))?(?:(?P<fixed>\$?)(?P<row>\d+))?")


class Relative(NamedTuple):
    """An area in a formula that is filled down."""

    sheet: str | None  # None: that of the formula
    rows: tuple[int, int]
    fixed: tuple[bool, bool]  # whether these rows stay
    columns: tuple[int, int]

    @property
    def is_cell(self) -> bool:
        """Whether it is a single cell."""
        return self.rows[0] == self.rows[1] and self.columns[0] == self.columns[1]

    def at(self, shift: int) -> Area | CellError:
        """Return the area so many rows down; ``#REF!`` if it leaves the sheet."""
        top, bottom = (
            row if is_fixed else row + shift
            for row, is_fixed in zip(self.rows, self.fixed, strict=True)
        )
        if top > bottom:
            top, bottom = bottom, top
        if top < 1 or bottom > MAX_ROWS:
            return REF
        return Area(self.sheet, top, self.columns[0], bottom, self.columns[1])


def relative(text: str) -> Relative:
    """Return what a reference means, as it is written.

    Raises ``UnknownFunctionError`` beyond the limits of a sheet, where Excel takes it for a name.
    """
    sheet, _, cells = text.rpartition("!")
    first, _, second = cells.partition(":")
    corners = [_CORNER.fullmatch(corner) for corner in (first, second or first)]
    letters = [corner["column"] for corner in corners if corner]
    digits = [corner["row"] for corner in corners if corner]
    columns = sorted(map(column_number, letters)) if letters[0] else [1, MAX_COLUMNS]
    rows = [*map(int, digits)] if digits[0] else [1, MAX_ROWS]
    fixed = [not corner["row"] or corner["fixed"] == "$" for corner in corners if corner]
    if columns[1] > MAX_COLUMNS or max(rows) > MAX_ROWS:
        raise UnknownFunctionError(text)
    name = sheet.removeprefix("'").removesuffix("'").replace("''", "'") or None
    return Relative(name, (rows[0], rows[1]), (fixed[0], fixed[1]), (columns[0], columns[1]))


def joined(one: Area, other: Area) -> Area | CellError:
    """Return the smallest area that contains two others; ``#REF!`` if their sheets differ."""
    if one.sheet != other.sheet:
        return REF
    return one._replace(
        first_row=min(one.first_row, other.first_row),
        first_column=min(one.first_column, other.first_column),
        last_row=max(one.last_row, other.last_row),
        last_column=max(one.last_column, other.last_column),
    )
