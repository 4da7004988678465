"""Cells are read as they are written, whatever prefix the XML has; what is hostile is refused."""

import contextlib
import io
from pathlib import Path
from xml.parsers import expat

import pytest
from lxml import etree

from workbook_tools.package.stored_cells import (
    CellReader,
    DoctypeError,
    StoredCell,
    StoredFormula,
    StoredRow,
    TooDeepError,
    read_cells,
)
from workbook_tools.package.workbook import open_package

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def sheet(rows: str, prefix: str = "") -> io.BytesIO:
    name = f"xmlns:{prefix[:-1]}" if prefix else "xmlns"
    text = f'<{prefix}worksheet {name}="{MAIN}"><{prefix}sheetData>{rows}</{prefix}sheetData>'
    return io.BytesIO(f"{text}</{prefix}worksheet>".encode())


@pytest.mark.parametrize("name", ["mazur", "xor", "iris"])
def test_every_cell_is_what_a_tree_of_the_sheet_has(workbooks: Path, name: str) -> None:
    with open_package(workbooks / f"{name}.xlsx") as package:
        for part in package.sheets:
            with package.archive.open(part.part) as stream:
                tree = etree.parse(stream)
            expected = []
            for row in tree.iter("{*}row"):
                expected.append(("row", row.get("r")))
                for cell in row.iterchildren("{*}c"):
                    formula, value = cell.find("{*}f"), cell.find("{*}v")
                    own = "" if formula is None else formula.text or ""
                    shown = None if value is None else value.text
                    expected.append((cell.get("r"), cell.get("t", "n"), own, shown))
            with package.archive.open(part.part) as stream:
                found = [
                    ("row", one.number)
                    if isinstance(one, StoredRow)
                    else (one.name, one.kind, one.formula.text if one.formula else "", one.value)
                    for one in read_cells(stream)
                ]
            assert found == expected


@pytest.mark.parametrize("prefix", ["", "x:"])
def test_a_cell_is_read_with_any_prefix(prefix: str) -> None:
    rows = '<row r="2"><c r="A2" t="s"><f t="shared" si="0">B1&amp;"x"</f><v>7</v></c><c/></row>'
    rows = rows.replace("</", "\0").replace("<", f"<{prefix}").replace("\0", f"</{prefix}")
    formula = StoredFormula('B1&"x"', {"t": "shared", "si": "0"})
    assert list(read_cells(sheet(rows, prefix))) == [
        StoredRow("2"),
        StoredCell("A2", "s", formula, "7", None, True),
        StoredCell(None, "n", None, None, None, True),
    ]


def test_a_text_of_its_own_is_read_without_formatting_and_readings() -> None:
    text = "<is><r><rPr><b/></rPr><t>sig</t></r><rPh><t>aloud</t></rPh><r><t>moid</t></r></is>"
    [_, cell] = read_cells(sheet(f'<row><c t="inlineStr">{text}</c></row>'))
    assert cell == StoredCell(None, "inlineStr", None, None, "sigmoid", True)


def test_of_two_values_the_first_counts_and_a_formula_behind_one_is_out_of_order() -> None:
    [_, twice] = read_cells(sheet("<row><c><v>1</v><v>2</v></c></row>"))
    assert (type(twice), twice.value) == (StoredCell, "1")
    [_, late] = read_cells(sheet("<row><c><v>1</v><f>A1</f></c></row>"))
    assert (type(late), late.in_order) == (StoredCell, False)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"<!DOCTYPE a><a/>", DoctypeError),
        (b"<a>" * 257 + b"</a>" * 257, TooDeepError),
        (b"<a><b></a>", expat.ExpatError),
        (b"<a>", expat.ExpatError),
        (b"", expat.ExpatError),
    ],
)
def test_what_is_hostile_or_no_xml_is_refused(content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        list(read_cells(io.BytesIO(content)))


@pytest.mark.parametrize(
    ("begins", "expected"),
    [
        ("<x><sheetData><row>", True),
        ('<?xml version="1.0" encoding="utf-8"?><x><sheetData><row>', True),
        ('<?xml version="1.0" encoding="latin-1"?><x><sheetData><row>', False),
        ("<x><sheetData><row><row>", False),
        ("<x><sheetData><row><c>", False),
        ("<x><row>", False),
        ("<x><sheetData></sheetData><row>", False),
        ("<x><sheetData><row/><!-- ", False),
    ],
)
def test_the_end_of_a_row_is_known(begins: str, expected: bool) -> None:
    reader = CellReader()
    reader.feed(begins.encode())
    with contextlib.suppress(expat.ExpatError):
        reader.feed(b"</row>")
    assert reader.is_between_rows == expected
    with contextlib.suppress(expat.ExpatError):
        reader.feed(b"<")
    assert not reader.is_between_rows
