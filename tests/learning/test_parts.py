"""The parts of which the search for what learns is made, each against something simpler."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.formula.translate import Translator

from workbook_tools.differentiation.proportional import factors, matches
from workbook_tools.learning.flow import Flow
from workbook_tools.learning.moved import moved
from workbook_tools.learning.ranges import ranges, rectangles
from workbook_tools.learning.reads import Reads

SIZE = 12
pairs = st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)), max_size=30)
cells = st.sets(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=20)


@given(pairs, st.sets(st.integers(0, SIZE - 1), max_size=4), st.integers(0, SIZE - 1))
def test_cells_are_reached_by_all_ways_that_do_not_lead_through_parameters(
    read: list[tuple[int, int]], parameters: set[int], begin: int
) -> None:
    own = [pair for pair in read if pair[0] not in parameters]
    numbers = np.array(read, dtype=np.int64).reshape(-1, 2)
    nothing = np.zeros(len(numbers), dtype=np.int64)
    reads = Reads(*numbers.T, nothing, nothing, nothing.astype(bool), *[np.arange(SIZE)] * 2)
    flow = Flow(reads, np.array(sorted(parameters), dtype=np.int64))
    reached = {begin}
    for _ in range(SIZE):
        reached |= {other for reader, other in own if reader in reached}
    assert set(np.flatnonzero(flow.upstream(np.array([begin])))) == reached
    back = {begin}
    for _ in range(SIZE):
        back |= {reader for reader, other in own if other in back}
    assert set(np.flatnonzero(flow.downstream(np.array([begin])))) == back


@given(st.integers(0, 2**32 - 1))
def test_multiples_are_found_as_by_comparing_all_rows(seed: int) -> None:
    chance = np.random.default_rng(seed)
    others = chance.normal(size=(5, 4)) * (chance.random((5, 4)) > 0.3)
    numbers = others[chance.integers(0, 5, 7)] * chance.choice([-3.0, 1.0, 2.5], 7)[:, None]
    numbers[0] = chance.normal(size=4)
    found = {
        (int(one), int(other))
        for rows, own, _ in matches(numbers, others)
        for one, other in zip(rows, own, strict=True)
    }
    for one, other in product(range(7), range(5)):
        [factor] = factors(numbers[[one]], others[[other]])
        nonzero = others[other][others[other] != 0]
        tells = len({round(abs(own), 9) for own in nonzero}) > 1
        assert ((one, other) in found) == bool(np.isfinite(factor) and tells)


def test_rows_that_are_the_same_in_all_draws_are_multiples_by_chance() -> None:
    assert not any(len(rows) for rows, *_ in matches(np.ones((1, 4)), np.full((1, 4), 2.0)))


@pytest.mark.parametrize(
    "formula",
    ["=A5*$B$3+C$4-$D5", "=SUM(A3:B9)/4", "='my A1'!B3+LOG10(A4)", '="A1"&B7', "=IF(A4>B4,1,0)"],
)
@pytest.mark.parametrize(("down", "right"), [(1, 0), (0, 2), (3, 4), (-2, 0)])
def test_a_copied_formula_reads_as_openpyxl_translates_it(
    formula: str, down: int, right: int
) -> None:
    other = Translator(formula, origin="F20").translate_formula(row_delta=down, col_delta=right)
    assert moved(formula, down, right) == other


def test_a_formula_that_would_leave_the_sheet_cannot_be_copied() -> None:
    assert moved("=A1", -1, 0) is None
    assert moved("=A1", 0, -1) is None


@given(cells)
def test_ranges_hold_exactly_the_cells(own: set[tuple[int, int]]) -> None:
    every = [("S", row, column) for row, column in own]
    inside = [
        (row, column)
        for top, left, bottom, right in rectangles(every)
        for row in range(top, bottom + 1)
        for column in range(left, right + 1)
    ]
    assert len(inside) == len(set(inside))
    assert set(inside) == own


def test_a_block_is_one_range() -> None:
    assert ranges([("S", row, column) for row in (2, 3) for column in (2, 3, 4)]) == "B2:D3"
