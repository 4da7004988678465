"""How tight the check is, and that each cell is judged by its own neighbours."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from references import tables

from workbook_tools.mathematics.local import expected_values


@pytest.mark.parametrize("name", ["Back_Propogation", "mazur"])
def test_a_mistake_of_a_billionth_is_beyond_the_tolerance_in_every_cell(
    workbooks: Path, name: str
) -> None:
    for table, reference in tables(workbooks / f"{name}.xlsx"):
        expected = expected_values(reference, table.values, table.rate, {}, storage=5e-15)
        parts = (expected.values, expected.terms, expected.radius)
        values, terms, radius = (pd.DataFrame(part).iloc[1:].abs() for part in parts)
        calculated = 1e-12 * terms / values
        stored = calculated + radius / values
        # A sum of one sign, or a product, has no terms larger than itself.
        plain = [s for s in values if s[0] in "tiaEb" or s in ("h1", "h2")]
        assert calculated[plain].max().max() <= 1.01e-12
        assert np.median(calculated.to_numpy()) <= 1.01e-12
        assert calculated.max().max() <= 1e-10  # where a sum passes through zero
        assert stored.max().max() <= 1e-9


def test_every_quantity_is_worked_out_from_the_sheets_own_values(workbooks: Path) -> None:
    table, reference = tables(workbooks / "mazur.xlsx")[0]
    right = pd.DataFrame(expected_values(reference, table.values, table.rate, {}).values)
    moved = table.values | {"h1": table.values["h1"] + 0.25 * (table.rows == 50)}
    changed = pd.DataFrame(expected_values(reference, moved, table.rate, {}).values)
    differs = (changed != right) & ~(changed.isna() & right.isna())
    assert {(r, s) for r, s in zip(*np.nonzero(differs.to_numpy()), strict=True)} == {
        (50 - table.first_row, list(right.columns).index("a_h1"))
    }


def test_a_loss_is_right_whatever_a_wrong_activation_gives(workbooks: Path) -> None:
    """It may be worked out from the pre-activation alone."""
    table, reference = tables(workbooks / "xor.xlsx")[0]
    for wrong in (-0.5, 0.0, 0.3, 1.0, 1.5):
        moved = table.values | {"a_o1": np.full(len(table.rows), wrong)}
        with np.errstate(all="ignore"):  # as in a check
            expected = expected_values(reference, moved, table.rate, {}, storage=5e-15)
        off = np.abs(table.values["E1"] - expected.values["E1"])
        assert (off <= expected.allowed("E1", 1e-12)).all()
