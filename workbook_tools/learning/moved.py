"""A formula as it reads when it is copied to another cell, or to another sheet."""

import re
from collections.abc import Mapping

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


def continued(formulas: Mapping[int, str], row: int) -> str | None:
    """Return the formula of a row as those of two other rows go on, nearest ones; None if not.

    In ``=C$21*G29`` and ``=D$21*G29`` below it, the column goes on with the rows, as it does in the
    gradients of weights that are multiplied by a row of numbers.
    """
    if len(formulas) < 2:
        return None
    first, other = sorted(formulas, key=lambda known: abs(known - row))[:2]
    steps = iter(_REFERENCE.finditer(formulas[other]))
    goes_on = True

    def next_one(match: re.Match[str]) -> str:
        nonlocal goes_on
        there = next(steps, None)
        if there is None or bool(there[2]) != bool(match[2]):
            goes_on = False
            return match[0]
        if not match[2]:
            goes_on &= match[0] == there[0]
            return match[0]
        own = column_number(match[2]), int(match[4])
        before = column_number(there[2]), int(there[4])
        places = []
        for here, away in zip(own, before, strict=True):
            step, rest = divmod(away - here, other - first)
            places.append(here + step * (row - first))
            goes_on &= rest == 0 and places[-1] > 0
        return f"{match[1]}{column_letter(max(places[0], 1))}{match[3]}{places[1]}"

    new = _REFERENCE.sub(next_one, formulas[first])
    outside = (_REFERENCE.sub("", formulas[known]) for known in (first, other))
    return new if goes_on and next(steps, None) is None and len({*outside}) == 1 else None
