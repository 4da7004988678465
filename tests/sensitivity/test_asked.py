"""Which numbers are found, what is said of each, and in which order."""

import math
from pathlib import Path

import pytest
from openpyxl import Workbook
from sensitivities import asked, by_cell, written

from workbook_tools.notation.addresses import cell_name


def names(cells: dict[str, object], of: str, folder: Path, *by: str) -> list[str]:
    found = asked(written(folder / "a.xlsx", cells), of, *by)
    return [cell_name(*one.cell[1:]) for one in found.influences]


def test_all_typed_numbers_that_the_result_depends_on_are_found(tmp_path: Path) -> None:
    cells: dict[str, object] = {
        **{f"A{row}": row for row in range(1, 6)},
        **{f"B{row}": f"=A{row}^2" for row in range(1, 6)},  # of which row 3 is needed, only
        "C1": "a text", "C2": True, "C3": 7, "C5": 9,
        "D1": "=B3+SUM(C1:C4)",
        "E1": 100,
    }  # fmt: skip
    assert names(cells, "D1", tmp_path) == ["A3", "C3"]


def test_numbers_on_other_sheets_are_found(tmp_path: Path) -> None:
    book = Workbook()
    other = book.create_sheet("Its inputs")
    other["A1"], other["B1"] = "Rate", 0.5
    book.active["A1"], book.active["A2"] = 2, "=A1^2*'its inputs'!B1"
    book.save(tmp_path / "a.xlsx")
    found = asked(tmp_path / "a.xlsx", "Sheet!A2")
    assert [(one.cell, one.label) for one in found.influences] == [
        (("Sheet", 1, 1), None), (("Its inputs", 1, 2), "Rate")
    ]  # fmt: skip


def test_those_that_move_the_result_most_come_first(tmp_path: Path) -> None:
    cells: dict[str, object] = {
        "A1": 1, "A2": -300, "A3": 20, "A4": 0, "A5": 5, "A6": 2,
        "B1": "=A1+A2+A3+A4*7+IF(A5>99,A6,0)+A6^2*0",
    }  # fmt: skip
    assert names(cells, "B1", tmp_path)[:4] == ["A2", "A3", "A1", "A4"]
    own = by_cell(asked(tmp_path / "a.xlsx", "B1"))
    assert [own[name].is_felt for name in ("A1", "A4", "A5", "A6")] == [True, True, False, False]


def test_of_a_zero_only_the_derivative_is_told(tmp_path: Path) -> None:
    own = by_cell(asked(written(tmp_path / "a.xlsx", {"A1": 0, "B1": 3, "C1": "=A1*B1+5"}), "C1"))
    assert (own["A1"].derivative, own["A1"].elasticity) == (3.0, None)
    assert (own["A1"].effects, own["A1"].straight_up_to) == ({}, None)


def test_a_result_of_0_has_no_elasticity(tmp_path: Path) -> None:
    own = by_cell(asked(written(tmp_path / "a.xlsx", {"A1": 2, "B1": "=A1-2"}), "B1"))
    assert (own["A1"].derivative, own["A1"].elasticity) == (1.0, None)
    assert own["A1"].effects[10].change == pytest.approx(0.2)
    assert own["A1"].straight_up_to == 100


def test_what_has_no_derivative_still_has_effects(tmp_path: Path) -> None:
    cells = {"A1": 1.26, "A2": 3, "A3": 4.5, "B1": "=ROUND(A1,1)*A2", "B2": "=B1+A3^2"}
    found = asked(written(tmp_path / "a.xlsx", cells), "B2")
    own = by_cell(found)
    assert [own[name].derivative for name in ("A1", "A2", "A3")] == [None, 1.3, 9.0]
    assert own["A1"].effects[10].change == pytest.approx((1.4 - 1.3) * 3)
    assert own["A1"].effects[1].change == 0.0
    assert (own["A1"].elasticity, own["A1"].straight_up_to) == (None, None)
    assert found.gaps == ["Sheet!B1: ROUND has no derivative"]


def test_a_condition_is_felt_where_it_is_met(tmp_path: Path) -> None:
    cells = {"A1": 95, "A2": 10, "B1": "=IF(A1>100,A2,0)+1"}
    own = by_cell(asked(written(tmp_path / "a.xlsx", cells), "B1"))
    assert (own["A1"].derivative, own["A1"].effects[1].change) == (0.0, 0.0)
    assert own["A1"].effects[10].change == 10.0
    assert own["A1"].straight_up_to == 5
    assert own["A1"].is_felt


def test_a_circle_has_no_derivatives_but_effects(tmp_path: Path) -> None:
    book = Workbook()
    for name, content in {"A1": 3, "B1": "=A1+0.5*C1", "C1": "=0.5*B1", "D1": "=B1+A1"}.items():
        book.active[name] = content
    book.calculation.iterate = True
    book.calculation.iterateCount = 1000
    book.calculation.iterateDelta = 1e-12
    book.save(tmp_path / "a.xlsx")
    found = asked(tmp_path / "a.xlsx", "D1")
    assert found.value == pytest.approx(7.0)
    [one] = found.influences
    assert one.derivative is None
    assert one.effects[10].change == pytest.approx(0.7, rel=1e-9)
    assert "is in a circle" in found.gaps[0]


def test_what_breaks_the_result_is_told_and_comes_first(tmp_path: Path) -> None:
    cells = {"A1": -1, "A2": 100, "B1": "=SQRT(1.05+A1)+A2"}
    found = asked(written(tmp_path / "a.xlsx", cells), "B1")
    first, _ = found.influences
    assert first.cell == ("Sheet", 1, 1)
    assert first.reach == math.inf
    assert first.effects[10] == (None, "#NUM!")
    assert first.effects[-10].change == pytest.approx(0.15**0.5 - 0.05**0.5)


def test_a_step_to_a_text_is_told(tmp_path: Path) -> None:
    cells = {"A1": 5, "B1": '=IF(A1>5.2,"too much",A1)'}
    [one] = asked(written(tmp_path / "a.xlsx", cells), "B1").influences
    assert one.effects[10] == (None, "too much")
    assert one.effects[1].change == pytest.approx(0.05)
    assert one.straight_up_to == 2


def test_a_cell_of_by_counts_as_a_number_even_if_it_has_a_formula(tmp_path: Path) -> None:
    cells = {"A1": 2, "B1": "=A1*3", "C1": "=A1+B1^2"}
    path = written(tmp_path / "a.xlsx", cells)
    whole = by_cell(asked(path, "C1"))
    assert whole["A1"].derivative == pytest.approx(1 + 2 * 6 * 3)
    held = by_cell(asked(path, "C1", "A1", "B1"))
    assert held["A1"].derivative == pytest.approx(1.0)
    assert held["A1"].effects[10].change == pytest.approx(0.2)
    assert held["B1"].derivative == pytest.approx(12.0)
    assert held["B1"].effects[-10].change == pytest.approx(5.4**2 - 36)


def test_a_range_of_by_may_have_texts_and_empty_cells(tmp_path: Path) -> None:
    cells = {"A1": 2, "A2": "a text", "A4": 5, "B1": "=A1*A4"}
    assert names(cells, "B1", tmp_path, "A1:A9") == ["A1", "A4"]


def test_what_a_number_of_by_does_not_move_is_listed(tmp_path: Path) -> None:
    own = by_cell(
        asked(written(tmp_path / "a.xlsx", {"A1": 2, "A2": 4, "B1": "=A1"}), "B1", "A1:A2")
    )
    assert (own["A2"].derivative, own["A2"].effects[10].change) == (0.0, 0.0)
    assert not own["A2"].is_felt


def test_a_formula_that_is_not_understood_does_no_harm_beside_the_result(tmp_path: Path) -> None:
    cells = {"A1": 2, "B1": "=A1*3", "C1": "=BAHTTEXT(A1)"}
    [one] = asked(written(tmp_path / "a.xlsx", cells), "B1").influences
    assert (one.derivative, one.effects[10].change) == (3.0, pytest.approx(0.6))


def test_only_the_first_are_compared_with_a_straight_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbook_tools.sensitivity.asked._MOST_COMPARED", 1)
    first, other = asked(
        written(tmp_path / "a.xlsx", {"A1": 2, "A2": 4, "B1": "=A1+A2"}), "B1"
    ).influences
    assert (first.cell[1], first.straight_up_to, first.elasticity) == (2, 100, pytest.approx(4 / 6))
    assert (other.straight_up_to, other.effects[10].change) == (None, pytest.approx(0.2))


def test_a_formula_filled_down_over_many_numbers_is_followed_cell_by_cell(tmp_path: Path) -> None:
    cells: dict[str, object] = {f"A{row}": row / 7 for row in range(1, 301)}
    cells |= {f"B{row}": f"=SUM(A$1:A{row})" for row in range(1, 301)}
    found = asked(written(tmp_path / "a.xlsx", {**cells, "D1": "=B250"}), "D1")
    assert len(found.influences) == 250
    assert {one.derivative for one in found.influences} == {1.0}
