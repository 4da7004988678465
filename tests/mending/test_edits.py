"""Every edit that is proposed makes the formula right, whatever formula was wrong."""

import numpy as np
import pytest
from cases import cases
from hypothesis import assume, given
from hypothesis import strategies as st

from workbook_tools.formulas.replacing import replaced
from workbook_tools.formulas.tree import parse
from workbook_tools.judging.probe import agree
from workbook_tools.mending.edits import edits
from workbook_tools.mending.evaluation import Evaluation
from workbook_tools.mending.grouping import regrouped
from workbook_tools.mending.problem import Candidate, Problem
from workbook_tools.notation.addresses import cell_name
from workbook_tools.program.draws import values_of

TRIALS = 3
CELLS = [(row, column) for row in (1, 2, 3) for column in (1, 2, 3)]
CHANCE = np.random.default_rng(3)
NUMBERS = {("S", row, column): CHANCE.uniform(-2, 2, TRIALS) for row, column in CELLS}
CANDIDATES = [
    Candidate(cell_name(row, column), "number", values, strange=False)
    for (_, row, column), values in NUMBERS.items()
]


def formulas() -> st.SearchStrategy[str]:
    """Arithmetic and functions over nine cells and their ranges."""
    leaves = st.sampled_from(["A1", "$B$2", "C3", "A3", "2", "0.5"])
    ranges = st.sampled_from(["A1:A3", "$B1:$B3", "A1:C1"])
    totals = st.builds("{}({})".format, st.sampled_from(["SUM", "MAX", "AVERAGE"]), ranges)
    products = st.builds("SUMPRODUCT({},B1:B3*2)".format, st.just("A1:A3"))

    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.one_of(
            st.builds("{}{}{}".format, inner, st.sampled_from("+-*/"), inner),
            inner.map("({})".format),
            inner.map("-{}".format),
            inner.map("EXP({})".format),
            st.builds("IF({}>0,{},{})".format, inner, inner, inner),
            st.builds("MAX(0,{})".format, inner),
        )

    return st.recursive(leaves | totals | products, grown, max_leaves=6)


@cases(150)
@given(formulas(), formulas())
def test_every_edit_makes_a_formula_right(wrong: str, meant: str) -> None:
    [expected] = values_of([meant], "S", NUMBERS, TRIALS)
    assume(expected is not None and np.isfinite(expected).all())
    problem = Problem("S", NUMBERS, expected, CANDIDATES, {})
    for edit in edits(parse(wrong), problem):
        assert agree(Evaluation(edit.tree, "S", NUMBERS).value[0], expected)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("A1*B1*C1", "A1*B1+A2*C1"),  # a term is missing amid a product
        ("A1*C1", "A1-B1*C1"),
        ("A1/C1", "A1+B1/C1"),
        ("A1/B1*C1", "A1-B1*C1"),  # an operator that binds less
        ("A1-B1*C1", "A1/B1*C1"),
        ("(A1-B1)*C1-A2*C2", "(A1-B1)*C1*A2*C2"),
        ("A1*(B1)", "A1*(B1-0.5)"),
    ],
)
def test_the_smallest_edit_is_what_was_meant(wrong: str, meant: str) -> None:
    [expected] = values_of([meant], "S", NUMBERS, TRIALS)
    assert expected is not None
    found = edits(parse(wrong), Problem("S", NUMBERS, expected, CANDIDATES, {}))
    assert str(found[0].tree) == meant


@pytest.mark.parametrize("number", ["150", "4"])
def test_a_number_that_the_right_formula_has_may_be_meant(number: str) -> None:
    meant = f"A1/{number}"
    [expected] = values_of([meant], "S", NUMBERS, TRIALS)
    assert expected is not None
    problem = Problem("S", NUMBERS, expected, CANDIDATES, {}, constants=(number,))
    assert str(edits(parse("A1/300.5"), problem)[0].tree) == meant
    assert str(edits(parse("A1"), problem)[0].tree) == meant


@cases(150)
@given(formulas())
@np.errstate(all="ignore")
def test_a_line_grouped_in_another_way_has_the_value_of_the_formula_that_is_written(
    formula: str,
) -> None:
    evaluation = Evaluation(parse(formula), "S", NUMBERS)
    for new in regrouped(evaluation, trial=1):
        part, value = new.part()
        tree = replaced(evaluation.tree, new.route, part)
        assert parse(str(tree)) == tree
        written = Evaluation(tree, "S", NUMBERS).value
        found = evaluation.with_parts({new.route: value})
        same = np.broadcast_arrays(found, written)
        assert np.array_equal(*same, equal_nan=True)
        if (number := new.number()) is not None:
            [own, _] = np.broadcast_arrays(value, NUMBERS["S", 1, 1])
            assert np.isclose(number, own.ravel()[1], equal_nan=True)


@pytest.mark.parametrize(
    ("formula", "others"),
    [
        ("A1*(B1+C1)", {"A1*B1+C1"}),
        ("A1-B1+C1", {"A1-(B1+C1)"}),
        ("-A1*B1", {"-A1+B1", "-A1^B1"}),
        ("MAX(A1+B1*C1,0)", {"MAX((A1+B1)*C1,0)", "MAX(A1*B1*C1,0)", "MAX(A1+B1+C1,0)"}),
    ],
)
@np.errstate(all="ignore")
def test_parts_are_grouped_in_all_other_ways(formula: str, others: set[str]) -> None:
    evaluation = Evaluation(parse(formula), "S", NUMBERS)
    found = [
        str(replaced(evaluation.tree, new.route, new.part()[0]))
        for new in regrouped(evaluation, trial=0)
    ]
    assert others <= {*found}
    assert len(found) == len({*found})


def test_the_same_formula_is_mended_by_the_numbers_of_its_own_problem() -> None:
    for meant in ("A1-B1", "A1/B1", "A1-B1"):
        [expected] = values_of([meant], "S", NUMBERS, TRIALS)
        assert expected is not None
        found = edits(parse("A1*B1"), Problem("S", NUMBERS, expected, CANDIDATES, {}))
        assert str(found[0].tree) == meant
