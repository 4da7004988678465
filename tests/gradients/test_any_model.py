"""Derivatives written beside any model, recalculated, against reverse mode and differences."""

from random import Random

import numpy as np
import pytest
from cases import cases
from differentiated_copies import adjoints, copy_of, derivatives_in, difference, sheets_of
from forward_models import KINDS, Maker, Model, all_of, close, full, random_model, row_of
from hypothesis import given
from hypothesis import strategies as st
from small_models import saved

from workbook_tools.errors import InputError
from workbook_tools.gradients import workbook
from workbook_tools.gradients.side_cells import Written
from workbook_tools.gradients.terms import Term


def checked(model: Model, folder: pytest.TempPathFactory, random: Random) -> None:
    """Compare every derivative of a model, without the comparison in the product itself."""
    path = model.save(folder.mktemp("model") / "model.xlsx")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workbook, "refuse_differences", lambda *_: None)
        found = derivatives_in(copy_of(path, full(model.of), map(full, model.parameters)))
    derivatives, every = adjoints(path, model.of, model.parameters)
    right = {
        cell: float(every[derivatives.place(cell)])
        for name, cells in model.cells.items()
        for cell in ((name, *place) for place in cells)
        if cell in model.parameters or derivatives.depends(cell)
    }
    assert found.keys() <= right.keys()
    assert {*model.parameters} <= found.keys()
    assert found[model.of] == 1.0
    close({cell: found.get(cell, 0.0) for cell in right}, right, 1e-9, 1e-11)
    some = random.sample([*right], min(3, len(right)))
    numeric = {cell: difference(path, cell, model.of) for cell in some}
    close({cell: found.get(cell, 0.0) for cell in some}, numeric, 1e-5, 1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_formula(kind: Maker, tmp_path_factory: pytest.TempPathFactory) -> None:
    for seed in range(3):
        checked(random_model(Random(seed), [kind], most=2), tmp_path_factory, Random(seed))


@cases(150)
@given(random=st.randoms(use_true_random=False))
def test_any_chain_of_formulas_over_several_sheets(
    tmp_path_factory: pytest.TempPathFactory, random: Random
) -> None:
    checked(random_model(random, most=6), tmp_path_factory, Random(1))


@pytest.mark.slow
def test_a_wrong_rule_is_seen_before_anything_is_written(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = random_model(Random(1), [next(k for k in KINDS if k.__name__ == "linear")], most=1)
    path = model.save(tmp_path_factory.mktemp("model") / "model.xlsx")
    right = Term.by_one

    def wrong(self: Term, pair: object) -> Written:
        found = right(self, pair)  # type: ignore[arg-type]
        return found._replace(pieces=("2*" + found.pieces[0], *found.pieces[1:]))

    monkeypatch.setattr(Term, "by_one", wrong)
    with pytest.raises(InputError, match=r"would be written as a formula that gives .*, not "):
        copy_of(path, full(model.of), map(full, model.parameters))


def test_a_parameter_alone_on_its_sheet_and_without_an_effect_has_a_derivative_of_0(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    model = random_model(Random(3), most=1)
    model.cells["Unused"] = {(1, 1): 2.5}
    model.parameters.append(("Unused", 1, 1))
    path = model.save(tmp_path_factory.mktemp("model") / "model.xlsx")
    found = derivatives_in(copy_of(path, full(model.of), map(full, model.parameters)))
    assert found["Unused", 1, 1] == 0.0


def test_ranges_that_are_written_from_their_last_cell_to_their_first(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Such is ``=MAX(B1:$C1)`` filled to the right, beyond its fixed end."""
    cells: dict[str, object] = dict(
        zip(("A1", "B1", "C1", "D1", "E1"), (5, 4, 1, 2, 3), strict=True)
    )
    cells |= {f"{'ABC'[k]}2": f"=MAX({'CDE'[k]}1:$B1)+SMALL($D1:{'ABC'[k]}1,2)" for k in range(3)}
    cells |= {"A3": "=A2+B2^2+C2^3", "A4": "=SUM(E1:A1)*A3"}
    path = saved(cells, tmp_path_factory.mktemp("backwards") / "a.xlsx")
    found = derivatives_in(copy_of(path, "A4", ["A1:E1"]))
    for column in range(1, 6):
        right = difference(path, ("Sheet", 1, column), ("Sheet", 4, 1), 1e-4)
        assert found["Sheet", 1, column] == pytest.approx(right, rel=1e-6)


def test_every_formula_of_a_table_is_written_only_once_for_all_its_rows(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """What is filled down has a derivative filled down: a single run of formulas a column."""
    for name in ("linear", "by_column", "softmax", "recurrent", "softmax_with_helpers", "unit"):
        kind = next(k for k in KINDS if k.__name__ == name)
        model = Model(Random(2))
        model.cells = {"Data": {}, "It's a net": {}}
        x = model.typed(9, 2)
        y = kind(model, x)
        model.kinds.append("loss")
        z = model.fill(9, 1, lambda i, j, own, y=y: f"SUMSQ({row_of(own.sheet, y, i)})")
        column = model.room(1, 1)
        model.cells[column.sheet][column.at(0, 0)] = f"=AVERAGE({all_of(column.sheet, z)})"
        model.of = (column.sheet, *column.at(0, 0))
        path = model.save(tmp_path_factory.mktemp(name) / "model.xlsx")
        summary = copy_of(path, full(model.of), map(full, model.parameters))
        sheets = {sheet.name: sheet for sheet in sheets_of(summary.file)}
        for block in (x, z):
            runs = sheets[summary.sheets[block.sheet]].runs
            for k in range(block.width):
                own = [r for r in runs[block.column + k] if r.first_row >= block.row]
                # The first and last step of a recurrence are read by fewer cells.
                assert len(own) <= 1, (name, [r.formula.pattern for r in own])
        expected = [difference(path, cell, model.of) for cell in model.parameters]
        found = derivatives_in(summary)
        np.testing.assert_allclose(
            [found[cell] for cell in model.parameters], expected, rtol=1e-5, atol=1e-8
        )
