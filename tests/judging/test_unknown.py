"""Functions that an engine does not know are named, left to another engine, or not checked."""

from pathlib import Path

import pytest
from handmade import FORMULAS, HandMade

from workbook_tools.checking.verify import verify
from workbook_tools.judging.faults import Kind
from workbook_tools.judging.unknown import functions

MATRIX = {**FORMULAS, "E1": "=SUM(MMULT(B6-S6,B6-S6))/2"}


def test_functions_are_named_as_people_know_them() -> None:
    formula = '=_xlfn.IFS(A1>0,Exp(-B1),TRUE,"SUM("&_xlfn._xlws.SORT(C1:C3))'
    assert functions(formula) == {"IFS", "EXP", "SORT"}


@pytest.mark.libreoffice
def test_libreoffice_calculates_what_the_embedded_engine_lacks(tmp_path: Path) -> None:
    report = verify(HandMade(MATRIX).save(tmp_path / "made.xlsx"), "embedded")
    assert report.verdict == "pass"
    assert report.tables[0].cells.not_checked == 0
    assert report.engine.startswith("LibreOffice")
    assert report.engine.endswith("does not know MMULT, SUM")
    wrong = HandMade({**MATRIX, "E1": "=SUM(MMULT(B6-S6,B6-S6))"}).save(tmp_path / "wrong.xlsx")
    assert [finding.cells for finding in verify(wrong, "embedded").faults] == ["V6:V25"]


def test_without_libreoffice_such_cells_are_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    report = verify(HandMade(MATRIX).save(tmp_path / "made.xlsx"), "embedded")
    assert report.faults == []
    assert report.engine.startswith("formualizer")
    reasons = report.tables[0].cells.reasons
    assert {reason.split(";")[0]: count for reason, count in reasons.items()} == {
        "the engine does not know MMULT, SUM": 20,
        "a cell that it depends on has no number": 20,
    }


def test_a_misspelled_function_is_an_error_whatever_calculates(tmp_path: Path) -> None:
    path = HandMade({**FORMULAS, "E1": "=SUMM(B6-S6)^2/2"}).save(tmp_path / "made.xlsx")
    report = verify(path)
    assert [(f.kind, f.cells) for f in report.faults] == [(Kind.ERROR_VALUE, "V6:V25")]
    assert report.engine.startswith("formualizer")


@pytest.mark.libreoffice
def test_a_formula_too_long_for_the_embedded_engine_is_checked(tmp_path: Path) -> None:
    long = "=" + "+".join(["(B6-S6)^2/2", *["0"] * 300])
    report = verify(HandMade({**FORMULAS, "E1": long}).save(tmp_path / "made.xlsx"))
    assert (report.verdict, report.tables[0].cells.not_checked) == ("pass", 0)


@pytest.mark.parametrize("engine", ["embedded", "ironcalc"])
def test_random_initial_weights_are_not_taken_for_mistakes(engine: str, tmp_path: Path) -> None:
    drawn = {"F6": "=RAND()", "G6": "=RANDBETWEEN(1,9)/10", "N6": "=RAND()*2-1"}
    report = verify(HandMade(cells=dict(drawn)).save(tmp_path / "made.xlsx"), engine)
    assert (report.verdict, report.faults) == ("pass", [])
