"""A model in a workbook: the cell of its result, and its parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbook_tools.differentiation.asked import cells_named, number_in
from workbook_tools.engines import compiled
from workbook_tools.errors import InputError
from workbook_tools.formulas.sheets import Sheet, read_sheets
from workbook_tools.notation.addresses import Cell, full_name
from workbook_tools.package.columns import Columns
from workbook_tools.package.workbook import Iterations, WorkbookPackage
from workbook_tools.program.graph import Graph
from workbook_tools.program.plain_formulas import plain_formulas


@dataclass(frozen=True)
class Model:
    """A workbook that was read and calculated, its result and its parameters."""

    path: Path
    sheets: Sequence[Sheet]  # with plain formulas in place of OFFSET and arrays
    written: Sequence[Sheet]  # as they are in the workbook
    values: Columns
    iterations: Iterations | None
    of: Cell
    by: list[Cell]

    def formula(self, cell: Cell) -> str | None:
        """Return the formula in a cell as it was written; None if it has none."""
        sheet = next(sheet for sheet in self.written if sheet.name == cell[0])
        return sheet.formula_at(*cell[1:])

    def number(self, cell: Cell) -> float:
        """Return the number in a cell that has one."""
        value = self.values.value(cell)
        assert isinstance(value, float)
        return value


def read_model(package: WorkbookPackage, of: str, by: Sequence[str]) -> Model:
    """Read a model, given names of cells: ``Sheet1!F20``, ``Sheet1!B2:C4``.

    Sheets need not be named in a workbook that has only one. Raises ``InputError``, also if the
    result is no number or a parameter is a formula.
    """
    path = package.path
    sheets, stored = read_sheets(package)
    values = compiled.calculated(path, Graph.of(sheets), sheets, stored, package.iterations)
    [result] = cells_named(path, "--of", of, sheets)
    parameters = dict.fromkeys(c for text in by for c in cells_named(path, "--by", text, sheets))
    plain = plain_formulas(sheets)
    model = Model(path, plain, sheets, values, package.iterations, result, [*parameters])
    number_in(path, "--of", result, values)
    if model.formula(result) is None:
        raise InputError(
            f"{path}: --of {full_name(result)} is a number without a formula; give the cell that "
            "is calculated"
        )
    for cell in model.by:
        number_in(path, "--by", cell, values)
        if formula := model.formula(cell):
            raise InputError(
                f"{path}: --by {full_name(cell)} is calculated ({formula[:40]}); give the cells "
                "with numbers that it is calculated from"
            )
    return model
