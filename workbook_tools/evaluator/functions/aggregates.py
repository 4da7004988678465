"""Functions of all numbers of ranges. Sums go from left to right, row by row, in plain doubles."""

import math
import operator
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import reduce

from workbook_tools.evaluator.functions.function import Function, numbers, raise_first
from workbook_tools.evaluator.values import NA, NUM, FailedError, Grid, Value, number
from workbook_tools.package.cell_values import CellError


def total(values: Iterable[float]) -> float:
    """Return the sum from left to right, rounded after each step as Excel does."""
    return reduce(operator.add, values, 0.0)


def mean(values: Sequence[float]) -> float:
    """Return the average; ``#DIV/0!`` without a number."""
    return total(values) / len(values)


def deviations(values: Sequence[float]) -> float:
    """Return the sum of the squared deviations from the average."""
    average = mean(values)
    return total((value - average) ** 2 for value in values)


def _some(values: Sequence[float]) -> Sequence[float]:
    if not values:
        raise FailedError(NUM)
    return values


def _mode(values: list[float]) -> float:
    if not values or (most := Counter(values).most_common(1)[0])[1] == 1:
        raise FailedError(NA)
    return most[0]


def _median(values: list[float]) -> float:
    from statistics import median  # here, because it loads much that is hardly needed

    return median(values)


def _geometric(values: list[float]) -> float:
    return math.exp(total(map(math.log, values)) / len(_some(values)))


def _harmonic(values: list[float]) -> float:
    if min(_some(values)) <= 0:
        raise FailedError(NUM)
    return len(values) / total(1 / value for value in values)


_OF_NUMBERS: dict[str, Callable[[list[float]], float]] = {
    "AVEDEV": lambda v: mean([abs(x - average) for average in [mean(v)] for x in v]),
    "AVERAGE": mean,
    "DEVSQ": lambda v: deviations(_some(v)),
    "GEOMEAN": _geometric,
    "HARMEAN": _harmonic,
    "MAX": lambda v: max(v, default=0.0),
    "MEDIAN": _median,
    "MIN": lambda v: min(v, default=0.0),
    "MODE": _mode,
    "MODE.SNGL": _mode,
    "PRODUCT": lambda v: reduce(operator.mul, v) if v else 0.0,
    "STDEV": lambda v: math.sqrt(deviations(v) / (len(v) - 1)),
    "STDEVP": lambda v: math.sqrt(deviations(v) / len(v)),
    "SUM": total,
    "SUMSQ": lambda v: total(x * x for x in v),
    "VAR": lambda v: deviations(v) / (len(v) - 1),
    "VARP": lambda v: deviations(v) / len(v),
}
_OTHER_NAMES = {"STDEV.S": "STDEV", "STDEV.P": "STDEVP", "VAR.S": "VAR", "VAR.P": "VARP"}
_OF_NUMBERS |= {other: _OF_NUMBERS[name] for other, name in _OTHER_NAMES.items()}


def _all(arguments: Sequence[Value]) -> list[float]:
    """Return the numbers with texts as 0 and booleans as 1 and 0, as AVERAGEA does."""
    found: list[float] = []
    for value in arguments:
        if isinstance(value, Grid):
            own = [cell for cell in value.flat() if cell is not None]
            raise_first(own)
            found += [0.0 if isinstance(cell, str) else number(cell) for cell in own]
        else:
            found.append(number(value))
    return found


_OF_ALL: dict[str, Callable[[list[float]], float]] = {
    "AVERAGEA": mean,
    "MAXA": lambda v: max(v, default=0.0),
    "MINA": lambda v: min(v, default=0.0),
    "STDEVA": _OF_NUMBERS["STDEV"],
    "STDEVPA": _OF_NUMBERS["STDEVP"],
    "VARA": _OF_NUMBERS["VAR"],
    "VARPA": _OF_NUMBERS["VARP"],
}


def _is_counted(value: Value) -> bool:
    try:
        return number(value) is not None
    except FailedError:
        return False


def _count(*arguments: Value) -> float:
    return float(
        sum(
            sum(type(cell) is float for cell in value.flat())
            if isinstance(value, Grid)
            else _is_counted(value)
            for value in arguments
        )
    )


def _count_all(*arguments: Value) -> float:
    return float(
        sum(
            sum(cell is not None for cell in value.flat()) if isinstance(value, Grid) else 1
            for value in arguments
        )
    )


def _count_blank(area: Grid) -> float:
    empty = area.left_out if area.rest is None else 0
    return float(empty + sum(cell is None or cell == "" for cell in area.flat()))


def _nth(values: list[float], rank: float) -> float:
    place = math.ceil(rank)
    if not 1 <= place <= len(values):
        raise FailedError(NUM)
    return values[place - 1]


def _rank(value: float, area: Grid, order: float = 0.0, is_average: bool = False) -> float:
    found = numbers([area])
    if value not in found:
        raise FailedError(NA)
    before = sum((other < value) if order else (other > value) for other in found)
    return before + 1 + (found.count(value) - 1) / 2 * is_average


def _percentile(area: Value, share: float) -> float:
    found = sorted(_some(numbers([area])))
    if not 0 <= share <= 1:
        raise FailedError(NUM)
    place = share * (len(found) - 1)
    below = math.floor(place)
    above = min(below + 1, len(found) - 1)
    return found[below] + (place - below) * (found[above] - found[below])


def _quartile(area: Value, quarter: float) -> float:
    return _percentile(area, math.trunc(quarter) / 4)


def pairs(one: Grid, other: Grid, unequal: CellError = NA) -> list[tuple[float, float]]:
    """Return the pairs of numbers in two ranges of the same size; other pairs are left out."""
    if one.height * one.width != other.height * other.width:
        raise FailedError(unequal)
    ends = max(len(one.rows), len(other.rows))
    values = [
        grid.first(ends if one.width == other.width else len(grid.full())) for grid in (one, other)
    ]
    raise_first(values[0])
    raise_first(values[1])
    return [
        (x, y)
        for x, y in zip(*values, strict=True)
        if isinstance(x, float) and isinstance(y, float)
    ]


def _moments(found: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Return the sums of the products of deviations: of both, of the first, of the second."""
    means = mean([x for x, _ in found]), mean([y for _, y in found])
    off = [(x - means[0], y - means[1]) for x, y in found]
    return total(x * y for x, y in off), total(x * x for x, _ in off), total(y * y for _, y in off)


def _correlation(one: Grid, other: Grid) -> float:
    both, own, others = _moments(pairs(one, other))
    return both / math.sqrt(own * others)


def _slope(ys: Grid, xs: Grid) -> float:
    both, _, others = _moments(pairs(ys, xs))
    return both / others


def _intercept(ys: Grid, xs: Grid) -> float:
    found = pairs(ys, xs)
    return mean([y for y, _ in found]) - _slope(ys, xs) * mean([x for _, x in found])


def _covariance(less: int) -> Callable[[Grid, Grid], float]:
    def call(one: Grid, other: Grid) -> float:
        found = pairs(one, other)
        return _moments(found)[0] / (len(found) - less)

    return call


def _of_squares(term: Callable[[float, float], float]) -> Function:
    return Function("aa", lambda one, other: total(term(x, y) for x, y in pairs(one, other)))


def _frequency(data: Value, bins: Value) -> Grid:
    """Return how many numbers are at most each bin and above those below, and how many are more."""
    values, ends = sorted(numbers([data])), numbers([bins])
    counts: dict[float, float] = {}
    before = 0
    for end in sorted(set(ends)):
        up_to = bisect_right(values, end)
        counts[end], before = float(up_to - before), up_to
    own = [[counts.pop(end, 0.0)] for end in ends]  # a bin that recurs has no more numbers
    return Grid([*own, [float(len(values) - before)]], len(own) + 1, 1)


FUNCTIONS: dict[str, Function] = {
    **{
        name: Function("c", lambda *v, call=call: call(numbers(v)), repeated="c")
        for name, call in _OF_NUMBERS.items()
    },
    **{
        name: Function("c", lambda *v, call=call: call(_all(v)), repeated="c")
        for name, call in _OF_ALL.items()
    },
    "CORREL": Function("aa", _correlation),
    "COUNT": Function("c", _count, repeated="c"),
    "COUNTA": Function("c", _count_all, repeated="c"),
    "COUNTBLANK": Function("r", _count_blank),
    "COVAR": Function("aa", _covariance(0)),
    "COVARIANCE.P": Function("aa", _covariance(0)),
    "COVARIANCE.S": Function("aa", _covariance(1)),
    "FREQUENCY": Function("aa", _frequency),
    "INTERCEPT": Function("aa", _intercept),
    "LARGE": Function("an", lambda area, n: _nth(sorted(numbers([area]), reverse=True), n)),
    "PEARSON": Function("aa", _correlation),
    "PERCENTILE": Function("an", _percentile),
    "PERCENTILE.INC": Function("an", _percentile),
    "QUARTILE": Function("an", _quartile),
    "QUARTILE.INC": Function("an", _quartile),
    "RANK": Function("nr", _rank, "n"),
    "RANK.AVG": Function("nr", lambda v, area, order=0.0: _rank(v, area, order, True), "n"),
    "RANK.EQ": Function("nr", _rank, "n"),
    "RSQ": Function("aa", lambda one, other: _correlation(one, other) ** 2),
    "SLOPE": Function("aa", _slope),
    "SMALL": Function("an", lambda area, n: _nth(sorted(numbers([area])), n)),
    "SUMX2MY2": _of_squares(lambda x, y: x * x - y * y),
    "SUMX2PY2": _of_squares(lambda x, y: x * x + y * y),
    "SUMXMY2": _of_squares(lambda x, y: (x - y) ** 2),
}
