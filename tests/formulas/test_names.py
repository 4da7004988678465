"""Defined names are read as what they stand for."""

from pathlib import Path

import openpyxl
import pytest
from openpyxl.workbook.defined_name import DefinedName

from workbook_tools.formulas.names import Names
from workbook_tools.formulas.sheets import read_sheets
from workbook_tools.package.workbook import open_package

NAMES = Names(
    {"lr": "Data!$G$30", "half": "0.5", "less": "-2", "all": "Data!$A$1:$B$2", "odd": "Data!A1",
     "sum": "Data!$A$9", "gone": "#REF!", "far": "'My ''own'' data'!$B$1"},
    {"Other": {"lr": "Other!$A$1"}},
)  # fmt: skip


@pytest.mark.parametrize(
    ("formula", "read"),
    [
        ("=E32-LR*X32", "=E32-$G$30*X32"),
        ("=lr+Half", "=$G$30+0.5"),
        ("=3-less", "=3-(-2)"),
        ("=SUM(all)", "=SUM($A$1:$B$2)"),
        ("=far", "='My ''own'' data'!$B$1"),
        ("=odd+gone", "=odd+gone"),
        ('="LR"&lr', '="LR"&$G$30'),
        ("='LR'!A1+LR!A1+Other!LR", "='LR'!A1+LR!A1+Other!LR"),
        ("=Table[LR]+LR(1)+xLR+LR.1", "=Table[LR]+LR(1)+xLR+LR.1"),
    ],
)
def test_names_are_put_in_where_they_are_names(formula: str, read: str) -> None:
    assert NAMES.put_into(formula, ("Data", 1, 1)) == read


def test_a_sheets_own_names_go_first_and_other_sheets_are_named() -> None:
    assert NAMES.put_into("=LR+all", ("Other", 1, 1)) == "=$A$1+Data!$A$1:$B$2"
    assert NAMES.put_into("=LR", ("Third", 1, 1)) == "=Data!$G$30"


def test_names_of_a_file_are_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first, second = book.active, book.create_sheet("Second")
    book.defined_names["lr"] = DefinedName("lr", attr_text="Sheet!$A$1")
    second.defined_names["lr"] = DefinedName("lr", attr_text="0.5")
    for sheet in (first, second):
        sheet["B1"], sheet["B2"] = "=lr*2", "=lr*3"
    book.save(tmp_path / "made.xlsx")
    with open_package(tmp_path / "made.xlsx") as package:
        sheets, _ = read_sheets(package)
    read = [[sheet.formula_at(row, 2) for row in (1, 2)] for sheet in sheets]
    assert read == [["=$A$1*2", "=$A$1*3"], ["=0.5*2", "=0.5*3"]]
