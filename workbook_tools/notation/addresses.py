"""The A1 names of cells, ranges and sheets."""

import re
from functools import cache

Cell = tuple[str, int, int]  # sheet, row, column

# The limits of a sheet, from Excel's documentation, "Excel specifications and limits".
MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
MAX_TEXT_LENGTH = 32_767  # characters of one cell
MAX_SHEET_NAME_LENGTH = 31  # characters


@cache
def column_letter(column: int) -> str:
    """Return the letters of a 1-based column number: 1 is A, 27 is AA."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


@cache
def column_number(letters: str) -> int:
    """Return the 1-based number of a column's letters: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter.upper()) - ord("A") + 1
    return number


def cell_name(row: int, column: int, absolute: bool = False) -> str:
    """Return a cell's A1 name, ``E32`` or, absolute, ``$E$32``."""
    if absolute:
        return f"${column_letter(column)}${row}"
    return f"{column_letter(column)}{row}"


def range_name(first_row: int, first_column: int, last_row: int, last_column: int) -> str:
    """Return a range's A1 name; a single cell is named without a colon."""
    first, last = cell_name(first_row, first_column), cell_name(last_row, last_column)
    return first if first == last else f"{first}:{last}"


_PLAIN_SHEET = re.compile(r"[^\W\d][\w.]*")
_LIKE_A_REFERENCE = re.compile(r"[A-Z]{1,3}\d+|R\d*(C\d*)?|C\d*|TRUE|FALSE", re.IGNORECASE)


def is_like_a_reference(name: str) -> bool:
    """Tell whether a name could be taken for a cell, in A1 or R1C1 notation, or for a boolean."""
    return bool(_LIKE_A_REFERENCE.fullmatch(name))


def sheet_prefix(sheet: str) -> str:
    """Return the prefix of a reference to another sheet: ``Data!``, quoted if necessary."""
    if _PLAIN_SHEET.fullmatch(sheet) and not is_like_a_reference(sheet):
        return f"{sheet}!"
    escaped = sheet.replace("'", "''")
    return f"'{escaped}'!"


def full_name(cell: Cell) -> str:
    """Return the name of a cell with its sheet: ``Data!A1``."""
    sheet, row, column = cell
    return sheet_prefix(sheet) + cell_name(row, column)
