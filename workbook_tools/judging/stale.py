"""Finds values that are out of date: the file stores another value than the cell's formula gives.

Spreadsheet programs leave such values if they are told not to recalculate, and other programs write
files without calculating. Cells that were calculated from a stale value agree with it. So each cell
is compared with what the stored values of its neighbours give.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.families import Families, stretches
from workbook_tools.formulas.references import Area, areas
from workbook_tools.judging.faults import Fault, Kind, message, plain
from workbook_tools.judging.grounds import Grounds
from workbook_tools.mathematics.reference import stacked
from workbook_tools.notation.addresses import cell_name
from workbook_tools.package.cell_values import CellError
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.cells import number_at
from workbook_tools.reading.row_values import read_values
from workbook_tools.reading.table import Table

_SAME = 1e-9  # relative; programs round the last digits differently


def stale_values(
    grounds: Grounds,
    families: dict[str, Families],
    stored: Calculation,
    known: Collection[Fault],
) -> Iterator[Fault]:
    """Yield faults about stretches of formula cells whose ``stored`` values are out of date.

    Cells with a fault among ``known`` are left out, and so are cells that read one: their values
    are out of date because that cell was changed.
    """
    table = grounds.table
    rows = (table.first_row, table.last_row)
    found = read_values(table.sheet, *rows, table.columns, stored, over_gaps=True)
    found = found.part(table.rows - table.first_row)
    for symbol, cell in table.single.items():
        found.values[symbol] = np.full(len(found.rows), number_at(cell, stored))
    symbols = [*table.values]
    now, then = stacked(table.values, symbols), stacked(found.values, symbols)
    is_error = found.has_error(symbols)
    differs = is_error | ~np.isnan(then)
    differs &= ~np.isclose(then, now, rtol=_SAME, atol=0.0) & ~np.isnan(now)
    if not differs.any():
        return
    rate = number_at(table.rate_cell, stored) if table.rate_cell else table.rate
    expected = grounds.expected(found.values, rate, stored)
    rows_of_known: dict[tuple[str, int], list[int]] = {}  # by sheet and column
    for fault in known:
        rows_of_known.setdefault((fault.sheet, fault.column), []).extend(fault.rows)
    for own in rows_of_known.values():
        own.sort()
    for symbol in table.columns:
        k = symbols.index(symbol)
        right = expected.values[symbol]
        off = np.abs(then[:, k] - right) > expected.allowed(symbol, stored.tolerance)
        stale = is_error[:, k] & ~np.isnan(right) | off
        column = differs[:, k] & stale & (families[symbol].numbers >= 0)
        for place in np.flatnonzero(column):
            column[place] = not _known(grounds, symbol, table.row_of(int(place)), rows_of_known)
        for is_stale, places in stretches(column, np.arange(len(column))):
            if is_stale:
                difference = np.nan_to_num(np.abs(then - now)[places, k], nan=np.inf)
                worst = int(places[difference.argmax()])
                error = found.errors.get((table.row_of(worst), symbol))
                yield _fault(table, symbol, places, worst, then[worst, k], error, now[worst, k])


def _fault(
    table: Table,
    symbol: str,
    places: NDArray[np.int64],
    worst: int,
    value: float,
    error: CellError | None,
    now: float,
) -> Fault:
    column = table.columns[symbol]
    rows = tuple(table.rows[places].tolist())
    shown = error.code if error else plain(value)
    cell = cell_name(table.row_of(worst), column)
    return Fault(
        kind=Kind.STALE_VALUE,
        quantity=symbol,
        sheet=table.sheet.name,
        column=column,
        rows=rows,
        formula=table.sheet.formula_at(rows[0], column),
        value=shown,
        expected=plain(now),
        max_rel_error=plain(abs(value - now) / abs(now)) if now else None,
        message=message(Kind.STALE_VALUE, symbol, cell, shown, plain(now), True),
    )


def _known(
    grounds: Grounds, symbol: str, row: int, known: Mapping[tuple[str, int], Sequence[int]]
) -> bool:
    """Tell whether a cell has a fault, or reads a cell that has one.

    ``known`` are the rows of cells with faults, in order, by sheet and column.
    """
    sheet, column = grounds.table.sheet, grounds.table.columns[symbol]
    read = areas(sheet.formula_at(row, column) or "")
    for area in [Area(sheet.name, row, column, row, column), *read]:
        for (name, own_column), rows in known.items():
            if (
                name == (area.sheet or sheet.name)
                and area.first_column <= own_column <= area.last_column
            ):
                after = bisect_left(rows, area.first_row)
                if after < len(rows) and rows[after] <= area.last_row:
                    return True
    return False
