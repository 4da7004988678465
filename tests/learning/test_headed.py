"""Blocks of gradients of which all are wrong, which only their heading tells."""

from pathlib import Path

import pytest
from any_layout import called_wrong, checked

from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.learning.prepared.fixed_numbers import with_fixed_numbers


def network(heading: str, gradient: str, weight: str = "0.{number}") -> dict[str, object]:
    """Return a softmax layer of 3 inputs and 2 outputs, with weights beside their gradients."""
    cells: dict[str, object] = {"A1": 0.4, "B1": 0.9, "C1": 0.3, "H1": 0, "I1": 1, "H4": heading}
    for k, column in enumerate("DE"):
        for row in (5, 6, 7):
            cells[f"{column}{row}"] = f"={weight.format(number=row - 2 + 3 * k)}"
            if weight.startswith("0."):
                cells[f"{column}{row}"] = float(str(cells[f"{column}{row}"])[1:])
        cells[f"{column}9"] = f"=$A$1*{column}5+$B$1*{column}6+$C$1*{column}7"
        cells[f"{column}10"] = f"=EXP({column}9)/(EXP($D$9)+EXP($E$9))"
        error, target = "HI"[k], "HI"[k]
        cells[f"{error}10"] = f"={column}10-{target}1"
        for row, x in zip((5, 6, 7), "ABC", strict=True):
            own = gradient.format(w=f"{column}{row}", x=f"${x}$1", error=f"{error}$10", y=column)
            cells[f"{error}{row}"] = f"={own}"
    return cells


@pytest.mark.parametrize("weight", ["0.{number}", "RAND()-0.5", "NORM.INV(RAND(),0,SQRT(2/3))"])
def test_right_gradients_are_understood_also_of_random_weights(weight: str, tmp_path: Path) -> None:
    report = checked(network("dL/dW", "{x}*{error}", weight), tmp_path / "right.xlsx")
    assert report.verdict == "pass"
    assert sum(model.count("right")[0] for model in report.models) >= 6


@pytest.mark.parametrize("heading", ["dl/dw", "∂E/∂w", "Gradient of the weights", "∇W"])
def test_a_block_with_a_heading_is_wrong_if_a_formula_is_known(
    heading: str, tmp_path: Path
) -> None:
    report = checked(network(heading, "{w}*{error}"), tmp_path / "wrong.xlsx")
    assert called_wrong(report) == {f"{column}{row}" for column in "HI" for row in (5, 6, 7)}
    [finding] = report.findings
    mended = {cell: own for place in finding.places for cell, own in place.put_right.items()}
    assert mended["Sheet", 6, 9] == "=B1*I$10"
    assert [model.assumed_loss for model in report.models] == ["cross-entropy"]


@pytest.mark.parametrize(
    ("heading", "gradient"),
    [
        ("contributions", "{w}*{error}"),  # it does not say that these are gradients
        ("dl/dw", "RANK({w},$D$5:$E$7)*{y}9"),  # nothing that is known makes them right
        ("dl/dx", "{w}*{error}"),  # by another cell
        ("dl/dw", "{x}*{w}"),  # it has nothing to do with the error
    ],
)
def test_what_no_heading_says_is_not_called_wrong(
    heading: str, gradient: str, tmp_path: Path
) -> None:
    report = checked(network(heading, gradient), tmp_path / "other.xlsx")
    assert report.findings == []


@pytest.mark.parametrize(
    ("formula", "is_number"),
    [
        ("=RAND()", True),
        ("=RAND()*2-1", True),
        ("=NORM.INV(RAND(),0,SQRT(2/COUNT(B1:B9)))", True),
        ("=_xlfn.NORM.INV(RAND(),$C$1,$C$2)", True),
        ("=RANDBETWEEN(-C1,C1)/10", True),
        ("=IF(RAND()<0.5,0,B1)", False),  # a unit is dropped
        ("=B1+RAND()", False),  # noise
        ("=B1*2", False),
    ],
)
def test_only_cells_that_draw_a_number_count_as_numbers(formula: str, is_number: bool) -> None:
    sheet = Sheet("Sheet", 3, runs={1: [Run(2, 3, FilledFormula.parse(formula, 2))]})
    [found] = with_fixed_numbers([sheet], may_be_circular=False)
    assert (not found.runs) == is_number
