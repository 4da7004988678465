"""What each cell of the backward half is."""

from pathlib import Path

from any_layout import checked, classifier

from workbook_tools.reporting.json_document import to_json


def test_what_is_between_is_in_the_document(tmp_path: Path) -> None:
    report = checked(classifier(), tmp_path / "unit.xlsx")
    [model] = to_json(report)["models"]
    helpers = {one["cells"].split(",")[0]: one for one in model["helpers"]}
    assert helpers["F2:F5"]["is"] == "∂Sheet!E6/∂Sheet!D2"
    assert helpers["F2:F5"]["factor"] == 1.0
    assert helpers["H2:I5"]["is"].endswith("by way of Sheet!D2")
    assert {"A2:C2", "H6:J6"}.isdisjoint(helpers)


def test_what_is_wrong_is_no_helper(tmp_path: Path) -> None:
    wrong = checked(classifier(last="=2*D{row}-$N${own}"), tmp_path / "wrong.xlsx")
    [model] = wrong.models
    cells = {cell for one in model.helpers for cell in one.cells.split(", ")}
    assert "F2:F4" in cells
    assert "F2:F5" not in cells
