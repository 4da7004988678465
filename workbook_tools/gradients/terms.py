"""One term of the chain rule: the derivatives by the cells that read a cell, times their slope.

The derivative of the loss by a cell is the sum, over the cells that read it, of the derivative by
each of them times its own derivative by the cell. Where a whole block of cells with one formula
reads it, that is a ``SUMPRODUCT``: ``=SUMPRODUCT(D2:D9,Data!A2:A9)``.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, reduce
from typing import NamedTuple

from workbook_tools.differentiation.array_parts import NotWrittenError
from workbook_tools.differentiation.functions import COMPARISONS
from workbook_tools.differentiation.simplified import negative, product
from workbook_tools.differentiation.written import derivative_in
from workbook_tools.formulas.replacing import bare, operation, with_leaves
from workbook_tools.formulas.tree import (
    Call,
    Number,
    Operation,
    Parentheses,
    Reference,
    Sign,
    Tree,
    parts,
)
from workbook_tools.gradients.blocks import Block
from workbook_tools.gradients.places import Beside, InBlock, Pair, Place, Placed, Read
from workbook_tools.gradients.side_cells import Area, SideCells, Written

_ONE, _ZERO = Number("1"), Number("0")
_OPPOSITE = {"<": ">=", ">": "<=", "<=": ">", ">=": "<", "=": "<>", "<>": "="}
_MARK = "\0"
_CHANGING = {"RAND", "RANDBETWEEN", "RANDARRAY", "NOW", "TODAY"}
_LONG = 100  # cells of a range, of which each would have its own sums of all


class Rectangle(NamedTuple):
    """Cells of a block."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int

    @property
    def size(self) -> int:
        """How many there are, if none is skipped."""
        rows = self.last_row - self.first_row + 1
        return rows * (self.last_column - self.first_column + 1)

    def cells(self) -> Iterator[tuple[int, int]]:
        """Yield the row and column of each."""
        rows = range(self.first_row, self.last_row + 1)
        return itertools.product(rows, range(self.first_column, self.last_column + 1))


class Term:
    """The term of the chain rule for cells that a block reads in one of its references."""

    def __init__(self, block: Block, reference: str, beside: SideCells) -> None:
        """Differentiate the formula of the block; raises ``NotWrittenError``.

        Parts that are the same for all cells of a long range are written ``beside`` others, once
        for each cell of the block.
        """
        if block.is_unreadable:
            raise NotWrittenError("the formula cannot be parsed")
        for call in _calls(block.tree):
            if call.function.upper() in _CHANGING:
                raise NotWrittenError(f"{call.function} changes by itself")
        element = InBlock(block, reference)
        slope = derivative_in(block.tree, element, element.reader(), block.is_array)
        self.is_zero = slope is None
        slope = slope or _ZERO

        def placed(part: Tree) -> Tree | None:
            return element.placed(part) if isinstance(part, Reference) else None

        slope = with_leaves(slope, placed)
        self._beside, self._asides = beside, dict[Call, Placed]()
        if _most_cells(block, reference) >= _LONG:
            slope = with_leaves(slope, lambda part: self._aside(part, block, element))
        adjoint = element.reader(is_adjoint=True)
        self._single = _Template(product(adjoint, slope) or _ZERO)
        self._parts = [(aside.place, _Template(part)) for part, aside in self._asides.items()]
        self._is_array = block.is_array
        self._is_negative, factors = _factors(slope)
        self._adjoint = adjoint
        self._factors = [(tree, _arithmetic(tree), is_over) for tree, is_over in factors]

    def _aside(self, part: Tree, block: Block, element: InBlock) -> Tree | None:
        """Return the reference to a cell for a part that does not depend on the cell in a range."""
        if not isinstance(part, Call) or not _has_ranges(part):
            return None
        if any(isinstance(p.place, Read | Beside) for p in _placed_in(part)):
            return None
        if part not in self._asides:
            rows, columns = block.rows, block.columns
            first = self._beside.room(block.sheet, (rows[0], rows[-1]), len(columns), "shared")
            self._asides[part] = element.aside(first)
        return self._asides[part]

    def _write_asides(self, pair: Pair) -> None:
        for place, template in self._parts:
            cell = (place.sheet, *place.of(pair)[:2])
            if cell not in self._beside.formulas:
                self._beside.formulas[cell] = self._as_it_is(template.at(pair))

    def by_one(self, pair: Pair) -> Written:
        """Return the term of one cell that reads the cell."""
        if self._parts:
            self._write_asides(pair)
        return self._as_it_is(self._single.at(pair))

    def _as_it_is(self, found: Written) -> Written:
        """Return a formula as an array formula if it must be one."""
        if not self._is_array:
            return found
        sizes = (a.first_row != a.last_row or a.first_column != a.last_column for a in found.areas)
        return found._replace(is_array=any(sizes))

    def by_many(self, by: Rectangle, read_row: int, read_column: int) -> Written | None:
        """Return the term of cells beside and below each other; None if it is no plain sum."""
        pairs = [
            Pair(row, column, read_row, read_column)
            for row, column in (
                (by.first_row, by.first_column), (by.last_row, by.first_column),
                (by.first_row, by.last_column), (by.last_row, by.last_column),
            )
        ]  # fmt: skip
        scalars: list[tuple[Tree, bool]] = []
        arrays: list[tuple[Tree, bool]] = []
        is_whole = True
        for tree, arithmetic, is_over in self._factors:
            varying = [p for p in _placed_in(tree) if _varies(p.place, pairs)]
            if not varying:
                scalars.append((tree, is_over))
                continue
            if arithmetic is None or any(_span(part.place, pairs) is None for part in varying):
                return None
            if any(
                _varies(p.place, pairs) for call in _calls(arithmetic) for p in _placed_in(call)
            ):
                return None
            arrays.append((arithmetic, is_over))
            is_whole &= any(_size(_span(part.place, pairs)) == by.size for part in varying)
        for row, column in by.cells() if self._parts else ():
            self._write_asides(Pair(row, column, read_row, read_column))
        tree = _sum(self._adjoint, arrays, is_whole)
        for factor, is_over in sorted(scalars, key=lambda own: own[1]):
            tree = operation("/", tree, factor) if is_over else operation("*", tree, factor)
        found = _Template(negative(tree) or tree if self._is_negative else tree).over(pairs)
        # Ranges in the factors themselves, such as SUM(EXP(B2:B9)), are worked out as arrays.
        is_array = self._is_array and any(_has_ranges(factor) for factor, _ in scalars)
        return found._replace(is_array=is_array)


def _sum(adjoint: Reference, arrays: Sequence[tuple[Tree, bool]], is_whole: bool) -> Tree:
    """Return the sum of products of the derivatives and of other factors."""
    above = [tree for tree, is_over in arrays if not is_over]
    under = [tree for tree, is_over in arrays if is_over]
    if not arrays:
        return Call("SUM", (adjoint,))
    # In arguments of its own, SUMPRODUCT takes TRUE for 0, and the sizes must be the same.
    is_apart = is_whole and above and not (len(above) == 1 and _is_condition(above[0]))
    factors = above if is_apart else [adjoint, *above]
    found = reduce(lambda one, other: operation("*", one, other), factors)
    found = reduce(lambda one, other: operation("/", one, other), under, found)
    return Call("SUMPRODUCT", (adjoint, found) if is_apart else (found,))


def _most_cells(block: Block, reference: str) -> int:
    """Return how many cells a block reads in a reference, at most."""
    slot = block.slots[reference]
    corners = itertools.product(
        (block.rows[0], block.rows[-1]), (block.columns[0], block.columns[-1])
    )
    return max(Rectangle(*slot.at(*corner)).size for corner in corners)


class _Template:
    """A formula with places."""

    def __init__(self, tree: Tree) -> None:
        self._places: list[Place] = []
        pieces = str(with_leaves(tree, self._collected)).split(_MARK)
        self._pieces = tuple(pieces)

    def _collected(self, part: Tree) -> Tree | None:
        if not isinstance(part, Placed):
            return None
        self._places.append(part.place)
        return Reference(_MARK)

    def at(self, pair: Pair) -> Written:
        """Return the formula for one cell that reads another one."""
        areas = [Area(sheet, is_adjoint, *of(pair)) for sheet, is_adjoint, of in self._known]
        return Written(self._pieces, tuple(areas))

    @cached_property
    def _known(self) -> list[tuple[str, bool, Callable[[Pair], tuple[int, int, int, int]]]]:
        return [(place.sheet, place.is_adjoint, place.of) for place in self._places]

    def over(self, corners: Sequence[Pair]) -> Written:
        """Return the formula for cells between four corners, as ranges where places differ."""
        areas = (
            Area(p.sheet, p.is_adjoint, *(_span(p, corners) or p.of(corners[0])))
            for p in self._places
        )
        return Written(self._pieces, tuple(areas))


def _varies(place: Place, corners: Sequence[Pair]) -> bool:
    """Tell whether a place differs between cells."""
    return len({place.of(pair) for pair in corners}) > 1


def _span(place: Place, corners: Sequence[Pair]) -> tuple[int, int, int, int] | None:
    """Return the range of the cells at a place, for cells between four corners.

    None if they are no range in which rows are those of the cells, and columns are theirs.
    """
    (top, left, bottom, right), below, beside, last = (place.of(pair) for pair in corners)
    down, across = below[0] - top, beside[1] - left
    rows, columns = corners[3].row - corners[0].row, corners[3].column - corners[0].column
    is_cell = (top, left) == (bottom, right)
    is_straight = below[1] == left and beside[0] == top
    if not is_cell or not is_straight or down not in (0, rows) or across not in (0, columns):
        return None
    return top, left, last[2], last[3]


def _has_ranges(tree: Tree) -> bool:
    return any(isinstance(part, Placed) and ":" in part.text for _, part in parts(tree))


def _size(span: tuple[int, int, int, int] | None) -> int:
    return Rectangle(*span).size if span else 0


def _placed_in(tree: Tree) -> Iterator[Placed]:
    return (part for _, part in parts(tree) if isinstance(part, Placed))


def _calls(tree: Tree) -> Iterator[Call]:
    return (part for _, part in parts(tree) if isinstance(part, Call))


def _factors(tree: Tree, is_over: bool = False) -> tuple[bool, list[tuple[Tree, bool]]]:
    """Return whether a product is negative, and its factors, each with whether it divides."""
    tree = bare(tree)
    match tree:
        case Sign("-", part):
            is_negative, found = _factors(part, is_over)
            return not is_negative, found
        case Operation("*" | "/" as operator, left, right):
            first, second = _factors(left, is_over), _factors(right, is_over != (operator == "/"))
            return first[0] != second[0], first[1] + second[1]
    return False, [] if tree == _ONE else [(tree, is_over)]


def _arithmetic(tree: Tree) -> Tree | None:
    """Return a formula without IF and SIGN, which not every program works out for arrays.

    None if that is not possible; other functions stay.
    """
    match tree:
        case Parentheses(part):
            own = _arithmetic(part)
            return None if own is None else Parentheses(own)
        case Sign(sign, part):
            own = _arithmetic(part)
            return None if own is None else Sign(sign, own)
        case Operation(operator, left, right):
            one, other = _arithmetic(left), _arithmetic(right)
            return None if one is None or other is None else Operation(operator, one, other)
        case Call("SIGN", (part,)):
            return Parentheses(
                operation("-", Parentheses(operation(">", part, _ZERO)),
                          Parentheses(operation("<", part, _ZERO)))
            )  # fmt: skip
        case Call("IF", (condition, one, other)):
            return _chosen(condition, one, other)
    return tree


def _chosen(condition: Tree, one: Tree, other: Tree) -> Tree | None:
    """Return one of two numbers as a sum of products; the one that is not taken must not fail."""
    first, second = _arithmetic(one), _arithmetic(other)
    if first is None or second is None or not _is_condition(condition):
        return None
    if not isinstance(condition, Operation) or _may_fail(first) or _may_fail(second):
        return None
    opposite = operation(_OPPOSITE[condition.operator], condition.left, condition.right)
    found = [
        product(Parentheses(check), branch) or _ZERO
        for check, branch in ((condition, first), (opposite, second))
        if branch != _ZERO
    ]
    if len(found) < 2:
        return found[0] if found else _ZERO
    return Parentheses(operation("+", *found))


def _may_fail(tree: Tree) -> bool:
    return any(
        isinstance(part, Call) or (isinstance(part, Operation) and part.operator in "/^")
        for _, part in parts(tree)
    )


def _is_condition(tree: Tree) -> bool:
    tree = bare(tree)
    return isinstance(tree, Operation) and tree.operator in COMPARISONS
