"""Loans and savings: what is paid regularly, is borrowed and is left at the end.

With the rate r of a period, n periods, a payment p in each (at its begin if t is 1), and the values
at the begin and at the end, v (1+r)ⁿ + p (1 + r t) ((1+r)ⁿ − 1) / r + f = 0; without interest,
v + p n + f = 0. (Microsoft, "PV function".)
"""

import math

from workbook_tools.evaluator.functions.aggregates import total
from workbook_tools.evaluator.functions.function import Function, numbers
from workbook_tools.evaluator.values import NUM, FailedError, Value


def _growth(rate: float, periods: float) -> float:
    """Return what 1 grows to."""
    return math.pow(1 + rate, periods)


def _paid(rate: float, periods: float, due: float | None) -> float:
    """Return what payments of 1 grow to."""
    if rate == 0:
        return periods
    return (1 + rate * _at_begin(due)) * (_growth(rate, periods) - 1) / rate


def _at_begin(due: float | None) -> int:
    return 1 if due else 0


def _present(
    rate: float, periods: float, payment: float, end: float | None = None, due: float | None = None
) -> float:
    return -((end or 0.0) + payment * _paid(rate, periods, due)) / _growth(rate, periods)


def _future(
    rate: float,
    periods: float,
    payment: float,
    begin: float | None = None,
    due: float | None = None,
) -> float:
    return -((begin or 0.0) * _growth(rate, periods) + payment * _paid(rate, periods, due))


def _payment(
    rate: float, periods: float, begin: float, end: float | None = None, due: float | None = None
) -> float:
    grown = (end or 0.0) + begin * _growth(rate, periods)
    return -grown / _paid(rate, periods, due)


def _periods(
    rate: float, payment: float, begin: float, end: float | None = None, due: float | None = None
) -> float:
    if rate == 0:
        return -(begin + (end or 0.0)) / payment
    own = payment * (1 + rate * _at_begin(due))
    share = (own - (end or 0.0) * rate) / (own + begin * rate)
    if share <= 0:
        raise FailedError(NUM)
    return math.log(share) / math.log(1 + rate)


def _net_present(rate: float, *values: Value) -> float:
    own = numbers(values)
    return total(value / _growth(rate, k) for k, value in enumerate(own, start=1))


FUNCTIONS: dict[str, Function] = {
    "FV": Function("nnn", _future, "oo"),
    "NPER": Function("nnn", _periods, "oo"),
    "NPV": Function("nc", _net_present, repeated="c"),
    "PMT": Function("nnn", _payment, "oo"),
    "PV": Function("nnn", _present, "oo"),
}
