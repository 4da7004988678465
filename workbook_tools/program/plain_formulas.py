"""Formulas that say cell by cell what they read, in place of arrays and of ``OFFSET``.

``OFFSET`` with numbers, and counts of rows and columns, is a cell. ``F2#`` is the range of the
array in F2, as it is in the file.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from workbook_tools.formulas.array_elements import TOTALS, NotPlainError, element
from workbook_tools.formulas.references import areas
from workbook_tools.formulas.replacing import with_leaves
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.tree import (
    Call,
    Number,
    Operation,
    Parentheses,
    Reference,
    Sign,
    SyntaxProblemError,
    Tree,
    parse,
    parts,
)
from workbook_tools.notation.addresses import Cell, cell_name, sheet_prefix
from workbook_tools.program.what_if import with_formulas

_ELEMENT = "=ARRAYFORMULA("
_CALLS = "OFFSET(", "ANCHORARRAY("
_SPILLED = {"ANCHORARRAY", "_XLFN.ANCHORARRAY"}
_CORNER = re.compile(r"([A-Z]+)(\d+)")
_MOST = 100_000  # cells


def plain_formulas(sheets: Sequence[Sheet]) -> list[Sheet]:
    """Return sheets with such formulas, as far as these are known."""
    return with_formulas(sheets, dict(_plain(sheets)))


def plain(formula: str, arrays: Mapping[str, str] = MappingProxyType({})) -> str | None:
    """Return a formula of one cell that does the same; None if none is known.

    ``arrays`` are the ranges of array formulas, by their first cells as the formula names them.
    """

    def spilled(part: Tree) -> Tree | None:
        if not isinstance(part, Call) or part.function.upper() not in _SPILLED:
            return None
        first = str(part.arguments[0]).replace("$", "")
        if first not in arrays:
            raise NotPlainError
        return Reference(arrays[first])

    try:
        return f"={_without_offset(_of_cell(with_leaves(parse(formula), spilled)))}"
    except (NotPlainError, SyntaxProblemError, RecursionError):
        return None


def _plain(sheets: Sequence[Sheet]) -> Iterator[tuple[Cell, str]]:
    left = _MOST
    for sheet in sheets:
        arrays = dict(_arrays_named_on(sheet, sheets))
        for column, runs in sheet.runs.items():
            for run in runs:
                pattern = run.formula.pattern.upper()
                if not pattern.startswith(_ELEMENT) and not any(f in pattern for f in _CALLS):
                    continue
                left -= len(run.rows)
                for row in run.rows if left >= 0 else ():
                    if new := plain(run.formula.at(row), arrays):
                        yield (sheet.name, row, column), new


def _arrays_named_on(own: Sheet, sheets: Sequence[Sheet]) -> Iterator[tuple[str, str]]:
    """Yield the first cells of all array formulas as a sheet names them, and their ranges."""
    for sheet in sheets:
        prefix = "" if sheet is own else sheet_prefix(sheet.name)
        for (row, column), reference in sheet.arrays.items():
            corners = (f"${letters}${digits}" for letters, digits in _CORNER.findall(reference))
            yield prefix + cell_name(row, column), prefix + ":".join(corners)


def _of_cell(tree: Tree) -> Tree:
    """Return what one cell of an array formula calculates."""
    if not isinstance(tree, Call) or tree.function != _ELEMENT[1:-1]:
        return tree
    body, row, column = tree.arguments
    found = element(body, int(str(row)), int(str(column)))
    if any(_is_array(part) for _, part in parts(found)):
        raise NotPlainError
    return found


def _is_array(tree: Tree) -> bool:
    """Tell whether a part works out an array, of which a total is made."""
    return (
        isinstance(tree, Call)
        and tree.function in TOTALS
        and not all(isinstance(part, Reference | Number) for part in tree.arguments)
    )


def _without_offset(tree: Tree) -> Tree:
    """Return a formula with cells in place of OFFSET, as far as these are always the same."""
    match tree:
        case Parentheses():
            return Parentheses(_without_offset(tree.part))
        case Sign():
            return Sign(tree.sign, _without_offset(tree.part))
        case Operation():
            both = _without_offset(tree.left), _without_offset(tree.right)
            return Operation(tree.operator, *both)
        case Call(function="OFFSET", arguments=(Reference() as begin, down, right)):
            return _moved(begin, _number(down), _number(right))
        case Call():
            return Call(tree.function, tuple(map(_without_offset, tree.arguments)))
    return tree


def _moved(begin: Reference, down: int, right: int) -> Reference:
    found = areas(f"={begin.text}")
    if len(found) != 1 or found[0].cell_count != 1:
        raise NotPlainError
    row, column = found[0].first_row + down, found[0].first_column + right
    if row < 1 or column < 1:
        raise NotPlainError
    return Reference(begin.text[: begin.text.rfind("!") + 1] + cell_name(row, column))


def _number(tree: Tree) -> int:
    """Return the number of a part that reads no cell; raises ``NotPlainError``."""
    match tree:
        case Parentheses():
            return _number(tree.part)
        case Number() if tree.text.isdigit():
            return int(tree.text)
        case Sign(sign="-"):
            return -_number(tree.part)
        case Operation(operator="+"):
            return _number(tree.left) + _number(tree.right)
        case Operation(operator="-"):
            return _number(tree.left) - _number(tree.right)
        case Operation(operator="*"):
            return _number(tree.left) * _number(tree.right)
        case Call(function="ROWS" | "COLUMNS", arguments=(Reference() as part,)):
            if len(found := areas(f"={part.text}")) == 1:
                return found[0].height if tree.function == "ROWS" else found[0].width
    raise NotPlainError
