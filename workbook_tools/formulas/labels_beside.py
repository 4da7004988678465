"""What a cell is called on its sheet: the text left of it, or above it.

Nothing is known here of what a sheet is about (for training tables, see ``reading``). Texts without
a letter, such as ``=`` or ``€``, are no labels, and neither are those as long as a note.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from workbook_tools.formulas.sheets import Sheet

_LONGEST = 80  # characters of a label
_MOST_TOGETHER = 3  # texts side by side, such as a name and its unit


def label_of(
    sheet: Sheet, row: int, column: int, is_filled: Callable[[int, int], bool] | None = None
) -> str | None:
    """Return what a cell is called: ``Discount rate``, or ``Apples, price`` in a table.

    That is the nearest text left of it, with the texts directly before that. If there are other
    columns in between, with headings, the heading of the cell's own column is added. If there is
    no text left of it, it is the nearest text above. None if there is neither.

    A sheet does not know where its numbers are. ``is_filled`` tells whether there is something in
    a cell, by row and column; then a text left of another number beyond an empty cell is not taken.
    Rows and columns count from 1.
    """
    left, beside = _left_of(sheet, row, column)
    if is_filled and any(_jumps([is_filled(row, k) for k in range(column - 1, beside, -1)])):
        left = ""
    above = _above(sheet, row, column)
    if not left or above is None:
        return left or (above and above[1])
    heading_row, heading = above
    headings = sheet.rows_of_texts[heading_row]
    is_table = any(beside < other < column for other in headings)
    return f"{left}, {heading}" if is_table else left


def _jumps(filled: Sequence[bool]) -> Iterator[bool]:
    """Tell, from cell to cell, whether a filled one comes after an empty one."""
    return (other and not one for one, other in pairwise([*filled]))


def _left_of(sheet: Sheet, row: int, column: int) -> tuple[str, int]:
    """Return the text left of a cell, and its column; an empty one if there is none."""
    texts = sheet.rows_of_texts.get(row, {})
    columns = sorted((k for k in texts if k < column and _label(texts[k])), reverse=True)
    if not columns:
        return "", column
    own = [k for k, other in enumerate(columns[:_MOST_TOGETHER]) if other == columns[0] - k]
    return ", ".join(_label(texts[columns[k]]) for k in reversed(own)), columns[0]


def _above(sheet: Sheet, row: int, column: int) -> tuple[int, str] | None:
    """Return the nearest label above a cell, with its row."""
    rows = sheet.columns_of_texts.get(column, [])
    for k in range(bisect_left(rows, row) - 1, -1, -1):
        if label := _label(sheet.texts[rows[k], column]):
            return rows[k], label
    return None


def _label(text: str) -> str:
    """Return a text as a label: in one line, without a colon or = at its end; empty if none."""
    found = " ".join(text.split()).rstrip(":= ")
    is_label = len(found) <= _LONGEST and any(map(str.isalpha, found))
    return found if is_label else ""
