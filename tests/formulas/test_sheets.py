"""Reading sheets as other programs write them, part by part."""

from pathlib import Path

import pytest
from parts import replaced, rewritten
from smallest import package

from workbook_tools.errors import InputError
from workbook_tools.formulas.sheets import Sheet, read_sheets
from workbook_tools.package.workbook import open_package


def sheet(tmp_path: Path, rows: str, strings: str = "") -> Sheet:
    with open_package(package(tmp_path / "book.xlsx", rows, strings)) as opened:
        return read_sheets(opened)[0][0]


def formulas(found: Sheet) -> dict[str, list[str]]:
    return {
        f"{column}": [
            run.formula.at(r) for run in runs for r in range(run.first_row, run.last_row + 1)
        ]
        for column, runs in found.runs.items()
    }


def test_formulas_filled_down_are_one_run(tmp_path: Path) -> None:
    rows = "".join(f'<row r="{r}"><c r="B{r}"><f>A{r}+$C$1</f></c></row>' for r in range(2, 6))
    found = sheet(tmp_path, rows)
    assert [(run.first_row, run.last_row) for run in found.runs[2]] == [(2, 5)]
    assert formulas(found) == {"2": ["=A2+$C$1", "=A3+$C$1", "=A4+$C$1", "=A5+$C$1"]}


def test_another_formula_or_a_gap_begins_a_new_run(tmp_path: Path) -> None:
    rows = "".join(
        f'<row r="{r}"><c r="B{r}"><f>{f}</f></c></row>'
        for r, f in ((2, "A2"), (3, "A3"), (4, "A3"), (5, "A4"), (7, "A6"))
    )
    found = sheet(tmp_path, rows)
    assert [(run.first_row, run.last_row) for run in found.runs[2]] == [(2, 3), (4, 5), (7, 7)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("IFERROR(A2,#CALC!)", "=IFERROR(B3,#CALC!)"),
        ("A2+#SPILL!", "=B3+#SPILL!"),
        ("SUM($A:B)", "=SUM($A:C)"),
        ("XFD1+$XFD1+A1", "=#REF!+$XFD2+B2"),
        ("A2)", "=B3)"),
        ("{A2", "={B3"),
        ("A2+&#34;$A", '=B3+"$A'),
        ("A2+T[$A", "=B3+T[$A"),
        ("A2+'x", "=B3+'x"),
    ],
)
def test_a_shared_formula_of_any_text_is_read(text: str, expected: str, tmp_path: Path) -> None:
    rows = (
        f'<row r="1"><c r="B1"><f t="shared" ref="B1:C2" si="0">{text}</f></c></row>'
        '<row r="2"><c r="C2"><f t="shared" si="0"/></c></row>'
    )
    assert formulas(sheet(tmp_path, rows))["3"] == [expected]


def test_shared_formulas_are_read_as_excel_fills_them_down_and_across(tmp_path: Path) -> None:
    rows = (
        '<row r="1"><c r="B1"><f t="shared" ref="B1:C3" si="0">A1*$A$9</f></c>'
        '<c r="C1"><f t="shared" si="0"/></c></row>'
        '<row r="2"><c r="B2"><f t="shared" si="0"/></c><c r="C2"><f t="shared" si="0"/></c></row>'
        '<row r="3"><c r="B3"><f t="shared" si="0"/></c><c r="C3"><f t="shared" si="0"/></c></row>'
    )
    found = sheet(tmp_path, rows)
    assert formulas(found) == {
        "2": ["=A1*$A$9", "=A2*$A$9", "=A3*$A$9"],
        "3": ["=B1*$A$9", "=B2*$A$9", "=B3*$A$9"],
    }


def test_a_space_that_hides_a_row_number_is_left_out_in_each_row(tmp_path: Path) -> None:
    rows = "".join(f'<row r="{r}"><c r="B{r}"><f>A{r} !A{r}</f></c></row>' for r in range(2, 6))
    assert formulas(sheet(tmp_path, rows)) == {"2": [f"=A{r}!A{r}" for r in range(2, 6)]}


def test_texts_are_read_wherever_they_are_kept(tmp_path: Path) -> None:
    rows = (
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>'
        '<c r="C1" t="inlineStr"><is><t>w3</t></is></c><c r="D1" t="str"><v>w4</v></c></row>'
    )
    strings = "<si><t>w1</t></si><si><r><t>w</t></r><r><t>2</t></r><rPh><t>no</t></rPh></si>"
    found = sheet(tmp_path, rows, strings)
    assert [found.texts[1, column] for column in range(1, 5)] == ["w1", "w2", "w3", "w4"]


def test_cells_that_do_not_say_where_they_stand_follow_one_another(tmp_path: Path) -> None:
    found = sheet(
        tmp_path, "<row><c><f>1+1</f></c><c><f>2+2</f></c></row><row><c><f>3</f></c></row>"
    )
    assert formulas(found) == {"1": ["=1+1", "=3"], "2": ["=2+2"]}


def test_a_document_type_is_refused_whatever_the_part_is_called(tmp_path: Path) -> None:
    path = package(tmp_path / "book.xlsx", "")
    entities = b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]>'
    picture = {
        "xl/worksheets/sheet1.svg": entities + b'<worksheet xmlns="x"><row>&c;</row></worksheet>'
    }
    other_name = {"xl/_rels/workbook.xml.rels": replaced(b"sheet1.xml", b"sheet1.svg")}
    path = rewritten(path, tmp_path / "other.xlsx", other_name, added=picture)
    with pytest.raises(InputError, match="document type"):
        open_package(path)


def test_formulas_that_come_again_every_few_rows_are_one_run_each(tmp_path: Path) -> None:
    """A block of three rows, each of which reads the first one, filled down."""
    rows = "".join(
        f'<row r="{r}"><c r="B{r}"><f>A{r}*C{r - (r - 2) % 3}</f></c></row>' for r in range(2, 14)
    )
    found = sheet(tmp_path, rows)
    assert [run.rows for run in found.runs[2]] == [range(2 + k, 14, 3) for k in range(3)]
    assert found.formula_count() == 12
    assert [r.rows for r in found.runs_between(2, 5, 9)] == [
        range(5, 6 + 3, 3),
        range(6, 7 + 3, 3),
        range(7, 8, 3),
    ]


def test_a_change_in_a_block_ends_a_run_and_nothing_else(tmp_path: Path) -> None:
    def formula(r: int) -> str:
        return "A1" if r == 9 else f"A{r}*C{r - (r - 2) % 3}"

    rows = "".join(f'<row r="{r}"><c r="B{r}"><f>{formula(r)}</f></c></row>' for r in range(2, 17))
    found = sheet(tmp_path, rows)
    by_row = {r: run.formula.at(r) for run in found.runs[2] for r in run.rows}
    assert by_row == {r: f"={formula(r)}" for r in range(2, 17)}
    assert len(found.runs[2]) <= 5


def test_every_cell_of_an_array_formula_has_a_formula(tmp_path: Path) -> None:
    rows = "".join(
        f'<row r="{r}"><c r="A{r}"><f t="array" ref="A{r}:B{r}">C{r}:D{r}*2</f><v>1</v></c>'
        f'<c r="B{r}"><v>2</v></c></row>'
        for r in (1, 2)
    )
    found = sheet(tmp_path, rows)
    assert found.formula_at(2, 1) == "=ARRAYFORMULA(C2:D2*2,1,1)"
    assert found.formula_at(2, 2) == "=ARRAYFORMULA(C2:D2*2,1,2)"
    assert found.formula_count() == 4
    alone = sheet(tmp_path, '<row r="1"><c r="A1"><f t="array" ref="A1">SUM(C1:D1)</f></c></row>')
    assert alone.formula_at(1, 1) == "=SUM(C1:D1)"
