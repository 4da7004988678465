"""A network's workbook: what its cells come to, how it can be used, what is refused."""

import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import torch
from cases import cases
from hypothesis import given
from hypothesis import strategies as st
from networks import CLASSES, changed, random_digits, settled, small_network, write
from openpyxl.worksheet.worksheet import Worksheet
from openxml_audit import OpenXmlValidator
from parts import assert_same_workbook
from torch import nn

from cnn.__main__ import SMALL
from cnn.checkpoint import load_model
from cnn.cross_check import cross_check
from cnn.data import Mnist
from cnn.workbook.book import Look, build
from cnn.workbook.digits import choose
from workbook_tools.checking.verify import verify
from workbook_tools.convolutional.book import read_book, workbook_names
from workbook_tools.convolutional.moments import Rerun
from workbook_tools.convolutional.trials import Trial
from workbook_tools.errors import InputError
from workbook_tools.formulas.sheets import read_sheets
from workbook_tools.judging.faults import Kind
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.workbook import open_package
from workbook_tools.program.graph import Graph

LOOK = Look("a network", "to test", rate=0.05)
PLAIN = {
    "AND", "AVERAGE", "EXP", "IF", "INDEX", "LN", "MATCH", "MAX", "SUM", "SUMPRODUCT",
}  # fmt: skip


@pytest.fixture(scope="module")
def book(small: Path) -> openpyxl.Workbook:
    return openpyxl.load_workbook(small)


def test_every_cell_agrees_with_the_trained_network(small: Path) -> None:
    agreement = cross_check(small, small_network())
    assert agreement.agrees, str(agreement)
    assert agreement.digits == 3
    assert agreement.numbers.compared > 3 * 1_000
    assert agreement.numbers.relative < 1e-9
    assert agreement.probability < 1e-9


def test_a_weight_that_is_not_the_network_s_is_noticed(small: Path, tmp_path: Path) -> None:
    other = changed(small, tmp_path / "other.xlsx", {("Weights_Linear1", 9, 6): 0.123})
    kinds = {finding.kind for finding in verify(other).faults}
    assert kinds == {Kind.STALE_VALUE}  # nobody recalculated it; a user may change a weight
    agreement = cross_check(other, small_network())
    assert not agreement.agrees
    assert agreement.numbers.off > 0


def test_a_file_in_which_nothing_was_compared_does_not_agree(small: Path) -> None:
    agreement = cross_check(small, small_network())
    assert agreement.agrees
    agreement.numbers.compared = 0
    assert not agreement.agrees


@st.composite
def networks(draw: st.DrawFn) -> tuple[nn.Sequential, int, int]:
    """Draw a network of the family, and the size of its images."""
    torch.manual_seed(draw(st.integers(0, 99)))
    height, width = draw(st.integers(5, 9)), draw(st.integers(5, 9))
    modules: list[nn.Module] = []
    maps, rows, columns = 1, height, width
    for _ in range(draw(st.integers(0, 2))):
        kernel = (draw(st.integers(1, min(3, rows))), draw(st.integers(1, min(3, columns))))
        padding = tuple(draw(st.integers(0, side - 1)) for side in kernel)
        made = draw(st.integers(1, 3))
        modules.append(nn.Conv2d(maps, made, kernel, padding=padding, bias=draw(st.booleans())))
        maps = made
        rows, columns = (
            side + 2 * pad - own + 1
            for side, pad, own in zip((rows, columns), padding, kernel, strict=True)
        )
        if draw(st.booleans()):
            modules.append(nn.BatchNorm2d(maps))
        if draw(st.booleans()):
            modules.append(nn.ReLU())
        if draw(st.booleans()):
            window = (draw(st.integers(1, min(2, rows))), draw(st.integers(1, min(3, columns))))
            modules.append(draw(st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]))(window))
            rows, columns = rows // window[0], columns // window[1]
    if draw(st.booleans()):
        modules.append(nn.AdaptiveAvgPool2d(1))
        rows = columns = 1
    modules += [nn.Dropout(0.2), nn.Flatten()]
    numbers = maps * rows * columns
    if draw(st.booleans()):
        modules += [nn.Linear(numbers, 3), nn.ReLU()]
        numbers = 3
    modules.append(nn.Linear(numbers, CLASSES))
    return settled(nn.Sequential(*modules)), height, width


def test_the_committed_workbook_is_what_the_committed_network_makes(
    workbooks: Path, mnist: Mnist, tmp_path: Path
) -> None:
    name, model = load_model(SMALL)
    digits = choose(model, mnist.validation, 50)
    build(model, digits, Look.of(name, digits, None), tmp_path / "made.xlsx")
    assert_same_workbook(tmp_path / "made.xlsx", workbooks / "mnist_cnn.xlsx")


@cases(8)
@given(networks())
def test_any_network_of_the_family_agrees(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[nn.Sequential, int, int]
) -> None:
    model, height, width = drawn
    path = write(model, tmp_path_factory.mktemp("drawn") / "drawn.xlsx", height, width)
    report = verify(path)
    assert report.verdict == "pass", report.faults[:3]
    assert not report.other_formulas
    agreement = cross_check(path, model)
    assert agreement.agrees, str(agreement)


def test_plain_functions_only(book: openpyxl.Workbook) -> None:
    used = {
        name
        for sheet in book
        for row in sheet.iter_rows(values_only=True)
        for content in row
        if isinstance(content, str) and content.startswith("=")
        for name in re.findall(r"([A-Z]+)\(", content)
    }
    assert used == PLAIN


def test_the_file_is_what_excel_opens(small: Path) -> None:
    result = OpenXmlValidator().validate(str(small))
    assert result.is_valid, [str(error) for error in result.errors][:5]


def test_links_lead_to_sheets_and_every_sheet_leads_back(book: openpyxl.Workbook) -> None:
    for sheet in book:
        leads = {
            link.location.split("!")[0].strip("'")
            for row in sheet.iter_rows()
            for cell in row
            if (link := cell.hyperlink) is not None
        }
        assert leads <= set(book.sheetnames)
        assert "Overview" in leads or sheet.title == "Overview"
        assert sheet.freeze_panes == ("A3" if sheet.title != "Overview" else None)
    assert set(book.defined_names) == {
        "selected", "drawn_digit", "eta", "pixel_mean", "pixel_deviation"
    }  # fmt: skip


def allowed(sheet: Worksheet, cell: str) -> list[tuple[str, str, str | None]]:
    return [
        (rule.type, rule.formula1, rule.formula2)
        for rule in sheet.data_validations.dataValidation
        if cell in rule.sqref and rule.showErrorMessage
    ]


def test_only_stored_digits_pixels_and_classes_can_be_typed(book: openpyxl.Workbook) -> None:
    digit = book["Digit"]
    assert allowed(digit, "C4") == [("list", "Digits!$B$6:$B$9", None)]
    assert [row[0].value for row in book["Digits"]["B6:B9"]] == [1, 2, 3, "draw"]
    assert allowed(digit, "C5") == [("whole", "0", str(CLASSES - 1))]
    assert allowed(digit, "C6") == [("decimal", "0", "1000")]
    assert allowed(digit, "G24") == [("decimal", "0", "255")]  # the drawing's first pixel


def shown(path: Path, area: tuple[int, int, int, int], *inputs: dict[Cell, Any]) -> list[Any]:
    """Return what cells of the digit's sheet show with each of several inputs."""
    with open_package(path) as package:
        sheets, stored = read_sheets(package)
        book = read_book(path, sheets, workbook_names(package))
    state = Rerun(book, Graph.of(sheets), sheets, stored).run([Trial("test", x) for x in inputs])
    rows, columns = range(area[0], area[2] + 1), range(area[1], area[3] + 1)
    return [
        [[state.value(("Digit", row, column), k) for column in columns] for row in rows]
        for k in range(len(inputs))
    ]


def test_a_pixel_typed_into_the_drawing_moves_the_probabilities(small: Path) -> None:
    draw = {("Digit", 4, 3): "draw"}
    before, after = shown(small, (15, 3, 17, 3), draw, {**draw, ("Digit", 28, 11): 255.0})
    assert before != after
    assert sum(row[0] for row in after) == pytest.approx(1)


def test_the_loss_falls_with_a_small_step(small: Path) -> None:
    [((first, now), (second, after))] = shown(small, (11, 2, 12, 3), {("Digit", 6, 3): 1e-4})
    assert (first, second) == ("Loss", "Loss after one step")
    assert after < now


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"selected": 4}, "digit 4: give a number from 1 to 3"),
        ({"selected": 0}, "digit 0: give a number from 1 to 3"),
    ],
)
def test_a_digit_that_is_not_stored_is_refused(
    tmp_path: Path, change: dict[str, int], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        build(small_network(), random_digits(11, 10), replace(LOOK, **change), tmp_path / "x.xlsx")
    assert not list(tmp_path.iterdir())


def test_digits_that_the_network_does_not_know_are_refused(tmp_path: Path) -> None:
    digits = random_digits(11, 10, classes=CLASSES + 1, count=4)
    with pytest.raises(InputError, match="the digits is a 3, but the network only knows 0 to 2"):
        build(small_network(), digits, LOOK, tmp_path / "x.xlsx")


def test_a_formula_that_no_cell_holds_is_refused(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(1, 200, 1), nn.Conv2d(200, 1, 1), nn.Flatten(), nn.Linear(9, 3))
    with pytest.raises(InputError, match="a cell holds 8,192; give a network with fewer maps"):
        build(model, random_digits(3, 3), LOOK, tmp_path / "x.xlsx")
    assert not list(tmp_path.iterdir())


def test_a_second_time_makes_the_same_file(small: Path, tmp_path: Path) -> None:
    again = write(small_network(), tmp_path / "again.xlsx")
    before = again.stat().st_mtime_ns
    write(small_network(), again)
    assert again.stat().st_mtime_ns == before  # left as it was


def test_the_drawing_and_the_chart_say_what_they_show(small: Path) -> None:
    with zipfile.ZipFile(small) as archive:
        drawings = [archive.read(f"xl/drawings/drawing{k}.xml").decode() for k in (1, 2)]
    assert 'descr="The network from left to right: 1 map of 11 × 10, then Conv1' in drawings[0]
    assert 'descr="Bar chart of the probability' in drawings[1]


def test_the_sheets_say_what_was_folded_dropped_and_which_rule_ties_follow(
    book: openpyxl.Workbook,
) -> None:
    assert "Batch normalisation (1) is folded into both." in book["Conv1"]["B5"].value
    assert "Batch normalisation (1) is folded in" in book["Weights_Conv1"]["B5"].value
    assert "(Dropout, 8, is only at work in training.)" in book["Linear1"]["B5"].value
    assert "the first in reading order, as in PyTorch" in book["Back_ReLU1"]["B5"].value
