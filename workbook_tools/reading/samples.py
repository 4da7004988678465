"""Finds the table of samples of a workbook by its labels.

A *sample table* has a header row with ``sample``, inputs ``i1 …`` and targets ``t1 …``, but no
weights, and one row for each sample below it. Measurements ``x1 …`` may stand beside the inputs,
with their ``mean`` and ``deviation`` above. A ``class`` may stand beside the targets; then above
each target stands the name of its class.
"""

from dataclasses import dataclass, replace

import numpy as np

from workbook_tools.formulas.sheets import Sheet
from workbook_tools.mathematics.network import Samples
from workbook_tools.mathematics.reference import Columns
from workbook_tools.mathematics.rounding import Array
from workbook_tools.notation.addresses import Cell
from workbook_tools.notation.quantities import DEVIATION, MEAN, SAMPLE
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.labels import parse_symbol
from workbook_tools.reading.row_values import RowValues, read_values


@dataclass
class SampleTable(RowValues):
    """The samples of a workbook as their sheet shows them."""

    sheet: Sheet
    header_row: int
    columns: dict[str, int]  # symbol -> column
    spread: dict[str, int]  # ``mean`` and ``deviation``: their rows

    @property
    def first_row(self) -> int:
        """The row of the first sample."""
        return self.header_row + 1

    @property
    def data(self) -> Columns | None:
        """The columns of the samples; None if a sample's number is used twice."""
        # Without the counts it would load ``numpy.ma``, which takes longer than all of this file.
        distinct, _ = np.unique(self.values[SAMPLE], return_counts=True)
        return self.values if len(distinct) == len(self.rows) else None

    def at(self, calculation: Calculation) -> "SampleTable":
        """Return the same samples with the values of another calculation."""
        rows = (self.first_row, self.first_row + len(self.rows) - 1)
        found = read_values(self.sheet, *rows, self.columns, calculation, over_gaps=True)
        return replace(self, **vars(found))

    def planted(self, drawn: Samples) -> dict[Cell, Array]:
        """Return the cells of inputs and targets with drawn samples in their place, (draws,)."""
        found: dict[Cell, Array] = {}
        for letter, arrays in (("i", drawn.inputs), ("t", drawn.targets)):
            for k, column in enumerate(np.moveaxis(arrays, -1, 0), start=1):
                place = self.columns[f"{letter}{k}"]
                for row, values in enumerate(column.T, start=self.first_row):
                    found[self.sheet.name, row, place] = values
        return found


def read_samples(
    sheets: list[Sheet], inputs: int, targets: int, calculation: Calculation
) -> SampleTable | None:
    """Return the first sample table with this number of inputs and targets, or None."""
    wanted = [SAMPLE, *(f"i{k}" for k in range(1, inputs + 1))]
    wanted += [f"t{k}" for k in range(1, targets + 1)]
    for sheet in sheets:
        for header_row, labels in sorted(sheet.rows_of_texts.items()):
            columns: dict[str, int] = {}
            for column, label in sorted(labels.items()):
                if symbol := parse_symbol(label):
                    columns.setdefault(symbol, column)
            if not set(wanted) <= set(columns) or "w1" in columns:
                continue
            found = read_values(sheet, header_row + 1, sheet.last_row, columns, calculation)
            if len(found.rows):
                above = {row: set(texts.values()) for row, texts in sheet.rows_of_texts.items()}
                spread = {
                    word: row
                    for row, texts in above.items()
                    for word in (MEAN, DEVIATION)
                    if row < header_row and word in texts
                }
                return SampleTable(
                    **vars(found),
                    sheet=sheet,
                    header_row=header_row,
                    columns=columns,
                    spread=spread,
                )
    return None
