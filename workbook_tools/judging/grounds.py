"""What a table is judged by: its mathematics, and the cells that state data and initial values."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from workbook_tools.formulas.references import areas, bare_reference
from workbook_tools.mathematics.local import Expected, expected_values
from workbook_tools.mathematics.reference import Columns, Reference
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.cells import number_at
from workbook_tools.reading.samples import SampleTable
from workbook_tools.reading.table import Table


class Grounds(NamedTuple):
    """A table with what is known about it beside its own cells."""

    table: Table
    reference: Reference
    starts: Mapping[str, Cell]  # the cells that state data, initial weights and biases, by symbol
    samples: SampleTable | None  # what a table reads that has several samples in an iteration

    @classmethod
    def of(
        cls,
        table: Table,
        stated: Mapping[str, list[Cell]],
        samples: SampleTable | None,
        calculation: Calculation,
        reference: Reference,
    ) -> "Grounds":
        """Return the grounds of a table, whose mathematics is known.

        ``stated`` are the cells that state initial values. A symbol that several cells state has
        no stated value.
        """
        starts = {symbol: cells[0] for symbol, cells in stated.items() if len(cells) == 1}
        starts |= _fetched(table, reference, stated, calculation)
        return cls(table, reference, starts, samples if reference.looked_up else None)

    def odd_starts(self, stated: Mapping[str, list[Cell]]) -> set[str]:
        """Return the quantities whose cell in the first row reads what belongs to another one.

        That is a cell of the table, or one that is ``stated`` for another quantity.
        """
        table, sheet = self.table, self.table.sheet.name
        owners = {cell: symbol for symbol, cells in stated.items() for cell in cells}
        columns = set(table.columns.values())
        found: set[str] = set()
        for symbol, column in table.columns.items():
            for area in areas(table.sheet.formula_at(table.first_row, column) or ""):
                inside = columns.intersection(range(area.first_column, area.last_column + 1))
                reads_table = (area.sheet or sheet) == sheet and bool(inside)
                reads_table &= area.first_row <= table.last_row
                reads_table &= area.last_row >= table.first_row
                cell = (area.sheet or sheet, area.first_row, area.first_column)
                if reads_table or owners.get(cell, symbol) != symbol:
                    found.add(symbol)
        return found

    def start_values(self, calculation: Calculation) -> dict[str, float]:
        """Return the stated numbers by symbol; NaN where the cell has none."""
        return {symbol: number_at(cell, calculation) for symbol, cell in self.starts.items()}

    def expected(
        self,
        values: Columns,
        rate: float,
        calculation: Calculation,
        halves: Columns | None = None,
    ) -> Expected:
        """Return what the cells of the table should be, given these values and a calculation.

        ``halves`` has half a unit of the last digit of numbers that were rounded.
        """
        data = self.samples.at(calculation).data if self.samples else None
        starts, zero, storage = (
            self.start_values(calculation),
            calculation.zero,
            calculation.storage,
        )
        with np.errstate(over="ignore", invalid="ignore"):  # a sheet may hold any number
            found = expected_values(
                self.reference, values, rate, starts, data, zero, storage, halves
            )
        found.values = {s: np.where(np.isfinite(v), v, np.nan) for s, v in found.values.items()}
        return found


def _fetched(
    table: Table,
    reference: Reference,
    stated: Mapping[str, list[Cell]],
    calculation: Calculation,
) -> dict[str, Cell]:
    """Return the cells from which the first row fetches data and initial values, also unlabelled.

    Such a cell states the value, unless another number is stated for the same symbol, or the cell
    is labelled as another one.
    """
    labelled = {cell: symbol for symbol, cells in stated.items() for cell in cells}
    found: dict[str, Cell] = {}
    for symbol in reference.constants + reference.start:
        if symbol not in table.columns:
            continue
        formula = table.sheet.formula_at(table.first_row, table.columns[symbol])
        area = bare_reference(formula) if formula else None
        if area is None:
            continue
        cell = (area.sheet or table.sheet.name, area.first_row, area.first_column)
        number = number_at(cell, calculation)
        said = [number_at(other, calculation) for other in stated.get(symbol, [])]
        is_own = labelled.get(cell, symbol) == symbol and cell not in found.values()
        if is_own and not np.isnan(number) and (number in said or not said):
            found[symbol] = cell
    return found
