"""Reads the rows below a header: the numbers in its columns, as far down as the iterations go."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation.quantities import ITERATION, SAMPLE
from workbook_tools.package.cell_values import CellError
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.header_rows import ROWS_BEFORE_THE_FIRST
from workbook_tools.reading.region import Region

Errors = dict[tuple[int, str], CellError]  # error values, by row and symbol

_ROWS_A_BLOCK = 20_000  # many tables may end soon, far above the end of the sheet
_LONGEST_GAP = 100  # rows left empty between iterations
_PARAMETER = re.compile(r"[wb]\d+")


@dataclass(frozen=True)
class RowsBelow:
    """The rows below a header, down to the next header, and the columns of its quantities."""

    sheet: Sheet
    header_row: int
    last_row: int
    columns: dict[str, int]  # symbol -> column
    calculation: Calculation

    def values(
        self, first_row: int, last_row: int | None = None, over_gaps: bool = False
    ) -> tuple[pd.DataFrame, Errors]:
        """Return numbers and error values from one row to another, by default to the last."""
        rows = first_row, self.last_row if last_row is None else last_row
        return read_values(self.sheet, *rows, self.columns, self.calculation, over_gaps)


def read_values(
    sheet: Sheet,
    first_row: int,
    last_row: int,
    columns: dict[str, int],
    calculation: Calculation,
    over_gaps: bool = False,
) -> tuple[pd.DataFrame, Errors]:
    """Return numbers and error values in these rows, down to the first row without a value.

    With ``over_gaps``, down to the last row. Numbers are by row and symbol; other values are NaN.
    """
    parts: list[NDArray[np.float64]] = []
    errors: Errors = {}
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
        if all(isinstance(value, str) and _is_number(value) for value in others.values()):
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
    index = pd.RangeIndex(first_row, first_row + len(data))
    return pd.DataFrame(data, index=index, columns=list(columns)), errors


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_region(below: RowsBelow) -> Region | None:
    """Return the rows below a header as far as the iterations go; None if there are none."""
    columns = below.columns
    values, errors = below.values(_first_row(below))
    computed = _computed(columns)
    if values.empty:
        return None
    few_numbers = 2 * values[computed].iloc[0].notna().sum() < len(computed)
    if few_numbers and len(errors) < len(computed):
        return None
    if SAMPLE not in columns:
        values = _with_rows_below_gaps(below, values, errors)
        values = _without_sums(values, errors)
    return Region(below.sheet, columns, {}, values, errors, _rows_of_an_iteration(values, errors))


def unfinished_rows(region: Region) -> int:
    """Return how many rows at the end have nothing that an iteration computes.

    Such a row may hold data, and the weights that the next iteration would begin with.
    """
    filled = _filled(region.values, region.errors)[_computed(region.columns)]
    return len(filled) - 1 - _last(np.any(filled.to_numpy(), axis=1))


def _first_row(below: RowsBelow) -> int:
    """Return the first row below a header that has numbers in most of its columns."""
    columns = below.columns.values()
    left, right = min(columns), max(columns)
    first = below.header_row + 1
    last = min(first + ROWS_BEFORE_THE_FIRST, below.last_row)
    if first > last:
        return first
    block = below.calculation.block(below.sheet.name, first, left, last, right)
    for row, values in enumerate(block, first):
        own = [values[column - left] for column in columns]
        if 2 * sum(isinstance(value, float | CellError) for value in own) > len(own):
            return row
    return first


def _computed(symbols: Iterable[str]) -> list[str]:
    """Return the quantities that every iteration computes."""
    return [symbol for symbol in symbols if symbol[0] not in "tixwb"]


def _filled(values: pd.DataFrame, errors: Mapping[tuple[int, str], object]) -> pd.DataFrame:
    """Tell which cells have a number or an error value."""
    filled = values.notna().to_numpy(copy=True)
    if errors:
        rows = values.index.get_indexer(pd.Index([row for row, _ in errors]))
        columns = values.columns.get_indexer(pd.Index([symbol for _, symbol in errors]))
        known = (rows >= 0) & (columns >= 0)
        filled[rows[known], columns[known]] = True
    return pd.DataFrame(filled, index=values.index, columns=values.columns)


def _last(marks: NDArray[np.bool_]) -> int:
    """Return the position of the last mark that is set; 0 if none is."""
    return int(np.flatnonzero(marks).max(initial=0))


def _with_rows_below_gaps(below: RowsBelow, values: pd.DataFrame, errors: Errors) -> pd.DataFrame:
    """Return the iterations together with those that go on below rows left empty.

    The error values of the latter are added to ``errors``.
    """
    sheet, columns = below.sheet, below.columns
    computed = _computed(columns)
    parameters = [symbol for symbol in columns if _PARAMETER.fullmatch(symbol)]
    while (begin := int(values.index[-1]) + 2) <= below.last_row:
        last = min(begin + _LONGEST_GAP, below.last_row)
        probe, _ = below.values(begin, last, over_gaps=True)
        full = 2 * probe[computed].notna().sum(axis=1) > len(computed)
        if not full.any():
            break
        begin += int(full.to_numpy().argmax())
        if not any(sheet.formula_at(begin, columns[symbol]) for symbol in parameters):
            break  # another run, from weights of its own
        more, wrong = below.values(begin)
        values = pd.concat([values, more])
        errors |= wrong
    own = [symbol for symbol in columns if symbol[0] not in "tix"]
    filled = values[own].notna().any(axis=1).to_numpy(copy=True)
    filled[np.isin(values.index, [row for row, _ in errors])] = True
    filled[_last(filled) :] = True
    return values if filled.all() else values[filled]


def _without_sums(values: pd.DataFrame, errors: Errors) -> pd.DataFrame:
    """Leave out rows at the end that are no iterations: an average of the losses, for example.

    They have neither most of the weights nor most of what an iteration computes.
    """
    filled = _filled(values, errors)
    symbols = [str(symbol) for symbol in values]
    weights = [symbol for symbol in symbols if _PARAMETER.fullmatch(symbol)]
    full = [
        2 * filled[own].sum(axis=1).to_numpy() >= len(own)
        for own in (weights, _computed(symbols))
        if own
    ]
    return values.iloc[: _last(np.any(full, axis=0)) + 1]


def _rows_of_an_iteration(values: pd.DataFrame, errors: Errors) -> int:
    """Return how many rows each iteration has: one for each of its samples, else 1.

    The first row of an iteration holds its number and the weights; the distance that most such
    rows have from the next is the answer. So one cell more or less, or an error value, does not
    matter.
    """
    if SAMPLE not in values:
        return 1
    marks = [s for s in map(str, values.columns) if s == ITERATION or s[0] == "w"]
    filled = _filled(values, errors)[marks]
    begins = np.flatnonzero(2 * filled.to_numpy().sum(axis=1) >= len(marks))
    if len(begins) < 2:
        return len(values)
    distances, counts = np.unique(np.diff(begins), return_counts=True)
    return int(distances[counts.argmax()])
