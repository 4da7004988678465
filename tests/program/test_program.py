"""A program gives for every cell what Excel's rules give when cells are calculated one by one."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from cases import cases
from cell_by_cell import (
    CellByCell,
    Draw,
    cells,
    differences,
    given,
    program,
    shown,
)
from hypothesis import given as drawn
from hypothesis import strategies as st

from workbook_tools.engines import recalculate
from workbook_tools.formulas.sheets import read_sheets
from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.package.columns import Columns
from workbook_tools.package.workbook import open_package
from workbook_tools.program import lanes, loops
from workbook_tools.program import program as program_module
from workbook_tools.program.graph import Graph
from workbook_tools.program.memory import NUMBER
from workbook_tools.program.program import NotCompiledError, Program

SHIPPED = sorted(Path(__file__).parents[2].glob("workbooks/*.xlsx"))
SMALL = [path for path in SHIPPED if path.stat().st_size < 2_000_000]


@drawn(st.integers(0, 10**6))
def test_a_program_gives_what_cells_give_one_by_one(seed: int) -> None:
    contents = Draw(seed).workbook()
    wanted = CellByCell(contents).all()
    assert differences(given(program(contents).calculation(), contents), wanted, contents) == []


@drawn(st.integers(0, 10**6), st.integers(0, 12))
def test_values_that_formulas_contradict_are_found_and_nothing_else(seed: int, wrong: int) -> None:
    contents = Draw(seed).workbook()
    right = CellByCell(contents).all()
    own = random.Random(seed)
    values = dict(right)
    for cell in own.sample(sorted(right), min(wrong, len(right))):
        values[cell] = own.choice([3.25, "text", True, None, CellError("#REF!"), -1e300])
    changed = {cell for cell, value in values.items() if _is_other(value, right[cell])}
    made = program(contents, values)
    memory = made.memory()
    was_stale = made.recalculate(memory)
    assert not was_stale or changed
    assert differences(given(memory.columns(), contents), right, contents) == []


def _is_other(one: CellValue, other: CellValue) -> bool:
    return type(one) is not type(other) or one != other


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Count what calculates cells."""
    found: Counter[str] = Counter()

    def counting(owner: object, name: str, count: Callable[..., int]) -> None:
        own = getattr(owner, name)

        def called(*arguments: object, **named: object) -> object:
            result = own(*arguments, **named)
            found[name] += count(result, *arguments)
            return result

        monkeypatch.setattr(owner, name, called)

    counting(lanes.Batch, "calculated", lambda found, *_: int(found[1].sum()))
    counting(loops.Loop, "run", lambda _, loop, draw: loop._periods)
    counting(loops.Loop, "_strict_period", lambda *_: 1)
    counting(loops.Loop, "_one", lambda *_: 1)
    counting(program_module, "calculate_on_demand", lambda *_: 1)
    return found


LONG = 200
PATHS: dict[str, tuple[dict[str, object], dict[str, int]]] = {
    "lanes": ({"A1:A200": 2, "B1:B200": "=EXP(A1)*A$1"}, {"calculated": 400}),
    "texts in lanes": (
        {"A1:A200": "x", "A5": 3, "B1:B200": '=IF(A1="X",1,LN(A1))', "C1:C200": "=IF(A1=A$7,1,2)"},
        {"calculated": 400},
    ),
    "a loop": (
        {"A1": 1, "A2:A200": "=A1*0.5+B1", "B1:B200": "=TANH(A1)"},
        {"run": LONG, "_strict_period": 0},
    ),
    "a loop over blocks": (
        {"A1": 1, **{f"A{r}": f"=A{r - 1}*{r % 2 + 1}-{r % 2}" for r in range(2, 201)}},
        {"run": LONG // 2, "_strict_period": 0},
    ),
    "a loop with breaks": (
        {"A1": 1, "A2:A200": "=A1*0.5+B1", "B1:B90": "=A1*3", "B91": "=A91*2", "B92": 7,
         "B93": "=A93*4", "B94:B200": "=A94*3"},
        {"run": LONG, "_strict_period": 0, "_one": 2},
    ),
    "a loop with texts": (
        {"A1": 1, "A2:A200": '=IF(C2="on",A1*0.5,A1)+B1', "B1:B200": '=IF(D$1="",A1,2)*0.1',
         "C2:C200": "on", "C9": 7},
        {"run": LONG, "_strict_period": 0, "_one": 0},
    ),
    "a loop with formulas that are not plain": (
        {"A1": 1, "A2:A200": "=A1*0.5+LEN(B1)", "B1:B200": '=A1&"x"'},
        {"run": LONG, "_one": LONG},
    ),
    "a loop with values that are not numbers": (
        {"A1": 1, "A2:A200": "=IF(C2,A1,0)+B1", "B1:B200": "=A1*0.5", "C2:C200": 1, "C9": "x"},
        {"run": LONG, "_strict_period": 192},
    ),
    "upwards": ({"A1:A199": "=A2+1", "A200": 1}, {"calculate_on_demand": 1, "run": 0}),
    "lookups in the own column": (
        {"A1": 1, "A2:A200": "=INDEX(A$1:A$200,1)+1"}, {"calculate_on_demand": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_fast_ways_are_taken(path: str, taken: Counter[str]) -> None:
    columns, least = PATHS[path]
    contents = cells(columns)
    found = given(program(contents).calculation(), contents)
    assert differences(found, CellByCell(contents).all(), contents) == []
    for name, count in least.items():
        assert taken[name] >= count, name
        assert count or not taken[name], name


def calculated(columns: dict[str, object]) -> dict[str, CellValue]:
    contents = cells(columns)
    found = given(program(contents).calculation(), contents)
    return {shown(cell): value for cell, value in found.items()}


CIRC = CellError("#CIRC!")


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        ({"A1": "=A1+1", "B1": "=A1"}, {"S!A1": CIRC, "S!B1": CIRC}),
        ({"A1": "=B1", "B1": "=IF(C1,A1,7)", "C1": 0}, {"S!A1": 7.0, "S!B1": 7.0}),
        ({"A1": "=B1", "B1": "=IFERROR(A1,7)"}, {"S!A1": CIRC, "S!B1": CIRC}),
        (
            {f"T{k}!A1": f"=T{(k + 1) % 10}!A1+1" for k in range(10)},
            {f"T{k}!A1": CIRC for k in range(10)},
        ),
        (
            {**{f"T{k}!A2": f"=T{k + 1}!A2+1" for k in range(9)}, "T9!A2": "=T0!A1", "T0!A1": 5},
            {f"T{k}!A2": 14.0 - k for k in range(10)},
        ),
    ],
)
def test_only_what_reads_itself_is_circular(
    columns: dict[str, object], values: dict[str, CellValue]
) -> None:
    assert calculated(columns) == values


def test_values_in_a_circle_are_calculated_although_they_agree() -> None:
    contents = cells({"A1": "=B1", "B1": "=A1", "C1": "=A1+1"})
    values: dict[tuple[str, int, int], CellValue] = {
        ("S", 1, 1): 0.0, ("S", 1, 2): 0.0, ("S", 1, 3): 1.0,
    }  # fmt: skip
    found = given(program(contents, values).calculation(), contents)
    assert set(found.values()) == {CIRC}


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("=1E308*10", CellError("#NUM!")),
        ('="x"+1', CellError("#VALUE!")),
        ("=Nowhere!A1", CellError("#REF!")),
        ("=SUM(Nowhere!A1:B9)", CellError("#REF!")),
        ("=IF(B1>0,B1>1,5)", True),
        ("=+(B1>1)", True),
        ("=NOT(B1)%", 0.0),
        ("=OR(B1>0,LN(-1)>0)", CellError("#NUM!")),
        ("=AND(B1>0,C9)", True),
        ("=SUM(XFD1048575:XFD1048576)", 3.0),
        ("=SUM(D:XFD)", 3.0),
        ("=SUM(1048570:1048576)", 3.0),
        ("=OFFSET(B1,1,0)", 8.0),
        ('=SUMIF(B1:B2,">0",D1)', 9.0),
    ],
)
def test_odd_formulas_have_their_values(formula: str, value: CellValue) -> None:
    columns = {"A1": formula, "B1": 2, "B2": "=D1*4", "D1": "=B1", "D2": "=D1+5",
               "XFD1048576": "=B1+1"}  # fmt: skip
    if "D:XFD" in formula:
        columns = {"A1": formula, "D1": 1, "XFD7": "=D1*2"}
    assert calculated(columns)["S!A1"] == value


@pytest.mark.parametrize(
    "formula", ["=FOO(1)", "=A2+_0", "=A2:A9 A3", "=[1]S!A1", "=((1)", "=#", "=SUM(A2:XFD1048576)"]
)
def test_what_is_not_understood_is_not_guessed(formula: str) -> None:
    with pytest.raises(NotCompiledError):
        program(cells({"C1:C20": formula, "A2": 1, "XFD1048576": 1})).calculation()


def _from_nothing(path: Path) -> tuple[Program, Columns, Columns]:
    """Return a workbook's program, the values that it gives from nothing, and the stored ones."""
    with open_package(path) as package:
        sheets, values = read_sheets(package)
    made = Program(Graph.of(sheets), sheets, values)
    memory = made.memory()
    for node in made.graph.nodes:
        base, _, _ = made.layout.column(made.layout.number[node.sheet], node.column)
        for place in (base + row for row in node.run.rows):
            memory.put(place, None)
    assert made.recalculate(memory) or not made.graph.nodes
    return made, memory.columns(), values


def _assert_alike(made: Program, one: Columns, other: Columns, allowed: float) -> None:
    for node in made.graph.nodes:
        run = node.run
        place = node.sheet, run.first_row, run.last_row, [node.column]
        found, wanted = one.numbers(*place), other.numbers(*place)
        mine, theirs = (own.values[:: run.step, 0] for own in (found, wanted))
        largest = np.maximum(np.maximum(np.abs(mine), np.abs(theirs)), 1e-290)
        alike = (np.abs(mine - theirs) <= allowed * largest) | (np.isnan(mine) & np.isnan(theirs))
        assert alike.all(), place
        for row in run.rows if found.others or wanted.others else ():
            at = row, node.column
            assert found.others.get(at) == wanted.others.get(at), at


@pytest.mark.slow
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_workbooks_hold_what_their_programs_give(path: Path) -> None:
    made, found, values = _from_nothing(path)
    _assert_alike(made, found, values, 1e-12)
    memory = made.memory()
    assert not made.recalculate(memory)
    assert (memory.kinds == NUMBER).any()


@pytest.mark.slow
@pytest.mark.parametrize(
    "engine", ["embedded", "ironcalc", pytest.param("libreoffice", marks=pytest.mark.libreoffice)]
)
@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.stem)
def test_other_engines_give_the_same_for_shipped_workbooks(path: Path, engine: str) -> None:
    made, found, _ = _from_nothing(path)
    # LibreOffice corrects its sums, which shows where large numbers cancel.
    allowed = 1e-9 if engine == "libreoffice" else 1e-11
    _assert_alike(made, found, recalculate(path, engine), allowed)


@cases(20)
@drawn(st.integers(0, 10**6))
def test_a_workbook_of_the_file_gives_the_same_as_a_new_one(seed: int) -> None:
    contents = Draw(seed).workbook()
    first = given(program(contents).calculation(), contents)
    made = program(contents, first)
    assert made.calculation() is made.values
