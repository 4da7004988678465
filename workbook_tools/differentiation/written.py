"""Writes the derivative of a formula by a cell as a formula.

The rules are those of any calculus book; the result is short, not normalised: factors of 1 and
terms of 0 are left out. Where a maximum has two equal arguments, the derivative is that of the
last one, so that ``MAX(0,z)`` has none at 0, as in PyTorch.
"""

from collections.abc import Callable, Sequence
from functools import reduce

from workbook_tools.formulas.references import areas
from workbook_tools.formulas.replacing import bare, operation
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
from workbook_tools.notation.addresses import Cell, cell_name, sheet_prefix

_ONE, _TWO = Number("1"), Number("2")


class NotWrittenError(Exception):
    """There is no rule for a function, or it has no derivative."""


def derivative(tree: Tree, by: Cell, sheet: str, own: Tree | None = None) -> Tree | None:
    """Return the derivative of a formula on a sheet by a cell; None if it is 0.

    ``own`` is the reference to the cell that has the formula: what is calculated there need not be
    calculated again. Raises ``NotWrittenError``.
    """
    return _Rules(by, sheet).of(bare(tree), own)


class _Rules:
    """The rules of differentiation, by one cell."""

    def __init__(self, by: Cell, sheet: str) -> None:
        self._by, self._sheet = by, sheet

    def of(self, tree: Tree, own: Tree | None = None) -> Tree | None:
        """Return the derivative of a part of the formula; None if it is 0."""
        if not self._depends(tree):
            return None
        match tree:
            case Reference():
                if self._is_range(tree):
                    raise NotWrittenError(str(tree))
                return _ONE
            case Parentheses(part):
                return self.of(part)
            case Sign("-", part):
                return negative(self.of(part))
            case Sign("%", part):
                return quotient(self.of(part), Number("100"))
            case Sign(_, part):
                return self.of(part)
            case Operation(operator, left, right):
                return self._operation(operator, left, right, own)
            case Call(function, arguments):
                return self._call(function.upper().removeprefix("_XLFN."), arguments, own)
        raise NotWrittenError(str(tree))

    def _operation(self, operator: str, left: Tree, right: Tree, own: Tree | None) -> Tree | None:
        if own is not None and (inner := _of_sigmoid(operator, left, right)) is not None:
            slope = operation("*", own, Parentheses(operation("-", _ONE, own)))
            return product(slope, self.of(inner))
        if operator == "+":
            return total(self.of(left), self.of(right))
        if operator == "-":
            return total(self.of(left), negative(self.of(right)))
        if operator == "*":
            return total(product(self.of(left), right), product(left, self.of(right)))
        if operator == "/":
            first = quotient(self.of(left), right)
            square = operation("^", right, _TWO)
            return total(first, negative(quotient(product(left, self.of(right)), square)))
        if operator == "^":
            return self._power(left, right)
        raise NotWrittenError(operator)

    def _power(self, base: Tree, exponent: Tree) -> Tree | None:
        slope = self.of(base)
        first = None
        if slope is not None:
            number = exponent.text if isinstance(exponent, Number) else ""
            if number == "2":
                first = product(product(_TWO, base), slope)
            else:
                less = operation("-", exponent, _ONE)
                if number:
                    less = Number(f"{float(number) - 1:.15g}")
                power = operation("^", base, less if number else Parentheses(less))
                first = product(product(exponent, power), slope)
        logarithm = operation("*", operation("^", base, exponent), Call("LN", (base,)))
        return total(first, product(logarithm, self.of(exponent)))

    def _call(self, name: str, arguments: Sequence[Tree], own: Tree | None) -> Tree | None:
        if name in _OF_ONE and len(arguments) == 1:
            [u] = arguments
            value = own if own is not None else Call(name, (u,))
            return product(_OF_ONE[name](u, value), self.of(u))
        if name in _OF_RANGES:
            return _OF_RANGES[name](self, arguments)
        if name == "IF" and 2 <= len(arguments) <= 3:
            condition, one, *rest = arguments
            slopes = [self.of(part) or Number("0") for part in (one, *rest)]
            return Call("IF", (condition, *slopes, *([Number("0")] if not rest else [])))
        if name in ("MAX", "MIN") and len(arguments) == 2:
            one, other = sorted(arguments, key=self._depends, reverse=True)
            sign = ">" if name == "MAX" else "<"
            slopes = [self.of(part) or Number("0") for part in (one, other)]
            return Call("IF", (operation(sign, one, other), *slopes))
        if name in ("POWER", "POW") and len(arguments) == 2:
            return self._power(*arguments)
        if name == "LOG" and len(arguments) == 2:
            number, base = arguments
            if not self._depends(base):
                return quotient(self.of(number), operation("*", number, Call("LN", (base,))))
        raise NotWrittenError(name)

    def sum(self, arguments: Sequence[Tree]) -> Tree | None:
        """Return the derivative of ``SUM``."""
        return reduce(total, (_ONE if self._is_range(a) and self._depends(a) else self.of(a)
                             for a in arguments), None)  # fmt: skip

    def average(self, arguments: Sequence[Tree]) -> Tree | None:
        """Return the derivative of ``AVERAGE``."""
        return quotient(self.sum(arguments), Call("COUNT", tuple(arguments)))

    def squares(self, arguments: Sequence[Tree]) -> Tree | None:
        """Return the derivative of ``SUMSQ``."""
        terms = (
            product(_TWO, self._own()) if self._is_range(part) and self._depends(part)
            else product(product(_TWO, part), self.of(part))
            for part in arguments
        )  # fmt: skip
        return reduce(total, terms, None)

    def products(self, arguments: Sequence[Tree]) -> Tree | None:
        """Return the derivative of ``SUMPRODUCT``: the cells beside the one in the other ranges."""
        terms = []
        for k, own in enumerate(arguments):
            if self._depends(own):
                others = [self._beside(own, b) for j, b in enumerate(arguments) if j != k]
                term: Tree | None = _ONE
                for other in others:
                    term = product(term, other)
                terms.append(term)
        return reduce(total, terms, None)

    def squared_differences(self, arguments: Sequence[Tree]) -> Tree | None:
        """Return the derivative of ``SUMXMY2``."""
        terms = []
        for own, other in (arguments, arguments[::-1]):
            if self._depends(own):
                off = Parentheses(operation("-", self._own(), self._beside(own, other)))
                terms.append(product(_TWO, off))
        return reduce(total, terms, None)

    def _beside(self, own: Tree, other: Tree) -> Tree:
        """Return the cell of a range where the one by which is differentiated is in another."""
        pair = [areas(f"={bare(part)}") for part in (own, other)]
        if not all(isinstance(bare(part), Reference) for part in (own, other)):
            raise NotWrittenError(str(other))
        [area], [beside] = pair
        _, row, column = self._by
        down, right = beside.first_row - area.first_row, beside.first_column - area.first_column
        return self._reference((beside.sheet or self._sheet, row + down, column + right))

    def _own(self) -> Tree:
        return self._reference(self._by)

    def _reference(self, cell: Cell) -> Tree:
        sheet, row, column = cell
        prefix = "" if sheet == self._sheet else sheet_prefix(sheet)
        return Reference(prefix + cell_name(row, column))

    def _depends(self, tree: Tree) -> bool:
        return any(
            area.covers(self._by, self._sheet)
            for _, part in parts(tree)
            if isinstance(part, Reference)
            for area in areas(f"={part.text}")
        )

    def _is_range(self, tree: Tree) -> bool:
        own = bare(tree)
        return isinstance(own, Reference) and any(a.cell_count > 1 for a in areas(f"={own.text}"))


def _of_sigmoid(operator: str, left: Tree, right: Tree) -> Tree | None:
    """Return u if a formula is 1/(1+EXP(-u))."""
    right = bare(right)
    if operator != "/" or left != _ONE or not isinstance(right, Operation):
        return None
    one, power = sorted((bare(right.left), bare(right.right)), key=lambda p: p != _ONE)
    if right.operator != "+" or one != _ONE or not isinstance(power, Call):
        return None
    if power.function.upper() != "EXP" or len(power.arguments) != 1:
        return None
    inner = bare(power.arguments[0])
    return inner.part if isinstance(inner, Sign) and inner.sign == "-" else None


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


def _square(tree: Tree) -> Tree:
    return operation("^", tree, _TWO)


def _less(one: Tree, other: Tree) -> Tree:
    return Parentheses(operation("-", one, other))


# The slope of functions of one number, by the number and the value.
_OF_ONE: dict[str, Callable[[Tree, Tree], Tree]] = {
    "EXP": lambda u, y: y,
    "LN": lambda u, y: operation("/", _ONE, u),
    "LOG10": lambda u, y: operation("/", _ONE, operation("*", u, Call("LN", (Number("10"),)))),
    "LOG": lambda u, y: operation("/", _ONE, operation("*", u, Call("LN", (Number("10"),)))),
    "SQRT": lambda u, y: operation("/", _ONE, Parentheses(operation("*", _TWO, y))),
    "TANH": lambda u, y: _less(_ONE, _square(y)),
    "SINH": lambda u, y: Call("COSH", (u,)),
    "COSH": lambda u, y: Call("SINH", (u,)),
    "SIN": lambda u, y: Call("COS", (u,)),
    "COS": lambda u, y: Sign("-", Call("SIN", (u,))),
    "TAN": lambda u, y: Parentheses(operation("+", _ONE, _square(y))),
    "ATAN": lambda u, y: operation("/", _ONE, Parentheses(operation("+", _ONE, _square(u)))),
    "ABS": lambda u, y: Call("SIGN", (u,)),
}  # fmt: skip
_OF_RANGES: dict[str, Callable[[_Rules, Sequence[Tree]], Tree | None]] = {
    "SUM": _Rules.sum,
    "AVERAGE": _Rules.average,
    "SUMSQ": _Rules.squares,
    "SUMPRODUCT": _Rules.products,
    "SUMXMY2": _Rules.squared_differences,
}
