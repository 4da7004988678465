"""An unchecked workbook is told the most fundamental cause, and what to do."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from checks import call
from handmade import FORMULAS, HEADER, HandMade
from openpyxl import Workbook

from workbook_tools.checking.verify import verify
from workbook_tools.classroom.row import row_of
from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.judging import unchecked
from workbook_tools.package.columns import Calculation
from workbook_tools.program.graph import Graph
from workbook_tools.reporting.html import to_html

DATA = {"A1": 1, "A2": 2, "A3": 3.5}
LABEL_ALL = "Label all columns of the network in one row"


def said_of(cells: Mapping[str, object], folder: Path, **others: Mapping[str, object]) -> str:
    """Return why a workbook with these cells, and perhaps other sheets, is unchecked."""
    book = Workbook()
    book.remove(book.active)
    for name, own in {"Data": cells, **others}.items():
        sheet = book.create_sheet(name)
        for place, value in own.items():
            sheet[place] = value
    book.save(folder / "made.xlsx")
    return unchecked_because(folder / "made.xlsx")


def unchecked_because(path: Path) -> str:
    report = verify(path)
    assert report.verdict == "unchecked"
    return report.not_checked


def labels(words: str, row: int = 1) -> dict[str, str]:
    return {
        f"{letter}{row}": word for letter, word in zip("ABCDEFGHIJKL", words.split(), strict=False)
    }


def test_numbers_without_formulas(tmp_path: Path) -> None:
    said = said_of(DATA | {"B1": "a text"}, tmp_path)
    assert said == (
        "no training table found: the workbook has no formulas, only 3 numbers. Save the workbook "
        "with its formulas, not with their values"
    )


def test_nothing_at_all(tmp_path: Path) -> None:
    assert "neither formulas nor numbers" in said_of({"A1": "a text"}, tmp_path)


def test_formulas_only_on_another_sheet_than_the_labels(tmp_path: Path) -> None:
    table = labels("i1 i2 t1 w1 w2 h1") | labels("0 0 0 0 0 0", 2)
    numbers = {place: 0.5 for place in table if place.endswith("2")}
    said = said_of(table | numbers, tmp_path, Other={"A1": "=1+1"})
    assert "row 1 of 'Data' is labelled like a training table" in said
    assert "no formulas, only 6 numbers. Save the workbook with its formulas" in said


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("=SUMME(A1:A3)+SUMME(A1)", "SUMME (German for SUM)"),
        ("=si(A1>0,1,2)", "si (French or Spanish for IF)"),
        ("=СРЗНАЧ(A1:A3)", "СРЗНАЧ (Russian for AVERAGE)"),
    ],
)
def test_functions_in_another_language(formula: str, said: str, tmp_path: Path) -> None:
    text = said_of(DATA | {"C4": formula, "C3": formula, "B9": "=1+1"}, tmp_path)
    assert "2 of 3 formulas name functions in another language than English" in text
    assert f"{said}, first in Data!C3. Write the English names" in text


@pytest.mark.parametrize(
    ("formula", "name"),
    [
        ("=_xll.NEURON.TRAIN(A1)", "NEURON.TRAIN"),
        ("=1+[1]!Neuron(A1)", "Neuron"),
        ("=MySigmoid(A1)", "MySigmoid"),
    ],
)
def test_functions_of_an_add_in_or_a_macro(formula: str, name: str, tmp_path: Path) -> None:
    text = said_of(DATA | {"B2": formula, "B5": '=LEN("SUMME(_xll.X(")'}, tmp_path)
    assert "1 of 2 formulas call functions of an add-in or a macro" in text
    assert f": {name}, first in Data!B2. Write what these compute as formulas" in text


def test_other_workbooks(tmp_path: Path) -> None:
    text = said_of(DATA | {"B2": "=_xlfn.CONCAT('[2]Old sheet'!$A$1)", "B3": "=A1"}, tmp_path)
    assert "1 of 2 formulas read other workbooks" in text
    assert "[2]Old sheet!$A$1, first in Data!B2. Copy what they read" in text


def test_what_few_formulas_call_is_not_why(tmp_path: Path) -> None:
    text = said_of(
        {f"A{row}": f"={row}+1" for row in (1, 3, 5, 7)} | {"C1": "=SUMME(A1)"}, tmp_path
    )
    assert "no row has two labels of a network" in text


def test_circular_references(tmp_path: Path) -> None:
    text = said_of({"A1": "=B1+1", "B1": "=C1*2", "C1": "=A1", "A5": "=1+1"}, tmp_path)
    assert "formulas of 'Data' read themselves, a circular reference: " in text
    assert "A1 → B1 → C1 → A1. Give each iteration a row of its own" in text


def test_no_formula_that_can_be_calculated(tmp_path: Path) -> None:
    text = said_of(
        DATA | {"B1": "=Table1[@w1]*2", "B2": "=SUM(A1:A2)*_xlfn.RANDARRAY(2)"}, tmp_path
    )
    assert "no formula can be calculated here, such as Data!B1: =Table1[@w1]*2. Write it" in text


def test_no_labels(tmp_path: Path) -> None:
    said = said_of({"A1": "price", "B1": "w1", "A2": 1, "B2": "=A2+1"}, tmp_path)
    assert "no row has two labels of a network, such as i1 (input), t1 (target)" in said
    assert LABEL_ALL in said


def test_the_row_that_comes_nearest_and_what_it_lacks(tmp_path: Path) -> None:
    cells = labels("Input1 i2 w1 w2") | labels("i1 i2 w1 w2 w3 h1 o1 remark", 12) | {"A13": "=1+1"}
    said = said_of(cells, tmp_path)
    assert said == (
        "no training table found: row 12 of 'Data' names i1, i2 (inputs), w1, w2, w3 (weights) and "
        "h1, o1 (pre-activations), but not t1 (target); 'remark' is not understood. Label these "
        "columns, too, in the same row. By differentiation, nothing was found either: no formula "
        "updates a parameter by a derivative, and no block of cells shows derivatives"
    )


def test_labels_are_said_as_they_are_written_and_their_number_as_far_as_known(
    tmp_path: Path,
) -> None:
    said = said_of(labels("X0 X1 Y") | {"A2": "=1+1"}, tmp_path)
    assert (
        "names X0, X1 (inputs) and Y (target), but not w1, … (weights) and h1, …, o1 "
        "(pre-activations). Number from 1, not 0. Label all"
    ) in said


def test_a_table_whose_labels_contradict_each_other(tmp_path: Path) -> None:
    header = [{"h1": "one", "h2": "two"}.get(label, label) for label in HEADER]
    said = unchecked_because(HandMade(header=header).save(tmp_path / "made.xlsx"))
    assert said.startswith("nothing could be checked: row 5 of 'My sheet' names ")
    assert "w1, w2, …, w8 (weights) and o1, o2 (pre-activations), but not h1, h2 (pre-" in said
    assert "; 'one', 'two' are not understood. " in said


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({}, "My sheet!B6 below it is empty. Enter the first iteration right below"),
        ({"B6": 0.5, "C6": 0.5, "D6": "0,1"}, "D6 below it holds the text '0,1'"),
        ({"B6": "=1/0"}, "B6 below it shows #DIV/0!"),
        ({"B6": "=T[@t1]", "A1": "=1+1"}, "a formula that cannot be calculated here: =T[@t1]. "),
        (
            {"B6": 1, "J6": "=SUMME(F6,G6)"} | {f"A{row}": f"={row}+1" for row in range(30, 50, 2)},
            "1 of 11 formulas name functions in another language",
        ),
    ],
)  # fmt: skip
def test_labels_of_a_whole_network_without_an_iteration(
    cells: dict[str, object], said: str, tmp_path: Path
) -> None:
    text = unchecked_because(HandMade(rows=[], cells=cells).save(tmp_path / "made.xlsx"))
    assert said in text


def test_the_reason_is_in_every_report(tmp_path: Path) -> None:
    path = HandMade(rows=[]).save(tmp_path / "made.xlsx")
    report = verify(path)
    assert "My sheet!B6 below it is empty" in report.not_checked
    done = call("verify", path, "--json", tmp_path / "report.json")
    assert done.exit_code == 2
    assert f"UNCHECKED: {report.not_checked}." in done.output
    assert f"{report.not_checked}." in call("explain", path).output
    written = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert written["not_checked"] == report.not_checked
    assert f"N{report.not_checked[1:]}." in to_html(report).replace("&#39;", "'")
    assert row_of(report, "made.xlsx", "", 1.0).why == report.not_checked


def test_a_workbook_that_was_checked_needs_no_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(unchecked, "why_unchecked")  # importing it again would fail
    wrong = FORMULAS | {"E_tot": "=V6-W6"}
    assert verify(HandMade().save(tmp_path / "made.xlsx")).verdict == "pass"
    assert verify(HandMade(wrong).save(tmp_path / "made.xlsx")).verdict == "fail"


LONG = ["w1", "h1 = w{}*i1+", "w{}", "1" * 300, "{}" + "7" * 900, "net h" + "7" * 5_000, "=" * 900]


@pytest.mark.slow
@pytest.mark.parametrize("word", LONG, ids=lambda word: word[:9])
def test_many_and_long_texts_take_a_bounded_time_and_give_a_short_text(word: str) -> None:
    texts = {(row, k): word.format(4 * row + k) for row in range(1, 10_000) for k in range(1, 5)}
    header = {(10_000, k): f"{label} ({'x' * 900})" for k, label in enumerate(HEADER, start=1)}
    sheets = [Sheet("x" * 300, 10_000, texts | header), Sheet("y", 1, {(1, 1): word, (1, 2): "w1"})]
    nothing = Calculation({sheet.name: {} for sheet in sheets})
    begin = time.process_time()
    text = unchecked.why_unchecked(sheets, Graph.of(sheets), [], nothing)
    assert time.process_time() - begin < 10
    assert len(text) < 600
    assert "\n" not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    "formula",
    ["=SUM(" + "_" * 90_000 + ")", "=[1]" + "x" * 90_000, '="' + "'" * 90_000, "=" + "[1]" * 10_000,
     "=" + "_xll." * 20_000, "=" + "(" * 50_000, "=" + "x" * 90_000 + "(1)"],
    ids=lambda formula: formula[:9],
)  # fmt: skip
def test_long_formulas_take_a_bounded_time_and_give_a_short_text(formula: str) -> None:
    runs = [Run(row, row, FilledFormula.parse(formula, row)) for row in range(1, 50)]
    sheets = [Sheet("S", 50, {}, {1: runs}, 1)]
    graph = Graph.of(sheets)
    assert not graph.suspects.any()  # what the engine has looked for, too
    begin = time.process_time()
    text = unchecked.why_unchecked(sheets, graph, [], Calculation({"S": {}}))
    assert time.process_time() - begin < 10
    assert len(text) < 600
