"""Proves that suggested formulas are right: on the sheet's numbers, and on random ones."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbook_tools.formulas.references import FilledFormula, areas
from workbook_tools.judging.faults import Fault
from workbook_tools.judging.judge import Judge
from workbook_tools.judging.probe import Place, Trials
from workbook_tools.mathematics.rounding import Array
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.table import Table
from workbook_tools.reading.trial import evaluate_on, read_elsewhere

_LARGEST_AREA = 1_000  # cells of a range, of which each formula has its own


@dataclass(frozen=True)
class Proof:
    """Proves formulas of one table."""

    table: Table
    trials: Trials
    judge: Judge
    calculation: Calculation

    def checked_rows(self, fault: Fault, formulas: Mapping[int, str]) -> int | None:
        """Return in how many rows the formulas give the right value; None if one is wrong.

        Rows in which a number is missing are not counted, for example in a circular reference.
        """
        values = self._values(formulas)
        return self.judge.agreeing(fault.quantity, np.array(list(formulas)), values)

    def _values(self, formulas: Mapping[int, str]) -> Array:
        """Return the values of formulas with the numbers of the sheet."""
        sheet = self.table.sheet.name
        texts = list(formulas.values())
        together = self._numbers(formulas)
        if together is not None:
            [found] = evaluate_on(together, sheet, texts[:1], len(texts))
            if found is not None:
                return np.broadcast_to(found, (len(texts),))
        kept = read_elsewhere(texts, sheet, {}, self.calculation)
        each = evaluate_on({c: np.array([v]) for c, v in kept.items()}, sheet, texts, 1)
        return np.array([np.nan if values is None else values[0] for values in each])

    def _numbers(self, formulas: Mapping[int, str]) -> dict[Cell, Array] | None:
        """Return the numbers for each cell that the first formula reads, one number per formula.

        Where the first formula reads a cell, the others read another: their k-th cells go together.
        None for a range too large, or for formulas that do not read the same number of cells.
        """
        alike: dict[FilledFormula, list[int]] = {}  # positions
        formula: FilledFormula | None = None
        for k, (row, text) in enumerate(formulas.items()):
            if formula is None or formula.at(row) != text:
                formula = FilledFormula.parse(text, row)
            alike.setdefault(formula, []).append(k)
        rows = np.array(list(formulas))
        first: list[Cell] | None = None
        found: list[Array] = []
        for formula, places in alike.items():
            own = rows[places]
            cells, below = (self._read(formula.at(row)) for row in (int(own[0]), int(own[0]) + 1))
            if cells is None or below is None or len(cells) != len(below):
                return None
            if first is None:
                first, found = cells, [np.empty(len(rows)) for _ in cells]
            if len(cells) != len(first):
                return None
            for values, (sheet, row, column), (_, next_row, _) in zip(
                found, cells, below, strict=True
            ):
                down = row + (next_row - row) * (own - own[0])
                least, most = int(down.min()), int(down.max())
                numbers, _ = self.calculation.numbers(sheet, least, most, [column])
                values[places] = numbers[down - least, 0]
        return dict(zip(first or (), found, strict=True))

    def _read(self, formula: str) -> list[Cell] | None:
        """Return the cells that a formula reads; None if there is a large range."""
        read = areas(formula)
        if any(area.cell_count > _LARGEST_AREA for area in read):
            return None
        return [cell for area in read for cell in area.cells(self.table.sheet.name)]

    def is_right(self, fault: Fault, formulas: Mapping[int, str]) -> bool:
        """Tell whether formulas are right on random numbers, in their first and last row."""
        rows = dict.fromkeys((fault.rows[0], fault.rows[-1]))
        if len(formulas) > self.table.block:  # the second iteration has one above it
            rows[fault.rows[self.table.block]] = None
        places = [Place(fault.quantity, row, formulas[row]) for row in rows]
        return all(self.trials.right(places))
