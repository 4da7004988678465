"""The web page of one workbook: everything is on it, on a phone too, and nothing from outside."""

import re
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from browser import DESKTOP, PHONE, Page, opened
from checks import call, refused
from handmade import FORMULAS, HandMade

from workbook_tools.checking.verify import verify
from workbook_tools.judging.faults import Suggestion
from workbook_tools.judging.report import Report
from workbook_tools.reporting.html import to_html, write_html

pytestmark = pytest.mark.slow


W3 = "=((S6-B6)*S6*(1-S6)*O6+(U6-C6)*U6*(1-U6)*Q6)*K6*(1-K6)*D6"  # reads a_h1 for a_h2
RIGHT = FORMULAS["∂E/∂w3"]


def wrong(path: Path) -> Path:
    """Write a workbook with a wrong gradient and a typed value."""
    return HandMade(formulas=FORMULAS | {"∂E/∂w3": W3}, cells={"K9": 0.5}).save(path)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return verify(wrong(tmp_path_factory.mktemp("student") / "student.xlsx"))


def with_suggestion(report: Report) -> Report:
    """Return a report whose first wrong formula has a suggestion."""
    table = report.tables[0]
    suggestion = Suggestion(
        {row: RIGHT.replace("6", str(row)) for row in range(6, 26)},
        "replace K6 by M6",
        ("a_h1·(1 − a_h1)", "a_h2·(1 − a_h2)"),
        rows=20,
        trials=30,
    )
    findings = [
        replace(f, suggestion=suggestion) if f.quantity == "∂E/∂w3" else f for f in table.faults
    ]
    return replace(report, tables=[replace(table, findings=findings)])


def test_the_page_says_what_was_found_understood_and_left_out(report: Report) -> None:
    source = to_html(report)
    page = Page(source)
    assert page.unclosed == []
    table = report.tables[0]
    assert len(table.faults) == 2
    for finding in table.faults:
        assert finding.cells in page.text
        assert finding.message in page.text
        assert finding.formula is None or finding.formula in page.text
    for said in (
        "student.xlsx", "2 mistakes, in 21 cells", "My sheet", "half-squared-error",
        "gradient-descent (assumed: nothing says so)", "My sheet!D2 = 0.5", "h1 = w1·i1 + w2·i2",
        f"{table.faults[0].effect:.9g}", report.engine, "Every formula cell of the workbook",
    ):  # fmt: skip
        assert said in page.text
    assert source.count('class="weight lit"') == 1
    assert source.count("<circle") == 12


def test_a_suggestion_is_shown_with_the_difference_marked(report: Report) -> None:
    source = to_html(with_suggestion(report))
    page = Page(source)
    assert RIGHT in page.text
    assert "replace K6 by M6 (checked on 20 rows and 30 random trials)" in page.text
    assert re.findall("<del>(.*?)</del>", source)[-2:] == ["K6", "K6"]
    assert re.findall("<ins>(.*?)</ins>", source)[-2:] == ["M6", "M6"]
    assert "<del><var>a</var><sub>h1</sub></del>·(1" in source
    assert "<ins><var>a</var><sub>h2</sub></ins>·(1" in source


def test_a_right_workbook_is_said_to_be_right(workbooks: Path) -> None:
    page = Page(to_html(verify(workbooks / "Back_Propogation.xlsx")))
    assert "Every formula that was checked is right" in page.text
    assert page.text.count("nothing to correct") == 7
    assert "Both curves are the same" in page.text or "Both end at" in page.text


def test_a_workbook_without_a_table_is_said_to_be_unchecked(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "empty.xlsx")
    page = Page(to_html(verify(tmp_path / "empty.xlsx")))
    assert "could not be checked" in page.text
    assert "No training table found" in page.text


def test_what_was_not_checked_is_said_with_the_reason(tmp_path: Path) -> None:
    path = HandMade(cells={"AG5": "my helper", "AG6": "=J6+1", "AJ2": "=1+1"}).save(
        tmp_path / "a.xlsx"
    )
    page = Page(to_html(verify(path)))
    assert "unknown quantity 'my helper'" in page.text
    assert "formulas outside any table" in page.text


def hostile(folder: Path) -> Path:
    """Write a workbook that tries to get markup and a script onto the page, wherever it can."""
    text = '<script>alert(1)</script><img src=x onerror="alert(2)">'
    cells: dict[str, object] = {"AG5": text, "AG6": "=J6+1"}
    formula = f'=IF(B6="{text.replace(chr(34), "")}",1,2)'
    made = HandMade(formulas=FORMULAS | {"E1": formula}, cells=cells).save(folder / "a.xlsx")
    book = openpyxl.load_workbook(made)
    book.active.title = "<script>1<b>'\"&lt;"
    path = folder / "<script>alert(3)<b onclick=alert(4)>.xlsx"
    book.save(path)
    return path


def test_nothing_from_a_workbook_becomes_markup(tmp_path: Path) -> None:
    path = hostile(tmp_path)
    report = verify(path)
    table = report.tables[0]
    table.faults = [
        replace(
            finding,
            suggestion=Suggestion(
                {6: "=<script>1</script>"}, "<b>edit</b>", ("<i>a_h1</i>", "<u>x</u>"), 1, 1
            ),
        )
        for finding in table.faults
    ]
    source = to_html(report)
    page = Page(source)
    assert page.unclosed == []
    assert page.tags & {"script", "img", "b", "i", "u"} == set()
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    for said in (path.name, table.sheet, table.faults[0].formula, "<b>edit</b>", "onerror="):
        assert said
        assert said in page.text


def test_the_page_needs_no_network(report: Report, tmp_path: Path) -> None:
    source = to_html(with_suggestion(report))
    assert all(link.startswith("#") for link in Page(source).links)
    assert "://" not in source
    assert "url(" not in source
    assert "@import" not in source


def test_a_file_name_that_is_no_text_is_shown(report: Report, tmp_path: Path) -> None:
    write_html(replace(report, workbook="Bj\udcf6rn.xlsx"), tmp_path / "r.html")
    assert "Bj?rn.xlsx" in (tmp_path / "r.html").read_text(encoding="utf-8")


@pytest.mark.chromium
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("kind", ["wrong", "hostile", "several"])
def test_a_browser_shows_every_finding_and_nothing_is_cut_off(
    kind: str, width: int, report: Report, workbooks: Path, tmp_path: Path
) -> None:
    shown = {
        "wrong": lambda: with_suggestion(report),
        "hostile": lambda: verify(hostile(tmp_path)),
        "several": lambda: verify(workbooks / "Back_Propogation.xlsx"),
    }[kind]()
    write_html(shown, tmp_path / "report.html")
    page = opened(tmp_path / "report.html", width)
    assert page.width == width
    assert page.needs <= width
    for finding in shown.faults:
        assert finding.cells in page.text


def test_the_command_writes_the_page_beside_the_other_reports(tmp_path: Path) -> None:
    path, html = wrong(tmp_path / "student.xlsx"), tmp_path / "report.html"
    result = call("verify", path, "--html", html)
    assert result.exit_code == 1
    assert "FAIL" in result.output
    assert "AA6:AA25" in Page(html.read_text(encoding="utf-8")).text


def test_the_workbook_itself_is_never_written_over(tmp_path: Path) -> None:
    path = wrong(tmp_path / "student.xlsx")
    before = path.read_bytes()
    for option in ("--html", "--json", "--csv"):
        assert "not written over" in refused("verify", path, option, path)
    assert path.read_bytes() == before


def test_a_page_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    path = wrong(tmp_path / "student.xlsx")
    result = call("verify", path, "--html", "/nowhere/report.html")
    assert result.exit_code == 2
    assert "/nowhere/report.html: cannot be written" in result.stderr
