"""The sheets of a workbook are found by what the file says of its parts."""

from pathlib import Path

import openpyxl

from workbook_tools.package.workbook import open_package


def test_sheets_are_found_by_their_relations_in_the_order_of_the_workbook(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("Second")
    book.create_sheet("First", 0)
    book.save(tmp_path / "book.xlsx")
    with open_package(tmp_path / "book.xlsx") as package:
        assert [sheet.name for sheet in package.sheets] == ["First", "Sheet", "Second"]
