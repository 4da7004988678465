"""Turns a syntax tree into Python functions that call each other.

A part gives a value or, as long as nobody needs its cells, an area: so INDEX reads one cell of a
column, and ROW none.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from workbook_tools.evaluator.functions import FUNCTIONS
from workbook_tools.evaluator.functions.function import ONE_VALUE, Function, applied
from workbook_tools.evaluator.lazy import LAZY
from workbook_tools.evaluator.place import At, Found, Step
from workbook_tools.evaluator.references import Relative, joined, relative
from workbook_tools.evaluator.values import (
    REF,
    VALUE,
    FailedError,
    Grid,
    UnknownFunctionError,
    Value,
    as_grid,
    finished,
)
from workbook_tools.formulas.references import Area
from workbook_tools.formulas.tree import (
    Array,
    Call,
    Lines,
    Missing,
    Name,
    Number,
    Operation,
    Parentheses,
    Reference,
    Sign,
    Single,
    Span,
    Text,
    Tree,
    chain,
)
from workbook_tools.notation.addresses import MAX_ROWS
from workbook_tools.package.cell_values import CellError, CellValue


def plain_name(function: str) -> str:
    """Return the name of a function without the prefixes that newer ones have in files."""
    name = function.upper()
    return name.removeprefix("_XLFN.").removeprefix("_XLWS.")


# Google Sheets has the operators as functions, too.
_NAMES = {
    **{"+": "ADD", "-": "MINUS", "*": "MULTIPLY", "/": "DIVIDE", "^": "POWER"},
    **{"=": "EQ", "<>": "NE", "<": "LT", ">": "GT", "<=": "LTE", ">=": "GTE"},
}
_OPERATORS = {
    **{sign: FUNCTIONS[name] for sign, name in _NAMES.items()},
    "&": Function("tt", lambda a, b: a + b),
}
_SIGNS = {
    "+": Function("e", lambda value: value),
    "-": FUNCTIONS["UMINUS"],
    "%": FUNCTIONS["UNARY_PERCENT"],
}


Take: TypeAlias = Callable[[At], Value]
Applied: TypeAlias = Callable[[Sequence[Value]], Value]


class Compiler:
    """Compiles the parts of one formula.

    ``lifts`` says for a part whether it is calculated as an array. In an array formula all parts
    are; in an ordinary one, those in arguments that are arrays.
    """

    def __init__(self, is_array: bool) -> None:
        self.is_array = is_array

    def step(self, tree: Tree, lifts: bool) -> Step:
        """Return the function that evaluates a part; raises ``UnknownFunctionError``."""
        match tree:
            case Number(digits):
                return _constant(finished(float(digits)))
            case Text(quoted):
                return _constant(quoted[1:-1].replace('""', '"'))
            case Missing():
                return _constant(None)
            case Name(name):
                return _constant(_named(name))
            case Array(rows):
                values = [[_constant_of(part) for part in row] for row in rows]
                if len({len(row) for row in values}) > 1:
                    raise UnknownFunctionError(str(tree))
                return _constant(Grid(values, len(values), len(values[0])))
            case Reference(written) | Lines(written):
                place = relative(written)
                return lambda at: place.at(at.shift)
            case Parentheses(part):
                return self.step(part, lifts)
            case Single(part):
                return self.single(part)
            case Span(left, right):
                return self._span(left, right)
            case Sign(sign, part):
                return self._applied(_SIGNS[sign], [part], lifts)
            case Operation():
                return self._chain(tree, lifts)
            case Call(function, arguments):
                return self._call(function, arguments, lifts)

    def single(self, tree: Tree) -> Callable[[At], CellValue]:
        """Return the function that evaluates a part to one value, whatever it is."""
        step = self.step(tree, lifts=False)
        return lambda at: at.single(step(at))

    def one(self, tree: Tree) -> Callable[[At], Value]:
        """Return the function that evaluates a part whose ranges stand for one of their cells."""
        if isinstance(tree, Reference) and (place := relative(tree.text)).is_cell:
            return _of_cell(place)
        step = self.step(tree, lifts=False)
        return lambda at: at.cut(step(at))

    def _span(self, left: Tree, right: Tree) -> Step:
        ends = self.step(left, lifts=False), self.step(right, lifts=False)

        def span(at: At) -> Found:
            one, other = (end(at) for end in ends)
            for found in (one, other):
                if isinstance(found, CellError):
                    return found
            if not (isinstance(one, Area) and isinstance(other, Area)):
                return VALUE
            return joined(one, other)

        return span

    def _chain(self, tree: Tree, lifts: bool) -> Step:
        """Evaluate operations of any number, without recursion along their left operands."""
        first, links = chain(tree)
        begin = self._taken(first, "n", lifts)  # as any single value
        following: list[tuple[Callable[..., Value] | None, Applied, Take]] = []
        for sign, right in links:
            own = _OPERATORS[sign]
            plain = own.call if own.takes == "nn" else None
            following.append((plain, applied(own, own.takes), self._taken(right, "n", lifts)))

        def found(at: At) -> Value:
            value = begin(at)
            for plain, careful, take in following:
                other = take(at)
                # Numbers do not need the conversions that other values need.
                if plain and type(value) is float and type(other) is float:
                    try:
                        value = finished(plain(value, other))
                        continue
                    except (FailedError, ArithmeticError, ValueError):
                        pass  # the careful way tells which error value it is
                value = careful([value, other])
            return value

        return found

    def _call(self, function: str, arguments: tuple[Tree, ...], lifts: bool) -> Step:
        name = plain_name(function)
        if name in LAZY:
            return LAZY[name](self, arguments, lifts)
        if name not in FUNCTIONS:
            raise UnknownFunctionError(function)
        return self._applied(FUNCTIONS[name], arguments, lifts, function)

    def _applied(
        self, function: Function, arguments: Sequence[Tree], lifts: bool, name: str = ""
    ) -> Step:
        letters = function.letters(len(arguments))
        if letters is None:
            raise UnknownFunctionError(f"{name} with {len(arguments)} arguments")
        takes = [
            self._taken(part, letter, lifts)
            for part, letter in zip(arguments, letters, strict=True)
        ]
        call = applied(function, letters)
        if letters in _FAST and not lifts:
            return _FAST[letters](function.call, call, *takes)
        return lambda at: call([take(at) for take in takes])

    def _taken(self, tree: Tree, letter: str, lifts: bool) -> Callable[[At], Value]:
        """Return the function that evaluates an argument as its letter says."""
        if letter in ONE_VALUE:
            if not lifts:
                return self.one(tree)
            step = self.step(tree, lifts=True)
            return lambda at: at.values(step(at))
        step = self.step(tree, lifts or letter == "a")

        def grid(at: At) -> Value:
            found = step(at)
            if isinstance(found, Area):
                return at.grid(found)
            return found if letter == "c" else as_grid(found)

        return grid


def _of_cell(place: Relative) -> Callable[[At], CellValue]:
    """Read one cell, without making an area of it first."""
    sheet, row, column = place.sheet, place.rows[0], place.columns[0]
    is_fixed = place.fixed[0]

    def read(at: At) -> CellValue:
        own = row if is_fixed else row + at.shift
        if not 0 < own <= MAX_ROWS:
            return REF
        return at.cells.value(sheet or at.sheet, own, column)

    return read


def _of_one_number(call: Callable[[float], Value], careful: Applied, take: Take) -> Step:
    """Apply a function to a number, without the conversions that other values need."""

    def found(at: At) -> Value:
        value = take(at)
        if type(value) is float:
            try:
                return finished(call(value))
            except (FailedError, ArithmeticError, ValueError):
                pass  # the careful way tells which error value it is
        return careful([value])

    return found


def _of_two_numbers(
    call: Callable[[float, float], Value],
    careful: Applied,
    left: Take,
    right: Take,
) -> Step:
    """Apply a function to two numbers, without the conversions that other values need."""

    def found(at: At) -> Value:
        one, other = left(at), right(at)
        if type(one) is float and type(other) is float:
            try:
                return finished(call(one, other))
            except (FailedError, ArithmeticError, ValueError):
                pass  # the careful way tells which error value it is
        return careful([one, other])

    return found


_FAST: dict[str, Callable[..., Step]] = {"n": _of_one_number, "nn": _of_two_numbers}


def _constant(value: Value) -> Step:
    return lambda at: value


def _named(name: str) -> CellValue:
    if name.upper() in ("TRUE", "FALSE"):
        return name.upper() == "TRUE"
    if name.startswith("#"):
        return CellError(name)
    if "!#" in name:
        return REF
    raise UnknownFunctionError(name)


def _constant_of(tree: Tree) -> CellValue:
    """Return a value in braces."""
    match tree:
        case Number(digits):
            return float(digits)
        case Text(quoted):
            return quoted[1:-1].replace('""', '"')
        case Name(name):
            return _named(name)
        case Sign("-", Number(digits)):
            return -float(digits)
        case Sign("+", Number(digits)):
            return float(digits)
    raise UnknownFunctionError(str(tree))
