"""Formulas and values go where they belong; what the other cells show stays what it was."""

import re
from pathlib import Path

import pytest
from cases import cases
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.worksheet import Worksheet
from parts import SHEET, differences, edited, parts, replaced, rewritten

from workbook_tools.editing.cell_contents import Place, SheetCells, put_value
from workbook_tools.notation.addresses import cell_name
from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.package.copying import PackageCopy


def with_formulas(source: Path, formulas: dict[Place, str]) -> tuple[Path, bool]:
    """Put formulas into the only sheet of a workbook; tell whether other cells hold one then."""
    outdated = False

    def put(copy: PackageCopy) -> None:
        nonlocal outdated
        outdated = SheetCells(copy.xml(copy.sheets[0].part)).put_formulas(formulas)
        copy.changed(copy.sheets[0].part)

    return edited(source, source.with_name("edited.xlsx"), put), outdated


def sheet_of(path: Path) -> Worksheet:
    return load_workbook(path).active


def formula_of(sheet: Worksheet, cell: str) -> object:
    """Return what openpyxl reads, an array formula as its range and text."""
    value = sheet[cell].value
    return (value.ref, value.text) if isinstance(value, ArrayFormula) else value


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A workbook whose B1:B4 and C1:C4 are one shared formula, as Excel writes it."""
    book = Workbook()
    for row in range(1, 5):
        book.active.append([row, f"B{row}", f"C{row}"])
    book.save(tmp_path / "plain.xlsx")

    def share(sheet: bytes) -> bytes:
        def cell(match: re.Match[bytes]) -> bytes:
            name = match[1].decode()
            first = b' ref="B1:C4">A1*2' if name == "B1" else b">"
            return b'<c r="%s"><f t="shared" si="0"%s</f><v>7</v></c>' % (match[1], first)

        return re.sub(rb"<c r=\"([BC]\d)\" t=\"inlineStr\"><is><t>\w+</t></is></c>", cell, sheet)

    return rewritten(tmp_path / "plain.xlsx", tmp_path / "shared.xlsx", {SHEET: share})


def test_the_first_cell_of_a_shared_formula_may_change_and_the_others_keep_theirs(
    shared: Path,
) -> None:
    before = sheet_of(shared)
    assert before["C4"].value == "=B4*2"  # openpyxl reads it
    path, outdated = with_formulas(shared, {(1, 2): "=A1+1", (3, 2): "=A3+1"})
    after = sheet_of(path)
    changed = {"B1": "=A1+1", "B3": "=A3+1"}
    for row in before["A1:C4"]:
        for cell in row:
            expected = changed.get(cell.coordinate, cell.value)
            assert after[cell.coordinate].value == expected
    assert not outdated
    values = load_workbook(path, data_only=True).active
    assert [values[cell].value for cell in ("B1", "B2", "B3", "C1")] == [None, 7, None, 7]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("IFERROR(A1,#CALC!)", "IFERROR(B4,#CALC!)"),
        ("SUM(A:$B,1:1,'a b'!A$1)", "SUM(B:$B,4:4,'a b'!B$1)"),
        ("A1)", "B4)"),
        ("{A1", "{B4"),
        ('A1&amp;"A1', 'B4&"A1'),
        ("A1+T[A1", "B4+T[A1"),
    ],
)
def test_a_shared_formula_of_any_text_may_be_split(text: str, expected: str, shared: Path) -> None:
    odd = rewritten(
        shared, shared.with_name("odd.xlsx"), {SHEET: replaced(b">A1*2<", f">{text}<".encode())}
    )
    path, _ = with_formulas(odd, {(1, 2): "=A1+1"})
    root = etree.fromstring(parts(path)[SHEET])
    texts = {cell.get("r"): cell.findtext("{*}f") for cell in root.iterfind(".//{*}c")}
    assert (texts["B1"], texts["C4"]) == ("A1+1", expected)


def test_another_cell_of_a_shared_formula_leaves_it_shared(shared: Path) -> None:
    path, _ = with_formulas(shared, {(2, 3): "=A2+1"})
    sheet = parts(path)[SHEET]
    assert sheet.count(b'si="0"') == 7
    assert sheet_of(path)["C2"].value == "=A2+1"
    assert sheet_of(path)["C3"].value == "=B3*2"


def test_a_whole_shared_formula_may_change(shared: Path) -> None:
    formulas = {(row, column): f"=A{row}-1" for row in range(1, 5) for column in (2, 3)}
    path, _ = with_formulas(shared, formulas)
    assert b"shared" not in parts(path)[SHEET]
    assert {sheet_of(path)[cell_name(*place)].value for place in formulas} == set(formulas.values())


@pytest.fixture
def array(tmp_path: Path) -> Path:
    book = Workbook()
    sheet = book.active
    for row in range(1, 4):
        sheet[f"A{row}"] = row
        sheet[f"B{row}"] = 2 * row
    sheet["B1"] = ArrayFormula("B1:B3", "=A1:A3*2")
    sheet["C1"] = ArrayFormula("C1", "=SUM(A1:A3*A1:A3)")
    book.save(tmp_path / "array.xlsx")
    return tmp_path / "array.xlsx"


def test_a_cell_of_an_array_formula_may_change_and_the_others_keep_their_elements(
    array: Path,
) -> None:
    path, outdated = with_formulas(array, {(2, 2): "=A2*3"})
    after = sheet_of(path)
    assert [formula_of(after, cell) for cell in ("B1", "B2", "B3")] == [
        ("B1", "=INDEX(A1:A3*2,1,1)"),
        "=A2*3",
        ("B3", "=INDEX(A1:A3*2,3,1)"),
    ]
    assert load_workbook(path, data_only=True).active["B3"].value == 6
    assert outdated


def test_an_array_formula_of_one_cell_stays_one(array: Path) -> None:
    path, outdated = with_formulas(array, {(1, 3): "=SUM(A1:A3*B1:B3)"})
    assert formula_of(sheet_of(path), "C1") == ("C1", "=SUM(A1:A3*B1:B3)")
    assert not outdated


def test_a_whole_array_formula_may_change(array: Path) -> None:
    path, _ = with_formulas(array, {(row, 2): f"=A{row}*3" for row in (1, 2, 3)})
    assert [sheet_of(path)[f"B{row}"].value for row in (1, 2, 3)] == ["=A1*3", "=A2*3", "=A3*3"]


def test_an_array_formula_that_claims_the_whole_sheet_takes_no_memory(array: Path) -> None:
    large = rewritten(
        array, array.with_name("large.xlsx"), {SHEET: replaced(b'"B1:B3"', b'"B1:XFD1048576"')}
    )
    path, _ = with_formulas(large, {(2, 2): "=A2*3"})
    assert sheet_of(path)["B2"].value == "=A2*3"


def test_new_cells_and_rows_have_the_format_of_their_row_or_column(tmp_path: Path) -> None:
    book = Workbook()
    book.active["B2"], book.active["B6"] = 1, 2
    book.save(tmp_path / "plain.xlsx")
    styled = rewritten(
        tmp_path / "plain.xlsx",
        tmp_path / "styled.xlsx",
        {
            SHEET: lambda sheet: sheet.replace(
                b"<sheetData>",
                b'<cols><col min="4" max="5" width="9" style="3"/></cols><sheetData>',
            ).replace(b'<row r="6"', b'<row s="2" customFormat="1" spans="2:2" r="6"')
        },
    )
    formulas = {(4, 4): "=B2", (6, 1): "=B2", (6, 4): "=B2", (2, 9): "=B2", (9, 1): "=B2"}
    path, outdated = with_formulas(styled, formulas)
    assert outdated
    sheet = etree.fromstring(parts(path)[SHEET])
    cells = {c.get("r"): c.get("s") for c in sheet.iterfind(".//{*}c")}
    assert list(cells) == ["B2", "I2", "D4", "A6", "B6", "D6", "A9"]
    assert [cells[name] for name in ("D4", "A6", "D6", "I2")] == ["3", "2", "2", None]
    assert sheet.find("{*}dimension").get("ref") == "A2:I9"
    assert b"spans" not in parts(path)[SHEET]


def test_cells_that_do_not_say_where_they_stand_are_counted(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append([1, 2, 3])
    book.active.append([4, 5, 6])
    book.save(tmp_path / "plain.xlsx")
    bare = rewritten(
        tmp_path / "plain.xlsx",
        tmp_path / "bare.xlsx",
        {SHEET: lambda sheet: re.sub(rb'(<c|<row) r="\w+"', rb"\1", sheet)},
    )
    path, _ = with_formulas(bare, {(2, 2): "=A1", (2, 5): "=A1", (4, 1): "=A1"})
    after = sheet_of(path)
    found = [[cell.value for cell in row] for row in after["A1:E4"]]
    assert found == [
        [1, 2, 3, None, None],
        [4, "=A1", 6, None, "=A1"],
        [None] * 5,
        ["=A1", None, None, None, None],
    ]


def test_a_sheet_with_prefixed_names_keeps_them(tmp_path: Path) -> None:
    book = Workbook()
    book.active["A1"] = 1
    book.save(tmp_path / "plain.xlsx")

    def prefixed(sheet: bytes) -> bytes:
        return re.sub(rb"<(/?)(\w)", rb"<\1x:\2", sheet).replace(b"xmlns=", b"xmlns:x=")

    source = rewritten(tmp_path / "plain.xlsx", tmp_path / "prefixed.xlsx", {SHEET: prefixed})
    path, _ = with_formulas(source, {(1, 1): "=1+1", (3, 3): "=A1"})
    assert b'<x:c r="C3"><x:f>A1</x:f></x:c>' in parts(path)[SHEET]
    assert sheet_of(path)["A1"].value == "=1+1"


@pytest.mark.parametrize(
    "value",
    [1.5, -3.0, 1e300, 5e-324, 0.1 + 0.2, True, False, "text", " spaced ", CellError("#N/A"), None],
)
def test_a_value_is_read_back_as_it_was_put(tmp_path: Path, value: CellValue) -> None:
    book = Workbook()
    book.active["A1"] = "=B1"
    book.save(tmp_path / "plain.xlsx")

    def put(copy: PackageCopy) -> None:
        put_value(SheetCells(copy.xml(SHEET)).made(1, 1), value)
        copy.changed(SHEET)

    path = edited(tmp_path / "plain.xlsx", tmp_path / "edited.xlsx", put)
    found = load_workbook(path, data_only=True).active["A1"].value
    assert found == (value.code if isinstance(value, CellError) else value)
    assert sheet_of(path)["A1"].value == "=B1"


PLACES = st.tuples(st.integers(1, 12), st.integers(1, 12))
CONTENTS = st.one_of(
    st.floats(-1e6, 1e6), st.booleans(), st.text("abcXYZ&<>'é ", min_size=1), st.just('=A1&"<x>"')
)
FORMULAS = st.sampled_from(["=A1+1", '=IF(B2<3,"a&b",C3)', "='My sheet'!D4*2", "=SUM($A$1:B2)"])
VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.text("ab <&", min_size=1)
)


@cases(60)
@given(
    contents=st.dictionaries(PLACES, CONTENTS, min_size=1),
    formulas=st.dictionaries(PLACES, FORMULAS),
    value=VALUES,
)
def test_what_is_put_into_any_sheet_is_read_back_and_all_else_is_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    contents: dict[Place, float | str | bool],
    formulas: dict[Place, str],
    value: float | str | bool,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    book = Workbook()
    for place, content in contents.items():
        book.active.cell(*place).value = content
    book.create_sheet("My sheet")["A1"] = "other"
    book.save(folder / "plain.xlsx")

    def put(copy: PackageCopy) -> None:
        cells = SheetCells(copy.xml(SHEET))
        cells.put_formulas(formulas)
        for place in formulas:
            put_value(cells.made(*place), value)
        copy.changed(SHEET)

    path = edited(folder / "plain.xlsx", folder / "edited.xlsx", put)
    before = load_workbook(folder / "plain.xlsx").active
    after, values = load_workbook(path).active, load_workbook(path, data_only=True).active
    for row in range(1, 13):
        for column in range(1, 13):
            expected = formulas.get((row, column), before.cell(row, column).value)
            assert after.cell(row, column).value == expected
            if (row, column) in formulas:
                assert values.cell(row, column).value == value
    assert differences(folder / "plain.xlsx", path) == ({SHEET}, set(), set())
