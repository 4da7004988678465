"""Compiles the shape of a formula to Python code that calculates with plain numbers, and fast.

The code has two dialects (``source.py``). On *lanes*, each operation works on the numbers of many
cells, or of many draws, at once. *Scalar* code works on Python floats, for cells that feed
themselves row by row. Both do only arithmetic and the most frequent functions, on numbers and empty
cells. Wherever a result may be something else (an error, a text, an overflow on the way) they say
so, and the cell is calculated by ``evaluator`` instead, which knows all of Excel's rules.

Sums go from left to right, as in Excel: NumPy's pairwise sums differ in the last digits.
"""

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, reduce
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from workbook_tools.package.cell_values import CellValue
from workbook_tools.program.dialect import NotPlainError
from workbook_tools.program.source import lanes_source

LARGEST = 1.7976931348623157e308
NEARLY = 1e-14  # relative; Excel compares the first 15 digits of numbers, as ``evaluator`` does
Array = NDArray[np.float64]
Codes = NDArray[np.int64]
_AXES_OF_LANES = 2  # cells, draws; those of ranges have one more, the first one
_MANY_LANES = 200  # with so many, ``accumulate`` is slower than a sum of arrays
A_NUMBER, NOTHING, UNKNOWN = 0, -1, -2  # as codes; those of texts are greater


class Lanes(ABC):
    """What a formula reads in each of its lanes: arrays (cells, draws), whose axes may be 1."""

    def __init__(self) -> None:
        self._unsure: NDArray[np.bool_] = np.zeros((1, 1), dtype=bool)
        self._codes_of_texts: dict[str, int] = {}

    def calculated(
        self, function: "Kernel", shape: tuple[int, int]
    ) -> tuple[Array, NDArray[np.bool_]]:
        """Return what a kernel gives in all lanes, (cells, draws), and where it is right."""
        with np.errstate(all="ignore"):
            found = np.broadcast_to(function(self), shape)
        return found, np.isfinite(found) & ~self._unsure

    @abstractmethod
    def one(self, slot: int) -> Array:
        """Return the number of a cell, 0 if it is empty, NaN if it is something else."""

    @abstractmethod
    def every(self, slot: int) -> Array:
        """Return the numbers of a range, (cells of the range, cells, draws), as ``one`` does."""

    @abstractmethod
    def filled(self, slot: int) -> Array:
        """Return the same as ``every``, but NaN for empty cells."""

    @abstractmethod
    def pick(self, slot: int, number: Array) -> Array:
        """Return the cell of this number (from 1) in a range; NaN if there is none."""

    @abstractmethod
    def line(self, slot: int, of_row: bool) -> Array:
        """Return the number of a cell's row, or of its column."""

    @abstractmethod
    def codes(self, slot: int) -> Codes:
        """Return a code for what a cell holds, as ``code`` does."""

    def code(self, value: CellValue) -> int:
        """Return a code for a value; texts that differ only in case have the same one."""
        if isinstance(value, str):
            return self._codes_of_texts.setdefault(value.lower(), len(self._codes_of_texts) + 1)
        return A_NUMBER if isinstance(value, float) else NOTHING if value is None else UNKNOWN

    def says(self, slot: int, text: str) -> NDArray[np.bool_]:
        """Tell where a cell equals a text, and note the lanes where it holds no text or number."""
        codes, code = self.codes(slot), self.code(text)
        self._unsure = self._unsure | (codes == UNKNOWN)
        found: NDArray[np.bool_] = codes == code
        return found if text else found | (codes == NOTHING)

    def alike(self, one: int, other: int) -> NDArray[np.bool_]:
        """Tell where two cells are equal, and note the lanes where that is not clear."""
        codes = np.broadcast_arrays(self.codes(one), self.codes(other))
        of_texts = [np.where(own == NOTHING, self.code(""), own) for own in codes]
        self._unsure = self._unsure | (np.minimum(*codes) == UNKNOWN)
        found: NDArray[np.bool_] = self.chosen(
            np.maximum(*codes) > A_NUMBER,
            lambda: of_texts[0] == of_texts[1],
            lambda: self.apart(self.one(one), self.one(other)) == 0,
        )
        return found

    def chosen(self, condition: Any, one: Callable[[], Any], other: Callable[[], Any]) -> Any:
        """Return what one of two calculations gives in each lane, and what it is not sure of."""
        if np.all(condition):
            return one()
        if not np.any(condition):
            return other()
        unsure, found = self._unsure, []
        for is_so, calculation in ((condition, one), (~condition, other)):
            self._unsure = np.zeros((1, 1), dtype=bool)
            found.append(calculation())
            unsure = unsure | (self._unsure & is_so)
        self._unsure = unsure
        return np.where(condition, *found)

    def sure(self, values: Any) -> Any:
        """Return the values, and note the lanes where they are not finite."""
        is_finite = np.isfinite(values)
        if not is_finite.all():
            self._unsure = self._unsure | _in_any_element(~is_finite)
        return values

    def apart(self, one: Array, other: Array) -> Array:
        """Return how far values are apart, and note the lanes where they are ``NEARLY`` equal."""
        self._unsure = self._unsure | _in_any_element(_unclear(one, other))
        return one - other


def _in_any_element(marks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which lanes are marked, (cells, draws), also from marks of elements of ranges."""
    return np.asarray(marks.any(axis=0)) if marks.ndim > _AXES_OF_LANES else marks


Kernel: TypeAlias = Callable[[Lanes], Array]


@lru_cache(maxsize=20_000)
def kernel(shape: str, is_exact: bool) -> Kernel | None:
    """Return the function that calculates all cells of a shape; None if only ``evaluator`` can.

    An exact one gives the same digits on every machine; NumPy's own functions are faster, but
    differ between processors in the last digit. What the function returns may be infinite or NaN.
    """
    try:
        source = lanes_source(shape)
    except NotPlainError:
        return None
    function: Kernel = eval(source, _EXACT if is_exact else _NUMPY)

    def calculated(lanes: Lanes) -> Array:
        try:
            return np.asarray(function(lanes), dtype=float)
        except ArithmeticError:  # of constants, which are Python's numbers: =1/0
            return np.full((1, 1), np.nan)

    return calculated


def _unclear(one: Array, other: Array) -> NDArray[np.bool_]:
    """Tell where two numbers are nearly, but not exactly, the same, or no numbers."""
    distance = np.abs(one - other)
    is_clear = (distance > NEARLY * np.abs(one)) & np.isfinite(distance)
    return np.asarray((distance != 0) & ~is_clear)


def _powers(base: Array, exponent: Array) -> Array:
    found = np.power(base, exponent)
    return np.where((base == 0) & (exponent <= 0), np.nan, found)


def _gathered(parts: Sequence[Array]) -> Array:
    """Return all cells of the arguments of an aggregate, (all cells, cells, draws)."""
    if len(parts) == 1:
        return parts[0]
    shape = np.broadcast_shapes(*(part.shape[1:] for part in parts))
    return np.concatenate([np.broadcast_to(part, (len(part), *shape)) for part in parts])


def _total(*parts: Array) -> Array:
    """Add up from the first to the last."""
    values = _gathered(parts)
    if values[0].size > _MANY_LANES:
        return reduce(operator.iadd, values[1:], values[0].copy())
    found: Array = np.add.accumulate(values, axis=0)[-1]
    return found


def _mean(*parts: Array) -> Array:
    return _total(*parts) / sum(map(len, parts))


def _modulo(value: Array, divisor: Array) -> Array:
    return value - divisor * np.floor(value / divisor)


_NUMPY: dict[str, Any] = {
    "np": np,
    "exp": np.exp,
    "log": np.log,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "tanh": np.tanh,
    "sign": np.sign,
    "floor": np.floor,
    "sin": np.sin,
    "cos": np.cos,
    "power": _powers,
    "modulo": _modulo,
    "alone": lambda value: np.atleast_2d(value)[None],
    "total": _total,
    "mean": _mean,
    "largest": lambda *parts: np.max(_gathered(parts), axis=0),
    "least": lambda *parts: np.min(_gathered(parts), axis=0),
    "squares": lambda *parts: _total(np.square(_gathered(parts))),
    "dot": lambda *factors: _total(reduce(operator.mul, factors)),
}


def sure(value: float) -> float:
    """Return a value if it is a finite number.

    Raises ``OverflowError`` for infinity and NaN, and ``TypeError`` for what is no number.
    """
    if -LARGEST <= value <= LARGEST:
        return value
    raise OverflowError


def _apart(one: float, other: float) -> float:
    distance = one - other
    if distance and not NEARLY * abs(one) < abs(distance) <= LARGEST:
        raise ValueError
    return distance


def _power(base: float, exponent: float) -> float:
    if base > 0 or (base < 0 and exponent == math.floor(exponent)):
        found: float = base**exponent
        return found
    if base == 0 and exponent > 0:
        return 0.0
    raise ValueError


def _products(one: Iterable[float], other: Iterable[float]) -> Iterable[float]:
    return map(operator.mul, one, other)


def _add_up(values: Iterable[float]) -> float:
    return reduce(operator.add, values, 0.0)


SCALAR: dict[str, Any] = {
    "exp": math.exp,
    "log": math.log,
    "log10": math.log10,
    "sqrt": math.sqrt,
    "abs": abs,
    "tanh": math.tanh,
    "sign": lambda value: float((value > 0) - (value < 0)),
    "floor": lambda value: float(math.floor(value)),
    "sin": math.sin,
    "cos": math.cos,
    "power": _power,
    "modulo": lambda value, divisor: value - divisor * math.floor(value / divisor),
    "sure": sure,
    "apart": _apart,
    "total": _add_up,
    "mean": lambda values: _add_up(values) / len(values),
    "largest": lambda values: sure(max(values)),
    "least": lambda values: sure(min(values)),
    "squares": lambda values: _add_up(_products(values, values)),
    "dot": lambda *factors: _add_up(reduce(_products, factors)),
}


def _one_by_one(function: Callable[..., float]) -> Callable[..., Array]:
    """Return a function that calls Python's own for each number; NaN where that fails."""

    def value(*arguments: float) -> float:
        try:
            return function(*arguments)
        except (ArithmeticError, ValueError):
            return math.nan

    return lambda *arrays: np.asarray(np.frompyfunc(value, len(arrays), 1)(*arrays), dtype=float)


_EXACT = _NUMPY | {
    name: _one_by_one(SCALAR[name])
    for name in ("exp", "log", "log10", "tanh", "sin", "cos", "power")
}
