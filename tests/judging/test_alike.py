"""Tables with the same formulas are understood once, and each is judged as if it were alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from workbook_tools.checking.verify import verify
from workbook_tools.judging import alike
from workbook_tools.judging.faults import Kind
from workbook_tools.reading.described import reference_for
from workbook_tools.reporting.json_document import to_json
from workbook_tools.writing.workbook import build

FIRST, LAST = 32, 99  # rows of the tables
WORKBOOK = Path(__file__).parents[2] / "workbooks" / "Back_Propogation.xlsx"
RATES = ("LR 0.1", "LR 0.2", "LR 0.5", "LR 0.8", "LR 1", "LR 2")

MOMENTUM = """
title = "momentum"
[network]
layers = [2, 2]
[data]
inputs = [0.3, 0.7]
targets = [0.2, 0.8]
[start]
weights = [0.1, 0.2, 0.3, 0.4]
[training]
learning_rates = [0.1, 0.2]
iterations = 6
optimizer = "momentum"
"""

Edit = Callable[[Worksheet, int], None]


def replaced(column: str, old: str, new: str, rows: range = range(FIRST, LAST + 1)) -> Edit:
    """Replace a part of the formulas of a column; ``{r}`` is the row, ``{a}`` the one above."""

    def edit(sheet: Worksheet, number: int) -> None:
        for row in rows:
            cell = sheet[f"{column}{row}"]
            places = {"r": row, "a": row - 1, "n": number}
            cell.value = str(cell.value).replace(old.format(**places), new.format(**places))

    return edit


def typed(cell: str, values: list[Any]) -> Edit:
    """Type a value into a cell, another one on each sheet."""
    return lambda sheet, number: setattr(sheet[cell], "value", values[number % len(values)])


def on_one(number: int, edit: Edit) -> Edit:
    return lambda sheet, own: edit(sheet, own) if own == number else None


GRADIENTS = ("X", "Y", "Z", "AA", "AB", "AC", "AD", "AE")


def of_a_scaled_loss(sheet: Worksheet, number: int) -> None:
    """Take the learning rate as the factor of the loss, and twice the rate for the gradients."""
    for row in range(FIRST, LAST + 1):
        for column in ("U", "V", *GRADIENTS):
            text = str(sheet[f"{column}{row}"].value)
            scaled = f"=2*$G$30*({text[1:]})" if column in GRADIENTS else text
            sheet[f"{column}{row}"].value = scaled.replace("0.5*", "$G$30*")


def of_pasted_losses(sheet: Worksheet, number: int) -> None:
    """Paste losses and gradients as numbers, as they are on the first sheet, else doubled."""
    book = openpyxl.load_workbook(WORKBOOK, data_only=True)
    for row in range(FIRST, LAST + 1):
        for column in ("U", "V", "W", *GRADIENTS):
            value = book[sheet.title][f"{column}{row}"].value
            sheet[f"{column}{row}"].value = value * (2 if number else 1)


# In most cases with a factor, it is wrong on the first sheet, and right on the others.
CASES: dict[str, list[Edit]] = {
    "nothing": [],
    "a wrong slope on all sheets": [replaced("X", "J{r}*(1-J{r})", "L{r}*(1-L{r})")],
    "a wrong slope on one sheet": [on_one(3, replaced("X", "J{r}*(1-J{r})", "L{r}*(1-L{r})"))],
    "one wrong cell on one sheet": [on_one(1, replaced("AB", "J{r}", "L{r}", range(50, 51)))],
    "a factor beside the table": [
        typed("AG1", [2, 1, 1, 1, 1, 1]),
        replaced("E", "$G$30*X{a}", "$G$30*X{a}*$AG$1"),
    ],
    "a column of factors": [
        *(typed(f"AH{row}", [2, 1, 1, 1, 1, 1]) for row in range(FIRST, LAST + 1)),
        replaced("F", "$G$30*Y{a}", "$G$30*Y{a}*AH{a}"),
    ],
    "a number in the first row as a factor": [
        typed("P32", [2, 1, 1, 1, 1, 1]),
        replaced("M", "*AB{a}", "*AB{a}*$P$32", range(FIRST + 2, LAST + 1)),
    ],
    "a factor by a formula": [  # 1 with the numbers of all sheets, but it depends on an input
        lambda sheet, number: setattr(sheet["AG1"], "value", "=C32/0.05" if number else 1),
        replaced("E", "$G$30*X{a}", "$G$30*X{a}*$AG$1"),
    ],
    "the rate as a factor of a gradient": [replaced("AB", "*J{r}", "*J{r}*$G$30")],
    "the rate as the factor of the loss": [of_a_scaled_loss],
    "pasted losses": [of_pasted_losses],
    "cells of the first sheet": [
        typed("G30", [0.5]),
        replaced("G", "G{a}-", "'LR 0.1'!G{a}-"),
    ],
    "weights that begin with other numbers": [
        typed("E32", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
        typed("P32", [1, 0, 1, 0, 1, 0]),
    ],
}
PASSING = {"nothing", "weights that begin with other numbers"}


def edited(edits: list[Edit], path: Path) -> Path:
    book = openpyxl.load_workbook(WORKBOOK)
    for number, name in enumerate(RATES):
        for edit in edits:
            edit(book[name], number)
    book.save(path)
    return path


def said(path: Path) -> dict[str, Any]:
    return to_json(verify(path))


@pytest.mark.parametrize("case", CASES)
def test_each_table_is_judged_as_if_it_were_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    path = edited(CASES[case], tmp_path / "edited.xlsx")
    together = said(path)
    assert (together["verdict"] == "pass") == (case in PASSING)
    monkeypatch.setattr(alike, "_have_the_same_formulas", lambda one, other: False)
    assert together == said(path)


def test_a_setting_that_no_formula_reads_is_not_that_of_another_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first sheet says μ = 0.9, which is typed into all formulas; the second one 0.8."""
    spec = tmp_path / "momentum.toml"
    spec.write_text(MOMENTUM, encoding="utf-8")
    build(spec, spec.with_suffix(".xlsx"))
    book = openpyxl.load_workbook(spec.with_suffix(".xlsx"))
    for number, sheet in enumerate(book[name] for name in ("LR 0.1", "LR 0.2")):
        [label] = [c for row in sheet.iter_rows() for c in row if str(c.value).startswith("μ")]
        setting = sheet.cell(label.row, label.column + 1)
        for row in sheet.iter_rows():
            for cell in row:
                if str(cell.value).startswith("="):
                    place = f"${setting.column_letter}${setting.row}"
                    cell.value = str(cell.value).replace(place, "0.9")
        setting.value = 0.8 if number else 0.9
    book.save(tmp_path / "edited.xlsx")
    report = verify(tmp_path / "edited.xlsx")
    places = [place for finding in report.findings for place in finding.places]
    assert {place.sheet for place in places if place.kind is not Kind.LATENT} == {"LR 0.2"}
    monkeypatch.setattr(alike, "_have_the_same_formulas", lambda one, other: False)
    assert to_json(report) == said(tmp_path / "edited.xlsx")


def test_the_formulas_of_six_sheets_are_understood_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def counted(table: Any, calculation: Any) -> Any:
        asked.append(table)
        return reference_for(table, calculation)

    monkeypatch.setattr(alike, "reference_for", counted)
    assert said(WORKBOOK)["verdict"] == "pass"
    assert len(asked) == 1
