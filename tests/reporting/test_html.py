"""The web page of one workbook: everything is on it, on a phone too, and nothing from outside."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from browser import DESKTOP, PHONE, Page, opened
from checks import call, refused
from handmade import FORMULAS, HandMade

from workbook_tools.checking.verify import verify
from workbook_tools.judging.faults import Cause, Fault, Kind, Suggestion
from workbook_tools.judging.findings import Finding, effect_in_words, in_short
from workbook_tools.judging.report import Report
from workbook_tools.reporting.html import headline, to_html, write_html
from workbook_tools.reporting.pages import typeset

pytestmark = pytest.mark.slow


LONG = " + w5·w6·w7·w8" * 6
W3 = "=((S6-B6)*S6*(1-S6)*O6+(U6-C6)*U6*(1-U6)*Q6)*K6*(1-K6)*D6"  # reads a_h1 for a_h2
RIGHT = FORMULAS["∂E/∂w3"]


def wrong(path: Path) -> Path:
    """Write a workbook with a wrong gradient and a typed value."""
    return HandMade(formulas=FORMULAS | {"∂E/∂w3": W3}, cells={"K9": 0.5}).save(path)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return verify(wrong(tmp_path_factory.mktemp("student") / "student.xlsx"))


def with_suggestion(report: Report) -> Report:
    """Return a report whose wrong formula has a suggestion with symbols that the title lacks."""
    suggestion = Suggestion(
        {row: RIGHT.replace("6", str(row)) for row in range(6, 26)},
        "replace K6 by M6",
        ("a_h1·(1 − a_h1)" + LONG, "a_h2·(1 − a_h2)" + LONG),
        rows=20,
        trials=30,
    )
    return replaced(report, lambda fault: replace(fault, suggestion=suggestion), "∂E/∂w3")


def replaced(report: Report, change: Callable[[Fault], Fault], quantity: str = "") -> Report:
    """Return a report of one table with other faults, of a quantity or all."""
    [table] = report.tables
    new = {
        id(fault): change(fault) if quantity in (fault.quantity, "") else fault
        for fault in table.faults
    }
    findings = [
        Finding(tuple(new[id(place)] for place in finding.places), finding.effects)
        for finding in report.findings
    ]
    return replace(report, tables=[replace(table, faults=[*new.values()])], findings=findings)


def test_the_page_says_what_was_found_understood_and_left_out(report: Report) -> None:
    source = to_html(report)
    page = Page(source)
    assert page.unclosed == []
    assert len(report.findings) == 2
    for finding in report.findings:
        [place] = finding.places
        assert Page(typeset(in_short(finding))).text in page.text
        assert place.cells in page.text
        assert place.shown in page.text
        assert place.formula is None or place.formula in page.text
        assert effect_in_words(finding) in page.text
    for said in (
        "student.xlsx", "2 mistakes, in 21 cells", "My sheet", "half-squared-error",
        "gradient-descent (assumed: nothing says so)", "My sheet!D2 = 0.5", "h1 = w1·i1 + w2·i2",
        report.engine, "Every formula cell of the workbook",
    ):  # fmt: skip
        assert said in page.text
    assert source.count('class="weight lit"') == 1
    assert source.count("<circle") == 12


def test_the_mistakes_are_listed_at_the_top_in_words_and_linked(report: Report) -> None:
    source = to_html(report)
    [section] = re.findall("<strong>.*</nav>", source, re.DOTALL)
    top = Page(section)
    assert "∂E/∂w3 uses ah1 where ah2 belongs" in top.text
    assert top.links == ["#f1", "#f2"]
    assert not re.search(r"\b[A-Z]{1,2}[0-9]+\b", top.text)  # no cells
    for link in top.links:
        assert source.count(f'id="{link[1:]}"') == 1
    words = "∂E/∂<var>w</var><sub>3</sub> uses <var>a</var><sub>h1</sub> where"
    assert source.count(words) == 2  # at the top and as the title


def test_what_is_harmless_stands_apart_after_the_mistakes(report: Report) -> None:
    [second, first] = report.findings
    harmless = Finding(tuple(replace(p, kind=Kind.BROKEN_PATTERN) for p in second.places))
    warning = Finding(tuple(replace(p, kind=Kind.ODD_START) for p in second.places))
    shown = replace(report, findings=[first, warning, harmless])
    source = to_html(shown)
    headings = [Page(one).text for one in re.findall("<h2>.*?</h2>", source)]
    assert headings[:3] == ["What to mend", "Perhaps intended", "Harmless"]
    places = [source.index(f'<article class="finding" id="f{number}"') for number in (1, 2, 3)]
    heads = [source.index(f"<h2>{heading}") for heading in headings[:3]]
    in_turn = [place for pair in zip(heads, places, strict=True) for place in pair]
    assert in_turn == sorted(in_turn)
    assert headline(shown) == f"1 mistake, in {first.count} cells, and 1 harmless finding"
    assert headline(replace(report, findings=[harmless])) == "No mistakes, but 1 harmless finding"
    strict = replace(report, findings=[harmless], is_strict=True)
    assert headline(strict) == "1 harmless finding, which fails with --strict"
    assert "only with --strict" in Page(to_html(strict)).text


def many(report: Report, findings: int, places: int) -> Report:
    """Return a report with so many findings and tables, each finding in so many places."""
    fault = with_suggestion(report).findings[1].leading
    [table] = report.tables
    own = [
        Finding(
            tuple(
                replace(fault, sheet=f"A sheet with a longer name {k}", quantity=f"∂E/∂w{k % 9}")
                for k in range(places)
            )
        )
        for _ in range(findings)
    ]
    tables = [replace(table, sheet=f"{k}", faults=[f.leading]) for k, f in enumerate(own)]
    return replace(report, tables=tables, findings=own)


def test_a_page_with_very_many_places_stays_small(report: Report) -> None:
    source = to_html(many(report, 200, 300))
    page = Page(source)
    assert len(source.encode()) < 300_000
    assert page.unclosed == []
    assert "200 mistakes, in 1,200,000 cells" in page.text
    assert "And 180 more findings; the JSON report has them all." in page.text
    assert all(f'id="{link[1:]}"' in source for link in page.links)
    assert "nothing to correct" not in page.text


def test_places_are_listed_up_to_a_number(report: Report) -> None:
    source = to_html(many(report, 1, 31))
    [places] = re.findall("<details>.*?</details>", source, re.DOTALL)
    assert "31 places" in places
    assert places.count("<li>") == 31
    assert "and 1 more" in places
    assert "A sheet with a longer name 29" in places
    assert "<details>" not in to_html(many(report, 1, 1))


def test_all_quantities_of_a_finding_are_lit_and_each_is_said_once(report: Report) -> None:
    source = to_html(many(report, 1, 5))
    assert source.count('class="weight lit"') == 4  # w1 to w4; there is no w0
    assert source.count('<article class="finding"') == 1


def test_a_cell_is_not_typeset_as_a_loss(report: Report) -> None:
    def moved(fault: Fault) -> Fault:
        shown = fault.shown.replace("AA", "E")
        return replace(fault, column=5, shown=shown, message=f"The formula is wrong: {shown}.")

    source = to_html(replaced(report, moved, "∂E/∂w3"))
    assert re.search(r"<p>E\d+ shows", source)


def test_a_suggestion_is_shown_with_the_difference_marked(report: Report) -> None:
    source = to_html(with_suggestion(report))
    page = Page(source)
    assert RIGHT in page.text
    assert "replace K6 by M6 (checked on 20 rows and 30 random trials)" in page.text
    marked = re.search(r"AA6 as built.*?</del>.*?</div>", source, re.DOTALL)
    assert marked
    assert re.findall("<del>(.*?)</del>", marked[0]) == ["K6", "K6"]
    assert re.findall("<ins>(.*?)</ins>", marked[0]) == ["M6", "M6"]
    assert "<del><var>a</var><sub>h1</sub></del>·(1" in source
    assert "<ins><var>a</var><sub>h2</sub></ins>·(1" in source


def test_symbols_that_the_title_says_are_not_said_again(report: Report) -> None:
    assert "should use" not in Page(to_html(report)).text
    assert "should use" in Page(to_html(with_suggestion(report))).text


def test_a_place_that_another_formula_mends_is_shown_besides(report: Report) -> None:
    other, leading = (
        replace(fault, suggestion=replace(suggested, cause=Cause(frozenset([(key,)]))))
        for key, fault in enumerate(report.faults)
        if (suggested := fault.suggestion)
    )
    source = to_html(replace(report, findings=[Finding((other, leading))]))
    [also] = re.findall("also</span>(<span>.*)\n", source)
    assert f"My sheet!{other.cells}" in Page(also).text
    assert "→" in also


def test_a_sheet_s_name_in_a_title_may_have_braces(report: Report) -> None:
    def named(fault: Fault) -> Fault:
        assert fault.suggestion
        cause = Cause(frozenset(), "use{s} '{x}'!A1 where a_h2 belongs")
        return replace(fault, suggestion=replace(fault.suggestion, cause=cause))

    shown = Page(to_html(replaced(report, named, "∂E/∂w3")))
    assert "∂E/∂w3 uses '{x}'!A1 where ah2 belongs" in shown.text


def test_a_loss_that_ends_early_is_said_to(tmp_path: Path) -> None:
    path = HandMade(cells={"N9": "=1/0"}).save(tmp_path / "a.xlsx")
    assert "on, the sheet shows no numbers for the loss; it should end at" in Page(
        to_html(verify(path))
    ).text.replace("\n", " ")


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
    suggestion = Suggestion(
        {6: "=<script>1</script>"}, "<b>edit</b>", ("<i>a_h1</i>", "<u>x</u>"), 1, 1
    )
    report = replaced(verify(path), lambda fault: replace(fault, suggestion=suggestion))
    table = report.tables[0]
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
