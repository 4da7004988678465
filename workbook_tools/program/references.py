"""References in a syntax tree: which cells they mean, some rows further down."""

import re
from collections.abc import Callable
from dataclasses import replace

from workbook_tools.formulas.references import Area
from workbook_tools.notation.addresses import MAX_COLUMNS, MAX_ROWS, column_number
from workbook_tools.package.cell_values import CellError
from workbook_tools.program.values import REF, UnknownFunctionError

_CORNERS = re.compile(
    r"(?:(?P<sheet>.*)!)?"
    r"\$?(?P<column>[A-Za-z]*)(?P<fixed>\$?)(?P<row>\d*)"
    r"(?P<colon>:)?\$?(?P<column2>[A-Za-z]*)(?P<fixed2>\$?)(?P<row2>\d*)",
    re.DOTALL,
)


def area_of(text: str) -> Callable[[int], Area | CellError]:
    """Return the area that a reference means when it is filled so many rows down.

    An area without a sheet is on that of the formula. Raises ``UnknownFunctionError`` for a cell
    beyond the limits of a sheet, which Excel takes for a name.
    """
    match = _CORNERS.fullmatch(text)
    if match is None:
        raise UnknownFunctionError(text)
    sheet = match["sheet"]
    if sheet is not None:
        sheet = sheet.removeprefix("'").removesuffix("'").replace("''", "'")
    is_range = match["colon"] is not None
    letters = match["column"], match["column2"] if is_range else match["column"]
    first, last = sorted(map(column_number, letters)) if letters[0] else (1, MAX_COLUMNS)
    digits = match["row"], match["row2"] if is_range else match["row"]
    if not digits[0]:
        rows, fixed = [1, MAX_ROWS], [True, True]
    else:
        rows = [int(own) for own in digits]
        # In ``$1:$3``, what stands before the row is taken for the column's.
        fixed = [bool(match["fixed"]), bool(match["fixed2"] if is_range else match["fixed"])]
        if not letters[0]:
            fixed = [corner.startswith("$") for corner in text.rpartition("!")[2].split(":")]
    if last > MAX_COLUMNS or max(rows) > MAX_ROWS:
        raise UnknownFunctionError(text)

    def moved(shift: int) -> Area | CellError:
        top, bottom = (
            row if is_fixed else row + shift for row, is_fixed in zip(rows, fixed, strict=True)
        )
        if top > bottom:
            top, bottom = bottom, top
        if top < 1 or bottom > MAX_ROWS:
            return REF
        return Area(sheet, top, first, bottom, last)

    if all(fixed):
        there = moved(0)
        return lambda shift: there
    return moved


def joined(one: Area, other: Area) -> Area | CellError:
    """Return the smallest area that contains two others; ``#REF!`` if their sheets differ."""
    if one.sheet != other.sheet:
        return REF
    return replace(
        one,
        first_row=min(one.first_row, other.first_row),
        first_column=min(one.first_column, other.first_column),
        last_row=max(one.last_row, other.last_row),
        last_column=max(one.last_column, other.last_column),
    )
