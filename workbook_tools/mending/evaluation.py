"""Evaluates a formula on many draws of numbers at once, and its variants cheaply.

Numbers are arrays (variants, draws); an axis has length 1 if all its numbers are the same. A range
has two more axes in front, its rows and columns. In arithmetic, ranges follow NumPy's broadcasting
rules, which are those of spreadsheets. Only arithmetic and common functions are supported.
Whatever is found with these values has yet to be proven (``proof.py``).
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
    """A formula uses something that is not supported here."""


def is_range(value: Any) -> bool:
    """Tell whether a value is that of a range: (rows, columns, variants, draws)."""
    return value.ndim == 4  # type: ignore[no-any-return]


class Evaluation:
    """The values of a formula and of each of its parts."""

    def __init__(
        self, tree: Tree, sheet: str, numbers: Mapping[Cell, Array], missing: float = np.nan
    ) -> None:
        """Evaluate a formula of ``sheet``, given the numbers (draws,) of cells.

        ``missing`` is the value of a single cell without a number. Raises ``NotEvaluatedError``.
        """
        self.tree = tree
        self._values: dict[Route, Any] = {}
        with np.errstate(all="ignore"):
            for route, part in reversed(list(parts(tree))):  # children before their parents
                if isinstance(part, Reference):
                    self._values[route] = _of_area(part, sheet, numbers, missing)
                    continue
                own = [self._values[*route, k] for k in range(len(children(part)))]
                self._values[route] = combined(part, own)
        if is_range(self._values[()]):
            raise NotEvaluatedError("a range as the result")

    @property
    def value(self) -> Array:
        """The value of the whole, (1, draws)."""
        return np.atleast_2d(self._values[()])

    def of(self, route: Route) -> Any:
        """Return the value of one part."""
        return self._values[route]

    def needed(self, expected: Array) -> dict[Route, Array]:
        """Return the value that each part would need for the whole to be ``expected`` (draws,).

        Parts for which this is not determined, such as the arguments of MAX, are left out.
        """
        found: dict[Route, Array] = {(): expected}
        with np.errstate(all="ignore"):
            for route, part in parts(self.tree):  # parents before their children
                if route in found and not is_range(self._values[route]):
                    own = [self._values[*route, k] for k in range(len(children(part)))]
                    for k, need in enumerate(_undone(part, own, found[route])):
                        found[*route, k] = need
        return found

    def with_parts(self, changed: Mapping[Route, Array]) -> Array:
        """Return the values of the whole, (variants, draws), with those of some parts changed."""
        above = {route[:k] for route in changed for k in range(len(route))}

        def value(route: Route, part: Tree) -> Any:
            if route in changed:
                return changed[route]
            if route not in above:
                return self._values[route]
            own = [value((*route, k), child) for k, child in enumerate(children(part))]
            return combined(part, own)

        with np.errstate(all="ignore"):
            return np.atleast_2d(np.asarray(value((), self.tree), dtype=float))


_UNKNOWN = np.array([np.nan])


def _of_area(part: Reference, sheet: str, numbers: Mapping[Cell, Array], missing: float) -> Any:
    """Return the numbers of a cell, or of a range as (rows, columns, 1, draws)."""
    [area] = areas(part.text)
    if area.cell_count == 1:
        place = area.sheet or sheet, area.first_row, area.first_column
        return numbers.get(place, np.array([missing]))
    if area.cell_count > LARGEST_AREA:
        raise NotEvaluatedError("a large range")
    cells = [numbers.get(cell, _UNKNOWN) for cell in area.cells(sheet)]
    rows = area.last_row - area.first_row + 1
    return np.stack(np.broadcast_arrays(*cells)).reshape(rows, area.cell_count // rows, 1, -1)


def combined(part: Tree, own: list[Any]) -> Any:
    """Return the value of a part that is no reference, from those of its children.

    Raises ``NotEvaluatedError``.
    """
    try:
        return _computed(part, own)
    except ValueError:  # ranges whose shapes do not match: an error value in a spreadsheet
        return np.array(np.nan)


def _computed(part: Tree, own: list[Any]) -> Any:
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
    """Return the value that each child would need for a part to have the value ``need``."""
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
    # 1 and 0, which a spreadsheet uses for TRUE and FALSE in arithmetic.
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
    # The names of operators in Google Sheets.
    "POW": np.power,
    "ADD": np.add,
    "MINUS": np.subtract,
    "MULTIPLY": np.multiply,
    "DIVIDE": np.divide,
}


def called(function: str, arguments: Sequence[Tree], given: list[Any]) -> Any:
    """Return the value of a function, given the values of its arguments.

    Raises ``NotEvaluatedError`` if it is not supported here.
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
    passed_over = [_is_reference(part) for part in arguments]  # their empty cells are ignored
    if name == "SUMPRODUCT":  # the arguments are multiplied cell by cell
        if len({np.shape(value)[:2] if is_range(value) else () for value in given}) > 1:
            return np.array(np.nan)  # here Excel does not broadcast
        given = _with_zeros(arguments, given)
        given, passed_over = [math.prod(given[1:], start=given[0])], [False]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # for ranges without a number
        found = AGGREGATES[name](_all_cells(given), axis=0)
    for value, is_passed_over in zip(given, passed_over, strict=True):
        if not is_passed_over:  # an error in any argument makes the result an error
            found = np.where(np.isfinite(_all_cells([value])).all(axis=0), found, np.nan)
    return found


def _with_zeros(arguments: Sequence[Tree], given: list[Any]) -> list[Any]:
    """Return the values with 0 for the empty cells of ranges."""
    if not any(map(is_range, given)):
        return given
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
