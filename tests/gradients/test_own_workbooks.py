"""Workbooks that we ship, without their backward half: it is written anew, and is the same."""

from pathlib import Path

import numpy as np
import pytest
from differentiated_copies import copy_of, derivatives_in
from forward_models import full
from openpyxl import Workbook, load_workbook
from references import tables

from workbook_tools.engines.cached import recalculate as stored
from workbook_tools.formulas.references import areas
from workbook_tools.notation.addresses import Cell
from workbook_tools.notation.quantities import gradient_symbol
from workbook_tools.reading.table import Table


def headed(book: Workbook, sheet: str, heading: str, below: int) -> int:
    """Return the column with a heading in the first row above another one."""
    [column] = {
        cell.column
        for row in book[sheet].iter_rows(max_row=below - 1)
        for cell in row
        if cell.value == heading
    }
    return int(column)


def forward_half(path: Path, table: Table, to: Path) -> Path:
    """Write a copy without other tables, gradients and all that comes after the first iteration."""
    book = load_workbook(path)
    for name in book.sheetnames:
        if name not in (table.sheet.name, "Overview", "Data"):
            del book[name]
    sheet, first = book[table.sheet.name], int(table.rows[0])
    kept = {column for symbol, column in table.columns.items() if not symbol.startswith(("∂", "Δ"))}
    for row in sheet.iter_rows(min_row=first):
        for cell in row:
            if cell.row >= first + table.block or cell.column not in kept:
                cell.value = None
    book.save(to)
    return to


@pytest.mark.parametrize(
    "name",
    [
        "Back_Propogation",
        "mazur",
        "xor",
        "optimizers",
        "deep",
        pytest.param("tiny_cnn", marks=pytest.mark.slow),
        pytest.param("iris", marks=pytest.mark.slow),
    ],
)
def test_the_backward_half_is_written_anew(name: str, workbooks: Path, tmp_path: Path) -> None:
    path = workbooks / f"{name}.xlsx"
    table, reference = tables(path)[0]
    book, values, row = load_workbook(path), stored(path), int(table.rows[0])
    sheet = table.sheet.name
    right: dict[Cell, float] = {}
    for symbol in reference.trained:
        start = str(book[sheet].cell(row, table.columns[symbol]).value)
        [area] = areas(start)
        column = headed(book, sheet, gradient_symbol(symbol), row)
        shown = values.value((sheet, row, column))
        assert isinstance(shown, float)
        right[area.sheet or sheet, area.first_row, area.first_column] = shown
    half = forward_half(path, table, tmp_path / "half.xlsx")
    loss = (sheet, row, table.columns[table.loss])
    found = derivatives_in(copy_of(half, full(loss), map(full, right)))
    ours = [found[cell] for cell in right]
    np.testing.assert_allclose(ours, [*right.values()], rtol=1e-9, atol=1e-14)
    assert any(ours)
