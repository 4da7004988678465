"""Trainings in which all gradients are wrong, or none is meant to be a derivative."""

from pathlib import Path

import pytest
from any_layout import called_wrong, checked, classifier
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


def test_an_update_whose_rate_is_an_empty_cell_is_named(tmp_path: Path) -> None:
    report = check("4*A{row}^3-3", "A{row}-$F$2*C{row}", tmp_path)
    [finding] = report.findings
    [place] = finding.places
    assert (place.kind.value, place.ranges) == ("wrong-update", "A3:A14")
    assert "reads F2, which is empty" in place.message
    assert place.suggestion is None


def test_a_loss_that_is_shown_is_meant_not_the_one_of_a_wrong_error(tmp_path: Path) -> None:
    assert checked(classifier(), tmp_path / "right.xlsx").verdict == "pass"
    wrong = checked(classifier(last="=2*D{row}-$N${own}"), tmp_path / "wrong.xlsx")
    assert called_wrong(wrong) == {f"F{row}" for row in range(5, 50, 6)}
    [finding] = wrong.findings
    put_right = finding.places[0].put_right
    assert put_right["Sheet", 11, 6] == "=2*(D11-$N$6)"
    assert all(model.assumed_loss is None for model in wrong.models)


@pytest.mark.parametrize("shown", ["ABS({error})", "({error}-D{row})^2", "({other})^2"])
def test_another_loss_that_is_only_shown_does_not_make_gradients_wrong(
    shown: str, tmp_path: Path
) -> None:
    cells = classifier(samples=2)  # the gradients are those of squared errors
    for cell in [*cells]:
        if cell[0] == "E" and "^2" in str(cells[cell]):
            error = str(cells[cell])[2:-3]
            other = error.replace("$N", "$M")  # of another target
            cells[cell] = "=" + shown.format(error=error, row=cell[1:], other=other)
    assert checked(cells, tmp_path / "other.xlsx").verdict == "pass"
