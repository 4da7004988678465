"""The syntax tree of a formula: operators, functions, numbers and references.

A tree keeps its formula as the author wrote it, except for spaces; superfluous parentheses stay.
Unions, intersections by a space and ``A1#`` are not supported; neither are references to tables,
which ``tables`` replaces before.

The precedence is Excel's: a sign binds tighter than ``^`` (``-2^2`` is 4), and ``^`` is evaluated
from left to right. (Microsoft, "Calculation operators and precedence in Excel".)
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from workbook_tools.formulas.references import is_too_long

_SHEET = r"(?:'(?:[^']|'')*+'!|[^\W\d][\w.]*+!)?"
_TOKEN = re.compile(
    rf"""\s*(?:
      (?P<lines>{_SHEET}(?:\$?[A-Za-z]{{1,3}}:\$?[A-Za-z]{{1,3}}|\$?[1-9]\d{{0,6}}:\$?[1-9]\d{{0,6}}))
        (?![\w.$:(!])
    | (?P<number>(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?)(?![\w.!(])
    | (?P<text>"(?:[^"]|"")*+")
    | (?P<error>{_SHEET}\#[A-Z/0]+[!?A])
    | (?P<call>[^\W\d][\w.]*+)\(
    | (?P<name>{_SHEET}\$?[^\W\d][\w.]*(?:\$\d+)?
        (?::\$?[A-Za-z]{{1,3}}\$?\d+)?)
    | (?P<sign><>|<=|>=|[-+*/^&=<>(),;%:{{}}@])
    )""",
    re.VERBOSE,
)
_REFERENCE = re.compile(
    r"(?:.*!)?\$?[A-Za-z]{1,3}\$?[1-9]\d{0,6}(:\$?[A-Za-z]{1,3}\$?\d+)?", re.DOTALL
)
BINDS = {
    **dict.fromkeys(("=", "<", ">", "<=", ">=", "<>"), 1),
    "&": 2,
    "+": 3,
    "-": 3,
    "*": 4,
    "/": 4,
    "^": 5,
}
SIGN_BINDS = 6
_DEEPEST = 200  # nested parts, which recursive functions can handle


class SyntaxProblemError(Exception):
    """A formula that cannot be parsed."""


@dataclass(frozen=True)
class _Word:
    """A part without parts, as it is written."""

    text: str

    def __str__(self) -> str:
        return self.text


class Number(_Word):
    """A number."""


class Text(_Word):
    """A text in quotation marks."""


class Reference(_Word):
    """A cell or a range."""


class Lines(_Word):
    """Whole columns or rows: ``A:A``, ``$1:$3``."""


class Name(_Word):
    """A defined name, TRUE or FALSE, or an error value such as ``#REF!``."""


@dataclass(frozen=True)
class Missing:
    """An argument that is left out: the second of ``IF(A1,,2)``."""

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True)
class Array:
    """Constants in braces, row by row: ``{1,2;3,4}``."""

    rows: tuple[tuple["Tree", ...], ...]

    def __str__(self) -> str:
        return f"{{{';'.join(','.join(map(str, row)) for row in self.rows)}}}"


@dataclass(frozen=True)
class Single:
    """A part that ``@`` reduces to the value of one cell."""

    part: "Tree"

    def __str__(self) -> str:
        return f"@{self.part}"


@dataclass(frozen=True)
class Span:
    """The smallest range that contains two others: ``A1:INDEX(A:A,5)``."""

    left: "Tree"
    right: "Tree"

    def __str__(self) -> str:
        return f"{self.left}:{self.right}"


@dataclass(frozen=True)
class Sign:
    """A sign before a part, or a ``%`` after it."""

    sign: str
    part: "Tree"

    def __str__(self) -> str:
        return f"{self.part}%" if self.sign == "%" else f"{self.sign}{self.part}"


@dataclass(frozen=True)
class Operation:
    """Two parts with an operator between them."""

    operator: str
    left: "Tree"
    right: "Tree"

    def __str__(self) -> str:
        return f"{self.left}{self.operator}{self.right}"


@dataclass(frozen=True)
class Parentheses:
    """A part in parentheses."""

    part: "Tree"

    def __str__(self) -> str:
        return f"({self.part})"


@dataclass(frozen=True)
class Call:
    """A function and its arguments."""

    function: str
    arguments: tuple["Tree", ...]

    def __str__(self) -> str:
        return f"{self.function}({','.join(map(str, self.arguments))})"


Leaf: TypeAlias = Number | Text | Reference | Lines | Name | Missing | Array
Tree: TypeAlias = Leaf | Single | Span | Sign | Operation | Parentheses | Call
Route: TypeAlias = tuple[int, ...]  # the index of a child at each level; () is the whole tree

_WORDS: dict[str, type[Number | Text | Lines | Name]] = {
    "number": Number,
    "text": Text,
    "lines": Lines,
    "name": Name,
    "error": Name,
}


@lru_cache(maxsize=5_000)
def parse(formula: str) -> Tree:
    """Parse a formula, with or without its equals sign.

    Raises ``SyntaxProblemError``, also if the formula is too long or has hundreds of terms.
    """
    tree = parse_long(formula)
    if _depth(tree, 1) > _DEEPEST:
        raise SyntaxProblemError(formula)
    return tree


@lru_cache(maxsize=5_000)
def parse_long(formula: str) -> Tree:
    """Parse a formula as ``parse`` does, but of any number of terms.

    Recursion along the left operands of its operations may be too deep: see ``chain``.
    """
    if is_too_long(formula):
        raise SyntaxProblemError(formula)
    parser = _Parser(formula.removeprefix("="))
    try:
        tree = parser.expression(0)
    except RecursionError:
        raise SyntaxProblemError(formula) from None
    if parser.kind or _depth(tree, 0) > _DEEPEST:
        raise SyntaxProblemError(formula)
    return tree


def _depth(tree: Tree, of_left: int) -> int:
    """Return the depth of a tree; the left operand of an operation is ``of_left`` deeper."""
    deepest, waiting = 0, [(tree, 1)]
    while waiting:
        part, depth = waiting.pop()
        deepest = max(deepest, depth)
        for k, child in enumerate(children(part)):
            is_left = isinstance(part, Operation) and k == 0
            waiting.append((child, depth + (of_left if is_left else 1)))
    return deepest


def chain(tree: Tree) -> tuple[Tree, list[tuple[str, Tree]]]:
    """Return the first operand of a tree, and the operators and operands that follow it.

    ``a+b*c-d`` is a, then + with b*c, then - with d: they are evaluated in this order.
    """
    links: list[tuple[str, Tree]] = []
    while isinstance(tree, Operation):
        links.append((tree.operator, tree.right))
        tree = tree.left
    return tree, links[::-1]


class _Parser:
    """Precedence climbing over the tokens of one formula."""

    def __init__(self, text: str) -> None:
        self._text = text.rstrip()
        self._at = 0
        self.kind, self.token = "", ""
        self._next()

    def _next(self) -> None:
        if self._at == len(self._text):
            self.kind, self.token = "", ""
            return
        match = _TOKEN.match(self._text, self._at)
        if match is None or match.lastgroup is None:
            raise SyntaxProblemError(self._text)
        self.kind, self.token, self._at = match.lastgroup, match[match.lastgroup], match.end()

    def expression(self, least: int) -> Tree:
        left = self._signed()
        while self.kind == "sign" and BINDS.get(self.token, 0) > least:
            operator = self.token
            self._next()
            left = Operation(operator, left, self.expression(BINDS[operator]))
        return left

    def _signed(self) -> Tree:
        if self.kind == "sign" and self.token in "+-":
            sign = self.token
            self._next()
            return Sign(sign, self._signed())
        part = self._single()
        while (self.kind, self.token) == ("sign", "%"):
            part = Sign("%", part)
            self._next()
        return part

    def _single(self) -> Tree:
        if (self.kind, self.token) == ("sign", "@"):
            self._next()
            return Single(self._single())
        part = self._atom()
        while (self.kind, self.token) == ("sign", ":"):
            self._next()
            part = Span(part, self._atom())
        return part

    def _atom(self) -> Tree:
        kind, token = self.kind, self.token
        self._next()
        if kind == "name" and _REFERENCE.fullmatch(token):
            return Reference(token)
        if kind in _WORDS:
            return _WORDS[kind](token)
        if kind == "call":
            return Call(token, tuple(self._arguments()))
        if (kind, token) == ("sign", "("):
            part = self.expression(0)
            self._expect(")")
            return Parentheses(part)
        if (kind, token) == ("sign", "{"):
            return Array(tuple(self._rows()))
        raise SyntaxProblemError(self._text)

    def _rows(self) -> Iterator[tuple[Tree, ...]]:
        row = []
        while True:
            row.append(self._signed())
            sign = self.token
            self._expect(sign if sign in (",", ";") else "}")
            if sign != ",":
                yield tuple(row)
                row = []
            if sign == "}":
                return

    def _arguments(self) -> Iterator[Tree]:
        if (self.kind, self.token) == ("sign", ")"):
            self._next()
            return
        while True:
            is_missing = self.kind == "sign" and self.token in (",", ")")
            yield Missing() if is_missing else self.expression(0)
            if (self.kind, self.token) == ("sign", ","):
                self._next()
                continue
            self._expect(")")
            return

    def _expect(self, sign: str) -> None:
        if (self.kind, self.token) != ("sign", sign):
            raise SyntaxProblemError(self._text)
        self._next()


def children(tree: Tree) -> tuple[Tree, ...]:
    """Return the children of a tree, from left to right."""
    match tree:
        case Sign(_, part) | Parentheses(part) | Single(part):
            return (part,)
        case Operation(_, left, right) | Span(left, right):
            return (left, right)
        case Call(_, arguments):
            return arguments
    return ()


def parts(tree: Tree, route: Route = ()) -> Iterator[tuple[Route, Tree]]:
    """Yield every part of a tree with its route, beginning with the whole."""
    yield route, tree
    for k, child in enumerate(children(tree)):
        yield from parts(child, (*route, k))


def at(tree: Tree, route: Route) -> Tree:
    """Return the part of a tree at a route."""
    for k in route:
        tree = children(tree)[k]
    return tree
