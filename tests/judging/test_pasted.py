"""Numbers in place of formulas are checked too, as exactly as their rounding allows."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from cases import cases
from handmade import HEADER, HandMade
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter
from references import one_sample, trained

from workbook_tools.checking.verify import verify
from workbook_tools.engines.embedded import recalculate
from workbook_tools.judging.report import Report
from workbook_tools.mathematics.optimizers import Rule
from workbook_tools.mathematics.reference import Reference
from workbook_tools.notation.quantities import ITERATION, ITERATION_RATE, Naming
from workbook_tools.notation.vocabulary import Activation

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


FORMATS = [("d", n) for n in range(2, 9)] + [("g", n) for n in range(3, 11)]
RATE = 0.5


@st.composite
def trainings(draw: st.DrawFn) -> dict[str, np.ndarray]:
    """Draw a network and train it; return the columns of its table."""
    sizes = (2, *draw(st.lists(st.integers(1, 3), min_size=2, max_size=3)))
    naming = Naming(sizes, tuple(draw(st.sampled_from(sorted({0, 1, n}))) for n in sizes[1:]))
    if draw(st.booleans()):  # the weights may be numbered source by source
        numbers = [[w for row in naming.weights(k) for w in row] for k in naming.layers]
        units = zip(numbers, sizes[1:], strict=True)
        naming = replace(
            naming, order=tuple(w for f, n in units for k in range(n) for w in f[k::n])
        )
    hidden = draw(st.sampled_from(sorted(set(Activation) - {Activation.SOFTMAX})))
    activations = (*[hidden] * (len(sizes) - 2), Activation.SIGMOID)
    reference = Reference(naming, (), draw(st.booleans()), activations, rule=Rule())
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    start = {symbol: float(chance.uniform(-1.5, 1.5)) for symbol in reference.start}
    values = start | {s: float(np.round(chance.uniform(0.05, 0.95), 2)) for s in reference.data}
    data, count = one_sample(reference, values), draw(st.integers(3, 30))
    run = trained(reference, values, data, RATE, count)
    return {
        s: column
        for s, column in run.items()
        if s not in (ITERATION, ITERATION_RATE) and s[:2] != "g_"
    }


def pasted(columns: dict[str, np.ndarray], style: tuple[str, int], path: Path) -> Path:
    """Write a table of numbers that were rounded to decimals ("d") or significant digits ("g")."""
    kind, digits = style
    book = Workbook()
    sheet = book.active
    sheet.append(["learning rate", RATE])
    sheet.append([])
    sheet.append([*columns])
    for row in np.stack([*columns.values()], axis=1).tolist():
        sheet.append([round(x, digits) if kind == "d" else float(f"{x:.{digits}g}") for x in row])
    book.save(path)
    return path


@cases(100)
@given(trainings(), st.sampled_from(FORMATS))
def test_a_right_training_is_right_however_its_numbers_were_rounded(
    columns: dict[str, np.ndarray], style: tuple[str, int]
) -> None:
    with TemporaryDirectory() as folder:
        report = verify(pasted(columns, style, Path(folder) / "pasted.xlsx"))
    said = [(str(fault.kind), fault.quantity, fault.cells) for fault in report.faults]
    assert (report.verdict, said) == ("pass", [])
    assert report.tables[0].cells.numbers >= len(columns)


@cases(40)
@given(trainings(), st.sampled_from([f for f in FORMATS if f[1] > 4]), st.data())
def test_a_number_that_no_rounding_explains_is_found(
    columns: dict[str, np.ndarray], style: tuple[str, int], data: st.DataObject
) -> None:
    worked_out = [s for s in columns if s[0] not in "tib" and not (columns[s] == 0).all()]
    symbol = data.draw(st.sampled_from(worked_out))
    row = data.draw(st.integers(1, len(columns[symbol]) - 1))
    moved = columns[symbol].copy()
    moved[row] = 2 * moved[row] + 0.5
    with TemporaryDirectory() as folder:
        report = verify(pasted(columns | {symbol: moved}, style, Path(folder) / "pasted.xlsx"))
    found = {(fault.quantity, row) for fault in report.faults for row in fault.rows}
    assert (symbol, row + 4) in found
