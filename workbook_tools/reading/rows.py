"""Reads the rows below a header: the numbers in its columns, as far down as the iterations go."""

import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.sheets import Sheet
from workbook_tools.mathematics.reference import stacked
from workbook_tools.notation.quantities import ITERATION, SAMPLE
from workbook_tools.package.cell_values import CellError
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.header_rows import ROWS_BEFORE_THE_FIRST
from workbook_tools.reading.region import Region
from workbook_tools.reading.row_values import RowValues, read_values

_LONGEST_GAP = 100  # rows left empty between iterations
_PARAMETER = re.compile(r"[wb]\d+")


class RowsBelow(NamedTuple):
    """The rows below a header, down to the next header, and the columns of its quantities."""

    sheet: Sheet
    header_row: int
    last_row: int
    columns: dict[str, int]  # symbol -> column
    calculation: Calculation

    def values(
        self, first_row: int, last_row: int | None = None, over_gaps: bool = False
    ) -> RowValues:
        """Return what stands in the rows from one to another, by default to the last."""
        rows = first_row, self.last_row if last_row is None else last_row
        return read_values(self.sheet, *rows, self.columns, self.calculation, over_gaps)


def read_region(below: RowsBelow) -> Region | None:
    """Return the rows below a header as far as the iterations go; None if there are none."""
    columns = below.columns
    found = below.values(_first_row(below))
    computed = _computed(columns)
    if not len(found.rows):
        return None
    numbers = [symbol for symbol in computed if not np.isnan(found.values[symbol][0])]
    if 2 * len(numbers) < len(computed) and len(found.errors) < len(computed):
        return None
    if SAMPLE not in columns:
        found = _without_sums(_with_rows_below_gaps(below, found))
    return Region(**vars(found), sheet=below.sheet, columns=columns, single={}, block=_block(found))


def unfinished_rows(region: Region) -> int:
    """Return how many rows at the end have nothing that an iteration computes.

    Such a row may hold data, and the weights that the next iteration would begin with.
    """
    filled = region.filled(_computed(region.columns))
    return len(filled) - 1 - _last(np.any(filled, axis=1))


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


def _last(marks: NDArray[np.bool_]) -> int:
    """Return the position of the last mark that is set; 0 if none is."""
    return int(np.flatnonzero(marks).max(initial=0))


def _with_rows_below_gaps(below: RowsBelow, found: RowValues) -> RowValues:
    """Return the iterations together with those that go on below rows left empty."""
    sheet, columns = below.sheet, below.columns
    computed = _computed(columns)
    parameters = [symbol for symbol in columns if _PARAMETER.fullmatch(symbol)]
    while (begin := int(found.rows[-1]) + 2) <= below.last_row:
        last = min(begin + _LONGEST_GAP, below.last_row)
        probe = below.values(begin, last, over_gaps=True).values
        full = 2 * np.sum(~np.isnan(stacked(probe, computed)), axis=1) > len(computed)
        if not full.any():
            break
        begin += int(full.argmax())
        if not any(sheet.formula_at(begin, columns[symbol]) for symbol in parameters):
            break  # another run, from weights of its own
        found = found.followed_by(below.values(begin))
    own = [symbol for symbol in columns if symbol[0] not in "tix"]
    filled = np.any(~np.isnan(stacked(found.values, own)), axis=1)
    filled[np.isin(found.rows, [row for row, _ in found.errors])] = True
    filled[_last(filled) :] = True
    return found if filled.all() else found.part(filled)


def _without_sums(found: RowValues) -> RowValues:
    """Leave out rows at the end that are no iterations: an average of the losses, for example.

    They have neither most of the weights nor most of what an iteration computes.
    """
    weights = [symbol for symbol in found.values if _PARAMETER.fullmatch(symbol)]
    full = [
        2 * found.filled(own).sum(axis=1) >= len(own)
        for own in (weights, _computed(found.values))
        if own
    ]
    return found.part(slice(_last(np.any(full, axis=0)) + 1))


def _block(found: RowValues) -> int:
    """Return how many rows each iteration has: one for each of its samples, else 1.

    The first row of an iteration holds its number and the weights; the distance that most such
    rows have from the next is the answer. So one cell more or less, or an error value, does not
    matter.
    """
    if SAMPLE not in found.values:
        return 1
    marks = [symbol for symbol in found.values if symbol == ITERATION or symbol[0] == "w"]
    begins = np.flatnonzero(2 * found.filled(marks).sum(axis=1) >= len(marks))
    if len(begins) < 2:
        return len(found.rows)
    distances, counts = np.unique(np.diff(begins), return_counts=True)
    return int(distances[counts.argmax()])
