"""Values in the file that its formulas do not give are found."""

import re
from pathlib import Path

import pytest
from handmade import FORMULAS, HandMade
from parts import SHEET, rewritten

from workbook_tools.checking.verify import verify
from workbook_tools.engines import recalculate
from workbook_tools.engines.cached_values import fill
from workbook_tools.judging.faults import Fault
from workbook_tools.notation.addresses import cell_name


def saved(made: HandMade, folder: Path, stored: dict[str, str]) -> Path:
    """Write a workbook with its values, except for those that are ``stored`` differently."""
    bare, filled = made.save(folder / "bare.xlsx"), folder / "filled.xlsx"
    fill(bare, filled, recalculate(bare, "embedded"))

    def change(sheet: bytes) -> bytes:
        content = sheet.decode()
        for cell, value in stored.items():
            kind = ' t="e"' if value.startswith("#") else ""
            pattern = rf'<c r="{cell}"( s="\d+")?( t="n")?>(<f>[^<]*</f>)?<v>[^<]*</v>'
            content, count = re.subn(pattern, rf'<c r="{cell}"{kind}>\3<v>{value}</v>', content)
            assert count == 1, cell
        return content.encode()

    return rewritten(filled, folder / "changed.xlsx", {SHEET: change})


def found(path: Path, engine: str = "embedded") -> list[tuple[str, str, str]]:
    return [_brief(finding) for finding in verify(path, engine).faults]


def _brief(finding: Fault) -> tuple[str, str, str]:
    return finding.kind.value, finding.quantity, finding.cells


@pytest.mark.parametrize("engine", ["embedded", "ironcalc"])
def test_a_value_that_its_formula_does_not_give_is_stale(tmp_path: Path, engine: str) -> None:
    assert found(saved(HandMade(), tmp_path, {}), engine) == []
    path = saved(HandMade(), tmp_path, {"J10": "0.9"})
    assert found(path, engine) == [("stale-value", "h1", "J10")]
    report = verify(path, engine)
    [finding] = report.faults
    assert finding.value == 0.9
    assert finding.expected == pytest.approx(0.02734807850445, rel=1e-9)
    assert report.findings[0].effect is None  # the values are right when it is recalculated


def test_a_rate_changed_without_recalculating_leaves_every_update_stale(tmp_path: Path) -> None:
    stale = found(saved(HandMade(), tmp_path, {"D2": "0.6"}))
    weights = [f"w{k}" for k in range(1, 9)]
    assert [(kind, quantity) for kind, quantity, _ in stale] == [
        ("stale-value", w) for w in weights
    ]
    assert stale[0][2] == "F7:F25"


def test_an_error_value_that_is_no_longer_one_is_stale(tmp_path: Path) -> None:
    path = saved(HandMade(), tmp_path, {"AF25": "#DIV/0!"})
    [finding] = verify(path).faults
    assert _brief(finding) == ("stale-value", "∂E/∂w8", "AF25")
    assert finding.value == "#DIV/0!"


def test_a_changed_cell_with_a_finding_does_not_leave_its_readers_as_findings(
    tmp_path: Path,
) -> None:
    made = HandMade(cells={"J10": 0.9})
    bare = made.save(tmp_path / "typed.xlsx")
    right = saved(HandMade(), tmp_path, {})

    def typed(sheet: bytes) -> bytes:
        return re.sub(rb'(<c r="J10"[^>]*>)<f>[^<]*</f><v>[^<]*', rb"\1<v>0.9", sheet)

    mixed = rewritten(right, tmp_path / "mixed.xlsx", {SHEET: typed})
    assert found(bare) == found(mixed) == [("typed-value", "h1", "J10")]


def test_values_of_eight_digits_are_not_stale(tmp_path: Path) -> None:
    values = recalculate(HandMade().save(tmp_path / "one.xlsx"), "embedded")
    cells = [(row, column) for row in range(6, 26) for column in range(10, 33)]
    stored = {}
    for row, column in cells:
        value = values.block("My sheet", row, column, row, column)[0][0]
        stored[cell_name(row, column)] = f"{value:.8g}"
    assert found(saved(HandMade(), tmp_path, stored)) == []


def test_a_wrong_formula_is_not_stale_beside(tmp_path: Path) -> None:
    wrong = {**FORMULAS, "∂E/∂w3": FORMULAS["∂E/∂w3"].replace("O6", "N6")}
    path = saved(HandMade(wrong), tmp_path, {"AA10": "0.7", "U25": "0.1"})
    kinds = found(path)
    assert kinds[0][0] == "wrong-formula"
    assert ("stale-value", "a_o2", "U25") in kinds
    assert not any(kind == "stale-value" and "AA10" in cells for kind, _, cells in kinds)
