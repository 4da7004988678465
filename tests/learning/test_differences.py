"""Derivatives that are estimated by differences: it is said how good they are."""

from pathlib import Path

import pytest
from openpyxl import Workbook

from workbook_tools.checking.verify import verify
from workbook_tools.judging.report import Report
from workbook_tools.reporting.terminal import model_lines

FORWARD = "=((A{row}+$F$2)^4-3*(A{row}+$F$2)-B{row})/$F$2"
CENTRAL = "=((A{row}+$F$2)^4-(A{row}-$F$2)^4-6*$F$2)/(2*$F$2)"


def check(estimate: str, folder: Path) -> Report:
    book = Workbook()
    sheet = book.active
    sheet["F1"], sheet["F2"], sheet["A2"] = 0.02, 0.001, 1.7
    for row in range(2, 14):
        sheet[f"B{row}"] = f"=A{row}^4-3*A{row}"
        sheet[f"C{row}"] = f"=4*A{row}^3-3"
        sheet[f"D{row}"] = estimate.format(row=row)
        sheet[f"A{row + 1}"] = f"=A{row}-$F$1*C{row}"
    book.save(folder / "made.xlsx")
    return verify(folder / "made.xlsx")


@pytest.mark.parametrize(("estimate", "off"), [(FORWARD, "0.3%"), (CENTRAL, "0.0%")])
def test_differences_are_compared_with_the_derivative(
    estimate: str, off: str, tmp_path: Path
) -> None:
    report = check(estimate, tmp_path)
    assert report.verdict == "pass"
    [model] = report.models
    assert model.count("right") == (12, 12)
    [claim] = [one for one in model.claims if one.verdict == "estimated"]
    assert (claim.cells, claim.count, claim.what) == ("D2:D13", 12, "∂Sheet!B2/∂Sheet!A2")
    assert claim.why == f"by differences, off by up to {off}"
    assert f"12 right, 12 estimated {claim.why}: " in dict(model_lines(model))["gradients"]


@pytest.mark.parametrize("estimate", ["=(A{row}-5)/2", "=(C{row}-B{row})/A{row}", "=C{row}*1.5/2"])
def test_other_quotients_are_none(estimate: str, tmp_path: Path) -> None:
    [model] = check(estimate, tmp_path).models
    assert not [one for one in model.claims if one.verdict == "estimated"]
