"""Trainings in which all gradients are wrong, or none is meant to be a derivative."""

from pathlib import Path

import pytest
from openpyxl import Workbook

from workbook_tools.checking.verify import verify
from workbook_tools.judging.report import Report


def check(gradient: str, update: str, folder: Path, loss: str = "A{row}^4-3*A{row}") -> Report:
    """Check a parameter in column A, with its loss, the gradient and the update beside it."""
    book = Workbook()
    sheet = book.active
    sheet["F1"] = 0.02
    sheet["A2"] = 1.7
    for row in range(2, 14):
        sheet[f"B{row}"] = "=" + loss.format(row=row)
        sheet[f"C{row}"] = "=" + gradient.format(row=row)
        sheet[f"D{row}"] = f"=IF(A{row}>0,1,0)"
        sheet[f"A{row + 1}"] = "=" + update.format(row=row)
    book.save(folder / "made.xlsx")
    return verify(folder / "made.xlsx")


UPDATE = "A{row}-$F$1*C{row}"


def test_the_right_gradient_passes(tmp_path: Path) -> None:
    assert check("4*A{row}^3-3", UPDATE, tmp_path).verdict == "pass"


@pytest.mark.parametrize("wrong", ["4*A{row}^2-3", "5*A{row}^3-3", "4*A{row}^3+3", "4*A{row}^3"])
def test_a_column_of_wrong_gradients_is_mended(wrong: str, tmp_path: Path) -> None:
    report = check(wrong, UPDATE, tmp_path)
    [finding] = report.findings
    [place] = finding.places
    assert (place.column, place.rows) == (3, tuple(range(2, 14)))
    assert place.put_right["Sheet", 5, 3].replace(" ", "") == "=4*A5^3-3"


@pytest.mark.parametrize(
    ("gradient", "update"),
    [
        ("(4*A{row}^3-3)/(12*A{row}^2)", "A{row}-C{row}"),  # a step of Newton's method
        ("(4*A{row}^3-3)/(12*A{row}^2)", UPDATE),  # the same, damped
        ("SIGN(4*A{row}^3-3)", UPDATE),
        ("(4*A{row}^3-3)/ABS(4*A{row}^3-3)", UPDATE),
        ("MAX(-1,MIN(1,4*A{row}^3-3))", UPDATE),
        ("4*A{row}^3-3+RAND()", UPDATE),
        ("D{row}-0.5", UPDATE),  # by a threshold, as the perceptron
        ("(A{row}-2)/A{row}", UPDATE),  # something else
    ],
)
def test_other_steps_are_not_called_wrong(gradient: str, update: str, tmp_path: Path) -> None:
    report = check(gradient, update, tmp_path)
    assert report.verdict in ("unchecked", "incomplete", "pass")
    assert not report.findings
