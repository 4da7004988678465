"""What cannot be checked is refused in one line; what only looks odd is checked all the same.

Never a traceback, never a hang, never a pass of something else than what the file says.
"""

import re
import struct
import threading
import time
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cases import THOROUGH
from checks import refused
from parts import Change, parts, replaced, rewritten, strict, with_rows

from workbook_tools.checking.verify import verify
from workbook_tools.engines import ENGINES
from workbook_tools.errors import InputError
from workbook_tools.package import archive

pytestmark = pytest.mark.slow

Make = Callable[[Path, Path], object]  # from a good workbook and the path of the bad one

SHEET, STYLES, STRINGS = "xl/worksheets/sheet2.xml", "xl/styles.xml", "xl/sharedStrings.xml"
OLE = bytes.fromhex("D0CF11E0A1B11AE1")
CELLS = 3303  # formula cells of mazur.xlsx that can be checked


def written(content: bytes) -> Make:
    return lambda good, path: path.write_bytes(content)


def cut(begin: int | None, end: int | None, before: bytes = b"", after: bytes = b"") -> Make:
    return lambda good, path: path.write_bytes(before + good.read_bytes()[begin:end] + after)


def without(part: str) -> Make:
    return lambda good, path: rewritten(good, path, without=part)


def changed(part: str, change: Change) -> Make:
    return lambda good, path: rewritten(good, path, {part: change})


def added(part: str, content: bytes) -> Make:
    return lambda good, path: rewritten(good, path, added={part: content})


def rows(xml: bytes) -> Make:
    return changed(SHEET, with_rows(xml))


def corrupt_inside(good: Path, path: Path) -> None:
    content = bytearray(good.read_bytes())
    with zipfile.ZipFile(good) as opened:
        start = opened.getinfo(SHEET).header_offset
    content[start + 200 : start + 260] = bytes(60)
    path.write_bytes(content)


def encrypted_part(good: Path, path: Path) -> None:
    content = bytearray(good.read_bytes())
    with zipfile.ZipFile(good) as opened:
        directory = opened.start_dir
    content[directory + 8] |= 1
    path.write_bytes(content)


def understated(good: Path, path: Path) -> None:
    """Make a bomb of the styles, of which the zip file states a small size."""
    rewritten(good, path, {STYLES: lambda content: content + bytes(100 << 20)})
    content = bytearray(path.read_bytes())
    name = STYLES.encode()
    with zipfile.ZipFile(path) as opened:
        local = opened.getinfo(STYLES).header_offset
    central = content.rindex(name) - 46
    for place in (local + 22, central + 24):
        content[place : place + 4] = struct.pack("<I", 5_000)
    path.write_bytes(content)


def mis_stated(good: Path, path: Path) -> None:
    """State a smaller size, and the checksum of the part that is that long."""
    rewritten(good, path)
    with zipfile.ZipFile(path) as opened:
        part = opened.getinfo(STYLES)
        beginning = opened.read(STYLES)[:-1]
    content = bytearray(path.read_bytes())
    central = content.rindex(STYLES.encode()) - 46
    for place in (part.header_offset + 14, central + 16):
        content[place : place + 4] = struct.pack("<I", archive.zlib.crc32(beginning))
    for place in (part.header_offset + 22, central + 24):
        content[place : place + 4] = struct.pack("<I", len(beginning))
    path.write_bytes(content)


def one_less(good: Path, path: Path) -> None:
    """State a size that is one byte less than the part has."""
    rewritten(good, path)
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as opened:
        part = opened.getinfo(STYLES)
    for place in (part.header_offset + 22, content.rindex(STYLES.encode()) - 46 + 24):
        content[place : place + 4] = struct.pack("<I", part.file_size - 1)
    path.write_bytes(content)


def twice(part: str) -> Make:
    def make(good: Path, path: Path) -> None:
        with pytest.warns(UserWarning, match="Duplicate name"):
            rewritten(good, path, added={part: b"<other/>"})

    return make


def doctype(content: bytes) -> bytes:
    return b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + content


def laughs(content: bytes) -> bytes:
    lines = [b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)]
    return b'<!DOCTYPE x [<!ENTITY a0 "lol">%s]>' % b"".join(lines) + content


def in_utf16(content: bytes) -> bytes:
    return doctype(content).decode().encode("utf-16")


def no_sheets(content: bytes) -> bytes:
    return re.sub(rb"<sheets>.*</sheets>", b"<sheets/>", content)


BAD: dict[str, tuple[Make, str]] = {
    "text": (written(b"t1,t2\n0.5,0.5\n"), "not an .xlsx workbook"),
    "nothing": (written(b""), "not an .xlsx workbook"),
    "missing": (lambda good, path: None, "cannot be read"),
    "folder": (lambda good, path: path.mkdir(), "cannot be read"),
    "truncated": (cut(None, -3000), "cut short"),
    "half": (cut(None, 20_000), "cut short"),
    "garbage before": (cut(None, None, before=b"garbage"), "not an .xlsx workbook"),
    "garbage after": (cut(None, None, after=b"garbage"), "data after its end"),
    "corrupt inside": (corrupt_inside, "damaged"),
    "xls": (written(OLE + "Workbook".encode("utf-16-le")), "an old .xls workbook"),
    "encrypted": (written(OLE + "EncryptedPackage".encode("utf-16-le")), "encrypted"),
    "encrypted part": (encrypted_part, "encrypted"),
    "ods": (added("mimetype", b"application/vnd.oasis"), "an OpenDocument file"),
    "xlsb": (added("xl/workbook.bin", b""), "an .xlsb workbook"),
    "no content types": (without("[Content_Types].xml"), "[Content_Types].xml is missing"),
    "no relations": (without("_rels/.rels"), "missing (_rels/.rels)"),
    "no relations of sheets": (without("xl/_rels/workbook.xml.rels"), "is missing"),
    "no workbook": (without("xl/workbook.xml"), "missing (xl/workbook.xml)"),
    "no sheet": (without(SHEET), "'LR 0.5' is missing"),
    "one part twice": (
        changed("xl/_rels/workbook.xml.rels", lambda c: c.replace(b"sheet2.xml", b"sheet1.xml")),
        "several sheets share one part",
    ),
    "no styles": (without(STYLES), "missing (xl/styles.xml)"),
    "no strings": (without(STRINGS), "missing (xl/sharedStrings.xml)"),
    "a string less": (changed(STRINGS, lambda c: c[: c.rindex(b"<si>")] + b"</sst>"), "shared"),
    "zero sheets": (changed("xl/workbook.xml", no_sheets), "without sheets"),
    "bomb": (changed(STYLES, lambda c: c + bytes(100 << 20)), "250 times its size"),
    "bomb beside": (added("xl/media/image9.png", bytes(100 << 20)), "250 times its size"),
    "understated bomb": (understated, "250 times its size"),
    "understated": (mis_stated, "damaged"),
    "one byte less": (one_less, "but the file states"),
    "two of a name": (twice(SHEET), "two of its parts have the same name"),
    "entities in the sheet": (changed(SHEET, laughs), "declares a document type"),
    "entities in the styles": (changed(STYLES, laughs), "declares a document type"),
    "document type": (changed("docProps/app.xml", doctype), "declares a document type"),
    "document type in UTF-16": (changed(STRINGS, in_utf16), "declares a document type"),
    "row beyond": (rows(b'<row r="1048577"><c r="A1048577"><v>1</v></c></row>'), "is not between"),
    "row far beyond": (rows(b'<row r="4000000000"/>'), "not between 1 and 1,048,576"),
    "row 0": (rows(b'<row r="0"/>'), "not between 1 and 1,048,576"),
    "no row": (rows(b'<row r="-5"/>'), "not between 1 and 1,048,576"),
    "column beyond": (rows(b'<row r="140"><c r="XFE140"/></row>'), "between A and XFD"),
    "column far beyond": (rows(b'<row r="140"><c r="ZZZZZZZ140"/></row>'), "between A and XFD"),
    "no column": (rows(b'<row r="140"><c r="140"/></row>'), "between A and XFD"),
    "another row's cell": (rows(b'<row r="140"><c r="A7"/></row>'), "out of order"),
    "cells out of order": (rows(b'<row r="140"><c r="B140"/><c r="A140"/></row>'), "out of order"),
    "cell twice": (rows(b'<row r="140"><c r="B140"/><c r="B140"/></row>'), "out of order"),
    "rows out of order": (rows(b'<row r="50"/>'), "row 50 comes after row 131"),
    "shared with nothing": (
        rows(b'<row r="140"><c r="A140"><f t="shared" si="9"/></c></row>'),
        "the shared formula of A140",
    ),
    "two formulas": (rows(b'<row r="140"><c r="A140"><f>1</f><f>2</f></c></row>'), "come first"),
    "no number": (rows(b'<row r="140"><c r="A140"><v>NaN</v></c></row>'), "which is not a number"),
    "too large a number": (rows(b'<row r="140"><c r="A140"><v>1e309</v></c></row>'), "a number"),
    "deep XML": (rows(b"<a>" * 1000 + b"</a>" * 1000), "damaged"),
}  # fmt: skip


@pytest.mark.parametrize("engine", ["embedded", "ironcalc", "cached"])
@pytest.mark.parametrize("bad", BAD)
def test_bad_input_is_refused_in_one_line_by_every_engine(
    bad: str, engine: str, workbooks: Path, tmp_path: Path
) -> None:
    make, problem = BAD[bad]
    path = tmp_path / "book.xlsx"
    make(workbooks / "mazur.xlsx", path)
    with pytest.raises(InputError) as refusal:
        verify(path, engine)
    message = str(refusal.value)
    assert message.startswith(f"{path}: ")
    assert problem in message
    assert "\n" not in message


@pytest.mark.parametrize("command", ["verify", "explain"])
@pytest.mark.parametrize("bad", ["truncated", "bomb", "entities in the styles", "row beyond"])
def test_bad_input_ends_with_status_2_and_one_line(
    bad: str, command: str, workbooks: Path, tmp_path: Path
) -> None:
    path = tmp_path / "book.xlsx"
    BAD[bad][0](workbooks / "mazur.xlsx", path)
    refused(command, path)


def _never(*_: object) -> None:
    pytest.fail("an engine was asked to calculate")


def test_no_engine_sees_a_file_before_its_parts_are_counted(
    workbooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbook_tools.checking.verify.recalculate", _never)
    for bad in ("bomb beside", "understated bomb", "entities in the styles"):
        path = tmp_path / f"{bad}.xlsx"
        BAD[bad][0](workbooks / "mazur.xlsx", path)
        with pytest.raises(InputError):
            verify(path)


@pytest.mark.parametrize("limit", ["MAX_PART_BYTES", "MAX_BYTES"])
def test_what_inflates_beyond_the_limit_is_refused(
    limit: str, workbooks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, limit, 250_000)
    with pytest.raises(InputError, match="inflates beyond the limit"):
        verify(workbooks / "mazur.xlsx")


def dimension(reference: bytes) -> Change:
    return lambda content: re.sub(
        rb'<dimension ref="[^"]*"', b'<dimension ref="%s"' % reference, content
    )


def empty_rows() -> bytes:
    cells = b'<row r="%d" s="1" customFormat="1"><c r="A%d" s="1"/></row>'
    last = 1_048_577 if THOROUGH else 250_000
    return b"".join(cells % (row, row) for row in range(132, last))


HARMLESS: dict[str, Make] = {
    "dimension too small": changed(SHEET, dimension(b"A1")),
    "dimension too large": changed(SHEET, dimension(b"A1:XFD1048576")),
    "dimension beyond": changed(SHEET, dimension(b"ZZZZ9999999:A1")),
    "no dimension": changed(SHEET, lambda c: re.sub(rb"<dimension [^>]*>", b"", c)),
    "last cell": rows(b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
    "last cell is a formula": rows(b'<row r="1048576"><c r="XFD1048576"><f>1+1</f></c></row>'),
    "a picture's document type": added("xl/media/image9.svg", b"<!DOCTYPE svg><svg/>"),
}


@pytest.mark.parametrize("engine", ["embedded", "ironcalc", "cached"])
@pytest.mark.parametrize("odd", HARMLESS)
def test_what_only_looks_odd_is_checked_all_the_same(
    odd: str, engine: str, workbooks: Path, tmp_path: Path
) -> None:
    path = tmp_path / "book.xlsx"
    HARMLESS[odd](workbooks / "mazur.xlsx", path)
    report = verify(path, engine)
    assert report.verdict == "pass"
    assert report.tables[0].cells.checked >= 3_000


@pytest.mark.parametrize("engine", ["embedded", "cached"])
def test_a_great_many_empty_rows_do_not_matter(
    engine: str, workbooks: Path, tmp_path: Path
) -> None:
    path = tmp_path / "book.xlsx"
    rows(empty_rows())(workbooks / "mazur.xlsx", path)
    assert verify(path, engine).verdict == "pass"


@pytest.mark.parametrize("engine", ENGINES)
def test_strict_open_xml_is_read_or_said(engine: str, workbooks: Path, tmp_path: Path) -> None:
    good, path = workbooks / "mazur.xlsx", tmp_path / "book.xlsx"
    names = [name for name in parts(good) if name.endswith((".xml", ".rels"))]
    rewritten(good, path, dict.fromkeys(names, strict))
    if engine in ("embedded", "ironcalc"):
        with pytest.raises(InputError, match="Strict Open XML"):
            verify(path, engine)
    else:
        assert verify(path, engine).verdict == "pass"


MACRO_TYPE = b"application/vnd.ms-excel.sheet.macroEnabled.main+xml"


@pytest.mark.parametrize("engine", ENGINES)
def test_macros_are_left_alone(engine: str, workbooks: Path, tmp_path: Path) -> None:
    good, path = workbooks / "mazur.xlsx", tmp_path / "book.xlsm"
    main = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    macros = {"xl/vbaProject.bin": OLE + bytes(600)}
    rewritten(good, path, {"[Content_Types].xml": replaced(main, MACRO_TYPE)}, added=macros)
    assert verify(path, engine).verdict == "pass"


class Listener(ThreadingHTTPServer):
    """A server that notes what is asked of it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), BaseHTTPRequestHandler)
        self.asked = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def process_request(self, *request: object) -> None:
        self.asked += 1
        super().process_request(*request)  # type: ignore[arg-type]


def linked(good: Path, path: Path, address: str) -> Path:
    """Link a workbook to another one, of which a cell outside the table is read."""
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    link = "xl/externalLinks/externalLink1.xml"
    declared = (
        f'<Override PartName="/{link}" ContentType="application/vnd.openxmlformats-officedocument.'
        'spreadsheetml.externalLink+xml"/></Types>'
    )
    relation = (
        f'<Relationship Id="rX" Type="{office}/externalLink" Target="/{link}"/></Relationships>'
    )
    reference = f'</sheets><externalReferences><externalReference xmlns:r="{office}" r:id="rX"/>'
    formulas = (
        '<row r="140"><c r="A140"><f>[1]One!$A$1</f><v>0.5</v></c><c r="B140"><f>'
        f'_xlfn.WEBSERVICE("{address}/web")</f><v>1</v></c></row>'
    )
    changes = {
        "[Content_Types].xml": replaced(b"</Types>", declared.encode()),
        "xl/_rels/workbook.xml.rels": replaced(b"</Relationships>", relation.encode()),
        "xl/workbook.xml": replaced(b"</sheets>", f"{reference}</externalReferences>".encode()),
        SHEET: with_rows(formulas.encode()),
    }
    book = (
        f'<externalLink xmlns="{main}"><externalBook xmlns:r="{office}" r:id="rId1"><sheetNames>'
        '<sheetName val="One"/></sheetNames></externalBook></externalLink>'
    )
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    target = (
        f'<Relationships xmlns="{package}"><Relationship Id="rId1" TargetMode="External" '
        f'Type="{office}/externalLinkPath" Target="{address}/other.xlsx"/></Relationships>'
    )
    relations = "xl/externalLinks/_rels/externalLink1.xml.rels"
    added = {link: book.encode(), relations: target.encode()}
    return rewritten(good, path, changes, added=added)


@pytest.mark.parametrize("engine", ENGINES)
def test_links_are_never_followed(engine: str, workbooks: Path, tmp_path: Path) -> None:
    with Listener() as listener:
        address = f"http://127.0.0.1:{listener.server_port}"
        path = linked(workbooks / "mazur.xlsx", tmp_path / "book.xlsx", address)
        if engine == "ironcalc":
            with pytest.raises(InputError, match="reads another workbook"):
                verify(path, engine)
        else:
            assert verify(path, engine).verdict == "pass"
        listener.shutdown()
        assert listener.asked == 0


def test_what_an_engine_prints_does_not_get_into_the_report(
    workbooks: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "book.xlsx"
    rows(b'<row r="140"><c r="A140" t="d"><f>1+1</f><v>2020</v></c></row>')(
        workbooks / "mazur.xlsx", path
    )
    assert verify(path, "ironcalc").verdict == "pass"
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("formula", "problem"),
    [
        ("^".join("2" * 4000), "nested too deeply for ironcalc"),
        ("(" * 4000 + "1" + ")" * 4000, "nested too deeply for ironcalc"),
        ("&amp;".join(["A1"] * 10_000), "longer than Excel allows"),
    ],
    ids=["powers", "parentheses", "long"],
)
def test_a_formula_that_ironcalc_crashes_at_is_not_handed_to_it(
    formula: str, problem: str, workbooks: Path, tmp_path: Path
) -> None:
    path = tmp_path / "book.xlsx"
    rows(f'<row r="140"><c r="A140"><f>{formula}</f></c></row>'.encode())(
        workbooks / "mazur.xlsx", path
    )
    with pytest.raises(InputError, match=problem):
        verify(path, "ironcalc")
    assert verify(path).verdict == "pass"


def test_a_libreoffice_that_takes_too_long_leaves_nothing_running(
    workbooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "soffice"
    slow.write_text(f"#!/bin/sh\n(sleep 2; touch {tmp_path}/late) &\nwait\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("workbook_tools.engines.libreoffice.TIMEOUT", 0.5)
    with pytest.raises(InputError, match="took longer than"):
        verify(workbooks / "mazur.xlsx", "libreoffice")
    time.sleep(2.5)
    assert not Path(tmp_path, "late").exists()  # what it started is ended too
