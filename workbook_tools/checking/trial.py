"""Evaluates formulas of a sheet as if other numbers stood in some of its cells.

Other formulas of the sheet through which these read such a cell, of helper columns for example,
take part: they are worked out anew. All else that is read keeps its value.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from workbook_tools.checking.cells import Cell, number
from workbook_tools.checking.region import Region
from workbook_tools.checking.rounding import Array
from workbook_tools.checking.sheets import Sheet
from workbook_tools.engines import Calculation, CellValue
from workbook_tools.engines.embedded import evaluate
from workbook_tools.references import MAX_COLUMNS, areas

_SCRATCH_COLUMN = MAX_COLUMNS  # formulas are evaluated far right of every table
_DEEPEST_HELPER = 20  # formulas that go through one another
_LARGEST_HELPER_AREA = 1_000  # cells
_LARGEST_AREA = 1_000_000  # cells; a formula over more is judged without them


def helper_formulas(
    sheet: Sheet, formulas: Iterable[str], planted: Mapping[Cell, float]
) -> dict[Cell, str]:
    """Return the other formulas of the sheet that these go through to read a planted cell."""
    found: dict[Cell, str] = {}
    seen: dict[Cell, bool] = {}

    def depends(formula: str, depth: int) -> bool:
        cells = [
            cell
            for area in areas(formula)
            if area.sheet in (None, sheet.name) and area.cell_count <= _LARGEST_HELPER_AREA
            for cell in area.cells(sheet.name)
        ]
        reads = [cell in planted or passes_on(cell, depth) for cell in cells]  # each is followed
        return any(reads)

    def passes_on(cell: Cell, depth: int) -> bool:
        if cell not in seen:
            seen[cell] = False  # a formula that reads itself ends here
            formula = sheet.formula_at(*cell[1:]) if depth < _DEEPEST_HELPER else None
            if formula and depends(formula, depth + 1):
                found[cell] = formula
                seen[cell] = True
        return seen[cell]

    for formula in formulas:
        depends(formula, 0)
    return found


def read_elsewhere(
    formulas: Iterable[str], sheet: str, planted: Mapping[Cell, float], calculation: Calculation
) -> dict[Cell, float]:
    """Return the other cells that formulas read, with their own numbers."""
    kept: dict[Cell, float] = {}
    for area in {area for formula in formulas for area in areas(formula)}:
        name = area.sheet or sheet
        if area.cell_count > _LARGEST_AREA:
            continue
        corners = (area.first_row, area.first_column, area.last_row, area.last_column)
        try:
            block = calculation.block(name, *corners)
        except (KeyError, ValueError):  # a sheet that is not there: the formula is an error
            continue
        for row, values in enumerate(block, start=area.first_row):
            for column, value in enumerate(values, start=area.first_column):
                if isinstance(value, float) and (name, row, column) not in planted:
                    kept[name, row, column] = value
    return kept


def evaluate_on(
    cells: Sequence[Mapping[Cell, float]],
    sheet: str,
    formulas: Sequence[str],
    helpers: Mapping[Cell, str] | None = None,
) -> list[list[CellValue]]:
    """Evaluate formulas as they would stand on a sheet, with each set of numbers.

    ``helpers`` are formulas in cells that they read.
    """
    places = {
        (sheet, row, _SCRATCH_COLUMN): formula for row, formula in enumerate(formulas, start=1)
    }
    found = evaluate({**places, **(helpers or {})}, cells)
    return [[values[place] for place in places] for values in found]


def usual_values(
    region: Region,
    symbols: Sequence[str],
    draws: Sequence[Mapping[str, float]],
    calculation: Calculation,
) -> Array:
    """Return what the usual formulas of quantities give, (draws, symbols); NaN where nothing.

    Each draw has numbers for the quantities that they may read, in their own row.
    """
    usual = {symbol: found for symbol in symbols if (found := region.usual_formula(symbol))}
    values = np.full((len(draws), len(symbols)), np.nan)
    if not usual:
        return values
    rows = {row for row, _ in usual.values()}
    planted = [
        {
            cell: number
            for symbol, number in draw.items()
            for row in rows
            if (cell := region.cell(symbol, row))
        }
        for draw in draws
    ]
    formulas = [formula for _, formula in usual.values()]
    results = try_formulas(region.sheet, formulas, planted, calculation)
    for k, symbol in enumerate(usual):
        values[:, symbols.index(symbol)] = results[:, k]
    return values


def try_formulas(
    sheet: Sheet,
    formulas: Sequence[str],
    planted: Sequence[Mapping[Cell, float]],
    calculation: Calculation,
) -> Array:
    """Return what formulas give with each set of numbers, (sets, formulas); NaN: no number."""
    helpers = helper_formulas(sheet, formulas, planted[0])
    kept = read_elsewhere([*formulas, *helpers.values()], sheet.name, planted[0], calculation)
    kept = {cell: number for cell, number in kept.items() if cell not in helpers}
    found = evaluate_on([kept | dict(p) for p in planted], sheet.name, formulas, helpers)
    numbers = np.array([[number(value) for value in values] for values in found])
    return numbers.reshape(len(planted), len(formulas))
