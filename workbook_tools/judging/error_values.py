"""Finds where error values begin in a table, not the cells that inherit them.

An error value spreads to every cell that reads it, and then nothing can be said about that cell. So
the mistake is in the cell where it begins: the cell holds the error value itself, or its formula
reads no other error in the table.
"""

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from workbook_tools.engines import NOT_UNDERSTOOD
from workbook_tools.formulas.families import stretches
from workbook_tools.formulas.references import areas
from workbook_tools.judging.faults import Fault, Kind
from workbook_tools.mathematics.local import LARGEST_EXPONENT
from workbook_tools.notation.addresses import Cell, cell_name
from workbook_tools.notation.quantities import LEARNING_RATE
from workbook_tools.package.cell_values import CellError
from workbook_tools.reading.cells import Values
from workbook_tools.reading.samples import SampleTable
from workbook_tools.reading.table import Table


def error_values(
    table: Table,
    values: Values,
    known: Collection[Fault],
    samples: SampleTable | None,
    outside: Collection[Fault],
) -> Iterator[Fault]:
    """Yield faults where error values begin: in a table's columns and in its single cells.

    Cells that have a fault in ``known`` get no other one. Errors in ``samples``, which the table
    reads, may come from what is found ``outside`` of it.
    """
    errors = _errors(table, values)
    if not errors:
        return
    of_samples = set(_spread(samples, outside)) if samples else set()
    by_column: dict[tuple[str, int], list[int]] = defaultdict(list)
    lacking = {(table.sheet.name, row, table.columns[s]) for row, s in table.not_calculated}
    # A cell with a fault may hold a text: that is no error, but what reads it shows one.
    texts = {
        (f.sheet, r, f.column) for f in known if not isinstance(f.value, float) for r in f.rows
    }
    for sheet, row, column in sorted(errors.keys() | lacking | of_samples | texts):
        by_column[sheet, column].append(row)
    blamed = {(f.sheet, row, f.column) for f in known for row in f.rows}
    mistaken = min((f.rows[0] for f in known if not f.kind.is_warning), default=math.inf)
    overflows = {cell for cell in _overflows(table) if cell[1] >= mistaken}
    inherited = {cell for cell in errors if _inherits(cell, table, by_column)}
    begins = errors.keys() - blamed - overflows - inherited
    for cell, symbol in _beside(table).items():
        if cell in begins:
            yield _fault(symbol, cell, [cell[1]], table, errors[cell])
    labels = {column: symbol for symbol, column in table.columns.items()} | table.unknown
    for column, label in labels.items():
        cells = [(table.sheet.name, row, column) for row in table.rows.tolist()]
        own = np.array([cell in begins for cell in cells])
        for is_own, places in stretches(own, np.arange(len(cells))):
            if is_own:
                first, rows = cells[places[0]], table.rows[places].tolist()
                yield _fault(" ".join(label.split()), first, rows, table, errors[first])


def _overflows(table: Table) -> Iterator[Cell]:
    """Yield the activations whose e^(−z) is too large a number, because of an earlier mistake."""
    for symbol, column in table.columns.items():
        z = symbol.removeprefix("a_")
        if z != symbol and z in table.values:
            for row in table.rows[table.values[z] < -LARGEST_EXPONENT].tolist():
                yield table.sheet.name, row, column


def _beside(table: Table) -> dict[Cell, str]:
    """Return the single cells that belong to a table, with the quantities that they hold."""
    found = {cell: symbol for symbol, cell in table.single.items()}
    return found | ({table.rate_cell: LEARNING_RATE} if table.rate_cell else {})


def _errors(table: Table, values: Values) -> dict[Cell, CellError]:
    """Return the error values of a table, and of the single cells that belong to it."""
    sheet = table.sheet.name
    found = {
        (sheet, row, table.columns[symbol]): error for (row, symbol), error in table.errors.items()
    }
    first, last = table.first_row, table.last_row
    own = set(table.rows.tolist())
    for column in table.unknown:
        block = values.calculation.block(sheet, first, column, last, column)
        for row, (value,) in enumerate(block, start=first):
            cell = sheet, row, column
            if row in own and isinstance(value, CellError) and not _is_lacking(value, cell, values):
                found[cell] = value
    for place in _beside(table):
        value = values.calculation.value(place)
        if isinstance(value, str):  # a text where a number belongs is an error too
            value = CellError(value)
        if isinstance(value, CellError) and not _is_lacking(value, place, values):
            found[place] = value
    return found


def _spread(samples: SampleTable, faults: Collection[Fault]) -> Iterator[Cell]:
    """Yield the cells of samples that show an error and read a cell with a fault."""
    found = [(f.sheet, row, f.column) for f in faults for row in f.rows]
    for row, symbol in samples.errors:
        sheet, column = samples.sheet.name, samples.columns[symbol]
        for area in areas(samples.sheet.formula_at(row, column) or ""):
            if any(area.covers(own, sheet) for own in found):
                yield sheet, row, column


def _is_lacking(error: CellError, cell: Cell, values: Values) -> bool:
    """Tell whether only the engine lacks a function: the file has another value in the cell."""
    if values.stored is None or error not in NOT_UNDERSTOOD:
        return False
    return not isinstance(values.stored.value(cell), CellError | None)


def _inherits(cell: Cell, table: Table, errors: Mapping[tuple[str, int], list[int]]) -> bool:
    """Tell whether a cell's formula reads one of the ``errors``: their rows by sheet and column."""
    sheet, row, column = cell
    formula = table.sheet.formula_at(row, column) if sheet == table.sheet.name else None
    for area in areas(formula or ""):
        for (name, other), rows in errors.items():
            if name != (area.sheet or sheet) or not area.first_column <= other <= area.last_column:
                continue
            read = rows[bisect_left(rows, area.first_row) : bisect_right(rows, area.last_row)]
            if read and ((name, other) != (sheet, column) or read != [row]):
                return True
    return False


def _fault(symbol: str, cell: Cell, rows: Sequence[int], table: Table, error: CellError) -> Fault:
    """Return the fault about the cells in these rows; ``cell`` is the first one."""
    sheet, row, column = cell
    formula = table.sheet.formula_at(row, column) if sheet == table.sheet.name else None
    place, code = cell_name(row, column), error.code
    if formula:
        text = f"The formula of {symbol} gives an error value: {place} shows {code}."
    else:
        text = f"{symbol} is an error value: {place} holds {code} where a number belongs."
    return Fault(
        kind=Kind.ERROR_VALUE,
        quantity=symbol,
        sheet=sheet,
        column=column,
        rows=tuple(rows),
        formula=formula,
        value=code,
        expected=None,
        max_rel_error=None,
        message=text,
    )
