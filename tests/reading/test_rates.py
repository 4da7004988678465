"""The learning rate is found wherever it stands, and an update that does not read it is named."""

import math
from pathlib import Path

import openpyxl
import pytest
from checks import check
from handmade import HandMade

from workbook_tools.checking.verify import verify


@pytest.mark.parametrize(
    ("rate", "cells"),
    [
        ("$D$2", {"C2": None, "D1": "Learning rate"}),
        ("$D$2", {"C2": None, "E2": "η"}),
        ("$D$2", {"C2": None, "D3": "lr"}),
        ("$D$2", {"C2": None, "B2": "η ="}),
        ("$D$2", {"C2": None}),
        ("$D$2", {"C2": "h"}),  # η in the font "Symbol"
        ("$D$2", {"D2": "=1/2"}),
        ("$E$2", {"D2": 1, "E2": 0.5, "F2": 0.2}),  # a row of rates, to choose from
        ("0.5", {"C2": None, "D2": None}),
        ("D$2", {}),
        *[("$D$2", {"C2": label}) for label in ("α", "μ", "λ", "LR", "step size", "rate", "γ =")],
    ],
)
def test_a_rate_is_found(tmp_path: Path, rate: str, cells: dict[str, object]) -> None:
    report = check(HandMade(cells=cells, rate=rate), tmp_path)
    assert (report.verdict, report.faults) == ("pass", [])
    assert report.tables[0].learning_rate == 0.5
    assert report.tables[0].cells.not_checked == 0


def test_a_column_may_hold_the_rate_of_each_iteration(tmp_path: Path) -> None:
    cells: dict[str, object] = {"C2": None, "D2": None, "AG5": "Learning rate"}
    cells |= {f"AG{row}": 0.5 * 0.9**row for row in range(6, 26)}
    made = HandMade(cells=cells, rate="$AG6")
    assert (report := check(made, tmp_path)).verdict == "pass"
    assert report.tables[0].cells.not_checked == 0
    made.cells["F12"] = "=F11-$AG12*Y11"
    [finding] = check(made, tmp_path).faults
    assert finding.cells == "F12"


def test_a_column_of_rates_may_read_the_rate_that_is_labelled(tmp_path: Path) -> None:
    cells: dict[str, object] = {"AG5": "Learning rate"}
    cells |= {f"AG{row}": f"=$D$2/(1+0.1*A{row})" for row in range(6, 26)}
    report = check(HandMade(cells=cells, rate="$AG6"), tmp_path)
    assert report.verdict == "pass"
    assert report.tables[0].understood.rate_cell == "My sheet!D2"


@pytest.mark.parametrize("label", ["α", "μ", "λ"])
def test_a_rate_named_like_a_setting_is_known_by_the_updates(tmp_path: Path, label: str) -> None:
    cells: dict[str, object] = {"C2": label, "E2": 0.5, "F12": "=F11-$E$2*Y11"}
    [finding] = check(HandMade(cells=cells), tmp_path).faults
    assert (finding.quantity, finding.cells) == ("w1", "F12")


def test_of_two_cells_that_updates_read_the_rate_is_the_one_that_multiplies_the_gradient(
    tmp_path: Path,
) -> None:
    weights = dict(zip("FGHINOPQ", ("Y", "Z", "AA", "AB", "AC", "AD", "AE", "AF"), strict=True))
    cells: dict[str, object] = {"C2": "first", "C1": "λ", "D1": 0.01} | {
        f"{w}{row}": f"={w}{row - 1}-$D$2*({g}{row - 1}+$D$1*{w}{row - 1})"
        for w, g in weights.items()
        for row in range(7, 26)
    }
    report = check(HandMade(cells=cells), tmp_path)
    assert (report.verdict, report.faults) == ("pass", [])
    assert report.tables[0].learning_rate == 0.5
    cells["G9"] = "=G8-$D$2*(Z8-$D$1*G8)"
    [finding] = check(HandMade(cells=cells), tmp_path).faults
    assert finding.cells == "G9"


NAMES = {"eta": "'My sheet'!$D$2", "rate": "0.5", "minus": "=-0.5", "In_1": "'My sheet'!$D$1"}


@pytest.mark.parametrize("rate", ["eta", "ETA", "rate", "(-minus)", "(eta)"])
def test_a_rate_may_be_a_defined_name_of_a_cell_or_a_number(tmp_path: Path, rate: str) -> None:
    made = HandMade(rate=rate, names=NAMES, cells={"C2": None})
    report = check(made, tmp_path)
    assert (report.verdict, report.faults) == ("pass", [])
    assert report.tables[0].learning_rate == 0.5
    assert report.tables[0].cells.not_checked == 0
    made.cells |= {"E2": 0.5, "F12": "=F11-$E$2*Y11"}
    [finding] = check(made, tmp_path).faults
    assert finding.cells == "F12"


def test_one_update_that_reads_another_rate_is_named(tmp_path: Path) -> None:
    cells: dict[str, object] = {"E2": 0.25, "F12": "=F11-$E$2*Y11"}
    [finding] = check(HandMade(cells=cells), tmp_path).faults
    assert (finding.kind, finding.quantity, finding.cells) == ("wrong-reference-rate", "w1", "F12")


def test_a_rate_without_its_dollar_drifts_and_is_named_for_each_weight(tmp_path: Path) -> None:
    report = check(HandMade(rate="D2", cells={"D3": 0.4, "D4": 0.3}), tmp_path)
    assert report.verdict == "fail"
    assert {finding.kind for finding in report.faults} == {"wrong-reference-rate"}
    assert {finding.quantity for finding in report.faults} == {f"w{k}" for k in range(1, 9)}


@pytest.mark.parametrize("cells", [{}, {"AJ2": 0.25}])
def test_updates_that_all_read_another_cell_than_the_labelled_one_are_named(
    tmp_path: Path, cells: dict[str, object]
) -> None:
    report = check(HandMade(cells=cells, rate="$AJ$2"), tmp_path)
    assert report.tables[0].learning_rate == 0.5
    assert {f.kind for f in report.faults} == {"wrong-reference-rate"}
    assert len(report.faults) == 8


def test_without_any_rate_the_updates_are_not_checked(tmp_path: Path) -> None:
    made = HandMade(cells={"C2": None, "D2": None})
    path = made.save(tmp_path / "made.xlsx")
    book = openpyxl.load_workbook(path)
    for row in book["My sheet"].iter_rows(min_row=7, min_col=6, max_col=17):
        for cell in row:
            if cell.column <= 9 or cell.column >= 14:
                cell.value = 0.3
    book.save(path)
    table = verify(path).tables[0]
    assert table.learning_rate is None
    assert math.isnan(table.last_loss_of_run)


def test_a_typed_number_of_the_data_that_is_unlike_the_rest_is_a_warning(tmp_path: Path) -> None:
    report = check(HandMade(cells={"D10": 0.5, "D11": 0.5}), tmp_path)
    assert report.verdict == "pass"
    [finding] = report.faults
    assert (finding.kind, finding.quantity, finding.cells) == ("odd-start", "i1", "D10:D11")
    assert (finding.value, finding.expected) == (0.5, 0.05)
    drifted = {f"D{row}": 0.05 - 1e-16 * row for row in range(20, 26)}
    assert check(HandMade(cells={**drifted}), tmp_path).faults == []
