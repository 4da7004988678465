"""Tables are found wherever they stand, with helper columns and weights in any order."""

from itertools import permutations
from pathlib import Path

import openpyxl
import pytest
from checks import check
from handmade import FORMULAS, HEADER, HandMade, copy_of_the_table
from openpyxl.formula.translate import Translator
from openpyxl.utils import get_column_letter

from workbook_tools.checking.verify import verify


@pytest.mark.parametrize(("down", "right"), [(21, 0), (23, 0), (0, 31), (0, 33), (30, 5)])
def test_two_tables_stand_on_one_sheet(tmp_path: Path, down: int, right: int) -> None:
    path = HandMade(cells={"J9": "=F9"}).save(tmp_path / "made.xlsx")
    copy_of_the_table(path, down, right)
    book = openpyxl.load_workbook(path)
    book.active["J9"] = "=F9*D9+G9*E9"
    book.save(path)
    report = verify(path)
    assert [table.iterations for table in report.tables] == [20, 20]
    [finding] = report.faults
    assert finding.cells == f"{get_column_letter(10 + right)}{9 + down}"


def test_rows_may_stand_between_the_header_and_the_first_iteration(tmp_path: Path) -> None:
    path = HandMade().save(tmp_path / "made.xlsx")
    book = openpyxl.load_workbook(path)
    for column, label in enumerate(HEADER, start=2):
        book.active.cell(4, column, label)
        book.active.cell(5, column).value = "a remark" if column % 2 else None
    book.save(path)
    assert verify(path).tables[0].range == "B4:AF25"


def test_rows_that_only_hold_data_or_the_next_weights_are_no_iterations(tmp_path: Path) -> None:
    path = HandMade().save(tmp_path / "made.xlsx")
    book = openpyxl.load_workbook(path)
    sheet = book.active
    for cell in sheet[26]:
        above = sheet.cell(25, cell.column)
        if sheet.cell(5, cell.column).value in ("w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8"):
            cell.value = Translator(above.value, above.coordinate).translate_formula(
                cell.coordinate
            )
    for row in range(26, 30):
        for column in range(2, 6):
            sheet.cell(row, column, sheet.cell(25, column).value)
    book.save(path)
    report = verify(path)
    assert report.verdict == "pass"
    assert (report.tables[0].iterations, report.tables[0].range) == (20, "B5:AF25")
    assert report.tables[0].cells.agreeing == 19 * 20 + 8 * 20
    sheet["G26"] = sheet["G26"].value.replace("-", "+")
    book.save(path)
    assert [finding.cells for finding in verify(path).faults] == ["G26"]


def test_a_header_without_iterations_is_no_table(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(HandMade().save(tmp_path / "made.xlsx"))
    for row in book.active.iter_rows(min_row=7):
        for cell in row:
            cell.value = None
    for symbol, cell in zip(HEADER, book.active["B6:AF6"][0], strict=True):
        if symbol[0] not in "tiw":
            cell.value = None
    report = check(book, tmp_path)
    assert (report.verdict, report.tables) == ("unchecked", [])


def test_gradients_may_go_through_helper_columns(tmp_path: Path) -> None:
    """They may have any name, and take part when formulas are tried on random numbers."""
    helper = {f"AH{row}": f"=(S{row}-B{row})*S{row}*(1-S{row})" for row in range(6, 26)}
    cells: dict[str, object] = {"AH5": "first part", **helper}
    formulas = {**FORMULAS, "∂E/∂w5": "=AH6*K6", "∂E/∂w6": "=AH6*M6"}
    report = check(HandMade(formulas, cells), tmp_path)
    assert (report.verdict, report.faults) == ("pass", [])
    assert report.tables[0].cells.harmless == {
        "helpers, checked with the formulas that read them": 20
    }
    cells |= {f"AH{row}": f"=(S{row}-C{row})*S{row}*(1-S{row})" for row in range(6, 26)}
    found = check(HandMade(formulas, cells), tmp_path).faults  # both targets are 0.5
    assert [(f.kind, f.quantity) for f in found] == [("latent", "∂E/∂w5"), ("latent", "∂E/∂w6")]


def test_spaces_do_not_make_a_formula_different(tmp_path: Path) -> None:
    report = check(HandMade(cells={"J9": "= F9 * D9 +\n G9*E9"}), tmp_path)
    assert (report.verdict, report.faults) == ("pass", [])


def relabelled(numbers: dict[str, str]) -> list[str]:
    """Return the header with weights numbered in another way."""
    return [
        label if label[-2:] not in numbers or "w" not in label else label[:-2] + numbers[label[-2:]]
        for label in HEADER
    ]


@pytest.mark.parametrize("hidden", list(permutations(["w1", "w2", "w3", "w4"]))[1::3])
def test_weights_may_be_numbered_in_any_order(tmp_path: Path, hidden: tuple[str, ...]) -> None:
    numbers = dict(zip(("w1", "w2", "w3", "w4"), hidden, strict=True))
    numbers |= {"w6": "w7", "w7": "w6"}
    made = HandMade(header=relabelled(numbers))
    report = check(made, tmp_path)
    assert (report.verdict, report.faults) == ("pass", [])
    made.formulas["∂E/∂w3"] = FORMULAS["∂E/∂w4"]
    [finding] = check(made, tmp_path).faults
    assert (finding.kind, finding.quantity) == ("wrong-formula", f"∂E/∂{numbers['w3']}")


@pytest.mark.parametrize(
    ("unit", "wrong"),
    [
        ("h1", "=F6*D6+F6*E6"),
        ("h2", "=H6*D6+I6*D6"),
        ("o1", "=N6*K6+P6*M6"),
        ("o2", "=P6*K6-Q6*M6"),
    ],
)
def test_a_mistake_in_a_forward_formula_does_not_change_the_wiring(
    tmp_path: Path, unit: str, wrong: str
) -> None:
    [finding] = check(HandMade({**FORMULAS, unit: wrong}), tmp_path).faults
    assert (finding.kind, finding.quantity) == ("wrong-formula", unit)


def test_google_sheets_own_names_of_functions_are_known(tmp_path: Path) -> None:
    formulas = {**FORMULAS, "E1": "=POW(B6-S6,2)/2", "E_tot": "=ADD(V6,W6)"}
    assert check(HandMade(formulas), tmp_path).verdict == "pass"


@pytest.mark.parametrize("symbol", ["a_h1", "a_o2", "E1", "E_tot", "∂E/∂w3", "∂E/∂w8"])
def test_a_table_that_lacks_a_column_is_checked_as_far_as_it_goes(
    tmp_path: Path, symbol: str
) -> None:
    header = ["something else" if label == symbol else label for label in HEADER]
    report = check(HandMade(header=header), tmp_path)
    assert report.faults == []
    cells = report.tables[0].cells
    assert cells.not_checked + sum(cells.harmless.values()) >= 20
    assert report.verdict == ("incomplete" if cells.not_checked else "pass")
    assert cells.not_checked or symbol != "E_tot"  # which nothing reads
    report = check(HandMade({**FORMULAS, "h2": "=H6*D6+I6"}, header=header), tmp_path)
    assert [finding.quantity for finding in report.faults] == ["h2"]
    wrong = {**FORMULAS, symbol: f"{FORMULAS[symbol]}*1.25"}
    assert check(HandMade(wrong, header=header), tmp_path).verdict in ("fail", "incomplete")


@pytest.mark.parametrize("every_row", [False, True])
def test_data_may_be_fetched_from_cells_without_a_label(tmp_path: Path, every_row: bool) -> None:
    rows = range(6, 26) if every_row else [6]
    cells: dict[str, object] = {"AJ1": 0.05, "AK1": 0.1, "AJ2": 0.5}
    cells |= {f"D{row}": "=$AJ$1" for row in rows} | {f"E{row}": "=+$AK$1" for row in rows}
    report = check(HandMade(cells=cells), tmp_path)
    assert (report.verdict, report.faults) == ("pass", [])
    assert report.tables[0].cells.not_checked == 0
    cells |= {"C3": "i1", "D3": 0.05, "E3": "i2", "F3": 0.1}
    wrong = {f"D{row}": "=$F$3/2" for row in rows}  # the other input's, though 0.05 here
    found = check(HandMade(cells={**cells, **wrong}), tmp_path).faults
    assert [(f.kind, f.quantity) for f in found] == [("latent", "i1")]


def test_inputs_may_be_x_and_targets_y(tmp_path: Path) -> None:
    header = [label.replace("t", "y") if label in ("t1", "t2") else label for label in HEADER]
    header = [label.replace("i", "x") if label in ("i1", "i2") else label for label in header]
    report = check(HandMade(header=header), tmp_path)
    assert report.verdict == "pass"
    assert {"i1", "i2", "t1", "t2"} <= set(report.tables[0].understood.columns)
    header = [label.replace("a_o", "y") if label in ("a_o1", "a_o2") else label for label in HEADER]
    assert check(HandMade(header=header), tmp_path).verdict == "pass"
