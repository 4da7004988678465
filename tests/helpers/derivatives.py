"""Derivatives in a workbook that is read from its file."""

from collections.abc import Sequence
from pathlib import Path

from workbook_tools.differentiation.adjoints import Derivatives
from workbook_tools.engines import compiled
from workbook_tools.formulas.sheets import read_sheets
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.workbook import open_package
from workbook_tools.program.graph import Graph


def opened(path: Path, parameters: Sequence[Cell]) -> Derivatives:
    with open_package(path) as package:
        sheets, stored = read_sheets(package)
        iterations = package.iterations
    values = compiled.calculated(path, Graph.of(sheets), sheets, stored, iterations)
    return Derivatives(sheets, values, parameters, iterations)


def exact(derivatives: Derivatives, of: Cell) -> list[float]:
    found = derivatives.adjoints([of], derivatives.memory)
    return [float(found[derivatives.place(cell), 0]) for cell in derivatives.parameters]
