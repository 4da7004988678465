"""Arrays that know how far rounding, and the rounding of what they were made from, may go.

A cell's formula and the reference compute the same number in two ways, and floating point
makes them differ a little. How much is right depends on what was added up: 1 − 0.9999999 is
rounded as 1 is. So the reference is worked out with arrays that carry, beside each value,

- ``terms``: the size of what was added up on the way to it; rounding leaves some units in the
  last place of that (a running error analysis, after N. J. Higham, "Accuracy and Stability of
  Numerical Algorithms", 2002, section 3.3, without counting the operations);
- ``inputs``: how much of a relative error in the numbers read comes through (first order); for
  values that were stored with fewer digits than they were calculated with.

The functions of NumPy that the mathematics needs work on them as on plain arrays.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers: TypeAlias = Any  # Array | Rounded: NumPy's type hints know its own arrays only


class Rounded(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of values with their ``terms`` and ``inputs``, all of one shape."""

    def __init__(self, values: Array, terms: Array, inputs: Array) -> None:
        self.values, self.terms, self.inputs = values, terms, inputs

    @classmethod
    def read(cls, values: Array) -> "Rounded":
        """Return numbers as they stand in cells: exact, but perhaps stored with fewer digits."""
        values = np.asarray(values, dtype=float)
        return cls(values, np.zeros_like(values), np.abs(values))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the values."""
        return self.values.shape

    def __getitem__(self, key: Any) -> "Rounded":
        return Rounded(self.values[key], self.terms[key], self.inputs[key])

    def _each(self, change: Callable[[Array], Array]) -> "Rounded":
        return Rounded(change(self.values), change(self.terms), change(self.inputs))

    def reshape(self, *shape: int) -> "Rounded":
        """Return the same numbers in another shape."""
        return self._each(lambda part: part.reshape(*shape))

    def row_above(self, first: float) -> "Rounded":
        """Return what stands one place before along the first axis; ``first`` at its beginning."""

        def shifted(start: float) -> Callable[[Array], Array]:
            return lambda part: np.concatenate([np.full_like(part[:1], start), part[:-1]])

        return Rounded(
            shifted(first)(self.values), shifted(0.0)(self.terms), shifted(abs(first))(self.inputs)
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
            self.inputs.sum(axis=axis, keepdims=keepdims),
        )

    def max(self, axis: int, keepdims: bool = False) -> "Rounded":
        """Return the largest along an axis."""
        return Rounded(
            self.values.max(axis=axis, keepdims=keepdims),
            self.terms.max(axis=axis, keepdims=keepdims),
            self.inputs.max(axis=axis, keepdims=keepdims),
        )

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *given: Any, **options: Any) -> Any:
        """Work a function of NumPy out; comparisons give plain arrays."""
        if method != "__call__" or options:
            return NotImplemented
        if ufunc in _COMPARISONS:
            return ufunc(*(_plain(part) for part in given))
        rule = _RULES.get(ufunc)
        return rule(*map(_rounded, given)) if rule else NotImplemented


def _plain(part: Any) -> Any:
    return part.values if isinstance(part, Rounded) else part


def _rounded(part: Any) -> Rounded:
    """Take a constant, or an array without rounding, as it is."""
    if isinstance(part, Rounded):
        return part
    values = np.asarray(part, dtype=float)
    return Rounded(values, np.zeros_like(values), np.zeros_like(values))


def _made(values: Array, terms: Array, inputs: Array) -> Rounded:
    """Return a new intermediate result, which is rounded itself."""
    return Rounded(values, np.maximum(terms, np.abs(values)), inputs)


def _add(a: Rounded, b: Rounded) -> Rounded:
    return _made(a.values + b.values, a.terms + b.terms, a.inputs + b.inputs)


def _subtract(a: Rounded, b: Rounded) -> Rounded:
    return _made(a.values - b.values, a.terms + b.terms, a.inputs + b.inputs)


def _multiply(a: Rounded, b: Rounded) -> Rounded:
    x, y = np.abs(a.values), np.abs(b.values)
    terms = np.maximum(a.terms * y, x * b.terms)
    return _made(a.values * b.values, terms, a.inputs * y + x * b.inputs)


def _divide(a: Rounded, b: Rounded) -> Rounded:
    with np.errstate(divide="ignore", invalid="ignore"):
        values = a.values / b.values
        size, below = np.abs(values), np.abs(b.values)
        terms = np.maximum(a.terms, size * b.terms) / below
        return _made(values, terms, (a.inputs + size * b.inputs) / below)


def _matmul(a: Rounded, b: Rounded) -> Rounded:
    x, y = np.abs(a.values), np.abs(b.values)
    terms = np.maximum(np.maximum(a.terms @ y, x @ b.terms), x @ y)
    return Rounded(a.values @ b.values, terms, a.inputs @ y + x @ b.inputs)


def _smooth(
    function: Callable[[Array], Array], slope: Callable[[Array, Array], Array]
) -> Callable[[Rounded], Rounded]:
    """Return the rule of a function, from its slope in terms of its argument and its value."""

    def rule(x: Rounded) -> Rounded:
        with np.errstate(all="ignore"):
            values = function(x.values)
            steep = np.abs(slope(x.values, values))
            # At √0 the slope is infinite, and nothing comes through of nothing.
            terms, inputs = (np.where(part == 0, 0.0, part * steep) for part in (x.terms, x.inputs))
            return _made(values, terms, inputs)

    return rule


def _picking(choose: np.ufunc) -> Callable[[Rounded, Rounded], Rounded]:
    """Return the rule of maximum or minimum: the one that is chosen, as it is."""

    def rule(a: Rounded, b: Rounded) -> Rounded:
        values = choose(a.values, b.values)
        first = values == a.values
        return Rounded(
            values, np.where(first, a.terms, b.terms), np.where(first, a.inputs, b.inputs)
        )

    return rule


def _unchanged(change: np.ufunc) -> Callable[[Rounded], Rounded]:
    return lambda x: Rounded(change(x.values), x.terms, x.inputs)


_RULES: dict[np.ufunc, Callable[..., Rounded]] = {
    np.add: _add,
    np.subtract: _subtract,
    np.multiply: _multiply,
    np.true_divide: _divide,
    np.matmul: _matmul,
    np.negative: _unchanged(np.negative),
    np.absolute: _unchanged(np.absolute),
    np.heaviside: lambda x, at_0: _rounded(np.heaviside(x.values, at_0.values)),
    np.maximum: _picking(np.maximum),
    np.minimum: _picking(np.minimum),
    np.square: lambda x: _multiply(x, x),
    np.exp: _smooth(np.exp, lambda x, y: y),
    np.log: _smooth(np.log, lambda x, y: 1 / x),
    np.sqrt: _smooth(np.sqrt, lambda x, y: 0.5 / y),
    np.tanh: _smooth(np.tanh, lambda x, y: 1 - y * y),
}
_COMPARISONS = {
    np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.isnan, np.isfinite
}  # fmt: skip
