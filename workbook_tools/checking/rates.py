"""Finds the learning rate of a table: by its labels, and by what the updates of weights read.

People write it beside a label on any side, in a row of rates of which one is used, in a column
(one rate an iteration), or into the formulas as a number. So the formulas are asked first: the
cell that most updates read is the rate, unless exactly one other cell is labelled as such.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from workbook_tools.checking.cells import Cell, number_at
from workbook_tools.checking.labels import is_rate_label, may_be_rate_label
from workbook_tools.checking.sheets import Sheet
from workbook_tools.engines import Calculation
from workbook_tools.engines.embedded import evaluate
from workbook_tools.notation import gradient_symbol
from workbook_tools.references import MAX_COLUMNS, Area, areas

_FARTHEST_RIGHT, _FARTHEST_BELOW = 3, 2  # cells from a label to its number
_CLOSE = 1e-6  # relative; of a number typed into formulas, worked out from what they give


@dataclass(frozen=True)
class Rate:
    """A learning rate: its cell, if it has one, its value, and how it was found."""

    cell: Cell | None
    value: float
    how: str


NO_RATE = Rate(None, math.nan, "no learning rate was found")


def find_rate(
    sheet: Sheet,
    columns: Mapping[str, int],
    header_row: int,
    first_row: int,
    last_row: int,
    block: int,
    calculation: Calculation,
) -> Rate:
    """Return the learning rate of a table in these columns and rows."""
    row = first_row + block  # of the second iteration, where the first updates stand
    labelled = _labelled(sheet, header_row, calculation)
    own = set(columns.values())
    read: Counter[Cell] = Counter()
    updates: dict[str, str] = {}
    for symbol, column in columns.items():
        if gradient_symbol(symbol) not in columns or row > last_row:
            continue
        for run in sheet.runs_between(column, row, row):
            updates[symbol] = formula = run.formula.at(row)
            read.update(
                {
                    (area.sheet or sheet.name, area.first_row, area.first_column)
                    for area in areas(formula)
                    if not _within(area, sheet.name, own, first_row, last_row)
                }
            )
    for cell in [cell for cell in read if math.isnan(number_at(cell, calculation))]:
        del read[cell]
    used = [cell for cell, count in read.most_common() if 2 * count > len(updates)]
    if used:
        cell = next((cell for cell in used if cell in labelled), used[0])
        if cell in labelled or len(labelled) != 1:
            how = "labelled" if cell in labelled else "the cell that most updates read"
            return Rate(cell, number_at(cell, calculation), how)
    if not read and updates:
        typed = _typed(sheet.name, updates, columns, row, block)
        if not math.isnan(typed):
            return Rate(None, typed, "typed into the formulas of the updates")
    if labelled:
        cell = next(iter(labelled))
        return Rate(cell, number_at(cell, calculation), "labelled")
    return NO_RATE


def _within(area: Area, sheet: str, columns: set[int], first_row: int, last_row: int) -> bool:
    return (
        area.sheet in (None, sheet)
        and area.first_column in columns
        and first_row <= area.first_row <= last_row
    )


def _labelled(sheet: Sheet, header_row: int, calculation: Calculation) -> dict[Cell, None]:
    """Return the numbers beside a label of the rate, the nearest above the header first.

    The number stands right of its label, perhaps in a row of several, or below it; else left or
    above.
    """
    found: dict[Cell, None] = {}
    labels = [
        (abs(header_row - row) + (row > header_row) * 1_000, row, column)
        for (row, column), text in sheet.texts.items()
        if row != header_row and may_be_rate_label(text)
    ]
    for _, row, column in sorted(labels):
        places = [(row, column + k) for k in range(1, _FARTHEST_RIGHT + 1)]
        places += [(row + k, column) for k in range(1, _FARTHEST_BELOW + 1)]
        places += [(row, column - 1), (row - 1, column)]
        numbers = [
            cell
            for r, c in places
            if r > 0 and c > 0 and r != header_row
            if not math.isnan(number_at(cell := (sheet.name, r, c), calculation))
        ]
        if not numbers or not (is_rate_label(sheet.texts[row, column]) or numbers[0][1] == row):
            continue
        found[numbers[0]] = None
        _, r, c = numbers[0]
        while r == row and c > column:  # a row of rates, to choose from
            c += 1
            cell = (sheet.name, r, c)
            if math.isnan(number_at(cell, calculation)) or (r, c) in sheet.texts:
                break
            found[cell] = None
    return found


def _typed(
    sheet: str, updates: Mapping[str, str], columns: Mapping[str, int], row: int, block: int
) -> float:
    """Return the rate that most updates have typed in: w − c · g of w = 0 and g = −1 is c."""
    cells: dict[Cell, float] = {}
    for symbol in updates:
        cells[sheet, row - block, columns[symbol]] = 0.0
        cells[sheet, row - block, columns[gradient_symbol(symbol)]] = -1.0
    places = {
        (sheet, number, MAX_COLUMNS): formula for number, formula in enumerate(updates.values(), 1)
    }
    [found] = evaluate(places, [cells])
    rates = [v for v in found.values() if isinstance(v, float) and v > 0]
    for rate, _ in Counter(rates).most_common(1):
        if 2 * sum(abs(other - rate) <= _CLOSE * rate for other in rates) > len(updates):
            return rate
    return math.nan
