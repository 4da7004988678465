"""Numbers in place of formulas are checked too, as exactly as their rounding allows."""

from collections.abc import Callable
from pathlib import Path

import pytest
from handmade import HEADER, HandMade
from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from workbook_tools.checking.verify import verify
from workbook_tools.engines.embedded import recalculate
from workbook_tools.judging.report import Report

LETTERS = {symbol: get_column_letter(k) for k, symbol in enumerate(HEADER, start=2)}
WORKED_OUT = [symbol for symbol in HEADER if symbol[0] not in "ti"]


def as_values(
    path: Path, symbols: list[str], stored: Callable[[float], float] = float, **changes: float
) -> Report:
    """Check a hand-made table with values in some columns and ``changes`` to single cells."""
    calculation = recalculate(HandMade().save(path))
    book = load_workbook(path)
    sheet = book.active
    for symbol in symbols:
        for row in range(6, 26):
            column = HEADER.index(symbol) + 2
            [[value]] = calculation.block("My sheet", row, column, row, column)
            sheet.cell(row, column).value = stored(value)
    for cell, value in changes.items():
        sheet[cell] = value
    book.save(path)
    return verify(path)


def ten_digits(value: float) -> float:
    return float(f"{value:.10g}")


@pytest.mark.parametrize("stored", [float, ten_digits], ids=["whole", "ten digits"])
@pytest.mark.parametrize("symbols", [WORKED_OUT, ["∂E/∂w3"], ["E2", "w5"]], ids=str)
def test_right_numbers_pass_and_are_counted(
    symbols: list[str], stored: Callable[[float], float], tmp_path: Path
) -> None:
    if stored is ten_digits and "w5" in symbols:
        pytest.skip("weights of ten digits beside gradients of more are no table of one program")
    report = as_values(tmp_path / "values.xlsx", symbols, stored)
    assert [(finding.quantity, finding.cells) for finding in report.faults] == []
    assert report.verdict == "pass"
    starts = sum(symbol[0] == "w" for symbol in symbols)  # those stay numbers
    assert report.tables[0].cells.numbers == 20 * len(symbols) - starts


def test_a_wrong_number_among_pasted_ones_is_found(tmp_path: Path) -> None:
    report = as_values(tmp_path / "values.xlsx", ["E2"], W12=0.3)
    [finding] = report.faults
    assert (finding.kind, finding.quantity, finding.cells) == ("wrong-value", "E2", "W12")
    assert finding.value == 0.3
    assert finding.suggestion is not None
    assert finding.suggestion.formulas == {12: "=0.5*(C12-U12)^2"}


def test_a_wrong_number_in_a_whole_table_of_rounded_ones_is_found(tmp_path: Path) -> None:
    right = as_values(tmp_path / "right.xlsx", WORKED_OUT, ten_digits)
    assert right.verdict == "pass"
    report = as_values(tmp_path / "values.xlsx", WORKED_OUT, ten_digits, W12=0.3)
    assert {(f.kind, f.quantity, f.cells) for f in report.faults} == {
        ("wrong-value", "E2", "W12"),
        ("wrong-value", "E_tot", "X12"),
    }


def test_weights_that_are_never_updated_are_found(tmp_path: Path) -> None:
    constant = {f"Q{row}": 0.55 for row in range(6, 26)}
    report = verify(HandMade(cells=constant).save(tmp_path / "constant.xlsx"))
    [finding] = report.faults
    assert (finding.kind, finding.quantity, finding.cells) == ("wrong-value", "w8", "Q7:Q25")
