"""Finds out how far the numbers of a table were rounded that stand in place of formulas.

Somebody may have pasted the values of a table, or another program may have exported them, perhaps
with few digits. Then each number may be off by half a unit of its last digit. Numbers are rounded
to decimals or to significant digits; which of the two cannot be seen in a number, because zeros at
the end are not written. It can be seen in several numbers that were rounded alike.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from workbook_tools.mathematics.rounding import Array
from workbook_tools.package.stored_values import significant_digits

Cells = NDArray[np.bool_]  # which ones of a column

# Of so many different numbers, one at least does not end in 0: all do in one of 10,000 cases.
_ENOUGH = 4


class Digits(NamedTuple):
    """With how many digits numbers were written that were rounded alike."""

    decimals: int  # after the point; negative where the digits before it end in zeros
    significant: int

    @classmethod
    def of(cls, numbers: Array) -> Self:
        """Return the most digits of any of the numbers, of which one at least is not 0."""
        significant = np.array([significant_digits(number) for number in numbers.tolist()])
        return cls(int((significant - 1 - _sizes(numbers)).max()), int(significant.max()))

    def halves(self, numbers: Array) -> Array:
        """Return half a unit of the last digit of each number.

        Both ways of rounding explain the numbers; the larger unit is taken. A zero has no
        significant digits.
        """
        of_significant = np.where(numbers, 10.0 ** (_sizes(numbers) + 1 - self.significant), 0.0)
        return np.asarray(0.5 * np.maximum(10.0**-self.decimals, of_significant))


def halves_of(
    values: Mapping[str, Array],
    pasted: Mapping[str, Cells],
    data: Collection[str],
    data_are_rounded: bool = False,
) -> dict[str, Array]:
    """Return half a unit of the last digit of pasted numbers, by quantity; of other cells it is 0.

    ``pasted`` tells which cells of a quantity are such numbers. ``data`` are numbers in every
    table. They have as many digits as they need, and only are rounded like other numbers if
    ``data_are_rounded``.
    """
    numbers = {symbol: values[symbol][cells] for symbol, cells in pasted.items()}
    worked_out = [symbol for symbol in pasted if symbol not in data]
    of_table = _digits(numbers[symbol] for symbol in worked_out)
    if not of_table:
        return {}
    found = {}
    for symbol, cells in pasted.items():
        if symbol not in data:
            alike = [other for other in worked_out if _kind(other) == _kind(symbol)]
            own = _digits([numbers[symbol]]) or _digits(numbers[other] for other in alike)
        else:
            own = _digits([numbers[symbol]], enough=1) if data_are_rounded else None
        halves = np.zeros_like(values[symbol])
        halves[cells] = (own or of_table).halves(numbers[symbol])
        found[symbol] = halves
    return found


def _kind(symbol: str) -> str:
    """Return what quantities have in common that usually have the same format, such as all w."""
    return symbol.rstrip("0123456789")


def _digits(columns: Iterable[Array], enough: int = _ENOUGH) -> Digits | None:
    """Return the digits of numbers that were rounded alike; None if there are not enough."""
    different = np.unique(np.abs(np.concatenate([np.empty(0), *columns])))
    different = different[different > 0]
    return Digits.of(different) if len(different) >= enough else None


def _sizes(numbers: Array) -> Array:
    """Return the power of ten of each number's first digit; 0 for 0."""
    return np.asarray(np.floor(np.log10(np.abs(np.where(numbers, numbers, 1.0)))))
