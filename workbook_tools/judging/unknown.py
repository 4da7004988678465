"""Finds functions that the engine does not know: it gives an error value where Excel has a number.

The error values of an engine tell which functions these are, whatever the engine. If Excel has no
function of that name either, it was misspelled, and the error value is the author's mistake.
"""

import math
import re
from collections.abc import Iterator, Sequence

from workbook_tools.engines import NOT_UNDERSTOOD
from workbook_tools.evaluator.formula import is_known
from workbook_tools.formulas.budget import Budget
from workbook_tools.formulas.references import areas
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.package.columns import Calculation
from workbook_tools.program.cycles import Formulas
from workbook_tools.program.graph import Graph
from workbook_tools.reading.cells import number_at
from workbook_tools.reading.table import Table
from workbook_tools.reading.trial import LARGEST_AREA

_NO_FUNCTION = "how to read a formula"  # such as one of hundreds of terms
_NO_CYCLE = "that a lookup in a range with its own cell is not a circular reference"
_CIRCULAR = CellError("#CIRC!")
_MOST_CELLS = 5_000_000  # read by formulas, that are searched for error values
# The name of a call; texts and other words match too, without a name.
_CALL = re.compile(r"\"[^\"]*+\"|([A-Za-z_][\w.]*+)\(|[\w.]++")
_NEWER = re.compile(r"(_xlfn\.)?(_xlws\.)?", re.IGNORECASE)  # prefixes of newer functions in files


def functions(formula: str) -> set[str]:
    """Return the names of the functions that a formula calls, as people know them."""
    return {_NEWER.sub("", name, count=1).upper() for name in _called(formula)}


def _called(formula: str) -> list[str]:
    return [match[1] for match in _CALL.finditer(formula) if match[1]]


def unknown_functions(sheets: Sequence[Sheet], calculation: Calculation) -> set[str]:
    """Return the functions that the engine does not know.

    They are called where such error values begin, and nowhere where the engine gives another value.
    If that leaves several, those that our own engine does not know either are returned.
    """
    suspected: set[str] = set()
    known: set[str] = set()
    budget = Budget(_MOST_CELLS)
    for sheet in sheets:
        for formula, value in _first_cells(sheet, calculation):
            if value not in NOT_UNDERSTOOD:
                known |= functions(formula)
            elif not _reads_unknown(sheet, formula, calculation, budget):
                suspected |= functions(formula) or {_NO_FUNCTION}
    suspected -= known
    if not suspected:
        return set()

    return {name for name in suspected if not is_known(name)} or suspected


def mistaken_for_cycles(graph: Graph, tables: Sequence[Table]) -> set[str]:
    """Return what the engine does not know if it reports a circular reference that is not there."""
    seen = any(error == _CIRCULAR for table in tables for error in table.errors.values())
    return {_NO_CYCLE} if seen and not Formulas(graph).suspects else set()


def is_excel(formula: str, unknown: set[str]) -> bool:
    """Tell whether a formula calls some of these functions, all of which Excel has."""
    from openpyxl.utils import FORMULAE  # here, because few workbooks need it and it loads slowly

    called = functions(formula) & unknown
    newer = (name for name in _called(formula) if name.startswith("_xlfn."))
    return bool(called) and called <= FORMULAE | {_NEWER.sub("", n, count=1).upper() for n in newer}


def forgive(tables: Sequence[Table], unknown: set[str], stored: Calculation) -> None:
    """Remove from the errors of tables those that only the engine gives.

    These are cells for which the file has ``stored`` a number, or whose formula calls a function
    that only Excel knows. They count as not calculated.
    """
    lacking = {*NOT_UNDERSTOOD, *([_CIRCULAR] if _NO_CYCLE in unknown else [])}
    for table in tables:
        for row, symbol in [at for at, error in table.errors.items() if error in lacking]:
            column = table.columns[symbol]
            formula = table.sheet.formula_at(row, column) or ""
            number = number_at((table.sheet.name, row, column), stored)
            is_lacking = table.errors[row, symbol] == _CIRCULAR or is_excel(formula, unknown)
            if is_lacking or not math.isnan(number):
                del table.errors[row, symbol]
                table.not_calculated.add((row, symbol))
        table.unknown_functions = sorted(unknown)


def _first_cells(sheet: Sheet, calculation: Calculation) -> Iterator[tuple[str, CellValue]]:
    """Yield each formula once, as it reads in its first cell, with the value of that cell."""
    for column, runs in sheet.runs.items():
        for run in runs:
            first = run.first_row
            yield run.formula.at(first), calculation.value((sheet.name, first, column))


def _reads_unknown(sheet: Sheet, formula: str, calculation: Calculation, budget: Budget) -> bool:
    for area in areas(formula):
        if area.cell_count > LARGEST_AREA or not budget.begins():
            continue
        budget.spend(area.cell_count)
        columns = range(area.first_column, area.last_column + 1)
        on = area.sheet or sheet.name
        _, others = calculation.numbers(on, area.first_row, area.last_row, columns)
        if any(value in NOT_UNDERSTOOD for value in others.values()):
            return True
    return False
