"""Single formulas that are unlike those around them: found where they would be right as these."""

from itertools import pairwise
from pathlib import Path

import pytest
from any_layout import called_wrong, checked, classifier, momentum
from openpyxl import Workbook

from workbook_tools.checking.verify import verify
from workbook_tools.formulas.sheets import read_sheets
from workbook_tools.learning.evidence.odd import odd_formulas
from workbook_tools.notation.addresses import Cell, cell_name
from workbook_tools.package.workbook import open_package


def written(sheets: dict[str, dict[str, object]], path: Path) -> Path:
    book = Workbook()
    book.remove(book.active)
    for name, cells in sheets.items():
        sheet = book.create_sheet(name)
        for place, value in cells.items():
            sheet[place] = value
    book.save(path)
    return path


def odd_in(sheets: dict[str, dict[str, object]], path: Path) -> dict[Cell, str]:
    with open_package(written(sheets, path)) as package:
        return odd_formulas(read_sheets(package)[0])


COLUMN: dict[str, object] = {f"B{row}": f"=A{row}*$D$1" for row in range(1, 9)}
ROW: dict[str, object] = {f"{own}2": f"={before}2+1" for before, own in pairwise("ABCDEFG")}
BLOCKS: dict[str, object] = {
    f"C{row}": f"=A{row}*B{row - row % 4}" for row in range(4, 24) if row % 4 < 3
}


@pytest.mark.parametrize(
    ("cells", "place", "formula"),
    [
        (COLUMN, "B4", "=A4*$D$2"),
        (COLUMN, "B7", "=B6"),
        (COLUMN | {f"C{row}": f"=A{row}" for row in range(1, 9)}, "B1", "=A1"),  # as long as C
        (COLUMN | {f"C{row}": f"=A{row}" for row in range(1, 9)}, "B8", "=A7*$D$1"),
        (ROW, "E2", "=D2-1"),
        (BLOCKS, "C12", "=A12"),  # with no formula above it
        (BLOCKS, "C13", "=A13*B12*2"),
    ],
)
def test_the_formula_of_those_around_it_is_known(
    cells: dict[str, object], place: str, formula: str, tmp_path: Path
) -> None:
    found = odd_in({"Sheet": {**cells, place: formula}}, tmp_path / "a.xlsx")
    [((_, *at), meant)] = found.items()
    assert (cell_name(*at), meant) == (place, cells[place])  # type: ignore[arg-type]


def test_sheets_are_compared_place_by_place(tmp_path: Path) -> None:
    sheets = {f"S{number}": dict[str, object](B2="=A1*2") for number in range(8)}
    sheets["S3"]["B2"] = "=A1*3"
    assert odd_in(sheets, tmp_path / "a.xlsx") == {("S3", 2, 2): "=A1*2"}
    sheets["S0"]["B2"] = "=A1*4"  # the first one may be another
    assert [*odd_in(sheets, tmp_path / "a.xlsx")] == [("S3", 2, 2)]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"B1": "=A1"},  # where a training begins
        {"B8": "=A8"},
        {"B9": "=SUM(B1:B8)", "C9": "=SUM(C1:C8)"} | {f"C{row}": "=A1" for row in range(1, 9)},
        {"B4": "=A4", "B5": "=A5"},  # two below each other
        {"B4": 5},
        {"B2": "=A2", "B4": "=A4+1", "B6": "=A6+2"},  # too many
        {f"B{row}": f"=A{row}" for row in (2, 4, 6)},  # every second one
    ],
)
def test_other_formulas_are_not_odd(changed: dict[str, object], tmp_path: Path) -> None:
    assert odd_in({"Sheet": {**COLUMN, **changed}}, tmp_path / "a.xlsx") == {}


def regression() -> dict[str, object]:
    """A sample a row, with its parts of the gradients; only their sums are shown."""
    cells: dict[str, object] = {"H1": 0.3, "H2": -0.2, "E12": "=SUM(E1:E9)/18"}
    samples = [
        (0.5, 1),
        (1.2, 3),
        (0.8, 2),
        (2.1, 4),
        (1.7, 4),
        (0.3, 1),
        (1.1, 2),
        (0.9, 3),
        (1.4, 2),
    ]
    for row, (x, y) in enumerate(samples, start=1):
        cells |= {f"A{row}": x, f"B{row}": y, f"C{row}": f"=$H$1+$H$2*A{row}"}
        cells |= {f"E{row}": f"=(B{row}-C{row})^2"}
        cells |= {f"F{row}": f"=-(B{row}-C{row})", f"G{row}": f"=-(B{row}-C{row})*A{row}"}
    return cells | {"F12": "=SUM(F1:F9)/9", "G12": "=SUM(G1:G9)/9"}


@pytest.mark.parametrize(
    ("place", "formula"),
    [
        ("F4", "=-(B5-C4)"),
        ("G4", "=-(B4-C4)"),
        ("G8", "=-(B8-C8)*A7"),
        ("F1", "=-(B2-C1)"),
        ("G9", "=-(B9-C9)"),
    ],
)
def test_what_no_total_tells_any_more_is_found_by_the_cells_around_it(
    place: str, formula: str, tmp_path: Path
) -> None:
    cells = regression()
    assert checked(cells, tmp_path / "right.xlsx").verdict == "pass"
    report = checked({**cells, place: formula}, tmp_path / "wrong.xlsx")
    assert called_wrong(report) == {place}
    [found] = [found for finding in report.findings for found in finding.places]
    assert [*found.put_right.values()] == [cells[place]]
    claims = {one.cells: one for model in report.models for one in model.claims}
    assert claims[place].verdict in ("wrong", "latent")
    assert claims[place].what.startswith("∂Sheet!E12/∂Sheet!")


def test_an_odd_formula_that_gives_the_same_is_no_mistake(tmp_path: Path) -> None:
    report = checked({**regression(), "G4": "=A4*C4-A4*B4"}, tmp_path / "same.xlsx")
    assert (report.verdict, report.findings) == ("pass", [])


def test_an_odd_formula_outside_the_backward_half_is_not_said_to_be_wrong(tmp_path: Path) -> None:
    # The derivatives of what the sheet predicts are right for this prediction.
    cells = regression() | {f"I{row}": f"=A{row}*2" for row in range(1, 10)}
    report = checked({**cells, "I4": "=A4*3"}, tmp_path / "other.xlsx")
    assert (report.verdict, report.findings) == ("pass", [])


def iterations() -> dict[str, dict[str, object]]:
    """An iteration on each of six sheets."""
    sheets: dict[str, dict[str, object]] = {}
    for number in range(1, 7):
        cells: dict[str, object] = {"D1": 0.1}
        cells |= {"E1": 0.4, "E2": -0.3}
        if number > 1:
            before = f"S{number - 1}"
            cells |= {
                f"E{k}": f"={before}!E{k}-$D$1*{before}!{c}9" for k, c in ((1, "G"), (2, "H"))
            }
        for row, (x, y) in enumerate([(0.5, 1), (1.2, 3), (0.8, 2), (2.1, 4)], start=3):
            cells |= {f"A{row}": x, f"B{row}": y, f"C{row}": f"=$E$1+$E$2*A{row}"}
            cells |= {f"F{row}": f"=(B{row}-C{row})^2/2", f"G{row}": f"=C{row}-B{row}"}
            cells[f"H{row}"] = f"=(C{row}-B{row})*A{row}"
        cells |= {f"{c}9": f"=SUM({c}3:{c}6)" for c in "FGH"}
        sheets[f"S{number}"] = cells
    return sheets


@pytest.mark.parametrize(
    ("place", "formula"),
    [("H9", "=AVERAGE(H3:H6)"), ("G9", "=SUM(G3:G5)"), ("H4", "=(C4-B4)*A5")],
)
def test_an_iteration_that_is_unlike_those_on_other_sheets_is_found(
    place: str, formula: str, tmp_path: Path
) -> None:
    sheets = iterations()
    assert verify(written(sheets, tmp_path / "right.xlsx")).verdict == "pass"
    meant, sheets["S4"][place] = sheets["S4"][place], formula
    report = verify(written(sheets, tmp_path / "wrong.xlsx"))
    [place_found] = [place for finding in report.findings for place in finding.places]
    assert (place_found.sheet, place_found.cells) == ("S4", place)
    assert [*place_found.put_right.values()] == [meant]


def test_a_parameter_that_is_only_copied_in_one_iteration_is_found(tmp_path: Path) -> None:
    cells: dict[str, object] = {"H1": 0.1, "A1": 3.0, "D1": 1.0}
    for row in range(1, 9):
        cells |= {f"B{row}": f"=(A{row}-$D$1)^2", f"C{row}": f"=2*(A{row}-$D$1)"}
        cells[f"E{row}"] = f"=-$H$1*C{row}"
        if row > 1:
            cells[f"A{row}"] = f"=A{row - 1}+E{row - 1}"
    report = checked({**cells, "A5": "=A4"}, tmp_path / "copied.xlsx")
    assert called_wrong(report) == {"A5"}


@pytest.mark.parametrize("slope", ["=D4*(2.5-D4)", "=D4*(1-D5)", "=D4"])
def test_a_slope_that_makes_all_updates_wrong_is_found_by_the_slopes_around_it(
    slope: str, tmp_path: Path
) -> None:
    cells = classifier(iterations=1)
    assert checked(cells, tmp_path / "right.xlsx").verdict == "pass"
    report = checked({**cells, "G4": slope}, tmp_path / "wrong.xlsx")
    assert called_wrong(report) == {"G4"}
    [finding] = report.findings
    assert finding.places[0].put_right == {("Sheet", 4, 7): "=D4*(1-D4)"}
    [model] = report.models
    assert model.count("right") == (3, 3)


@pytest.mark.parametrize("row", [4, 7, 11])
@pytest.mark.parametrize("formula", ["=D{r}*$D$1", "=D{r}*(1-K{r}*$D$1)", "=D{r}"])
def test_an_odd_update_behind_an_optimizer_is_found_at_its_cell(
    row: int, formula: str, tmp_path: Path
) -> None:
    """Without it, there is no parameter in the row below, or its updates look like others."""
    cells = momentum("=F{r}*A{r}") | {f"I{row}": formula.format(r=row)}
    report = checked(cells, tmp_path / "odd.xlsx")
    assert called_wrong(report) == {f"I{row}"}
    [finding] = report.findings
    [place] = finding.places
    assert [*place.put_right.values()] == [f"=D{row}-K{row}*$D$1"]
