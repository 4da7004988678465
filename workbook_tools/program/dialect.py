"""What formulas are in Python, whatever the dialect: which operators and functions are plain."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from workbook_tools.formulas.replacing import bare
from workbook_tools.formulas.tree import (
    Call,
    Name,
    Number,
    Operation,
    Parentheses,
    Sign,
    Text,
    Tree,
    chain,
    parts,
)

_COMPARISONS = {"=": "==", "<>": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
_OPERATORS = {"POWER": "^", "POW": "^", "ADD": "+", "MINUS": "-", "MULTIPLY": "*", "DIVIDE": "/"}
_OF_ONE = {
    "EXP": "exp",
    "LN": "log",
    "LOG10": "log10",
    "SQRT": "sqrt",
    "ABS": "abs",
    "TANH": "tanh",
    "SIGN": "sign",
    "INT": "floor",
    "SIN": "sin",
    "COS": "cos",
}
_AGGREGATES = {
    "SUM": "total",
    "AVERAGE": "mean",
    "MAX": "largest",
    "MIN": "least",
    "SUMSQ": "squares",
}


_LINKS = 50  # operations of a chain that are written as one expression


class NotPlainError(Exception):
    """A formula that only ``evaluator`` can calculate."""


@dataclass(frozen=True)
class Expression:
    """A part of a formula as Python source."""

    source: str
    is_number: bool = True  # else a boolean
    is_sure: bool = False  # never infinite


class Range(NamedTuple):
    """A slot that is a range."""

    slot: int
    height: int
    width: int

    @property
    def size(self) -> tuple[int, int]:
        """Its height and width."""
        return self.height, self.width


def _range_of(part: Tree) -> Range | None:
    """Return the range that a part is; None if it is something else."""
    part = bare(part)
    if isinstance(part, Name) and part.text[:1] == "_" and "x" in part.text:
        return Range(*map(int, part.text[1:].split("x")))
    return None


def _cell_of(part: Tree) -> int | None:
    """Return the slot of the cell that a part is; None if it is something else."""
    part = bare(part)
    is_cell = isinstance(part, Name) and part.text[:1] == "_" and part.text[1:].isdigit()
    return int(str(part)[1:]) if is_cell else None


def _text_of(part: Tree) -> str | None:
    """Return the text that a part is; None if it is something else."""
    part = bare(part)
    return part.text[1:-1].replace('""', '"') if isinstance(part, Text) else None


def _is_slot(part: Tree) -> bool:
    """Tell whether a part is a cell or a range."""
    part = bare(part)
    return isinstance(part, Name) and part.text[:1] == "_"


class Dialect(ABC):
    """Writes the source of a formula; subclasses differ in how they read and choose."""

    checks: str  # the function that checks that values are finite
    apart: str  # the function that subtracts one value from another to compare them
    reads_are_sure: bool  # whether arithmetic on what is no number raises an exception

    def __init__(self) -> None:
        self._elements: dict[int, str] | None = None  # the sources of elements of ranges, by slot

    @abstractmethod
    def one(self, slot: int) -> str:
        """Return the source of a cell's value."""
        ...

    @abstractmethod
    def every(self, place: Range, filled: bool) -> str:
        """Return the source of the values of a range; ``filled`` tells empty cells from 0."""
        ...

    @abstractmethod
    def element(self, place: Range) -> str:
        """Return the source of one of the values of a range, in ``added``."""
        ...

    @abstractmethod
    def added(self, product: str, places: Sequence[Range]) -> str:
        """Return the source of the sum of a product of elements of ranges of one size."""
        ...

    @abstractmethod
    def pick(self, place: Range, number: str) -> str:
        """Return the source of one value of a range, by its number from 1."""
        ...

    @abstractmethod
    def line(self, slot: int, of_row: bool) -> str:
        """Return the source of the number of a cell's row, or of its column."""
        ...

    @abstractmethod
    def constant(self, value: bool) -> str:
        """Return the source of TRUE or FALSE."""
        ...

    @abstractmethod
    def as_number(self, condition: str) -> str:
        """Return the source of 1 or 0."""
        ...

    @abstractmethod
    def choice(self, condition: str, one: str, other: str) -> str:
        """Return the source of IF."""
        ...

    @abstractmethod
    def negation(self, condition: str) -> str:
        """Return the source of NOT."""
        ...

    @abstractmethod
    def says(self, slot: int, text: str) -> str:
        """Return the source of ``=`` between a cell and a text."""
        ...

    @abstractmethod
    def alike(self, one: int, other: int) -> str:
        """Return the source of ``=`` between two cells."""
        ...

    @abstractmethod
    def joined(self, parts: Sequence[tuple[str, bool]]) -> str:
        """Return the source of all arguments of an aggregate, each with whether it is a range."""

    def number(self, tree: Tree) -> Expression:
        """Return an expression for a number, from any part."""
        return self.converted(self.of(tree))

    def converted(self, part: Expression) -> Expression:
        """Return an expression for a number, from one that may be a boolean."""
        return part if part.is_number else Expression(self.as_number(part.source), True, True)

    def condition(self, tree: Tree) -> str:
        """Return the source of a boolean."""
        found = self.of(tree)
        if not found.is_number:
            return found.source
        # A comparison raises no exception for what is no number.
        return f"({self.sure(replace(found, is_sure=False))} != 0.0)"

    def sure(self, part: Expression) -> str:
        """Return the source with a check that the value is finite."""
        return part.source if part.is_sure else f"{self.checks}({part.source})"

    def of(self, tree: Tree) -> Expression:
        """Return the expression for a part; raises ``NotPlainError``."""
        match tree:
            case Number(text):
                return Expression(repr(float(text)), True, True)
            case Name(text) if text.startswith("_"):
                number, _, size = text[1:].partition("x")
                if size and self._elements is not None:
                    return Expression(self._elements[int(number)], True, self.reads_are_sure)
                if size or not number.isdigit():
                    raise NotPlainError(text)  # a range as an operand
                return Expression(self.one(int(number)), True, self.reads_are_sure)
            case Name(text) if text.upper() in ("TRUE", "FALSE"):
                return Expression(self.constant(text.upper() == "TRUE"), False, True)
            case Parentheses(part):
                return self.of(part)
            case Sign(sign, part):
                if sign == "+":
                    return self.of(part)  # a boolean stays one
                own = self.number(part)
                source = f"({own.source} / 100.0)" if sign == "%" else f"(-{own.source})"
                return Expression(source, True, own.is_sure)
            case Operation():
                return self.chain(tree)
            case Call(function, arguments):
                return self.call(function.upper().removeprefix("_XLFN."), arguments)
        raise NotPlainError(str(tree))

    def chain(self, tree: Tree) -> Expression:
        """Return the source of operations of any number, which Python may not nest so deeply."""
        first, links = chain(tree)
        is_single = len(links) == 1 and self._elements is None
        if is_single and (equality := self.equality(first, *links[0])):
            return equality
        found, steps = self.of(first), []
        for k, (sign, right) in enumerate(links, 1):
            found = self.operation(sign, found, self.of(right))
            if k % _LINKS == 0 and k < len(links):
                steps.append(f"t := {found.source}")
                found = replace(found, source="t")
        if steps:
            found = replace(found, source=f"({', '.join(steps)}, {found.source})[-1]")
        return found

    def equality(self, left: Tree, sign: str, right: Tree) -> Expression | None:
        """Return the expression for ``=`` or ``<>`` of what may be texts; None for others."""
        cells = [cell for part in (left, right) if (cell := _cell_of(part)) is not None]
        texts = [text for part in (left, right) if (text := _text_of(part)) is not None]
        if sign not in ("=", "<>") or not cells or len(cells) + len(texts) < 2:
            return None
        source = self.says(cells[0], texts[0]) if texts else self.alike(*cells)
        return Expression(source if sign == "=" else self.negation(source), False, True)

    def operation(self, sign: str, one: Expression, other: Expression) -> Expression:
        """Return the expression for two parts with an operator between them."""
        if sign in _COMPARISONS:
            if not (one.is_number and other.is_number):
                raise NotPlainError(sign)
            compared = f"({self.apart}({one.source}, {other.source}) {_COMPARISONS[sign]} 0.0)"
            return Expression(compared, False, True)
        if sign not in "+-*/^":
            raise NotPlainError(sign)
        one, other = self.converted(one), self.converted(other)
        if sign == "^":
            return Expression(f"power({self.sure(one)}, {self.sure(other)})")
        divisor = self.sure(other) if sign == "/" else other.source
        return Expression(f"({one.source} {sign} {divisor})")

    def call(self, name: str, arguments: Sequence[Tree]) -> Expression:
        """Return the expression for a function."""
        count = len(arguments)
        if name in _OF_ONE and count == 1:
            return Expression(f"{_OF_ONE[name]}({self.sure(self.number(arguments[0]))})")
        if name == "MOD" and count == 2:
            left, right = (self.sure(self.number(part)) for part in arguments)
            return Expression(f"modulo({left}, {right})")
        if name in _OPERATORS and count == 2:
            return self.operation(_OPERATORS[name], *map(self.of, arguments))
        if self._elements is not None:
            raise NotPlainError(name)  # not every function is worked out for each element
        if name == "IF" and count == 3:
            one, other = self.of(arguments[1]), self.of(arguments[2])
            if not (one.is_number and other.is_number):
                raise NotPlainError(name)
            chosen = self.choice(self.condition(arguments[0]), one.source, other.source)
            return Expression(chosen, True, one.is_sure and other.is_sure)
        if name in ("AND", "OR") and count and not any(map(_is_slot, arguments)):
            # Not "and" and "or", which leave out the rest, where an error may be.
            sign = " & " if name == "AND" else " | "
            joined = sign.join(self.condition(part) for part in arguments)
            return Expression(f"({joined})", False, True)
        if name == "NOT" and count == 1:
            return Expression(self.negation(self.condition(arguments[0])), False, True)
        if name == "PI" and not count:
            return Expression(repr(math.pi), True, True)
        if name in ("ROW", "COLUMN") and count == 1:
            if (cell := _cell_of(arguments[0])) is None:
                raise NotPlainError(name)
            return Expression(self.line(cell, name == "ROW"), True, True)
        if name == "INDEX":
            return self.index(arguments)
        if name == "SUMPRODUCT" and count:
            return self.products(arguments)
        if name in _AGGREGATES and count:
            return self.aggregate(name, arguments)
        raise NotPlainError(name)

    def index(self, arguments: Sequence[Tree]) -> Expression:
        """Return the expression for INDEX in a row or a column."""
        found = _range_of(arguments[0]) if len(arguments) == 2 else None
        if found is None or min(found.height, found.width) > 1:
            raise NotPlainError("INDEX")
        return Expression(self.pick(found, self.sure(self.number(arguments[1]))))

    def products(self, arguments: Sequence[Tree]) -> Expression:
        """Return the expression for SUMPRODUCT of ranges of one size."""
        found = [_range_of(part) for part in arguments]
        if None in found:
            return self.products_of_elements(arguments)
        if len({r.size for r in found if r}) > 1:
            raise NotPlainError("SUMPRODUCT")
        every = ", ".join(self.every(r, filled=False) for r in found if r)
        return Expression(f"dot({every})")

    def products_of_elements(self, arguments: Sequence[Tree]) -> Expression:
        """Return the expression for SUMPRODUCT of what is calculated from ranges of one size."""
        trees = (part for argument in arguments for _, part in parts(argument))
        places = [*dict.fromkeys(own for tree in trees if (own := _range_of(tree)))]
        if len({place.size for place in places}) != 1 or self._elements is not None:
            raise NotPlainError("SUMPRODUCT")
        self._elements = {place.slot: self.element(place) for place in places}
        try:
            factors = [self.of(argument) for argument in arguments]
        finally:
            self._elements = None
        if not all(factor.is_number for factor in factors):
            raise NotPlainError("SUMPRODUCT")  # TRUE in an argument of its own counts as 0
        product = " * ".join(f"({factor.source})" for factor in factors)
        return Expression(self.added(product, places))

    def aggregate(self, name: str, arguments: Sequence[Tree]) -> Expression:
        """Return the expression for a function of all numbers of its arguments."""
        parts: list[tuple[str, bool]] = []
        for part in arguments:
            found, cell = _range_of(part), _cell_of(part)
            if name != "SUM" and cell is not None:
                found = Range(cell, 1, 1)  # if it is empty, it does not count
            if found:
                parts.append((self.every(found, filled=name != "SUM"), True))
            else:
                parts.append((self.sure(self.number(part)), False))
        return Expression(f"{_AGGREGATES[name]}({self.joined(parts)})")
