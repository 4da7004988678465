"""However large a file is made, each step does a bounded work, and says what it left out."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade import FORMULAS, HandMade, copy_of_the_table
from openpyxl import Workbook, load_workbook
from rich.console import Console

from workbook_tools.checking import compare, verify
from workbook_tools.errors import InputError
from workbook_tools.formulas.budget import Budget
from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import FilledFormula, areas
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.stored_formulas import MOST_ELEMENTS, elements_of
from workbook_tools.judging.faults import Kind
from workbook_tools.judging.report import Report
from workbook_tools.judging.unknown import functions
from workbook_tools.mending import proof, proposals, repair
from workbook_tools.package.cell_values import CellValue
from workbook_tools.package.columns import Calculation, Column
from workbook_tools.reading import labels, reader
from workbook_tools.reading.reader import read_tables
from workbook_tools.reporting.json_document import to_json
from workbook_tools.reporting.terminal import print_report

pytestmark = pytest.mark.slow

_PATIENCE = 20.0  # seconds of this process alone: some 20 times what is needed
PLACE = "K9"  # a_h1 in the fourth iteration


def checked(made: HandMade, folder: Path) -> Report:
    """Check a workbook, and see that it does not take long."""
    begin = time.process_time()
    report = verify.verify(made.save(folder / "made.xlsx"))
    assert time.process_time() - begin < _PATIENCE
    return report


@pytest.mark.parametrize(
    "formula",
    [
        "a" * 100_000,
        "'" * 60_000,
        "=" + "(" * 50_000,
        "=" + "A1+" * 30_000 + "1",
        '="' + "x" * 100_000 + '"',
        "=" + "A1:" * 30_000 + "A1",
        "=SUM(" + "_" * 90_000 + ")",
    ],
    ids=lambda formula: formula[:8],
)
@pytest.mark.parametrize("place", [PLACE, "A900"])
def test_a_formula_that_is_too_long_is_not_checked_and_nothing_else_suffers(
    place: str, formula: str, tmp_path: Path
) -> None:
    written = formula if formula.startswith("=") else f"={formula}"
    made = HandMade().save(tmp_path / "made.xlsx")
    # Such a formula, or none that is understood, stops the engine: what it showed stays.
    begin = time.process_time()
    sheets = [with_formula(made, place, written)]
    tables, _ = read_tables(sheets, shown(made))
    assert len(tables) == 1
    assert areas(written) == ()
    assert functions(written) <= {"SUM"}
    assert time.process_time() - begin < _PATIENCE


def shown(path: Path) -> Calculation:
    """Return the values of a workbook as openpyxl's reader has them; 0.5 for all formulas."""
    columns: dict[int, dict[int, CellValue]] = {}
    for row in load_workbook(path).active.iter_rows():
        for cell in row:
            value = 0.5 if cell.data_type == "f" else cell.value
            own = float(value) if isinstance(value, int) else value
            columns.setdefault(cell.column, {})[cell.row] = own
    return Calculation({"My sheet": {k: Column.of(values) for k, values in columns.items()}})


def with_formula(path: Path, place: str, formula: str) -> Sheet:
    """Return the sheet of a workbook with another formula in one cell."""
    book = load_workbook(path)
    sheet = Sheet("My sheet")
    cells = {cell.coordinate: cell for row in book.active.iter_rows() for cell in row}
    cells.setdefault(place, book.active[place])
    for cell in cells.values():
        sheet.last_row = max(sheet.last_row, cell.row)
        text = formula if cell.coordinate == place else cell.value
        if cell.coordinate == place or cell.data_type == "f":
            run = Run(cell.row, cell.row, FilledFormula.parse(text, cell.row))
            sheet.runs.setdefault(cell.column, []).append(run)
        elif isinstance(text, str):
            sheet.texts[cell.row, cell.column] = text
    return sheet


def test_a_long_formula_in_a_table_is_said_to_be_too_long(tmp_path: Path) -> None:
    long = "=1/(1+EXP(-J9))+SUM(" + "0," * 4_100 + "0)"
    report = checked(HandMade(cells={PLACE: long}), tmp_path)
    [table] = report.tables
    assert table.faults == []
    assert table.cells.reasons == {"formula too long: Excel allows 8,192 characters": 1}


def test_a_formula_that_reads_a_whole_sheet_is_said_to_be_too_large(tmp_path: Path) -> None:
    made = HandMade(cells={PLACE: "=1/(1+EXP(-J9))+0*SUM(AH1:ZZ40000)"})
    report = checked(made, tmp_path)
    [table] = report.tables
    assert table.faults == []
    assert table.cells.reasons == {"too large: it reads more than 1,000,000 cells": 1}


def test_too_many_different_formulas_are_said_to_be_too_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = {f"K{row}": f"=1/(1+EXP(-J{row}))+0*{row}" for row in range(6, 26)}
    monkeypatch.setattr(compare, "_MOST_FORMULAS", 12)
    [table] = checked(HandMade(cells=cells), tmp_path).tables
    [(reason, count)] = table.cells.reasons.items()
    assert reason == "too large: more than 12 different formulas"
    assert count == table.cells.not_checked > 0
    assert Kind.BROKEN_PATTERN not in {finding.kind for finding in table.faults}


@pytest.mark.parametrize(("most", "beside"), [(60, 20), (10_000, 2)])
def test_a_column_of_wrong_formulas_takes_few_proofs(
    most: int, beside: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row has another one: what stands beside a cell is no suggestion that is worth a try."""
    proofs = []
    checked_rows = proof.Proof.checked_rows

    def counting(*arguments: Any) -> int | None:
        proofs.append(1)
        return checked_rows(*arguments)

    monkeypatch.setattr(proof.Proof, "checked_rows", counting)
    monkeypatch.setattr(verify, "_MOST_SUGGESTIONS", most)
    monkeypatch.setattr(proposals, "_MOST_BESIDE", beside)
    cells = {
        f"{letter}{row}": f"=0.{row}{k}*D{row}"
        for k, letter in enumerate("JKLMRS")
        for row in range(6, 26)
    }
    report = checked(HandMade(cells=cells), tmp_path)
    assert len(report.faults) == 120
    # Others: anchors, and what is written anew, which is tried in the column's other rows too.
    of_one = beside + proposals._MOST_EDITS + 4 + repair._MOST_OTHERS
    assert len(proofs) <= min(most + of_one, len(report.faults) * of_one)


def test_what_is_not_done_for_every_finding_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "_MOST_SUGGESTIONS", 1)
    monkeypatch.setattr(verify, "_MOST_RECALCULATED", 1)
    mistakes = {"h1": "=F6*D6-G6*E6", "h2": "=H6*D6-I6*E6", "o1": "=N6*K6-O6*M6"}
    report = checked(HandMade({**FORMULAS, **mistakes}), tmp_path)
    assert [finding.quantity for finding in report.faults] == list(mistakes)
    assert [finding.suggestion is not None for finding in report.faults] == [True, False, False]
    said = "2 findings with no suggestion, because there are too many findings"
    assert report.left_out == [said]
    assert to_json(report)["left_out"] == [said]
    console = Console(width=200)
    with console.capture() as output:
        print_report(report, console)
    assert output.get().count(said) == 1


def test_more_tables_than_can_be_checked_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = HandMade().save(tmp_path / "made.xlsx")
    for module in (reader, verify):
        monkeypatch.setattr(module, "MOST_TABLES", 1)
    assert verify.verify(path).verdict == "pass"
    copy_of_the_table(path, 30, 0)
    with pytest.raises(InputError, match="more than 1 training tables, too many to check"):
        verify.verify(path)


def test_a_text_is_read_as_a_label_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many tables ask, and however many words are in it."""
    asked: list[str] = []

    def reading(text: str) -> str | None:
        asked.append(text)
        return text if text.startswith("w") else None

    sheet = Sheet("data", 2, {(2, 1): "w2", (1, 1): "w1", (1, 2): "no label"})
    for _ in range(3):
        assert sheet.labels(reading) == {(1, 1): "w1", (2, 1): "w2"}
    assert asked == ["w1", "no label", "w2"]


@pytest.mark.parametrize("pattern", ["{row} {column} Street", "w1"])
def test_texts_above_texts_are_not_looked_at(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    own = labels._parsed
    monkeypatch.setattr(labels, "_parsed", lambda text: parsed.append(text) or own(text))
    texts = {
        (row, column): pattern.format(row=row, column=column)
        for row in range(1, 2_001)
        for column in range(1, 11)
    }

    class Nothing(Calculation):
        def column(self, *_: object) -> None:
            raise AssertionError("a value was asked for")

        value = numbers = column

    for cached in (labels.parse_label, labels.parse_symbol):
        cached.cache_clear()
    assert read_tables([Sheet("data", 2_000, texts)], Nothing({})) == ([], [])
    assert len(parsed) < 200


def test_a_formula_is_found_among_many_at_once() -> None:
    """Of 20,000 different formulas in a column, which no fill handle put there."""
    count = 20_000
    runs = [Run(k, k, FilledFormula(f"={k}", ())) for k in range(1, count + 1)]
    sheet = Sheet("data", count, {}, {1: runs})
    begin = time.process_time()
    for row in range(1, count + 1):
        assert sheet.formula_at(row, 1) == f"={row}"
    assert time.process_time() - begin < _PATIENCE / 2
    assert sheet.formula_at(count + 1, 1) is None


@pytest.mark.parametrize("seed", range(20))
def test_runs_between_rows_are_those_that_have_cells_there(seed: int) -> None:
    random = np.random.default_rng(seed)
    firsts = np.sort(random.integers(1, 60, 12)).tolist()
    runs = [
        Run(first, first + step * int(random.integers(0, 6)), FilledFormula(f"={k}", ()), step)
        for k, first in enumerate(firsts)
        for step in [int(random.integers(1, 8))]
    ]
    sheet = Sheet("data", 100, {}, {1: runs})
    for first in range(1, 100):
        for last in (first, first + 3, first + 40):
            cut = [(run.formula, list(run.rows)) for run in sheet.runs_between(1, first, last)]
            rows = ((r.formula, [k for k in r.rows if first <= k <= last]) for r in runs)
            assert cut == [one for one in rows if one[1]]


def test_a_book_of_prose_is_checked_at_once(tmp_path: Path) -> None:
    book = Workbook()
    for row in range(1, 1_001):
        book.active.append(
            [f"{row} {k} a long remark (with a comment {row}), w{k}" for k in range(9)]
        )
    book.save(tmp_path / "prose.xlsx")
    begin = time.process_time()
    assert verify.verify(tmp_path / "prose.xlsx").verdict == "unchecked"
    assert time.process_time() - begin < _PATIENCE


def test_array_formulas_take_little_memory_however_many_cells_they_fill() -> None:
    budget = Budget(MOST_ELEMENTS)
    long, short = f"=SUM({'1,' * 4_000}1)", "=A1:A9"
    assert elements_of(long, "A1:CV1000", budget) == {}
    assert len(elements_of(short, "B1:B9", budget)) == 9
    found = [len(elements_of(short, "A1:CV1000", budget)) for _ in range(100)]
    assert set(found) == {100_000, 0}
    assert sum(found) * len(short) < 1.1 * MOST_ELEMENTS
