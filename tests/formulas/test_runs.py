"""Runs found for stretches of a column are those that are found cell by cell."""

from unittest.mock import patch

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from workbook_tools.formulas import runs
from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.runs import runs_of

FORMULAS = [FilledFormula(f"={k}", ()) for k in range(4)]


def cell_by_cell(cells: dict[int, int]) -> list[Run]:
    """Go down a column: a cell goes on with the run that ends just above, with the one that ends
    where the last formula recurred, with the last one of its formula, or begins a new one."""
    found: list[Run] = []
    usual = 1
    for row, number in cells.items():
        own = [run for run in found if run.formula == FORMULAS[number]]
        open_runs = [r for r in own if r.first_row == r.last_row or row - r.last_row == r.step]
        beside = [r for step in (1, usual) for r in open_runs if row - r.last_row == step]
        latest = own[-1:] if own and own[-1] in open_runs else []
        if not beside and latest:
            usual = row - latest[0].last_row
        for run in [*beside, *latest][:1]:
            run.step, run.last_row = row - run.last_row, row
            break
        else:
            found.append(Run(row, row, FORMULAS[number]))
    return found


blocks = st.lists(st.integers(0, 3), min_size=1, max_size=5)
changes = st.dictionaries(st.integers(0, 30), st.integers(-1, 3), max_size=4)
columns = st.tuples(blocks, st.integers(1, 40), changes)


@given(columns, st.sampled_from((0, 100)))
@example(([0, 1, 2], 20, {7: 0}), 0)
@example(([0, 0, 1], 20, {}), 0)
def test_runs_are_those_that_are_found_cell_by_cell(
    column: tuple[list[int], int, dict[int, int]], many: int
) -> None:
    block, count, changed = column
    cells = {row: changed.get(row, block[row % len(block)]) for row in range(count)}
    cells = {row + 1: number for row, number in cells.items() if number >= 0}
    if cells:
        rows, numbers = np.array(list(cells)), np.array(list(cells.values()))
        with patch.object(runs, "_MANY", many):
            assert runs_of(rows, numbers, FORMULAS) == cell_by_cell(cells)


def test_one_wrong_cell_in_an_iteration_of_three_rows_leaves_the_other_runs_whole() -> None:
    """The second row of an iteration holds the formula of its first row."""
    rows = np.arange(1, 16)
    numbers = np.array([0, 1, 2] * 5)
    numbers[7] = 0
    found = runs_of(rows, numbers, FORMULAS)
    assert [(run.first_row, run.last_row, run.step) for run in found] == [
        (1, 13, 3),
        (2, 5, 3),
        (3, 15, 3),
        (8, 8, 1),
        (11, 14, 3),
    ]
