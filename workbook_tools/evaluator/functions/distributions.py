"""The normal distribution."""

import math
from typing import TYPE_CHECKING

from workbook_tools.evaluator.functions.function import Function
from workbook_tools.evaluator.values import NUM, FailedError

if TYPE_CHECKING:
    from statistics import NormalDist


def _normal(mean: float, deviation: float) -> "NormalDist":
    from statistics import NormalDist  # here, because it loads much that is hardly needed

    if deviation <= 0:
        raise FailedError(NUM)
    return NormalDist(mean, deviation)


def _distribution(value: float, mean: float, deviation: float, is_cumulative: bool) -> float:
    own = _normal(mean, deviation)
    return _below(own.zscore(value)) if is_cumulative else own.pdf(value)


def _below(z: float) -> float:
    return math.erfc(-z / math.sqrt(2)) / 2


def _inverse(share: float, mean: float, deviation: float) -> float:
    return _normal(mean, deviation).inv_cdf(share)


FUNCTIONS: dict[str, Function] = {
    "GAUSS": Function("n", lambda z: _below(z) - 0.5),
    "NORM.DIST": Function("nnnb", _distribution),
    "NORM.INV": Function("nnn", _inverse),
    "NORM.S.DIST": Function("nb", lambda z, is_cumulative: _distribution(z, 0, 1, is_cumulative)),
    "NORM.S.INV": Function("n", lambda share: _inverse(share, 0, 1)),
    "NORMDIST": Function("nnnb", _distribution),
    "NORMINV": Function("nnn", _inverse),
    "NORMSDIST": Function("n", _below),
    "NORMSINV": Function("n", lambda share: _inverse(share, 0, 1)),
    "PHI": Function("n", lambda z: _normal(0, 1).pdf(z)),
    "STANDARDIZE": Function("nnn", lambda x, mean, deviation: _normal(mean, deviation).zscore(x)),
}
