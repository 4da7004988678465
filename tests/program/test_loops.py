"""Formulas that feed themselves are calculated in loops, fast, whatever their columns look like."""

import time

import pytest
from cell_by_cell import CellByCell, cells, columns_of, differences, given, program

from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.runs import runs_of
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.tree import SyntaxProblemError, parse, parse_long
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.program.graph import Graph
from workbook_tools.program.loops import Loop
from workbook_tools.program.program import NotCompiledError, Program
from workbook_tools.program.source import lanes_source

import numpy as np  # isort: skip


def table(rows: int, **columns: object) -> dict[Cell, object]:
    """Return a table that trains: a weight that its own gradient changes."""
    return cells(  # type: ignore[return-value]
        {
            "A2": 0.3,
            f"A3:A{rows}": "=A2-0.1*C2",
            f"B2:B{rows}": "=TANH(A2*D2)",
            f"C2:C{rows}": "=(B2-E2)*(1-B2^2)*D2",
            f"D2:D{rows}": 0.5,
            f"E2:E{rows}": 0.25,
            **columns,
        }
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"B9": "=A9*2"},
        {"B9": 7},
        {"B9": "x"},
        {"B9": CellError("#N/A")},
        {"B9": "=1/0", "B10": 1},
        {"B9:B20": "=A9", "C30:C33": "=B30*0.5"},
        {"D9": "x", "E30": True},
        {"B5:B7": "=B4", "B8": "=A5", "A40:A44": 1},
        {"F2:F9": "=A2+F1", "A10": "=A9-F9*0"},
        {"F50:F60": "=A50+F49", "A60": "=A59-F59*0"},
        {f"B{row}": f"=A{row}*0.{row}" for row in range(3, 60, 3)},
        {f"C{row}": f"=B{row}*0.1" for row in range(3, 60, 7)},
        {"B9:B60": "=TANH(A9)*SUM(Z$1:Z$3)", "Z1": 1, "Z2": True, "Z3": 3},
        {"B9": "=A9+IF(D9,1,2)", "B10": "=A10+IF(Z10,1,2)", "B11": "=SUM(D2:D11,A11)"},
    ],
)
def test_breaks_in_a_table_have_their_values(changed: dict[str, object]) -> None:
    contents = table(60, **changed)
    found = given(program(contents).calculation(), contents)  # type: ignore[arg-type]
    wanted = CellByCell(contents).all()  # type: ignore[arg-type]
    assert differences(found, wanted, contents) == []  # type: ignore[arg-type]


def _long(columns: dict[int, dict[int, str]], values: dict[Cell, CellValue]) -> Program:
    """Return the program of a sheet of many formulas."""
    sheet = Sheet("S")
    for column, formulas in columns.items():
        numbers: dict[FilledFormula, int] = {}
        rows = np.array(sorted(formulas))
        own = [FilledFormula.parse(formulas[row], row) for row in rows.tolist()]
        found = np.array([numbers.setdefault(formula, len(numbers)) for formula in own])
        sheet.runs[column] = runs_of(rows, found, list(numbers))
    return Program(Graph.of([sheet]), [sheet], columns_of(values))


def test_thousands_of_mistakes_in_a_long_table_take_no_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    strict = []
    monkeypatch.setattr(Loop, "_strict_period", lambda self, period: strict.append(period))
    rows, mistakes = 12_000, range(5, 12_000, 6)
    weights = {row: f"=A{row - 1}-0.1*C{row - 1}" for row in range(3, rows)}
    outputs = {row: f"=TANH(A{row}*D{row})" for row in range(2, rows)}
    outputs |= {row: f"=TANH(A{row}*D{row})*{row}/{row + 1}" for row in mistakes}
    errors = {row: f"=(B{row}-0.25)*D{row}" for row in range(2, rows)}
    values: dict[Cell, CellValue] = {("S", row, 4): 0.5 for row in range(2, rows)}
    made = _long({1: weights, 2: outputs, 3: errors}, {**values, ("S", 2, 1): 0.3})
    begun = time.process_time()
    found = made.calculation()
    assert time.process_time() - begun < 20
    assert strict == []
    weight, output, error = 0.3, 0.0, 0.0
    for row in range(2, 200):
        weight = weight - 0.1 * error if row > 2 else weight
        output = float(np.tanh(weight * 0.5)) * (row / (row + 1) if row in mistakes else 1)
        error = (output - 0.25) * 0.5
    assert found.block("S", 199, 1, 199, 3) == [pytest.approx([weight, output, error], rel=1e-12)]


def test_different_blocks_and_odd_steps_are_calculated_in_reasonable_time() -> None:
    blocks = {
        row: f"=A{row - 1}*0.5+{row // 5}/1000" if row % 5 else f"=A{row - 1}-B{row - 1}*{row}/1E6"
        for row in range(3, 3_000)
    }
    others = {row: f"=A{row}*0.5" if row % 7 else f"=A{row}*0.25" for row in range(2, 3_000)}
    made = _long({1: blocks, 2: others}, {("S", 2, 1): 0.3})
    begun = time.process_time()
    found = made.calculation()
    assert time.process_time() - begun < 20
    own = 0.3
    for row in range(3, 3_000):
        above = own * (0.5 if (row - 1) % 7 else 0.25)
        own = own * 0.5 + row // 5 / 1000 if row % 5 else own - above * row / 1e6
    assert found.block("S", 2_999, 1, 2_999, 1) == [[pytest.approx(own, rel=1e-12)]]


def test_a_column_of_different_formulas_is_calculated_in_reasonable_time() -> None:
    made = _long(
        {1: {row: f"=B{row}*{row}.5+{row}" for row in range(2, 5_000)},
         3: {row: f"=C{row - 1}*0.5+{row}" for row in range(2, 5_000)}},
        {("S", row, 2): float(row) for row in range(2, 5_000)},
    )  # fmt: skip
    begun = time.process_time()
    found = made.calculation()
    assert time.process_time() - begun < 20
    assert found.block("S", 100, 1, 100, 1) == [[100 * 100.5 + 100]]
    assert found.block("S", 4_999, 3, 4_999, 3)[0][0] == pytest.approx(9_996)


TERMS = 2_000


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("=" + "+".join(["A1"] * TERMS), 2.0 * TERMS),
        ("=" + "-".join(["A1"] * TERMS), 4.0 - 2.0 * TERMS),
        ("=A1" + "*1" * TERMS, 2.0),
        ("=A1" + "^1" * TERMS, 2.0),
        ("=EXP(0*(" + "+".join(["A1"] * TERMS) + "))", 1.0),
        ("=" + "+".join(["A1"] * 1_000) + '&"x"', "2000x"),
        ("=" + "+".join(["A1"] * 1_000) + "=2000", True),
        ("=SUM(A1:A1+" + "+".join(["A1"] * 1_000) + ")", 2_002.0),
        ("=" + "(" * 150 + "A1" + ")" * 150, 2.0),
        ("=" + "ABS(" * 150 + "A1" + ")" * 150, 2.0),
        ("=" + "IF(A1>0," * 60 + "A1" + ",2)" * 60, 2.0),
        ('=IF(A1="' + ")" * 300 + '",1,' + "ABS(" * 150 + "A1" + ")" * 151, 2.0),
    ],
)
def test_long_formulas_are_calculated(formula: str, value: CellValue) -> None:
    for place in ("B1", "B1:B20"):
        contents = cells({"A1": 2, place: formula.replace("A1", "$A$1")})
        if len(formula.replace("A1", "$A$1")) > 8_192:
            contents = cells({"A1:A20": 2, place: formula})
        found = given(program(contents).calculation(), contents)
        assert set(found.values()) == {value}
    fed = cells({"A1": 2, "B1": "=A1", "A2": "=B1", "B2": formula.replace("A1", "A2")})
    assert given(program(fed).calculation(), fed)["S", 2, 2] == value


def test_long_formulas_are_calculated_in_loops() -> None:
    contents = cells({"A1": 1, "A2:A20": "=" + "+".join(["A1*0.001"] * 500)})
    found = given(program(contents).calculation(), contents)
    assert differences(found, CellByCell(contents).all(), contents) == []


@pytest.mark.parametrize(
    "formula",
    [
        "=" + "(" * 1_000 + "A1" + ")" * 1_000,
        "=" + "ABS(" * 1_000 + "A1" + ")" * 1_000,
        "=" + "-" * 1_000 + "A1",
        "=A1" + "%" * 1_000,
        "=" + "1-(" * 1_000 + "A1" + ")" * 1_000,
        "=" + "@" * 1_000 + "A1",
        "=A1" + "+A1" * 5_000,
        "=A1" + ":A1" * 1_000,
    ],
)
def test_deeply_nested_formulas_are_refused_and_crash_nothing(formula: str) -> None:
    with pytest.raises(SyntaxProblemError):
        parse_long(formula)
    with pytest.raises(NotCompiledError):
        program(cells({"A1": 1, "B1": formula})).calculation()


def test_only_programs_read_chains_of_any_length() -> None:
    chain = "=" + "+".join(["A1"] * 1_000)
    with pytest.raises(SyntaxProblemError):
        parse(chain)
    assert parse_long(chain)


def test_chains_of_any_length_are_compiled() -> None:
    assert lanes_source("+".join(f"_{k}" for k in range(1_000))).count("t := ") == 19
