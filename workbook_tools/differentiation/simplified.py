"""Sums, products and quotients of formulas without terms of 0 and factors of 1."""

from workbook_tools.formulas.replacing import bare, operation
from workbook_tools.formulas.tree import Number, Operation, Parentheses, Sign, Tree

_ONE = Number("1")


def total(one: Tree | None, other: Tree | None) -> Tree | None:
    """Return a sum; None stands for 0."""
    if one is None or other is None:
        return other if one is None else one
    if isinstance(other, Sign) and other.sign == "-":
        return operation("-", one, other.part)
    return operation("+", one, other)


def negative(tree: Tree | None) -> Tree | None:
    """Return the opposite; None stands for 0."""
    own = None if tree is None else bare(tree)
    if own is None:
        return None
    if isinstance(own, Sign) and own.sign == "-":
        return bare(own.part)
    if isinstance(own, Operation) and own.operator in "+-":
        left, right = negative(own.left), own.right if own.operator == "-" else negative(own.right)
        is_last = isinstance(left, Sign) and left.sign == "-" and not isinstance(right, Sign)
        found = total(right, left) if is_last else total(left, right)
        return Parentheses(found) if isinstance(tree, Parentheses) and found else found
    is_product = isinstance(own, Operation) and own.operator in "*/"
    if isinstance(own, Operation) and is_product and (left := _turned(own.left)) is not None:
        return operation(own.operator, left, own.right)
    return Sign("-", Parentheses(own) if isinstance(own, Operation) and not is_product else own)


def _turned(tree: Tree) -> Tree | None:
    """Return the opposite of a difference, as short as this; None if the first factor is none."""
    if isinstance(tree, Operation) and tree.operator in "*/":
        left = _turned(tree.left)
        return None if left is None else operation(tree.operator, left, tree.right)
    own = bare(tree)
    is_difference = isinstance(own, Operation) and own.operator == "-"
    return negative(tree) if is_difference else None


def product(one: Tree | None, other: Tree | None) -> Tree | None:
    """Return a product; None stands for 0."""
    if one is None or other is None:
        return None
    if bare(one) == _ONE or bare(other) == _ONE:
        return other if bare(one) == _ONE else one
    for sign, rest in ((one, other), (other, one)):
        if isinstance(sign, Sign) and sign.sign == "-":
            return negative(product(sign.part, rest))
    for part, rest in ((bare(other), one), (bare(one), other)):
        if isinstance(part, Operation) and part.operator == "/" and part.left == _ONE:
            return quotient(rest, part.right)
    if isinstance(other, Operation) and other.operator == "*":
        return product(product(one, other.left), other.right)
    return operation("*", one, other)


def quotient(one: Tree | None, other: Tree) -> Tree | None:
    """Return a quotient; None stands for 0."""
    if one is None:
        return None
    if isinstance(one, Sign) and one.sign == "-":
        return negative(quotient(one.part, other))
    if isinstance(one, Operation) and one.operator == "*" and one.left == other:
        return one.right
    return operation("/", one, other)
