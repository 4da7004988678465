"""PASS means that every formula cell of every table was checked; what was not is said."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from checks import call
from handmade import FORMULAS, HEADER, HandMade, copy_of_the_table
from openpyxl import load_workbook

from workbook_tools.checking.verify import verify
from workbook_tools.classroom.row import Verdict, row_of
from workbook_tools.judging.report import Report
from workbook_tools.reporting.html import to_html
from workbook_tools.reporting.json_document import to_json

MATRIX = "=SUM(MMULT(F6:G6,{1;0})*D6,G6*E6)"  # as h1, with a function that the engine lacks
WRONG = FORMULAS["∂E/∂w3"].replace("O6", "P6")


def check(made: HandMade, folder: Path, engine: str = "embedded") -> Report:
    return verify(made.save(folder / "made.xlsx"), engine)


@pytest.fixture
def _no_libreoffice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbook_tools.engines.libreoffice.is_installed", lambda: False)


@pytest.mark.usefixtures("_no_libreoffice")
@pytest.mark.parametrize("planted", [{}, {"E_tot": "=V6-W6"}, {"∂E/∂w3": WRONG}])
def test_what_no_engine_calculates_keeps_a_workbook_from_passing(
    tmp_path: Path, planted: Mapping[str, str]
) -> None:
    report = check(HandMade({**FORMULAS, "h1": MATRIX, **planted}), tmp_path)
    assert report.verdict != "pass"
    if not planted:
        assert report.verdict == "incomplete"
        assert "the engine does not know MMULT" in report.not_checked
        assert "My sheet!J6:J25" in report.not_checked
        left = report.tables[0].cells.not_checked
        assert report.not_checked.startswith(f"{left:,} of 532 formula cells not checked: ")


@pytest.mark.parametrize("target", ["#VALUE!", '=1*"x"', "=NA()", "=B5+0", "=Z100/0"])
def test_an_error_in_the_data_is_one_finding_and_never_a_pass(tmp_path: Path, target: str) -> None:
    cells: dict[str, object] = {f"B{row}": f"=B{row - 1}" for row in range(7, 26)}
    report = check(HandMade(cells={**cells, "B6": target}), tmp_path)
    [finding] = report.faults
    assert (report.verdict, finding.kind, finding.quantity) == ("fail", "error-value", "t1")
    assert finding.rows[0] == 6
    assert "an error value" in finding.message


def test_an_error_value_in_any_column_is_a_finding(tmp_path: Path) -> None:
    cells: dict[str, object] = {"AG5": "my notes", "AG6": "=X6*2", "AG7": "=X7/0"}
    report = check(HandMade(cells=cells), tmp_path)
    found = [(f.kind, f.quantity, f.cells) for f in report.faults]
    assert found == [("error-value", "my notes", "AG7")]


def test_a_learning_rate_that_is_an_error_is_named_itself(tmp_path: Path) -> None:
    report = check(HandMade(cells={"D2": "=1/0"}), tmp_path)
    assert [(f.kind, f.cells) for f in report.faults] == [("error-value", "D2")]


@pytest.mark.parametrize("typed", ["=0.5", "=1/20", "=-(2-1.5)*-1", "=5%", "=5E-1"])
def test_data_typed_as_formulas_are_data(tmp_path: Path, typed: str) -> None:
    cells: dict[str, object] = {f"B{row}": typed for row in range(6, 26)}
    cells |= {"D6": "=1/20", "F6": "=0.15", "N6": "=2/5"}
    report = check(HandMade(cells=cells), tmp_path)
    assert (report.verdict, report.faults) == ("pass", [])
    where_one_is_worked_out = HandMade({**FORMULAS, "h1": "=0.0275"})
    assert check(where_one_is_worked_out, tmp_path).verdict == "fail"


@pytest.mark.parametrize("lost", ["o1", "w1", "h2", "a_o2"])
@pytest.mark.parametrize("alone", [True, False])
def test_a_table_with_a_label_that_is_lost_is_not_passed_over(
    tmp_path: Path, lost: str, alone: bool
) -> None:
    header = ["something else" if label == lost else label for label in HEADER]
    path = HandMade(header=header).save(tmp_path / "made.xlsx")
    if not alone:
        copy_of_the_table(path, down=30, right=0)
        book = load_workbook(path)
        book.active.cell(35, HEADER.index(lost) + 2).value = lost
        book.save(path)
    report = verify(path)
    assert report.faults == []
    if alone and lost in ("o1", "w1"):  # its gradients are proven all the same
        assert (report.verdict, report.tables, len(report.models)) == ("pass", [], 1)
        return
    if alone and lost != "a_o2":
        assert report.verdict == "unchecked"
        assert f"but not {lost} (" in report.not_checked
        return
    assert report.verdict == "incomplete"
    assert ("labelled like a training table" in report.not_checked) == (lost in ("o1", "w1"))


def test_rows_apart_from_a_table_that_hold_its_formulas_are_counted(tmp_path: Path) -> None:
    rows = [*range(6, 16), *range(200, 206)]
    report = check(HandMade(rows=rows), tmp_path)
    assert report.verdict == "incomplete"
    assert "outside the rows of the table" in report.not_checked


@pytest.mark.parametrize("start", ["=RAND()", "=AK1*2", "=AVERAGE(AK1:AK3)"])
def test_an_initial_value_may_be_any_number(tmp_path: Path, start: str) -> None:
    cells: dict[str, object] = {"AK1": 0.1, "AK2": 0.2, "AK3": 0.4, "F6": start}
    report = check(HandMade(cells=cells), tmp_path)
    assert (report.verdict, report.faults) == ("pass", [])
    assert sum(report.tables[0].cells.harmless.values()) == 1


@pytest.mark.parametrize("start", ["=G6*0.75", "=X6*0+0.15", "=Y25*0+0.15"])
def test_an_initial_value_made_of_the_table_itself_is_not_passed(
    tmp_path: Path, start: str
) -> None:
    report = check(HandMade(cells={"F6": start}), tmp_path)
    assert report.verdict != "pass"


def test_helpers_are_checked_with_what_reads_them(tmp_path: Path) -> None:
    header = ["helper" if label == "E1" else label for label in HEADER]
    assert check(HandMade(header=header), tmp_path).verdict == "pass"
    wrong = HandMade({**FORMULAS, "E1": "=(B6-S6)^2"}, header=header)
    assert check(wrong, tmp_path).verdict == "fail"
    header = ["helper" if label in ("E1", "E_tot") else label for label in HEADER]
    assert check(HandMade(header=header), tmp_path).verdict == "incomplete"


@pytest.mark.usefixtures("_no_libreoffice")
def test_what_was_not_checked_is_said_in_every_report(tmp_path: Path) -> None:
    path = HandMade({**FORMULAS, "h1": MATRIX}).save(tmp_path / "made.xlsx")
    report = verify(path, "embedded")
    document = to_json(report)
    assert (document["verdict"], document["not_checked"]) == ("incomplete", report.not_checked)
    row = row_of(report, "made.xlsx", "", 0.0)
    assert (row.verdict, row.why) == (Verdict.INCOMPLETE, report.not_checked)
    page = to_html(report)
    assert "No mistake was found, but not every formula could be checked" in page
    assert "the engine does not know MMULT" in page


def test_the_command_says_it_first_and_ends_with_status_2(tmp_path: Path) -> None:
    cells: dict[str, object] = {"AG5": "my notes", "AG6": "=X6*2"}
    path = HandMade(cells=cells).save(tmp_path / "made.xlsx")
    result = call("verify", path, "--json", tmp_path / "r.json")
    assert result.exit_code == 2
    first = result.stdout.splitlines()[0]
    assert "INCOMPLETE: 1 of 533 formula cells not checked: unknown quantity 'my notes'" in first
    assert "My sheet!AG6" in first
    assert json.loads((tmp_path / "r.json").read_text())["verdict"] == "incomplete"
    result = call("verify", tmp_path, "--csv", tmp_path / "r.csv")
    assert result.exit_code == 2
    assert "incomplete" in (tmp_path / "r.csv").read_text("utf-8-sig")
