"""Numbers in the place of formulas: which columns have them, and how far they were rounded.

Somebody pasted the values of a table, or another program exported them, perhaps with few digits.
A number may be off by half a unit of its last digit then, and so may all that it is compared with.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbook_tools.checking.families import Families
from workbook_tools.checking.rounding import Array

_WHOLE = 13  # significant digits from which on a number is no rounded one


@dataclass(frozen=True)
class Pasted:
    """The numbers of a table that stand where others have formulas."""

    rounding: pd.DataFrame  # how far each may be off, relative to itself; 0 where it is exact
    columns: frozenset[str]  # quantities of which most cells are numbers

    def allowed(self, symbol: str) -> tuple[Array, Array]:
        """Return how far a quantity's numbers may be off, and what they are compared with.

        Both are relative; the second is the worst of a row and the one above.
        """
        own = self.rounding[symbol].to_numpy()
        row = self.rounding.to_numpy().max(axis=1, initial=0.0)
        return own, np.maximum(row, np.concatenate([[0.0], row[:-1]]))


def pasted_numbers(
    values: pd.DataFrame,
    families: Mapping[str, Families],
    worked_out: list[str],
    applicable: Mapping[str, NDArray[np.int64]],
) -> Pasted:
    """Return the numbers of a table that take the place of formulas.

    ``worked_out`` are the quantities that have formulas from the first row on; ``applicable``
    are the positions where a quantity has cells.
    """
    typed = {
        symbol: (families[symbol].numbers < 0) & values[symbol].notna().to_numpy()
        for symbol in families
    }
    columns = frozenset(
        symbol
        for symbol, where in typed.items()
        if 2 * where[applicable[symbol]].sum() >= len(applicable[symbol]) > 0
    )
    digits = [
        _digits(value)
        for symbol in columns.intersection(worked_out)
        for value in values[symbol].to_numpy()[typed[symbol]]
    ]
    rounding = pd.DataFrame(0.0, index=values.index, columns=values.columns)
    if digits and np.median(digits) < _WHOLE:
        for symbol in columns:
            own = values[symbol].to_numpy()
            units = [
                _unit(value) if is_typed else 0.0
                for value, is_typed in zip(own, typed[symbol], strict=True)
            ]
            rounding[symbol] = units
    return Pasted(rounding, columns)


def _digits(value: float) -> int:
    """Return how many significant digits a number is written with."""
    return len(repr(float(abs(value))).split("e")[0].replace(".", "").strip("0"))


def _unit(value: float) -> float:
    """Return half a unit of a number's last digit, relative to the number."""
    if not value:
        return 0.0
    size = int(np.floor(np.log10(abs(value))))
    return float(0.5 * 10.0 ** (size + 1 - _digits(value)) / abs(value))
