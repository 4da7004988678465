"""Tells references from what only looks like them, and copies formulas to other cells.

References are cells, ranges, whole columns and whole rows, each with its sheet. Any text is
accepted, even if no program understands it.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from string import ascii_letters

from workbook_tools.formulas.references import Area
from workbook_tools.notation.addresses import MAX_COLUMNS, MAX_ROWS, column_letter, column_number

# Words are matched as a whole, without backtracking, so that no text takes long.
_CELL = r"\$?[A-Za-z]{1,3}\$?[1-9]\d{0,6}"
_COLUMN, _ROW = r"\$?[A-Za-z]{1,3}", r"\$?[1-9]\d{0,6}"
_ENDS = r"(?![\w.(!\[$?\\])"
_INNER = r"\[(?:[^\[\]']++|'.?)*+(?:\]|\Z)"  # 'x is an escaped x
_BRACKETS = rf"\[(?:[^\[\]']++|'.?|{_INNER})*+(?:\]|\Z)"
_WORD = re.compile(
    rf"""
      (?P<text>"[^"]*+"?)
    | (?P<error>\#[\w/]++[!?]?)
    | (?P<cells>{_CELL}(?::{_CELL})?){_ENDS}
    | (?P<columns>{_COLUMN}:{_COLUMN}){_ENDS}
    | (?P<rows>{_ROW}:{_ROW}){_ENDS}
    | (?P<sheet>(?:'[^']*+')++!|(?:\[[^\[\]]*+\])?+[\w.]*+(?::[\w.]++)?+!)
    | (?P<quoted>(?:'[^']*+')++)
    | (?P<table>[^\W\d][\w.\\?]*+{_BRACKETS})
    | (?P<brackets>{_BRACKETS})
    | (?P<function>[^\W\d][\w.]*+)\(
    | (?P<name>[\w.$?\\]++)
    """,
    re.VERBOSE | re.DOTALL,
)
_AREAS = ("cells", "columns", "rows")
_OFF_THE_SHEET = "#REF!"


def all_areas(formula: str) -> Iterator[Area]:
    """Yield all references of a formula, in order; whole columns and rows too."""
    sheet, sheet_ends = "", -1
    for match in _WORD.finditer(formula):
        if match.lastgroup == "sheet":
            sheet, sheet_ends = match[0][:-1].strip("'").replace("''", "'"), match.end()
        elif match.lastgroup in _AREAS and (area := _area(match[0])):
            yield area._replace(sheet=sheet) if match.start() == sheet_ends else area


def runs_backwards(formula: str) -> bool:
    """Tell whether a formula has a range such as ``B2:A1`` or ``B:A``."""
    for match in _WORD.finditer(formula):
        if match.lastgroup in _AREAS and ":" in match[0]:
            first, last = (_split(corner.replace("$", "")) for corner in match[0].split(":"))
            if int(first[1] or 0) > int(last[1] or 0) or (
                first[0] and column_number(first[0]) > column_number(last[0])
            ):
                return True
    return False


def moved(formula: str, rows: int, columns: int) -> str:
    """Return a formula as it reads when copied ``rows`` down and ``columns`` to the right.

    Parts of references fixed by ``$`` stay; a reference that leaves the sheet becomes ``#REF!``.
    """

    def other(match: re.Match[str]) -> str:
        if match.lastgroup not in _AREAS or _area(match[0]) is None:
            return match[0]
        corners = [_moved(corner, rows, columns) for corner in match[0].split(":")]
        return _OFF_THE_SHEET if "" in corners else ":".join(corners)

    return _WORD.sub(other, formula)


def _moved(corner: str, rows: int, columns: int) -> str:
    """Return a moved cell, column or row; an empty text if it leaves the sheet."""
    column, row = _split(corner)
    if column and column[0] != "$":
        if not 1 <= (number := column_number(column) + columns) <= MAX_COLUMNS:
            return ""
        column = column_letter(number)
    if row and row[0] != "$":
        if not 1 <= (number := int(row) + rows) <= MAX_ROWS:
            return ""
        row = str(number)
    return column + row


def _split(corner: str) -> tuple[str, str]:
    """Return column and row of a corner of a range; one of them may be empty."""
    row = corner.lstrip("$" + ascii_letters) if corner[-1].isdigit() else ""
    if row and corner[-len(row) - 1 : -len(row)] == "$":
        row = f"${row}"
    return corner[: len(corner) - len(row)], row


@lru_cache(maxsize=100_000)  # most cells are read by several others
def _area(text: str) -> Area | None:
    """Return the area of a reference without its sheet; None if it lies beyond any sheet."""
    columns, rows = [], []
    for corner in text.split(":"):
        column, row = _split(corner)
        columns += [column_number(column.replace("$", ""))] if column else [1, MAX_COLUMNS]
        rows += [int(row.replace("$", ""))] if row else [1, MAX_ROWS]
    if max(rows) > MAX_ROWS or max(columns) > MAX_COLUMNS:
        return None
    return Area(None, min(rows), min(columns), max(rows), max(columns))
