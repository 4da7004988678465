"""The normal distribution on traced arrays.

With the density φ(z) = exp(−z²/2)/√(2π), the slope of the distribution Φ is φ, that of φ is −z φ,
and that of the inverse of Φ is 1/φ, at the value of the inverse.
"""

import math
from collections.abc import Callable
from statistics import NormalDist, StatisticsError

import numpy as np

from workbook_tools.differentiation import tape
from workbook_tools.differentiation.tape import Array, Traced, constant, of_one

_STANDARD = NormalDist()
_erfc = np.vectorize(math.erfc, otypes=[float])


def _density_at(z: Array) -> Array:
    return np.asarray(np.exp(-z * z / 2) / math.sqrt(2 * math.pi))


def _below(z: Array) -> Array:
    return np.asarray(_erfc(-z / math.sqrt(2)) / 2)


def _quantile(share: float) -> float:
    try:
        return _STANDARD.inv_cdf(share)
    except StatisticsError:  # not between 0 and 1
        return math.nan


_quantiles = np.vectorize(_quantile, otypes=[float])

_cumulated = of_one(_below, lambda z, y: _density_at(z))
_density = of_one(_density_at, lambda z, y: -z * y)
_inverse = of_one(_quantiles, lambda share, z: 1 / _density_at(z))


def _standardized(x: Traced, mean: Traced, deviation: Traced) -> Traced:
    return tape.divide(tape.subtract(x, mean), deviation)


def _standard(z: Traced, is_cumulative: Traced) -> Traced:
    """Return NORM.S.DIST; which of the two it is, is followed as a condition is."""
    return tape.chosen(is_cumulative.value != 0, _cumulated(z), _density(z))


def _of_any(x: Traced, mean: Traced, deviation: Traced, is_cumulative: Traced) -> Traced:
    z = _standardized(x, mean, deviation)
    density = tape.divide(_density(z), deviation)
    return tape.chosen(is_cumulative.value != 0, _cumulated(z), density)


def _inverse_of_any(share: Traced, mean: Traced, deviation: Traced) -> Traced:
    return tape.add(mean, tape.multiply(deviation, _inverse(share)))


FUNCTIONS: dict[str, Callable[..., Traced]] = {
    "GAUSS": lambda z: tape.subtract(_cumulated(z), constant(0.5)),
    "NORM.DIST": _of_any,
    "NORM.INV": _inverse_of_any,
    "NORM.S.DIST": _standard,
    "NORM.S.INV": _inverse,
    "NORMDIST": _of_any,
    "NORMINV": _inverse_of_any,
    "NORMSDIST": _cumulated,
    "NORMSINV": _inverse,
    "PHI": _density,
    "STANDARDIZE": _standardized,
}
