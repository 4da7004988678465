"""Formulas of one cell in place of array formulas, and of ``OFFSET``, give the same."""

import math
from pathlib import Path

import pytest
from any_layout import called_wrong
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.workbook.properties import CalcProperties
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.worksheet import Worksheet

from workbook_tools.checking.verify import verify
from workbook_tools.evaluator.formula import evaluator
from workbook_tools.evaluator.values import Grid
from workbook_tools.formulas.tree import parse
from workbook_tools.package.cell_values import CellValue
from workbook_tools.program.plain_formulas import plain

ROWS, COLUMNS = 3, 2


class Numbers:
    """Another number in each cell."""

    def value(self, sheet: str, row: int, column: int) -> CellValue:
        return 1 + math.sin(17.0 * row + 31.0 * column + len(sheet)) / 2

    def grid(self, sheet: str, top: int, left: int, bottom: int, right: int) -> Grid:
        rows = [
            [self.value(sheet, row, column) for column in range(left, right + 1)]
            for row in range(top, bottom + 1)
        ]
        return Grid(rows, bottom - top + 1, right - left + 1, (sheet, top, left))


def value(formula: str) -> CellValue:
    found = evaluator(parse(formula))(Numbers(), "Sheet", 20, 20)
    assert isinstance(found, float)
    return found


# Parts that have three rows and two columns, or are repeated so.
whole = st.sampled_from(["B2:C4", "$E$2:$F$4", "Other!A1:B3", "'Two words'!D5:E7"])
repeated = st.sampled_from(["H3:I3", "H3:H5", "H9", "2.5", "1"])
transposed = st.sampled_from(["TRANSPOSE(B10:D11)", "TRANSPOSE((B10:D11))"])
products = st.tuples(
    st.sampled_from(["A20:D22", "TRANSPOSE(A30:C33)"]),
    st.sampled_from(["F20:G23", "TRANSPOSE(F30:I31)"]),
).map(lambda both: f"MMULT({both[0]},{both[1]})")
bodies = st.recursive(
    whole | repeated | transposed | products,
    lambda part: st.one_of(
        st.tuples(part, st.sampled_from("+-*/"), part).map(lambda own: f"({''.join(own)})"),
        part.map(lambda own: f"-({own})"),
        part.map(lambda own: f"EXP({own}/9)"),
        st.tuples(part, part).map(lambda own: f"IF({own[0]}>1,{own[1]},0)"),
        part.map(lambda own: f"({own}*SUM(B2:C4))"),
    ),
    max_leaves=6,
)


@given(bodies, st.integers(1, ROWS), st.integers(1, COLUMNS))
def test_one_element_of_an_array_formula_is_the_same(body: str, i: int, j: int) -> None:
    formula = f"=ARRAYFORMULA({body},{i},{j})"
    new = plain(formula)
    assert new is not None
    assert "ARRAYFORMULA" not in new
    assert value(new) == pytest.approx(value(formula), rel=1e-12)


@pytest.mark.parametrize(
    ("formula", "meant"),
    [
        ("=OFFSET($D$3,COLUMNS($I$4:K$4)+11*ROWS($H$5:$H6)-11,0)", "=D17"),
        ("=2*OFFSET(Other!B2,1,-(1))", "=2*Other!A3"),
        ("=ARRAYFORMULA(MMULT(A1:C3,E1:F3),2,1)", "=MMULT($A2:$C2,E$1:E$3)"),
        ("=ARRAYFORMULA(MMULT(TRANSPOSE(A1:C3),E1:F3),2,1)", "=SUMPRODUCT($B$1:$B$3,E$1:E$3)"),
        ("=OFFSET(A1,B1,0)", None),  # it depends on what is in B1
        ("=OFFSET(A1,-1,0)", None),
        ("=ARRAYFORMULA(B2:C4,4,1)", None),  # #N/A
        ("=ARRAYFORMULA(SORT(B2:C4),1,1)", None),
    ],
)
def test_what_is_not_always_the_same_stays(formula: str, meant: str | None) -> None:
    assert plain(formula) == meant


def test_what_an_array_spills_into_is_a_range() -> None:
    arrays = {"F2": "$F$2:$F$9", "Other!B1": "Other!$B$1:$C$4"}
    assert plain("=SUM(_xlfn.ANCHORARRAY(F2))/2", arrays) == "=SUM($F$2:$F$9)/2"
    assert plain("=SUM(_xlfn.ANCHORARRAY(Other!$B$1))", arrays) == "=SUM(Other!$B$1:$C$4)"
    assert plain("=ARRAYFORMULA(_xlfn.ANCHORARRAY(F2)^2,3,1)", arrays) == "=$F4^2"
    assert plain("=SUM(_xlfn.ANCHORARRAY(G2))", arrays) is None


def _write_array(sheet: Worksheet, first: str, count: int, formula: str) -> None:
    """Write an array formula of some cells below each other, which have values in the file."""
    column, row = first[0], int(first[1:])
    for further in range(row + 1, row + count):
        sheet[f"{column}{further}"] = 0
    sheet[first] = ArrayFormula(f"{first}:{column}{row + count - 1}", f"={formula}")


def batch(path: Path, gradient: str, is_circular: bool = False) -> Path:
    """Write a linear model with two weights; all is array formulas, as a batch."""
    book = Workbook()
    sheet = book.active
    for row, own in enumerate([(0.2, 0.5, 0.3), (0.7, 0.1, 0.6), (0.4, 0.9, 0.8)], start=1):
        for column, number in zip("ABC", own, strict=True):
            sheet[f"{column}{row}"] = number
    sheet["L1"] = 0.1
    top = 1
    if not is_circular:
        sheet["E1"], sheet["E2"] = 0.3, -0.2
    else:
        sheet["E1"], sheet["E2"] = "=E11", "=E12"
    for _ in range(1 if is_circular else 4):
        weights = f"E{top}:E{top + 1}"
        cells = {
            "G": (3, f"MMULT(A1:B3,{weights})"),
            "H": (3, f"G{top}:G{top + 2}-C1:C3"),
            "I": (2, gradient.format(errors=f"H{top}:H{top + 2}", outputs=f"G{top}:G{top + 2}")),
        }
        for column, (count, formula) in cells.items():
            _write_array(sheet, f"{column}{top}", count, formula)
        sheet[f"J{top}"] = f"=SUMSQ(H{top}:H{top + 2})/2"
        _write_array(sheet, f"E{top + 10}", 2, f"{weights}-L1*I{top}:I{top + 1}")
        top += 10
    if is_circular:
        book.calculation = CalcProperties(iterate=True, iterateCount=1)
    book.save(path)
    return path


def test_a_batch_in_array_formulas_is_understood(tmp_path: Path) -> None:
    right = verify(batch(tmp_path / "right.xlsx", "MMULT(TRANSPOSE(A1:B3),{errors})"))
    assert right.verdict == "pass"
    assert [model.count("right") for model in right.models] == [(8, 8)]
    wrong = verify(batch(tmp_path / "wrong.xlsx", "MMULT(TRANSPOSE(B1:C3),{errors})"))
    assert called_wrong(wrong) >= {"I1", "I11"}


def test_weights_that_are_copies_of_their_updates_are_understood(tmp_path: Path) -> None:
    gradient = "MMULT(TRANSPOSE(A1:B3),{errors})"
    path = batch(tmp_path / "circle.xlsx", gradient, is_circular=True)
    report = verify(path)
    assert report.verdict == "pass"
    assert [model.count("right") for model in report.models] == [(2, 2)]


def test_the_array_formula_is_shown_and_all_of_its_cells_are_mended(tmp_path: Path) -> None:
    path = batch(tmp_path / "wrong.xlsx", "MMULT(TRANSPOSE(B1:C3),{errors})")
    [finding] = verify(path).findings
    [place] = finding.places
    assert place.formula == "{=MMULT(TRANSPOSE(B1:C3),H1:H3)}"
    assert place.put_right["Sheet", 12, 9] == "=SUMPRODUCT($B$1:$B$3,$H$11:$H$13)"
    assert place.suggestion is not None
    assert "each cell of I1:I2" in place.suggestion.edit


def test_a_single_cell_of_an_array_formula_is_not_mended(tmp_path: Path) -> None:
    # Only the second weight's gradient is wrong.
    wrong = "MMULT(TRANSPOSE(A1:B3),{errors})-IF(C1:C2>0.5,0.1,0)"
    path = batch(tmp_path / "wrong.xlsx", wrong)
    report = verify(path)
    places = [place for finding in report.findings for place in finding.places]
    assert {row % 10 for place in places for row in place.rows} == {2}
    assert all(place.suggestion is None for place in places)
    assert all("array formula in I" in place.why_none for place in places)
