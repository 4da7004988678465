"""What depends on a cell is found, whichever way its formula reads; all else is not."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from cases import cases
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.formula import ArrayFormula, DataTableFormula
from openpyxl.worksheet.table import Table

from workbook_tools.editing.cell_contents import SheetCells
from workbook_tools.editing.dependents import Dependencies
from workbook_tools.notation.addresses import Cell, cell_name, range_name, sheet_prefix
from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.workbook import open_package

SHEETS = ("Data", "it's 1", "R1C1")


def dependents(path: Path, *cells: Cell) -> set[Cell]:
    with open_package(path) as package:
        copy = PackageCopy(package)
        sheets = {sheet.name: SheetCells(copy.xml(sheet.part)) for sheet in copy.sheets}
        return Dependencies(copy, sheets).on(cells)


def saved(
    path: Path, formulas: Mapping[Cell, object], names: Mapping[str, str] | None = None
) -> Path:
    book = Workbook()
    book.remove(book.active)
    for sheet in SHEETS:
        book.create_sheet(sheet)
    for (sheet, row, column), formula in formulas.items():
        book[sheet].cell(row, column).value = formula
    for name, meaning in (names or {}).items():
        book.defined_names[name] = DefinedName(name, attr_text=meaning)
    for column, title in enumerate(("unit", "price [€]", "sum"), start=1):
        book["Data"].cell(1, column).value = title
    book["Data"].add_table(Table(name="Sales", displayName="Sales", ref="A1:C5"))
    book.save(path)
    return path


HERE: Cell = ("Data", 3, 2)
THERE: Cell = ("R1C1", 20, 9)


@pytest.mark.parametrize(
    "formula",
    [
        "=Data!B3",
        "=data!$B$3",
        "='DATA'!b3",
        "=SUM(Data!A1:C5)",
        "=SUM(Data!C5:A1)",
        "=SUM(Data!B:B)",
        "=SUM(Data!$A:$XFD)",
        "=SUM(Data!2:4)",
        "=SUM('Data:R1C1'!B3)",
        "=SUM('it''s 1:Data'!B3)",
        "=rate",
        "=RATE*2",
        "=2*outer",
        "=doubled(1)",
        "=SUM(Sales[price '[€']])",
        "=SUM(Sales[])",
        "=SUM(Sales[#All])",
        "=SUM(Sales[[#Data],[unit]:[sum]])",
        "=SUM(Sales[[#Headers],[#Data],[price '[€']]])",
        "=SUM(Sales[spelled otherwise])",
        "=_xlfn.ANCHORARRAY(Data!B3)",
        "=IFERROR(Data!B3,#CALC!)",
        "=INDEX(Data!A:C,3,2)",
        "=Data!A1:INDEX(Data!A:C,3,2)",
        '=IF(Data!B3,"B4","',
    ],
)
def test_each_way_to_read_a_cell_is_known(formula: str, tmp_path: Path) -> None:
    names = {
        "rate": "Data!$B$3",
        "outer": "rate+1",
        "doubled": "_xlfn.LAMBDA(_xlpm.x,_xlpm.x*Data!$B$3)",
    }
    further = ("it's 1", 9, 9)
    formulas = {HERE: 1, THERE: formula, further: "='R1C1'!I20", ("it's 1", 9, 10): "=A20"}
    path = saved(tmp_path / "a.xlsx", formulas, names)
    assert dependents(path, HERE) == {THERE, further}
    assert dependents(path, further) == set()


@pytest.mark.parametrize(
    "formula",
    [
        '="Data!B3"',
        "=B3",
        "='it''s 1'!B3",
        "=[1]Data!B3",
        "='[1]Data'!B3",
        "=Nowhere!B3",
        "=SUM(Data!A:A,Data!4:9)",
        "=SUM(Data!A1:C2)",
        "=SUM(Sales[unit])",
        "=SUM(Sales[[#Headers],[price '[€']]])",
        "=LOG10(1)+B3.5",
        "=other",
        "=loop",
        "=Data!#REF!",
        # What these read cannot be known, nor when that changes.
        '=INDIRECT("Data!B3")',
        "=OFFSET(Data!B3,0,0)",
        "=moving",
        "=Data!B3+TODAY()",
        "=Data!B3*rand()",
        '=CELL("contents",Data!B3)',
    ],
)
def test_what_reads_another_cell_or_an_unknown_one_is_left_alone(
    formula: str, tmp_path: Path
) -> None:
    names = {"other": "Data!$B$4", "moving": "OFFSET(Data!$B$3,0,0,2,1)", "loop": "loop+1"}
    path = saved(
        tmp_path / "a.xlsx", {HERE: 1, THERE: formula, ("Data", 9, 9): "='R1C1'!I20"}, names
    )
    assert dependents(path, HERE) == set()


def test_a_row_of_a_table_reads_its_own_row(tmp_path: Path) -> None:
    own = {("Data", row, 3): "=Sales[[#This Row],[unit]]*2" for row in (2, 3, 4, 5)}
    path = saved(tmp_path / "a.xlsx", own)
    assert dependents(path, ("Data", 4, 1)) == {("Data", 4, 3)}


def test_a_name_that_is_not_anchored_is_meant_from_where_it_is_used(tmp_path: Path) -> None:
    path = saved(
        tmp_path / "a.xlsx",
        {("Data", 4, 5): "=below", ("Data", 5, 5): "=below", ("Data", 6, 6): "=below"},
        {"below": "!A2"},  # as seen from A1
    )
    assert dependents(path, ("Data", 6, 5)) == {("Data", 5, 5), ("Data", 4, 5)}


def test_all_cells_of_an_array_formula_depend_on_what_it_reads(tmp_path: Path) -> None:
    spilled = {("Data", row, 5): 0 for row in (2, 3)}
    path = saved(
        tmp_path / "a.xlsx",
        {
            HERE: 1,
            ("Data", 1, 5): ArrayFormula("E1:E3", "=B2:B4*2"),
            **spilled,
            ("R1C1", 1, 1): "=Data!E3",
        },
    )
    assert dependents(path, HERE) == {("Data", 1, 5), *spilled, ("R1C1", 1, 1)}


def test_a_data_table_fills_itself(tmp_path: Path) -> None:
    path = saved(
        tmp_path / "a.xlsx",
        {HERE: 1, ("Data", 8, 2): DataTableFormula("B8:C9", dt2D=True, r1="B3", r2="B4")},
    )
    assert dependents(path, HERE) == set()


PLACES = st.tuples(st.sampled_from(SHEETS), st.integers(2, 9), st.integers(1, 5))
BLOCKS = st.tuples(PLACES, st.integers(0, 6), st.integers(0, 3))


def block(first: Cell, down: int, right: int) -> tuple[str, set[Cell]]:
    """Return a range as a formula names it, and its cells."""
    sheet, row, column = first
    name = range_name(row, column, row + down, column + right)
    return sheet_prefix(sheet) + name, {
        (sheet, row + i, column + j) for i in range(down + 1) for j in range(right + 1)
    }


@cases(200)
@given(
    reads=st.dictionaries(PLACES, st.lists(BLOCKS, max_size=3), min_size=1, max_size=25),
    begins=st.lists(PLACES, min_size=1, max_size=2),
)
def test_dependents_are_those_that_a_search_finds(
    tmp_path_factory: pytest.TempPathFactory,
    reads: dict[Cell, list[tuple[Cell, int, int]]],
    begins: list[Cell],
) -> None:
    read: dict[Cell, set[Cell]] = {}
    formulas: dict[Cell, str] = {}
    for cell, ranges in reads.items():
        named = [block(*one) for one in ranges]
        read[cell] = {other for _, own in named for other in own}
        formulas[cell] = "=SUM(" + ",".join(["1", *(name for name, _ in named)]) + ")"
    reached = set(begins)
    while more := {cell for cell, own in read.items() if own & reached} - reached:
        reached |= more
    expected = {cell for cell in reached if read.get(cell, set()) & reached}
    path = tmp_path_factory.mktemp("any") / "a.xlsx"
    assert dependents(saved(path, formulas), *begins) == expected


def test_a_long_chain_takes_no_longer_than_its_length(tmp_path: Path) -> None:
    formulas: dict[Cell, object] = {("Data", 2, 4): 1}
    for row in range(3, 4_003):
        formulas["Data", row, 4] = f"={cell_name(row - 1, 4)}+SUM(D$2:D{row - 1})"
    path = saved(tmp_path / "a.xlsx", formulas)
    assert len(dependents(path, ("Data", 2, 4))) == 4_000


def test_names_that_double_take_no_longer_than_there_are_names(tmp_path: Path) -> None:
    names = {f"twice{k}": f"twice{k + 1}+twice{k + 1}" for k in range(3_000)}
    names["twice3000"] = "Data!$B$3"
    path = saved(tmp_path / "a.xlsx", {HERE: 1, THERE: "=twice0"}, names)
    assert dependents(path, HERE) == {THERE}
