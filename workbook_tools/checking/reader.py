"""Finds the training tables of a workbook, by their labels alone.

A *training table* is a header row whose labels name every quantity of a layered network,
with the iterations below it: a row each or, beside a column ``sample``, as many rows as an
iteration has samples. Several tables may stand beside or below each other.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from workbook_tools.checking.cells import number
from workbook_tools.checking.labels import is_rate_label, parse_symbol
from workbook_tools.checking.rates import find_rate
from workbook_tools.checking.sheets import Sheet
from workbook_tools.checking.stated import read_settings
from workbook_tools.checking.table import Table
from workbook_tools.checking.wiring import wired
from workbook_tools.engines import Calculation, CellError
from workbook_tools.notation import ITERATION, ITERATION_RATE, SAMPLE, Naming

_LABELS_OF_A_TABLE = 5  # fewer known symbols in a row are no header
_ROWS_A_BLOCK = 2_000
_ROWS_BEFORE_THE_FIRST = 3  # between a header and iteration 1: units, remarks, nothing


def read_tables(sheets: list[Sheet], calculation: Calculation) -> list[Table]:
    """Return every training table, in the order of the sheets and rows."""
    return [table for sheet in sheets for table in _tables_of(sheet, calculation)]


def _tables_of(sheet: Sheet, calculation: Calculation) -> Iterator[Table]:
    """Yield a sheet's tables, from the top and the left."""
    headers = [
        (row, part, columns)
        for row, labels in sorted(sheet.rows_of_texts.items())
        for part, columns in _parts(labels)
    ]
    for place, (header_row, labels, columns) in enumerate(headers):
        own = range(min(columns.values()), max(columns.values()) + 1)
        below = (
            row
            for row, _, other in headers[place + 1 :]
            if row > header_row and any(column in own for column in other.values())
        )
        last_row = next(below, sheet.last_row + 1) - 1
        if table := _table(sheet, header_row, labels, columns, last_row, calculation):
            yield table


def _parts(labels: Mapping[int, str]) -> Iterator[tuple[dict[int, str], dict[str, int]]]:
    """Yield the tables that a row of labels may head: labels by column, columns by symbol.

    A second table begins where the first label comes again.
    """
    symbols = {column: _symbol(label) for column, label in sorted(labels.items())}
    known = [column for column, symbol in symbols.items() if symbol]
    if len(known) < _LABELS_OF_A_TABLE:
        return
    begins = [column for column in known if symbols[column] == symbols[known[0]]]
    for k, begin in enumerate(begins):
        first = begin if k else min(symbols)
        last = begins[k + 1] - 1 if k + 1 < len(begins) else max(symbols)
        part = {c: label for c, label in sorted(labels.items()) if first <= c <= last}
        columns: dict[str, int] = {}
        for column in part:
            if symbol := symbols[column]:
                columns.setdefault(symbol, column)
        if len(columns) >= _LABELS_OF_A_TABLE:
            yield part, _as_in_the_network(columns)


def _symbol(label: str) -> str | None:
    return ITERATION_RATE if is_rate_label(label) else parse_symbol(label)


def _as_in_the_network(columns: dict[str, int]) -> dict[str, int]:
    """Take x for the inputs, and y for targets or outputs, where there are no others."""
    letters = {"x": "i", "y": "t" if "t1" not in columns else "a_o"}
    taken = {letter for letter, other in letters.items() if f"{other}1" not in columns}
    return {
        letters[s[0]] + s[1:] if s[0] in taken and s[1:].isdigit() else s: column
        for s, column in columns.items()
    }


def _table(
    sheet: Sheet,
    header_row: int,
    labels: Mapping[int, str],
    columns: dict[str, int],
    last_row: int,
    calculation: Calculation,
) -> Table | None:
    settings, words = read_settings(sheet, header_row, calculation)
    biases = [word.strip() for word in words.get("biases", "").split(",")]
    naming = Naming.from_symbols(columns, [word for word in biases if word])
    if naming is None:
        return None
    begin = _first_row(sheet, header_row, last_row, columns, calculation)
    values, errors = read_values(sheet, begin, last_row, columns, calculation)
    computed = [symbol for symbol in columns if symbol[0] not in "tixwb"]
    if values.empty:
        return None
    few_numbers = 2 * values[computed].iloc[0].notna().sum() < len(computed)
    if few_numbers and len(errors) < len(computed):
        return None
    block = _rows_of_an_iteration(values, errors)
    end = begin + len(values) - 1
    rate = find_rate(sheet, columns, header_row, begin, end, block, calculation)
    naming = wired(naming, sheet, columns, begin, end, block)
    unknown = {column: label for column, label in labels.items() if column not in columns.values()}
    return Table(
        sheet,
        naming,
        header_row,
        columns,
        unknown,
        rate,
        settings,
        words,
        values,
        block,
        errors,
        _unfinished_rows(values, errors, computed) if block == 1 else 0,
    )


def _first_row(
    sheet: Sheet,
    header_row: int,
    last_row: int,
    columns: Mapping[str, int],
    calculation: Calculation,
) -> int:
    """Return the first row below a header that has numbers in most of these columns."""
    left, right = min(columns.values()), max(columns.values())
    first, last = header_row + 1, min(header_row + 1 + _ROWS_BEFORE_THE_FIRST, last_row)
    if first > last:
        return first
    for row, values in enumerate(calculation.block(sheet.name, first, left, last, right), first):
        own = [values[column - left] for column in columns.values()]
        if 2 * sum(isinstance(value, float | CellError) for value in own) > len(own):
            return row
    return first


def read_values(
    sheet: Sheet, first_row: int, last_row: int, columns: dict[str, int], calculation: Calculation
) -> tuple[pd.DataFrame, dict[tuple[int, str], CellError]]:
    """Return the numbers in these rows, as far down as any of the columns has something."""
    left, right = min(columns.values()), max(columns.values())
    picked = [column - left for column in columns.values()]
    numbers: list[np.ndarray] = []
    errors: dict[tuple[int, str], CellError] = {}
    for first in range(first_row, last_row + 1, _ROWS_A_BLOCK):
        last = min(first + _ROWS_A_BLOCK - 1, last_row)
        block = calculation.block(sheet.name, first, left, last, right)
        end = next((k for k, row in enumerate(block) if all(row[c] is None for c in picked)), None)
        block = block[:end]
        try:
            array = np.array(block, dtype=float).reshape(len(block), right - left + 1)
        except (TypeError, ValueError):  # some cell holds a text or an error value
            array = np.array([[number(value) for value in row] for row in block])
            errors |= {
                (first + k, symbol): value
                for k, row in enumerate(block)
                for symbol, column in columns.items()
                if isinstance(value := row[column - left], CellError)
            }
        if len(block):
            numbers.append(array[:, picked])
        if end is not None:
            break
    data = np.concatenate(numbers) if numbers else np.empty((0, len(columns)))
    index = pd.RangeIndex(first_row, first_row + len(data))
    return pd.DataFrame(data, index=index, columns=list(columns)), errors


def _rows_of_an_iteration(values: pd.DataFrame, errors: dict[tuple[int, str], CellError]) -> int:
    """Return how many rows each iteration has: those of its samples, else 1.

    Its number and the weights stand in its first row; most distances between such rows are the
    number. One cell more or less, or an error value in it, does not matter.
    """
    if SAMPLE not in values:
        return 1
    symbols = map(str, values.columns)
    marks = [symbol for symbol in symbols if symbol == ITERATION or symbol[0] == "w"]
    filled = values[marks].notna()
    for row, symbol in errors:
        if symbol in marks:
            filled.loc[row, symbol] = True
    begins = np.flatnonzero(2 * filled.to_numpy().sum(axis=1) >= len(marks))
    if len(begins) < 2:
        return len(values)
    distances, counts = np.unique(np.diff(begins), return_counts=True)
    return int(distances[counts.argmax()])


def _unfinished_rows(
    values: pd.DataFrame, errors: dict[tuple[int, str], CellError], computed: list[str]
) -> int:
    """Return how many rows at the end have nothing that an iteration works out.

    Such a row may hold data, and the weights that the next iteration would begin with.
    """
    filled = values[computed].notna().any(axis=1).to_numpy(copy=True)
    rows = [row - int(values.index[0]) for row, symbol in errors if symbol in computed]
    filled[rows] = True
    return len(values) - 1 - int(np.flatnonzero(filled).max(initial=0))
