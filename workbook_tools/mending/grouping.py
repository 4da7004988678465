"""Groups the parts of a formula in other ways.

A pair of parentheses is added or removed, or an operator is replaced by one of other precedence.
What stands in a pair of parentheses, in an argument of a function, or in none of these is a line of
operands and signs. Only the value of the line that is grouped in another way is worked out anew.
"""

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Generic, TypeAlias, TypeVar

from workbook_tools.formulas.tree import (
    BINDS,
    Call,
    Operation,
    Parentheses,
    Route,
    Sign,
    Tree,
)
from workbook_tools.mending.evaluation import Evaluation, combined, is_range

_MOST_PARENTHESES = 60  # places where one may be put; of a longer formula, none is added
_OPERATORS = ("+", "-", "*", "/", "^")
_OF_NUMBERS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
}


@dataclass(frozen=True, eq=False)
class _Operand:
    """A part of a formula that stays as it is."""

    tree: Tree
    value: Any
    number: Any  # its value in one trial; None if it is a range
    route: Route


# A str is an operator or a sign, a list what is put into parentheses.
_Token: TypeAlias = _Operand | str | list["_Token"]
_Order: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class _Line:
    """Operands and signs, and the places in the formula's text where they begin, and end."""

    route: Route
    tokens: list[_Token]
    places: list[int]

    def with_tokens(self, begin: int, end: int, *tokens: _Token) -> list[_Token]:
        """Return the line with others instead of some of its tokens."""
        return [*self.tokens[:begin], *tokens, *self.tokens[end:]]


@dataclass(frozen=True)
class Regrouped:
    """A line of a formula with its parts grouped in another way.

    Of two, the one that comes first in their ``order`` is tried first.
    """

    order: _Order
    route: Route
    tokens: list[_Token]

    def number(self) -> Any:
        """Return its value in the trial; None if that takes more than arithmetic with numbers."""
        try:
            return _Grouping(self.tokens, _number_of, _number).value()
        except _NotPlainError:
            return None

    def part(self) -> tuple[Tree, Any]:
        """Return the line, and its values in all trials."""
        return _Grouping(self.tokens, lambda own: (own.tree, own.value), _part).value()


class _NotPlainError(Exception):
    """Something else than arithmetic with numbers."""


def regrouped(evaluation: Evaluation, trial: int) -> Iterator[Regrouped]:
    """Yield the lines of a formula with their parts grouped in other ways.

    Their ``number`` is that in one ``trial``.
    """
    text = str(evaluation.tree)
    begins = 1 + sum(letter in "+-*/^,(" for letter in text)
    for line in _lines(evaluation, trial, (), evaluation.tree, 0):
        found = [*_without_a_pair(evaluation, trial, line), *_with_an_operator(line)]
        if begins <= _MOST_PARENTHESES:
            found += _with_a_pair(line)
        for order, tokens in found:
            yield Regrouped(order, line.route, tokens)


def _with_an_operator(line: _Line) -> Iterator[tuple[_Order, list[_Token]]]:
    """Yield a line with each operator replaced by those of other precedence."""
    for k, (before, token) in enumerate(pairwise(line.tokens), start=1):
        if isinstance(before, _Operand) and isinstance(token, str) and token in _OPERATORS:
            for number, other in enumerate(_OPERATORS):
                if BINDS[other] != BINDS[token]:
                    yield (2, line.places[k], number), line.with_tokens(k, k + 1, other)


def _without_a_pair(
    evaluation: Evaluation, trial: int, line: _Line
) -> Iterator[tuple[_Order, list[_Token]]]:
    """Yield a line without each of its pairs of parentheses."""
    for k, token in enumerate(line.tokens):
        if isinstance(token, _Operand) and isinstance(token.tree, Parentheses):
            inner = _tokens(evaluation, trial, (*token.route, 0), token.tree.part)
            yield (0, line.places[k + 1]), line.with_tokens(k, k + 1, *inner)


def _with_a_pair(line: _Line) -> Iterator[tuple[_Order, list[_Token]]]:
    """Yield a line with parentheses around each part where they change the value."""
    tokens, places = ["", *line.tokens, ""], line.places
    # Between two tokens; a sign at the very beginning of the formula is left alone.
    begins = [0, *(k for k in range(1, len(places)) if tokens[k] in _OPERATORS and places[k - 1])]
    ends = [k for k in range(1, len(places)) if tokens[k + 1] in ("", *_OPERATORS)]
    for begin in begins:
        for end in ends:
            inner = tokens[begin + 1 : end + 1]
            if not inner or inner[-1] in _OPERATORS:
                continue
            if _matter(tokens[begin], inner, tokens[end + 1]):
                yield (1, places[begin], places[end]), line.with_tokens(begin, end, inner)


def _matter(before: _Token, inner: Sequence[_Token], after: _Token) -> bool:
    """Tell whether parentheses change the order of evaluation."""
    loosest = min(
        (
            BINDS[str(sign)]
            for previous, sign in pairwise(inner)
            if sign in _OPERATORS and previous not in _OPERATORS
        ),
        default=math.inf,
    )
    left, right = BINDS.get(str(before), 0), BINDS.get(str(after), 0)
    return loosest < right or loosest < left or (loosest == left and before in ("-", "/", "^"))


def _lines(
    evaluation: Evaluation, trial: int, route: Route, tree: Tree, place: int
) -> Iterator[_Line]:
    """Yield the line that a part of a formula is, and those inside it; it begins at a place."""
    tokens = _tokens(evaluation, trial, route, tree)
    lengths = (len(str(one.tree if isinstance(one, _Operand) else one)) for one in tokens)
    line = _Line(route, tokens, [*accumulate(lengths, initial=place)])
    yield line
    for token, begin in zip(tokens, line.places, strict=False):
        match token:
            case _Operand(Parentheses(inner), _, _, own):
                yield from _lines(evaluation, trial, (*own, 0), inner, begin + 1)
            case _Operand(Call(function, arguments), _, _, own):
                begin += len(function) + 1
                for k, argument in enumerate(arguments):
                    yield from _lines(evaluation, trial, (*own, k), argument, begin)
                    begin += len(str(argument)) + 1


def _tokens(evaluation: Evaluation, trial: int, route: Route, tree: Tree) -> list[_Token]:
    """Return the operands and signs of a line."""

    def of(k: int, child: Tree) -> list[_Token]:
        return _tokens(evaluation, trial, (*route, k), child)

    match tree:
        case Operation(sign, left, right):
            return [*of(0, left), sign, *of(1, right)]
        case Sign("%", part):
            return [*of(0, part), "%"]
        case Sign(sign, part):
            return [sign, *of(0, part)]
    value = evaluation.of(route)
    number = None if is_range(value) else value.ravel()[trial if value.size > 1 else 0]
    return [_Operand(tree, value, number, route)]


Value = TypeVar("Value")


class _Grouping(Generic[Value]):
    """Groups the tokens of a line by the precedence of their operators."""

    def __init__(
        self,
        tokens: Sequence[_Token],
        of: Callable[[_Operand], Value],
        joined: Callable[[str, list[Value]], Value],
    ) -> None:
        """Take what makes one value of one or two, given their sign; ``(`` encloses one."""
        self._tokens, self._of, self._joined = tokens, of, joined
        self._at = 0

    def value(self, least: int = 0) -> Value:
        """Return what the tokens from here on become, up to an operator that binds too loosely."""
        left = self._signed()
        while (sign := self._sign()) in BINDS and BINDS[sign] > least:
            self._at += 1
            left = self._joined(sign, [left, self.value(BINDS[sign])])
        return left

    def _signed(self) -> Value:
        token = self._tokens[self._at]
        self._at += 1
        if isinstance(token, str):
            return self._joined(token, [self._signed()])
        if isinstance(token, list):
            part = self._joined("(", [_Grouping(token, self._of, self._joined).value()])
        else:
            part = self._of(token)
        while self._sign() == "%":
            part = self._joined("%", [part])
            self._at += 1
        return part

    def _sign(self) -> str:
        """Return the sign that comes next; empty at the end."""
        return str(self._tokens[self._at]) if self._at < len(self._tokens) else ""


def _number_of(operand: _Operand) -> Any:
    if operand.number is None:
        raise _NotPlainError
    return operand.number


def _number(sign: str, numbers: list[Any]) -> Any:
    if len(numbers) == 2:
        if sign not in _OF_NUMBERS:
            raise _NotPlainError
        return _OF_NUMBERS[sign](*numbers)
    [number] = numbers
    return {"-": -number, "%": number / 100}.get(sign, number)


def _part(sign: str, parts: list[tuple[Tree, Any]]) -> tuple[Tree, Any]:
    trees, values = zip(*parts, strict=True)
    tree: Tree
    if len(trees) == 2:
        tree = Operation(sign, *trees)
    else:
        tree = Parentheses(*trees) if sign == "(" else Sign(sign, *trees)
    return tree, combined(tree, [*values])
