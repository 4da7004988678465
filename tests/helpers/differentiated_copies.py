"""Copies of workbooks with derivatives beside their cells, and what is in them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from workbook_tools.differentiation.adjoints import Derivatives
from workbook_tools.engines import compiled
from workbook_tools.formulas.sheets import Sheet, read_sheets
from workbook_tools.gradients.workbook import Summary, Wanted, differentiated
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.columns import Calculation
from workbook_tools.package.workbook import open_package
from workbook_tools.program.graph import Graph
from workbook_tools.program.program import Program
from workbook_tools.program.what_if import with_formulas

STEP = 1e-5


def copy_of(path: Path, of: str, by: Iterable[str], rate: float | None = None) -> Summary:
    """Write the copy beside the workbook."""
    folder = path.parent / "copies"
    folder.mkdir(exist_ok=True)
    return differentiated(Wanted(path, of, tuple(by), rate), folder, lambda _: None)


def sheets_of(path: Path) -> list[Sheet]:
    with open_package(path) as package:
        return read_sheets(package)[0]


def derivatives_in(summary: Summary) -> dict[Cell, float]:
    """Return the derivatives in a copy, recalculated, by the cells that they are beside."""
    values = compiled.recalculate(summary.file)
    return values_beside(summary, values)


def values_beside(summary: Summary, values: Calculation) -> dict[Cell, float]:
    """Return the derivatives among the values of a copy."""
    sheets = {sheet.name: sheet for sheet in sheets_of(summary.file)}
    found = {}
    for name, beside in summary.sheets.items():
        for column, runs in sheets[beside].runs.items():
            if column > sheets[name].last_column:
                continue
            for row in (row for run in runs for row in run.rows):
                value = values.value((beside, row, column))
                assert isinstance(value, float), (beside, row, column, value)
                found[name, row, column] = value
    return found


def adjoints(path: Path, of: Cell, parameters: Iterable[Cell]) -> tuple[Derivatives, np.ndarray]:
    """Return the derivatives by reverse mode."""
    with open_package(path) as package:
        sheets, stored = read_sheets(package)
        iterations = package.iterations
    values = compiled.calculated(path, Graph.of(sheets), sheets, stored, iterations)
    derivatives = Derivatives(sheets, values, [*parameters], iterations)
    return derivatives, derivatives.adjoints([of], derivatives.memory)[:, 0]


def with_numbers(path: Path, numbers: Mapping[Cell, float], of: Cell) -> float:
    """Return a cell's value after others, also those of formulas, were replaced by numbers."""
    with open_package(path) as package:
        sheets, stored = read_sheets(package)
    changed = with_formulas(sheets, {cell: f"={own!r}" for cell, own in numbers.items()})
    program = Program(Graph.of(changed), changed, stored, None)
    memory = program.memory()
    program.run(memory, range(len(program.graph.nodes)))
    value = memory.columns().value(of)
    assert isinstance(value, float), (of, value)
    return value


def difference(path: Path, cell: Cell, of: Cell, step: float = STEP) -> float:
    """Return the central difference of a cell by another one, which may have a formula."""
    now = compiled.recalculate(path).value(cell)
    assert isinstance(now, float)
    up, down = (with_numbers(path, {cell: now + h}, of) for h in (step, -step))
    return (up - down) / (2 * step)
