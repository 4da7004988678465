"""Evaluates formulas on many numbers at once, and variants of them without starting anew.

Numbers are arrays (variants, draws): what is the same in all variants, or draws, has 1 of them.
A range has an axis more before these, of its cells. Only arithmetic and common functions are known
here; the engines know them all, and have the last word on whatever is found by these.
"""

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbook_tools.checking.cells import Cell
from workbook_tools.checking.formula_tree import (
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
from workbook_tools.references import Area, areas

Array = NDArray[np.float64]


LARGEST_AREA = 1_000  # cells


class NotEvaluatedError(Exception):
    """A formula uses what is not known here."""


class Evaluation:
    """The values of a formula and of each of its parts."""

    def __init__(self, tree: Tree, sheet: str, numbers: Mapping[Cell, Array]) -> None:
        """Evaluate a formula of ``sheet`` where cells have these numbers (draws,).

        Raises ``NotEvaluatedError``.
        """
        self.tree = tree
        self._sheet = sheet
        self._numbers = numbers
        self._values: dict[Route, Any] = {}
        with np.errstate(all="ignore"):
            for route, part in reversed(list(parts(tree))):  # the parts of a part come first
                own = [self._values[*route, k] for k in range(len(children(part)))]
                self._values[route] = self._value(part, own)

    @property
    def value(self) -> Array:
        """The value of the whole, (1, draws)."""
        return np.atleast_2d(self._values[()])

    def of(self, route: Route) -> Any:
        """Return the value of one part."""
        return self._values[route]

    def with_parts(self, changed: Mapping[Route, Array]) -> Array:
        """Return the values of the whole if some parts had these, (variants, draws)."""
        above = {route[:k] for route in changed for k in range(len(route))}

        def value(route: Route, part: Tree) -> Any:
            if route in changed:
                return changed[route]
            if route not in above:
                return self._values[route]
            own = [value((*route, k), child) for k, child in enumerate(children(part))]
            return self._value(part, own)

        with np.errstate(all="ignore"):
            return np.atleast_2d(np.asarray(value((), self.tree), dtype=float))

    def _value(self, part: Tree, own: list[Any]) -> Any:
        match part:
            case Number(text):
                return np.array(float(text))
            case Reference(text):
                return self._of_area(areas(text)[0])
            case Parentheses():
                return own[0]
            case Sign(sign):
                return {"+": own[0], "-": -own[0], "%": own[0] / 100}[sign]
            case Operation(operator):
                if operator not in _OPERATORS:
                    raise NotEvaluatedError(operator)
                return _OPERATORS[operator](own[0], own[1])
            case Call(function):
                return called(function, own)
            case Name(text) if text.startswith("#"):
                return np.array(np.nan)
        raise NotEvaluatedError(str(part))

    def _of_area(self, area: Area) -> Any:
        if area.cell_count > LARGEST_AREA:
            raise NotEvaluatedError("a large range")
        nothing = np.array(np.nan)
        cells = [self._numbers.get(cell, nothing) for cell in area.cells(self._sheet)]
        if area.cell_count == 1:
            return cells[0]
        return np.stack(np.broadcast_arrays(*cells))[:, None, :]


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
    "<": np.less,
    ">": np.greater,
    "<=": np.less_equal,
    ">=": np.greater_equal,
    "=": np.equal,
    "<>": np.not_equal,
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


def called(function: str, given: list[Any]) -> Any:
    """Return what a function gives; raises ``NotEvaluatedError`` if it is not known here."""
    name = function.upper().removeprefix("_XLFN.")
    if name in ELEMENTWISE and len(given) == 1:
        return ELEMENTWISE[name](given[0])
    if name in _OF_TWO and len(given) == 2:
        return _OF_TWO[name](given[0], given[1])
    if name == "IF" and len(given) == 3:
        return np.where(given[0], given[1], given[2])
    if name == "SUMPRODUCT" and given:  # what is multiplied cell by cell
        given = [math.prod(given[1:], start=given[0])]
    if name in AGGREGATES and given:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of ranges without a number
            return AGGREGATES[name](_all_cells(given), axis=0)
    if (name, given) == ("PI", []):
        return np.array(np.pi)
    raise NotEvaluatedError(function)


def _all_cells(given: list[Any]) -> Array:
    """Return the cells of all arguments, (cells, variants, draws)."""
    own = [part if np.ndim(part) == 3 else np.atleast_2d(part)[None] for part in given]
    shape = np.broadcast_shapes(*(part.shape[1:] for part in own))
    return np.concatenate([np.broadcast_to(part, (len(part), *shape)) for part in own])
