"""What Excel's functions are on traced arrays, so that they have derivatives.

Functions of which the derivative is 0 wherever it exists are not here: those that count or find
places are constants (``COUNTS``), and those that round are told (``STEPS``).
"""

from collections.abc import Callable
from functools import reduce
from typing import TypeAlias

import numpy as np

from workbook_tools.differentiation import normal, tape
from workbook_tools.differentiation.tape import FUNCTIONS_OF_ONE, Traced, constant

Function: TypeAlias = Callable[..., Traced]

# Functions of numbers alone, or of conditions; in an array they are applied to each element.
COUNTS = {
    "COUNT", "COUNTA", "COUNTBLANK", "COUNTIF", "COUNTIFS", "ROW", "ROWS", "COLUMN", "COLUMNS",
    "MATCH", "XMATCH", "RANK", "RANK.EQ", "LEN", "ISNUMBER", "ISBLANK", "ISTEXT", "ISERROR", "NOT",
    "AND", "OR", "XOR", "PI", "NA",
}  # fmt: skip
STEPS = {
    "ROUND", "ROUNDUP", "ROUNDDOWN", "INT", "TRUNC", "SIGN", "FLOOR", "CEILING", "MROUND", "EVEN",
    "ODD", "QUOTIENT",
}  # fmt: skip


def _count(a: Traced) -> Traced:
    """Return how many numbers a column has."""
    if a.filled is None:
        return constant(float(a.value.shape[0]))
    return constant(a.filled.sum(axis=0, keepdims=True).astype(float))


def _mean(*parts: Traced) -> Traced:
    every = tape.joined(parts)
    return tape.divide(tape.total(every), _count(every))


def _squares(a: Traced) -> Traced:
    return tape.total(tape.multiply(a, a))


def _deviations(*parts: Traced) -> Traced:
    """Return Σ (x − mean)²."""
    every = tape.joined(parts)
    off = tape.subtract(every, _mean(every))
    if every.filled is not None:
        off = tape.chosen(every.filled, off, constant(0.0))
    return _squares(off)


def _variance(less: float) -> Function:
    def variance(*parts: Traced) -> Traced:
        count = _count(tape.joined(parts))
        return tape.divide(_deviations(*parts), tape.subtract(count, constant(less)))

    return variance


def _deviation(less: float) -> Function:
    return lambda *parts: FUNCTIONS_OF_ONE["SQRT"](_variance(less)(*parts))


def _products(*parts: Traced) -> Traced:
    """Return the sum of products; what is no number counts as 0."""
    numbers = [
        part if part.filled is None else tape.chosen(part.filled, part, constant(0.0))
        for part in parts
    ]
    return tape.total(reduce(tape.multiply, numbers))


def _product(*parts: Traced) -> Traced:
    every = tape.joined(parts)
    if every.filled is not None:
        every = tape.chosen(every.filled, every, constant(1.0))
    factors = [
        tape.picked(every, np.full((1, 1), k), np.zeros((1, 1), dtype=np.int64))
        for k in range(every.value.shape[0])
    ]
    return reduce(tape.multiply, factors)


def _logarithm(number: Traced, base: Traced | None = None) -> Traced:
    if base is None:
        return FUNCTIONS_OF_ONE["LOG10"](number)
    return tape.divide(FUNCTIONS_OF_ONE["LN"](number), FUNCTIONS_OF_ONE["LN"](base))


def _modulo(number: Traced, divisor: Traced) -> Traced:
    whole = constant(np.floor(number.value / divisor.value))
    return tape.subtract(number, tape.multiply(divisor, whole))


def _largest(*parts: Traced, shares: bool = False) -> Traced:
    """Return the largest number; where 0 and a cell are equal, that is 0, as in PyTorch's ReLU."""
    return tape.largest(tape.joined(sorted(parts, key=lambda part: part.matters)), shares)


def _least(*parts: Traced, shares: bool = False) -> Traced:
    every = tape.joined(sorted(parts, key=lambda part: part.matters))
    return tape.negative(tape.largest(_turned(every), shares))


def _median(*parts: Traced) -> Traced:
    every = tape.joined(parts)
    numbers, count = tape.ordered(every), _count(every).value[0, 0].astype(np.int64)
    nothing = np.zeros_like(count)
    low, high = (tape.picked(numbers, own // 2, nothing) for own in (count - 1, count))
    return tape.divide(tape.add(low, high), constant(2.0))


def _smallest(part: Traced, place: Traced) -> Traced:
    rows = place.value[0, 0].astype(np.int64) - 1
    return tape.picked(tape.ordered(tape.joined([part])), rows, np.zeros_like(rows))


def _net_present(rate: Traced, *parts: Traced) -> Traced:
    """Return what payments at the ends of periods are worth now; only numbers count as periods."""
    every = tape.joined(parts)
    is_number = np.ones_like(every.value, dtype=bool) if every.filled is None else every.filled
    periods = constant(np.cumsum(is_number, axis=0).astype(float))
    return tape.total(tape.divide(every, tape.power(tape.add(constant(1.0), rate), periods)))


def _turned(every: Traced) -> Traced:
    found = tape.negative(every)
    found.filled = every.filled
    return found


# Of single values; in an array they are applied to each element.
OF_VALUES: dict[str, Function] = {
    **FUNCTIONS_OF_ONE,
    **normal.FUNCTIONS,
    "ATAN2": tape.angle,
    "LOG": _logarithm,
    "POWER": tape.power,
    "POW": tape.power,
    "ADD": tape.add,
    "MINUS": tape.subtract,
    "MULTIPLY": tape.multiply,
    "DIVIDE": tape.divide,
    "UMINUS": tape.negative,
    "MOD": _modulo,
}
# Of ranges and arrays.
OF_RANGES: dict[str, Function] = {
    "SUM": lambda *parts: tape.total(tape.joined(parts)),
    "AVERAGE": _mean,
    "MEDIAN": _median,
    "SMALL": _smallest,
    "LARGE": lambda part, place: tape.negative(_smallest(_turned(part), place)),
    "NPV": _net_present,
    "SUMSQ": lambda *parts: _squares(tape.joined(parts)),
    "DEVSQ": _deviations,
    "PRODUCT": _product,
    "VAR": _variance(1.0),
    "VAR.S": _variance(1.0),
    "VARP": _variance(0.0),
    "VAR.P": _variance(0.0),
    "STDEV": _deviation(1.0),
    "STDEV.S": _deviation(1.0),
    "STDEVP": _deviation(0.0),
    "STDEV.P": _deviation(0.0),
}
# The same, with a kink where numbers are equal; ``shares`` says that these share the derivative.
WITH_KINKS: dict[str, Function] = {"MAX": _largest, "MIN": _least}
# Of ranges and arrays, which are worked out as arrays wherever they stand.
OF_ARRAYS: dict[str, Function] = {
    "SUMPRODUCT": _products,
    "SUMXMY2": lambda one, other: _squares(tape.subtract(one, other)),
    "MMULT": tape.matrix_product,
    "TRANSPOSE": tape.transposed,
}
OPERATORS: dict[str, Function] = {
    "+": tape.add,
    "-": tape.subtract,
    "*": tape.multiply,
    "/": tape.divide,
    "^": tape.power,
}
COMPARISONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "=": np.equal,
    "<>": np.not_equal,
    "<": np.less,
    ">": np.greater,
    "<=": np.less_equal,
    ">=": np.greater_equal,
}
