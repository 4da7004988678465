"""What is to be differentiated in a workbook, whatever its layout, beside its training tables."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from workbook_tools.errors import InputError
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.judging.findings import Finding, ordered
from workbook_tools.judging.report import ModelReport, Report
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.columns import Calculation
from workbook_tools.package.workbook import Iterations
from workbook_tools.reading.table import Table

_MOST_IN_TABLES = 50_000  # formulas that are differentiated though they are checked by labels


class Asked(NamedTuple):
    """What is asked about the derivatives in a workbook."""

    is_explained: bool = False  # all that learns, also if it is in training tables
    loss: str | None = None  # a cell
    parameters: tuple[str, ...] = ()  # cells

    @property
    def is_any(self) -> bool:
        """Whether anything is asked."""
        return self.is_explained or self.loss is not None

    def differentiate(
        self,
        whole: Report,
        sheets: Sequence[Sheet],
        calculation: Calculation,
        iterations: Iterations | None,
        tables: Sequence[Table],
    ) -> str:
        """Add what learns in a workbook to its report; return why nothing does, if so.

        Raises ``InputError`` if the loss and the parameters that are given are none.
        """
        from workbook_tools.learning.learned import learned  # tables are checked without it

        count = sum(sheet.formula_count() for sheet in sheets)
        if tables and self.loss is None and not whole.other_formulas and count > _MOST_IN_TABLES:
            return ""
        path = Path(whole.workbook)
        found = learned(sheets, calculation, iterations, *self._cells(path, sheets, calculation))
        if self.loss is not None and not found.models:
            raise InputError(f"{path}: --loss {self.loss}: {found.why}")
        whole.models = found.models
        if not tables:
            _leave_to_models(whole)
            _count(whole)
        whole.findings = ordered([*whole.findings, *_beside(found.models, tables)])
        return found.why

    def _cells(
        self, path: Path, sheets: Sequence[Sheet], calculation: Calculation
    ) -> tuple[Cell | None, list[Cell]]:
        """Return the cells of the loss and of the parameters; raises ``InputError``."""
        if self.loss is None:
            return None, []
        from workbook_tools.differentiation.asked import cells_named, number_in

        [loss] = cells_named(path, "--loss", self.loss, sheets)
        named = (cells_named(path, "--parameters", text, sheets) for text in self.parameters)
        parameters = [cell for cells in named for cell in cells]
        number_in(path, "--loss", loss, calculation)
        for cell in parameters:
            number_in(path, "--parameters", cell, calculation)
        return loss, parameters


def _leave_to_models(whole: Report) -> None:
    """Take tables that could not be read for what they are otherwise, if something learns there."""
    sheets = {one.sheet for model in whole.models for one in (*model.claims, *model.updates)}
    for one in [one for one in whole.unread if one.sheet in sheets]:
        whole.unread.remove(one)
        before = whole.other_formulas.get(one.sheet, 0)
        whole.other_formulas[one.sheet] = before + one.formulas


def _count(whole: Report) -> None:
    """Leave the gradients and updates out of the formulas that belong to no table."""
    for model in whole.models:
        for one in (*model.claims, *model.updates):
            whole.other_formulas[one.sheet] = whole.other_formulas.get(one.sheet, 0) - one.count
    whole.other_formulas = {name: n for name, n in whole.other_formulas.items() if n > 0}


def _beside(models: Sequence[ModelReport], tables: Sequence[Table]) -> list[Finding]:
    """Return the findings of models that are not in training tables, which are checked anyway."""
    return [
        finding
        for model in models
        for finding in model.findings
        if not any(
            place.sheet == table.sheet.name
            and any(table.first_row <= row <= table.last_row for row in place.rows)
            for place in finding.places
            for table in tables
        )
    ]
