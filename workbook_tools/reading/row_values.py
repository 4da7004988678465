"""The values in the rows of a table: columns of numbers by symbol, error values beside them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.sheets import Sheet
from workbook_tools.mathematics.reference import stacked
from workbook_tools.mathematics.rounding import Array
from workbook_tools.package.cell_values import CellError
from workbook_tools.package.columns import Calculation
from workbook_tools.texts import is_number

if TYPE_CHECKING:
    import pandas as pd

_ROWS_A_BLOCK = 20_000  # many tables may end soon, far above the end of the sheet


@dataclass
class RowValues:
    """What stands in some rows of a sheet."""

    rows: NDArray[np.int64]  # their numbers, ascending
    values: dict[str, Array]  # (rows,), by symbol; NaN where there is no number
    errors: dict[tuple[int, str], CellError]  # by row number and symbol

    def part(self, places: NDArray[np.generic] | slice) -> "RowValues":
        """Return the rows at these places, with all error values."""
        values = {symbol: column[places] for symbol, column in self.values.items()}
        return RowValues(self.rows[places], values, self.errors)

    def followed_by(self, other: "RowValues") -> "RowValues":
        """Return these rows and those of another part of the sheet below."""
        rows = np.concatenate([self.rows, other.rows])
        values = {s: np.concatenate([column, other.values[s]]) for s, column in self.values.items()}
        return RowValues(rows, values, self.errors | other.errors)

    def has_error(self, symbols: list[str]) -> NDArray[np.bool_]:
        """Tell which cells show an error value, (rows, symbols)."""
        found = np.zeros((len(self.rows), len(symbols)), dtype=bool)
        columns = {symbol: k for k, symbol in enumerate(symbols)}
        places = {row: k for k, row in enumerate(self.rows.tolist())} if self.errors else {}
        for row, symbol in self.errors:
            if row in places and symbol in columns:
                found[places[row], columns[symbol]] = True
        return found

    def filled(self, symbols: list[str]) -> NDArray[np.bool_]:
        """Tell which cells have a number or an error value, (rows, symbols)."""
        return ~np.isnan(stacked(self.values, symbols)) | self.has_error(symbols)

    def frame(self) -> "pd.DataFrame":
        """Return the numbers as a pandas DataFrame, by row number and symbol."""
        import pandas as pd  # only here: a check does without, and starts in half the time

        return pd.DataFrame(self.values, index=self.rows)


def read_values(
    sheet: Sheet,
    first_row: int,
    last_row: int,
    columns: dict[str, int],
    calculation: Calculation,
    over_gaps: bool = False,
) -> RowValues:
    """Return what stands in these rows, down to the first row without a value.

    With ``over_gaps``, down to the last row. ``columns`` are by symbol.
    """
    parts: list[NDArray[np.float64]] = []
    errors: dict[tuple[int, str], CellError] = {}
    symbols: dict[int, list[str]] = {}  # by column
    for symbol, column in columns.items():
        symbols.setdefault(column, []).append(symbol)
    places = {symbol: k for k, symbol in enumerate(columns)}
    for first in range(first_row, last_row + 1, _ROWS_A_BLOCK):
        last = min(first + _ROWS_A_BLOCK - 1, last_row)
        values, others = calculation.numbers(sheet.name, first, last, list(columns.values()))
        filled: NDArray[np.bool_] = np.any(~np.isnan(values), axis=1)
        filled[[row - first for row, _ in others]] = True
        end = len(filled) if over_gaps or filled.all() else int(filled.argmin())
        if all(isinstance(value, str) and is_number(value) for value in others.values()):
            for (row, column), value in others.items():  # arithmetic reads such texts as numbers
                for symbol in symbols[column]:
                    values[row - first, places[symbol]] = float(str(value))
        parts.append(values[:end])
        errors |= {
            (row, symbol): value
            for (row, column), value in others.items()
            if isinstance(value, CellError) and row < first + end
            for symbol in symbols[column]
        }
        if end < len(filled):
            break
    data = np.concatenate(parts) if parts else np.empty((0, len(columns)))
    rows = np.arange(first_row, first_row + len(data))
    return RowValues(rows, dict(zip(columns, data.T, strict=True)), errors)
