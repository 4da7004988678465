"""What may have been meant: other formulas in a few cells, with which some updates are right."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.replacing import bare
from workbook_tools.formulas.tree import (
    Operation,
    Parentheses,
    Reference,
    Sign,
    SyntaxProblemError,
    Tree,
    parse,
    parts,
)
from workbook_tools.judging.faults import Kind
from workbook_tools.learning.given import cells_of
from workbook_tools.learning.space import Space
from workbook_tools.notation.addresses import Cell
from workbook_tools.program.memory import Indexes


@dataclass(frozen=True)
class Change:
    """A formula that is wrong, and the one that may have been meant."""

    kind: Kind
    quantity: str
    formula: str  # as it is
    meant: str
    what: str  # is wrong, in words, after the name of the cell


@dataclass(frozen=True)
class Proposal:
    """Changes that were perhaps made wrongly together, as one mistake."""

    changes: Mapping[Cell, Change]
    updates: Sequence[Cell]  # that must be right with them

    @property
    def formulas(self) -> dict[Cell, str]:
        """The formulas that were meant, by cell."""
        return {cell: change.meant for cell, change in self.changes.items()}


def tree_at(space: Space, place: int) -> Tree | None:
    """Return the formula of a cell as a tree; None if it has none, or cannot be parsed."""
    try:
        formula = space.formula(place)
        return parse(formula) if formula else None
    except SyntaxProblemError:
        return None


def single(space: Space, part: Tree, sheet: str) -> int | None:
    """Return the place of the cell that a part of a formula is; None if it is anything else."""
    part = bare(part)
    if not isinstance(part, Reference):
        return None
    cells = [*cells_of(part.text, sheet)]
    return space.layout.place_of(cells[0]) if len(cells) == 1 else None


def names_any(space: Space, tree: Tree, sheet: str, among: NDArray[np.bool_]) -> bool:
    """Tell whether a part of a formula names some cells, or copies of them."""
    names = (part.text for _, part in parts(tree) if isinstance(part, Reference))
    read = (space.layout.place_of(cell) for name in names for cell in cells_of(name, sheet))
    return any(among[space.reads.origin[place]] for place in read)


def terms(tree: Tree, sign: int = 1) -> Iterator[tuple[int, Tree]]:
    """Yield the terms of a sum, each with its sign, 1 or −1."""
    match tree:
        case Parentheses(part):
            yield from terms(part, sign)
        case Sign("-", part):
            yield from terms(part, -sign)
        case Operation("+" | "-" as operator, left, right):
            yield from terms(left, sign)
            yield from terms(right, sign if operator == "+" else -sign)
        case _:
            yield sign, tree


def product_of(tree: Tree) -> list[Tree]:
    """Return the factors of a product, from left to right."""
    tree = bare(tree)
    if isinstance(tree, Operation) and tree.operator == "*":
        return [*product_of(tree.left), *product_of(tree.right)]
    return [tree]


def backward(space: Space, updates: Indexes) -> Indexes:
    """Return some updates, and what they are calculated from and depends on parameters."""
    read = np.unique(space.reads.by(updates).read)
    used = space.flow.upstream(read) & space.depends
    used[updates] = True
    return np.flatnonzero(used & space.is_formula)
