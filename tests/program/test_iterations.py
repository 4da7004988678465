"""Circles are calculated again and again where a workbook asks for it."""

from pathlib import Path

import openpyxl
import pytest
from cell_by_cell import cells, columns_of, sheets_of, stored
from handmade import HandMade
from parts import BOOK, Change, rewritten

from workbook_tools.checking.verify import verify
from workbook_tools.engines import compiled, libreoffice
from workbook_tools.errors import InputError
from workbook_tools.package.workbook import Iterations, open_package
from workbook_tools.program import on_demand
from workbook_tools.program.graph import Graph
from workbook_tools.program.program import NotCompiledError, Program

ITERATED = {"A1": "=0.5*B1+1", "B1": "=0.5*A1+2", "C1": "=A1+B1", "B3": "=COS(B3)"}


def test_circles_are_iterated_where_the_workbook_says_so() -> None:
    made = _iterated({"A1": "=B1+1", "B1": "=A1*0.5"}, Iterations(3, 0.001))
    # A1, B1: from 0, 0 to 1, 0.5; to 1.5, 0.75; to 1.75, 0.875.
    assert made.calculation().block("S", 1, 1, 1, 2) == [[1.75, 0.875]]
    until = _iterated({"A1": "=B1+1", "B1": "=A1*0.5"}, Iterations(100, 0.4))
    assert until.calculation().block("S", 1, 1, 1, 2) == [[1.75, 0.875]]
    counted = _iterated({"A1": "=A1+1"}, Iterations(100, 0.001))
    assert counted.calculation().block("S", 1, 1, 1, 1) == [[100.0]]


def test_a_circle_that_takes_too_long_is_not_calculated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_demand, "_MOST_STEPS", 20_000)
    made = _iterated({"A1": "=A900+1", "A2:A900": "=A1+1"}, Iterations(32_767, 0.001))
    with pytest.raises(NotCompiledError):
        made.calculation()


def _iterated(columns: dict[str, object], iterations: Iterations) -> Program:
    contents = cells(columns)
    sheets = sheets_of(contents)
    return Program(Graph.of(sheets), sheets, columns_of(stored(contents)), iterations)


def iterated(path: Path) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "S"
    for place, formula in ITERATED.items():
        sheet[place] = formula
    book.calculation.iterate = True
    book.calculation.iterateDelta = 1e-10
    book.save(path)
    return path


def test_the_setting_is_read_from_the_file(tmp_path: Path) -> None:
    path = iterated(tmp_path / "made.xlsx")
    with open_package(path) as package:
        assert package.iterations == Iterations(100, 1e-10)
    with open_package(HandMade().save(tmp_path / "plain.xlsx")) as package:
        assert package.iterations is None
    [row] = compiled.recalculate(path).block("S", 1, 1, 1, 3)
    assert row == pytest.approx([8 / 3, 10 / 3, 6], abs=1e-9)


@pytest.mark.libreoffice
def test_libreoffice_iterates_to_the_same_values(tmp_path: Path) -> None:
    path = iterated(tmp_path / "made.xlsx")
    own, theirs = (engine.recalculate(path) for engine in (compiled, libreoffice))
    for row, columns in ((1, 3), (3, 2)):
        [found], [wanted] = (one.block("S", row, 2, row, columns) for one in (own, theirs))
        assert found == pytest.approx(wanted, abs=1e-8)


def test_a_circle_that_is_iterated_is_no_finding(tmp_path: Path) -> None:
    beside = {"AH10": "=AI10*0.5+1", "AI10": "=AH10*0.5"}
    path = HandMade(cells=dict(beside)).save(tmp_path / "made.xlsx")
    assert [finding.cells for finding in verify(path).faults] == ["AH10"]
    asking = rewritten(path, tmp_path / "asking.xlsx", {BOOK: _asking(b"0.001")})
    report = verify(asking)
    assert (report.verdict, report.faults) == ("pass", [])


def test_settings_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    path = HandMade().save(tmp_path / "made.xlsx")
    with pytest.raises(InputError, match="iterations"):
        verify(rewritten(path, tmp_path / "asking.xlsx", {BOOK: _asking(b"x")}))


def _asking(delta: bytes) -> Change:
    def change(content: bytes) -> bytes:
        assert b"<calcPr " in content
        return content.replace(b"<calcPr ", b'<calcPr iterate="1" iterateDelta="%b" ' % delta)

    return change
