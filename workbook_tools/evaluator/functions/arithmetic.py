"""Functions of one or a few numbers, and the operators that Google Sheets has as functions."""

import math
from collections.abc import Callable

from workbook_tools.evaluator.functions.function import Function
from workbook_tools.evaluator.values import DIV0, NUM, FailedError


def power(base: float, exponent: float) -> float:
    """Return a power; 0 to the power 0 is ``#NUM!``."""
    if base == 0:
        if exponent == 0:
            raise FailedError(NUM)
        if exponent < 0:
            raise FailedError(DIV0)
    return math.pow(base, exponent)


def modulo(value: float, divisor: float) -> float:
    """Return the remainder, with the sign of the divisor."""
    return value - divisor * math.floor(value / divisor)


def _logarithm(value: float, base: float = 10.0) -> float:
    if value <= 0 or base <= 0:
        raise FailedError(NUM)
    return math.log10(value) if base == 10 else math.log(value) / math.log(base)


def _of_two(x: float, y: float) -> float:
    if x == y == 0:
        raise FailedError(DIV0)
    return math.atan2(y, x)


def _integer(value: float, of: Callable[..., int], *others: float) -> float:
    whole = [math.trunc(own) for own in (value, *others)]
    if max(whole) > 10_000:
        raise FailedError(NUM)
    return float(of(*whole))


_OF_ONE: dict[str, Callable[[float], float]] = {
    "ABS": abs,
    "ACOS": math.acos,
    "ACOSH": math.acosh,
    "ASIN": math.asin,
    "ASINH": math.asinh,
    "ATAN": math.atan,
    "ATANH": math.atanh,
    "COS": math.cos,
    "COSH": math.cosh,
    "DEGREES": math.degrees,
    "EXP": math.exp,
    "FACT": lambda n: _integer(n, math.factorial),
    "GAMMALN": lambda x: math.lgamma(x) if x > 0 else math.nan,
    "GAMMALN.PRECISE": lambda x: math.lgamma(x) if x > 0 else math.nan,
    "LN": math.log,
    "LOG10": math.log10,
    "RADIANS": math.radians,
    "SIGN": lambda x: float((x > 0) - (x < 0)),
    "SIN": math.sin,
    "SINH": math.sinh,
    "SQRT": math.sqrt,
    "SQRTPI": lambda x: math.sqrt(x * math.pi),
    "TAN": math.tan,
    "TANH": math.tanh,
    "UMINUS": lambda x: -x,
    "UNARY_PERCENT": lambda x: x / 100,
    "UPLUS": lambda x: x,
}
_OF_TWO: dict[str, Callable[[float, float], float]] = {
    "ADD": lambda a, b: a + b,
    "ATAN2": _of_two,
    "COMBIN": lambda n, k: _integer(n, math.comb, k) if n >= k else math.nan,
    "DIVIDE": lambda a, b: a / b,
    "MINUS": lambda a, b: a - b,
    "MOD": modulo,
    "MULTIPLY": lambda a, b: a * b,
    "POW": power,
    "POWER": power,
    "QUOTIENT": lambda a, b: float(math.trunc(a / b)),
}
FUNCTIONS: dict[str, Function] = {
    **{name: Function("n", call) for name, call in _OF_ONE.items()},
    **{name: Function("nn", call) for name, call in _OF_TWO.items()},
    "LOG": Function("n", _logarithm, "n"),
    "PI": Function("", lambda: math.pi),
}
