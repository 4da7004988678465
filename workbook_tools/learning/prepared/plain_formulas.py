"""Formulas that say cell by cell what they read, in place of arrays and of ``OFFSET``.

An array formula of many cells reads all of its ranges in each. But one element of ``A1:C3*E1:G3``
is a product of two cells, and one of a matrix product reads one row and one column. ``OFFSET`` with
numbers, and counts of rows and columns, is a cell.
"""

from collections.abc import Iterator, Sequence

from workbook_tools.formulas.references import areas
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.tree import (
    Call,
    Number,
    Operation,
    Parentheses,
    Reference,
    Sign,
    SyntaxProblemError,
    Text,
    Tree,
    parse,
)
from workbook_tools.notation.addresses import Cell, cell_name
from workbook_tools.program.what_if import with_formulas

_ELEMENT, _OFFSET = "=ARRAYFORMULA(", "OFFSET("
_MOST = 100_000  # cells
_BY_ELEMENT = set(
    "EXP LN LOG LOG10 SQRT ABS SIGN POWER INT ROUND SIN COS TAN SINH COSH TANH IF".split()
)
_OF_ALL = set("SUM AVERAGE MAX MIN COUNT PRODUCT SUMSQ SUMPRODUCT SUMXMY2".split())


class _NotPlainError(Exception):
    """A formula that stays as it is."""


def plain_formulas(sheets: Sequence[Sheet]) -> list[Sheet]:
    """Return sheets with such formulas, as far as these are known."""
    return with_formulas(sheets, dict(_plain(sheets)))


def plain(formula: str) -> str | None:
    """Return a formula of one cell that does the same; None if none is known."""
    try:
        return f"={_without_offset(_of_cell(parse(formula)))}"
    except (_NotPlainError, SyntaxProblemError, RecursionError):
        return None


def _plain(sheets: Sequence[Sheet]) -> Iterator[tuple[Cell, str]]:
    left = _MOST
    for sheet in sheets:
        for column, runs in sheet.runs.items():
            for run in runs:
                pattern = run.formula.pattern.upper()
                if not pattern.startswith(_ELEMENT) and _OFFSET not in pattern:
                    continue
                left -= len(run.rows)
                for row in run.rows if left >= 0 else ():
                    if new := plain(run.formula.at(row)):
                        yield (sheet.name, row, column), new


def _of_cell(tree: Tree) -> Tree:
    """Return what one cell of an array formula calculates."""
    if not isinstance(tree, Call) or tree.function != _ELEMENT[1:-1]:
        return tree
    body, row, column = tree.arguments
    return _element(body, int(str(row)), int(str(column)))


def _element(tree: Tree, i: int, j: int) -> Tree:
    """Return one element of what a part of a formula gives; rows and columns count from 1."""
    match tree:
        case Number() | Text():
            return tree
        case Reference():
            return _part(tree, i, i, j, j)
        case Parentheses():
            return Parentheses(_element(tree.part, i, j))
        case Sign():
            return Sign(tree.sign, _element(tree.part, i, j))
        case Operation():
            return Operation(tree.operator, _element(tree.left, i, j), _element(tree.right, i, j))
        case Call(function="TRANSPOSE", arguments=(part,)):
            return _element(part, j, i)
        case Call(function="MMULT", arguments=(left, right)):
            return _product(left, right, i, j)
        case Call() if tree.function in _BY_ELEMENT:
            return Call(tree.function, tuple(_element(part, i, j) for part in tree.arguments))
        case Call() if tree.function in _OF_ALL:
            if all(isinstance(part, Reference | Number) for part in tree.arguments):
                return tree
    raise _NotPlainError


def _part(reference: Reference, top: int, bottom: int, left: int, right: int) -> Reference:
    """Return some rows and columns of a range; a single one is repeated."""
    found = areas(f"={reference.text}")
    if len(found) != 1:
        raise _NotPlainError
    [area] = found
    if area.height == 1:
        top = bottom = 1
    if area.width == 1:
        left = right = 1
    if bottom > area.height or right > area.width:
        raise _NotPlainError  # #N/A
    first = cell_name(area.first_row + top - 1, area.first_column + left - 1)
    last = cell_name(area.first_row + bottom - 1, area.first_column + right - 1)
    prefix = reference.text[: reference.text.rfind("!") + 1]
    return Reference(prefix + (first if first == last else f"{first}:{last}"))


def _product(left: Tree, right: Tree, i: int, j: int) -> Tree:
    """Return the product of a row and a column of two matrices."""
    row, is_across = _line(left, i, of_rows=True)
    column, goes_across = _line(right, j, of_rows=False)
    if is_across == goes_across:
        return Call("SUMPRODUCT", (row, column))
    return Call("MMULT", (row, column) if is_across else (column, row))


def _line(tree: Tree, number: int, of_rows: bool) -> tuple[Reference, bool]:
    """Return a row or a column of a matrix, and whether it lies across the sheet."""
    if isinstance(tree, Parentheses):
        return _line(tree.part, number, of_rows)
    if isinstance(tree, Call) and tree.function == "TRANSPOSE" and len(tree.arguments) == 1:
        return _line(tree.arguments[0], number, not of_rows)
    if not isinstance(tree, Reference) or len(found := areas(f"={tree.text}")) != 1:
        raise _NotPlainError
    [area] = found
    if number > (area.height if of_rows else area.width):
        raise _NotPlainError
    corners = (number, number, 1, area.width) if of_rows else (1, area.height, number, number)
    return _part(tree, *corners), of_rows


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
        raise _NotPlainError
    row, column = found[0].first_row + down, found[0].first_column + right
    if row < 1 or column < 1:
        raise _NotPlainError
    return Reference(begin.text[: begin.text.rfind("!") + 1] + cell_name(row, column))


def _number(tree: Tree) -> int:
    """Return the number of a part that reads no cell; raises ``_NotPlainError``."""
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
    raise _NotPlainError
