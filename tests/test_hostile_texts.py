"""However long a text or large a number of a workbook is, what is said of it is short and valid."""

import csv
import json
import math
import tracemalloc
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cases import cases
from checks import call
from handmade import FORMULAS, HEADER, HandMade
from hypothesis import given
from hypothesis import strategies as st
from parts import SHEET, replaced, rewritten
from rich.console import Console

from workbook_tools.checking.verify import verify
from workbook_tools.classroom.csv_table import write_csv
from workbook_tools.classroom.page import write_class_html
from workbook_tools.classroom.row import Row, Verdict, row_of
from workbook_tools.classroom.terminal import print_class
from workbook_tools.errors import InputError
from workbook_tools.formulas.references import MAX_FORMULA_LENGTH
from workbook_tools.judging.report import Report
from workbook_tools.notation.addresses import MAX_COLUMNS, MAX_TEXT_LENGTH
from workbook_tools.notation.layers import parse_layers
from workbook_tools.notation.quantities import Naming
from workbook_tools.notation.vocabulary import Loss, Optimizer
from workbook_tools.reading.labels import parse_label, parse_symbol
from workbook_tools.reporting.html import to_html
from workbook_tools.reporting.json_document import to_json
from workbook_tools.reporting.terminal import print_explanation, print_report
from workbook_tools.spec.new import Wish, new_spec

pytestmark = pytest.mark.slow

MILLION = 1_000_000
ONE = FORMULAS | {"∂E/∂w3": FORMULAS["∂E/∂w3"].replace("M6", "K6")}  # one mistake


@given(
    path=st.text(st.characters(exclude_characters=":", exclude_categories=["Z", "C"]), min_size=1),
    said=st.integers(0, 5_000),
    times=st.sampled_from([1, 10, 1_000]),
)
def test_a_message_has_300_letters_and_keeps_both_ends(path: str, said: int, times: int) -> None:
    path = path * times
    wrong = f"cell A1 shows {'9' * said}"
    message = str(InputError(f"{path}: {wrong}; open and save it in a spreadsheet program"))
    assert len(message) <= 300
    place, _, rest = message.partition(": ")
    assert place == path or (place[0] == "…" and path.endswith(place[1:]) and len(place) == 100)
    assert rest.startswith("cell A1 shows ")
    assert rest.endswith("; open and save it in a spreadsheet program")


def test_a_message_without_a_place_is_short_too() -> None:
    message = str(InputError("a" * MILLION + " give another"))
    assert len(message) == 300
    assert message.endswith(" give another")


LONG_XML = {
    "number": '<c r="A90"><v>{}</v></c>',
    "name of a cell": '<c r="{}90"><v>1</v></c>',
    "number of a text": '<c r="A90" t="s"><v>{}</v></c>',
    "shared formula": '<c r="A90"><f t="shared" si="{}"/></c>',
}


@pytest.mark.parametrize("engine", ["embedded", "ironcalc", "cached"])
@pytest.mark.parametrize("where", LONG_XML)
def test_what_is_refused_is_said_in_300_letters_whatever_the_cell_holds(
    where: str, engine: str, tmp_path: Path
) -> None:
    book = HandMade().save(tmp_path / "made.xlsx")
    row = f'<row r="90">{LONG_XML[where].format("1" * MILLION)}</row></sheetData>'.encode()
    path = rewritten(book, tmp_path / "book.xlsx", {SHEET: replaced(b"</sheetData>", row)})
    with pytest.raises(InputError) as refusal:
        verify(path, engine)
    assert len(str(refusal.value)) <= 300


# Reports, in which every text is long and every number may be none that JSON knows.


def spoiled(value: Any, text: str, number: float, name: str = "") -> Any:
    """Return a part of a report with this text in every text, this number in every number.

    Except in what the project itself words.
    """
    own = ("naming", "kind", "range", "network", "columns", "wiring", "activations", "known")
    if name in own:
        return value
    if isinstance(value, list):
        return [spoiled(own, text, number, name) for own in value]
    if isinstance(value, tuple):
        contents = (spoiled(own, text, number, name) for own in value)
        return type(value)(*contents) if hasattr(value, "_fields") else tuple(contents)
    if isinstance(value, dict):
        return {key: spoiled(own, text, number, name) for key, own in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value,
            **{f.name: spoiled(getattr(value, f.name), text, number, f.name)
               for f in fields(value)},
        )  # fmt: skip
    if isinstance(value, str):
        return text + value
    return number if isinstance(value, float) else value


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of a workbook with a mistake, an unknown label, and cells that are not checked."""
    book = HandMade(ONE, cells={"AG5": "what is this", "AH5": "Summe", "A30": "=1+1", "K9": "=1/0"})
    found = verify(book.save(tmp_path_factory.mktemp("report") / "book.xlsx"))
    assert found.faults[0].suggestion is not None
    assert found.tables[0].cells.reasons
    return found


NUMBERS = [0.0, 1e308, -5e-324, math.inf, -math.inf, math.nan]


@cases(60)
@given(
    start=st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    length=st.sampled_from([0, 1, 40_000, MILLION]),
    letter=st.sampled_from('x9"=<&%{}[\n '),
    number=st.sampled_from(NUMBERS),
)
def test_no_line_of_a_report_grows_with_a_text_of_a_workbook(
    start: str, length: int, letter: str, number: float, report: Report, tmp_path_factory: Any
) -> None:
    text = start + letter * length
    hostile = spoiled(report, text, number)
    document = json.loads(json.dumps(to_json(hostile), allow_nan=False))
    assert max(map(len, texts(document))) <= MAX_TEXT_LENGTH
    places = [place for finding in document["findings"] for place in finding["places"]]
    assert all(len(place["formula"]) <= MAX_FORMULA_LENGTH for place in places)
    assert len(to_html(hostile)) < 150_000 + 10 * len(to_html(report))
    assert len(printed(hostile)) < 50_000
    folder = tmp_path_factory.mktemp("class")
    row = row_of(hostile, "book.xlsx", "", 1.0)
    write_csv([row], folder / "class.csv")
    with (folder / "class.csv").open(encoding="utf-8-sig", newline="") as file:
        _, values = csv.reader(file)
    assert max(map(len, values)) <= 301  # with an apostrophe before what might be a formula
    write_class_html([row], folder / "class.html")
    assert (folder / "class.html").stat().st_size < 100_000


def texts(value: Any) -> Iterator[str]:
    """Yield the texts of a JSON document."""
    if isinstance(value, dict):
        for key, own in value.items():
            yield key
            yield from texts(own)
    elif isinstance(value, list):
        for own in value:
            yield from texts(own)
    elif isinstance(value, str):
        yield value


def printed(report: Report) -> str:
    console = Console(file=StringIO(), width=100)
    print_report(report, console)
    print_explanation(report, console)
    print_class([row_of(report, "book.xlsx", "", 1.0)], console)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_what_is_cut_says_so(report: Report, tmp_path: Path) -> None:
    hostile = spoiled(report, "x" * MILLION, 1.0)
    assert "…" in row_of(hostile, "book.xlsx", "", 1.0).first
    assert "…" in to_html(hostile)
    assert "…" in printed(hostile)
    broken = Row("book.xlsx", verdict=Verdict.CRASHED, why="the check broke: " + "x" * MILLION)
    write_csv([broken], tmp_path / "class.csv")
    assert "xxx…" in (tmp_path / "class.csv").read_text(encoding="utf-8")
    assert len((tmp_path / "class.csv").read_text(encoding="utf-8")) < 1_000


@pytest.mark.parametrize("cells", [{"D6": 0.0, "D2": 0.0}, {"B6": 0, "C6": 0, "D6": 0, "E6": 0}])
def test_json_is_valid_where_the_right_value_is_0(cells: dict[str, object], tmp_path: Path) -> None:
    wrong = ONE | {"∂E/∂w1": FORMULAS["∂E/∂w1"].replace("D6", "E6")}
    folder = tmp_path / "class"
    folder.mkdir()
    book = HandMade(wrong, cells={f"D{row}": 0.0 for row in range(6, 26)} | cells)
    book.save(folder / "a.xlsx")
    HandMade(ONE).save(folder / "b.xlsx")
    for given_, count in ((folder / "a.xlsx", 1), (folder, 2)):
        output = tmp_path / "report.json"
        done = call("verify", given_, "--json", output)
        assert done.exit_code == 1, done.output

        def refuse(name: str) -> None:
            pytest.fail(f"{name} is no JSON")

        found = json.loads(output.read_text(encoding="utf-8"), parse_constant=refuse)
        found = [found] if isinstance(found, dict) else found
        assert len(found) == count
        assert found[0]["tables"][0]["max_rel_error"] is None


# Numbers in labels.

DIGITS = st.integers(1, 6_000).flatmap(
    lambda count: st.sampled_from("19٣７").map(lambda digit: digit * count)
)
WORDS = st.sampled_from(
    ["w", "net h", "out o", "∂E/∂w", "δ_h1_", "h", "a_h", "E", "t", "i", "bias ", "hidden ", "g_",
     "m_w", "output ", "x", "pred ", "b_h", "z", "E_tot at iteration "]
)  # fmt: skip


@given(WORDS, DIGITS, st.sampled_from(["", " (a remark)", "\nmore", "_1", " = w1*i1"]))
def test_a_label_with_any_number_is_read_or_is_none(word: str, digits: str, end: str) -> None:
    for symbol in (parse_label(word + digits + end), parse_symbol(word + digits + end)):
        assert symbol is None or len(symbol) < 30


@cases(20)
@given(words=st.lists(WORDS, min_size=1, max_size=4), digits=st.sampled_from([7, 4_300, 5_000]))
def test_a_workbook_with_any_numbers_in_its_labels_gets_a_verdict(
    words: list[str], digits: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    header = list(HEADER)
    for place, word in enumerate(words):
        header[3 * place] = word + "7" * digits
    above = {f"{letter}3": word + "8" * digits for letter, word in zip("BCDE", words, strict=False)}
    book = HandMade(header=header, cells=above)
    assert verify(book.save(tmp_path_factory.mktemp("labels") / "book.xlsx")).verdict


# Networks that a few words name.


@pytest.mark.parametrize(
    "words",
    [
        ["image 99999x99999", "convolution 3x3 to 99999", 10],
        ["image 100x100", "convolution 3x3 to 2", "max pooling 2x2", 10],
        ["image 2x2", *["convolution 1x1 to 1"] * 5_000, 1],
        [9_000, 9_000, 1],
        [2, 10**30, 1],
        [f"image {'9' * 5_000}x1", 1],
        [2, "9" * 5_000],
        [2, "x" * MILLION],
    ],
)
def test_layers_that_no_sheet_holds_are_refused_at_once(words: list[int | str]) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ValueError) as refusal:
            parse_layers(words)
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()
    assert len(str(refusal.value)) < 300


@given(sizes=st.lists(st.integers(1, 150), min_size=2, max_size=4))
def test_a_network_is_refused_only_if_it_has_more_quantities_than_a_sheet_has_columns(
    sizes: list[int],
) -> None:
    weights = sum(one * other for one, other in pairwise(sizes))
    if sum(sizes) + weights > MAX_COLUMNS:
        with pytest.raises(ValueError, match="a column each, and a sheet has 16,384"):
            parse_layers(sizes)
    else:
        assert Naming.of_layers(*parse_layers(sizes)).weight_count == weights


def test_labels_of_a_network_are_not_spelled_out_where_most_are_lacking() -> None:
    symbols = {f"{letter}{k}" for letter in "ihot" for k in range(1, 8_001)} | {"w1"}
    tracemalloc.start()
    try:
        assert Naming.from_symbols(symbols) is None
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "said",
    [
        "image 99999x99999, convolution 3x3 to 99999, 10",
        "image 9x9, convolution 3x3 to 99999, 2",
        "2, 99999999, 2",
        f"2, {'9' * 5_000}, 2",
    ],
)
def test_layers_above_a_table_cost_no_memory(said: str, tmp_path: Path) -> None:
    book = HandMade(cells={"B1": "layers:", "C1": said}).save(tmp_path / "book.xlsx")
    report = verify(book)
    assert report.verdict != "pass"
    reasons = list(report.tables[0].cells.reasons)
    assert any(reason.startswith("layers: ") for reason in reasons), reasons


@pytest.mark.parametrize(
    "layers",
    ["image 99999x99999, convolution 3x3 to 99999, 10", "2-99999999-2", "9" * 5_000 + "-2"],
)
def test_a_spec_of_a_network_that_no_sheet_holds_is_refused(layers: str) -> None:
    with pytest.raises(InputError):
        new_spec(Wish(layers, [], Loss.HALF_SQUARED_ERROR, Optimizer.GRADIENT_DESCENT, None))
