"""Finds columns of numbers in place of formulas, and how far the numbers were rounded.

Somebody may have pasted the values of a table, or another program may have exported them, perhaps
with few digits. Then each number may be off by half a unit of its last digit, and so may those that
it is compared with.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.families import Families
from workbook_tools.mathematics.rounding import Array
from workbook_tools.package.stored_values import significant_digits

_WHOLE = 13  # significant digits; a number with as many was not rounded


class Pasted(NamedTuple):
    """The numbers of a table that stand where other tables have formulas."""

    rounding: Mapping[str, Array]  # how far each may be off, relative to itself; 0 if exact
    columns: frozenset[str]  # quantities of which most cells are numbers

    def allowed(self, symbol: str) -> tuple[Array, Array]:
        """Return how far a quantity's numbers may be off, and those that they are compared with.

        Both are relative. The second is the largest in a row and the one above.
        """
        own = self.rounding[symbol]
        row = np.max([*self.rounding.values()], axis=0, initial=0.0)
        return own, np.maximum(row, np.concatenate([[0.0], row[:-1]]))


def pasted_numbers(
    values: Mapping[str, Array],
    families: Mapping[str, Families],
    computed: Collection[str],
    data: Collection[str],
    applicable: Mapping[str, slice],
) -> Pasted:
    """Return the numbers of a table that stand in place of formulas.

    ``computed`` are the quantities that have formulas from the first row on. ``data`` are numbers
    in every table, and exact. ``applicable`` are the positions where a quantity has cells.
    """
    typed: dict[str, NDArray[np.bool_]] = {}
    for symbol, own in families.items():
        bare = own.numbers[applicable[symbol]] < 0
        if 2 * bare.sum() >= len(bare) > 0:
            is_typed = (own.numbers < 0) & ~np.isnan(values[symbol])
            if 2 * is_typed[applicable[symbol]].sum() >= len(bare):
                typed[symbol] = is_typed
    columns = frozenset(typed)
    digits = [
        significant_digits(value)
        for symbol in columns.intersection(computed)
        for value in values[symbol][typed[symbol]]
    ]
    rounding = {symbol: np.zeros_like(values[symbol]) for symbol in columns}
    if digits and np.median(digits) < _WHOLE:
        for symbol in columns.difference(data):
            where = typed[symbol]
            rounding[symbol][where] = _units(values[symbol][where])
    return Pasted(rounding, columns)


def _units(numbers: Array) -> Array:
    """Return half a unit of the last digit of numbers that were rounded alike, relative to each.

    They may be rounded to significant digits or to decimals, which cannot be told apart, because
    zeros at the end are not written. So the larger unit is taken.
    """
    digits = max((significant_digits(number) for number in numbers), default=0)
    sizes = np.floor(np.log10(np.abs(np.where(numbers, numbers, 1.0))))
    decimals = max(
        (
            significant_digits(number) - 1 - size
            for number, size in zip(numbers, sizes, strict=True)
        ),
        default=0,
    )
    units = 0.5 * np.maximum(10.0 ** (sizes + 1 - digits), 10.0**-decimals)
    return np.asarray(units / np.abs(np.where(numbers, numbers, 1.0)))
