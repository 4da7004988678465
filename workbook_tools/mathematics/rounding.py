"""Arrays that track how large their rounding errors may be.

A cell's formula and the reference compute the same number in two ways, so that the results differ
a little in floating point. How large a difference is acceptable depends on the terms of a sum: the
rounding error of 1 − 0.9999999 is that of 1. So the reference is computed with arrays that hold,
for each value,

- ``terms``: the size of the intermediate results that lead to it; the rounding error is some units
  in the last place of that (a running error analysis, after N. J. Higham, "Accuracy and Stability
  of Numerical Algorithms", 2002, section 3.3, without counting the operations);
- ``radius``: how far the value may be off because the numbers that were read are not exact. If each
  of these is within its own radius of what was meant, so is the result (midpoint-radius interval
  arithmetic; S. M. Rump, "Verification methods", Acta Numerica 2010, section 5).

The NumPy functions that the mathematics needs work on them as on plain arrays.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers: TypeAlias = Any  # Array | Rounded; NumPy's type hints only know its own arrays

_STRAIGHT = 1e-6  # relative; over so small a radius, a function is as good as straight


class Rounded(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of values with their ``terms`` and ``radius``, all of one shape."""

    def __init__(self, values: Array, terms: Array, radius: Array) -> None:
        self.values, self.terms, self.radius = values, terms, radius

    @classmethod
    def read(cls, values: Array, storage: float = 0.0, halves: Array | float = 0.0) -> "Rounded":
        """Return numbers as they are in cells.

        They may be stored with the relative error ``storage``, and have been rounded to units of
        which ``halves`` has the half.
        """
        values = np.asarray(values, dtype=float)
        return cls(values, np.zeros_like(values), storage * np.abs(values) + halves)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the values."""
        return self.values.shape

    def __getitem__(self, key: Any) -> "Rounded":
        return Rounded(self.values[key], self.terms[key], self.radius[key])

    def _each(self, change: Callable[[Array], Array]) -> "Rounded":
        return Rounded(change(self.values), change(self.terms), change(self.radius))

    def reshape(self, *shape: int) -> "Rounded":
        """Return the same numbers in another shape."""
        return self._each(lambda part: part.reshape(*shape))

    def row_above(self, first: float) -> "Rounded":
        """Return the numbers shifted by one along the first axis, with ``first`` in front."""

        def shifted(start: float) -> Callable[[Array], Array]:
            return lambda part: np.concatenate([np.full_like(part[:1], start), part[:-1]])

        return Rounded(
            shifted(first)(self.values), shifted(0.0)(self.terms), shifted(abs(first))(self.radius)
        )

    def swapaxes(self, one: int, other: int) -> "Rounded":
        """Return the same numbers with two axes exchanged."""
        return self._each(lambda part: part.swapaxes(one, other))

    def sum(self, axis: int, keepdims: bool = False) -> "Rounded":
        """Add up along an axis."""
        terms = np.maximum(self.terms, np.abs(self.values))
        return Rounded(
            self.values.sum(axis=axis, keepdims=keepdims),
            terms.sum(axis=axis, keepdims=keepdims),
            self.radius.sum(axis=axis, keepdims=keepdims),
        )

    def max(self, axis: int, keepdims: bool = False) -> "Rounded":
        """Return the largest along an axis."""
        return Rounded(
            self.values.max(axis=axis, keepdims=keepdims),
            self.terms.max(axis=axis, keepdims=keepdims),
            self.radius.max(axis=axis, keepdims=keepdims),
        )

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *given: Any, **options: Any) -> Any:
        """Apply a NumPy function; comparisons give plain arrays."""
        if method != "__call__" or options:
            return NotImplemented
        if ufunc in _COMPARISONS:
            return ufunc(*(_plain(part) for part in given))
        rule = _RULES.get(ufunc)
        return rule(*map(_rounded, given)) if rule else NotImplemented


def _plain(part: Any) -> Any:
    return part.values if isinstance(part, Rounded) else part


def _rounded(part: Any) -> Rounded:
    """Turn a constant, or a plain array, into an exact ``Rounded``."""
    if isinstance(part, Rounded):
        return part
    values = np.asarray(part, dtype=float)
    return Rounded(values, np.zeros_like(values), np.zeros_like(values))


def _made(values: Array, terms: Array, radius: Array) -> Rounded:
    """Return a new intermediate result, which adds its own rounding."""
    return Rounded(values, np.maximum(terms, np.abs(values)), radius)


def _add(a: Rounded, b: Rounded) -> Rounded:
    return _made(a.values + b.values, a.terms + b.terms, a.radius + b.radius)


def _subtract(a: Rounded, b: Rounded) -> Rounded:
    return _made(a.values - b.values, a.terms + b.terms, a.radius + b.radius)


def _multiply(a: Rounded, b: Rounded) -> Rounded:
    x, y = np.abs(a.values), np.abs(b.values)
    terms = np.maximum(a.terms * y, x * b.terms)
    return _made(a.values * b.values, terms, a.radius * (y + b.radius) + x * b.radius)


def _divide(a: Rounded, b: Rounded) -> Rounded:
    with np.errstate(divide="ignore", invalid="ignore"):
        values = a.values / b.values
        size, below = np.abs(values), np.abs(b.values)
        terms = np.maximum(a.terms, size * b.terms) / below
        farther, nearest = a.radius + size * b.radius, below - b.radius
        return _made(values, terms, np.where(nearest > 0, farther / nearest, np.inf))


def _matmul(a: Rounded, b: Rounded) -> Rounded:
    x, y = np.abs(a.values), np.abs(b.values)
    terms = np.maximum(np.maximum(a.terms @ y, x @ b.terms), x @ y)
    return Rounded(a.values @ b.values, terms, a.radius @ (y + b.radius) + x @ b.radius)


def _growing(
    function: Callable[[Array], Array],
    slope: Callable[[Array, Array], Array],
    least: float = -np.inf,
) -> Callable[[Rounded], Rounded]:
    """Return the rule for a smooth function that grows, and takes arguments from ``least`` on.

    The slope is given in terms of the argument and the value.
    """

    def rule(x: Rounded) -> Rounded:
        with np.errstate(all="ignore"):
            values = function(x.values)
            steep = np.abs(slope(x.values, values))
            # At √0 the slope is infinite, but without an error in x there is none in √x.
            terms, radius = (np.where(part == 0, 0.0, part * steep) for part in (x.terms, x.radius))
            wide = x.radius > _STRAIGHT * np.minimum(1.0, np.abs(x.values))
            if wide.any():
                middle, far = x.values[wide], x.radius[wide]
                below = values[wide] - function(np.maximum(middle - far, least))
                radius[wide] = np.maximum(below, function(middle + far) - values[wide])
            return _made(values, terms, radius)

    return rule


def _picking(choose: np.ufunc) -> Callable[[Rounded, Rounded], Rounded]:
    """Return the rule for maximum or minimum, which keep the chosen number unchanged."""

    def rule(a: Rounded, b: Rounded) -> Rounded:
        values = choose(a.values, b.values)
        first = values == a.values
        radius = np.where(first, a.radius, b.radius)
        if_other = np.abs(a.values - b.values) <= a.radius + b.radius  # it may be the larger one
        radius = np.where(if_other, np.maximum(a.radius, b.radius), radius)
        return Rounded(values, np.where(first, a.terms, b.terms), radius)

    return rule


def _step(x: Rounded, at_0: Rounded) -> Rounded:
    """Return 1 for positive numbers, 0 for negative ones; off by 1 where the sign is in doubt."""
    values = np.heaviside(x.values, at_0.values)
    return Rounded(
        values, np.zeros_like(values), np.asarray(np.abs(x.values) < x.radius, dtype=float)
    )


def _unchanged(change: np.ufunc) -> Callable[[Rounded], Rounded]:
    return lambda x: Rounded(change(x.values), x.terms, x.radius)


_RULES: dict[np.ufunc, Callable[..., Rounded]] = {
    np.add: _add,
    np.subtract: _subtract,
    np.multiply: _multiply,
    np.true_divide: _divide,
    np.matmul: _matmul,
    np.negative: _unchanged(np.negative),
    np.absolute: _unchanged(np.absolute),
    np.heaviside: _step,
    np.maximum: _picking(np.maximum),
    np.minimum: _picking(np.minimum),
    np.square: lambda x: _multiply(x, x),
    np.exp: _growing(np.exp, lambda x, y: y),
    np.log: _growing(np.log, lambda x, y: 1 / x, least=0.0),
    np.sqrt: _growing(np.sqrt, lambda x, y: 0.5 / y, least=0.0),
    np.tanh: _growing(np.tanh, lambda x, y: 1 - y * y),
}
_COMPARISONS = {
    np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.isnan, np.isfinite
}  # fmt: skip
