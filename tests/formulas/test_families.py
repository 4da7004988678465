"""Which cells hold the same formula, in tables with a row or a block of rows an iteration."""

from collections.abc import Callable

import numpy as np

from workbook_tools.formulas.families import Families
from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.runs import runs_of

FIRST = 10


def families(formula: Callable[[int, int], str | None], block: int, iterations: int) -> Families:
    """Sort a column whose formulas are made from their row and the first row of the iteration."""
    count = block * iterations
    texts = {row: formula(row, row - (row - FIRST) % block) for row in range(FIRST, FIRST + count)}
    cells = {row: FilledFormula.parse(text, row) for row, text in texts.items() if text}
    distinct = list(dict.fromkeys(cells.values()))
    numbers = np.array([distinct.index(own) for own in cells.values()])
    runs = runs_of(np.array(list(cells)), numbers, distinct)
    return Families.of(runs, np.arange(FIRST, FIRST + count), block)


def test_a_formula_that_reads_the_first_row_of_its_iteration_is_one_formula() -> None:
    found = families(lambda row, begin: f"=F{begin}*E{row}", block=4, iterations=3)
    assert set(found.numbers) == {0}
    assert found.formulas[0].at(FIRST + 6) == f"=F{FIRST + 4}*E{FIRST + 6}"


def test_a_formula_that_reads_the_row_above_is_one_formula() -> None:
    found = families(lambda row, begin: f"=MOD(B{row - 1},$N$30)+1", block=4, iterations=3)
    assert set(found.numbers) == {0}


def test_a_formula_over_the_rows_of_an_iteration_is_one_formula() -> None:
    def once(row: int, begin: int) -> str | None:
        return f"=SUM(E{begin}:E{begin + 3})/F{begin - 4}" if row == begin else None

    found = families(once, block=4, iterations=3)
    assert found.numbers.tolist() == [0, -1, -1, -1] * 3


def test_the_same_distance_to_another_row_of_the_iteration_is_another_formula() -> None:
    """Row 2 of an iteration reads the row above it, as row 1 does, instead of the first."""
    changed = FIRST + 6

    def slipped(row: int, begin: int) -> str:
        return f"=F{row - 1 if row == changed else begin}*E{row}"

    found = families(slipped, block=4, iterations=3)
    assert found.numbers.tolist().count(found.numbers[0]) == 11
    assert found.numbers[changed - FIRST] != found.numbers[0]


def test_a_single_iteration_is_enough_to_see_what_is_alike() -> None:
    found = families(lambda row, begin: f"=F{begin}*E{row}", block=4, iterations=1)
    assert set(found.numbers) == {0}


def test_with_a_row_an_iteration_formulas_are_alike_when_filled_down() -> None:
    found = families(lambda row, begin: f"=A{row - 1}+{row == 12}", block=1, iterations=5)
    assert found.numbers.tolist() == [0, 0, 1, 0, 0]
