"""Finds the learning rate of a table: by its labels, and by what the updates of weights read.

People write it on any side of a label, in a row of several rates of which one is used, in a column
(one rate for each iteration), or as a number into the formulas. So the formulas come first: the
cell that most updates read is the rate, unless exactly one other cell is labelled as the rate.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from workbook_tools.formulas.references import Area, areas, bare_reference
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.mathematics.rounding import Array
from workbook_tools.notation.addresses import Cell, column_letter
from workbook_tools.notation.quantities import ITERATION_RATE, gradient_symbol
from workbook_tools.package.cell_values import CellError
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.cells import number_at
from workbook_tools.reading.header_rows import Header
from workbook_tools.reading.labels import is_rate_label, may_be_rate_label
from workbook_tools.reading.region import Region
from workbook_tools.reading.trial import helper_formulas, try_formulas

_FARTHEST_RIGHT, _FARTHEST_BELOW = 3, 2  # cells from a label to its number
_CLOSE = 1e-6  # relative, between rates typed into formulas, which are worked out from their values


class Rate(NamedTuple):
    """A learning rate: its cell, if it has one, its value, and how it was found."""

    cell: Cell | None
    value: float
    how: str


NO_RATE = Rate(None, math.nan, "no learning rate was found")


def find_rate(
    region: Region, header: Header, others: Sequence[Header], calculation: Calculation
) -> Rate:
    """Return the learning rate of a table; ``others`` are the sheet's other headers."""
    labelled = _labelled(region.sheet, header.row, calculation)
    updates = _updates(region)
    read = _read_by(updates, region, calculation)
    used = [cell for cell, count in read.most_common() if 2 * count > len(updates)]
    own = [cell for cell in labelled if header.is_below(cell)]
    if used:
        cell = next((cell for cell in used if cell in labelled), None)
        cell = cell or _multiplying(used, updates, region, calculation)
        if cell not in labelled and _is_beside_a_label(cell, region.sheet, header.row):
            labelled = {cell: None}
        on_sheet = cell[0] == region.sheet.name
        of_another = on_sheet and cell not in own and any(other.is_below(cell) for other in others)
        if of_another and len(own) == 1:  # the table is a copy that still reads the original's rate
            return Rate(own[0], number_at(own[0], calculation), "labelled")
        if cell in labelled or len(labelled) != 1:
            how = "labelled" if cell in labelled else "the cell that most updates read"
            return Rate(cell, number_at(cell, calculation), how)
    if ITERATION_RATE in region.columns:
        by_rates = _read_by_rates(region)
        if cell := next((cell for cell in labelled if cell in by_rates), None):
            return Rate(cell, number_at(cell, calculation), "labelled")
        letter = column_letter(region.columns[ITERATION_RATE])
        return Rate(None, math.nan, f"one for each iteration, in column {letter}")
    if not read and updates:
        typed = _typed(region, updates, calculation)
        said = [number_at(cell, calculation) for cell in labelled]
        if not math.isnan(typed) and (typed in said or len(said) != 1):
            return Rate(None, typed, "typed into the formulas of the updates")
    if labelled:
        cell = next(iter(labelled))
        return Rate(cell, number_at(cell, calculation), "labelled")
    return NO_RATE


def _read_by_rates(region: Region) -> set[Cell]:
    """Return the cells that a column of rates reads."""
    _, formula = region.usual_formula(ITERATION_RATE) or (0, "")
    return {
        (area.sheet or region.sheet.name, area.first_row, area.first_column)
        for area in areas(formula)
    }


def _updates(region: Region) -> dict[str, str]:
    """Return the formulas of the second iteration's parameters: the first updates."""
    if len(region.rows) <= region.block:
        return {}
    row = region.row_of(region.block)
    parameters = [symbol for symbol in region.columns if re.fullmatch(r"[wb]\d+", symbol)]
    formulas = {s: region.sheet.formula_at(row, region.columns[s]) for s in parameters}
    return {s: f for s, f in formulas.items() if f and not bare_reference(f)}


def _read_by(updates: Mapping[str, str], region: Region, calculation: Calculation) -> Counter[Cell]:
    """Count how many updates read each cell outside the table that may hold a rate."""
    own = set(region.columns.values())
    known = _before(updates, region)
    read: Counter[Cell] = Counter()
    for formula in updates.values():
        helpers = helper_formulas(region.sheet, [formula], known)
        read.update(
            {
                (area.sheet or region.sheet.name, area.first_row, area.first_column)
                for text in (formula, *helpers.values())
                for area in areas(text)
                if not _within(area, region, own)
            }
            - set(helpers)
        )

    def may_be_a_rate(cell: Cell) -> bool:
        value = calculation.value(cell)
        # An error value, or a text beside a label of the rate, stands where the rate should be.
        return isinstance(value, float | CellError) or (
            isinstance(value, str) and _is_beside_a_label(cell, region.sheet, 0)
        )

    return Counter({cell: count for cell, count in read.items() if may_be_a_rate(cell)})


def _before(updates: Iterable[str], region: Region) -> dict[Cell, Array]:
    """Return the first iteration's cells that updates read, with parameters 0 and gradients −1."""
    row = region.first_row
    numbers = dict.fromkeys(updates, 0.0)
    numbers |= {g: -1.0 for s in updates if (g := gradient_symbol(s)) in region.columns}
    return {
        (region.sheet.name, row, region.columns[s]): np.array([value])
        for s, value in numbers.items()
    }


def _within(area: Area, region: Region, columns: set[int]) -> bool:
    return (
        area.sheet in (None, region.sheet.name)
        and area.first_column in columns
        and region.first_row <= area.first_row <= region.last_row
    )


def _labelled(sheet: Sheet, header_row: int, calculation: Calculation) -> dict[Cell, None]:
    """Return the cells of numbers beside a label of the rate, the nearest above the header first.

    The number stands to the right of its label (perhaps as one of several) or below it, else to the
    left or above.
    """
    found: dict[Cell, None] = {}
    labels = [
        (abs(header_row - row) + (row > header_row) * 1_000, row, column)
        for row, column in sheet.labels(may_be_rate_label)
        if row != header_row
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
        if numbers and _heads_a_list(sheet, row, column, numbers[0], calculation):
            continue
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


def _heads_a_list(
    sheet: Sheet, row: int, column: int, first: Cell, calculation: Calculation
) -> bool:
    """Tell whether a label heads a list, of other runs for example.

    Then it has texts beside it and several numbers below.
    """
    name, below, _ = first
    beside = (row, column - 1) in sheet.texts or (row, column + 1) in sheet.texts
    is_list = not math.isnan(number_at((name, below + 1, column), calculation))
    return beside and below > row and is_list


def _is_beside_a_label(cell: Cell, sheet: Sheet, header_row: int) -> bool:
    """Tell whether a label of the rate stands directly beside a cell, on any side."""
    name, row, column = cell
    around = [(row, column - 1), (row, column + 1), (row - 1, column), (row + 1, column)]
    labels = [sheet.texts.get(place, "") for place in around if place[0] != header_row]
    return name == sheet.name and any(map(is_rate_label, labels))


def _multiplying(
    cells: list[Cell], updates: Mapping[str, str], region: Region, calculation: Calculation
) -> Cell:
    """Return the cell by which most updates multiply the gradient; a weight decay is another."""
    if len(cells) == 1:
        return cells[0]
    numbers = {cell: np.array([float(k)]) for k, cell in enumerate(sorted(cells), start=2)}
    known = _before(updates, region) | numbers
    found = try_formulas(region.sheet, [*updates.values()], known, calculation)[0]
    return max(sorted(cells), key=lambda cell: int((found == numbers[cell]).sum()))


def _typed(region: Region, updates: Mapping[str, str], calculation: Calculation) -> float:
    """Return the rate typed into most updates: where w = 0 and g = −1, w − η · g gives η."""
    known = _before(updates, region)
    found = try_formulas(region.sheet, [*updates.values()], known, calculation)[0]
    rates = [float(value) for value in found if value > 0]
    for rate, _ in Counter(rates).most_common(1):
        if 2 * sum(abs(other - rate) <= _CLOSE * rate for other in rates) > len(updates):
            return rate
    return math.nan
