"""Formulas beside the samples are checked: standardised inputs, targets of classes, means."""

from pathlib import Path

import openpyxl
import pytest
from checks import check

from workbook_tools.checking.verify import verify
from workbook_tools.judging.faults import Fault
from workbook_tools.writing.workbook import build

SPEC = """
title = "test"
[network]
layers = [3, 3]
activation = "softmax"
loss = "categorical-cross-entropy"
[data]
standardise = true
inputs = [[1, 5, 2], [2, 3, 9], [4, 4, 4], [7, 1, 3], [3, 8, 8]]
classes = ["a", "b", "c", "a", "b"]
[start]
draw = "xavier"
[training]
learning_rates = [0.5]
iterations = 3
"""


@pytest.fixture(scope="module")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    (folder / "a.toml").write_text(SPEC, encoding="utf-8")
    build(folder / "a.toml", folder / "a.xlsx")
    return folder / "a.xlsx"


def findings(workbook: Path, folder: Path, changes: dict[str, object]) -> list[Fault]:
    book = openpyxl.load_workbook(workbook)
    for cell, content in changes.items():
        book["Data"][cell] = content
    book.save(folder / "changed.xlsx")
    return verify(folder / "changed.xlsx").faults


def test_the_sheet_is_laid_out_as_these_tests_assume(workbook: Path) -> None:
    sheet = openpyxl.load_workbook(workbook)["Data"]
    header = [cell.value for cell in sheet[7]]
    assert header == ["sample", "x1", "x2", "x3", "class", "i1", "i2", "i3", "t1", "t2", "t3"]
    assert sheet["B4"].value == "=AVERAGE(B8:B12)"
    assert sheet["G9"].value == "=(C9-C$4)/C$5"
    assert sheet["J8"].value == "=IF($E8=J$6,1,0)"


def test_right_samples_are_counted_and_agree(workbook: Path) -> None:
    report = verify(workbook)
    assert report.verdict == "pass"
    samples = next(part for part in report.summaries if part.sheet == "Data")
    assert (samples.cells.formulas, samples.cells.agreeing) == (2 * 3 + 5 * 6, 2 * 3 + 5 * 6)


@pytest.mark.parametrize(
    ("changes", "kind", "quantity", "cells"),
    [
        ({"C4": "=AVERAGE(C8:C11)"}, "wrong-formula", "x2", "C4"),
        ({"C5": "=STDEV(C8:C12)"}, "wrong-formula", "x2", "C5"),
        ({"C4": 4.2}, "typed-value", "x2", "C4"),
        ({"C4": None}, "typed-value", "x2", "C4"),
        ({"C5": None}, "typed-value", "x2", "C5"),  # all readers divide by 0
        ({"C4": "=SUM(C8:C12)/5"}, "broken-pattern", "x2", "C4"),
        ({"G9": "=(C9-B$4)/C$5"}, "wrong-formula", "i2", "G9"),
        ({"G9": "=(C9-C4)/C$5"}, "broken-pattern", "i2", "G9"),
        ({"G9": 0.25}, "typed-value", "i2", "G9"),
        ({"J8": "=IF($E8=K$6,1,0)"}, "broken-pattern", "t2", "J8"),  # neither: 0 both ways
        ({"J9": "=IF($E9=K$6,1,0)"}, "wrong-formula", "t2", "J9"),
        (
            {f"G{r}": f"=(C{r}-C$4)/C$5^2" for r in range(8, 13)},
            "wrong-formula",
            "i2",
            "G8:G12",
        ),
        # Right by chance in some rows: one finding all the same.
        (
            {f"J{r}": f"=IF($E{r}=J$6,1,0.5)" for r in range(8, 13)},
            "wrong-formula",
            "t2",
            "J8:J12",
        ),
        ({f"G{r}": "=($C$9-C$4)/C$5" for r in range(8, 13)}, "wrong-formula", "i2", "G8:G12"),
    ],
)
def test_a_mistake_beside_the_samples_is_the_only_finding(
    workbook: Path,
    tmp_path: Path,
    changes: dict[str, object],
    kind: str,
    quantity: str,
    cells: str,
) -> None:
    found = findings(workbook, tmp_path, changes)
    assert [(f.kind, f.quantity, f.sheet, f.cells) for f in found] == [
        (kind, quantity, "Data", cells)
    ]


def test_a_changed_sample_is_not_a_mistake(workbook: Path, tmp_path: Path) -> None:
    assert findings(workbook, tmp_path, {"C9": 6.5, "E8": "c"}) == []


def test_a_sample_that_is_numbered_twice_leaves_its_readers_unchecked(
    workbook: Path, tmp_path: Path
) -> None:
    book = openpyxl.load_workbook(workbook)
    book["Data"]["A9"] = 1
    table = check(book, tmp_path).tables[0]
    assert table.cells.not_checked >= 5 * 3 * 6  # inputs and targets of every row
