"""Evaluates formulas on many numbers at once, and variants of them without starting anew.

Numbers are arrays (variants, draws): what is the same in all variants, or draws, has 1 of them.
A range has two axes more before these, its rows and columns; ranges in arithmetic are matched as
NumPy's broadcasting does it, which is how spreadsheets do it. Only arithmetic and common functions
are known here; the engines know them all, and have the last word on whatever is found by these.
"""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.references import areas
from workbook_tools.formulas.tree import (
    Call,
    Name,
    Number,
    Operation,
    Parentheses,
    Reference,
    Route,
    Sign,
    Tree,
    children,
    parts,
)
from workbook_tools.notation.addresses import Cell

Array = NDArray[np.float64]


LARGEST_AREA = 1_000  # cells


class NotEvaluatedError(Exception):
    """A formula uses what is not known here."""


def value_of(tree: Tree, sheet: str, numbers: Mapping[Cell, Array]) -> Array:
    """Return what a formula of ``sheet`` gives where cells have these numbers (draws,).

    The result is (draws,), or of any shape that becomes that; cells without a number are empty.
    Raises ``NotEvaluatedError``.
    """

    def value(part: Tree) -> Any:
        if isinstance(part, Reference):
            return _of_area(part, sheet, numbers, _EMPTY)
        return _combined(part, [value(child) for child in children(part)])

    with np.errstate(all="ignore"):
        found = np.asarray(value(tree), dtype=float)
    if is_range(found):
        raise NotEvaluatedError("a range that is not summed up")
    return found[0] if found.ndim == 2 else found


def is_range(value: Any) -> bool:
    """Tell whether the value of a part is that of a range: (rows, columns, variants, draws)."""
    return np.ndim(value) == 4


class Evaluation:
    """The values of a formula and of each of its parts."""

    def __init__(self, tree: Tree, sheet: str, numbers: Mapping[Cell, Array]) -> None:
        """Evaluate a formula of ``sheet`` where cells have these numbers (draws,).

        Raises ``NotEvaluatedError``.
        """
        self.tree = tree
        self._values: dict[Route, Any] = {}
        with np.errstate(all="ignore"):
            for route, part in reversed(list(parts(tree))):  # the parts of a part come first
                if isinstance(part, Reference):
                    self._values[route] = _of_area(part, sheet, numbers, _UNKNOWN)
                    continue
                own = [self._values[*route, k] for k in range(len(children(part)))]
                self._values[route] = _combined(part, own)
        if is_range(self._values[()]):
            raise NotEvaluatedError("a range that is not summed up")

    @property
    def value(self) -> Array:
        """The value of the whole, (1, draws)."""
        return np.atleast_2d(self._values[()])

    def of(self, route: Route) -> Any:
        """Return the value of one part."""
        return self._values[route]

    def needed(self, expected: Array) -> dict[Route, Array]:
        """Return what each part would have to give for the whole to give this, (draws,).

        Parts of which that cannot be told, such as the arguments of MAX, are left out.
        """
        found: dict[Route, Array] = {(): expected}
        with np.errstate(all="ignore"):
            for route, part in parts(self.tree):  # a part comes before its own parts
                if route in found and not is_range(self._values[route]):
                    own = [self._values[*route, k] for k in range(len(children(part)))]
                    for k, need in enumerate(_undone(part, own, found[route])):
                        found[*route, k] = need
        return found

    def with_parts(self, changed: Mapping[Route, Array]) -> Array:
        """Return the values of the whole if some parts had these, (variants, draws)."""
        above = {route[:k] for route in changed for k in range(len(route))}

        def value(route: Route, part: Tree) -> Any:
            if route in changed:
                return changed[route]
            if route not in above:
                return self._values[route]
            own = [value((*route, k), child) for k, child in enumerate(children(part))]
            return _combined(part, own)

        with np.errstate(all="ignore"):
            return np.atleast_2d(np.asarray(value((), self.tree), dtype=float))


_EMPTY, _UNKNOWN = np.array([0.0]), np.array([np.nan])


def _of_area(part: Reference, sheet: str, numbers: Mapping[Cell, Array], missing: Array) -> Any:
    """Return what a cell holds, ``missing`` if nothing; of a range (rows, columns, 1, draws)."""
    [area] = areas(part.text)
    if area.cell_count == 1:
        return numbers.get((area.sheet or sheet, area.first_row, area.first_column), missing)
    if area.cell_count > LARGEST_AREA:
        raise NotEvaluatedError("a large range")
    cells = [numbers.get(cell, _UNKNOWN) for cell in area.cells(sheet)]
    rows = area.last_row - area.first_row + 1
    return np.stack(np.broadcast_arrays(*cells)).reshape(rows, area.cell_count // rows, 1, -1)


def _combined(part: Tree, own: list[Any]) -> Any:
    """Return the value of what is no reference, from those of its parts."""
    try:
        return _worked_out(part, own)
    except ValueError:  # ranges that do not match in their rows or columns: an error in sheets
        return np.array(np.nan)


def _worked_out(part: Tree, own: list[Any]) -> Any:
    if not isinstance(part, Parentheses | Call):
        own = _with_zeros(children(part), own)
    match part:
        case Number(text):
            return np.array(float(text))
        case Parentheses():
            return own[0]
        case Sign(sign):
            return {"+": own[0], "-": -own[0], "%": own[0] / 100}[sign]
        case Operation(operator):
            if operator not in _OPERATORS:
                raise NotEvaluatedError(operator)
            return _OPERATORS[operator](own[0], own[1])
        case Call(function, arguments):
            return called(function, arguments, own)
        case Name(text) if text.startswith("#"):
            return np.array(np.nan)
    raise NotEvaluatedError(str(part))


def _undone(part: Tree, own: list[Any], need: Any) -> list[Any]:
    """Return what each part of a part would have to give if it is to give what it needs."""
    match part:
        case Parentheses() | Sign("+"):
            return [need]
        case Sign("-"):
            return [-need]
        case Operation("+"):
            return [need - own[1], need - own[0]]
        case Operation("-"):
            return [need + own[1], own[0] - need]
        case Operation("*"):
            return [need / own[1], need / own[0]]
        case Operation("/"):
            return [need * own[1], own[0] / need]
        case Call(function) if len(own) == 1 and (undo := _INVERSE.get(function.upper())):
            return [undo(need)]
    return []


_INVERSE: dict[str, Callable[[Any], Any]] = {"EXP": np.log, "LN": np.exp, "TANH": np.arctanh}
_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
    # Numbers, as a spreadsheet takes them in arithmetic.
    "<": lambda a, b: np.less(a, b) * 1.0,
    ">": lambda a, b: np.greater(a, b) * 1.0,
    "<=": lambda a, b: np.less_equal(a, b) * 1.0,
    ">=": lambda a, b: np.greater_equal(a, b) * 1.0,
    "=": lambda a, b: np.equal(a, b) * 1.0,
    "<>": lambda a, b: np.not_equal(a, b) * 1.0,
}


ELEMENTWISE: dict[str, Callable[[Any], Any]] = {
    "EXP": np.exp,
    "LN": np.log,
    "SQRT": np.sqrt,
    "ABS": np.abs,
    "SIGN": np.sign,
    "TANH": np.tanh,
    "SIN": np.sin,
    "COS": np.cos,
    "INT": np.floor,
}
AGGREGATES: dict[str, Callable[..., Any]] = {
    "SUM": np.nansum,
    "SUMPRODUCT": np.nansum,
    "AVERAGE": np.nanmean,
    "MAX": np.nanmax,
    "MIN": np.nanmin,
    "PRODUCT": np.nanprod,
    "SUMSQ": lambda cells, axis: np.nansum(np.square(cells), axis=axis),
    "STDEVP": np.nanstd,
    "STDEV.P": np.nanstd,
}
_OF_TWO: dict[str, Callable[[Any, Any], Any]] = {
    "POWER": np.power,
    "MOD": np.mod,
    # As Google Sheets calls them.
    "POW": np.power,
    "ADD": np.add,
    "MINUS": np.subtract,
    "MULTIPLY": np.multiply,
    "DIVIDE": np.divide,
}


def called(function: str, arguments: Sequence[Tree], given: list[Any]) -> Any:
    """Return what a function gives for arguments that have these values.

    Raises ``NotEvaluatedError`` if it is not known here.
    """
    name = function.upper().removeprefix("_XLFN.")
    if name in AGGREGATES and given:
        return _aggregated(name, arguments, given)
    given = _with_zeros(arguments, given)
    if name in ELEMENTWISE and len(given) == 1:
        return ELEMENTWISE[name](given[0])
    if name in _OF_TWO and len(given) == 2:
        return _OF_TWO[name](given[0], given[1])
    if name == "IF" and len(given) == 3:
        return np.where(np.not_equal(given[0], 0), given[1], given[2])
    if name == "AND" and given and not any(map(is_range, given)):
        return math.prod(np.not_equal(value, 0) * 1.0 for value in given)
    if (name, given) == ("PI", []):
        return np.array(np.pi)
    raise NotEvaluatedError(function)


def _aggregated(name: str, arguments: Sequence[Tree], given: list[Any]) -> Any:
    passed_over = [_is_reference(part) for part in arguments]  # empty cells of ranges
    if name == "SUMPRODUCT":  # what is multiplied cell by cell
        if len({np.shape(value)[:2] if is_range(value) else () for value in given}) > 1:
            return np.array(np.nan)  # nothing is broadcast here, in Excel
        given = _with_zeros(arguments, given)
        given, passed_over = [math.prod(given[1:], start=given[0])], [False]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of ranges without a number
        found = AGGREGATES[name](_all_cells(given), axis=0)
    for value, is_passed_over in zip(given, passed_over, strict=True):
        if not is_passed_over:  # one error makes the whole an error
            found = np.where(np.isnan(_all_cells([value])).any(axis=0), np.nan, found)
    return found


def _with_zeros(arguments: Sequence[Tree], given: list[Any]) -> list[Any]:
    """Return values with 0 for the empty cells of ranges."""
    return [
        np.nan_to_num(value, nan=0.0, posinf=np.inf, neginf=-np.inf)
        if is_range(value) and _is_reference(part)
        else value
        for part, value in zip(arguments, given, strict=True)
    ]


def _is_reference(part: Tree) -> bool:
    while isinstance(part, Parentheses):
        [part] = children(part)
    return isinstance(part, Reference)


def _all_cells(given: list[Any]) -> Array:
    """Return the cells of all arguments, (cells, variants, draws)."""
    own = [
        value.reshape(-1, *value.shape[2:]) if is_range(value) else np.atleast_2d(value)[None]
        for value in given
    ]
    shape = np.broadcast_shapes(*(value.shape[1:] for value in own))
    return np.concatenate([np.broadcast_to(value, (len(value), *shape)) for value in own])
