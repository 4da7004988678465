"""One element of an array formula, as a formula of one cell.

An array formula of many cells reads all of its ranges in each. But one element of ``A1:C3*E1:G3``
is a product of two cells, and one of a matrix product reads one row and one column.
"""

from workbook_tools.formulas.references import Area, areas
from workbook_tools.formulas.replacing import with_leaves
from workbook_tools.formulas.tree import (
    Call,
    Number,
    Operation,
    Parentheses,
    Reference,
    Sign,
    Text,
    Tree,
)
from workbook_tools.notation.addresses import column_letter

_BY_ELEMENT = set(
    "EXP LN LOG LOG10 SQRT ABS SIGN POWER INT ROUND SIN COS TAN SINH COSH TANH IF".split()
)
TOTALS = set("SUM AVERAGE MAX MIN COUNT PRODUCT SUMSQ SUMPRODUCT SUMXMY2".split())


class NotPlainError(Exception):
    """An array formula whose elements cannot be written as formulas of one cell."""


def element(tree: Tree, i: int, j: int, is_turned: bool = False) -> Tree:
    """Return one element of what a part of a formula gives; rows and columns count from 1.

    References have ``$`` signs as if the elements were filled down and to the right. In a part that
    ``is_turned``, rows are columns. Raises ``NotPlainError``.
    """
    match tree:
        case Number() | Text():
            return tree
        case Reference():
            return _part(tree, (i, i), (j, j), not is_turned, not is_turned)
        case Parentheses():
            return Parentheses(element(tree.part, i, j, is_turned))
        case Sign():
            return Sign(tree.sign, element(tree.part, i, j, is_turned))
        case Operation(operator, left, right):
            both = element(left, i, j, is_turned), element(right, i, j, is_turned)
            return Operation(operator, *both)
        case Call(function="TRANSPOSE", arguments=(part,)):
            return element(part, j, i, not is_turned)
        case Call(function="MMULT", arguments=(left, right)):
            return _product(left, right, i, j, is_turned)
        case Call(function="ROW" | "COLUMN", arguments=(Reference() as part,)):
            return Call(tree.function, (element(part, i, j, is_turned),))
        case Call(function, arguments) if function in _BY_ELEMENT:
            return Call(function, tuple(element(part, i, j, is_turned) for part in arguments))
        case Call(function) if function in TOTALS:
            return _fixed(tree)
    raise NotPlainError


def _part(
    reference: Reference,
    rows: tuple[int, int],
    columns: tuple[int, int],
    moves_down: bool,
    moves_right: bool,
) -> Reference:
    """Return some rows and columns of a range, counted from 1; a single one is repeated.

    It says which of them are others in the next row, or column, of the array.
    """
    area = _area(reference)
    if area.height == 1:
        rows, moves_down = (1, 1), False
    if area.width == 1:
        columns, moves_right = (1, 1), False
    if rows[1] > area.height or columns[1] > area.width:
        raise NotPlainError  # #N/A
    corners = [
        f"{'' if moves_right else '$'}{column_letter(area.first_column + column - 1)}"
        f"{'' if moves_down else '$'}{area.first_row + row - 1}"
        for row, column in zip(rows, columns, strict=True)
    ]
    prefix = reference.text[: reference.text.rfind("!") + 1]
    return Reference(prefix + ":".join(dict.fromkeys(corners)))


def _area(reference: Reference) -> Area:
    found = areas(f"={reference.text}")
    if len(found) != 1:
        raise NotPlainError
    return found[0]


def _fixed(tree: Tree) -> Tree:
    """Return a part that is the same for all elements, with ``$`` signs."""

    def fixed(part: Tree) -> Tree | None:
        if not isinstance(part, Reference):
            return None
        area = _area(part)
        return _part(part, (1, area.height), (1, area.width), False, False)

    return with_leaves(tree, fixed)


def _product(left: Tree, right: Tree, i: int, j: int, is_turned: bool) -> Tree:
    """Return the product of a row and a column of two matrices."""
    row, is_across = _line(left, i, of_rows=True, moves=not is_turned)
    column, goes_across = _line(right, j, of_rows=False, moves=not is_turned)
    if is_across == goes_across:
        return Call("SUMPRODUCT", (row, column))
    return Call("MMULT", (row, column) if is_across else (column, row))


def _line(tree: Tree, number: int, of_rows: bool, moves: bool) -> tuple[Reference, bool]:
    """Return a row or a column of a matrix, and whether it lies across the sheet."""
    if isinstance(tree, Parentheses):
        return _line(tree.part, number, of_rows, moves)
    if isinstance(tree, Call) and tree.function == "TRANSPOSE" and len(tree.arguments) == 1:
        return _line(tree.arguments[0], number, not of_rows, False)
    if not isinstance(tree, Reference):
        raise NotPlainError
    area = _area(tree)
    if number > (area.height if of_rows else area.width):
        raise NotPlainError
    own = number, number
    if of_rows:
        return _part(tree, own, (1, area.width), moves, False), True
    return _part(tree, (1, area.height), own, False, moves), False
