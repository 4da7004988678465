"""Derivatives of other people's workbooks, against central differences that others worked out."""

import json
from pathlib import Path

import numpy as np
import pytest
from derivatives import exact, opened
from openpyxl.utils import range_boundaries

WILD = Path(__file__).parents[3] / "shared" / "wild"


def _labelled() -> list[tuple[str, dict[str, object]]]:
    """Return the labels with a cell of the loss, on the numbers that the workbook has."""
    if not (WILD / "labels.json").exists():
        return []
    labels = json.loads((WILD / "labels.json").read_text(encoding="utf-8"))
    return [
        (name, own)
        for name, every in labels.items()
        for own in every
        if own.get("true")
        and own.get("weight_cells")
        and "!" not in (own.get("loss") or "!")
        and ":" not in own["loss"]
        if own.get("evaluated_with", {}).keys()
        <= {f"{own['sheet']}!{c}" for c in ("A4", "A5", "H4")}
    ]


@pytest.mark.skipif(not WILD.exists(), reason="the workbooks are not here")
def test_the_derivatives_of_wild_workbooks_are_what_central_differences_gave() -> None:
    compared = 0
    for name, label in _labelled():
        if any(label.get("evaluated_with", {}).values()):
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
