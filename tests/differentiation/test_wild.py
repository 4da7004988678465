"""Derivatives of other people's workbooks, against central differences that others worked out."""

import numpy as np
import pytest
from derivatives import exact, opened
from openpyxl.utils import range_boundaries
from wild_labels import WILD, labelled


@pytest.mark.skipif(not WILD.exists(), reason="the workbooks are not here")
def test_the_derivatives_of_wild_workbooks_are_what_central_differences_gave() -> None:
    compared = 0
    for name, label in labelled():
        evaluated_with = label.get("evaluated_with", {})
        typed = {f"{label['sheet']}!{cell}" for cell in ("A4", "A5", "H4")}
        if not evaluated_with.keys() <= typed or any(evaluated_with.values()):
            continue  # on other numbers than those of the workbook
        sheet = str(label["sheet"])

        def cell(text: str, sheet: str = sheet) -> tuple[str, int, int]:
            column, row, _, _ = range_boundaries(text)
            return sheet, int(row), int(column)

        [path] = WILD.glob(f"{name}.xls?")
        derivatives = opened(path, [cell(own) for own in label["weight_cells"]])
        factor = {"0.25 x dLoss/dw": 0.25, "10 x dLoss/dw": 10.0}.get(
            str(label.get("gradient_is")), 1
        )
        found = np.array(exact(derivatives, cell(str(label["loss"])))) * factor
        true = np.array(label["true"])
        assert found == pytest.approx(true, rel=1e-5, abs=1e-6 * np.abs(true).max()), name
        compared += len(true)
    assert compared > 50
