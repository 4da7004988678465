"""Another fill, and nothing else of a format, whatever the stylesheet lacks."""

import re
from pathlib import Path

import pytest
from lxml import etree
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Border, Font, PatternFill, Side
from openxml_audit import OpenXmlValidator
from parts import SHEET, STYLES, Change, edited, parts, rewritten

from workbook_tools.editing.cell_contents import SheetCells
from workbook_tools.editing.cell_styles import CellStyles
from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.xml_parts import number


def coloured(copy: PackageCopy) -> None:
    """Colour A1 and A2, and add a format for headings to A3."""
    styles, cells = CellStyles(copy), SheetCells(copy.xml(SHEET))
    for row in (1, 2):
        cell = cells.made(row, 1)
        cell.set("s", str(styles.filled(number(cell.get("s")), "FFC7CE")))
    cells.made(3, 1).set("s", str(styles.new(bold=True, link=True, fill="D9E1F2", wrap=True)))
    copy.changed(SHEET)


def test_a_filled_cell_keeps_all_else_of_its_format(tmp_path: Path) -> None:
    book = Workbook()
    cell = book.active["A1"]
    cell.value, cell.number_format = 0.5, "0.000"
    cell.font, cell.border = Font(italic=True), Border(top=Side("thin"))
    cell.fill = PatternFill("solid", "112233")
    book.active["A2"] = 1
    book.active["B1"] = 2
    book.active["B1"].number_format = "0.000"
    book.save(tmp_path / "plain.xlsx")
    sheet = load_workbook(edited(tmp_path / "plain.xlsx", tmp_path / "new.xlsx", coloured)).active
    after = sheet["A1"]
    assert (after.number_format, after.font.i, after.border.top.style) == ("0.000", True, "thin")
    assert [sheet[name].fill.fgColor.rgb for name in ("A1", "A2")] == ["FFFFC7CE"] * 2
    assert sheet["B1"].fill.fill_type is None
    assert sheet["A3"].font.b
    assert sheet["A3"].font.u == "single"
    assert sheet["A3"].alignment.wrap_text


BARE = b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content,
        lambda content: BARE,
        lambda content: re.sub(rb"<fills.*</fills>", b"<fills/>", content),
        lambda content: re.sub(rb"<cellXfs.*</cellXfs>", b"", content),
        lambda content: re.sub(rb"<(/?)([a-zA-Z])", rb"<\1x:\2", content).replace(
            b"xmlns=", b"xmlns:x="
        ),
    ],
)
def test_a_stylesheet_may_lack_things(tmp_path: Path, change: Change) -> None:
    book = Workbook()
    book.active["A1"] = 1
    book.save(tmp_path / "plain.xlsx")
    source = rewritten(tmp_path / "plain.xlsx", tmp_path / "bare.xlsx", {STYLES: change})
    path = edited(source, tmp_path / "new.xlsx", coloured)
    assert load_workbook(path).active["A2"].fill.fgColor.rgb == "FFFFC7CE"
    fills = [
        pattern.get("patternType")
        for pattern in etree.fromstring(parts(path)[STYLES]).iterfind("{*}fills/{*}fill/*")
    ]
    assert fills.index("solid") == 2  # Excel keeps the first two to itself
    validated = OpenXmlValidator(max_errors=0).validate
    assert {str(e) for e in validated(path).errors} <= {str(e) for e in validated(source).errors}


def test_a_workbook_may_lack_its_stylesheet(tmp_path: Path) -> None:
    book = Workbook()
    book.active["A1"] = 1
    book.save(tmp_path / "plain.xlsx")
    source = rewritten(
        tmp_path / "plain.xlsx",
        tmp_path / "bare.xlsx",
        {
            "xl/_rels/workbook.xml.rels": lambda c: re.sub(
                rb"<Relationship [^>]*styles.xml[^>]*/>", b"", c
            ),
            "[Content_Types].xml": lambda c: re.sub(rb"<Override [^>]*styles.xml[^>]*/>", b"", c),
        },
        without=STYLES,
    )
    path = edited(source, tmp_path / "new.xlsx", coloured)
    assert STYLES in parts(path)
    assert load_workbook(path).active["A2"].fill.fgColor.rgb == "FFFFC7CE"
