"""Formulas give what an engine gives, on many numbers at once."""

import numpy as np
import pytest
from arithmetic import NUMBERS, formulas
from arithmetic import value_of as shown
from hypothesis import given

from workbook_tools.formulas.tree import parse
from workbook_tools.mending.evaluation import Evaluation, NotEvaluatedError

CELLS = {cell: np.array([value, value / 2]) for cell, value in NUMBERS.items()}


@given(formulas())
def test_a_formula_gives_what_the_engine_gives(formula: str) -> None:
    found = Evaluation(parse(formula), "S", CELLS).value[0]
    expected = shown(formula)
    if isinstance(expected, float):
        assert np.broadcast_to(found, 2)[0] == pytest.approx(expected, rel=1e-12)
    else:
        assert not np.isfinite(np.broadcast_to(found, 2)[0])


@pytest.mark.parametrize(
    "formula",
    [
        "SUM(A1:C1)", "SUMPRODUCT(A1:C1,A1:C1)", "SUMPRODUCT(A1:C1*2)", "AVERAGE(A1:C1,4)",
        "MAX(A1:C1)", "MIN(A1,B1)", "IF(A1>B1,C1,2)", "IF(A1<=B1,C1,2)", "TANH(A1)", "ABS(B1)",
        "SQRT(A1)", "INT(B1)", "MOD(A1,C1)", "POWER(A1,2)", "SUMSQ(A1:C1)", "SIGN(B1)", "LN(A1)",
        "STDEVP(A1:C1)", "PRODUCT(A1:C1)", "COS(A1)+SIN(A1)", "PI()*A1", "50%*A1", "A1^2",
    ],
)  # fmt: skip
def test_functions_give_what_the_engine_gives(formula: str) -> None:
    found = Evaluation(parse(formula), "S", CELLS).value[0]
    assert np.broadcast_to(found, 2)[0] == pytest.approx(shown(formula), rel=1e-12)


def test_a_variant_is_worked_out_without_starting_anew() -> None:
    evaluation = Evaluation(parse("A1*(B1+C1)"), "S", CELLS)
    found = evaluation.with_parts({(1, 0, 0): np.array([[1.0, 1.0], [2.0, 3.0]])})
    a, c = CELLS["S", 1, 1], CELLS["S", 1, 3]
    np.testing.assert_allclose(found, [a * (1 + c), a * (np.array([2.0, 3.0]) + c)])


def test_an_unknown_function_is_not_guessed() -> None:
    with pytest.raises(NotEvaluatedError):
        Evaluation(parse("MMULT(A1:B1,C1)"), "S", CELLS)


def test_other_sheets_have_numbers_of_their_own() -> None:
    cells = {**CELLS, ("LR 1", 1, 1): np.array([5.0, 6.0])}
    found = Evaluation(parse("'LR 1'!A1+A1"), "S", cells).value[0]
    np.testing.assert_allclose(found, [6.7, 6.85])


def test_empty_cells_are_what_the_engine_takes_them_for() -> None:
    cells = {("S", 1, 1): np.array([3.0, 4.0])}
    for formula, expected in {
        "A1+B7": [3.0, 4.0],
        "SUM(B7:B9)+A1": [3.0, 4.0],
        "AVERAGE(A1:A3)": [3.0, 4.0],
        "SUMPRODUCT(A1:A3,B1:B3)": [0.0, 0.0],
        "MAX(A1:A3)": [3.0, 4.0],
        "SUM(A1:A3+1)": [6.0, 7.0],
        "SUM((B7:B9))+A1": [3.0, 4.0],
        "--(A1>3.5)": [0.0, 1.0],
        "(A1>1)+(A1>2)": [2.0, 2.0],
    }.items():
        assert shown(formula, {("S", 1, 1): 3.0}) == expected[0]
        found = np.broadcast_to(Evaluation(parse(formula), "S", cells, missing=0.0).value[0], (2,))
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("SUM(A1:C1*A1:A3)", 2268.0), ("SUM(A1:B3*A1:A3)", 3109.0), ("SUM(A1:C1*A1:B1)", None),
        ("SUMPRODUCT(A1:C1,A1:B1)", None), ("SUMPRODUCT(A1:B3,A1:C2)", None),
        ("AVERAGE(A1:C1/A1:B1)", None), ("SUM(LN(A1:C1-A2:C2))", None), ("SUM(1,LN(-A1))", None),
        ("SUM(IF(A1:A3>11,1,A1:A2))", None),
        # Excel does not broadcast within SUMPRODUCT; the embedded engine does.
        ("SUMPRODUCT(A1:C1,A1:A3)", None), ("SUMPRODUCT(A1:C1,2)", None),
    ],
)  # fmt: skip
def test_ranges_are_matched_by_rows_and_columns(formula: str, expected: float | None) -> None:
    cells = {("S", r, c): np.array([10.0 * r + c]) for r in range(1, 4) for c in range(1, 4)}
    [found] = Evaluation(parse(formula), "S", cells).value[0]
    assert np.isnan(found) if expected is None else found == expected


def test_a_range_that_is_not_summed_up_is_not_guessed() -> None:
    with pytest.raises(NotEvaluatedError):
        Evaluation(parse("A1:C1"), "S", CELLS)
