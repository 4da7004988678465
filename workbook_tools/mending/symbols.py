"""Arrays of formula texts, to run the mathematics of the reference on cell names.

The NumPy functions that the mathematics needs accept them like plain arrays, and like the arrays
that carry their rounding error (``rounding.py``). The result is the formula that a cell should
have.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_SUM, _PRODUCT, _ATOM = range(3)  # precedence of a text's outermost operator


@dataclass(frozen=True)
class Term:
    """A part of a formula; superfluous parentheses, factors 1 and terms 0 are left out."""

    text: str
    binds: int = _ATOM

    @classmethod
    def number(cls, value: float) -> "Term":
        """Write a constant."""
        text = f"{value:.15g}"
        return cls(text, _SUM if value < 0 else _ATOM)

    @property
    def factor(self) -> str:
        """The text, in parentheses if it is a sum."""
        return f"({self.text})" if self.binds == _SUM else self.text

    @property
    def atom(self) -> str:
        """The text, in parentheses if it is a sum or a product."""
        return self.text if self.binds == _ATOM else f"({self.text})"

    def __add__(self, other: "Term") -> "Term":
        if "0" in (self.text, other.text):
            return other if self.text == "0" else self
        sign = "" if other.text.startswith("-") else "+"
        return Term(f"{self.text}{sign}{other.text}", _SUM)

    def __sub__(self, other: "Term") -> "Term":
        if other.text == "0":
            return self
        before = "" if self.text == "0" else self.text
        return Term(f"{before}-{other.factor}", _SUM)

    def __mul__(self, other: "Term") -> "Term":
        if "0" in (self.text, other.text):
            return Term("0")
        if "1" in (self.text, other.text):
            return other if self.text == "1" else self
        return Term(f"{self.factor}*{other.factor}", _PRODUCT)

    def __truediv__(self, other: "Term") -> "Term":
        if other.text == "1":
            return self
        z = self.text.removeprefix("EXP(MIN(").removesuffix(",0))")
        if (self.text, other.text) == (f"EXP(MIN({z},0))", f"1+EXP(-ABS({z}))"):
            return Term(f"1/(1+EXP(-{z}))", _PRODUCT)  # the sigmoid as in textbooks
        return Term(f"{self.factor}/{other.atom}", _PRODUCT)

    def __pow__(self, other: "Term") -> "Term":
        return Term(f"{self.atom}^{other.atom}", _PRODUCT)

    def __neg__(self) -> "Term":
        return Term("0") - self


class Symbols(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of terms."""

    def __init__(self, terms: Any) -> None:
        self.terms = np.array(terms, dtype=object)

    @classmethod
    def of(cls, texts: Sequence[str], *shape: int) -> "Symbols":
        """Return cells, or other texts that need no parentheses, in this shape."""
        return cls(np.array([Term(text) for text in texts], dtype=object).reshape(*shape))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.terms.shape

    @property
    def texts(self) -> list[str]:
        """All texts, the last axis changing fastest."""
        return [term.text for term in self.terms.ravel()]

    def __getitem__(self, key: Any) -> "Symbols":
        return Symbols(self.terms[key])

    def reshape(self, *shape: int) -> "Symbols":
        """Return the same texts in another shape."""
        return Symbols(self.terms.reshape(*shape))

    def swapaxes(self, one: int, other: int) -> "Symbols":
        """Return the same texts with two axes swapped."""
        return Symbols(self.terms.swapaxes(one, other))

    def sum(self, axis: int, keepdims: bool = False) -> "Symbols":
        """Add up along an axis."""
        return Symbols(self.terms.sum(axis=axis, keepdims=keepdims))

    def max(self, axis: int, keepdims: bool = False) -> "Symbols":
        """Return the largest along an axis."""
        along = np.moveaxis(self.terms, axis, 0)
        found = np.empty(along.shape[1:], dtype=object)
        for place in np.ndindex(found.shape):
            found[place] = _call("MAX", *along[(slice(None), *place)])
        return Symbols(np.expand_dims(found, axis) if keepdims else found)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *given: Any, **options: Any) -> Any:
        """Write a NumPy function as the spreadsheet's."""
        rule = _RULES.get(ufunc)
        if method != "__call__" or options or rule is None:
            return NotImplemented
        return Symbols(rule(*map(_terms, given)))


def _terms(part: Any) -> Any:
    """Return the terms of an array, of texts or of numbers."""
    if isinstance(part, Symbols):
        return part.terms
    return np.frompyfunc(Term.number, 1, 1)(np.asarray(part, dtype=float))


def _call(function: str, *arguments: Term) -> Term:
    return Term(f"{function}({','.join(argument.text for argument in arguments)})")


def _function(name: str) -> Callable[..., Any]:
    def rule(*arrays: Any) -> Any:
        return np.frompyfunc(lambda *terms: _call(name, *terms), len(arrays), 1)(*arrays)

    return rule


_RULES: dict[np.ufunc, Callable[..., Any]] = {
    np.add: np.add,
    np.subtract: np.subtract,
    np.multiply: np.multiply,
    np.true_divide: np.true_divide,
    np.negative: np.negative,
    np.power: np.power,
    np.matmul: np.matmul,
    np.square: np.frompyfunc(lambda term: Term(f"{term.atom}^2", _PRODUCT), 1, 1),
    np.heaviside: np.frompyfunc(lambda z, at_0: Term(f"IF({z.text}>0,1,{at_0.text})"), 2, 1),
    np.absolute: _function("ABS"),
    np.maximum: _function("MAX"),
    np.minimum: _function("MIN"),
    np.exp: _function("EXP"),
    np.log: _function("LN"),
    np.sqrt: _function("SQRT"),
    np.tanh: _function("TANH"),
    np.cos: _function("COS"),
    np.floor: _function("INT"),
}
