"""Finds numbers where formulas belong: typed ones, pasted ones, and cells that were emptied."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.families import stretches
from workbook_tools.judging.columns import Column, Columns
from workbook_tools.judging.faults import Fault, Kind
from workbook_tools.judging.grounds import Grounds
from workbook_tools.judging.report import Cells
from workbook_tools.mathematics.local import Expected
from workbook_tools.notation.quantities import CORRECT, ITERATION, SAMPLE
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.digits import halves_of

_COUNTS = {ITERATION, SAMPLE, CORRECT}  # whole numbers, which nobody rounds


class TypedNumbers:
    """The numbers of one table that stand where formulas belong."""

    def __init__(
        self, columns: Columns, cells: Cells, grounds: Grounds, calculation: Calculation
    ) -> None:
        """``cells`` counts the pasted numbers that are checked."""
        self._columns = columns
        self._cells = cells
        self._grounds = grounds
        self._calculation = calculation

    def of(self, column: Column) -> list[Fault]:
        """Return the faults about a column's cells without a formula."""
        if column.symbol not in self._pasted:
            return list(self._among_formulas(column))
        if column.symbol in self._columns.reference.constants:
            return list(self._beside_formulas(column))
        return list(self._pasted_wrong(column))

    @cached_property
    def _pasted(self) -> dict[str, NDArray[np.bool_]]:
        """The columns that hold numbers where other tables have formulas, and which cells do."""
        found = {}
        for symbol, own in self._columns.families.items():
            column = self._columns[symbol]
            bare = own.numbers[column.alike] < 0
            if 2 * column.is_typed[column.alike].sum() >= len(bare) > 0:
                found[symbol] = column.is_typed
        return found

    def _pasted_wrong(self, column: Column) -> Iterator[Fault]:
        """Yield the stretches of a pasted column whose numbers are not what they should be."""
        self._cells.numbers += int(self._is_known(column).sum())
        wrong = self._is_wrong(column, self._rounded)
        return self._faults(Kind.WRONG_VALUE, column, wrong)

    def _is_known(self, column: Column) -> NDArray[np.bool_]:
        """Tell for which numbers of a pasted column the right value is known."""
        known = column.is_typed & ~np.isnan(column.expected)
        known[: column.start] = False
        return known

    def _is_wrong(self, column: Column, expected: Expected) -> NDArray[np.bool_]:
        """Tell which numbers of a pasted column no rounding explains."""
        allowed = expected.allowed(column.symbol, self._columns.tolerance)
        return self._is_known(column) & (np.abs(column.values - column.expected) > allowed)

    @cached_property
    def _rounded(self) -> Expected:
        """What the cells should be, if the numbers in pasted columns were rounded.

        Data seem to be rounded, too, if that alone makes a column right that is mostly wrong.
        """
        exact = self._expected_of_rounded(data_are_rounded=False)
        pasted = [self._columns[symbol] for symbol in self._pasted]
        mostly_wrong = [
            column
            for column in pasted
            if 2 * self._is_wrong(column, exact).sum() > self._is_known(column).sum()
        ]
        if not mostly_wrong:
            return exact
        rounded = self._expected_of_rounded(data_are_rounded=True)
        is_cured = any(not self._is_wrong(column, rounded).any() for column in mostly_wrong)
        return rounded if is_cured else exact

    def _expected_of_rounded(self, data_are_rounded: bool) -> Expected:
        columns, reference = self._columns, self._columns.reference
        table, data = columns.table, {*reference.data, *reference.constants}
        pasted = {symbol: own for symbol, own in self._pasted.items() if symbol not in _COUNTS}
        halves = halves_of(table.values, pasted, data, data_are_rounded)
        return self._grounds.expected(table.values, table.rate, self._calculation, halves)

    def _among_formulas(self, column: Column) -> Iterator[Fault]:
        """Yield numbers typed, and cells emptied, where the column otherwise has formulas."""
        if (column.families.numbers[column.alike] >= 0).all():
            return iter(())
        typed = ~column.has_formula & (self._full_rows | ~np.isnan(column.values))
        typed[: column.start] = False
        if not typed.any() or 2 * typed[column.places].sum() >= len(column.places):
            return iter(())  # texts, for example: then no formula is missing
        return self._faults(Kind.TYPED_VALUE, column, typed)

    def _beside_formulas(self, column: Column) -> Iterator[Fault]:
        """Yield numbers typed for data, unlike those above, where other data are formulas.

        Most cells of the column are typed. In a row where all data are typed, a new sample begins.
        """
        columns = self._columns
        others = [
            columns[other].has_formula
            for other in columns.reference.constants
            if other != column.symbol and other in columns.families
        ]
        if not others or not column.has_formula.any():
            return iter(())
        block, values = columns.table.block, column.values
        typed = column.is_typed & (2 * np.mean(others, axis=0) >= 1)
        typed[: column.start] = False
        typed[block:] &= values[block:] != values[:-block]
        return self._faults(Kind.TYPED_VALUE, column, typed)

    def _faults(self, kind: Kind, column: Column, cells: NDArray[np.bool_]) -> Iterator[Fault]:
        """Yield a fault for each stretch of these cells."""
        for found, part in stretches(cells[column.places], column.places):
            if found:
                yield self._columns.fault(kind, column, part)

    @cached_property
    def _full_rows(self) -> NDArray[np.bool_]:
        """Which rows have most of their numbers.

        In a row that is mostly empty, such as one with the next weights only, nothing is missing.
        """
        columns, block = self._columns, self._columns.table.block
        missing = np.stack(
            [
                np.isnan(columns.table.values[symbol]) & (own.numbers < 0)
                for symbol, own in columns.families.items()
            ],
            axis=1,
        )
        full = 2 * missing.sum(axis=1) < missing.shape[1]
        if block > 1:  # below an iteration's first row, what it has only once is not missing
            later = np.array([symbol not in columns.reference.once for symbol in columns.families])
            is_later = np.arange(len(full)) % block > 0
            full[is_later] = 2 * missing[is_later][:, later].sum(axis=1) < later.sum()
        return np.asarray(full)
