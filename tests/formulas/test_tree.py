"""Formulas are read as a spreadsheet reads them, and spelled as their authors spelled them."""

import pytest
from arithmetic import NUMBERS, formulas, value_of
from hypothesis import assume, given
from hypothesis import strategies as st

from workbook_tools.formulas.replacing import replaced, replaced_in
from workbook_tools.formulas.tree import (
    Number,
    Operation,
    Reference,
    SyntaxProblemError,
    parse,
    parts,
)

AS_WRITTEN = [
    "((R32-A32)*R32*(1-R32)*M32+(T32-B32)*T32)*L32*(1-L32)*C32",
    "1/(1+EXP(-I32))",
    "'My sheet'!$G$30*LR!A1+1E-3",
    "SUMPRODUCT(A1:A4,$B$1:$B$4)/4",
    'IF($F8=K$6,"yes",0.5%)',
    "-2^2",
    "A1*#REF!",
    "eta*_xlfn.STDEV.P(A1:A3)",
    "POWER((A1),2)",
    "SUM(A:A,$1:$3,'My sheet'!B:$C)+1",
    'SUMPRODUCT({1,-2.5;"a;b",TRUE},{#N/A,2%;1,2})',
    "IF(A1,,2)+SORT(A1:B3,,)",
    "@A1:A3*-@(B1:B3)",
    "SUM(A1:INDEX(A:A,3),D1:F3:$M$31:$O$33)",
    "LR!#REF!+_xlfn.SINGLE(my.name)",
    "SOMÉ(A1)",
]


@pytest.mark.parametrize("text", AS_WRITTEN)
def test_a_formula_is_spelled_as_it_was_read(text: str) -> None:
    assert str(parse(f"={text}")) == text


def test_a_sheets_name_may_have_two_lines() -> None:
    assert isinstance(parse("='two\nlines'!$A$1"), Reference)


@pytest.mark.parametrize(
    "text",
    ["", "1+", "(A1", "A1)", "{1,2", "{1,}", "{1+2}", "A1 B1", "SUM(A1", "1 2", "A1:", "@", "1:2:"],
)
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(SyntaxProblemError):
        parse(text)


@given(formulas(), st.data())
def test_a_part_that_is_replaced_gets_the_parentheses_that_it_needs(
    formula: str, data: st.DataObject
) -> None:
    """Put a sum in the place of a leaf, and beside it a cell that holds that sum."""
    tree = parse(formula)
    assert str(tree) == formula
    leaves = [r for r, part in parts(tree) if isinstance(part, Reference | Number)]
    route = data.draw(st.sampled_from(leaves))
    summed = replaced(tree, route, Operation("+", Reference("A1"), Number("3")))
    fetched = replaced(tree, route, Reference("D1"))
    cells = {**NUMBERS, ("S", 1, 4): 4.7}
    expected = value_of(str(fetched), cells)
    assume(isinstance(expected, float))  # neither overflows nor divides by 0
    assert value_of(str(summed), cells) == pytest.approx(expected, rel=1e-12)


def test_what_stands_in_several_places_is_replaced_in_all_and_nothing_else_changes() -> None:
    text = "A1*-(B1-B1)+-(B1*C1*B1)/((B1+B1))^-B1"
    tree = parse(text)
    routes = [route for route, part in parts(tree) if str(part) == "B1"]
    assert str(replaced_in(tree, routes, Reference("D7"))) == text.replace("B1", "D7")


def test_a_sign_binds_tighter_than_a_power() -> None:
    assert value_of("-2^2") == 4.0
    assert str(parse("-2^2")) == "-2^2"
    assert isinstance(parse("-2^2"), Operation)


@pytest.mark.parametrize("text", ["+".join(["A1"] * 500), "(" * 3000 + "A1" + ")" * 3000])
def test_a_formula_that_is_too_deep_to_go_through_is_refused(text: str) -> None:
    with pytest.raises(SyntaxProblemError):
        parse(text)
