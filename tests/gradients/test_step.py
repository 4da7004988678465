"""One step of gradient descent beside the derivatives, against the model on other numbers."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from differentiated_copies import copy_of, derivatives_in, with_numbers
from forward_models import KINDS, full, random_model
from small_models import BY, EXAMPLES, saved

from workbook_tools.engines import compiled
from workbook_tools.gradients.workbook import Summary
from workbook_tools.notation.addresses import Cell

RATE = 0.05


def checked(path: Path, of: Cell, summary: Summary) -> None:
    """Compare the parameters after the step, and the result, with a run of the model."""
    found = derivatives_in(summary)
    after = {one.cell: one.value - RATE * found[one.cell] for one in summary.parameters}
    values = compiled.recalculate(summary.file)
    for cell, number in after.items():
        shown = values.value(("→ " + cell[0], *cell[1:]))
        assert shown == pytest.approx(number, rel=1e-12, abs=1e-14), cell
    right = with_numbers(path, after, of)
    assert summary.after == pytest.approx(right, rel=1e-12)
    assert values.value(("→ " + of[0], *of[1:])) == summary.after
    assert values.value(of) == summary.value


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_result_after_a_step_is_that_of_the_model(name: str, tmp_path: Path) -> None:
    path = saved(EXAMPLES[name], tmp_path / "a.xlsx")
    checked(path, ("Sheet", 2, 9), copy_of(path, "I2", BY, RATE))


@pytest.mark.parametrize("seed", range(12))
def test_a_step_goes_through_several_sheets_and_array_formulas(seed: int, tmp_path: Path) -> None:
    model = random_model(Random(seed), KINDS, most=4)
    path = model.save(tmp_path / "a.xlsx")
    some = [*map(full, model.parameters[::2])]
    checked(path, model.of, copy_of(path, full(model.of), some, RATE))


def test_conditions_and_lookups_are_decided_anew_after_the_step(tmp_path: Path) -> None:
    cells: dict[str, object] = {
        "A1": 0.2, "A2": 3, "B1": 1, "C1": 10, "B2": 2, "C2": 20,
        "D1": "=IF(A1>0,1,2)", "D2": "=VLOOKUP(D1,B1:C2,2,FALSE)", "D3": "=A1*A2+D2",
        "D4": "=COUNTIF(A1:A2,\">0\")",
    }  # fmt: skip
    cells["D5"] = "=D3+D4"
    path = saved(cells, tmp_path / "a.xlsx")
    summary = copy_of(path, "D5", ["A1"], 0.1)
    assert summary.value == pytest.approx(0.6 + 10 + 2)
    assert summary.after == pytest.approx((0.2 - 0.3) * 3 + 20 + 1)
    checked_value = with_numbers(path, {("Sheet", 1, 1): 0.2 - 0.1 * 3}, ("Sheet", 5, 4))
    assert summary.after == pytest.approx(checked_value)


def test_small_steps_make_a_loss_smaller_by_the_square_of_its_gradient(tmp_path: Path) -> None:
    path = saved(EXAMPLES["sigmoid"], tmp_path / "a.xlsx")
    summary = copy_of(path, "I2", BY, 1e-6)
    slopes = np.array([one.derivative for one in summary.parameters])
    assert isinstance(summary.after, float)
    assert (summary.value - summary.after) / 1e-6 == pytest.approx((slopes**2).sum(), rel=1e-4)
