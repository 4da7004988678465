"""Derivatives that are written as formulas, against those of reverse mode."""

from pathlib import Path

import numpy as np
import pytest
from derivatives import opened
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.worksheet.formula import ArrayFormula

from workbook_tools.differentiation.array_parts import NotWrittenError
from workbook_tools.differentiation.written import derivative
from workbook_tools.formulas.tree import Reference, parse

PARAMETERS = [("Sheet", row, column) for row in (1, 2) for column in (1, 2, 3)]
NUMBERS = [0.7, 1.3, 0.4, 2.1, 0.9, 1.6]
OF = ("Sheet", 5, 1)


def both(
    formula: str, path: Path, own: bool, is_array: bool = False
) -> tuple[list[float], list[float]]:
    """Return the derivatives of a formula in A5 by six cells: as written, and by reverse mode."""
    book = Workbook()
    sheet = book.active
    for (_, row, column), number in zip(PARAMETERS, NUMBERS, strict=True):
        sheet.cell(row, column, number)
    sheet["A5"] = ArrayFormula("A5", formula) if is_array else formula
    for k, cell in enumerate(PARAMETERS, start=1):
        name = Reference("A5") if own else None
        tree = derivative(parse(formula), cell, "Sheet", name, is_array)
        text = "=0" if tree is None else f"={tree}"
        sheet.cell(6, k).value = ArrayFormula(f"{'ABCDEF'[k - 1]}6", text) if is_array else text
    book.save(path)
    derivatives = opened(path, PARAMETERS)
    memory = derivatives.memory
    adjoints = derivatives.adjoints([OF], memory)
    found = [float(memory.numbers[derivatives.place(("Sheet", 6, k)), 0]) for k in range(1, 7)]
    return found, [float(adjoints[derivatives.place(cell), 0]) for cell in PARAMETERS]


FORMULAS = [
    "=A1*B1+C1", "=A1/B1-C1^2", "=-A1^2+2^B1-C1%", "=+A1-(B1-(C1-A2))", "=EXP(A1)*LN(B1)",
    "=LOG(A1)+LOG(B1,3)+LOG10(C2)", "=SQRT(A1)+ABS(B1-3)", "=SIN(A1)*COS(B1)-TAN(C1)",
    "=ATAN(B1)", "=SINH(A1)+COSH(B1)+TANH(C1)", "=POWER(A1,B1)", "=A1^B1^2", "=(A1+B1)^3",
    "=SUM(A1:C2)^2", "=SUM(A1:B1,C2,2,A1*B1)*A1", "=AVERAGE(A1:C2)*A1", "=SUMSQ(A1:C1,A2*B2)",
    "=MAX(0,A1)+MAX(0,-A1)", "=MIN(A1*B1,C1)", "=SUMPRODUCT(A1:C1,A2:C2)",
    "=SUMPRODUCT(A1:C1,A1:C1)", "=SUMXMY2(A1:C1,A2:C2)", "=IF(A1>B1,A1*B1,C1^3)",
    "=IF(A1<B1,A1*B1)", "=1/(1+EXP(-(A1*B1+C1)))", "=1/(EXP(-A1)+1)", "=TANH(A1*B1-C2)",
    "=SQRT(A1^2+B1)", "=EXP(-A1*B1)", "=-(A1-B1)*A1*(1-A1)", "=(A1-B1)^2/2",
    "=-(A1*LN(B1)+(1-A1)*LN(2-B1))", "=A1-(B1*C1-A2)/-B2",
    "=A1*SUM(A1:C1)", "=B2*SUM($B$2:C2)*$B2", "=LOG(A1+2,B1+1)", "=ASIN(A1/3)+ACOS(C1/2)",
    "=MOD(A1*5,B1)", "=DEVSQ(A1:C2)", "=VAR(A1:C1,B2)*B2", "=VAR.P(A1:C2)", "=STDEV.S(A1:C2)",
    "=STDEVP(A1:B2,C2*A1)", "=PRODUCT(A1:C2)", "=PRODUCT(A1,B1*C1)/B2", "=MAX(A1:C1)*A1",
    "=MIN(A1:A2,B1,C2)", "=MAX(A1:C2)", "=MAX(A1*B1,C1,B2,0)", "=MEDIAN(A1:C2)",
    "=MEDIAN(A1:C1)", "=SMALL(A1:C1,2)*B1", "=LARGE(A1:A2,1)", "=INDEX(A1:C2,2,3)*A1",
    "=INDEX(A1:C1,2)+INDEX(A1:A2,2)", "=INDEX(A1:B2,INT(C2),2)*C2",
    "=VLOOKUP(A1,A1:C2,2,FALSE)*A1", "=VLOOKUP(0.7,A1:C2,3,FALSE)*B2",
    "=HLOOKUP(1.3,A1:C2,2,0)", "=SUMIF(A1:C1,\">0.5\",A2:C2)*B1", "=AVERAGEIF(A1:C1,\">0.5\")",
    "=AVERAGEIF(A1:C1,\">0.5\",A2:C2)", "=SUMIFS(A2:C2,A1:C1,\">0.5\",A2:C2,\"<2\")",
    "=IFERROR(A1/B1,C1)+IFERROR(A1/0,C1*B2)", "=CHOOSE(2,A1,B1*C1)", "=(A1>B1)*C1+(A2>B1)*C2",
    "=SUMPRODUCT((A1:C1-A2:C2)^2)", "=SUMPRODUCT(A1:C1*$B$2)+A1", "=SUMPRODUCT(A1:C1,A1:C1,A2:C2)",
    "=SUMPRODUCT(A1:C1*(A2:C2>1))", "=SUMPRODUCT(A1:A2*A1:C1)", "=SUMPRODUCT(A1:C1/SUM(A1:C1))",
    "=PV(A1/10,12*B1,C1)", "=PV(A1/10,B1,C1,A2,1)*C2", "=FV(A1/10,B1*5,C1,A2)", "=FV(A1/9,3,,B1,1)",
    "=PMT(A1/12,B1*20,-C1,A2)", "=PMT(A1/12,36,B1)", "=NPER(A1/20,-A2,B1+C1)",
    "=NPV(A1/5,A2:C2)*B1",
    "=NPV(A1/5,B1,C1*A2)", "=NPV(C1,A1:A2)", "=STANDARDIZE(A1,B1,C1)", "=RADIANS(A1)*DEGREES(B1)",
    "=NORM.DIST(A1,B1,C1,TRUE)*NORMDIST(A2,B2,C2,0)", "=NORM.S.DIST(A1*B1,TRUE)+PHI(C1)",
    "=_xlfn.NORM.S.DIST(A1,FALSE)*B1", "=GAUSS(A1)+NORMSDIST(B1*C1)",
    "=NORM.S.INV(A1)*NORMSINV(C1)",
    "=NORM.INV(A1,B1,C1)+NORMINV(C1,A2,B2)", "=ATAN2(A1*B1,C1)", "=ASINH(A1)+ACOSH(A2)+ATANH(C1)",
    "=IFNA(A1*B1,C1)", "=MMULT(A1:C1,TRANSPOSE(A2:C2))", "=COUNT(A1:C1)*A1", "=AVERAGE(A1,B1*C1)",
    "=SUMPRODUCT(C1*(A2:B2>0))", "=MAX(A1,A1)", "=MAX($A1,A$1)*MIN(A1,B1,A$1)",
    "=MAX(A1*0,0)+LN(1+EXP(-ABS(A1*0)))", "=MIN(A1-0.7,0)*B1+ABS(C1)",
]  # fmt: skip
ARRAYS = [
    "=SUM(EXP(A1:C1)*A2:C2)", "=SUM((A1:C1-A2:C2)^2)/2", "=AVERAGE(A1:C1*B2)",
    "=SUM(A1:C1*A1:A2)", "=SUM(TRANSPOSE(A1:C1)*A1:C1)", "=SUM(MMULT(A1:B2,B1:C2))",
    "=SUM(MMULT(A1:B2,B1:C2)^2)",
    "=SUM((MMULT(A1:C2,TRANSPOSE(A1:C2))-1)^2)", "=SUM((MMULT(A1:A2,B1:C1)-A1:B2)^2)",
    "=SUM(TANH(MMULT(TRANSPOSE(A1:B2),B1:C2)))", "=SUM(TRANSPOSE(MMULT(A1:B2,C1:C2))*A1:B1)",
    "=SUM(EXP(A1:C1)*A2:C2)/SUM(EXP(A1:C1))", "=EXP(A1)/SUM(EXP(A1:C1))",
    "=LN(SUM(EXP(A1:C1-MAX(A1:C1))))+MAX(A1:C1)", "=SUM(IF(A1:C1>1,A1:C1^2,-A2:C2))",
    "=MAX(A1:C1*A2:C2)", "=MIN(A1:C1-MAX(A1:C2))*A1", "=SUM(A1:C1*SUM(A1:C1*A2:C2))",
    "=SUMSQ(A1:C1-A2:C2)",
    "=SUM((A1:C1-AVERAGE(A1:C1))^2*A2:C2)", "=SUM(IF(A1:C1>0,B2,0))",
]  # fmt: skip


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("formula", FORMULAS)
def test_written_derivatives_are_right(formula: str, own: bool, tmp_path: Path) -> None:
    found, right = both(formula, tmp_path / "book.xlsx", own)
    np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("formula", ARRAYS)
def test_written_derivatives_of_arrays_are_right(formula: str, tmp_path: Path) -> None:
    found, right = both(formula, tmp_path / "book.xlsx", own=True, is_array=True)
    np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-14)


leaves = st.sampled_from(["A1", "B1", "C1", "A2", "B2", "C2", "2", "0.5", "SUM(A1:C2)"])
trees = st.recursive(
    leaves,
    lambda own: st.one_of(
        st.builds("({}{}{})".format, own, st.sampled_from("+-*/"), own),
        st.builds("{}{}{}".format, own, st.sampled_from("+-"), own),
        st.builds("-{}".format, own),
        st.builds("({})^2".format, own),
        st.builds("{}({})".format, st.sampled_from(["EXP", "TANH", "SIN", "COS", "ATAN"]), own),
        st.builds("LN(1+({})^2)".format, own),
        st.builds("SQRT(1+({})^2)".format, own),
        st.builds("1/(1+EXP(-({})))".format, own),
        st.builds("IF({}>{},{},{})".format, leaves, leaves, own, own),
        st.builds("MAX({},{})".format, own, own),
    ),
    max_leaves=8,
)


@given(trees, st.booleans())
def test_derivatives_of_any_formula(
    tmp_path_factory: pytest.TempPathFactory, formula: str, own: bool
) -> None:
    found, right = both(f"={formula}", tmp_path_factory.mktemp("tree") / "book.xlsx", own)
    if np.isfinite(right).all() and np.abs(right).max() < 1e6:
        np.testing.assert_allclose(found, right, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("formula", ["=ROUND(A1,1)", "=SORT(A1:C2)", "=A1:C1*2"])
def test_what_has_no_rule_is_refused(formula: str) -> None:
    with pytest.raises(NotWrittenError):
        derivative(parse(formula), PARAMETERS[0], "Sheet")


def test_a_product_of_matrices_in_the_place_of_one_number_is_refused() -> None:
    with pytest.raises(NotWrittenError):
        derivative(parse("=MMULT(A1:A2,B1:C1)"), PARAMETERS[0], "Sheet", is_array=True)


def test_formulas_are_short() -> None:
    def of(formula: str, own: str | None = None) -> str:
        tree = Reference(own) if own else None
        return str(derivative(parse(formula), ("Sheet", 1, 1), "Sheet", tree))

    assert of("=1/(1+EXP(-A1))", "B1") == "B1*(1-B1)"
    assert of("=TANH(A1)", "B1") == "(1-B1^2)"
    assert of("=(C1-A1)^2/2") == "(A1-C1)"
    assert of("=(A1-C1)^2/4") == "2*(A1-C1)/4"
    assert of("=SUMPRODUCT(A1:A3,B1:B3)") == "B1"
    assert of("=MAX(0,A1)") == "IF(A1>0,1,0)"
    assert of("=-(C1*LN(A1)+(1-C1)*LN(1-A1))") == "(1-C1)/(1-A1)-C1/A1"
