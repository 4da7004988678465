"""A marked copy says at each cell what is wrong; a mended one passes. All else is as it was."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from cases import THOROUGH
from checks import call, refused
from handmade import FORMULAS, HandMade
from lxml import etree
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.worksheet import Worksheet
from openxml_audit import OpenXmlValidator
from parts import SHEET, differences, parts, replaced, rewritten, strict
from suggested import report_of, suggested

from workbook_tools.checking.verify import verify
from workbook_tools.engines import libreoffice, recalculate
from workbook_tools.engines.cached_values import fill
from workbook_tools.errors import InputError
from workbook_tools.judging.faults import Fault, Kind
from workbook_tools.judging.findings import Finding, effect_in_words, in_short
from workbook_tools.notation.addresses import sheet_prefix
from workbook_tools.reporting import copies
from workbook_tools.reporting.copies import write_marked, write_mended

pytestmark = pytest.mark.slow

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
WRONG = FORMULAS["∂E/∂w3"].replace("M6*(1-M6)", "K6*(1-K6)")
COLUMN = "AA"  # of ∂E/∂w3
MISTAKE, WARNING = "FFFFC7CE", "FFFFEB9C"


def finding(cells: tuple[int, range], kind: Kind = Kind.WRONG_FORMULA, **more: object) -> Fault:
    column, rows = cells
    own = Fault(kind, "h1", "Sheet", column, tuple(rows), "=A1", 1.0, 2.0, 0.5, "It is wrong.")
    return replace(own, **more)  # type: ignore[arg-type]


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A student's workbook with one wrong gradient, and a note and a typed number in it."""
    formulas = {"h1": "=D6*F6+E6*G6", "∂E/∂w3": WRONG}
    made = HandMade(FORMULAS | formulas, cells={"J9": 0.0275})
    path = made.save(tmp_path / "wrong.xlsx")
    book = load_workbook(path)
    book.active["AA7"].comment = Comment("look here", "a teacher")
    book.active["AA6"].number_format = "0.000000"
    book.active["A1"] = '=IF(1<2,"a & b","<c>")'
    book.create_sheet("Findings")["B2"] = "mine"
    book.save(path)
    return path


def sheet_of(path: Path, name: str = "My sheet", values: bool = False) -> Worksheet:
    return load_workbook(path, data_only=values)[name]


def complaints(path: Path) -> Counter[str]:
    return Counter(str(error) for error in OpenXmlValidator(max_errors=0).validate(path).errors)


def test_wrong_cells_are_coloured_and_say_what_is_wrong(wrong: Path, tmp_path: Path) -> None:
    report = verify(wrong)
    write_marked(report, wrong, tmp_path / "marked.xlsx")
    before, sheet = sheet_of(wrong), sheet_of(tmp_path / "marked.xlsx")
    coloured = {
        cell.coordinate
        for row in sheet.iter_rows()
        for cell in row
        if cell.fill.fgColor.rgb == MISTAKE
    }
    assert coloured == {"J9"} | {f"{COLUMN}{row}" for row in range(6, 26)}
    note = sheet["AA12"].comment.text
    assert note.startswith("∂E/∂w3: wrong formula\nThe formula of ∂E/∂w3 is wrong")
    suggestion = report.faults[-1].suggestion
    assert suggestion is not None
    assert f"It should be {suggestion.formulas[12]}" in note
    assert sheet["AA7"].comment.text.startswith("look here\n\n∂E/∂w3: wrong formula")
    assert sheet["AA6"].number_format == "0.000000"
    for row in before.iter_rows():
        for cell in row:
            assert sheet[cell.coordinate].value == cell.value


def test_a_sheet_lists_the_findings_with_links(wrong: Path, tmp_path: Path) -> None:
    report = verify(wrong)
    write_marked(report, wrong, tmp_path / "marked.xlsx")
    book = load_workbook(tmp_path / "marked.xlsx")
    assert book.sheetnames == ["My sheet", "Findings", "Findings 2"]
    listed = book["Findings 2"]
    assert [cell.value for cell in listed[1]] == list(copies._COLUMNS)
    places = [(finding, place) for finding in report.findings for place in finding.places]
    assert len(places) == 2
    for row, (found, place) in enumerate(places, start=2):
        assert place.suggestion is not None
        assert [cell.value for cell in listed[row]] == [
            in_short(found),
            "My sheet",
            place.cells,
            place.quantity,
            place.kind.in_words,
            place.formula,
            place.value,
            place.expected,
            place.suggestion.formula,
            place.suggestion.edit,
            effect_in_words(found) or None,
        ]
        assert listed.cell(row, 3).hyperlink.location == f"'My sheet'!{place.cells}"
        assert listed.cell(row, 9).data_type == "s"  # no formula
    assert book["Findings"]["B2"].value == "mine"


def test_marked_and_mended_copies_differ_from_the_workbook_only_where_they_must(
    wrong: Path, tmp_path: Path
) -> None:
    report = verify(wrong)
    write_marked(report, wrong, tmp_path / "marked.xlsx")
    write_mended(report, wrong, tmp_path / "mended.xlsx")
    book, types = "xl/workbook.xml", "[Content_Types].xml"
    comments = next(n for n in parts(wrong) if "/comment" in n and n.endswith(".xml"))
    drawing = next(n for n in parts(wrong) if n.endswith(".vml"))
    assert differences(wrong, tmp_path / "marked.xlsx") == (
        {SHEET, "xl/styles.xml", comments, drawing, book, "xl/_rels/workbook.xml.rels", types},
        {"xl/worksheets/sheet3.xml"},
        set(),
    )
    assert differences(wrong, tmp_path / "mended.xlsx") == ({SHEET, book}, set(), set())
    for name in ("marked.xlsx", "mended.xlsx"):
        assert complaints(tmp_path / name) <= complaints(wrong)


def test_a_mended_copy_passes_with_any_engine_and_carries_the_values(
    wrong: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mended.xlsx"
    done = write_mended(verify(wrong), wrong, path)
    assert str(done) == "2 findings mended, in 21 cells"
    for engine in ("embedded", "ironcalc", "cached"):
        report = verify(path, engine)
        assert (report.verdict, report.faults) == ("pass", [])
    sheet = sheet_of(path)
    assert sheet["AA9"].value != sheet_of(wrong)["AA9"].value
    assert sheet["J9"].value == "=D9*F9+E9*G9"
    assert sheet["AA7"].comment.text == "look here"
    assert sheet["A1"].value == '=IF(1<2,"a & b","<c>")'
    assert sheet_of(path, values=True)["A1"].value == "a & b"


def test_a_mended_copy_is_calculated_when_it_is_opened(wrong: Path, tmp_path: Path) -> None:
    book = "xl/workbook.xml"
    silent = rewritten(
        wrong,
        tmp_path / "silent.xlsx",
        {book: lambda content: re.sub(rb"<calcPr[^>]*/>", b"<oleSize ref='A1'/>", content)},
    )
    assert b"fullCalcOnLoad" not in parts(silent)[book]
    write_mended(report_of(), silent, tmp_path / "mended.xlsx")
    assert b'<calcPr fullCalcOnLoad="1"/><oleSize' in parts(tmp_path / "mended.xlsx")[book]
    assert complaints(tmp_path / "mended.xlsx") <= complaints(silent)


def test_a_value_that_stays_the_same_is_not_written_again(wrong: Path, tmp_path: Path) -> None:
    write_mended(verify(wrong), wrong, tmp_path / "filled.xlsx")
    filled = tmp_path / "filled.xlsx"

    def spelled(match: re.Match[bytes]) -> bytes:
        return match[1] + b"%.17e" % float(match[2])  # as no program here writes numbers

    pattern = rb'(<c r="J6"[^>]*><f>[^<]*</f><v>)([^<]*)'
    odd = rewritten(
        filled, tmp_path / "odd.xlsx", {SHEET: lambda sheet: re.sub(pattern, spelled, sheet)}
    )
    wrongly = finding((1, range(1, 2)), sheet="My sheet", suggestion=suggested({1: '="new"'}))
    write_mended(report_of(wrongly), odd, tmp_path / "again.xlsx")
    (before,), (after,) = (
        re.findall(rb'<c r="J6".*?</c>', parts(path)[SHEET])
        for path in (odd, tmp_path / "again.xlsx")
    )
    assert after == before
    assert b"e-02" in after
    assert sheet_of(tmp_path / "again.xlsx", values=True)["A1"].value == "new"


def test_what_is_left_is_said_with_the_reason(tmp_path: Path) -> None:
    Workbook().save(tmp_path / "a.xlsx")
    report = report_of(
        finding((1, range(1, 3)), suggestion=suggested({1: "=B1", 2: "=B2"})),
        finding((2, range(1, 2)), Kind.ODD_START),
        *(finding((k, range(1, 2)), Kind.WRONG_VALUE) for k in (3, 4, 5, 6)),
    )
    done = write_mended(report, tmp_path / "a.xlsx", tmp_path / "b.xlsx")
    assert str(done) == (
        "1 finding mended, in 2 cells; not mended: Sheet!B1 (it may be intended); "
        "Sheet!C1, Sheet!D1, Sheet!E1, 1 more (what belongs here is not known)"
    )


def test_a_finding_that_is_mended_in_some_places_is_mended_in_part(tmp_path: Path) -> None:
    Workbook().save(tmp_path / "a.xlsx")
    places = (
        finding((1, range(1, 3)), suggestion=suggested({1: "=B1", 2: "=B2"})),
        finding((3, range(1, 3)), why_none="two formulas would do"),
    )
    report = replace(report_of(*places), findings=[Finding(places)])
    done = write_mended(report, tmp_path / "a.xlsx", tmp_path / "b.xlsx")
    assert str(done) == (
        "0 findings mended and 1 in part, in 2 cells; not mended: Sheet!C1:C2 "
        "(two formulas would do)"
    )


def test_a_finding_of_many_places_is_one_and_its_list_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "_MOST_PLACES", 3)
    Workbook().save(tmp_path / "a.xlsx")
    one, other = (
        [finding((column, range(1, 3))) for column in range(1, 6)],
        finding((9, range(1, 5))),
    )
    report = replace(report_of(*one), findings=[Finding(tuple(one)), Finding((other,))])
    write_marked(report, tmp_path / "a.xlsx", tmp_path / "b.xlsx")
    rows = sheet_of(tmp_path / "b.xlsx", "Findings").values
    assert [row[:3] for row in rows][1:] == [
        ("h1: wrong formula", "Sheet", "A1:A2"),
        (None, "Sheet", "B1:B2"),
        (None, "Sheet", "C1:C2"),
        (None, "and 2 more places", None),
        ("h1: wrong formula", "Sheet", "I1:I4"),
    ]


def test_warnings_and_what_is_harmless_are_yellow_but_mistakes_red(tmp_path: Path) -> None:
    Workbook().save(tmp_path / "a.xlsx")
    report = report_of(
        finding((1, range(2, 3))),
        finding((1, range(1, 3)), Kind.ODD_START, message="It is odd."),
        finding((1, range(3, 4)), Kind.BROKEN_PATTERN),
        finding((1, range(4, 5)), Kind.ROUNDED),  # the effect is not known
    )
    write_marked(report, tmp_path / "a.xlsx", tmp_path / "b.xlsx")
    sheet = sheet_of(tmp_path / "b.xlsx", "Sheet")
    colours = [sheet[f"A{row}"].fill.fgColor.rgb for row in (1, 2, 3, 4)]
    assert colours == [WARNING, MISTAKE, WARNING, MISTAKE]
    listed = sheet_of(tmp_path / "b.xlsx", "Findings")
    colours = [listed[f"A{row}"].fill.fgColor.rgb for row in (2, 3, 4, 5)]
    assert colours == [MISTAKE, WARNING, WARNING, MISTAKE]
    assert "odd start" in sheet["A2"].comment.text
    assert "It is wrong." in sheet["A2"].comment.text


def test_of_many_cells_all_are_coloured_and_the_first_have_notes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "MOST_NOTES", 3)
    Workbook().save(tmp_path / "a.xlsx")
    write_marked(report_of(finding((1, range(1, 11)))), tmp_path / "a.xlsx", tmp_path / "b.xlsx")
    cells = [row[0] for row in sheet_of(tmp_path / "b.xlsx", "Sheet")["A1:A10"]]
    assert all(cell.fill.fgColor.rgb == MISTAKE for cell in cells)
    assert [bool(cell.comment) for cell in cells] == [True] * 3 + [False] * 7
    said = "Only the first 3 of these 10 cells have a note; all of them are coloured."
    assert [said in cell.comment.text for cell in cells[:3]] == [True, False, False]


def test_a_right_workbook_has_an_empty_list(workbooks: Path, tmp_path: Path) -> None:
    source = workbooks / "mazur.xlsx"
    write_marked(verify(source), source, tmp_path / "marked.xlsx")
    assert sheet_of(tmp_path / "marked.xlsx", "Findings")["A2"].value == "No mistakes were found."
    done = write_mended(verify(source), source, tmp_path / "mended.xlsx")
    assert str(done) == "0 findings mended, in 0 cells"
    assert differences(source, tmp_path / "mended.xlsx") == ({"xl/workbook.xml"}, set(), set())


def test_a_sheet_name_with_quotes_and_signs_is_linked_to(tmp_path: Path) -> None:
    book = Workbook()
    book.active.title = "O'Brien's = 1 & <2>"
    book.save(tmp_path / "a.xlsx")
    report = report_of(finding((1, range(1, 2)), sheet="O'Brien's = 1 & <2>"))
    write_marked(report, tmp_path / "a.xlsx", tmp_path / "b.xlsx")
    listed = sheet_of(tmp_path / "b.xlsx", "Findings")
    assert listed["C2"].hyperlink.location == "'O''Brien''s = 1 & <2>'!A1"
    assert sheet_of(tmp_path / "b.xlsx", "O'Brien's = 1 & <2>")["A1"].comment


def test_a_value_that_the_engine_cannot_calculate_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libreoffice, "is_installed", lambda: False)
    book = Workbook()
    book.active["A1"], book.active["A2"], book.active["B1"] = "=MDETERM(B1:B1)", "=A1+1", 5
    book.save(tmp_path / "a.xlsx")

    def with_values(sheet: bytes) -> bytes:
        return re.sub(rb"(<f>MDETERM.*?</f>)<v></v>", rb"\1<v>5</v>", sheet).replace(
            b"<f>A1+1</f><v></v>", b"<f>A1+1</f><v>6</v>"
        )

    valued = rewritten(tmp_path / "a.xlsx", tmp_path / "valued.xlsx", {SHEET: with_values})
    fix = finding((3, range(1, 2)), suggestion=suggested({1: "=B1*2"}))
    write_mended(report_of(fix), valued, tmp_path / "b.xlsx")
    values = sheet_of(tmp_path / "b.xlsx", "Sheet", values=True)
    assert [values[cell].value for cell in ("A1", "A2", "C1")] == [5, 6, 10]


def test_typed_numbers_that_become_formulas_make_the_order_of_calculation_outdated(
    wrong: Path, tmp_path: Path
) -> None:
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/calcChain"
    content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.calcChain+xml"
    chain = (
        b'<calcChain xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        b'<c r="A1" i="1"/></calcChain>'
    )
    relation = f'<Relationship Id="rId99" Type="{kind}" Target="calcChain.xml"/></Relationships>'
    override = f'<Override PartName="/xl/calcChain.xml" ContentType="{content_type}"/></Types>'
    chained = rewritten(
        wrong,
        tmp_path / "chained.xlsx",
        {
            "xl/_rels/workbook.xml.rels": replaced(b"</Relationships>", relation.encode()),
            "[Content_Types].xml": replaced(b"</Types>", override.encode()),
        },
        added={"xl/calcChain.xml": chain},
    )
    report = verify(chained)
    write_mended(report, chained, tmp_path / "mended.xlsx")
    assert differences(chained, tmp_path / "mended.xlsx")[2] == {"xl/calcChain.xml"}
    for part in ("xl/_rels/workbook.xml.rels", "[Content_Types].xml"):
        assert b"calcChain" not in parts(tmp_path / "mended.xlsx")[part]
    formulas_only = replace(report, findings=[f for f in report.findings if f.leading.formula])
    write_mended(formulas_only, chained, tmp_path / "kept.xlsx")
    assert differences(chained, tmp_path / "kept.xlsx") == (
        {SHEET, "xl/workbook.xml"},
        set(),
        set(),
    )


def prefixed(content: bytes) -> bytes:
    return re.sub(rb"<(/?)([a-zA-Z])", rb"<\1x:\2", content).replace(b"xmlns=", b"xmlns:x=")


def test_a_sheet_with_prefixed_names_is_marked_and_mended(tmp_path: Path) -> None:
    first = HandMade(FORMULAS | {"∂E/∂w3": WRONG}).save(tmp_path / "plain.xlsx")
    source = rewritten(first, tmp_path / "wrong.xlsx", {SHEET: prefixed})
    report = verify(source)
    assert report.verdict == "fail"
    write_marked(report, source, tmp_path / "marked.xlsx")
    write_mended(report, source, tmp_path / "mended.xlsx")
    assert verify(tmp_path / "mended.xlsx", "cached").verdict == "pass"
    assert sheet_of(tmp_path / "marked.xlsx")["AA8"].comment
    assert sheet_of(tmp_path / "marked.xlsx")["AA8"].fill.fgColor.rgb == MISTAKE


def test_strict_open_xml_stays_strict(tmp_path: Path) -> None:
    first = HandMade(FORMULAS | {"∂E/∂w3": WRONG}).save(tmp_path / "plain.xlsx")
    report = verify(first)
    changes = {name: strict for name in parts(first) if name.endswith((".xml", ".rels"))}
    source = rewritten(first, tmp_path / "strict.xlsx", changes)
    write_marked(report, source, tmp_path / "marked.xlsx")
    changed, new, _ = differences(source, tmp_path / "marked.xlsx")
    for name in changed | new:
        content = parts(tmp_path / "marked.xlsx")[name]
        assert b"schemas.openxmlformats.org/spreadsheetml" not in content, name
        assert b"schemas.openxmlformats.org/officeDocument/2006/relationships/comm" not in content
    assert notes_of_strict(tmp_path / "marked.xlsx") == {f"AA{row}" for row in range(6, 26)}


def notes_of_strict(path: Path) -> set[str]:
    """Return the cells with notes; openpyxl does not read Strict Open XML."""
    root = etree.fromstring(parts(path)["xl/comments1.xml"])
    return {
        comment.get("ref")
        for comment in root.iter("{http://purl.oclc.org/ooxml/spreadsheetml/main}comment")
    }


def test_an_array_formula_in_a_table_is_mended(tmp_path: Path) -> None:
    made = HandMade().save(tmp_path / "plain.xlsx")
    book = load_workbook(made)
    for row in range(6, 26):
        formula = WRONG.replace("6", str(row))
        book.active[f"AA{row}"] = ArrayFormula(f"AA{row}", formula)
    book.save(tmp_path / "wrong.xlsx")
    report = verify(tmp_path / "wrong.xlsx")
    assert [found.cells for found in report.faults] == ["AA6:AA25"]
    write_mended(report, tmp_path / "wrong.xlsx", tmp_path / "mended.xlsx")
    assert verify(tmp_path / "mended.xlsx").verdict == "pass"
    assert verify(tmp_path / "mended.xlsx", "cached").verdict == "pass"


@pytest.mark.parametrize("write", [write_marked, write_mended])
def test_a_copy_never_overwrites_the_workbook(
    wrong: Path, tmp_path: Path, write: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = wrong.read_bytes()
    (tmp_path / "link.xlsx").symlink_to(wrong)
    os.link(wrong, tmp_path / "hard.xlsx")
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    same = ["wrong.xlsx", "link.xlsx", "hard.xlsx", "folder/../wrong.xlsx", str(wrong)]
    for name in same:
        with pytest.raises(InputError, match="not written over"):
            write(report_of(), wrong, Path(name))  # type: ignore[operator]
    assert wrong.read_bytes() == content


def test_what_cannot_be_written_leaves_nothing(wrong: Path, tmp_path: Path) -> None:
    before = sorted(os.listdir(tmp_path))
    damaged = rewritten(wrong, tmp_path / "damaged.xlsx", {"xl/styles.xml": lambda c: c[:99]})
    with pytest.raises(InputError, match="damaged"):
        write_marked(report_of(), damaged, tmp_path / "marked.xlsx")
    with pytest.raises(InputError, match="cannot be written"):
        write_marked(report_of(), wrong, tmp_path / "nowhere" / "marked.xlsx")
    assert sorted(os.listdir(tmp_path)) == sorted([*before, "damaged.xlsx"])


def test_the_command_writes_both_copies(wrong: Path, tmp_path: Path) -> None:
    marked, mended = tmp_path / "marked.xlsx", tmp_path / "mended.xlsx"
    options = ["--annotate", str(marked), "--fix", str(mended)]
    result = call("verify", wrong, *options)
    assert result.exit_code == 1
    assert f"{mended}: " in result.output.replace("\n", "")
    assert sheet_of(marked, "Findings 2")["B2"].value == "My sheet"
    assert mended.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.xlsx", "b.xlsx", "--fix", "c.xlsx"], "a copy of one workbook"),
        (["a.xlsx", "--fix", "a.xlsx"], "is an input, and not written over"),
        (
            ["a.xlsx", "--annotate", "c.xlsx", "--fix", "./c.xlsx"],
            "two outputs would be the same file",
        ),
        (["a.xlsx", "--fix", "c.xlsx", "--engine", "cached"], "--engine cached will not do"),
        (["m.xlsm", "--fix", "c.xlsx"], "an .xlsm workbook"),
        (["a.xlsx", "--fix", "c.xlsm"], "an .xlsx workbook"),
    ],
)
def test_what_the_command_cannot_do_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    plain = HandMade().save(tmp_path / "plain.xlsx")
    # A workbook that was calculated, so that it can be checked without an engine.
    fill(plain, tmp_path / "filled.xlsx", recalculate(plain, "embedded"))
    for name in ("a.xlsx", "b.xlsx", "m.xlsm"):
        shutil.copy(tmp_path / "filled.xlsx", tmp_path / name)
    assert said in refused("verify", *arguments)
    assert not (tmp_path / "c.xlsx").exists()


@pytest.mark.parametrize(
    "name",
    [
        *("it's", "a''b!c", "R1C1", "c", "TRUE", "A1", "Übung_1", "📈 ", "1st", "x" * 31),
        *('"<&>#REF!"', "=1+1", "(a,b);{1}@-%41", "Sheet1", "FINDINGS"),
    ],
)
def test_a_sheet_may_have_any_name(name: str, tmp_path: Path) -> None:
    table, rate = name, f"{name[:29]} 2"
    made = HandMade(FORMULAS | {"∂E/∂w3": WRONG}, rate=f"{sheet_prefix(rate)}$D$2")
    book = load_workbook(made.save(tmp_path / "plain.xlsx"))
    book.active.title = table
    book.active["C2"] = book.active["D2"] = None
    update = book.active["N20"].value  # of w5
    book.active["N20"].value = update.replace("$D$2", "$D$3")
    book.create_sheet(rate)["C2"] = "Learning rate"
    book[rate]["D2"] = 0.5
    book.save(tmp_path / "wrong.xlsx")
    report = verify(tmp_path / "wrong.xlsx")
    assert report.verdict == "fail"
    assert {found.sheet for found in report.faults} == {table}
    write_marked(report, tmp_path / "wrong.xlsx", tmp_path / "marked.xlsx")
    marked = load_workbook(tmp_path / "marked.xlsx")
    listed = marked.worksheets[-1]
    for row, found in enumerate(report.faults, start=2):
        link = listed.cell(row, 3).hyperlink.location
        sheet, _, cells = link.rpartition("!")
        assert (sheet.strip("'").replace("''", "'"), cells) == (table, found.cells)
    assert marked[table]["AA6"].comment
    assert complaints(tmp_path / "marked.xlsx") <= complaints(tmp_path / "wrong.xlsx")
    write_mended(report, tmp_path / "wrong.xlsx", tmp_path / "mended.xlsx")
    assert verify(tmp_path / "mended.xlsx").verdict == "pass"
    assert verify(tmp_path / "mended.xlsx", "cached").verdict == "pass"
    assert load_workbook(tmp_path / "mended.xlsx")[table]["N20"].value == update


@pytest.mark.skipif(not CORPUS.exists(), reason="the sample of real workbooks is not here")
@pytest.mark.parametrize("name", ["002", "012", "033", "085"] if THOROUGH else ["002", "033"])
def test_real_workbooks_keep_what_is_theirs(name: str, tmp_path: Path) -> None:
    source = CORPUS / f"{name}.xlsx"
    report = verify(source)
    marked, mended = tmp_path / "marked.xlsx", tmp_path / "mended.xlsx"
    write_marked(report, source, marked)
    write_mended(report, source, mended)
    assert (verify(mended).verdict, verify(mended, "cached").verdict) == ("pass", "pass")
    sheets = {f"xl/worksheets/sheet{k}.xml" for k in range(1, 9)}
    relations = {f"xl/worksheets/_rels/sheet{k}.xml.rels" for k in range(1, 9)}
    of_the_book = {"xl/workbook.xml", "xl/_rels/workbook.xml.rels", "[Content_Types].xml"}
    changed, _, gone = differences(source, marked)
    assert changed <= sheets | relations | of_the_book | {"xl/styles.xml"}
    assert not gone
    changed, new, _ = differences(source, mended)
    assert changed <= sheets | of_the_book
    assert not new
    for copy in (marked, mended):
        assert complaints(copy) <= complaints(source)
    for sheet in sheets & parts(source).keys():
        assert _without_cells(parts(marked)[sheet]) == _without_cells(parts(source)[sheet])
        assert _without_cells(parts(mended)[sheet]) == _without_cells(parts(source)[sheet])


def _without_cells(sheet: bytes) -> bytes:
    """Return what a sheet holds beside its cells, but for the drawing of notes."""
    root = etree.fromstring(sheet)
    for element in [*root.iterfind("{*}sheetData/*"), *root.iterfind("{*}legacyDrawing")]:
        element.getparent().remove(element)
    canonical: bytes = etree.tostring(root, method="c14n")
    return canonical


COMMENT = b"<!-- a note --><?program note?>"


@pytest.mark.parametrize(
    ("part", "pattern"),
    [
        ("xl/styles.xml", rb"(<(?:fonts|fills|fill|borders|cellXfs|cellStyles)\b[^>]*[^/]>)"),
        ("xl/styles.xml", rb"(<(?:font|xf|patternFill)\b[^>]*>)(?=<)"),
        ("xl/workbook.xml", rb"(<(?:workbook|sheets|bookViews)\b[^>]*>)"),
        (SHEET, rb"(<(?:worksheet|sheetData|row|c|f|v|is)\b[^>]*[^/]>)"),
        (SHEET, rb"(</(?:row|c|f|v|is)>)"),
        ("[Content_Types].xml", rb"(<Types\b[^>]*>|<Override[^>]*/>)"),
        ("xl/_rels/workbook.xml.rels", rb"(<Relationships\b[^>]*>|<Relationship [^>]*/>)"),
        ("xl/comments/comment1.xml", rb"(<(?:authors|author|commentList|comment|text|t)\b[^>]*>)"),
    ],
)
def test_comments_within_the_files_of_a_workbook_are_passed_over(
    part: str, pattern: bytes, wrong: Path, tmp_path: Path
) -> None:
    report = verify(wrong)
    write_marked(report, wrong, tmp_path / "marked.xlsx")
    write_mended(report, wrong, tmp_path / "mended.xlsx")
    expected = {name: parts(tmp_path / name) for name in ("marked.xlsx", "mended.xlsx")}
    source = rewritten(
        wrong, tmp_path / "noted.xlsx", {part: lambda xml: re.sub(pattern, rb"\1" + COMMENT, xml)}
    )
    assert parts(source)[part] != parts(wrong)[part]
    write_marked(report, source, tmp_path / "marked.xlsx")
    write_mended(report, source, tmp_path / "mended.xlsx")
    for name, known in expected.items():
        for other, content in parts(tmp_path / name).items():
            assert content.replace(COMMENT, b"") == known[other], (name, other)


@pytest.mark.parametrize("copy", ["--annotate", "--fix"])
@pytest.mark.parametrize("room", [4_096, 12_000])
def test_a_full_disk_is_said_of_the_copy(room: int, copy: str, wrong: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / "copy.xlsx").write_bytes(b"old")
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "import sys; from workbook_tools.cli import app;"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room})); app()"
    )
    command = [sys.executable, "-c", code, "verify", str(wrong), copy, "copy.xlsx"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("workbook-tools: copy.xlsx: cannot be written (File too large)")
    assert done.stderr.count("\n") == 1
    assert {path: path.read_bytes() for path in before} == before
    assert (tmp_path / "copy.xlsx").read_bytes() == b"old"
    assert len([*tmp_path.iterdir()]) == len(before) + 1


@pytest.mark.libreoffice
def test_libreoffice_opens_both_copies(wrong: Path, tmp_path: Path) -> None:
    report = verify(wrong)
    write_marked(report, wrong, tmp_path / "marked.xlsx")
    write_mended(report, wrong, tmp_path / "mended.xlsx")
    names = ["marked.xlsx", "mended.xlsx"]
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    convert = ["--headless", "--convert-to", "ods", "--outdir", "out", *names]
    subprocess.run(["soffice", profile, *convert], cwd=tmp_path, check=True, capture_output=True)
    assert sorted(os.listdir(tmp_path / "out")) == ["marked.ods", "mended.ods"]
    content = parts(tmp_path / "out" / "marked.ods")["content.xml"].decode()
    assert content.count("<office:annotation ") == 21
    assert "look here" in content
    assert "wrong formula" in content
    assert content.count("#&apos;My sheet&apos;") + content.count("#'My sheet'") >= 1
