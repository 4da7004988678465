"""A sheet comes last, under a name of its own, and nothing in it is a formula."""

import re
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from openxml_audit import OpenXmlValidator
from parts import differences, edited

from workbook_tools.editing.cell_styles import CellStyles
from workbook_tools.editing.new_sheet import NewCell, add_sheet
from workbook_tools.package.copying import PackageCopy

TEXTS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r\n=1", "a\x00b\x1f", "<&>'\"", "'", " x ", "∂E"]


def with_sheet(source: Path, *rows: list[NewCell]) -> tuple[Path, str]:
    name = ""

    def add(copy: PackageCopy) -> None:
        nonlocal name
        CellStyles(copy)
        name = add_sheet(copy, "Findings", [10, 20], rows)

    return edited(source, source.with_name("new.xlsx"), add), name


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["A"], "Findings"),
        (["Findings"], "Findings 2"),
        (["findings", "A", "FINDINGS 2"], "Findings 3"),
    ],
)
def test_a_name_that_is_taken_gets_a_number(
    tmp_path: Path, names: list[str], expected: str
) -> None:
    book = Workbook()
    book.active.title = names[0]
    for name in names[1:]:
        book.create_sheet(name)
    book.save(tmp_path / "plain.xlsx")
    path, name = with_sheet(tmp_path / "plain.xlsx", [NewCell("x", 0)])
    assert name == expected
    assert load_workbook(path).sheetnames == [*names, expected]


def test_texts_are_texts_whatever_they_begin_with(tmp_path: Path) -> None:
    Workbook().save(tmp_path / "plain.xlsx")
    rows = [[NewCell(text, 0), NewCell(1.5, 0), NewCell(None, 0)] for text in TEXTS]
    path, name = with_sheet(tmp_path / "plain.xlsx", *rows)
    sheet = load_workbook(path)[name]
    assert [cell.value for cell in sheet["A"]] == [re.sub(r"[\x00\x1f]", "", t) for t in TEXTS]
    assert {cell.data_type for cell in sheet["A"]} == {"s"}
    assert {cell.value for cell in sheet["B"]} == {1.5}
    changed, new, gone = differences(tmp_path / "plain.xlsx", path)
    assert new == {"xl/worksheets/sheet2.xml"}
    assert not gone
    assert "xl/worksheets/sheet1.xml" not in changed


def test_links_lead_to_cells_and_the_header_stays_in_sight(tmp_path: Path) -> None:
    Workbook().save(tmp_path / "plain.xlsx")
    link = "'it''s a sheet'!A1:B2"
    path, name = with_sheet(
        tmp_path / "plain.xlsx", [NewCell("Cells", 0)], [NewCell("A1:B2", 0, link)]
    )
    sheet = load_workbook(path)[name]
    assert sheet["A2"].hyperlink.location == link
    assert sheet.freeze_panes == "A2"
    assert sheet.page_setup.orientation == "landscape"
    before = {
        str(e) for e in OpenXmlValidator(max_errors=0).validate(tmp_path / "plain.xlsx").errors
    }
    assert {str(e) for e in OpenXmlValidator(max_errors=0).validate(path).errors} <= before


def test_a_long_text_gets_a_high_row(tmp_path: Path) -> None:
    Workbook().save(tmp_path / "plain.xlsx")
    path, name = with_sheet(tmp_path / "plain.xlsx", [NewCell("x", 0)], [NewCell("word " * 10, 0)])
    heights = load_workbook(path)[name].row_dimensions
    assert heights[1].height == 15
    assert heights[2].height == 90
