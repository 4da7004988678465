"""Circular references are found from the formulas, and named where they were made."""

import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from handmade import FORMULAS, HandMade
from office import recalculate_together

from workbook_tools.checking.verify import verify
from workbook_tools.engines import recalculate
from workbook_tools.engines.cached_values import fill
from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import FilledFormula, areas
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.judging.faults import Kind
from workbook_tools.program.cycles import Formulas, shown
from workbook_tools.program.graph import Graph


def sheet(formulas: Mapping[str, str], name: str = "S") -> Sheet:
    """Return a sheet with these formulas, by cell or by the range that they were filled into."""
    made = Sheet(name)
    for place, formula in formulas.items():
        [area] = areas(place)
        parsed = FilledFormula.parse(formula, area.first_row)
        runs = made.runs.setdefault(area.first_column, [])
        runs.append(Run(area.first_row, area.last_row, parsed))
    return made


def cycles(*sheets: Sheet) -> set[str]:
    """Return the cycles through the first cells of formulas."""
    formulas = Formulas(Graph.of(sheets))
    return {shown(found) for node in formulas.suspects if (found := formulas.cycle(node.cell))}


@pytest.mark.parametrize(
    ("formulas", "found"),
    [
        ({"A5": "=A5+1"}, {"A5 → A5"}),
        ({"A5": "=B5", "B5": "=A5"}, {"A5 → B5 → A5", "B5 → A5 → B5"}),
        ({"A5": "=SUM($A$1:A9)"}, {"A5 → A5"}),
        ({"A5": "=$B$7", "B7": "=SUM(A1:A9)"}, {"A5 → B7 → A5", "B7 → A5 → B7"}),
        ({"A1:A30": "=$B$20", "B1:B30": "=A1"}, {"B20 → A20 → B20"}),  # not through the first cells
        ({"A1:A9": "=A2", "A10": "=A1"}, {"A1 → A2 → A3 → … 4 more … → A8 → A9 → A10 → A1"}),
        ({"A6": "=ROW(A6)-5", "B6": "=COLUMNS($A6:B6)"}, set()),
        ({"A5": '="A5"'}, set()),
        ({"A6:A99": "=A5+B5", "B6:B99": "=A6*2"}, set()),
        ({"A6:A99": "=A7+B7", "B6:B99": "=A6*2"}, set()),
        ({"A6:A99": "=A5/A$5"}, set()),
    ],
)  # fmt: skip
def test_a_cycle_is_found_where_there_is_one(formulas: dict[str, str], found: set[str]) -> None:
    assert cycles(sheet(formulas)) >= found
    assert bool(found) == bool(cycles(sheet(formulas)))


def test_a_cycle_may_go_through_other_sheets() -> None:
    first, second = sheet({"A1": "=Two!B2"}), sheet({"B2": "=S!A1"}, "Two")
    assert cycles(first, second) == {"A1 → Two!B2 → A1", "B2 → S!A1 → B2"}


def test_what_was_mended_is_on_no_cycle() -> None:
    formulas = Formulas(Graph.of([sheet({"A5": "=B5", "B5": "=A5", "C5": "=C5"})]))
    assert len(formulas.suspects) == 3
    formulas.without([node for node in formulas.suspects if node.column == 3])
    assert {node.column for node in formulas.suspects} == {1, 2}


@pytest.mark.parametrize("step", [-1, 1])
def test_a_long_chain_is_no_cycle_and_takes_no_time(step: int) -> None:
    begun = time.process_time()
    filled = sheet(
        {"A2:A100000": f"=A{2 + step}+B2", "B2:B100000": "=A1*2" if step < 0 else "=A3*2"}
    )
    assert Formulas(Graph.of([filled])).suspects == []
    each = sheet({f"A{row}": f"=A{row + step}+{row}" for row in range(2, 20_000)})
    assert Formulas(Graph.of([each])).suspects == []
    assert time.process_time() - begun < 10


def test_a_cycle_through_a_long_column_is_found_without_recursion() -> None:
    formulas = Formulas(Graph.of([sheet({"A2:A50000": "=A1+1", "A1": "=A50000"})]))
    assert len(formulas.cycle(("S", 1, 1))) == 50_000


CIRCULAR = {
    "own cell": ({"F9": "=F9-$D$2*Y8"}, "F9", "F9 → F9", "wrong-formula"),
    "own row": ({"F9": "=F8-$D$2*Y9"}, "F9", "F9 → Y9 → K9 → J9 → F9", "wrong-formula"),
    "column": (
        {f"F{r}": f"=F{r - 1}-$D$2*Y{r}" for r in range(7, 26)},
        "F7:F25", "F7 → Y7", "wrong-formula",
    ),
    "rate": ({"D2": "=0.5+0*X25"}, "D2", "D2 → X25", "wrong-reference-rate"),
    "rate itself": ({"D2": "=D2"}, "D2", "D2 → D2", "wrong-reference-rate"),
    "beside": (
        {"AH10": "=AI10", "AI10": "=AH10"}, "AH10", "AH10 → AI10 → AH10", "wrong-formula",
    ),
}  # fmt: skip


def circular_book(case: str, path: Path) -> Path:
    return HandMade(cells=dict(CIRCULAR[case][0])).save(path)


@pytest.mark.parametrize("engine", ["embedded", "ironcalc", "cached"])
@pytest.mark.parametrize("case", CIRCULAR)
def test_a_circular_reference_is_named_where_it_was_made(
    case: str, engine: str, tmp_path: Path
) -> None:
    path = circular_book(case, tmp_path / "made.xlsx")
    if engine == "cached":
        plain = HandMade().save(tmp_path / "plain.xlsx")
        fill(path, tmp_path / "filled.xlsx", recalculate(plain, "embedded"))
        path = tmp_path / "filled.xlsx"
    assert_the_circle_is_named(case, path, engine)


@pytest.mark.libreoffice
def test_circular_references_are_named_where_libreoffice_calculates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = {case: circular_book(case, tmp_path / f"{case}.xlsx") for case in CIRCULAR}
    recalculate_together([*paths.values()], monkeypatch)
    for case, path in paths.items():
        assert_the_circle_is_named(case, path, "libreoffice")


def assert_the_circle_is_named(case: str, path: Path, engine: str) -> None:
    _, place, cycle, kind = CIRCULAR[case]
    report = verify(path, engine)
    circular = [finding for finding in report.faults if "circular" in finding.message]
    assert [(finding.cells, finding.kind) for finding in circular] == [(place, kind)]
    assert cycle in circular[0].message
    assert report.verdict == "fail"
    if engine != "cached":
        assert report.faults == circular


def test_a_formula_on_a_cycle_is_not_suggested_again(tmp_path: Path) -> None:
    cells: dict[str, object] = {f"D{row}": f"=D{row - 1}" for row in range(7, 26)}
    cells |= {"A1": "i1", "B1": 0.05, "D6": "=$B$1+0*SUM(6:6)"}
    [finding] = verify(HandMade(cells=cells).save(tmp_path / "made.xlsx")).faults
    assert (finding.cells, "circular" in finding.message) == ("D6", True)
    assert finding.suggestion is None


def test_other_mistakes_in_a_workbook_with_a_cycle_keep_their_kind(tmp_path: Path) -> None:
    made = HandMade({**FORMULAS, "E2": "=(C6-U6)^2"}, {"F9": "=F9-$D$2*Y8"})
    report = verify(made.save(tmp_path / "made.xlsx"))
    assert [(f.kind, f.cells) for f in report.faults] == [
        (Kind.WRONG_FORMULA, "F9"),
        (Kind.WRONG_FORMULA, "W6:W25"),
    ]


@pytest.mark.parametrize(
    "formula",
    [
        "=INDEX(A1:A30,3)",
        "=INDEX($A$1:$C$30,3,1)",
        "=VLOOKUP(3,A1:B30,1)",
        "=HLOOKUP(1,A1:C30,2)",
        "=AREAS((A1:A30,B1:B2))",
        '=CELL("row",A20)',
        "=ROW(INDEX(A1:A30,2))+COLUMNS((A1:A30))",
        '=IF(CELL("row",A20)=20,1,")")',
    ],
)
def test_what_says_where_a_cell_is_or_picks_another_one_reads_not_itself(
    formula: str, tmp_path: Path
) -> None:
    made = HandMade(cells={"A20": formula, "A1": 1, "A2": 2, "A3": 3})
    report = verify(made.save(tmp_path / "made.xlsx"))
    assert (report.verdict, report.faults) == ("pass", [])


@pytest.mark.parametrize("formula", ["=SUM(A1:A30)", "=INDEX(B1:B9,A20)", "=VLOOKUP(A20,C1:D9,2)"])
def test_what_reads_its_own_cell_is_circular_all_the_same(formula: str, tmp_path: Path) -> None:
    report = verify(HandMade(cells={"A20": formula}).save(tmp_path / "made.xlsx"))
    assert [finding.cells for finding in report.faults] == ["A20"]


def test_a_lookup_in_its_own_column_is_no_circular_reference_in_a_table(tmp_path: Path) -> None:
    cells: dict[str, object] = {f"B{row}": "=INDEX(B$1:B$30,6)" for row in range(7, 26)}
    report = verify(HandMade(cells=cells).save(tmp_path / "made.xlsx"))
    assert (report.verdict, report.faults) == ("pass", [])
