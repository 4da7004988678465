"""Tells which numbers of cells, in several draws, are multiples of those of other cells."""

from collections.abc import Iterator

import numpy as np

from workbook_tools.differentiation.tape import Array
from workbook_tools.program.edges import members_of
from workbook_tools.program.memory import Indexes

_CLEAR = 1e-6  # relative; numbers that differ less are equal
_FINE = 1e7  # parts of the largest number, to which rows are compared
_OFFSETS = (0.0, 0.5)  # of the roundings: numbers that differ little are equal after one of them


def factors(numbers: Array, others: Array, noise: Array | float = 0.0) -> Array:
    """Return by what rows are multiples of others, (rows,); NaN where they are not.

    Both are (rows, draws). A row of zeros is no multiple, and has none. ``noise`` is by what the
    numbers may be off because they are differences of larger ones, (rows,).
    """
    at = np.arange(len(others)), np.abs(others).argmax(axis=1)
    with np.errstate(all="ignore"):
        factor = numbers[at] / others[at]
        off = np.abs(numbers - factor[:, None] * others).max(axis=1)
        largest = np.abs(numbers).max(axis=1)
        is_one = np.isfinite(factor) & (factor != 0) & (off <= _CLEAR * largest + noise)
    return np.where(is_one, factor, np.nan)


def rounded(numbers: Array, digits: int = 6) -> Array:
    """Return numbers as they read with so many significant digits; others, such as NaN, stay."""
    with np.errstate(all="ignore"):
        scale = 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(numbers))))
        near = np.round(numbers * scale) / scale
    near = np.where(np.isfinite(near), near, numbers)
    few, which = np.unique(near, return_inverse=True)
    # A product with a power of 10 need not be the number that a decimal fraction means.
    return np.array([float(f"{one:.{digits}g}") for one in few.tolist()], dtype=float)[which]


def most_frequent(numbers: Array) -> float:
    """Return the most frequent of some numbers; those that differ in the last digits are one."""
    _, which, counts = np.unique(rounded(numbers), return_inverse=True, return_counts=True)
    return float(np.median(numbers[which == counts.argmax()]))


def matches(numbers: Array, others: Array) -> Iterator[tuple[Indexes, Indexes, Array]]:
    """Yield arrays of rows of numbers, rows of others, and by what the first are multiples of them.

    Rows are left out in which all numbers but zeros are equal, or opposite: such rows are multiples
    of each other by chance.
    """
    (own, ratios), (other, other_ratios) = map(_ratios, (numbers, others))
    every = [(_keys(ratios, offset), _keys(other_ratios, offset)) for offset in _OFFSETS]
    for k, (keys, other_keys) in enumerate(every):
        order = np.argsort(other_keys, kind="stable")
        begin = np.searchsorted(other_keys[order], keys)
        end = np.searchsorted(other_keys[order], keys, side="right")
        left, at = members_of(begin, end)
        right = order[at]
        for old, other_old in every[:k]:
            is_new = old[left] != other_old[right]
            left, right = left[is_new], right[is_new]
        left, right = own[left], other[right]
        found = factors(numbers[left], others[right])
        is_one = np.isfinite(found)
        yield left[is_one], right[is_one], found[is_one]


def _ratios(rows: Array) -> tuple[Indexes, Array]:
    """Return the numbers of rows that may be compared, and these by their largest number each."""
    at = np.arange(len(rows)), np.abs(rows).argmax(axis=1)
    with np.errstate(all="ignore"):
        ratios = rows / rows[at][:, None]
        spread = np.where(ratios != 0, np.abs(ratios), 1.0).min(axis=1) < 1 - _CLEAR
        kept = np.flatnonzero(np.isfinite(ratios).all(axis=1) & spread)
    return kept, ratios[kept]


def _keys(ratios: Array, offset: float) -> Indexes:
    """Return what rows have in common that are proportional."""
    rounded = np.floor(ratios * _FINE + offset).astype(np.int64)
    keys = np.zeros(len(rounded), dtype=np.int64)
    for k in range(rounded.shape[1]):  # an overflow is as good as any other number
        keys = keys * 1_000_003 + rounded[:, k]
    return keys
