"""Evaluates formulas of a sheet as if other numbers stood in some of its cells.

Those are the *planted* cells. A formula may read them through other formulas of the sheet, such as
those of helper columns; these *helpers* are evaluated too. Everything else that is read keeps its
value.
"""

from collections import ChainMap
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from workbook_tools.formulas.references import areas
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.mathematics.rounding import Array
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.columns import Calculation
from workbook_tools.program.draws import values_of
from workbook_tools.reading.region import Region

_ELEMENT = "=ARRAYFORMULA("  # of an array formula
_DEEPEST_HELPER = 20  # helpers that read one another in a chain
_LARGEST_HELPER_AREA = 1_000  # cells
LARGEST_AREA = 1_000_000  # cells; what a formula reads in a larger area is ignored


def helper_formulas(
    sheet: Sheet, formulas: Iterable[str], planted: Collection[Cell]
) -> dict[Cell, str]:
    """Return the other formulas of the sheet through which these read a planted cell."""
    found: dict[Cell, str] = {}
    seen: dict[Cell, bool] = {}  # whether a cell is planted or passes on what is

    def depends(formula: str, depth: int) -> bool:
        found_planted = [
            seen[cell] if cell in seen else passes_on(cell, depth)
            for area in areas(formula)
            if area.sheet in (None, sheet.name) and area.cell_count <= _LARGEST_HELPER_AREA
            for cell in area.cells(sheet.name)
        ]
        return any(found_planted)  # only now: every cell is to be followed

    def passes_on(cell: Cell, depth: int) -> bool:
        seen[cell] = cell in planted  # if not, a formula that reads itself ends here
        if not seen[cell] and depth < _DEEPEST_HELPER:
            formula = sheet.formula_at(*cell[1:])
            if formula and depends(formula, depth + 1):
                found[cell] = formula
                seen[cell] = True
        return seen[cell]

    for formula in formulas:
        depends(formula, 0)
    return found


def read_elsewhere(
    formulas: Iterable[str], sheet: str, planted: Collection[Cell], calculation: Calculation
) -> dict[Cell, float]:
    """Return the other cells that formulas read, with their own numbers."""
    kept: dict[Cell, float] = {}
    for area in {area for formula in formulas for area in areas(formula)}:
        if area.cell_count == 1:
            [cell] = area.cells(sheet)
            if cell not in planted and isinstance(value := calculation.value(cell), float):
                kept[cell] = value
        elif area.cell_count <= LARGEST_AREA:
            columns = range(area.first_column, area.last_column + 1)
            on = area.sheet or sheet
            numbers, _ = calculation.numbers(on, area.first_row, area.last_row, columns)
            for row, column in np.argwhere(~np.isnan(numbers)).tolist():
                place = on, area.first_row + row, area.first_column + column
                kept[place] = float(numbers[row, column])
    return {cell: value for cell, value in kept.items() if cell not in planted}


def evaluate_on(
    numbers: Mapping[Cell, Array],
    sheet: str,
    formulas: Sequence[str],
    draws: int,
    helpers: Mapping[Cell, str] | None = None,
) -> list[Array | None]:
    """Evaluate formulas of a sheet where cells have these numbers: (draws,), or (1,) in all draws.

    ``helpers`` are formulas in cells that they read, each after those that it reads itself. Each
    result is (draws,), NaN where it is not a number; it is None if the formula, or a helper, is
    not understood.
    """
    if helpers:
        own = dict.fromkeys(helpers, np.array([np.nan]))  # NaN in a cycle
        numbers = ChainMap(own, numbers)  # type: ignore[arg-type]
        for cell, formula in helpers.items():
            [found] = values_of([formula], sheet, numbers, draws)
            if found is None:
                return [None] * len(formulas)
            own[cell] = found
    # The elements of array formulas are judged by their values.
    tried = [formula for formula in formulas if not formula.startswith(_ELEMENT)]
    values = iter(values_of(tried, sheet, numbers, draws))
    return [None if formula.startswith(_ELEMENT) else next(values) for formula in formulas]


def usual_values(
    region: Region,
    symbols: Sequence[str],
    draws: Mapping[str, Array],
    calculation: Calculation,
) -> Array:
    """Return what the usual formulas of quantities give, (draws, symbols); NaN without a number.

    ``draws`` has numbers (draws,) for quantities that they may read in their own row.
    """
    usual = {symbol: found for symbol in symbols if (found := region.usual_formula(symbol))}
    values = np.full((len(next(iter(draws.values()))), len(symbols)), np.nan)
    if not usual:
        return values
    planted = {
        cell: numbers
        for symbol, numbers in draws.items()
        for row in {row for row, _ in usual.values()}
        if (cell := region.cell(symbol, row))
    }
    formulas = [formula for _, formula in usual.values()]
    results = try_formulas(region.sheet, formulas, planted, calculation)
    for k, symbol in enumerate(usual):
        values[:, symbols.index(symbol)] = results[:, k]
    return values


def try_formulas(
    sheet: Sheet,
    formulas: Sequence[str],
    planted: Mapping[Cell, Array],
    calculation: Calculation,
) -> Array:
    """Return what formulas give, (draws, formulas), with planted numbers (draws,) in some cells.

    It is NaN where that is not a number.
    """
    helpers = helper_formulas(sheet, formulas, planted)
    kept = read_elsewhere([*formulas, *helpers.values()], sheet.name, planted, calculation)
    others = {cell: np.array([number]) for cell, number in kept.items() if cell not in helpers}
    draws = max(map(len, planted.values()), default=1)
    found = evaluate_on({**others, **planted}, sheet.name, formulas, draws, helpers)
    nothing = np.full(draws, np.nan)
    return np.stack([nothing if values is None else values for values in found], axis=1)
