"""Finds what belongs to a training run, by its labels alone, on any sheet of a workbook.

A *training table* is a header row whose labels name every quantity of a layered network,
with the iterations below it: a row each or, beside a column ``sample``, as many rows as an
iteration has samples. Beside it there may be a labelled learning rate, initial values stated
elsewhere (a label, and the number to its right), and a summary of the losses.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbook_tools.checking.sheets import Sheet
from workbook_tools.engines import Calculation, CellError, CellValue
from workbook_tools.notation import (
    ACCURACY,
    ITERATION,
    MEAN_LOSS,
    SAMPLE,
    SETTINGS,
    SUMMED_LOSS,
    TOTAL_LOSS,
    WORDS,
    Naming,
    is_rate_label,
    parse_setting,
    parse_symbol,
)
from workbook_tools.references import range_name

Cell = tuple[str, int, int]  # sheet, row, column

_LABELS_OF_A_TABLE = 5  # fewer known symbols in a row are no header
_ROWS_A_BLOCK = 2_000
_PARAMETER = re.compile(r"[tiwb]\d+")
_RESULT_AT = re.compile(
    rf"({'|'.join((TOTAL_LOSS, MEAN_LOSS, SUMMED_LOSS, ACCURACY))}) at iteration (\d+)"
)


@dataclass
class Table:
    """A training table and the sheet's own values of its quantities."""

    sheet: Sheet
    naming: Naming
    header_row: int
    columns: dict[str, int]  # symbol -> column
    unknown: dict[int, str]  # column -> a label that names no known quantity
    rate_cell: Cell | None
    rate: float  # NaN where no rate was found
    settings: dict[str, Cell]  # the other numbers that the training is set by, by symbol
    words: dict[str, str]  # what is said of the network and its training, by label
    values: pd.DataFrame  # by row number and symbol; NaN where there is no number
    block: int  # how many rows an iteration has
    errors: dict[tuple[int, str], CellError]  # by row number and symbol

    @property
    def first_row(self) -> int:
        """The row of iteration 1."""
        return self.header_row + 1

    @property
    def last_row(self) -> int:
        """The last row of the last iteration."""
        return self.header_row + len(self.values)

    @property
    def iterations(self) -> int:
        """How many iterations there are; the last may lack samples."""
        return -(-len(self.values) // self.block)

    @property
    def loss(self) -> str:
        """The symbol of an iteration's loss: over its samples, where there is such a column."""
        return next((s for s in (MEAN_LOSS, SUMMED_LOSS) if s in self.columns), TOTAL_LOSS)

    @property
    def range(self) -> str:
        """The table's cells, header included: ``A31:AE99``."""
        columns = [*self.columns.values(), *self.unknown]
        return range_name(self.header_row, min(columns), self.last_row, max(columns))


@dataclass
class SummaryRow:
    """One row of a summary: which table it speaks of, and its cells by what they state."""

    table: Table
    rate_cell: Cell
    result_cells: dict[tuple[str, int], Cell]  # by symbol and iteration


def read_tables(sheets: list[Sheet], calculation: Calculation) -> list[Table]:
    """Return every training table, in the order of the sheets and rows."""
    return [
        table
        for sheet in sheets
        for header_row, labels in _header_rows(sheet)
        if (table := _table(sheet, header_row, labels, calculation))
    ]


def rows_of_labels(sheet: Sheet) -> dict[int, dict[int, str]]:
    """Return a sheet's texts by row, then by column."""
    rows: dict[int, dict[int, str]] = {}
    for (row, column), text in sheet.texts.items():
        rows.setdefault(row, {})[column] = text
    return rows


def _header_rows(sheet: Sheet) -> Iterator[tuple[int, dict[int, str]]]:
    """Yield the rows that have enough known symbols, with all their labels by column."""
    for row, labels in sorted(rows_of_labels(sheet).items()):
        if sum(parse_symbol(text) is not None for text in labels.values()) >= _LABELS_OF_A_TABLE:
            yield row, labels


def _table(
    sheet: Sheet, header_row: int, labels: dict[int, str], calculation: Calculation
) -> Table | None:
    columns: dict[str, int] = {}
    unknown: dict[int, str] = {}
    for column, label in sorted(labels.items()):
        symbol = parse_symbol(label)
        if symbol is None or symbol in columns:
            unknown[column] = label
        else:
            columns[symbol] = column
    settings, words = _settings(sheet, header_row, calculation)
    biases = [word.strip() for word in words.get("biases", "").split(",")]
    naming = Naming.from_symbols(columns, [word for word in biases if word])
    if naming is None:
        return None
    values, errors = read_values(sheet, header_row, columns, calculation)
    if values.empty:
        return None
    rate_cell, rate = _rate(sheet, header_row, calculation)
    return Table(
        sheet,
        naming,
        header_row,
        columns,
        unknown,
        rate_cell,
        rate,
        settings,
        words,
        values,
        _rows_of_an_iteration(values, errors),
        errors,
    )


def read_values(
    sheet: Sheet, header_row: int, columns: dict[str, int], calculation: Calculation
) -> tuple[pd.DataFrame, dict[tuple[int, str], CellError]]:
    """Return the numbers below a header, as far down as any of its columns has something."""
    left, right = min(columns.values()), max(columns.values())
    picked = [column - left for column in columns.values()]
    numbers: list[np.ndarray] = []
    errors: dict[tuple[int, str], CellError] = {}
    for first in range(header_row + 1, sheet.last_row + 1, _ROWS_A_BLOCK):
        last = min(first + _ROWS_A_BLOCK - 1, sheet.last_row)
        block = calculation.block(sheet.name, first, left, last, right)
        end = next((k for k, row in enumerate(block) if all(row[c] is None for c in picked)), None)
        block = block[:end]
        try:
            array = np.array(block, dtype=float).reshape(len(block), right - left + 1)
        except (TypeError, ValueError):  # some cell holds a text or an error value
            array = np.array([[_number(value) for value in row] for row in block])
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
    index = pd.RangeIndex(header_row + 1, header_row + 1 + len(data))
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


def _number(value: CellValue) -> float:
    return value if isinstance(value, float) else float("nan")


def number_at(cell: Cell, calculation: Calculation) -> float:
    """Return a cell's number, or NaN if it has none."""
    sheet, row, column = cell
    return _number(calculation.block(sheet, row, column, row, column)[0][0])


def _rate(sheet: Sheet, header_row: int, calculation: Calculation) -> tuple[Cell | None, float]:
    """Return the labelled learning rate nearest above a header: the cell right of its label."""
    above = [cell for cell, text in sheet.texts.items() if cell[0] < header_row]
    for row, column in sorted(above, reverse=True):
        if is_rate_label(sheet.texts[row, column]):
            cell = (sheet.name, row, column + 1)
            rate = number_at(cell, calculation)
            if not np.isnan(rate):
                return cell, rate
    return None, float("nan")


def _settings(
    sheet: Sheet, header_row: int, calculation: Calculation
) -> tuple[dict[str, Cell], dict[str, str]]:
    """Return the labelled settings nearest above a header: numbers, and words, right of a label."""
    settings: dict[str, Cell] = {}
    words: dict[str, str] = {}
    for (row, column), text in sorted(sheet.texts.items()):
        name = parse_setting(text) if row < header_row else None
        if name in WORDS and (said := sheet.texts.get((row, column + 1))):
            words[name] = said
        elif name in SETTINGS:
            cell = (sheet.name, row, column + 1)
            if not np.isnan(number_at(cell, calculation)):
                settings[name] = cell
    return settings, words


def read_parameters(
    sheets: list[Sheet], tables: list[Table], calculation: Calculation
) -> dict[str, list[Cell]]:
    """Return the cells that state a target, input, weight or bias: a label, a number right of it.

    A symbol that is stated more than once keeps all its cells, for the caller to judge.
    """
    stated: dict[str, list[Cell]] = {}
    for sheet in sheets:
        headers = {table.header_row for table in tables if table.sheet is sheet}
        for (row, column), text in sheet.texts.items():
            symbol = parse_symbol(text)
            if symbol is None or row in headers or not _PARAMETER.fullmatch(symbol):
                continue
            cell = (sheet.name, row, column + 1)
            if not np.isnan(number_at(cell, calculation)):
                stated.setdefault(symbol, []).append(cell)
    return stated


def read_summary(sheets: list[Sheet], tables: list[Table]) -> list[SummaryRow]:
    """Return the rows that list, for the sheet they name, its learning rate and losses."""
    by_sheet = {table.sheet.name: table for table in tables}
    found = []
    for sheet in sheets:
        rows = rows_of_labels(sheet)
        for header_row, labels in rows.items():
            rate = next((column for column, text in labels.items() if is_rate_label(text)), None)
            names = next((column for column, text in labels.items() if text == "Sheet"), None)
            results = {
                (match[1], int(match[2])): column
                for column, text in labels.items()
                if (match := _RESULT_AT.fullmatch(text))
            }
            if rate is None or names is None or not results:
                continue
            row = header_row + 1
            while table := by_sheet.get(rows.get(row, {}).get(names, "")):
                cells = {at: (sheet.name, row, column) for at, column in results.items()}
                found.append(SummaryRow(table, (sheet.name, row, rate), cells))
                row += 1
    return found
