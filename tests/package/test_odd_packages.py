"""What a spreadsheet program opens is checked, however its file is packed and its XML written."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from cases import cases
from handmade import HandMade
from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl.worksheet.table import Table
from parts import replaced, rewritten, with_rows
from zips import PLAIN, UTF8, Headers, content, write_zip

from workbook_tools.checking.verify import verify
from workbook_tools.engines import recalculate
from workbook_tools.engines.cached_values import fill
from workbook_tools.errors import InputError
from workbook_tools.package.workbook import open_package
from workbook_tools.reporting.copies import write_marked, write_mended

ENGINES = ("embedded", "ironcalc", "cached")
TYPES, WORKBOOK, STRINGS = "[Content_Types].xml", "xl/workbook.xml", "xl/sharedStrings.xml"
SHEET, STYLES = "xl/worksheets/sheet1.xml", "xl/styles.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"
NAME = "xl/media/größe.png"
_MISTAKE = "=(U6-C6)*U6*(1-U6)*K6"  # of ∂E/∂w8, in which a_h1 stands for a_h2


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small workbook with one mistake."""
    book, folder = HandMade(), tmp_path_factory.mktemp("odd")
    book.formulas["∂E/∂w8"] = _MISTAKE
    made = book.save(folder / "made.xlsx")
    fill(made, folder / "wrong.xlsx", recalculate(made, "embedded"))
    return folder / "wrong.xlsx"


def said(path: Path, engine: str = "embedded") -> tuple[str, list[str], int]:
    """Return what a check says: verdict, findings, how many cells it is about."""
    report = verify(path, engine)
    places = [f"{found.sheet}!{found.cells} {found.kind}" for found in report.faults]
    return report.verdict, places, sum(table.cells.checked for table in report.tables)


RIGHT_VERDICT = ("fail", ["My sheet!AF6:AF25 wrong-formula"])


def assert_checked(path: Path, engine: str = "embedded") -> None:
    verdict, places, checked = said(path, engine)
    assert (verdict, places) == RIGHT_VERDICT
    assert checked > 500


HARMLESS_FLAGS = st.sampled_from([0, 2, 4, 6, UTF8, UTF8 | 6, 1 << 9])
HEADERS = st.builds(
    Headers,
    local_flags=HARMLESS_FLAGS,
    flags=HARMLESS_FLAGS,
    stored=st.booleans(),
    descriptor=st.booleans(),
    zip64_header=st.booleans(),
    zip64_directory=st.booleans(),
    extra=st.sampled_from([b"", b"UT\x05\0abcde", b"\xfe\xca\0\0", bytes(3), b"\x99\x99\x40\0ab"]),
)


@cases(60)
@given(data=st.data())
def test_a_zip_file_of_any_form_is_checked(
    data: st.DataObject, wrong: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    parts = [(name, what, data.draw(HEADERS)) for name, what in content(wrong)]
    if data.draw(st.booleans()):
        raw = data.draw(st.sampled_from([NAME.encode(), NAME.encode("latin-1")]))
        parts.append((NAME, b"\x89PNG", Headers(raw_name=raw, **data.draw(FLAGS))))
    if data.draw(st.booleans()):
        parts.append(("xl/", b"", Headers(stored=True)))
    if data.draw(st.booleans()):
        parts.append(("mimetype", b"application/vnd.openxmlformats", Headers(stored=True)))
    parts = data.draw(st.permutations(parts))
    comment = data.draw(st.sampled_from([b"", b"packed by hand", bytes(300)]))
    path = tmp_path_factory.mktemp("odd") / "book.xlsx"
    write_zip(path, parts, comment, data.draw(st.booleans()))
    assert_checked(path)


FLAGS = st.fixed_dictionaries({"local_flags": HARMLESS_FLAGS, "flags": HARMLESS_FLAGS})


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("raw", [NAME.encode(), NAME.encode("latin-1"), b"xl/\x81\xff"])
@pytest.mark.parametrize("flags", [(0, 0), (UTF8, 0), (0, UTF8), (UTF8, UTF8)])
def test_a_name_may_be_in_another_encoding_than_is_said(
    flags: tuple[int, int], raw: bytes, engine: str, wrong: Path, tmp_path: Path
) -> None:
    odd = (NAME, b"\x89PNG", Headers(local_flags=flags[0], flags=flags[1], raw_name=raw))
    parts = [*((name, what, PLAIN) for name, what in content(wrong)), odd]
    path = write_zip(tmp_path / "book.xlsx", parts)
    assert_checked(path, engine)


def test_two_different_names_of_one_part_are_refused(wrong: Path, tmp_path: Path) -> None:
    odd = Headers(raw_name=NAME.encode(), raw_local_name=NAME.encode("utf-16"), flags=UTF8)
    parts = [*((name, what, PLAIN) for name, what in content(wrong)), (NAME, b"\x89PNG", odd)]
    with pytest.raises(InputError, match="damaged"):
        verify(write_zip(tmp_path / "book.xlsx", parts))
    odd = Headers(raw_name=b"xl/a.png", raw_local_name=b"xl/b.png")
    parts = [*((name, what, PLAIN) for name, what in content(wrong)), (NAME, b"\x89PNG", odd)]
    with pytest.raises(InputError, match="damaged"):
        verify(write_zip(tmp_path / "book.xlsx", parts))


DECLARATION = re.compile(r"^<\?xml[^>]*\?>\s*")
Write = Callable[[bytes], bytes]


def written_in(encoding: str, mark: str = "", declared: str | None = None) -> Write:
    """Return what writes XML in an encoding, with a byte order mark and what it declares."""

    def write(xml: bytes) -> bytes:
        text = DECLARATION.sub("", xml.decode("utf-8-sig"))
        said = f'<?xml version="1.0" encoding="{declared}" standalone="yes"?>\n' if declared else ""
        return f"{mark}{said}".encode(encoding) + text.encode(encoding, "xmlcharrefreplace")

    return write


BOM = "\ufeff"
ENCODINGS: dict[str, Write] = {
    "UTF-8": written_in("utf-8", declared="UTF-8"),
    "UTF-8 with a mark": written_in("utf-8", BOM),
    "UTF-16, little": written_in("utf-16-le", BOM, "UTF-16"),
    "UTF-16, big": written_in("utf-16-be", BOM, "UTF-16"),
    "UTF-16, big, not declared": written_in("utf-16-be", BOM),
    "UTF-16, little, no mark": written_in("utf-16-le", "", "UTF-16"),
    "Latin-1": written_in("iso-8859-1", declared="ISO-8859-1"),
    "windows-1252": written_in("cp1252", declared="windows-1252"),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_workbook_may_be_in_any_of_these_encodings(
    encoding: str, engine: str, wrong: Path, tmp_path: Path
) -> None:
    parts = [name for name, _ in content(wrong)]
    path = rewritten(wrong, tmp_path / "book.xlsx", dict.fromkeys(parts, ENCODINGS[encoding]))
    assert_checked(path, engine)


@cases(40)
@given(data=st.data())
def test_each_part_may_be_in_another_encoding(
    data: st.DataObject, wrong: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    drawn = st.sampled_from(sorted(ENCODINGS))
    changes = {name: ENCODINGS[data.draw(drawn)] for name, _ in content(wrong)}
    assert_checked(rewritten(wrong, tmp_path_factory.mktemp("odd") / "book.xlsx", changes))


CASES: list[Callable[[str], str]] = [str, str.upper, str.title, str.swapcase]


@cases(40)
@given(data=st.data())
@example(data=None)
def test_a_part_is_found_in_any_case(
    data: st.DataObject | None, wrong: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    parts = [
        ("/".join((data.draw(st.sampled_from(CASES)) if data else str.upper)(piece)
                  for piece in name.split("/")), what, PLAIN)
        for name, what in content(wrong)
    ]  # fmt: skip
    assert_checked(write_zip(tmp_path_factory.mktemp("odd") / "book.xlsx", parts))


@pytest.mark.parametrize("odd", ["zip64", "UTF-16", "in capitals", "folders"])
def test_copies_are_made_of_it(odd: str, wrong: Path, tmp_path: Path) -> None:
    path, parts = tmp_path / "book.xlsx", content(wrong)
    how = Headers(zip64_header=True, zip64_directory=True) if odd == "zip64" else PLAIN
    write: Write = ENCODINGS["UTF-16, big"] if odd == "UTF-16" else bytes
    named = str.upper if odd == "in capitals" else str
    folders = [("xl/", b"", Headers(stored=True))] if odd == "folders" else []
    write_zip(path, [*folders, *((named(name), write(what), how) for name, what in parts)])
    report = verify(path)
    write_marked(report, path, tmp_path / "marked.xlsx")
    assert_checked(tmp_path / "marked.xlsx")
    write_mended(report, path, tmp_path / "mended.xlsx")
    assert said(tmp_path / "mended.xlsx")[:2] == ("pass", [])


def some_bytes(begin: bytes = b"\xd0\xcf\x11\xe0") -> bytes:
    return begin + b"<!DOCTYPE html><html></html>" + bytes(100)


OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
OBJECTS = [
    ("xl/media/image1.png", b"\x89PNG", "image", "image/png"),
    ("xl/media/image1.svg", b"", "image", "image/svg+xml"),
    ("xl/embeddings/oleObject1.bin", b"", "oleObject",
     "application/vnd.openxmlformats-officedocument.oleObject"),
    ("xl/embeddings/page.html", b"", "package", "text/html"),
    ("xl/printerSettings/printerSettings1.bin", b"P\0", "printerSettings",
     "application/vnd.openxmlformats-officedocument.spreadsheetml.printerSettings"),
    ("xl/vbaProject.bin", b"\xd0\xcf", "vbaProject", "application/vnd.ms-office.vbaProject"),
]  # fmt: skip


def with_part(source: Path, path: Path, name: str, what: bytes, kind: str, type_: str) -> Path:
    """Add a part that the workbook refers to, in a relation of this kind."""
    relation = f'<Relationship Id="rX" Type="{OFFICE}/{kind}" Target="/{name}"/></Relationships>'
    override = (
        f'<Override PartName="/{name}" ContentType="{type_}"/></Types>' if type_ else "</Types>"
    )
    changes = {
        RELATIONS: replaced(b"</Relationships>", relation.encode()),
        TYPES: replaced(b"</Types>", override.encode()),
    }
    return rewritten(source, path, changes, added={name: what})


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("name", "begin", "kind", "type_"), OBJECTS)
def test_a_picture_or_object_may_hold_any_bytes(
    name: str, begin: bytes, kind: str, type_: str, engine: str, wrong: Path, tmp_path: Path
) -> None:
    path = with_part(wrong, tmp_path / "book.xlsx", name, some_bytes(begin), kind, type_)
    assert_checked(path, engine)


XML_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"


@pytest.mark.parametrize(
    ("name", "kind", "type_"),
    [
        ("xl/media/image1.png", "image", XML_TYPE),  # what the type says
        ("xl/media/image1.png", "image", "Application/XML; charset=utf-8"),
        ("xl/media/image1.png", "styles", "image/png"),  # what a relation says
        ("xl/media/image%201.png", "theme", "image/png"),
        ("xl/media/image1.svg", "worksheet", "image/svg+xml"),
        ("xl/media/image1.png", "ofAKindThatNobodyKnows", "image/png"),
        ("xl/media/image1.XML", "image", "image/png"),  # what the name says
        ("xl/media/drawing.vml", "image", ""),
    ],
)
def test_what_is_read_as_xml_declares_no_document_type_whatever_it_is_called(
    name: str, kind: str, type_: str, wrong: Path, tmp_path: Path
) -> None:
    path = with_part(wrong, tmp_path / "book.xlsx", name, some_bytes(b""), kind, type_)
    with pytest.raises(InputError, match="declares a document type"):
        verify(path)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("cell", ['<c r="A60" t="s"/>', '<c r="A60" t="s"><v/></c>'])
def test_a_cell_that_shows_no_text_is_empty(
    cell: str, engine: str, wrong: Path, tmp_path: Path
) -> None:
    row = f'<row r="60">{cell}</row></sheetData>'
    changes = {SHEET: replaced(b"</sheetData>", row.encode())}
    assert_checked(rewritten(wrong, tmp_path / "book.xlsx", changes), engine)


OTHER_SHEETS = {
    "macros": f"{OFFICE.replace('officeDocument/2006', 'office/2006')}/xlMacrosheet",
    "international macros": "http://schemas.microsoft.com/office/2006/relationships/xlIntlMacrosheet",
    "dialog": f"{OFFICE}/dialogsheet",
    "chart": f"{OFFICE}/chartsheet",
}


def with_sheet(source: Path, path: Path, kind: str, only: bool) -> Path:
    """Add a sheet of another kind before the others, or in place of them."""
    tag = {"dialogsheet": "dialogsheet", "chartsheet": "chartsheet"}.get(kind.rpartition("/")[2])
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    excel = "http://schemas.microsoft.com/office/excel/2006/main"
    sheet = (
        f'<{tag} xmlns="{main}"/>'
        if tag
        else f'<xm:macrosheet xmlns="{main}" xmlns:xm="{excel}"><sheetData><row r="1"><c r="A1">'
        "<f>HALT()</f><v>0</v></c></row></sheetData></xm:macrosheet>"
    )
    relation = f'<Relationship Id="rX" Type="{kind}" Target="other/sheet.xml"/></Relationships>'
    entry = f'<sheet xmlns:r="{OFFICE}" name="Other" sheetId="77" r:id="rX"/>'

    def listed(xml: bytes) -> bytes:
        pattern, own = (rb"(<sheets>).*?(?=</sheets>)", entry) if only else (rb"(<sheets>)", entry)
        return re.sub(pattern, lambda match: match[1] + own.encode(), xml, flags=re.DOTALL)

    changes = {RELATIONS: replaced(b"</Relationships>", relation.encode()), WORKBOOK: listed}
    return rewritten(source, path, changes, added={"xl/other/sheet.xml": sheet.encode()})


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", OTHER_SHEETS)
def test_sheets_of_macros_dialogs_and_charts_are_left_out(
    kind: str, engine: str, wrong: Path, tmp_path: Path
) -> None:
    path = with_sheet(wrong, tmp_path / "book.xlsx", OTHER_SHEETS[kind], only=False)
    assert_checked(path, engine)
    with open_package(path) as package:
        assert [sheet.name for sheet in package.sheets] == ["My sheet"]
    with_sheet(wrong, path, OTHER_SHEETS[kind], only=True)
    with pytest.raises(InputError, match="no worksheet, only sheets of charts, macros or dialogs"):
        verify(path, engine)


SHEETS = re.compile(rb"<sheet [^>]*/>")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda entry: re.sub(rb' name="[^"]*"', b"", entry), "a sheet has no name"),
        (lambda entry: re.sub(rb' name="[^"]*"', b' name=""', entry), "a sheet has no name"),
        (lambda entry: entry + entry, "two sheets are called 'My sheet'"),
        (lambda entry: entry + entry.replace(b"My", b"MY"), "two sheets are called 'My sheet'"),
        (lambda entry: re.sub(rb' r:id="[^"]*"', b"", entry), "'My sheet' is missing"),
    ],
)
def test_a_list_of_sheets_that_excel_would_repair_is_refused(
    change: Callable[[bytes], bytes], problem: str, engine: str, wrong: Path, tmp_path: Path
) -> None:
    def listed(xml: bytes) -> bytes:
        return SHEETS.sub(lambda match: change(match[0]), xml)

    path = rewritten(wrong, tmp_path / "book.xlsx", {WORKBOOK: listed})
    with pytest.raises(InputError, match=problem):
        verify(path, engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("formula", [b"", b"<f>1+1</f>"])
@pytest.mark.parametrize("error", ["#SPILL!", "#CALC!", "#FIELD!", "#GETTING_DATA", "Err:522"])
def test_an_error_value_of_a_newer_program_is_no_obstacle(
    error: str, formula: bytes, engine: str, wrong: Path, tmp_path: Path
) -> None:
    cell = b'<c r="A300" t="e">%s<v>%s</v></c>' % (formula, error.encode())
    row = {SHEET: with_rows(b'<row r="300">%s</row>' % cell)}
    assert_checked(rewritten(wrong, tmp_path / "book.xlsx", row), engine)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_extends_a_sheet_has_no_cells(engine: str, wrong: Path, tmp_path: Path) -> None:
    other = (
        b'<extLst><ext xmlns:l="urn:later" uri="{1}"><l:row r="1"><l:c r="A1"><l:f>1/0</l:f>'
        b"</l:c></l:row></ext></extLst></worksheet>"
    )
    extended = {SHEET: replaced(b"</worksheet>", other)}
    assert_checked(rewritten(wrong, tmp_path / "book.xlsx", extended), engine)


def test_a_part_of_another_case_is_found_when_a_copy_is_mended(tmp_path: Path) -> None:
    book = HandMade()
    book.formulas["∂E/∂w8"] = _MISTAKE
    sheet = openpyxl.load_workbook(book.save(tmp_path / "made.xlsx"))
    sheet.active["AK1"], sheet.active["AK2"] = "One", 1
    sheet.active.add_table(Table(displayName="T", ref="AK1:AK2"))
    sheet.save(tmp_path / "made.xlsx")
    path = tmp_path / "book.xlsx"
    with zipfile.ZipFile(tmp_path / "made.xlsx") as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name.upper() if "tables/" in name else name, old.read(name))
    write_mended(verify(path), path, tmp_path / "mended.xlsx")
    assert verify(tmp_path / "mended.xlsx").verdict == "pass"
