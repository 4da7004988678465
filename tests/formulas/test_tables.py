"""References to tables are read as what they stand for."""

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from cases import cases
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.table import Table as WrittenTable
from smallest import MAIN, package, table_xml

from workbook_tools.differentiation.asked import Question, gradient
from workbook_tools.engines import recalculate
from workbook_tools.formulas.names import Names
from workbook_tools.formulas.sheets import Sheet, read_sheets
from workbook_tools.formulas.tables import Table, Tables
from workbook_tools.notation.addresses import MAX_ROWS
from workbook_tools.package.workbook import open_package

ROWS = (
    ("x", "two words", "a'b#[c]", "w1", "@at"),
    (1, 2, 3, 4, 5),
    (10, 20, 30, 40, 50),
    (100, 200, 300, 400, 500),
    ("total", 222, 0, 0, 7),
)
# What stands in row 5 of a table in B3:F7, how it is read there, and its value.
FORMS = (
    ("SUM(Data[x])", "SUM($B$4:$B$6)", 111),
    ("SUM(DATA[X])", "SUM($B$4:$B$6)", 111),
    ("SUM(Data[[x]])", "SUM($B$4:$B$6)", 111),
    ("SUM(Data[w1])", "SUM($E$4:$E$6)", 444),
    ("SUM(Data[two words])", "SUM($C$4:$C$6)", 222),
    ("SUM(Data[[two words]])", "SUM($C$4:$C$6)", 222),
    ("SUM(Data[a''b'#'['c']])", "SUM($D$4:$D$6)", 333),
    ("SUM(Data[[#All],[a''b'#'['c']]])", "SUM($D$3:$D$7)", 333),
    ("SUM(Data['@at])", "SUM($F$4:$F$6)", 555),
    ("SUM(Data)", "SUM($B$4:$F$6)", 1665),
    ("SUM(Data[])", "SUM($B$4:$F$6)", 1665),
    ("SUM(Data[#Data])", "SUM($B$4:$F$6)", 1665),
    ("SUM(Data[#All])", "SUM($B$3:$F$7)", 1894),
    ("COUNTA(Data[#Headers])", "COUNTA($B$3:$F$3)", 5),
    ("SUM(Data[#Totals])", "SUM($B$7:$F$7)", 229),
    ("SUM(Data[[#Totals],[two words]])", "SUM($C$7)", 222),
    ("SUM(Data[[x]:[two words]])", "SUM($B$4:$C$6)", 333),
    ("SUM(Data[[two words]:[x]])", "SUM($B$4:$C$6)", 333),
    ("SUM(Data[[#Data],[x]:[two words]])", "SUM($B$4:$C$6)", 333),
    ("SUM(Data[[#data],[#TOTALS],[two words]])", "SUM($C$4:$C$7)", 444),
    ("COUNTA(Data[[#Headers],[#Data],[w1]])", "COUNTA($E$3:$E$6)", 4),
    ("SUM(Data[ [#Data], [x] : [w1] ])", "SUM($B$4:$E$6)", 1110),
    ("Data[[#This Row],[x]] * 2", "$B5*2", 20),
    ("Data[@x]+$A$1", "$B5+$A$1", 10),
    ("Data[@two words]", "$C5", 20),
    ("Data[@[two words]]", "$C5", 20),
    ("Data[@a''b'#'['c']]", "$D5", 30),
    ("SUM(Data[[#This Row],[x]:[w1]])", "SUM($B5:$E5)", 100),
    ("SUM(Data[@[x]:[w1]])", "SUM($B5:$E5)", 100),
    ("SUM(Data[#This Row])", "SUM($B5:$F5)", 150),
    ("SUM(Data[[#This Row]])", "SUM($B5:$F5)", 150),
    ("SUM(Data[@])", "SUM($B5:$F5)", 150),
    ("SUM(Data[[#Headers],[x]]:Data[[#This Row],[x]])", "SUM($B$3:$B5)", 11),
    ("SUM(Data[x]:Data[w1])", "SUM($B$4:$B$6:$E$4:$E$6)", 1110),
    ("SUM(INDEX(Data[x],1):Data[@x])", "SUM(INDEX($B$4:$B$6,1):$B5)", 11),
    ("SUM(chosen)", "SUM($B$4:$B$6)", 111),
    ('"Data[x]"&Data[@x]', '"Data[x]"&$B5', "Data[x]10"),
)
# What LibreOffice does not know, or, of a name without brackets, understands in its own way.
_NOT_IN_LIBREOFFICE = ("chosen", "Data)", "[#All])", "[#Data])", "[#Totals])", "[#Headers])",
                       "[#This Row])", "[ ", "@x", "@[", "@two", "@a'", "@]",
                       ":Data[w1]")  # fmt: skip
LEFT = (
    "Data[y]",
    "Gone[x]",
    "Data[#REF!]",
    "Data[#Nothing]",
    "Data[[#Headers],[#Totals]]",
    "Data[[x],[w1]]",
    "Data[[x]:[w1]:[x]]",
    "Data[[x]:[#Data]]",
    "Data[[#Data]:[x]]",
    "Data[[#Data],[x],[w1]]",
    "Data[[x],]",
    "Data[[x]",
    "Data[@#Data]",
    "Data[@@x]",
    "Data[@at]",  # the column of this name, or the value of another one in this row
    "Data[ x ]",
    "[1]Data!B4",
    "[1]!Data[x]",
    "Book.xlsx!Data[x]",
    "'[Data[x]].xlsx]Data'!B4",
    "'It''s [x]'!B4",
    "$B$4[x]",
    "Data[x][w1]",
    "Data[x](1)",
)


def made(path: Path, formulas: dict[tuple[str, str], Any]) -> Path:
    """Write a workbook with the table, and formulas by sheet and cell."""
    book = openpyxl.Workbook()
    main, _ = book.active, book.create_sheet("Other")
    main.title = "Main"
    for number, row in enumerate(ROWS, 3):
        for column, value in enumerate(row, 2):
            main.cell(number, column, value)
    main.add_table(WrittenTable(displayName="Data", ref="B3:F7", totalsRowCount=1))
    book.defined_names["chosen"] = DefinedName("chosen", attr_text="Data[x]")
    for (sheet, cell), formula in formulas.items():
        book[sheet][cell] = formula
    book.save(path)
    return path


def read(path: Path) -> list[Sheet]:
    with open_package(path) as opened:
        return read_sheets(opened)[0]


def places(count: int) -> list[str]:
    return [f"{get_column_letter(column)}5" for column in range(8, 8 + count)]


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workbook with each form in row 5: on the table's sheet, and on another one."""
    cells = zip(places(len(FORMS)), FORMS, strict=True)
    formulas = {(s, cell): f"={form[0]}" for cell, form in cells for s in ("Main", "Other")}
    return made(tmp_path_factory.mktemp("forms") / "book.xlsx", formulas)


def test_every_form_is_read_as_the_cells_that_it_stands_for(forms: Path) -> None:
    main, other = read(forms)
    for column, (form, plain, _) in enumerate(FORMS, 8):
        assert main.formula_at(5, column) == f"={plain}", form
        elsewhere = other.formula_at(5, column) or ""
        assert elsewhere.replace("Main!", "") == f"={plain}"
        assert elsewhere.count("Main!") == len(re.findall('(?i)(?<![#"])Data|chosen', form))


@pytest.mark.parametrize("engine", ["compiled", "embedded"])
def test_every_form_has_the_value_that_excel_gives_it(forms: Path, engine: str) -> None:
    calculation = recalculate(forms, engine)
    assert calculation.engine.startswith("workbook-tools" if engine == "compiled" else "form")
    for sheet in ("Main", "Other"):
        [found] = calculation.block(sheet, 5, 8, 5, 7 + len(FORMS))
        assert found == [value for _, _, value in FORMS]


def test_tables_on_sheets_that_are_renamed_for_an_engine_are_found(tmp_path: Path) -> None:
    path = made(tmp_path / "book.xlsx", {("Other", "H5"): "=SUM(Data[x])+Data[@x]+SUM(Data)"})
    book = openpyxl.load_workbook(path)
    book["Main"].title = "a!b"
    book.save(path)
    for engine in ("compiled", "embedded"):
        assert recalculate(path, engine).block("Other", 5, 8, 5, 8) == [[111 + 10 + 1665.0]]


def test_ironcalc_gives_the_forms_that_it_knows_the_same_values(forms: Path) -> None:
    [found] = recalculate(forms, "ironcalc").block("Main", 5, 8, 5, 7 + len(FORMS))
    known = [
        (value, other)
        for (_, _, value), other in zip(FORMS, found, strict=True)
        if isinstance(other, float | str)
    ]
    assert len(known) > 15
    assert all(value == other for value, other in known)


@pytest.mark.libreoffice
def test_libreoffice_gives_the_forms_that_it_knows_the_same_values(forms: Path) -> None:
    calculation = recalculate(forms, "libreoffice")
    compared = 0
    for sheet in ("Main", "Other"):
        [found] = calculation.block(sheet, 5, 8, 5, 7 + len(FORMS))
        for (form, _, value), other in zip(FORMS, found, strict=True):
            if not any(part in form for part in _NOT_IN_LIBREOFFICE):
                assert other == value, form
                compared += 1
    assert compared >= 2 * 15


TABLES = Tables([Table("Data", "Main", 3, 2, 7, 1, 1, tuple(map(str, ROWS[0])))])
INSIDE = ("Main", 5, 3)


@pytest.mark.parametrize("form", LEFT)
def test_what_leads_nowhere_or_could_mean_two_things_stays(form: str) -> None:
    assert TABLES.put_into(f"=2*{form}+1", INSIDE) == f"=2*{form}+1"


def test_a_formula_with_such_a_reference_is_not_understood_and_harms_no_other(
    tmp_path: Path,
) -> None:
    formulas = {("Main", "H5"): "=SUM(Data[y])", ("Main", "I5"): "=SUM(Data[x])"}
    path = made(tmp_path / "book.xlsx", formulas)
    book = openpyxl.load_workbook(path)
    book.save(path)
    main, _ = read(path)
    assert [main.formula_at(5, k) for k in (8, 9)] == ["=SUM(Data[y])", "=SUM($B$4:$B$6)"]


@pytest.mark.parametrize("row", [1, 2, 3, 7, 8, 100])
def test_this_row_is_only_one_of_the_tables_rows(row: int) -> None:
    """Not one of headers or totals; there Excel gives ``#VALUE!``."""
    for form in ("=Data[@x]", "=Data[#This Row]", "=SUM(Data[[#This Row],[x]:[w1]])"):
        assert TABLES.put_into(form, ("Main", row, 9)) == form
        assert TABLES.put_into(form, ("Other", row, 9)) == form


def test_a_reference_without_a_table_is_to_the_one_around_the_cell() -> None:
    tables = Tables(
        [
            Table("One", "Main", 3, 2, 7, 1, 0, ("x", "y")),
            Table("Two", "Main", 3, 4, 9, 1, 1, ("x", "y")),
        ]
    )
    found = [
        tables.put_into("=SUM([x])*[@y]*[[#Totals],[x]]", ("Main", 5, column))
        for column in (1, 2, 3, 4, 5, 6)
    ]
    left = "=SUM([x])*[@y]*[[#Totals],[x]]"
    first, second = "=SUM($B$4:$B$7)*$C5*[[#Totals],[x]]", "=SUM($D$4:$D$8)*$E5*$D$9"
    assert found == [left, first, first, second, second, left]
    assert tables.put_into("=SUM([x])", ("Other", 5, 2)) == "=SUM([x])"
    assert tables.put_into("=SUM([x])", ("Main", 3, 3)) == "=SUM($B$4:$B$7)"
    assert tables.put_into("=SUM([x])", ("Main", 8, 3)) == "=SUM([x])"


def test_tables_that_cannot_be_told_apart_are_none() -> None:
    one = Table("One", "Main", 3, 2, 7, 1, 0, ("x", "y"))
    same = Tables([one, one._replace(name="ONE", sheet="Other")])
    assert same.put_into("=SUM(One[x])+[@x]", INSIDE) == "=SUM(One[x])+[@x]"
    over = Tables([one, one._replace(name="Two", first_row=5)])
    assert over.put_into("=SUM(Two[x])+[@x]", ("Main", 6, 2)) == "=SUM($B$6:$B$7)+[@x]"


def test_columns_that_differ_only_in_case_are_told_apart_by_it() -> None:
    tables = Tables([Table("T", "Main", 1, 1, 3, 1, 0, ("a", "A", "straße", "STRASSE", "B"))])
    assert tables.put_into("=T[a]+T[A]", INSIDE) == "=$A$2:$A$3+$B$2:$B$3"
    assert tables.put_into("=T[strasse]", INSIDE) == "=T[strasse]"
    assert tables.put_into("=T[Straße]+T[b]", INSIDE) == "=T[Straße]+$E$2:$E$3"


def test_columns_that_look_like_other_parts_of_a_reference_are_escaped() -> None:
    tables = Tables([Table("T", "Main", 1, 1, 9, 1, 0, ("at", "@at", "#Data", "x"))])
    assert tables.put_into("=T['@at]+T['#Data]", INSIDE) == "=$B$2:$B$9+$C$2:$C$9"
    for form in ("=T[@at]", "=T[[x],[#Data]]"):
        assert tables.put_into(form, INSIDE) == form


def test_names_may_stand_for_columns_and_are_not_looked_for_in_their_names() -> None:
    found = Names._of(
        [("chosen", None, "Data[two words]"), ("x", None, "0.5"), ("c", None, "Main!$A$1"),
         ("here", None, "Data[@x]"), ("data", "Other", "Other!$A$1")], TABLES
    )  # fmt: skip
    assert found.put_into("=SUM(chosen)*x", INSIDE) == "=SUM($C$4:$C$6)*0.5"
    assert found.put_into("=SUM(chosen)", ("Other", 1, 1)) == "=SUM(Main!$C$4:$C$6)"
    assert found.put_into("=Data[@x]*Data[a''b'#'['c']]", INSIDE) == "=$B5*$D$4:$D$6"
    assert found.put_into("=SUM(Data)+here", INSIDE) == "=SUM($B$4:$F$6)+here"
    assert found.put_into("=SUM(Data)+SUM(Data[x])", ("Other", 1, 1)) == (
        "=SUM($A$1)+SUM(Main!$B$4:$B$6)"
    )


def test_names_of_columns_are_no_cells_texts_or_names_elsewhere(tmp_path: Path) -> None:
    """A formula filled down is one, though its column's name looks like a cell of another row."""
    columns = ["w1", "w2", 'say "hi', "it's", "a - b  c", "A$1"]
    table = table_xml("T", "B1:G9", columns)
    kept = "T[[#This Row],[w{k}]]*T[@say \"hi]+T[@it''s] + T[[#This Row],[a - b  c]] *T[@A$1]"
    cells = (
        f'<row r="{row}"><c r="A{row}"><f>{kept.format(k=k).replace(chr(34), "&quot;")}</f></c>'
        "</row>"
        for row, k in [(2, 1), (3, 1), (4, 1), (5, 2), (6, 2), (7, 1)]
    )
    [sheet] = read(package(tmp_path / "book.xlsx", "".join(cells), tables=[table]))
    found = [sheet.formula_at(row, 1) for row in range(2, 8)]
    letters = "BBBCCB"
    assert found == [
        f"=${letter}{row}*$D{row}+$E{row}+$F{row}*$G{row}" for row, letter in enumerate(letters, 2)
    ]
    assert [(run.first_row, run.last_row) for run in sheet.runs[1]] == [(2, 4), (5, 6), (7, 7)]


FILLED = (
    "SUM(Data[[#All],[x]])*Data[[#This Row],[y]]",
    "SUM([x])*[@y]",
    "SUM(Data[x])+SUM([y])",
    "[@x]",
    "SUM(Next[[#Headers],[y]]:Next[[#This Row],[y]])",
)


@pytest.mark.parametrize("reads", ["", "+A{k}"])
def test_formulas_filled_over_all_edges_of_tables_are_read_cell_by_cell(
    tmp_path: Path, reads: str
) -> None:
    """Tables beside each other, one of them with totals; other rows may be read in each row."""
    parts = [
        table_xml("Data", "A4:C9", ["x", "y", "z"], 'totalsRowCount="1"'),
        table_xml("Next", "D6:G14", ["x", "y", "z", "t"]),
    ]
    tables = Tables(
        [
            Table("Data", "One", 4, 1, 9, 1, 1, ("x", "y", "z")),
            Table("Next", "One", 6, 4, 14, 1, 0, ("x", "y", "z", "t")),
        ]
    )
    rows, expected = "", {}
    for row in range(1, 21):
        rows += f'<row r="{row}">'
        for column in range(1, 11):
            text = FILLED[column % len(FILLED)] + reads.format(k=1 + row * row % 7)
            rows += f'<c r="{get_column_letter(column)}{row}"><f>{text}</f><v>1</v></c>'
            expected[row, column] = tables.put_into(f"={text}", ("One", row, column))
        rows += "</row>"
    [sheet] = read(package(tmp_path / "book.xlsx", rows, tables=parts))
    assert {place: sheet.formula_at(*place) for place in expected} == expected
    assert len(set(expected.values())) > 30


def test_a_table_may_have_no_rows(tmp_path: Path) -> None:
    cell = '<row r="5"><c r="D5"><f>COUNTA(T[#Headers])+SUM(T[x])+COUNTA(T)</f></c></row>'
    for attributes, read_as in (
        ("", "=COUNTA($A$1:$B$1)+SUM(T[x])+COUNTA(T)"),
        ('totalsRowCount="1"', "=COUNTA(T[#Headers])+SUM(T[x])+COUNTA(T)"),
    ):
        table = table_xml("T", "A1:B1", ["x", "y"], attributes)
        [sheet] = read(package(tmp_path / "book.xlsx", cell, tables=[table]))
        assert sheet.formula_at(5, 4) == read_as


def test_shared_formulas_and_array_formulas_have_them_too(tmp_path: Path) -> None:
    table = table_xml("T", "B1:C5", ["x", "y"])
    first = '<row r="2"><c r="E2"><f t="shared" ref="E2:F5" si="0">T[[#This Row],[x]]*A2</f></c>'
    cell = '<c r="{}"><f t="shared" si="0"/></c>'
    rest = "".join(
        f'<row r="{row}">{cell.format(f"E{row}")}{cell.format(f"F{row}")}</row>'
        for row in range(3, 7)
    )
    array = '<row r="9"><c r="A9"><f t="array" ref="A9">SUM(T[x]*T[y])</f></c></row>'
    rows = f"{first}{cell.format('F2')}</row>{rest}{array}"
    [sheet] = read(package(tmp_path / "book.xlsx", rows, tables=[table]))
    assert [sheet.formula_at(row, 5) for row in (2, 5, 6)] == [
        "=$B2*A2",
        "=$B5*A5",
        "=T[[#This Row],[x]]*A6",
    ]
    assert [sheet.formula_at(row, 6) for row in (2, 5)] == ["=$B2*B2", "=$B5*B5"]
    assert [(run.first_row, run.last_row) for run in sheet.runs[5]] == [(2, 5), (6, 6)]
    assert sheet.formula_at(9, 1) == "=SUM($B$2:$B$5*$C$2:$C$5)"


def test_array_formulas_of_tables_are_calculated(tmp_path: Path) -> None:
    formulas = {("Main", "H9"): ArrayFormula("H9", "=SUM(Data[x]*Data[two words])")}
    calculation = recalculate(made(tmp_path / "book.xlsx", formulas), "compiled")
    assert calculation.block("Main", 9, 8, 9, 8) == [[2.0 + 200 + 20_000]]


# A regression, written with a table and once more without.

X = np.array([0.5, 1.25, -2.0, 3.0, 0.1, 4.5])
Y = np.array([1.0, 2.0, -3.5, 6.5, 0.0, 8.0])
SLOPE, INTERCEPT = 1.75, -0.25
COLUMNS = ["x", "y", "predicted ŷ", "squared error", "running"]
IN_THE_TABLE = (
    "=Data[[#This Row],[x]]*$H$1+$H$2",
    "=(Data[[#This Row],[predicted ŷ]]-Data[[#This Row],[y]])^2",
    "=SUM(Data[[#Headers],[squared error]]:Data[[#This Row],[squared error]])",
)
PLAIN = ("=$A{r}*$H$1+$H$2", "=($C{r}-$B{r})^2", "=SUM($D$1:$D{r})")
LOSSES = ("=AVERAGE(Data[squared error])", "=SUM(Data[y])/ROWS(Data[])")
PLAIN_LOSSES = ("=AVERAGE($D$2:$D$7)", "=SUM($B$2:$B$7)/ROWS($A$2:$E$7)")


def regression(path: Path, slope: float = SLOPE, plain: bool = False) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(COLUMNS)
    for row, (x, y) in enumerate(zip(X, Y, strict=True), 2):
        inside = [one.format(r=row) for one in PLAIN] if plain else IN_THE_TABLE
        sheet.append([x, y, *inside])
    sheet["H1"], sheet["H2"] = slope, INTERCEPT
    sheet["H3"], sheet["H4"] = PLAIN_LOSSES if plain else LOSSES
    if not plain:
        sheet.add_table(WrittenTable(displayName="Data", ref=f"A1:E{len(X) + 1}"))
    book.save(path)
    return path


def test_a_regression_in_a_table_is_read_as_the_same_without_a_table(tmp_path: Path) -> None:
    [table] = read(regression(tmp_path / "table.xlsx"))
    [plain] = read(regression(tmp_path / "plain.xlsx", plain=True))
    assert table == plain
    assert all(
        [(run.first_row, run.last_row)] == [(2, 7)] for k in (3, 4, 5) for run in table.runs[k]
    )


def test_a_regression_in_a_table_is_calculated_and_differentiated(tmp_path: Path) -> None:
    path = regression(tmp_path / "table.xlsx")
    apart = SLOPE * X + INTERCEPT - Y
    plain = recalculate(regression(tmp_path / "plain.xlsx", plain=True), "embedded")
    calculation = recalculate(path, "compiled")
    for block in ((2, 3, 7, 5), (3, 8, 4, 8)):
        found = np.array(calculation.block("Sheet", *block), dtype=float)
        np.testing.assert_allclose(found, np.array(plain.block("Sheet", *block), dtype=float))
    np.testing.assert_allclose(
        np.array(calculation.block("Sheet", 2, 5, 7, 5), dtype=float)[:, 0], np.cumsum(apart**2)
    )
    found = gradient(Question(path, "H3", ("H1", "H2", "A2", "B7")))
    assert found.value == pytest.approx(np.mean(apart**2), rel=1e-14)
    expected = [
        np.mean(2 * apart * X),
        np.mean(2 * apart),
        2 * apart[0] * SLOPE / len(X),
        -2 * apart[-1] / len(X),
    ]
    assert [part.value for part in found.parts] == pytest.approx(expected, rel=1e-12)
    losses = [
        recalculate(regression(tmp_path / "moved.xlsx", slope), "compiled").block(
            "Sheet", 3, 8, 3, 8
        )[0][0]
        for slope in (SLOPE + 1e-4, SLOPE - 1e-4)
    ]
    high, low = np.array(losses, dtype=float)
    assert found.parts[0].value == pytest.approx((high - low) / 2e-4, rel=1e-8)


@pytest.mark.libreoffice
def test_libreoffice_calculates_the_same_regression(tmp_path: Path) -> None:
    path = regression(tmp_path / "table.xlsx")
    ours, theirs = recalculate(path, "compiled"), recalculate(path, "libreoffice")
    for block in ((2, 3, 7, 5), (3, 8, 4, 8)):
        found, other = (np.array(own.block("Sheet", *block), float) for own in (ours, theirs))
        np.testing.assert_allclose(found, other, rtol=1e-13)


# Anything may be a column's name, and a table may be anywhere.

column_names = st.lists(
    st.text(st.sampled_from("ab'[]#@:,.\"$ 1\n!(){}ü&") | st.characters(codec="utf-8"), min_size=1)
    .map(lambda name: "".join(letter for letter in name if letter.isprintable() or letter == "\n"))
    .filter(lambda name: name and "_x" not in name),
    min_size=1,
    max_size=5,
    unique_by=lambda name: name.casefold(),
)


def escaped(name: str) -> str:
    return "".join(f"'{letter}" if letter in "'[]#@" else letter for letter in name)


@st.composite
def references(draw: st.DrawFn) -> tuple[Table, tuple[str, int, int], str, str]:
    """A table, a cell, a reference in it, and the cells that this means."""
    names = draw(column_names)
    headers, totals = draw(st.integers(0, 1)), draw(st.integers(0, 1))
    height = draw(st.integers(1, 20))
    top = draw(st.integers(1, 50) | st.just(MAX_ROWS - height - headers - totals + 1))
    left = draw(st.integers(1, 60) | st.just(16_384 - len(names) + 1))
    last = top + headers + height + totals - 1
    table = Table("My.Table_1", "Main", top, left, last, headers, totals, tuple(names))
    sheet = draw(st.sampled_from(["Main", "It's"]))
    row = draw(st.integers(top + headers, last - totals))
    inside = sheet == "Main" and draw(st.booleans())
    cell = sheet, row, draw(st.integers(left, left + len(names) - 1)) if inside else 1
    own = "" if inside else "My.Table_1"
    first, second = (draw(st.integers(0, len(names) - 1)) for _ in range(2))
    items = {"": (top + headers, last - totals), "#All": (top, last)}
    items |= {"#Data": items[""], "#This Row": (row, row), "@": (row, row)}
    if headers:
        items |= {"#Headers": (top, top), "#Headers],[#Data": (top, last - totals)}
    if totals:
        items |= {"#Totals": (last, last), "#Data],[#Totals": (top + headers, last)}
    item = draw(st.sampled_from(list(items)))
    one, two = f"[{escaped(names[first])}]", f"[{escaped(names[second])}]"
    space = draw(st.sampled_from(["", " "]))
    columns = draw(st.sampled_from(["", one, f"{one}{space}:{space}{two}"]))
    if item == "@":
        written = f"@{columns}"
    elif not columns:
        written = f"[{item}]" if "]" in item else item
    else:
        written = f"{space}[{item}],{space}{columns}{space}" if item else columns
    if columns == one and item in ("", "@") and draw(st.booleans()):
        written = f"{item}{one[1:-1]}"
    if columns == "":
        first, second = 0, len(names) - 1
    elif columns == one:
        second = first
    corners = sorted([first, second])
    fixed = "" if item in ("#This Row", "@") else "$"
    ends = [
        f"${get_column_letter(left + k)}{fixed}{number}"
        for k, number in zip(corners, items[item], strict=True)
    ]
    prefix = "" if sheet == "Main" else "Main!"
    plain = ends[0] if ends[0] == ends[1] else ":".join(ends)
    return table, cell, f"{own}[{written}]", prefix + plain


@given(references())
@cases(500)
def test_any_reference_to_any_table_is_read(
    drawn: tuple[Table, tuple[str, int, int], str, str],
) -> None:
    table, cell, reference, plain = drawn
    tables = Tables([table, Table("Other", "Third", 1, 1, 9, 1, 0, ("x",))])
    for before, after in (("=", ""), ("=SUM(", ")*2"), ('="[x]"&', '+Other[x]&"\'"')):
        other = after.replace("Other[x]", "Third!$A$2:$A$9")
        found = tables.put_into(before + reference + after, cell)
        assert found == before + plain + other


@given(references())
@cases(100)
def test_any_reference_in_a_file_is_read(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[Table, tuple[str, int, int], str, str]
) -> None:
    """On its own sheet; the cell is in the file as XML."""
    table, (_, row, column), reference, plain = drawn
    letters = get_column_letter(table.first_column + len(table.columns) - 1)
    place = f"{get_column_letter(table.first_column)}{table.first_row}:{letters}{table.last_row}"
    counts = f'headerRowCount="{table.headers}" totalsRowCount="{table.totals}"'
    part = table_xml(table.name, place, table.columns, counts)
    text = reference.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    cell = f'<row r="{row}"><c r="{get_column_letter(column)}{row}"><f>1+{text}</f></c></row>'
    path = package(tmp_path_factory.mktemp("any") / "book.xlsx", cell, tables=[part])
    [sheet] = read(path)
    assert sheet.formula_at(row, column) == "=1+" + plain.removeprefix("Main!")


# Parts that are damaged.

GOOD = table_xml("Data", "A1:B3", ["x", "y"])
CELL = '<row r="2"><c r="D2"><f>SUM(Data[x])+Data[@y]</f><v>3</v></c></row>'


def read_with(tmp_path: Path, *tables: str) -> str | None:
    [sheet] = read(package(tmp_path / "book.xlsx", CELL, tables=tables))
    return sheet.formula_at(2, 4)


def test_a_table_that_is_not_damaged_is_read(tmp_path: Path) -> None:
    assert read_with(tmp_path, GOOD) == "=SUM($A$2:$A$3)+$B2"
    assert read_with(tmp_path, GOOD.replace("A1:B3", "A1:B1048576")) == "=SUM($A$2:$A$1048576)+$B2"
    assert read_with(tmp_path, "<broken", GOOD) == "=SUM($A$2:$A$3)+$B2"
    named = GOOD.replace('displayName="Data"', "")
    assert read_with(tmp_path, named) == "=SUM($A$2:$A$3)+$B2"


@pytest.mark.parametrize(
    "part",
    [
        "",
        "no XML",
        GOOD[:-8],
        "<table/>",
        f'<table xmlns="{MAIN}" displayName="Data" ref="A1:B3"/>',
        "<!-- a --><tableColumn/>",
        "<table><tableColumn/></table>",
        GOOD.replace("A1:B3", "A1:B1048577"),
        GOOD.replace("A1:B3", "XFD1:XFE3"),
        GOOD.replace("A1:B3", "B3:A1"),
        GOOD.replace("A1:B3", "A3:B1"),
        GOOD.replace("A1:B3", "A1:C3"),
        GOOD.replace("A1:B3", "A1"),
        GOOD.replace("A1:B3", "A0:B3"),
        GOOD.replace("A1:B3", "A1:B3 D1:E3"),
        GOOD.replace("A1:B3", ""),
        GOOD.replace(' ref="A1:B3"', ""),
        GOOD.replace("A1:B3", "A1:B1"),
        GOOD.replace('id="1" name="Data"', 'headerRowCount="2"'),
        GOOD.replace('id="1" name="Data"', 'headerRowCount="-1"'),
        GOOD.replace('id="1" name="Data"', 'totalsRowCount="x"'),
        GOOD.replace('name="x"', ""),
        GOOD.replace('name="x"', 'name="y"'),
        GOOD.replace("tableColumn ", "column "),
        GOOD.replace("<tableColumns", "<ext><tableColumns").replace("</table>", "</ext></table>"),
        GOOD.replace('="Data"', '=""'),
        GOOD.replace('="Data"', '="Other"'),
    ],
)
def test_a_damaged_table_is_none_and_the_workbook_is_read(tmp_path: Path, part: str) -> None:
    assert "SUM(Data[x])" in (read_with(tmp_path, part) or "")


@pytest.mark.parametrize("name", ["T1", "tab1", "TRUE", "R1C1", "C"])
def test_a_table_with_the_name_of_a_cell_is_none(tmp_path: Path, name: str) -> None:
    rows = "".join(
        f'<row r="{row}"><c r="D{row}"><f>SUM({name}[x])+{name}</f></c></row>' for row in (2, 3)
    )
    [sheet] = read(package(tmp_path / "b.xlsx", rows, tables=[GOOD.replace("Data", name)]))
    for row in (2, 3):
        assert sheet.formula_at(row, 4) == f"=SUM({name}[x])+{name}"


def test_two_tables_of_one_name_are_none(tmp_path: Path) -> None:
    other = GOOD.replace("A1:B3", "A11:B13")
    assert read_with(tmp_path, GOOD, other) == "=SUM(Data[x])+Data[@y]"
    assert read_with(tmp_path, GOOD, other.replace("Data", "DATA")) == "=SUM(Data[x])+Data[@y]"
    assert read_with(tmp_path, GOOD, other.replace("Data", "More")) == "=SUM($A$2:$A$3)+$B2"


def test_a_missing_part_and_broken_relations_are_no_tables(tmp_path: Path) -> None:
    package(tmp_path / "whole.xlsx", CELL, tables=[GOOD])
    relations = "xl/worksheets/_rels/sheet1.xml.rels"
    for gone, broken in (("xl/tables/table0.xml", ""), (relations, ""), ("", relations)):
        path = tmp_path / "book.xlsx"
        with zipfile.ZipFile(tmp_path / "whole.xlsx") as old, zipfile.ZipFile(path, "w") as new:
            for name in old.namelist():
                if name != gone:
                    new.writestr(name, b"<nothing" if name == broken else old.read(name))
        [sheet] = read(path)
        assert sheet.formula_at(2, 4) == "=SUM(Data[x])+Data[@y]"


def test_names_of_columns_have_their_characters_escaped(tmp_path: Path) -> None:
    table = table_xml("T", "A1:C3", ["first_x000a_second", "_x005F_x000a_", "x_y"])
    cell = '<row r="2"><c r="E2"><f>T[@first\nsecond]+T[@_x000a_]+T[@x_y]</f></c></row>'
    [sheet] = read(package(tmp_path / "book.xlsx", cell, tables=[table]))
    assert sheet.formula_at(2, 5) == "=$A2+$B2+$C2"
