"""A network's workbook is proven cell by cell; a formula that is broken is named, alone."""

import io
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from cases import cases
from checks import call
from hypothesis import Phase, given
from hypothesis import strategies as st
from networks import changed, small_network, write
from parts import edited
from rich.console import Console

from workbook_tools.checking.verify import verify
from workbook_tools.convolutional import suggestions
from workbook_tools.convolutional.book import Book, Section, read_book, workbook_names
from workbook_tools.editing.cell_contents import SheetCells, put_value
from workbook_tools.engines.compiled import CompiledCalculation
from workbook_tools.errors import InputError
from workbook_tools.formulas.references import areas
from workbook_tools.formulas.sheets import read_sheets
from workbook_tools.judging.faults import Fault, Kind
from workbook_tools.judging.report import Report
from workbook_tools.notation.addresses import Cell, cell_name, range_name
from workbook_tools.notation.convolutional import Operation, label_index
from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.workbook import open_package
from workbook_tools.reporting.html import write_html
from workbook_tools.reporting.json_document import to_json
from workbook_tools.reporting.terminal import print_explanation, print_report

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)  # to make failures small takes minutes
PATTERN = re.compile(r"\$?[A-Z]{1,3}\$?\d+(:\$?[A-Z]{1,3}\$?\d+)?")


@cache
def formulas(path: Path) -> dict[str, dict[Cell, str]]:
    """The formulas of a workbook by sheet."""
    return {
        sheet.title: {
            (sheet.title, cell.row, cell.column): cell.value
            for row in sheet.iter_rows()
            for cell in row
            if isinstance(cell.value, str) and cell.value.startswith("=")
        }
        for sheet in openpyxl.load_workbook(path)
    }


def printed(report: Report) -> str:
    console = Console(file=io.StringIO(), width=160)
    print_report(report, console)
    print_explanation(report, console)
    to_json(report)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def found(path: Path, contents: dict[Cell, str | float | None], copy: Path) -> list[Fault]:
    """Return what is found in a copy with these contents.

    The values of other cells, which the copy still has, are out of date: that is left out.
    """
    report = verify(changed(path, copy, contents))
    assert report.verdict == ("fail" if report.mistakes else "pass")
    printed(report)
    return [finding for finding in report.faults if finding.kind is not Kind.STALE_VALUE]


def only(findings: list[Fault]) -> tuple[str, str, Kind]:
    (finding,) = findings
    return finding.sheet, finding.cells, finding.kind


def test_every_formula_cell_is_checked_and_agrees(small: Path) -> None:
    report = verify(small)
    assert report.verdict == "pass"
    assert not report.other_formulas
    counts = {part.sheet: (part.cells.checked, part.cells.agreeing) for part in report.summaries}
    assert counts == {sheet: (len(own), len(own)) for sheet, own in formulas(small).items() if own}
    assert report.network is not None
    assert report.network.moments == {
        "as it is": 1, "stored digits": 3, "numbers drawn at random": 4
    }  # fmt: skip
    assert report.network.whole.off == 0
    assert report.network.whole.relative < 1e-9
    said = printed(report)
    assert "PASS: 2,497 of 2,497 checked formula cells agree." in said
    assert "11 × 10 pixels to 3 digits" in said


def open_book(path: Path) -> Book:
    """Return a network's workbook as the checker reads it."""
    with open_package(path) as package:
        sheets, _ = read_sheets(package)
        return read_book(path, sheets, workbook_names(package))


# Each takes a formula without its equals sign, and a number drawn at random.
CORRUPTIONS: dict[str, Callable[[str, int], str | float | None]] = {
    "a little more": lambda text, n: f"={text}+1E-6",
    "a little larger": lambda text, n: f"=({text})*1.00001",
    "another sign": lambda text, n: f"=-({text})",
    "a constant": lambda text, n: f"={n}",
    "a typed number": lambda text, n: n / 7,
    "nothing": lambda text, n: None,
    "an error": lambda text, n: "=1/0",
    "another cell": lambda text, n: moved(text, n),
    "a smaller range": lambda text, n: shrunk(text, n),
    "another function": lambda text, n: exchanged(text),
    "a wrong operator": lambda text, n: f"={text.replace('+', '-')}",
    "a step the other way": lambda text, n: f"={text.replace('-', '+')}",
    "at or above": lambda text, n: f"={text.replace('>0', '>=0').replace('<', '<=')}",
    "no floor": lambda text, n: f"={text.replace('MAX(0,', 'SUM(0,')}",
}


def moved(text: str, n: int) -> str:
    """Move one of the cells and ranges that a formula names a little."""
    places = list(PATTERN.finditer(text))
    if not places:
        return f"={text}"
    match = places[n % len(places)]
    (area,) = areas(match[0])
    down, across = ((0, 1), (1, 0), (1, 1))[n % 3]
    name = range_name(
        area.first_row + down, area.first_column + across, area.last_row + down,
        area.last_column + across,
    )  # fmt: skip
    return f"={text[: match.start()]}{name}{text[match.end() :]}"


def shrunk(text: str, n: int) -> str:
    """Leave out the last row or column of one of the ranges that a formula names."""
    places = [match for match in PATTERN.finditer(text) if match[1]]
    if not places:
        return f"={text}"
    match = places[n % len(places)]
    (a,) = areas(match[0])
    rows, columns = a.last_row - a.first_row, a.last_column - a.first_column
    lower = rows > 0 and (n % 2 == 0 or columns == 0)
    name = range_name(a.first_row, a.first_column, a.last_row - lower, a.last_column - (not lower))
    return f"={text[: match.start()]}{name}{text[match.end() :]}"


def exchanged(text: str) -> str:
    for old, new in (("AVERAGE(", "SUM("), ("MAX(", "MIN("), ("SUMPRODUCT(", "SUM("),
                     ("SUM(", "MAX("), ("EXP(", "ABS("), ("IF(", "AND(")):  # fmt: skip
        if old in text:
            return f"={text.replace(old, new, 1)}"
    return f"={text}"


@cases(40, phases=QUICK)
@given(st.data())
def test_any_formula_that_is_broken_is_named_alone(
    small: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    own = formulas(small)
    sheet = data.draw(st.sampled_from([name for name in own if own[name]]), "sheet")
    cell = data.draw(st.sampled_from(list(own[sheet])), "cell")
    how = data.draw(st.sampled_from(list(CORRUPTIONS)), "corruption")
    old = own[sheet][cell]
    new = CORRUPTIONS[how](old[1:], data.draw(st.integers(1, 99), "number"))
    if new == old:
        return
    with suppress(InputError):  # the engine does not calculate it: that is said, and no pass
        named = found(small, {cell: new}, tmp_path_factory.mktemp("broken") / "broken.xlsx")
        assert [(f.sheet, f.cells) for f in named] == [(sheet, cell_name(*cell[1:]))], named
        for finding in named:
            if finding.suggestion:
                assert finding.suggestion.formula == formula(open_book(small), cell)


def formula(book: Book, cell: Cell) -> str:
    """Return a cell's formula as the checker reads it, with cells in place of names."""
    text = book.formulas.get(cell)
    assert text is not None
    return text


def in_every_grid(book: Book, number: float) -> Iterator[tuple[Section, Cell]]:
    """Yield a formula cell of every grid, as far along as ``number`` says (0…1)."""
    for section in book.sections.values():
        if section.heading.operation.has_formulas:
            for grid in section.grids:
                cells = [grid.cell(at) for at in np.ndindex(grid.rows.shape)]
                own = [cell for cell in cells if book.formulas.get(cell)]
                yield section, own[int(number * (len(own) - 1))]


@pytest.mark.parametrize("mistake", ["+1E-3", "*1.01+1E-3"])
def test_what_was_meant_is_what_the_other_cells_of_the_section_have(
    small: Path, tmp_path: Path, mistake: str
) -> None:
    # Wrong all at once, each is of a section of its own; what reads an error is not judged. The
    # derivative of a wrong formula in the forward half is not what gradients should be.
    book = open_book(small)
    wrong = {cell: f"=({formula(book, cell)[1:]}){mistake}" for _, cell in in_every_grid(book, 0.6)}
    findings = found(small, wrong, tmp_path / "broken.xlsx")
    by_cell = {(f.sheet, f.rows[0], f.column): f for f in findings}
    alone = {
        cell
        for section, cell in in_every_grid(book, 0.6)
        if section.heading.operation in (Operation.TARGET, Operation.LOSS)
    }
    assert by_cell.keys() == wrong.keys()
    for cell, finding in by_cell.items():
        if cell in alone:  # nothing else in its section has the same formula
            assert finding.suggestion is None
        else:
            assert finding.suggestion
            assert finding.suggestion.formula == formula(book, cell)
            assert re.search("1E-3|rewrite", finding.suggestion.edit)


def test_a_whole_map_that_is_wrong_is_put_right_by_another(small: Path, tmp_path: Path) -> None:
    book = open_book(small)
    grid = book.section("Conv2").cells
    cells = [grid.cell((1, *at)) for at in np.ndindex(grid.rows.shape[1:])]
    wrong = {cell: formula(book, cell).replace("+", "-") for cell in cells}
    broken, mended = tmp_path / "broken.xlsx", tmp_path / "mended.xlsx"
    findings = found(small, wrong, broken)
    formulas_meant = {cell: text for f in findings for cell, text in f.put_right.items()}
    assert formulas_meant == {cell: formula(book, cell) for cell in cells}
    result = call("verify", broken, "--fix", mended)
    assert result.exit_code == 1, result.output
    assert verify(mended).verdict == "pass"


def test_a_suggestion_that_gives_another_value_is_not_made(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggestions, "with_areas", lambda formula, moved: f"{formula}*2")
    cell, text = first(small, "Conv1", "SUMPRODUCT")
    [finding] = found(small, {cell: f"{text}+1"}, tmp_path / "broken.xlsx")
    assert finding.suggestion is None


def first(small: Path, sheet: str, having: str) -> tuple[Cell, str]:
    """Return the first cell of a sheet whose formula has this in it, and its formula."""
    return next((cell, text) for cell, text in formulas(small)[sheet].items() if having in text)


@pytest.mark.parametrize(
    ("sheet", "old", "new"),
    [
        ("ReLU1", "MAX(0,", "MAX(-1E9,"),
        ("ReLU1", "MAX(0,", "SUM(0,"),
        ("Back_Conv1", ">0", ">=0"),
        ("Back_ReLU1", "<", "<="),
        ("Softmax", "EXP(", "0+EXP("),
    ],
)
def test_a_formula_that_is_right_by_chance_is_found(
    small: Path, tmp_path: Path, sheet: str, old: str, new: str
) -> None:
    cell, text = first(small, sheet, old)
    findings = found(small, {cell: text.replace(old, new)}, tmp_path / "broken.xlsx")
    name, cells, kind = only(findings)
    assert (name, cells) == (sheet, cell_name(*cell[1:]))
    assert kind in (Kind.WRONG_FORMULA, Kind.LATENT, Kind.BROKEN_PATTERN)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_formula_that_reads_another_range_is_found_though_no_number_tells(
    small: Path, tmp_path: Path, rows: int
) -> None:
    # One more row of stored pixels, which no digit has: the value is right with any numbers.
    (sheet, row, column), _ = first(small, "Digit", "INDEX(")
    wrong = {}
    for cell in [(sheet, row + k, column) for k in range(rows)]:
        text = formulas(small)["Digit"][cell]
        end = re.search(r"INDEX\(\w+!\w+\$\d+:\w+\$(\d+)", text)
        assert end is not None
        wrong[cell] = f"{text[: end.start(1)]}{int(end[1]) + 1}{text[end.end(1) :]}"
    findings = found(small, wrong, tmp_path / "broken.xlsx")
    last = cell_name(row + rows - 1, column)
    cells = last if rows == 1 else f"{cell_name(row, column)}:{last}"
    assert only(findings) == ("Digit", cells, Kind.LATENT)


def test_each_true_digit_takes_its_turn(tmp_path: Path) -> None:
    # One digit is stored, a 0; that the target of digit 2 asks for another is seen all the same.
    path = write(small_network(), tmp_path / "one.xlsx", count=1)
    report = verify(path)
    assert report.verdict == "pass"
    assert report.network is not None
    assert report.network.moments["digits that no stored one is"] == 2
    cell, text = first(path, "Softmax", "=2,1,0)")
    findings = found(path, {cell: text.replace("=2,", "=5,")}, tmp_path / "broken.xlsx")
    assert only(findings) == ("Softmax", cell_name(*cell[1:]), Kind.LATENT)


def test_kinds_of_findings(small: Path, tmp_path: Path) -> None:
    copy = tmp_path / "broken.xlsx"
    cell, text = first(small, "Conv1", "SUMPRODUCT")
    place = ("Conv1", cell_name(*cell[1:]))
    for content, kind in (
        (f"{text}*2", Kind.WRONG_FORMULA),
        (f"{text}+0", Kind.BROKEN_PATTERN),
        (1.5, Kind.TYPED_VALUE),
        (None, Kind.TYPED_VALUE),
        ("=NA()", Kind.ERROR_VALUE),
    ):
        assert only(found(small, {cell: content}, copy)) == (*place, kind)


def test_an_error_value_is_shown_as_it_stands_in_the_cell(small: Path, tmp_path: Path) -> None:
    cell, _ = first(small, "Conv1", "SUMPRODUCT")
    [finding] = found(small, {cell: "=1/0"}, tmp_path / "broken.xlsx")
    assert finding.value == "#DIV/0!"
    assert f"{finding.cells} shows #DIV/0!" in finding.message


def test_values_that_are_out_of_date_are_found(small: Path, tmp_path: Path) -> None:
    cell, text = first(small, "Linear1", "SUMPRODUCT")
    before = changed(small, tmp_path / "wrong.xlsx", {cell: f"{text}+1"})
    with_values = verify(before, "cached")
    assert with_values.verdict == "fail"
    stale = changed(small, tmp_path / "stale.xlsx", {("Digit", 4, 3): 2.0})
    findings = verify(stale).faults
    assert {finding.kind for finding in findings} == {Kind.STALE_VALUE}
    assert {finding.quantity for finding in findings} >= {"True digit", "Digit"}


@pytest.mark.parametrize(
    ("sheet", "having"), [("Linear1", "SUMPRODUCT"), ("ReLU1", "MAX"), ("Digit", "After_step!")]
)
def test_a_value_that_is_not_its_formula_s_is_found_alone(
    small: Path, tmp_path: Path, sheet: str, having: str
) -> None:
    cell, _ = first(small, sheet, having)

    def edit(copy: PackageCopy) -> None:
        (part,) = [part for part in copy.sheets if part.name == sheet]
        put_value(SheetCells(copy.xml(part.part)).made(*cell[1:]), 12.5)
        copy.changed(part.part)

    findings = verify(edited(small, tmp_path / "stale.xlsx", edit)).faults
    assert only(findings) == (sheet, cell_name(*cell[1:]), Kind.STALE_VALUE)


def test_a_number_in_the_margin_of_a_map_is_found(small: Path, tmp_path: Path) -> None:
    margin = ("Input", 11, 2)  # in the hatched row above the first map
    assert openpyxl.load_workbook(small)["Input"].cell(*margin[1:]).value == 0
    findings = found(small, {margin: 0.5}, tmp_path / "broken.xlsx")
    assert [f for f in findings if f.kind is Kind.WRONG_VALUE and f.cells == "B11"]
    findings = found(small, {margin: "=0*B12"}, tmp_path / "broken.xlsx")
    assert only(findings) == ("Input", "B11", Kind.WRONG_VALUE)


def test_a_cell_that_reads_an_error_is_not_checked_and_not_passed(
    small: Path, tmp_path: Path
) -> None:
    cell, _ = first(small, "Conv1", "SUMPRODUCT")
    report = verify(changed(small, tmp_path / "broken.xlsx", {cell: "=1/0"}))
    left = {part.sheet: part.cells.not_checked for part in report.summaries}
    assert left["ReLU1"] == 1
    assert report.other_formulas == {}  # what was read is neither right nor wrong, but known
    assert left["Conv1"] == 0
    assert report.verdict == "fail"


@pytest.mark.parametrize(
    ("sheet", "having", "old"),
    [("Weights_Conv1", "=", ".+"), ("Digit", "INDEX(", r"\+(?=[^+]*$)")],  # for most digits
)
def test_gradients_that_an_error_reaches_are_not_called_wrong(
    small: Path, tmp_path: Path, sheet: str, having: str, old: str
) -> None:
    cell, text = first(small, sheet, having)
    wrong = "=1/0" if old == ".+" else re.sub(old, "-", text)
    findings = found(small, {cell: wrong}, tmp_path / "broken.xlsx")
    assert only(findings)[:2] == (sheet, cell_name(*cell[1:]))


def test_headings_that_name_another_layer_do_not_pass(small: Path, tmp_path: Path) -> None:
    heading = "ReLU2: ReLU of Conv2, the larger of it and 0 → 3 maps of 5 × 4"
    sheet = openpyxl.load_workbook(small)["ReLU2"]
    assert sheet["B4"].value == heading
    other = heading.replace("of Conv2", "of Pool1")
    with pytest.raises(InputError, match="the heading of ReLU2 is wrong"):
        verify(changed(small, tmp_path / "broken.xlsx", {("ReLU2", 4, 2): other}))


@pytest.mark.parametrize(
    ("sheet", "name", "old", "new"),
    [
        ("Pool1", "Pool1", "2 × 2 window", "4 × 0 window"),
        ("Pool1", "Pool1", "5 × 4, margin", "0 × 4, margin"),
        ("Conv2", "Conv2", "padding 1 × 1", "padding 9 × 9"),
        ("Conv2", "Conv2", "of Pool1", "of Input"),
        ("Conv2", "Conv2", "Weights_Conv2", "Pool1"),
        ("Back_Conv2", "Back_Conv2", "from Back_ReLU2", "from Loss"),
        ("Back_Conv2", "Back_Conv2", "through ReLU2", "through ReLU2 after the step"),
        ("Digit", "Drawing", "11 × 10", "2 × 3"),
        ("After_step", "Softmax after the step", "each part of the sum of", "ReLU of"),
        ("After_step", "ReLU2 after the step", "Step_Conv2", "Grad_Conv2"),
    ],
)
def test_a_heading_that_does_not_fit_is_refused(
    small: Path, tmp_path: Path, sheet: str, name: str, old: str, new: str
) -> None:
    heading, text = next(
        (cell, text) for cell, text in labels(small).items()
        if cell[0] == sheet and text.startswith(f"{name}: ")
    )  # fmt: skip
    assert old in text
    with pytest.raises(InputError, match=r"heading|cells"):
        verify(changed(small, tmp_path / "broken.xlsx", {heading: text.replace(old, new)}))


def test_a_workbook_whose_gradients_begin_nowhere_is_refused(small: Path, tmp_path: Path) -> None:
    [(cell, text)] = [item for item in labels(small).items() if "= Softmax − Target" in item[1]]
    other = re.sub("= Softmax − Target", ", back through Softmax from Back_ReLU3", text)
    with pytest.raises(InputError, match="heading"):
        verify(changed(small, tmp_path / "broken.xlsx", {cell: other}))


@cases(25, phases=QUICK)
@given(st.data())
def test_a_damaged_workbook_is_reported_on_or_refused(
    small: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    texts = labels(small)
    cells = data.draw(st.lists(st.sampled_from(sorted(texts)), min_size=1, max_size=3), "cells")
    contents = st.sampled_from(
        [None, "abc", 3.0, "=1/0", "map 1", "from 1", "bias", *sorted(set(texts.values()))]
    )
    damage = {cell: data.draw(contents, "content") for cell in cells}
    copy = tmp_path_factory.mktemp("damaged") / "damaged.xlsx"
    with suppress(InputError):
        report = verify(changed(small, copy, damage))
        assert report.verdict in ("pass", "fail", "unchecked")
        printed(report)
        write_html(report, copy.with_suffix(".html"))


@cache
def labels(path: Path) -> dict[Cell, str]:
    """What a workbook is read by: its headings and labels, and the cells of its panel."""
    return {
        (sheet.title, cell.row, cell.column): cell.value
        for sheet in openpyxl.load_workbook(path)
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, str)
        and (" → " in cell.value or label_index(cell.value) is not None or sheet.title == "Digit")
        and not cell.value.startswith("=")
    }


@pytest.mark.libreoffice
def test_every_digit_agrees_under_libreoffice(small: Path) -> None:
    report = verify(small, "libreoffice")
    assert report.verdict == "pass"
    assert report.engine.startswith("LibreOffice")
    assert report.network is not None
    assert report.network.moments["stored digits"] == 3
    assert [kind for kind in report.network.moments if ", in " in kind] == [
        f"numbers drawn at random, in {CompiledCalculation.engine}"
    ]


@pytest.mark.parametrize("engine", ["cached", "ironcalc"])
def test_other_engines_agree(small: Path, engine: str) -> None:
    assert verify(small, engine).verdict == "pass"


def test_it_needs_no_pytorch(small: Path) -> None:
    program = (
        "import sys; from pathlib import Path; sys.modules['torch'] = None; "
        "from workbook_tools.checking.verify import verify; "
        "print(verify(Path(sys.argv[1])).verdict)"
    )
    command = [sys.executable, "-c", program, str(small)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "pass"


def test_the_marked_copy_names_the_cell(small: Path, tmp_path: Path) -> None:
    cell, text = first(small, "Pool1", "MAX")
    broken = changed(small, tmp_path / "broken.xlsx", {cell: text.replace("MAX", "MIN")})
    marked, page = tmp_path / "marked.xlsx", tmp_path / "page.html"
    words = ["verify", str(broken), "--annotate", str(marked), "--html", str(page)]
    result = call(*words)
    assert result.exit_code == 1, result.output
    assert f"Pool1!{cell_name(*cell[1:])}" in result.output
    assert openpyxl.load_workbook(marked)["Findings"]["B2"].value == "Pool1"
    assert f"Pool1!{cell_name(*cell[1:])}" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("label", "old", "new"),
    [
        ("Read as", "$D$15)", "$C$15)"),
        ("True digit", "D6:D8", "D6:D9"),
        ("The network is", '"right"', '"correct"'),
        ("Loss after one step", "After_step!", "2*After_step!"),
    ],
)
def test_the_panel_is_checked_too(
    small: Path, tmp_path: Path, label: str, old: str, new: str
) -> None:
    panel = openpyxl.load_workbook(small)["Digit"]
    (row,) = [cell.row for cell in panel["B"] if cell.value == label]
    text = str(panel.cell(row, 3).value)
    assert old in text
    findings = found(small, {("Digit", row, 3): text.replace(old, new)}, tmp_path / "broken.xlsx")
    assert only(findings)[:2] == ("Digit", f"C{row}")


def test_cells_that_are_right_but_together_another_network_fail(small: Path) -> None:
    report = verify(small)
    assert report.network is not None
    report.network.whole.off = 1
    assert report.verdict == "fail"
    assert "do not compute the network that the headings describe" in printed(report)
    report.network.whole.off = report.network.whole.compared = 0
    assert report.verdict == "unchecked"


def test_a_formula_that_is_not_understood_is_no_matter_unless_it_depends_on_the_digit(
    small: Path, tmp_path: Path
) -> None:
    link = {("Overview", 40, 9): '=HYPERLINK("#A1","up")'}
    assert verify(changed(small, tmp_path / "link.xlsx", link)).verdict == "pass"
    read = {("Overview", 40, 9): "=HYPERLINK(Digit!C4)"}
    with pytest.raises(InputError, match=r"with other digits \(HYPERLINK\)$"):
        verify(changed(small, tmp_path / "read.xlsx", read))
