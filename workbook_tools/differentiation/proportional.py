"""Tells which numbers of cells, in several draws, are multiples of those of other cells."""

from collections.abc import Iterator

import numpy as np

from workbook_tools.differentiation.tape import Array
from workbook_tools.program.edges import members_of
from workbook_tools.program.memory import Indexes

_CLEAR = 1e-6  # relative; numbers that differ less are equal
_FINE = 1e7  # parts of the largest number, to which rows are compared


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


def matches(numbers: Array, others: Array) -> Iterator[tuple[Indexes, Indexes, Array]]:
    """Yield arrays of rows of numbers, rows of others, and by what the first are multiples of them.

    Rows are left out in which all numbers but zeros are equal, or opposite: such rows are multiples
    of each other by chance.
    """
    known: set[tuple[int, int]] = set()
    for offset in (0.0, 0.5):
        (own, keys), (other, other_keys) = (_keys(rows, offset) for rows in (numbers, others))
        order = np.argsort(other_keys, kind="stable")
        begin = np.searchsorted(other_keys[order], keys)
        end = np.searchsorted(other_keys[order], keys, side="right")
        which, at = members_of(begin, end)
        left, right = own[which], other[order[at]]
        found = factors(numbers[left], others[right])
        is_new = np.isfinite(found)
        if offset:
            pairs = zip(left.tolist(), right.tolist(), strict=True)
            is_new &= np.array([pair not in known for pair in pairs], dtype=bool)
        else:
            known = {*zip(left.tolist(), right.tolist(), strict=True)}
        yield left[is_new], right[is_new], found[is_new]


def _keys(rows: Array, offset: float) -> tuple[Indexes, Indexes]:
    """Return the numbers of rows, and what those have in common that are proportional."""
    at = np.arange(len(rows)), np.abs(rows).argmax(axis=1)
    with np.errstate(all="ignore"):
        ratios = rows / rows[at][:, None]
        spread = np.where(ratios != 0, np.abs(ratios), 1.0).min(axis=1) < 1 - _CLEAR
        is_known = np.isfinite(ratios).all(axis=1) & spread
    rounded = np.floor(ratios[is_known] * _FINE + offset).astype(np.int64)
    keys = np.zeros(len(rounded), dtype=np.int64)
    for k in range(rounded.shape[1]):  # an overflow is as good as any other number
        keys = keys * 1_000_003 + rounded[:, k]
    return np.flatnonzero(is_known), keys
