"""A formula as it reads when it is copied to another cell, or to another sheet."""

import re

from workbook_tools.formulas.replacing import replaced
from workbook_tools.formulas.tree import Reference, Tree, parts
from workbook_tools.notation.addresses import (
    MAX_COLUMNS,
    MAX_ROWS,
    column_letter,
    column_number,
    sheet_prefix,
)

_REFERENCE = re.compile(
    r"""
    "[^"]*"                                         # a text
    | '(?:[^']|'')*'!?                              # a sheet
    | (?<![\w.$])(\$?)([A-Za-z]{1,3})(\$?)([1-9]\d{0,6})(?![\w.(!])
    | \w[\w.]*                                      # another word
    """,
    re.VERBOSE,
)


def moved(formula: str, down: int, right: int) -> str | None:
    """Return a formula copied some rows down and columns to the right; None if it leaves the sheet.

    Whole columns and rows stay as they are.
    """
    leaves = False

    def shifted(match: re.Match[str]) -> str:
        nonlocal leaves
        fixed_column, letters, fixed_row, digits = match.groups()
        if not letters:
            return match[0]
        column = column_number(letters) + (0 if fixed_column else right)
        row = int(digits) + (0 if fixed_row else down)
        leaves |= not (1 <= column <= MAX_COLUMNS and 1 <= row <= MAX_ROWS)
        return f"{fixed_column}{column_letter(max(column, 1))}{fixed_row}{row}"

    new = _REFERENCE.sub(shifted, formula)
    return None if leaves else new


def as_copied(formula: str, row: int, column: int) -> str:
    """Return the formula of a cell with places relative to it: equal for all of its copies."""

    def relative(match: re.Match[str]) -> str:
        fixed_column, letters, fixed_row, digits = match.groups()
        if not letters:
            return match[0]
        across = column_number(letters) - (0 if fixed_column else column)
        down = int(digits) - (0 if fixed_row else row)
        return f"{{{fixed_column}{across} {fixed_row}{down}}}"

    return _REFERENCE.sub(relative, formula)


def on_any_sheet(tree: Tree, sheet: str) -> Tree:
    """Return a part of a formula of a sheet with the sheet named in every reference."""
    for route, part in [*parts(tree)]:
        if isinstance(part, Reference) and "!" not in part.text:
            tree = replaced(tree, route, Reference(sheet_prefix(sheet) + part.text))
    return tree
