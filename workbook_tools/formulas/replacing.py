"""Replaces parts of a syntax tree, with parentheses wherever the new part needs them."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from workbook_tools.formulas.tree import (
    BINDS,
    SIGN_BINDS,
    Call,
    Operation,
    Parentheses,
    Route,
    Sign,
    Single,
    Span,
    Tree,
    children,
)


def replaced(tree: Tree, route: Route, new: Tree) -> Tree:
    """Return the tree with a part replaced, in parentheses if it needs them there."""
    if not route:
        return new
    k, *rest = route
    child = replaced(children(tree)[k], tuple(rest), new)
    placed = not rest  # further up, the parts already have the parentheses that they need
    match tree:
        case Sign():
            return replace(tree, part=_enclosed(child, SIGN_BINDS) if placed else child)
        case Parentheses():
            return Parentheses(bare(child) if placed else child)
        case Single():
            return Single(_enclosed(child, SIGN_BINDS) if placed else child)
        case Span(left, right):
            return Span(left, child) if k else Span(child, right)
        case Operation(operator):
            child = _enclosed(child, BINDS[operator] + k) if placed else child
            return replace(tree, right=child) if k else replace(tree, left=child)
        case Call():
            own = list(tree.arguments)
            own[k] = child
            return replace(tree, arguments=tuple(own))
    raise IndexError(route)


def replaced_in(tree: Tree, routes: Iterable[Route], new: Tree) -> Tree:
    """Return the tree with several parts, none inside another, replaced by the same one."""
    for route in routes:
        tree = replaced(tree, route, new)
    return tree


def with_leaves(tree: Tree, new: Callable[[Tree], Tree | None]) -> Tree:
    """Return the tree with the parts replaced for which ``new`` returns others.

    These must be words or calls: no parentheses are added around them.
    """
    if (own := new(tree)) is not None:
        return own
    match tree:
        case Sign(sign, part):
            return Sign(sign, with_leaves(part, new))
        case Parentheses(part):
            return Parentheses(with_leaves(part, new))
        case Single(part):
            return Single(with_leaves(part, new))
        case Operation(operator, left, right):
            return Operation(operator, with_leaves(left, new), with_leaves(right, new))
        case Span(left, right):
            return Span(with_leaves(left, new), with_leaves(right, new))
        case Call(function, arguments):
            return Call(function, tuple(with_leaves(part, new) for part in arguments))
    return tree


def _enclosed(tree: Tree, least: int) -> Tree:
    """Return a tree as operand of an operator that binds this tightly, in parentheses if needed."""
    if isinstance(tree, Operation) and BINDS[tree.operator] < least:
        return Parentheses(tree)
    if isinstance(tree, Sign) and tree.sign != "%" and least > BINDS["+"]:
        return Parentheses(tree)
    return tree


def operation(operator: str, left: Tree, right: Tree) -> Tree:
    """Join two trees by an operator, with parentheses where they are needed."""
    joined = Operation(operator, left, right)
    return replaced(replaced(joined, (0,), left), (1,), right)


def bare(tree: Tree) -> Tree:
    """Return a tree without the parentheses around it."""
    while isinstance(tree, Parentheses):
        tree = tree.part
    return tree
