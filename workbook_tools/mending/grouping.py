"""Groups the parts of a formula in other ways.

A pair of parentheses is added or removed, or an operator is replaced by one of other precedence.
What stands in a pair of parentheses, in an argument of a function, or in none of these is a line of
operands and signs. Only the value of the line that is grouped in another way is worked out anew.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, TypeAlias

from workbook_tools.formulas.tree import (
    BINDS,
    Call,
    Operation,
    Parentheses,
    Route,
    Sign,
    Tree,
)
from workbook_tools.mending.evaluation import Evaluation, combined

_MOST_PARENTHESES = 60  # places where one may be put; of a longer formula, none is added
_OPERATORS = ("+", "-", "*", "/", "^")


@dataclass(frozen=True, eq=False)
class _Operand:
    """A part of a formula that stays as it is, or what several of them become."""

    tree: Tree
    value: Any
    route: Route = ()  # of one that stays

    def __str__(self) -> str:
        return str(self.tree)


_Token: TypeAlias = _Operand | str  # a str is an operator or a sign


@dataclass(frozen=True)
class _Line:
    """Operands and signs, and the places in the formula's text where they begin, and end."""

    route: Route
    tokens: list[_Token]
    places: list[int]

    def with_tokens(self, begin: int, end: int, *tokens: _Token) -> _Operand:
        """Return what the line becomes with others instead of some of its tokens."""
        return _Grouping([*self.tokens[:begin], *tokens, *self.tokens[end:]]).value()


@dataclass(frozen=True)
class Regrouped:
    """What a line of a formula becomes; the likeliest change comes first in the ``order``."""

    order: tuple[int, ...]
    route: Route
    tree: Tree
    value: Any


def regrouped(evaluation: Evaluation) -> Iterator[Regrouped]:
    """Yield the lines of a formula with their parts grouped in other ways."""
    text = str(evaluation.tree)
    begins = 1 + sum(letter in "+-*/^,(" for letter in text)
    for line in _lines(evaluation, (), evaluation.tree, 0):
        found = [*_without_a_pair(evaluation, line), *_with_an_operator(line)]
        if begins <= _MOST_PARENTHESES:
            found += _with_a_pair(line)
        for order, new in found:
            yield Regrouped(order, line.route, new.tree, new.value)


def _with_an_operator(line: _Line) -> Iterator[tuple[tuple[int, ...], _Operand]]:
    """Yield a line with each operator replaced by those of other precedence."""
    for k, (before, token) in enumerate(pairwise(line.tokens), start=1):
        if isinstance(before, _Operand) and isinstance(token, str) and token in _OPERATORS:
            for number, other in enumerate(_OPERATORS):
                if BINDS[other] != BINDS[token]:
                    yield (2, line.places[k], number), line.with_tokens(k, k + 1, other)


def _without_a_pair(
    evaluation: Evaluation, line: _Line
) -> Iterator[tuple[tuple[int, ...], _Operand]]:
    """Yield a line without each of its pairs of parentheses."""
    for k, token in enumerate(line.tokens):
        if isinstance(token, _Operand) and isinstance(token.tree, Parentheses):
            inner = _tokens(evaluation, (*token.route, 0), token.tree.part)
            yield (0, line.places[k + 1]), line.with_tokens(k, k + 1, *inner)


def _with_a_pair(line: _Line) -> Iterator[tuple[tuple[int, ...], _Operand]]:
    """Yield a line with parentheses around each part where they change the value."""
    tokens, places = ["", *line.tokens, ""], line.places
    # Between two tokens; a sign at the very beginning of the formula is left alone.
    begins = [0, *(k for k in range(1, len(places)) if tokens[k] in _OPERATORS and places[k - 1])]
    ends = [*(k for k in range(1, len(places)) if tokens[k + 1] in ("", *_OPERATORS))]
    for begin in begins:
        for end in ends:
            inner = tokens[begin + 1 : end + 1]
            if not inner or inner[-1] in _OPERATORS:
                continue
            if _matter(tokens[begin], inner, tokens[end + 1]):
                part = _Grouping(inner).value()
                enclosed = _Operand(Parentheses(part.tree), part.value)
                yield (1, places[begin], places[end]), line.with_tokens(begin, end, enclosed)


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


def _lines(evaluation: Evaluation, route: Route, tree: Tree, place: int) -> Iterator[_Line]:
    """Yield the line that a part of a formula is, and those inside it; it begins at a place."""
    tokens = _tokens(evaluation, route, tree)
    line = _Line(route, tokens, [*accumulate((len(str(one)) for one in tokens), initial=place)])
    yield line
    for token, begin in zip(tokens, line.places, strict=False):
        match token:
            case _Operand(Parentheses(inner), _, own):
                yield from _lines(evaluation, (*own, 0), inner, begin + 1)
            case _Operand(Call(function, arguments), _, own):
                begin += len(function) + 1
                for k, argument in enumerate(arguments):
                    yield from _lines(evaluation, (*own, k), argument, begin)
                    begin += len(str(argument)) + 1


def _tokens(evaluation: Evaluation, route: Route, tree: Tree) -> list[_Token]:
    """Return the operands and signs of a line."""
    match tree:
        case Operation(operator, left, right):
            before = _tokens(evaluation, (*route, 0), left)
            return [*before, operator, *_tokens(evaluation, (*route, 1), right)]
        case Sign("%", part):
            return [*_tokens(evaluation, (*route, 0), part), "%"]
        case Sign(sign, part):
            return [sign, *_tokens(evaluation, (*route, 0), part)]
    return [_Operand(tree, evaluation.of(route), route)]


class _Grouping:
    """Groups the tokens of a line by the precedence of their operators."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens, self._at = tokens, 0

    def value(self, least: int = 0) -> _Operand:
        """Return what the tokens from here on become, up to an operator that binds too loosely."""
        left = self._signed()
        while (sign := self._sign()) in BINDS and BINDS[sign] > least:
            self._at += 1
            right = self.value(BINDS[sign])
            left = _joined(Operation(sign, left.tree, right.tree), left, right)
        return left

    def _signed(self) -> _Operand:
        token = self._tokens[self._at]
        self._at += 1
        if isinstance(token, str):
            part = self._signed()
            return _joined(Sign(token, part.tree), part)
        while self._sign() == "%":
            token = _joined(Sign("%", token.tree), token)
            self._at += 1
        return token

    def _sign(self) -> str:
        """Return the sign that comes next; empty at the end."""
        return str(self._tokens[self._at]) if self._at < len(self._tokens) else ""


def _joined(tree: Tree, *parts: _Operand) -> _Operand:
    return _Operand(tree, combined(tree, [part.value for part in parts]))
