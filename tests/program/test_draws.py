"""Several draws of numbers give in each draw what that draw gives alone."""

import random

import numpy as np
from cell_by_cell import NUMBERS, CellByCell, Draw, Formula, program, stored
from hypothesis import given
from hypothesis import strategies as st

from workbook_tools.evaluator.formula import evaluator
from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.tree import parse
from workbook_tools.package.cell_values import CellValue
from workbook_tools.program.draws import values_of
from workbook_tools.program.memory import Memory

DRAWS = 3
TEXTS = ["a", "A", "", "("]
Place = tuple[str, int, int]


def same(one: CellValue, other: CellValue) -> bool:
    """Tell whether values are the same; NumPy's functions may differ in the last digit."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-12 * max(abs(one), abs(other))
    return type(one) is type(other) and one == other


@given(st.integers(0, 10**6))
def test_each_draw_gives_what_it_gives_alone(seed: int) -> None:
    drawing = Draw(seed)
    contents = drawing.workbook()
    own = random.Random(seed)
    numbers: list[Place] = [
        cell for cell, value in sorted(stored(contents).items()) if isinstance(value, float)
    ]
    changed = own.sample(numbers, min(4, len(numbers)))
    drawn = {cell: [own.choice([*NUMBERS, *TEXTS]) for _ in range(DRAWS)] for cell in changed}
    made = program(contents)
    memory = Memory.of(made.layout, made.values, DRAWS)
    for cell, values in drawn.items():
        memory.put(made.layout.place_of(cell), *values)
    made.run(memory, range(len(made.graph.nodes)))
    formulas = [cell for cell, content in contents.items() if isinstance(content, Formula)]
    for draw in range(DRAWS):
        alone = program({**contents, **{cell: own[draw] for cell, own in drawn.items()}})
        wanted = alone.memory()
        alone.recalculate(wanted)
        for cell in formulas:
            found = memory.get(made.layout.place_of(cell), draw)
            value = wanted.get(alone.layout.place_of(cell))
            assert same(found, value) or _is_unsteady(found, value), (cell, contents[cell])


def _is_unsteady(one: CellValue, other: CellValue) -> bool:
    """Tell whether values may differ by more: what is left of large numbers, or a comparison."""
    return isinstance(one, float) and isinstance(other, float) and abs(one - other) < 1e-6


@given(st.integers(0, 10**6))
def test_formulas_give_in_each_draw_what_strict_gives(seed: int) -> None:
    drawing = Draw(seed)
    drawing.names = ["One"]
    drawing.workbook()
    formulas = [drawing.formula(0, 1, 20) for _ in range(2)]
    formulas += [FilledFormula.parse(formula, 0).at(1) for formula in formulas]  # of the same shape
    own = random.Random(seed)
    cells = [("One", row, column) for row in range(1, 25) for column in range(1, 9)]
    kept = own.sample(cells, 150)
    numbers = {
        cell: np.array([float(own.choice(NUMBERS)) for _ in range(own.choice([1, DRAWS]))])  # type: ignore[arg-type]
        for cell in kept
    }
    numbers[kept[0]] = np.array([np.nan])  # a text
    for formula, found in zip(formulas, values_of(formulas, "One", numbers, DRAWS), strict=True):
        assert found is not None
        assert found.shape == (DRAWS,)
        for draw in range(DRAWS):
            alone = {
                cell: "" if np.isnan(value[0]) else float(value[draw % len(value)])
                for cell, value in numbers.items()
            }
            wanted = evaluator(parse(formula), is_array=True)(CellByCell(alone), "One", 0, 0)
            number = wanted if isinstance(wanted, float) else np.nan
            assert found[draw] == number or abs(found[draw] - number) <= 1e-12 * abs(number) or (
                np.isnan(found[draw]) and np.isnan(number)
            ), (formula, draw)  # fmt: skip
