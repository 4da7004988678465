"""The file that is written: what is kept of the workbook, and what the sheets beside it show."""

import re
from pathlib import Path

import pytest
from differentiated_copies import copy_of, derivatives_in, values_beside
from openpyxl import Workbook, load_workbook
from openpyxl.workbook.defined_name import DefinedName
from parts import differences, parts
from small_models import BY, EXAMPLES, saved

from workbook_tools.engines import compiled, libreoffice
from workbook_tools.engines.cached import recalculate as stored


@pytest.mark.parametrize("name", EXAMPLES)
def test_cached_values_are_those_of_a_recalculation(name: str, tmp_path: Path) -> None:
    summary = copy_of(saved(EXAMPLES[name], tmp_path / "a.xlsx"), "I2", BY)
    assert values_beside(summary, stored(summary.file)) == derivatives_in(summary)


def three_sheets(path: Path) -> Path:
    book = Workbook()
    first, net, last = book.active, book.create_sheet("It's a net"), book.create_sheet("Last")
    first.title = "Data"
    first.append(["x", "y", "weight"])
    for row in range(2, 6):
        first.append([row / 3, row / 2, None])
        net.cell(row, 2, f"=(Data!B{row}-Data!A{row}*weight)^2")
    first["C2"] = 0.4
    first.freeze_panes = "A2"
    first.column_dimensions["A"].width = 31
    first.merge_cells("D1:E1")
    net["B1"] = "error"
    net["D2"] = "=AVERAGE(B2:B5)"
    last["A1"] = "nothing that is differentiated"
    last["A2"] = "='It''s a net'!D2"
    book.defined_names["weight"] = DefinedName("weight", attr_text="Data!$C$2")
    last.defined_names["own"] = DefinedName("own", attr_text="Last!$A$2")
    last.print_title_rows = "1:1"
    book.active = 2
    book.save(path)
    return path


def test_the_sheets_of_the_workbook_are_left_as_they_are(tmp_path: Path) -> None:
    path = three_sheets(tmp_path / "a.xlsx")
    summary = copy_of(path, "'It''s a net'!D2", ["Data!C2"], 0.1)
    changed, _, gone = differences(path, summary.file)
    assert not gone
    assert not {name for name in changed if name.startswith("xl/worksheets")}
    assert changed <= {
        "[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml",
        "docProps/app.xml",
    }  # fmt: skip


def test_sheets_of_derivatives_stand_beside_their_own_and_names_keep_their_sheet(
    tmp_path: Path,
) -> None:
    path = three_sheets(tmp_path / "a.xlsx")
    for rate, names in (
        (None, ["Data", "∂ Data", "It's a net", "∂ It's a net", "Last"]),
        (
            0.1,
            ["Data", "∂ Data", "→ Data", "It's a net", "∂ It's a net", "→ It's a net", "Last"],
        ),
    ):
        summary = copy_of(path, "'It''s a net'!D2", ["Data!C2"], rate)
        book = load_workbook(summary.file)
        assert book.sheetnames == names
        assert book.active.title == "Last"
        assert book["Last"].defined_names["own"].attr_text == "Last!$A$2"
        assert book["Last"].print_title_rows == "$1:$1"
        assert book.defined_names["weight"].attr_text == "Data!$C$2"
        assert not book["∂ Data"].defined_names
        xml = parts(summary.file)["xl/workbook.xml"].decode()
        numbers = [int(k) for k in re.findall(r'localSheetId="(\d+)"', xml)]
        assert {names[k] for k in numbers} == {"Last"}


def test_a_sheet_of_derivatives_reads_like_its_own(tmp_path: Path) -> None:
    path = three_sheets(tmp_path / "a.xlsx")
    summary = copy_of(path, "'It''s a net'!D2", ["Data!C2"])
    book = load_workbook(summary.file)
    sheet, net = book["∂ Data"], book["∂ It's a net"]
    assert [cell.value for cell in sheet[1]][:3] == ["x", "y", "weight"]
    assert net["B1"].value == "error"
    assert sheet.freeze_panes == "A2"
    assert sheet.column_dimensions["A"].width == 31
    assert [*map(str, sheet.merged_cells.ranges)] == ["D1:E1"]
    assert sheet["C3"].value is None
    assert sheet["C3"].fill.start_color.rgb[-6:] == "EDEDED"
    assert sheet["C2"].fill.start_color.rgb[-6:] != "EDEDED"
    assert "∂'It''s a net'!D2 / ∂Data!C2" in sheet["C2"].comment.text
    assert sheet["A2"].comment is None
    assert "All derivatives are those of this cell" in net["D2"].comment.text
    assert net["D2"].value == "=1"
    assert net["B2"].value == "=D$2/COUNT('It''s a net'!B$2:B$5)"
    assert book["Data"]["C2"].comment is None


def test_the_copy_of_a_copy_is_refused_but_that_of_another_loss_is_not(tmp_path: Path) -> None:
    path = three_sheets(tmp_path / "a.xlsx")
    first = copy_of(path, "'It''s a net'!D2", ["Data!C2"]).file
    again = copy_of(path, "'It''s a net'!B2", ["Data!C2"]).file
    assert first == again  # which is in the caller's folder, and written anew
    assert load_workbook(again)["∂ It's a net"]["B2"].value == "=1"


@pytest.mark.libreoffice
def test_libreoffice_opens_it_and_shows_the_same(tmp_path: Path) -> None:
    summary = copy_of(three_sheets(tmp_path / "a.xlsx"), "'It''s a net'!D2", ["Data!C2"], 0.1)
    found = values_beside(summary, libreoffice.recalculate(summary.file))
    assert found == pytest.approx(derivatives_in(summary), rel=1e-12)
    shown = libreoffice.recalculate(summary.file).value(("→ It's a net", 2, 4))
    assert shown == pytest.approx(summary.after, rel=1e-12)
    assert shown == pytest.approx(
        compiled.recalculate(summary.file).value(("→ It's a net", 2, 4)), rel=1e-12
    )
