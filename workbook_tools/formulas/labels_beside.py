"""What a cell is called on its sheet: the text left of it, or above it.

Nothing is known here of what a sheet is about (for training tables, see ``reading``). Texts without
a letter, such as ``=`` or ``€``, are no labels, and neither are those as long as a note.
"""

from bisect import bisect_left

from workbook_tools.formulas.sheets import Sheet

_LONGEST = 80  # characters of a label
_MOST_TOGETHER = 3  # texts side by side, such as a name and its unit


def label_of(sheet: Sheet, row: int, column: int) -> str | None:
    """Return what a cell is called: ``Discount rate``, or ``Apples, price`` in a table.

    That is the nearest text left of it, with the texts directly before that. If there are other
    columns in between, the heading of the cell's own column is added. If there is no text left of
    it, it is the nearest text above. None if there is neither. Rows and columns count from 1.
    """
    left, between = _left_of(sheet, row, column)
    above = _above(sheet, row, column)
    if not left or above is None:
        return left or (above and above[1])
    heading_row, heading = above
    headings = sheet.rows_of_texts[heading_row]
    is_table = any(between <= other < column for other in headings)
    return f"{left}, {heading}" if is_table else left


def _left_of(sheet: Sheet, row: int, column: int) -> tuple[str, int]:
    """Return the text left of a cell, empty if there is none, and the column right of it."""
    texts = sheet.rows_of_texts.get(row, {})
    columns = sorted((k for k in texts if k < column and _label(texts[k])), reverse=True)
    if not columns:
        return "", column
    own = [k for k, other in enumerate(columns[:_MOST_TOGETHER]) if other == columns[0] - k]
    return ", ".join(_label(texts[columns[k]]) for k in reversed(own)), columns[0] + 1


def _above(sheet: Sheet, row: int, column: int) -> tuple[int, str] | None:
    """Return the nearest label above a cell, with its row."""
    rows = sheet.columns_of_texts.get(column, [])
    for k in range(bisect_left(rows, row) - 1, -1, -1):
        if label := _label(sheet.texts[rows[k], column]):
            return rows[k], label
    return None


def _label(text: str) -> str:
    """Return a text as a label: in one line, without the colon at its end; empty if it is none."""
    found = " ".join(text.split()).removesuffix(":").rstrip()
    is_label = len(found) <= _LONGEST and any(map(str.isalpha, found))
    return found if is_label else ""
