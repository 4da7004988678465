"""Models of any kind are laid out as trainings, and their gradients are right."""

from random import Random

import pytest
from forward_models import full, random_model
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from workbook_tools.differentiation.adjoints import Derivatives
from workbook_tools.engines import compiled
from workbook_tools.formulas.sheets import read_sheets
from workbook_tools.notation.vocabulary import Optimizer, Schedule
from workbook_tools.package.workbook import open_package
from workbook_tools.program.graph import Graph
from workbook_tools.training.options import training_of
from workbook_tools.training.workbook import Wanted, trained

SHEET, HEADER, FIRST = "LR 0.01", 31, 32
TRAINING = training_of("0.01", 3, Optimizer.GRADIENT_DESCENT, Schedule.CONSTANT, [])


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_the_gradients_of_any_model_are_those_of_the_table(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Differentiate the table that was written, row by row, in reverse mode."""
    model, folder = random_model(Random(seed)), tmp_path_factory.mktemp("model")
    wanted = Wanted(
        model.save(folder / "model.xlsx"),
        full(model.of),
        tuple(map(full, model.parameters)),
        TRAINING,
    )
    found = trained(wanted, folder, lambda step: None)
    head = load_workbook(found.file)[SHEET][HEADER]
    notes = {cell.column: cell.comment.text for cell in head if cell.comment}
    columns = {cell.value: cell.column for cell in head}
    [loss] = [column for column, text in notes.items() if text.startswith(f"{full(model.of)}:")]
    parameters = [cell for cell in head if "updated by" in notes.get(cell.column, "")]
    assert len(parameters) == len(model.parameters)
    with open_package(found.file) as package:
        sheets, stored = read_sheets(package)
    values = compiled.calculated(found.file, Graph.of(sheets), sheets, stored, None)
    for row in (FIRST, FIRST + 1):
        cells = [(SHEET, row, cell.column) for cell in parameters]
        derivatives = Derivatives(sheets, values, cells)
        right = derivatives.adjoints([(SHEET, row, loss)], derivatives.memory)[:, 0]
        for cell, parameter in zip(cells, parameters, strict=True):
            shown = values.value((SHEET, row, columns[f"∂E/∂{parameter.value}"]))
            assert shown == pytest.approx(right[derivatives.place(cell)], rel=1e-9, abs=1e-12)
