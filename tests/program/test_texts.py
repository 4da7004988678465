"""Comparisons with texts are calculated fast, and give what Excel's rules give."""

import random

from cell_by_cell import CONSTANTS, CellByCell, Content, cells, differences, given, program
from hypothesis import given as drawn
from hypothesis import strategies as st

from workbook_tools.notation.addresses import column_letter
from workbook_tools.package.cell_values import CellValue
from workbook_tools.program.memory import Memory

COMPARISONS = [
    'A2="a"', '"A"=A2', 'A2<>"a"', 'A2=""', '""<>A2', 'A2="3"', 'A2="(("', '(A2)=("a""b")',
    "A2=B2", "A2<>B2", "A2=A$3", 'A$4="a"', 'ZZ2="a"', 'ZZ2=""', "A2=ZZ2",
]  # fmt: skip
HELD: list[Content | None] = [*CONSTANTS, "((", 'A"b', "b", 0.1 + 0.2, 0.3]
ROWS = 25


def columns(seed: int) -> dict[str, object]:
    """Return two columns of whatever cells hold."""
    own = random.Random(seed)
    held = {f"{column}{row}": own.choice(HELD) for column in "AB" for row in range(1, ROWS + 1)}
    return {place: value for place, value in held.items() if value is not None}


@drawn(st.integers(0, 10**6))
def test_texts_are_compared_as_cell_by_cell(seed: int) -> None:
    found = columns(seed)
    for k, test in enumerate(COMPARISONS):
        own, fed, feeding = (column_letter(4 + 3 * k + i) for i in range(3))
        found[f"{own}2:{own}{ROWS}"] = f"=IF({test},A2*2,IF(NOT({test}),B2+1,LN(A2)))"
        found[f"{fed}1"] = 1
        found[f"{fed}2:{fed}{ROWS}"] = f"=IF({test},{feeding}1,0.5)"  # these two are a loop
        found[f"{feeding}1:{feeding}{ROWS}"] = f"={fed}1*2"
    contents = cells(found)
    wanted = CellByCell(contents).all()
    assert differences(given(program(contents).calculation(), contents), wanted, contents) == []


@drawn(st.integers(0, 10**6))
def test_texts_of_each_draw_are_compared(seed: int) -> None:
    letters = [column_letter(4 + k) for k in range(len(COMPARISONS))]
    tests = zip(letters, COMPARISONS, strict=True)
    formulas = {f"{own}2:{own}{ROWS}": f"=IF({test},1,2)" for own, test in tests}
    contents = cells({**columns(seed), **formulas})
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
