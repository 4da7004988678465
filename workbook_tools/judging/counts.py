"""How many formula cells of a table were checked and agree, and why the others were not checked."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbook_tools.judging.columns import Column, Columns, Places
from workbook_tools.judging.report import NO_NUMBER, Cells
from workbook_tools.mathematics.local import LARGEST_EXPONENT
from workbook_tools.notation.addresses import range_name
from workbook_tools.notation.quantities import ITERATION_RATE, gradient_symbol

# Cells that are not checked, by quantity and by the reason: their positions in the table.
LeftOut = Mapping[str, Mapping[str, Collection[int]]]


@dataclass
class Counts:
    """The counts of one table; they grow column by column."""

    columns: Columns
    odd_starts: Collection[str]  # quantities whose first cell reads what belongs to another one
    left_out: LeftOut
    cells: Cells = field(default_factory=Cells)

    def is_left_out(self, symbol: str) -> NDArray[np.bool_]:
        """Tell which cells of a quantity are not checked because of what their formulas are."""
        found = np.zeros(len(self.columns.table.rows), dtype=bool)
        for places in self.left_out.get(symbol, {}).values():
            found[list(places)] = True
        return found

    def add(self, column: Column) -> None:
        """Count the formula cells of a column; all that are checked agree so far."""
        self.cells.formulas += column.formulas
        self.cells.checked += column.checked
        self.cells.agreeing += column.checked
        if column.checked < column.formulas:
            self._say_why_not(column, column.has_formula & np.isnan(column.expected))

    def disagree(self, column: Column, places: Places) -> None:
        """Take cells that have a fault out of those that agree."""
        self.cells.agreeing -= int((~np.isnan(column.expected[places])).sum())

    def _say_why_not(self, column: Column, unknown: NDArray[np.bool_]) -> None:
        """Say of each formula cell that is not checked why it is not, or that it need not be."""
        symbol, table = column.symbol, self.columns.table
        for reason, places in self.left_out.get(symbol, {}).items():
            cells = np.isin(np.arange(len(unknown)), list(places))
            self._leave_out(symbol, cells, reason)
            unknown &= ~cells
        if symbol in self.columns.reference.from_above and unknown[0]:
            unknown[0] = False
            if not np.isnan(column.values[0]) and symbol not in self.odd_starts:
                self.cells.excuse(1, "an initial value or data, which may be any number")
            else:
                why = "its initial value is stated nowhere else, or more than once"
                self.cells.leave_out(1, why, self._place(symbol, np.array([0])))
        z = symbol.removeprefix("a_")
        if z != symbol and z in table.values:
            overflowing = unknown & (table.values[z] < -LARGEST_EXPONENT)
            self._leave_out(symbol, overflowing, f"e^(−{z}) is too large a number")
            unknown &= ~overflowing
        if symbol == ITERATION_RATE and unknown.any():
            self.cells.excuse(int(unknown.sum()), "learning rates, which may be any numbers")
        else:
            self._leave_out(symbol, unknown, self._why_not(symbol))

    def _leave_out(self, symbol: str, cells: NDArray[np.bool_], reason: str) -> None:
        """Say why some cells of a quantity cannot be checked."""
        if cells.any():
            places = np.flatnonzero(cells)
            self.cells.leave_out(len(places), reason, self._place(symbol, places))

    def _place(self, symbol: str, places: Places) -> str:
        """Return the range from the first of these positions to the last."""
        table = self.columns.table
        first, last = (table.row_of(int(places[k])) for k in (0, -1))
        column = table.columns[symbol]
        return range_name(first, column, last, column)

    def _why_not(self, symbol: str) -> str:
        """Say why nothing can be said of a quantity's cells."""
        table, reference = self.columns.table, self.columns.reference
        if any(symbol == other for _, other in table.not_calculated):
            names = ", ".join(table.unknown_functions) or "a function"
            return f"the engine does not know {names}; --engine cached takes the file's values"
        if symbol in reference.trained:
            for needed in [gradient_symbol(symbol), *reference.states(symbol).values()]:
                if needed not in table.columns:
                    return f"no column of {needed} was found"
            if np.isnan(table.rate):
                return "no learning rate was found"
        return NO_NUMBER
