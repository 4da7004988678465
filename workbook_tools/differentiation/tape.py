"""Arrays that remember how they were worked out, so that derivatives can be pulled back.

Every operation stands beside its derivative. At kinks the derivatives are PyTorch's: 0 for |x| at
0; of equal numbers, the first is the largest. Nothing here knows formulas or cells.

All arrays have four axes: rows and columns of a range or array (1 and 1 for a single value), the
cells that hold the same formula, and draws of numbers. Axes of length 1 are broadcast.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Pull: TypeAlias = Callable[[Array], Array]  # from the derivative by a result to that by an operand


class Traced:
    """An array of numbers, and how it was worked out."""

    __slots__ = ("filled", "is_asked", "links", "value")

    def __init__(
        self,
        value: Array,
        links: Sequence[tuple["Traced", Pull]] = (),
        is_asked: bool = False,
        filled: NDArray[np.bool_] | None = None,
    ) -> None:
        """``is_asked`` marks an array by which is differentiated.

        ``filled`` tells which elements are numbers, not empty cells or texts; None: all are.
        """
        self.value = value
        self.links = tuple(links)
        self.is_asked = is_asked
        self.filled = filled

    @property
    def matters(self) -> bool:
        """Whether it depends on an array by which is differentiated."""
        return self.is_asked or bool(self.links)


def constant(value: float | Array) -> Traced:
    """Return numbers that do not depend on anything."""
    own = np.asarray(value, dtype=float)
    return Traced(own if own.ndim else own.reshape(1, 1, 1, 1))


def pulled_back(result: Traced, seed: Array) -> dict[int, Array]:
    """Return the derivatives by all arrays that are asked, by their ``id``.

    ``seed`` is the derivative by the result; along axes of length 1 of the result it is added up.
    """
    found: dict[int, Array] = {}
    waiting = {id(result): _summed_to(seed, result.value.shape)}
    for one in reversed(_in_order(result)):
        if id(one) not in waiting:
            continue
        own = waiting.pop(id(one))
        if one.is_asked:
            found[id(one)] = own
        for operand, pull in one.links:
            part = _summed_to(pull(own), operand.value.shape)
            waiting[id(operand)] = waiting.get(id(operand), 0.0) + part
    return found


def _in_order(result: Traced) -> list[Traced]:
    """Return all that a result was worked out from, operands first."""
    order: list[Traced] = []
    seen: set[int] = set()
    stack = [(result, False)]
    while stack:
        one, is_done = stack.pop()
        if is_done:
            order.append(one)
        elif id(one) not in seen:
            seen.add(id(one))
            stack.append((one, True))
            stack += [(operand, False) for operand, _ in one.links]
    return order


def _summed_to(derivative: Array, shape: tuple[int, ...]) -> Array:
    """Add up along the axes along which an operand was broadcast."""
    derivative = np.broadcast_to(derivative, np.broadcast_shapes(derivative.shape, shape))
    axes = tuple(k for k, size in enumerate(shape) if size == 1 and derivative.shape[k] > 1)
    return derivative.sum(axis=axes, keepdims=True) if axes else derivative


def _times(derivative: Array, slope: Array | float) -> Array:
    """Multiply, where 0 times an infinite slope is 0: a branch that is not taken has none."""
    product = np.asarray(derivative * slope)
    if np.isfinite(product).all():
        return product
    return np.asarray(np.where(derivative == 0, 0.0, product))


def _made(value: Array, *links: tuple[Traced, Pull]) -> Traced:
    return Traced(value, [link for link in links if link[0].matters])


# Arithmetic


def add(a: Traced, b: Traced) -> Traced:
    """Return a + b."""
    return _made(a.value + b.value, (a, lambda g: g), (b, lambda g: g))


def subtract(a: Traced, b: Traced) -> Traced:
    """Return a − b."""
    return _made(a.value - b.value, (a, lambda g: g), (b, lambda g: -g))


def multiply(a: Traced, b: Traced) -> Traced:
    """Return a b."""
    x, y = a.value, b.value
    return _made(x * y, (a, lambda g: _times(g, y)), (b, lambda g: _times(g, x)))


def divide(a: Traced, b: Traced) -> Traced:
    """Return a / b."""
    x, y = a.value, b.value
    value = np.where(y == 0, np.nan, x / y)
    return _made(value, (a, lambda g: _times(g, 1 / y)), (b, lambda g: _times(g, -value / y)))


def power(a: Traced, b: Traced) -> Traced:
    """Return a to the power b: ∂/∂a = b a^(b − 1), ∂/∂b = a^b ln a."""
    x, y = a.value, b.value
    value = np.where((x == 0) & (y <= 0), np.nan, np.power(x, y))
    by_base = np.where(y == 0, 0.0, y * np.power(x, y - 1))
    links: list[tuple[Traced, Pull]] = [(a, lambda g: _times(g, by_base))]
    if b.matters:
        by_exponent = np.where(value == 0, 0.0, value * np.log(x))
        links.append((b, lambda g: _times(g, by_exponent)))
    return _made(value, *links)


def angle(x: Traced, y: Traced) -> Traced:
    """Return ATAN2(x, y), the angle of a point: ∂/∂x = −y/(x² + y²), ∂/∂y = x/(x² + y²)."""
    a, b = x.value, y.value
    square = a * a + b * b
    value = np.where(square == 0, np.nan, np.arctan2(b, a))
    return _made(value, (x, lambda g: _times(g, -b / square)), (y, lambda g: _times(g, a / square)))


def negative(a: Traced) -> Traced:
    """Return −a."""
    return _made(-a.value, (a, lambda g: -g))


def of_one(
    function: Callable[[Array], Array], slope: Callable[[Array, Array], Array]
) -> Callable[[Traced], Traced]:
    """Return a function of one number, given its slope in terms of argument and value."""

    def traced(a: Traced) -> Traced:
        value = function(a.value)
        steep = slope(a.value, value) if a.matters else value
        return _made(value, (a, lambda g: _times(g, steep)))

    return traced


FUNCTIONS_OF_ONE: dict[str, Callable[[Traced], Traced]] = {
    name: of_one(function, slope)
    for name, (function, slope) in {
        "EXP": (np.exp, lambda x, y: y),
        "LN": (np.log, lambda x, y: 1 / x),
        "LOG10": (np.log10, lambda x, y: 1 / (x * np.log(10.0))),
        "SQRT": (np.sqrt, lambda x, y: 0.5 / y),
        "ABS": (np.abs, lambda x, y: np.sign(x)),
        "SIN": (np.sin, lambda x, y: np.cos(x)),
        "COS": (np.cos, lambda x, y: -np.sin(x)),
        "TAN": (np.tan, lambda x, y: 1 + y * y),
        "ASIN": (np.arcsin, lambda x, y: 1 / np.sqrt(1 - x * x)),
        "ACOS": (np.arccos, lambda x, y: -1 / np.sqrt(1 - x * x)),
        "ATAN": (np.arctan, lambda x, y: 1 / (1 + x * x)),
        "SINH": (np.sinh, lambda x, y: np.cosh(x)),
        "COSH": (np.cosh, lambda x, y: np.sinh(x)),
        "TANH": (np.tanh, lambda x, y: 1 - y * y),
        "ASINH": (np.arcsinh, lambda x, y: 1 / np.sqrt(1 + x * x)),
        "ACOSH": (np.arccosh, lambda x, y: 1 / np.sqrt(x * x - 1)),
        "ATANH": (np.arctanh, lambda x, y: 1 / (1 - x * x)),
        "DEGREES": (np.degrees, lambda x, y: np.full_like(x, 180 / np.pi)),
        "RADIANS": (np.radians, lambda x, y: np.full_like(x, np.pi / 180)),
    }.items()
}


def chosen(condition: NDArray[np.bool_], one: Traced, other: Traced) -> Traced:
    """Return the elements of ``one`` where the condition holds, else those of ``other``."""
    return _made(
        np.where(condition, one.value, other.value),
        (one, lambda g: np.where(condition, g, 0.0)),
        (other, lambda g: np.where(condition, 0.0, g)),
    )


def unknown(value: Array, operands: Sequence[Traced], told: Callable[[], None]) -> Traced:
    """Return numbers that depend on others in a way that has no known derivative: it is NaN.

    ``told`` is called if it is asked for, which it is not where what was made of them does not
    matter.
    """

    def pull_to(operand: Traced) -> Pull:
        def pull(g: Array) -> Array:
            is_asked = (g != 0).any(axis=(0, 1), keepdims=True)
            if is_asked.any():
                told()
            shape = np.broadcast_shapes(is_asked.shape, operand.value.shape)
            return np.broadcast_to(np.where(is_asked, np.nan, 0.0), shape)

        return pull

    return _made(value, *((operand, pull_to(operand)) for operand in operands))


# Arrays


def joined(parts: Sequence[Traced]) -> Traced:
    """Return all elements of some arrays in one column, with 0 for what is no number."""
    shape = np.broadcast_shapes(*(part.value.shape[2:] for part in parts))
    columns = [_column(part, shape) for part in parts]
    links: list[tuple[Traced, Pull]] = []
    end = 0
    for column in columns:
        begin, end = end, end + len(column.value)
        links.append((column, lambda g, begin=begin, end=end: g[begin:end]))  # type: ignore[misc]
    filled = [
        np.broadcast_to(True if c.filled is None else c.filled, (len(c.value), 1, *shape))
        for c in columns
    ]
    found = _made(np.concatenate([column.value for column in columns]), *links)
    found.filled = np.concatenate(filled)
    return found


def _column(part: Traced, shape: tuple[int, ...]) -> Traced:
    """Return an array as one column (elements, 1, …), with 0 for what is no number."""
    height, width = part.value.shape[:2]
    value, filled = np.broadcast_to(part.value, (height, width, *shape)), part.filled
    if filled is not None:
        value = np.where(filled, value, 0.0)
        filled = np.broadcast_to(filled, value.shape).reshape(height * width, 1, *shape)

    def pull(g: Array) -> Array:
        back = g.reshape(height, width, *g.shape[2:])
        return back if part.filled is None else np.where(part.filled, back, 0.0)

    found = _made(value.reshape(height * width, 1, *shape), (part, pull))
    found.filled = filled
    return found


def total(a: Traced) -> Traced:
    """Return the sum of the elements."""
    shape = a.value.shape
    value = a.value.sum(axis=(0, 1), keepdims=True)
    return _made(value, (a, lambda g: np.broadcast_to(g, shape)))


def largest(a: Traced, shares: bool = False) -> Traced:
    """Return the largest number of a column.

    Of equal ones, the first has the derivative, or they share it.
    """
    numbers = a.value if a.filled is None else np.where(a.filled, a.value, -np.inf)
    value = numbers.max(axis=0, keepdims=True)
    is_largest = numbers == value
    if shares:
        part = is_largest / np.maximum(1, is_largest.sum(axis=0, keepdims=True))
    else:
        part = (is_largest & (is_largest.cumsum(axis=0) == 1)).astype(float)
    return _made(value, (a, lambda g: _times(np.broadcast_to(g, part.shape), part)))


def ordered(a: Traced) -> Traced:
    """Return the numbers of a column, the smallest first; what is no number comes last, as ∞."""
    numbers = a.value if a.filled is None else np.where(a.filled, a.value, np.inf)
    order = np.argsort(numbers, axis=0, kind="stable")
    back = np.argsort(order, axis=0, kind="stable")
    value = np.take_along_axis(numbers, order, axis=0)

    def pull(g: Array) -> Array:
        return np.take_along_axis(np.broadcast_to(g, value.shape), back, axis=0)

    return _made(value, (a, pull))


def transposed(a: Traced) -> Traced:
    """Return an array with rows and columns exchanged."""
    return _made(a.value.swapaxes(0, 1), (a, lambda g: g.swapaxes(0, 1)))


def matrix_product(a: Traced, b: Traced) -> Traced:
    """Return the product of two matrices: ∂/∂A = G Bᵀ, ∂/∂B = Aᵀ G."""

    def product(x: Array, y: Array, indices: str) -> Array:
        return np.asarray(np.einsum(indices, x, y, optimize=True))

    x, y = a.value, b.value
    return _made(
        product(x, y, "ij...,jk...->ik..."),
        (a, lambda g: product(g, y, "ik...,jk...->ij...")),
        (b, lambda g: product(x, g, "ij...,ik...->jk...")),
    )


def picked(a: Traced, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Traced:
    """Return one element of an array in each cell and draw, by its row and column from 0."""
    height, width = a.value.shape[:2]
    lanes = np.broadcast_shapes(rows.shape, columns.shape, a.value.shape[2:])
    value = np.broadcast_to(a.value, (height, width, *lanes))
    cells, draws = np.ogrid[: lanes[0], : lanes[1]]
    at = np.broadcast_to(rows, lanes), np.broadcast_to(columns, lanes), cells, draws

    def pull(g: Array) -> Array:
        back = np.zeros((height, width, *lanes))
        back[at] = np.broadcast_to(g, (1, 1, *lanes))[0, 0]
        return back

    return _made(value[at][None, None], (a, pull))
