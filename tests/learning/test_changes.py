"""Changed formulas in workbooks without any label, and in layouts of all kinds."""

from collections.abc import Callable
from pathlib import Path

import pytest
from learning_score import Unlabelled
from openpyxl import load_workbook
from openpyxl.utils.cell import coordinate_to_tuple

from workbook_tools.checking.verify import verify
from workbook_tools.judging.faults import Kind
from workbook_tools.notation.addresses import Cell, cell_name

SHEET = "LR 0.5"
ROWS = range(32, 132)


@pytest.fixture(scope="module")
def book(workbooks: Path) -> Unlabelled:
    return Unlabelled(workbooks / "mazur.xlsx")


def found(book: Unlabelled, changed: dict[Cell, str]) -> tuple[set[str], dict[Cell, str]]:
    cells, mended = book.found(changed)
    return {cell_name(*cell[1:]) for cell in cells}, mended


def filled(column: int, formula: Callable[[int], str], rows: range = ROWS) -> dict[Cell, str]:
    return {(SHEET, row, column): f"={formula(row)}" for row in rows}


def test_nothing_is_wrong_in_what_is_right(book: Unlabelled) -> None:
    assert found(book, {}) == (set(), {})


CHANGES = {
    # What is in the column, and what is in one of its cells instead.
    "a gradient with the slope of another unit": (
        "AA50", "=((T50-A50)*T50*(1-T50)*N50+(V50-B50)*V50*(1-V50)*P50)*M50*(1-M50)*D50"),
    "a gradient without its slope": ("AD60", "=(T60-A60)*K60"),
    "an average with another sign": ("AG70", "=-(V70-B70)*V70*(1-V70)*M70"),
    "an update with the gradient of another weight": ("F80", "=F79-$G$30*Z79"),
    "an update with a weight in place of the rate": ("G90", "=G89-H89*AB89"),
    "an update that goes uphill": ("H44", "=H43+$G$30*AC43"),
    "an update with another rate": ("N55", "=N54-0.05*AD54"),
    "an update that is none": ("P77", "=P76/$G$30*AF76"),
    "an update without its gradient": ("Q88", "=Q87-$G$30"),
    "the first update": ("E33", "=E32*$G$30*Z32"),
    "a gradient of the updated weights": (
        "Z42", "=((T42-A42)*T42*(1-T42)*N43+(V42-B42)*V42*(1-V42)*P42)*K42*(1-K42)*C42"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_one_changed_cell_is_found_and_mended(book: Unlabelled, what: str) -> None:
    name, formula = CHANGES[what]
    cell = SHEET, *coordinate_to_tuple(name)
    old = book.formula(cell)
    cells, mended = found(book, {cell: formula})
    assert cells == {name}
    assert mended == {cell: old}


def test_a_number_in_the_place_of_an_update_is_found(book: Unlabelled, tmp_path: Path) -> None:
    other = load_workbook(book.path)
    sheet = other[SHEET]
    for cell in sheet[31]:
        cell.value = None  # labels
    sheet["P60"] = 0.7
    other.save(tmp_path / "typed.xlsx")
    [finding] = verify(tmp_path / "typed.xlsx").findings
    assert finding.kind is Kind.TYPED_VALUE
    assert finding.leading.put_right == {(SHEET, 60, 16): "=P59-$G$30*AF59"}


def test_an_update_of_another_iteration_is_found(book: Unlabelled) -> None:
    assert found(book, {(SHEET, 66, 15): "=O64-$G$30*AE65"})[0] == {"O66"}


@pytest.mark.parametrize(
    ("column", "first", "formula"),
    [
        (27, 32, lambda r: f"((T{r}-A{r})*T{r}*(1-T{r})*N{r}+(V{r}-B{r})*V{r}*(1-V{r})*P{r})"
                           f"*M{r}*(1-M{r})*D{r}"),
        (32, 32, lambda r: f"(V{r}-B{r})*V{r}*(1-V{r})"),
        (7, 33, lambda r: f"G{r - 1}*AB{r - 1}"),
        (16, 33, lambda r: f"P{r - 1}-$G$30*AG{r - 1}"),
        (17, 33, lambda r: f"Q{r - 1}-$G$30+AG{r - 1}"),
    ],
    ids=["slope", "factor", "no update", "next column", "operator"],
)  # fmt: skip
def test_a_mistake_that_is_filled_down_is_one_finding(
    book: Unlabelled, column: int, first: int, formula: Callable[[int], str]
) -> None:
    changed = filled(column, formula, range(first, 132))
    cells, mended = found(book, changed)
    assert cells == {cell_name(*cell[1:]) for cell in changed}
    assert mended == {cell: book.formula(cell) for cell in changed}
