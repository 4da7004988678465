"""Functions that round."""

import math
from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_UP,
    ROUND_UP,
    Context,
    Decimal,
)

from workbook_tools.evaluator.functions.function import Function
from workbook_tools.evaluator.values import NUM, FailedError

_CONTEXT = Context(prec=400)  # digits: more than a number can have


def rounded(value: float, digits: float, rule: str = ROUND_HALF_UP) -> float:
    """Return a number rounded to decimals, as it is written in decimal: 2.675 becomes 2.68."""
    places = max(-400, min(400, math.trunc(digits)))
    if places > 330 or (abs(value) >= 1e17 and places >= 0):
        return value
    step = Decimal(1).scaleb(-places)
    return float(Decimal(repr(value)).quantize(step, rule, _CONTEXT))


def _to_multiple(value: float, step: float, rule: str) -> float:
    """Return the multiple of a step that a rule chooses."""
    if step == 0:
        return 0.0
    quotient = Decimal(repr(value)) / Decimal(repr(step))
    return float(quotient.to_integral_value(rule) * Decimal(repr(step)))


def _ceiling(value: float, step: float) -> float:
    if value > 0 > step:
        raise FailedError(NUM)
    return _to_multiple(value, step, ROUND_CEILING if value >= 0 or step > 0 else ROUND_UP)


def _floor(value: float, step: float) -> float:
    if value > 0 > step:
        raise FailedError(NUM)
    if step == 0 and value != 0:
        raise ZeroDivisionError
    return _to_multiple(value, step, ROUND_FLOOR if value >= 0 or step > 0 else ROUND_DOWN)


def _mathematical(rule: str, away: str) -> Callable[..., float]:
    """Return CEILING.MATH or FLOOR.MATH, by the rule for each mode of negative numbers."""

    def call(value: float, step: float | None = None, mode: float = 0.0) -> float:
        own = abs(1.0 if step is None else step)
        return _to_multiple(value, own, away if value < 0 and mode != 0 else rule)

    return call


def _nearest(value: float, step: float) -> float:
    if value * step < 0:
        raise FailedError(NUM)
    return _to_multiple(value, step, ROUND_HALF_UP)


def _odd(value: float) -> float:
    return math.copysign(max(0, math.ceil((abs(value) - 1) / 2)) * 2.0 + 1, value)


FUNCTIONS: dict[str, Function] = {
    "CEILING": Function("nn", _ceiling),
    "CEILING.MATH": Function("n", _mathematical(ROUND_CEILING, ROUND_FLOOR), "on"),
    "EVEN": Function("n", lambda x: math.copysign(math.ceil(abs(x) / 2) * 2.0, x)),
    "FLOOR": Function("nn", _floor),
    "FLOOR.MATH": Function("n", _mathematical(ROUND_FLOOR, ROUND_CEILING), "on"),
    "INT": Function("n", lambda x: float(math.floor(x))),
    "MROUND": Function("nn", _nearest),
    "ODD": Function("n", _odd),
    "ROUND": Function("nn", rounded),
    "ROUNDDOWN": Function("nn", lambda x, digits: rounded(x, digits, ROUND_DOWN)),
    "ROUNDUP": Function("nn", lambda x, digits: rounded(x, digits, ROUND_UP)),
    "TRUNC": Function("n", lambda x, digits=0.0: rounded(x, digits, ROUND_DOWN), "n"),
}
