"""Comparisons with texts are calculated fast, and give what Excel's rules give."""

import random

import pytest
from cell_by_cell import CONSTANTS, CellByCell, Content, cells, differences, given, program
from hypothesis import given as drawn
from hypothesis import strategies as st

from workbook_tools.package.cell_values import CellValue
from workbook_tools.program.memory import Memory

COMPARISONS = [
    'A2="a"', '"A"=A2', 'A2<>"a"', 'A2=""', '""<>A2', 'A2="3"', 'A2="(("', '(A2)=("a""b")',
    "A2=B2", "A2<>B2", "A2=A$3", 'A$4="a"', 'Z2="a"', 'Z2=""', "A2=Z2",
]  # fmt: skip
HELD: list[Content | None] = [*CONSTANTS, "((", 'A"b', "b", 0.1 + 0.2, 0.3]
ROWS = 60


def columns(seed: int) -> dict[str, object]:
    """Return two columns of whatever cells hold."""
    own = random.Random(seed)
    held = {f"{column}{row}": own.choice(HELD) for column in "AB" for row in range(1, ROWS + 1)}
    return {place: value for place, value in held.items() if value is not None}


@pytest.mark.parametrize("comparison", COMPARISONS)
@drawn(st.integers(0, 10**6))
def test_texts_are_compared_as_cell_by_cell(comparison: str, seed: int) -> None:
    contents = cells(
        {
            **columns(seed),
            f"D2:D{ROWS}": f"=IF({comparison},1,2)",
            f"E2:E{ROWS}": f"=IF({comparison},A2*2,IF(NOT({comparison}),B2+1,LN(A2)))",
            "F1": 1,
            f"F2:F{ROWS}": f"=IF({comparison},G1,0.5)",  # these two are a loop
            f"G1:G{ROWS}": "=F1*2",
        }
    )
    found = given(program(contents).calculation(), contents)
    assert differences(found, CellByCell(contents).all(), contents) == []


@pytest.mark.parametrize("comparison", COMPARISONS)
@drawn(st.integers(0, 10**6))
def test_texts_of_each_draw_are_compared(comparison: str, seed: int) -> None:
    contents = cells({**columns(seed), f"D2:D{ROWS}": f"=IF({comparison},1,2)"})
    own = random.Random(seed)
    draws = {("S", row, 1): [own.choice(HELD) for _ in range(3)] for row in range(2, 9)}
    made = program({**contents, **dict.fromkeys(draws, 0.0)})
    memory = Memory.of(made.layout, made.values, 3)
    for cell, values in draws.items():
        memory.put(made.layout.place_of(cell), *values)
    made.run(memory, range(len(made.graph.nodes)))
    for draw in range(3):
        alone = {**contents, **{cell: values[draw] for cell, values in draws.items()}}
        wanted: dict[tuple[str, int, int], CellValue] = CellByCell(alone).all()  # type: ignore[arg-type]
        found = {cell: memory.get(made.layout.place_of(cell), draw) for cell in wanted}
        assert differences(found, wanted, contents) == []
