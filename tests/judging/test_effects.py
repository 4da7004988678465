"""The effect of a finding is the last loss of the same table without that mistake."""

from pathlib import Path

import pytest
from handmade import FORMULAS, HandMade

from workbook_tools.checking.verify import verify
from workbook_tools.judging.findings import Finding

SWAPPED = {**FORMULAS, "∂E/∂w3": FORMULAS["∂E/∂w3"].replace("O6", "N6")}
HALVED = {**FORMULAS, "∂E/∂w8": FORMULAS["∂E/∂w8"] + "/2"}


def last_loss(made: HandMade, folder: Path) -> float:
    return verify(made.save(folder / "other.xlsx")).tables[0].last_loss


def test_the_effect_of_the_only_mistake_is_the_right_last_loss(tmp_path: Path) -> None:
    report = verify(HandMade(SWAPPED).save(tmp_path / "made.xlsx"))
    [finding] = report.findings
    assert without(finding) == pytest.approx(last_loss(HandMade(), tmp_path), rel=1e-12)
    assert finding.effects[0].last_loss == report.tables[0].last_loss != without(finding)


def without(finding: Finding) -> float | None:
    """Return what the last loss of the only table would be without a finding."""
    [effect] = finding.effects
    return effect.without


@pytest.mark.parametrize("engine", ["embedded", "ironcalc"])
def test_each_of_two_mistakes_has_an_effect_of_its_own(tmp_path: Path, engine: str) -> None:
    both = {**SWAPPED, "∂E/∂w8": HALVED["∂E/∂w8"]}
    found = verify(HandMade(both).save(tmp_path / "made.xlsx"), engine).findings
    effects = {finding.quantities[0]: without(finding) for finding in found}
    assert effects == {
        "∂E/∂w3": pytest.approx(last_loss(HandMade(HALVED), tmp_path), rel=1e-12),
        "∂E/∂w8": pytest.approx(last_loss(HandMade(SWAPPED), tmp_path), rel=1e-12),
    }


@pytest.mark.parametrize(
    "cells",
    [
        {"J10": 0.7},  # h1, typed
        {"F12": "=F11-D$3*Y11"},  # w1, by an empty cell for the rate
        {"AB20": "=1/0"},
        {"M8": None},
    ],
)
def test_a_mistake_in_one_cell_has_an_effect(tmp_path: Path, cells: dict[str, object]) -> None:
    [finding] = verify(HandMade(cells=cells).save(tmp_path / "made.xlsx")).findings
    assert without(finding) == pytest.approx(last_loss(HandMade(), tmp_path), rel=1e-12)


def test_a_start_that_differs_from_the_stated_one_is_a_warning(tmp_path: Path) -> None:
    said = {"H2": "w1", "I2": 0.15}  # as the table begins
    clean = HandMade(cells=said)
    assert verify(clean.save(tmp_path / "clean.xlsx")).faults == []
    report = verify(HandMade(cells={**said, "F6": 0.51}).save(tmp_path / "made.xlsx"))
    [finding] = report.faults
    assert report.verdict == "pass"
    assert (finding.kind, finding.quantity, finding.cells) == ("odd-start", "w1", "F6")
    assert (finding.value, finding.expected) == (0.51, 0.15)
    assert without(report.findings[0]) == pytest.approx(last_loss(HandMade(), tmp_path), rel=1e-12)


def test_data_that_differ_from_the_stated_ones_are_a_warning(tmp_path: Path) -> None:
    said: dict[str, object] = {"H2": "t2", "I2": 0.6}
    [finding] = verify(HandMade(cells=said).save(tmp_path / "made.xlsx")).faults
    assert (finding.kind, finding.quantity, finding.cells) == ("odd-start", "t2", "C6:C25")
