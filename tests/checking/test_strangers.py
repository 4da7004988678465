"""What people do that others would not: each read rightly, with a mistake found beside it."""

from pathlib import Path

import pytest
from checks import check
from handmade import FORMULAS, HEADER, HandMade, copy_of_the_table
from openpyxl import load_workbook

from workbook_tools.checking.verify import verify
from workbook_tools.judging.report import Report

WRONG = {**FORMULAS, "∂E/∂w3": FORMULAS["∂E/∂w3"].replace("M6*(1-M6)", "K6*(1-K6)")}
GRADIENTS = [f"∂E/∂w{k}" for k in range(1, 9)]


def found(report: Report) -> list[tuple[str, str]]:
    return [(finding.kind.value, finding.quantity) for finding in report.faults]


@pytest.mark.parametrize("formulas", [FORMULAS, WRONG], ids=["right", "wrong"])
@pytest.mark.parametrize(
    "cells",
    [
        {"AI5": "i1", "AJ5": 0.05, "AI6": "i2", "AJ6": 0.1},
        {"AI5": "w1", "AJ5": 0.15, "AI6": "w2", "AJ6": 0.2},
        {"AI5": "Input 1", "AJ5": 0.05, "AI6": "Input 2", "AJ6": 0.1},
    ],
    ids=["inputs", "weights", "words"],
)
def test_a_list_of_parameters_may_begin_beside_the_header(
    cells: dict[str, object], formulas: dict[str, str], tmp_path: Path
) -> None:
    report = check(HandMade(formulas, cells), tmp_path)
    assert report.tables[0].network == "2-2-2"
    assert set(report.tables[0].understood.columns) == set(HEADER)
    assert found(report) == [("wrong-formula", "∂E/∂w3")] * (formulas is WRONG)


@pytest.mark.parametrize("wrong", [False, True], ids=["right", "wrong"])
def test_inputs_in_single_cells_may_begin_beside_the_header(wrong: bool, tmp_path: Path) -> None:
    formulas = WRONG if wrong else FORMULAS
    formulas = {s: f.replace("D6", "$AJ$5").replace("E6", "$AJ$7") for s, f in formulas.items()}
    no_columns = {f"{column}{row}": None for column in "DE" for row in range(5, 26)}
    listed = {"AI5": "i1", "AJ5": 0.05, "AI7": "i2", "AJ7": 0.1}
    report = check(HandMade(formulas, {**no_columns, **listed}), tmp_path)
    assert report.tables[0].network == "2-2-2"
    assert found(report) == [("wrong-formula", "∂E/∂w3")] * wrong


@pytest.mark.parametrize("row", [26, 28], ids=["directly", "below a gap"])
def test_an_average_below_a_table_is_no_iteration(row: int, tmp_path: Path) -> None:
    report = check(HandMade(cells={f"A{row}": "Average", f"X{row}": "=AVERAGE(X6:X25)"}), tmp_path)
    assert found(report) == []
    assert report.tables[0].iterations == 20


def two_tables(folder: Path, down: int, right: int, rate: float) -> Report:
    """Copy a table, whose copy goes on reading the first one's rate, below a rate of its own."""
    path = HandMade().save(folder / "made.xlsx")
    copy_of_the_table(path, down, right)
    book = load_workbook(path)
    sheet = book.active
    label = sheet.cell(2 + down, 3 + right) if right else sheet.cell(4 + down, 3)
    label.value, sheet.cell(label.row, label.column + 1).value = "η =", rate
    book.save(path)
    return verify(path)


@pytest.mark.parametrize(("down", "right"), [(30, 0), (0, 40)], ids=["below", "beside"])
def test_a_copied_table_that_reads_the_rate_of_the_first_is_found(
    down: int, right: int, tmp_path: Path
) -> None:
    report = two_tables(tmp_path, down, right, rate=2.0)
    first, second = report.tables
    assert (first.learning_rate, second.learning_rate) == (0.5, 2.0)
    assert first.faults == []
    assert {f.kind.value for f in second.faults} == {"wrong-reference-rate"}
    assert len(second.faults) == 8
    for finding in second.faults:
        assert finding.suggestion is not None
        assert "$D$2" not in finding.suggestion.formula


def test_a_rate_on_another_sheet_is_not_that_above_another_table(tmp_path: Path) -> None:
    """Both tables read Rates!D2, as far right and down as what stands above the first table."""
    path = HandMade(rate="Rates!$D$2").save(tmp_path / "made.xlsx")
    copy_of_the_table(path, 30, 0)
    book = load_workbook(path)
    rates, sheet = book.create_sheet("Rates"), book.active
    rates["C2"], rates["D2"] = "Learning rate", 0.5
    sheet["C34"], sheet["D34"] = "η =", 2.0  # it is read by none, and so is D2
    book.save(path)
    report = verify(path)
    assert [table.understood.rate_cell for table in report.tables] == ["Rates!D2", "Rates!D2"]


def test_a_labelled_rate_that_no_update_reads_is_said(tmp_path: Path) -> None:
    report = check(HandMade(rate="0.1"), tmp_path)
    assert report.tables[0].learning_rate == 0.5
    assert len(report.faults) == 8
    assert all(f.suggestion and "$D$2" in f.suggestion.formula for f in report.faults)


def test_a_typed_rate_that_is_the_labelled_one_is_right(tmp_path: Path) -> None:
    assert found(check(HandMade(rate="0.5"), tmp_path)) == []


def test_gradients_of_the_wrong_sign_make_no_negative_loss(tmp_path: Path) -> None:
    """The loss's own formulas say what it is."""
    swapped = {g: FORMULAS[g].replace("(S6-B6)", "(B6-S6)").replace("(U6-C6)", "(C6-U6)")
               for g in GRADIENTS}  # fmt: skip
    report = check(HandMade({**FORMULAS, **swapped}), tmp_path)
    assert report.tables[0].understood.loss == "half-squared-error"
    assert found(report) == [("wrong-formula", gradient) for gradient in GRADIENTS]


@pytest.mark.parametrize("half", ["0.5*", ""], ids=["halved", "not halved"])
def test_gradients_that_lack_the_outputs_slope_make_no_cross_entropy(
    half: str, tmp_path: Path
) -> None:
    losses = {"E1": f"={half}(B6-S6)^2", "E2": f"={half}(C6-U6)^2"}
    lacking = {g: FORMULAS[g].replace("*S6*(1-S6)", "").replace("*U6*(1-U6)", "")
               for g in GRADIENTS}  # fmt: skip
    report = check(HandMade({**FORMULAS, **losses, **lacking}), tmp_path)
    assert report.tables[0].understood.loss.startswith("half-squared-error")
    assert found(report) == [("wrong-formula", gradient) for gradient in GRADIENTS]


def test_a_reference_that_was_lost_is_an_error_value(tmp_path: Path) -> None:
    lost = FORMULAS["a_o1"].replace("R6", "#REF!")
    assert found(check(HandMade({**FORMULAS, "a_o1": lost}), tmp_path)) == [("error-value", "a_o1")]


def test_a_formula_that_is_right_only_where_it_begins_is_wrong(tmp_path: Path) -> None:
    cells = {f"N{row}": f"=$N$6-$D$2*AC{row - 1}" for row in range(7, 26)}
    report = check(HandMade(cells=cells), tmp_path)
    assert [(f.kind.value, f.cells) for f in report.faults] == [("wrong-formula", "N7:N25")]
    assert report.faults[0].suggestion is not None
    assert report.faults[0].suggestion.formula == "=$N6-$D$2*AC6"


def test_a_rate_with_a_decimal_comma_is_a_text(tmp_path: Path) -> None:
    report = check(HandMade(cells={"D2": "0,5"}), tmp_path)
    assert [(f.kind.value, f.quantity, f.cells, f.value) for f in report.faults] == [
        ("error-value", "η", "D2", "0,5")
    ]
    assert report.verdict == "fail"


def test_a_number_that_is_a_text_is_a_warning(tmp_path: Path) -> None:
    report = check(HandMade(cells={"D12": "0.05"}), tmp_path)
    assert [(f.kind.value, f.quantity, f.cells, f.value) for f in report.faults] == [
        ("odd-start", "i1", "D12", "0.05")
    ]
    assert report.verdict == "pass"


def test_iterations_may_be_numbered_in_words(tmp_path: Path) -> None:
    cells = {"A5": "iteration", **{f"A{row}": f"step {row - 5}" for row in range(6, 26)}}
    assert found(check(HandMade(cells=cells), tmp_path)) == []


DELTA_RULE = [
    "δ_o1", "δ_o2", "δ_h1", "δ_h2", "Δw1", "Δw2", "Δw3", "Δw4", "Δw5", "Δw6", "Δw7", "Δw8",
]  # fmt: skip
SOURCES = {1: "AA{0}*D{0}", 2: "AA{0}*E{0}", 3: "AB{0}*D{0}", 4: "AB{0}*E{0}",
           5: "Y{0}*K{0}", 6: "Y{0}*M{0}", 7: "Z{0}*K{0}", 8: "Z{0}*M{0}"}  # fmt: skip


def delta_rule(folder: Path, hidden: str) -> Report:
    """Train by the delta rule: δ = (t − a) a (1 − a), Δw = η δ a, w + Δw."""
    path = HandMade().save(folder / "made.xlsx")
    book = load_workbook(path)
    sheet = book.active
    for column in range(25, 33):
        for row in range(5, 26):
            sheet.cell(row, column).value = None
    for k, label in enumerate(DELTA_RULE):
        sheet.cell(5, 25 + k).value = label
    weights = "FGHINOPQ"
    for row in range(6, 26):
        sheet[f"Y{row}"] = f"=(B{row}-S{row})*S{row}*(1-S{row})"
        sheet[f"Z{row}"] = f"=(C{row}-U{row})*U{row}*(1-U{row})"
        sheet[f"AA{row}"] = f"=(Y{row}*N{row}+Z{row}*P{row})*K{row}*(1-K{row})"
        sheet[f"AB{row}"] = hidden.format(row)
        for k, source in SOURCES.items():
            change = sheet.cell(row, 28 + k)
            change.value = f"=$D$2*{source.format(row)}"
            if row > 6:
                above = f"{change.column_letter}{row - 1}"
                sheet[f"{weights[k - 1]}{row}"] = f"={weights[k - 1]}{row - 1}+{above}"
    book.save(path)
    return verify(path)


def test_the_delta_rule_is_as_right_as_gradients(tmp_path: Path) -> None:
    report = delta_rule(tmp_path, "=(Y{0}*O{0}+Z{0}*Q{0})*M{0}*(1-M{0})")
    assert found(report) == []
    assert report.tables[0].cells.checked > 300


def test_a_mistake_in_the_delta_rule_is_found_alone(tmp_path: Path) -> None:
    report = delta_rule(tmp_path, "=(Y{0}*O{0}+Z{0}*Q{0})*K{0}*(1-K{0})")
    assert found(report) == [("wrong-formula", "δ_h2")]
    assert report.faults[0].suggestion is not None
    assert report.faults[0].suggestion.edit == "replace K by M (twice)"
