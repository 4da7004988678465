"""A mended copy of a workbook that holds much else: only what depends on the mistake changes."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from cases import cases
from handmade import FORMULAS, HandMade
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from openpyxl import load_workbook
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula
from openpyxl.worksheet.table import Table
from parts import SHEET, differences, edited, parts, rewritten
from suggested import report_of, suggested

from workbook_tools import engines
from workbook_tools.checking.verify import verify
from workbook_tools.editing.cell_contents import SheetCells, put_value
from workbook_tools.engines.cached_values import fill
from workbook_tools.formulas.references import areas
from workbook_tools.judging.faults import Fault, Kind
from workbook_tools.judging.report import Report
from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.package.copying import PackageCopy
from workbook_tools.reporting.copies import write_marked, write_mended

pytestmark = pytest.mark.slow

TABLE, HOST = "My sheet", "Host"
HOST_PART = "xl/worksheets/sheet2.xml"
RIGHT = FORMULAS["∂E/∂w3"]
WRONG = RIGHT.replace("M6*(1-M6)", "K6*(1-K6)")
MENDED = {row: RIGHT.replace("6", str(row)) for row in range(6, 26)}
COLUMN = 27  # of ∂E/∂w3: AA
FIRST = 40  # row of what is beside the table

# What a cell of the host holds: its formula, the value that the file carries, its format.
HELD: dict[str, tuple[object, CellValue, str]] = {
    "a day": ("=TODAY()", 45_000.0, "yyyy-mm-dd"),
    "a moment": ("=NOW()", 45_000.5, "yyyy-mm-dd hh:mm"),
    "a random number": ("=RAND()", 0.25, "General"),
    "a random whole number": ("=RANDBETWEEN(1,6)", 7.0, "0"),
    "a date": ("=DATE(2020,1,31)+1", 43_862.0, "d mmm yy"),
    "another date": ("=DATE(2020,1,31)", 1.0, "d mmm yy"),
    "a time": ("=TIME(12,0,0)", 0.5, "hh:mm"),
    "a read time": ('=TIMEVALUE("12:00")', 0.5, "hh:mm:ss"),
    "an offset": ("=OFFSET(D2,0,0)", 77.0, "General"),
    "an indirect one": ('=INDIRECT("AA6")', 78.0, "General"),
    "a place": ('=CELL("row",A20)', 21.0, "General"),
    "a system": ('=INFO("directory")', "C:\\", "General"),
    "a function of its own": ("=_xlfn.LAMBDA(_xlpm.x,_xlpm.x+1)(1)", 3.0, "General"),
    "a function's name": ("=doubled(2)", 5.0, "General"),
    "names within": ("=_xlfn.LET(_xlpm.x,1,_xlpm.x+1)", 3.0, "General"),
    "a newer function": ("=_xlfn.XLOOKUP(1,A1:A2,B1:B2)", "found", "General"),
    "one that spills": ("=_xlfn._xlws.SORT(A1:A3)", 1.0, "General"),
    "what no one knows": ("=NO.SUCH.FUNCTION(1)", 5.0, "General"),
    "what reads that": ("=NO.SUCH.FUNCTION(1)+1", 6.0, "General"),
    "what is no formula": ("=IF(1<2,", 6.0, "General"),
    "an error": ("=1/0", CellError("#DIV/0!"), "General"),
    "another error": ("=1/0", CellError("#N/A"), "General"),
    "an error by itself": ("=#REF!+1", CellError("#REF!"), "General"),
    "an error that it does not have": ("=1+1", CellError("#N/A"), "General"),
    "another workbook": ("=[1]Sheet1!$A$1", 6.0, "General"),
    "a text": ('="a"&"b"', "c", "General"),
    "an empty text": ('=""', "", "General"),
    "true": ("=1<2", False, "General"),
    "a percentage": ("=50%", 0.25, "0%"),
    "a number": ("=1+1", 3.0, "0.00"),
    "a text for a number": ("=1+1", "2", "@"),
    "a link": ('=HYPERLINK("http://example.com","there")', "here", "General"),
    "a column of a table": ("=SUM(Sales[price])", 9.0, "General"),
    "a pivot table": ('=GETPIVOTDATA("x",A1)', 9.0, "General"),
    "its own cell": ("=ROW()", 1.0, "General"),
    "a large range": ("=SUM(AX1:BZ5000)", 1.0, "General"),
    "an array formula": (ArrayFormula("{0}", "=SUM(AX1:AX3*2)"), 8.0, "General"),
    "a data table": (DataTableFormula("{0}", r1="AX1", dt2D=False), 8.0, "General"),
    "nothing": (None, None, "General"),
    "a typed number": (0.5, 0.5, "hh:mm"),
}


def held(place: str, kind: str) -> object:
    """Return what is put into a cell."""
    content = HELD[kind][0]
    if isinstance(content, ArrayFormula):
        return ArrayFormula(place, content.text)
    if isinstance(content, DataTableFormula):
        return DataTableFormula(place, r1=content.r1)
    return content


def hosted(
    path: Path, beside: bool, more: Mapping[str, tuple[str, CellValue]] | None = None
) -> Path:
    """Write a workbook with a faulty table, and with cells of all kinds on its sheet or another.

    ``more`` are formulas on the other sheet, and what they show.
    """
    book = load_workbook(HandMade(FORMULAS | {"∂E/∂w3": WRONG}).save(path))
    book.create_sheet(HOST)
    book[HOST]["A1"], book[HOST]["B1"] = "unit", "price"
    book[HOST]["A2"], book[HOST]["B2"] = "piece", 3
    book[HOST].add_table(Table(name="Sales", displayName="Sales", ref="A1:B2"))
    book.defined_names["doubled"] = DefinedName(
        "doubled", attr_text="_xlfn.LAMBDA(_xlpm.x,_xlpm.x*2)"
    )
    book.defined_names["gradients"] = DefinedName("gradients", attr_text="'My sheet'!$AA$6:$AA$25")
    sheet = TABLE if beside else HOST
    values: dict[tuple[str, str], CellValue] = {}
    for row, (kind, (_, value, number_format)) in enumerate(HELD.items(), start=FIRST):
        cell = book[sheet].cell(row, 1)
        cell.value, cell.number_format = held(cell.coordinate, kind), number_format
        values[sheet, cell.coordinate] = value
    for place, (formula, value) in (more or {}).items():
        book[HOST][place] = formula
        values[HOST, place] = value
    book.save(path)

    def put(copy: PackageCopy) -> None:
        for part in copy.sheets:
            cells = SheetCells(copy.xml(part.part))
            for (name, place), value in values.items():
                if name == part.name and value is not None:
                    (area,) = areas(place)
                    put_value(cells.made(area.first_row, area.first_column), value)
            copy.changed(part.part)

    return edited(path, path.with_name("host.xlsx"), put)


def report() -> Report:
    """A report of the table's one mistake."""
    found = Fault(
        Kind.WRONG_FORMULA, "∂E/∂w3", TABLE, COLUMN, tuple(MENDED), "=A1", 1.0, 2.0, 0.5, "It is."
    )
    found = replace(found, suggestion=suggested(MENDED))
    return report_of(found)


def contents(path: Path, part: str) -> dict[str, bytes]:
    """Return the cells of a sheet as they are written, without the declarations around them."""
    root = etree.fromstring(parts(path)[part])
    return {
        cell.get("r"): etree.tostring(cell, method="c14n", exclusive=True)
        for cell in root.iterfind("{*}sheetData/{*}row/{*}c")
    }


def shown(path: Path, sheet: str, place: str) -> object:
    return load_workbook(path, data_only=True)[sheet][place].value


def test_other_sheets_stay_as_they_are(tmp_path: Path) -> None:
    host = hosted(tmp_path / "a.xlsx", beside=False)
    write_mended(report(), host, tmp_path / "mended.xlsx")
    assert differences(host, tmp_path / "mended.xlsx") == ({SHEET, "xl/workbook.xml"}, set(), set())
    assert shown(tmp_path / "mended.xlsx", TABLE, "AA25") == pytest.approx(0.0002068136)
    write_marked(report(), host, tmp_path / "marked.xlsx")
    assert HOST_PART not in differences(host, tmp_path / "marked.xlsx")[0]


@pytest.mark.parametrize("engine", ["embedded", "ironcalc"])
def test_another_engine_gives_the_same_mended_copy(engine: str, tmp_path: Path) -> None:
    path = HandMade(FORMULAS | {"∂E/∂w3": WRONG}, cells={"AA40": "=2*AA6"}).save(
        tmp_path / "a.xlsx"
    )
    write_mended(report(), path, tmp_path / "mended.xlsx")
    write_mended(report(), path, tmp_path / "other.xlsx", engine)
    expected, found = (
        [
            cell.value
            for row in load_workbook(path, data_only=True)[TABLE]["F6:AF40"]
            for cell in row
        ]
        for path in (tmp_path / "mended.xlsx", tmp_path / "other.xlsx")
    )
    assert found == [value if value is None else pytest.approx(value) for value in expected]
    assert expected[21] == pytest.approx(0.00035177632159073217)


def test_cells_without_values_get_one_where_something_is_mended(tmp_path: Path) -> None:
    path = HandMade(FORMULAS | {"∂E/∂w3": WRONG}, cells={"A40": "=1+2"}).save(tmp_path / "a.xlsx")
    book = load_workbook(path)
    book.create_sheet(HOST)["A1"] = "=1+2"
    book.save(path)
    write_mended(report(), path, tmp_path / "mended.xlsx")
    assert shown(tmp_path / "mended.xlsx", TABLE, "A40") == 3
    assert shown(tmp_path / "mended.xlsx", HOST, "A1") is None
    assert HOST_PART not in differences(path, tmp_path / "mended.xlsx")[0]


def test_what_stands_beside_the_table_stays_as_it_is(tmp_path: Path) -> None:
    host = hosted(tmp_path / "a.xlsx", beside=True)
    write_mended(report(), host, tmp_path / "mended.xlsx")
    before, after = (contents(path, SHEET) for path in (host, tmp_path / "mended.xlsx"))
    changed = {name for name in before if before[name] != after[name]}
    assert {name for name in changed if int(re.sub(r"\D", "", name)) >= FIRST} == set()
    assert {f"AA{row}" for row in MENDED} < changed


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("='My sheet'!AA6", 0.00035177632159073217),
        ("=SUM('My sheet'!AA6,1)", 1.00035177632159073217),
        ("=MAX('My sheet'!AA:AA)", 0.00035177632159073217),
        ("=MAX('my sheet'!6:6)", 0.6304808354506348),
        ("=COUNT(gradients)", 20.0),
        ("=IF(E2>0,1,2)", 1.0),
        ('=IF(\'My sheet\'!AA6>0,"up","down")', "up"),
        ("='My sheet'!AA6>0", True),
    ],
)
def test_what_depends_on_the_mistake_gets_a_new_value(
    formula: str, expected: object, tmp_path: Path
) -> None:
    old: CellValue = "old" if isinstance(expected, str) else -1.0
    old = False if isinstance(expected, bool) else old
    more = {"D2": (formula, old), "E2": ("='My sheet'!AA25", -1.0), "F2": ("=1+1", -1.0)}
    host = hosted(tmp_path / "a.xlsx", beside=False, more=more)
    write_mended(report(), host, tmp_path / "mended.xlsx")
    found = shown(tmp_path / "mended.xlsx", HOST, "D2")
    assert found == (pytest.approx(expected) if isinstance(expected, float) else expected)
    before, after = (contents(path, HOST_PART) for path in (host, tmp_path / "mended.xlsx"))
    assert {name for name in before if before[name] != after[name]} == {"D2", "E2"}


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("=NO.SUCH.FUNCTION('My sheet'!AA6)", 5.0),
        ("=doubled(NO.SUCH('My sheet'!AA6))", CellError("#DIV/0!")),
        ("=1/('My sheet'!AA6-'My sheet'!AA6)", 5.0),
        ("=1/('My sheet'!AA6-'My sheet'!AA6)", CellError("#DIV/0!")),
        ("=DATE(2020,1,1+0*'My sheet'!AA6)", 43831.0),
        ("=IF('My sheet'!AA6>0,\"up\",0)", 5.0),
        ("='My sheet'!AA6*RAND()", 5.0),
        ("=TODAY()+'My sheet'!AA6", 45_000.0),
        ("=OFFSET('My sheet'!AA6,1,0)", 5.0),
        ("=INDIRECT(\"'My sheet'!AA6\")", 5.0),
    ],
)
def test_what_the_engine_does_not_know_better_keeps_its_value(
    formula: str, value: CellValue, tmp_path: Path
) -> None:
    more = {"D2": (formula, value), "E2": ("=F2", 5.0)}
    host = hosted(tmp_path / "a.xlsx", beside=False, more=more)
    write_mended(report(), host, tmp_path / "mended.xlsx")
    assert HOST_PART not in differences(host, tmp_path / "mended.xlsx")[0]
    assert b"fullCalcOnLoad" in parts(tmp_path / "mended.xlsx")["xl/workbook.xml"]


@pytest.mark.parametrize(
    "start", ["=RAND()", "=NO.SUCH(1)", "=doubled(NO.SUCH(1))", "=VALUE(TIMEVALUE(5))", "=[1]S!A1"]
)
def test_what_is_not_calculated_is_taken_as_the_file_carries_it(start: str, tmp_path: Path) -> None:
    plain = HandMade(FORMULAS | {"∂E/∂w3": WRONG}).save(tmp_path / "plain.xlsx")
    write_mended(report(), plain, tmp_path / "expected.xlsx")
    book = load_workbook(plain)
    book.active["H6"].value = start  # of w3
    book.save(tmp_path / "a.xlsx")
    source = edited(tmp_path / "a.xlsx", tmp_path / "b.xlsx", lambda copy: put(copy, 6, 8, 0.25))
    write_mended(report(), source, tmp_path / "mended.xlsx")
    expected, found = (
        [
            cell.value
            for row in load_workbook(path, data_only=True)[TABLE]["B6:AF25"]
            for cell in row
        ]
        for path in (tmp_path / "expected.xlsx", tmp_path / "mended.xlsx")
    )
    assert found == expected
    assert load_workbook(tmp_path / "mended.xlsx")[TABLE]["H6"].value == start


def put(copy: PackageCopy, row: int, column: int, value: CellValue) -> None:
    """Have a cell of the first sheet show a value."""
    put_value(SheetCells(copy.xml(SHEET)).made(row, column), value)
    copy.changed(SHEET)


def test_a_stale_value_and_what_depends_on_it_are_brought_up_to_date(tmp_path: Path) -> None:
    plain = HandMade(cells={"A40": "=1+2", "A41": "=J9*0"}).save(tmp_path / "plain.xlsx")
    fill(plain, tmp_path / "filled.xlsx", engines.recalculate(plain, "embedded"))

    def make_stale(copy: PackageCopy) -> None:
        put(copy, 9, 10, 0.5)  # J9: h1
        for row in (40, 41):
            put(copy, row, 1, 7.0)

    stale = edited(tmp_path / "filled.xlsx", tmp_path / "stale.xlsx", make_stale)
    checked = verify(stale)
    assert [(found.kind, found.cells) for found in checked.faults] == [(Kind.STALE_VALUE, "J9")]
    write_mended(checked, stale, tmp_path / "mended.xlsx")
    before, after = (contents(path, SHEET) for path in (stale, tmp_path / "mended.xlsx"))
    assert {name for name in before if before[name] != after[name]} == {"J9", "A41"}
    assert verify(tmp_path / "mended.xlsx", "cached").verdict == "pass"


def test_new_values_have_as_many_digits_as_the_others(tmp_path: Path) -> None:
    plain = HandMade(FORMULAS | {"∂E/∂w3": WRONG}).save(tmp_path / "plain.xlsx")
    fill(plain, tmp_path / "filled.xlsx", engines.recalculate(plain, "embedded"))

    def shortened(sheet: bytes) -> bytes:
        return re.sub(rb"(?<=</f><v>)[^<]+", lambda match: b"%.9e" % float(match[0]), sheet)

    source = rewritten(tmp_path / "filled.xlsx", tmp_path / "short.xlsx", {SHEET: shortened})
    write_mended(verify(source), source, tmp_path / "mended.xlsx")
    assert verify(tmp_path / "mended.xlsx", "cached").verdict == "pass"
    assert shown(tmp_path / "mended.xlsx", TABLE, "AA6") == 0.0003517763216


PLACES = [f"{column}{row}" for column in "DEF" for row in range(2, 7)]
READS = st.lists(st.sampled_from([*PLACES, "'My sheet'!AA9", "'My sheet'!D2"]), max_size=3)
TEMPLATES = st.one_of(
    st.sampled_from(["SUM({})", "COUNTA({})", "1/SUM({})", "SUM({})>0", "MAX({})&1", "IF(1<2,{})"]),
    st.sampled_from(["NO.SUCH({})", "_xlfn.CONCAT({})", "DATE(2020,1,SUM({}))"]),
    st.sampled_from(["SUM({})+TODAY()", "OFFSET(A1,0,SUM({}))"]),
)
SHOWN = st.one_of(
    st.floats(-1e6, 1e6), st.booleans(), st.sampled_from(["", "text", CellError("#N/A"), None])
)


@cases(60)
@given(st.dictionaries(st.sampled_from(PLACES), st.tuples(TEMPLATES, READS, SHOWN), min_size=1))
def test_no_other_cell_changes_whatever_there_is(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: dict[str, tuple[str, list[str], CellValue]],
) -> None:
    more = {
        place: ("=" + template.format(",".join(["1", *reads])), value)
        for place, (template, reads, value) in drawn.items()
    }
    due = {"'My sheet'!AA9"}
    while nearer := {place for place, (_, reads, _) in drawn.items() if due & {*reads}} - due:
        due |= nearer
    folder = tmp_path_factory.mktemp("any")
    host = hosted(folder / "a.xlsx", beside=False, more=more)
    write_mended(report(), host, folder / "mended.xlsx")
    before, after = (contents(path, HOST_PART) for path in (host, folder / "mended.xlsx"))
    changed = {name for name in before if before[name] != after[name]}
    assert before.keys() == after.keys()
    assert changed <= due
    for place in changed:
        assert not isinstance(drawn[place][2], float) or b" t=" not in after[place]
        assert b't="e"' not in after[place]
