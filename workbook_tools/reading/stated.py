"""Reads what a workbook states beside its tables: settings, initial values, a summary of losses.

A setting or an initial value is a label with a number or a word to its right. A summary lists the
training sheets by name.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation.addresses import Cell
from workbook_tools.notation.quantities import (
    ACCURACY,
    MEAN_LOSS,
    SETTINGS,
    SUMMED_LOSS,
    TOTAL_LOSS,
    WORDS,
)
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.cells import number_at
from workbook_tools.reading.labels import is_rate_label, parse_setting, parse_symbol
from workbook_tools.reading.table import Table

_PARAMETER = re.compile(r"[tiwb]\d+")
_RESULT_AT = re.compile(
    rf"({'|'.join((TOTAL_LOSS, MEAN_LOSS, SUMMED_LOSS, ACCURACY))}) at iteration (\d{{1,7}})"
)


class SummaryRow(NamedTuple):
    """One row of a summary: the table that it is about, and its cells by what they state."""

    table: Table
    rate_cell: Cell
    result_cells: dict[tuple[str, int], Cell]  # by symbol and iteration


def read_settings(
    sheet: Sheet, header_row: int, calculation: Calculation
) -> tuple[dict[str, Cell], dict[str, str]]:
    """Return the settings above a header: cells with a number, and words, right of a label.

    Where a label is repeated, the one nearest to the header counts.
    """
    settings: dict[str, Cell] = {}
    words: dict[str, str] = {}
    for (row, column), name in sheet.labels(parse_setting).items():
        if row >= header_row:
            break
        if name in WORDS and (said := sheet.texts.get((row, column + 1))):
            words[name] = said
        elif name in SETTINGS:
            cell = (sheet.name, row, column + 1)
            if not np.isnan(number_at(cell, calculation)):
                settings[name] = cell
    return settings, words


def listed(words: Mapping[str, str], label: str) -> list[str]:
    """Return the words that stand after a label, separated by commas."""
    return [word for part in words.get(label, "").split(",") if (word := part.strip())]


def read_parameters(
    sheets: list[Sheet], tables: list[Table], calculation: Calculation
) -> dict[str, list[Cell]]:
    """Return the cells that state a target, input, weight or bias: numbers right of a label.

    A symbol that is stated more than once keeps all its cells, for the caller to judge.
    """
    stated: dict[str, list[Cell]] = {}
    for sheet in sheets if tables else ():
        headers = {table.header_row for table in tables if table.sheet is sheet}
        for (row, column), symbol in sheet.labels(parse_symbol).items():
            if row in headers or not _PARAMETER.fullmatch(symbol):
                continue
            cell = (sheet.name, row, column + 1)
            if not np.isnan(number_at(cell, calculation)):
                stated.setdefault(symbol, []).append(cell)
    return stated


def read_summary(sheets: list[Sheet], tables: list[Table]) -> list[SummaryRow]:
    """Return the rows that list a training sheet's name, its learning rate and its results."""
    by_sheet = {table.sheet.name: table for table in tables}
    found = []
    for sheet in sheets if tables else ():
        rows = sheet.rows_of_texts
        rates: dict[int, int] = {}  # by row: the first column
        for row, column in sheet.labels(is_rate_label):
            rates.setdefault(row, column)
        for header_row, rate in rates.items():
            labels = rows[header_row]
            names = next((column for column, text in labels.items() if text == "Sheet"), None)
            results = {
                (match[1], int(match[2])): column
                for column, text in labels.items()
                if (match := _RESULT_AT.fullmatch(text))
            }
            if names is None or not results:
                continue
            row = header_row + 1
            while table := by_sheet.get(rows.get(row, {}).get(names, "")):
                cells = {at: (sheet.name, row, column) for at, column in results.items()}
                found.append(SummaryRow(table, (sheet.name, row, rate), cells))
                row += 1
    return found
