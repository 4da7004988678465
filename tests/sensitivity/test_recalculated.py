"""Effects against the workbook changed by openpyxl and calculated by another engine."""

from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from cases import cases
from hypothesis import given
from hypothesis import strategies as st
from sensitivities import asked, by_cell, written

from workbook_tools.engines import recalculate
from workbook_tools.sensitivity.influence import LADDER

MODEL: dict[str, object] = {
    "A1": "Price", "B1": 24.5, "A2": "Units", "B2": 1200, "A3": "Wages", "B3": 9000,
    "A4": "Tax", "B4": 0.25, "A5": "Discount from", "B5": 1000, "A6": "Region", "B6": "south",
    "D1": "north", "E1": 0.9, "D2": "south", "E2": 1.1, "D3": "south", "E3": 0.4,
    "A8": "Sales", "B8": '=B1*B2*IF(B2>B5,0.95,1)*SUMIF(D1:D3,B6,E1:E3)',
    "A9": "Costs", "B9": "=ROUND(B3,-2)+VLOOKUP(B6,D1:E3,2,FALSE)*2000",
    "A10": "Profit", "B10": "=MAX(B8-B9,0)*(1-B4)-SQRT(B3)",
}  # fmt: skip


def recalculated(path: Path, of: str, changed: str, percent: int) -> float:
    book = openpyxl.load_workbook(path)
    book.active[changed] = book.active[changed].value * (1 + percent / 100)
    copy = path.with_name("changed.xlsx")
    book.save(copy)
    cell = book.active[of]
    value = recalculate(copy, "embedded").value(("Sheet", cell.row, cell.column))
    assert isinstance(value, float)
    return value


@pytest.mark.slow
def test_effects_are_those_of_the_workbook_changed_by_hand(tmp_path: Path) -> None:
    path = written(tmp_path / "model.xlsx", MODEL)
    found = asked(path, "B10")
    own = by_cell(found)
    assert set(own) == {"B1", "B2", "B3", "B4", "B5", "E1", "E2", "E3"}
    for name, one in own.items():
        assert sorted(one.effects) == sorted([*LADDER, *(-step for step in LADDER)])
        for percent in (-50, -10, -1, 1, 10, 20, 100):
            now = recalculated(path, "B10", name, percent)
            change = one.effects[percent].change
            assert change == pytest.approx(now - found.value, rel=1e-9, abs=1e-8), (name, percent)


_PARTS = st.sampled_from(["A1", "B1", "C1", "A1*B1", "2"])


def _larger(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    one = st.sampled_from(
        ["EXP({}/20)", "SQRT(1+({})^2)", "TANH({})", "LN(2+({})^2)", "ATAN2(2,{})",
         "NORMSDIST({}/9)", "SUM({},A1:C1)"]
    )  # fmt: skip
    two = st.sampled_from(["({}+{})", "({}-{})", "{}*{}", "{}/(3+({})^2)"])
    return st.one_of(
        st.builds(lambda form, part: form.format(part), one, parts),
        st.builds(lambda form, a, b: form.format(a, b), two, parts, parts),
    )


@cases(40)
@given(
    st.recursive(_PARTS, _larger, max_leaves=6),
    st.tuples(*[st.floats(-2.0, 2.0).filter(lambda number: abs(number) > 0.01)] * 3),
)
def test_a_derivative_tells_the_effect_of_one_percent_of_a_smooth_formula(
    tmp_path_factory: pytest.TempPathFactory, formula: str, numbers: tuple[float, float, float]
) -> None:
    """The mean of the effects up and down has no second derivative: what is left is the third."""
    path = tmp_path_factory.mktemp("smooth") / "a.xlsx"
    cells = {**dict(zip(("A1", "B1", "C1"), numbers, strict=True)), "A3": f"=A1+B1+C1+{formula}"}
    found = asked(written(path, cells), "A3")
    for one in found.influences:
        up, down = (one.effects[percent].change for percent in (1, -1))
        assert one.derivative is not None
        assert up is not None
        assert down is not None
        predicted = one.derivative * one.value * 0.01
        scale = abs(one.value) * (1 + abs(one.derivative)) + abs(found.value)
        assert (up - down) / 2 == pytest.approx(predicted, rel=1e-3, abs=1e-5 * scale)


def test_batches_of_any_size_have_the_same_effects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "model.xlsx", MODEL)

    def effects() -> Iterator[object]:
        return ((one.cell, one.effects) for one in asked(path, "B10").influences)

    at_once = [*effects()]
    monkeypatch.setattr("workbook_tools.sensitivity.changed._MOST_DRAWS", 1)
    assert [*effects()] == at_once
