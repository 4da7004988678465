"""Judges the formulas of a table, column by column: which are wrong, and which are out of step.

Whether a formula is right on random numbers is found out in ``probe.py``. Numbers where formulas
belong are judged in ``typed.py``, and the first row in ``starts.py``.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from workbook_tools.formulas.families import Families, Formula, stretches
from workbook_tools.formulas.references import areas
from workbook_tools.judging.columns import Column, Columns, Places
from workbook_tools.judging.counts import Counts, LeftOut
from workbook_tools.judging.drift import reads_rate
from workbook_tools.judging.faults import Fault, Kind
from workbook_tools.judging.grounds import Grounds
from workbook_tools.judging.report import Cells, Differences
from workbook_tools.judging.rounded import Rounding
from workbook_tools.judging.starts import first_row
from workbook_tools.judging.typed import TypedNumbers
from workbook_tools.mathematics.rounding import Array
from workbook_tools.package.columns import Calculation


class Tried(NamedTuple):
    """What became of a quantity's formulas on random numbers; they are given by number."""

    wrong: set[int]
    wrong_rates: set[int]  # of these, those that would be right if they read the learning rate
    rounded: dict[int, Rounding]  # those that round, and would be right without that


class Judge:
    """Judges one table; its counts grow with every column."""

    def __init__(
        self,
        columns: Columns,
        grounds: Grounds,
        calculation: Calculation,
        odd_starts: Collection[str],
        left_out: LeftOut,
    ) -> None:
        """``odd_starts`` are quantities whose first cell reads what belongs to another one."""
        self._columns = columns
        self._table = columns.table
        self._reference = columns.reference
        self._counts = Counts(columns, odd_starts, left_out)
        self._typed = TypedNumbers(columns, self.cells, grounds, calculation)

    @property
    def families(self) -> Mapping[str, Families]:
        """The formulas of the table, by quantity."""
        return self._columns.families

    @property
    def cells(self) -> Cells:
        """How many formula cells there are, and what became of them."""
        return self._counts.cells

    @property
    def differences(self) -> Differences:
        """The largest differences."""
        return self._columns.differences

    def to_try(self) -> Iterator[tuple[str, int, int]]:
        """Yield each formula to be tried on random numbers: quantity, its number there, and a row.

        That is the first row that holds it. A formula that reads the iteration above, or a range
        that begins in it, is tried again in its first row below the first iteration, and one whose
        values are mostly wrong in the first row where they are. It is not tried if nothing is known
        of any of its cells.
        """
        table = self._table
        for symbol, own in self.families.items():
            column = self._columns[symbol]
            for number, places in enumerate(own.places):
                begin = int(places[0]) if len(places) else 0
                if column.checked < column.formulas:
                    places = places[~np.isnan(column.expected[places])]
                if not len(places):
                    continue
                yield symbol, number, table.row_of(begin)
                if begin < table.block <= places[-1]:
                    below = int(places[places >= table.block][0])
                    is_next = symbol in self._reference.from_above
                    if is_next or self._reads_above(own, number, below):
                        yield symbol, number, table.row_of(below)
                if not column.is_wrong:
                    continue
                off = places[column.wrong[places]]
                # It may be right where it begins alone; few other rows have mistakes of their own.
                if 2 * len(off) > len(places) and off[0] != begin:
                    yield symbol, number, table.row_of(int(off[0]))

    def _reads_above(self, families: Families, number: int, position: int) -> bool:
        """Tell whether a formula reads rows above its own iteration, at this position."""
        table = self._table
        formula = families.formulas[number].at(table.row_of(position))
        begin = table.row_of(position - position % table.block)
        return any(
            table.first_row <= area.first_row < begin and area.last_row >= begin
            for area in areas(formula)
            if area.sheet in (None, table.sheet.name)
        )

    def is_wrong_somewhere(self, symbol: str, number: int) -> bool:
        """Tell whether a formula of a quantity gives a wrong value in any row."""
        column = self._columns[symbol]
        return column.is_wrong and bool(column.wrong[self.families[symbol].places[number]].any())

    def column(self, symbol: str, tried: Tried) -> list[Fault]:
        """Count and judge one column, whose formulas were tried on random numbers."""
        column = self._columns[symbol]
        self._counts.add(column)
        if not (tried.wrong or column.is_wrong or _differ(column)):
            return self._typed.of(column)
        own = column.families
        faults: list[Fault] = []
        left_out = self._counts.is_left_out(symbol)
        unusual = tried.wrong | {*own.numbers[left_out].tolist()}
        if tried.wrong_rates or len(own.formulas) > len(unusual) + 1:
            unusual |= {n for n, places in self._where(column) if self._is_drifting(n, places, own)}
        usual = _usual(column, unusual)
        has_usual = bool(usual or tried.wrong_rates)
        wrong: dict[str, list[Places]] = {}  # by formula; of some, every row has the same text
        for number, places in self._where(column):
            if left_out[places].all():
                continue
            formula = own.formulas[number]
            if number in tried.wrong_rates:
                kind = Kind.WRONG_REFERENCE_RATE
                faults.append(self._fault(kind, column, places, formula))
            elif number in tried.rounded and (number in tried.wrong or column.wrong[places].any()):
                faults.append(self._rounded(column, places, formula, tried.rounded[number]))
            elif number in tried.wrong:
                text = formula.at(self._table.row_of(int(places[0])))
                wrong.setdefault(text, []).append(places)
            elif column.wrong[places].any():
                faults += self._wrong_values(column, places, formula)
            elif has_usual and number not in usual and places[-1] >= column.start:
                faults.append(self._columns.fault(Kind.BROKEN_PATTERN, column, places, formula))
        for text, parts in wrong.items():
            places = np.sort(np.concatenate(parts))
            kind = Kind.WRONG_FORMULA if column.wrong[places].any() else Kind.LATENT
            if "#REF!" in text:
                kind = Kind.ERROR_VALUE
            formula = own.formulas[int(own.numbers[places[0]])]
            faults.append(self._fault(kind, column, places, formula))
        return faults + self._typed.of(column)

    def first_row(self, alike: Collection[str], known: Collection[tuple[int, int]]) -> list[Fault]:
        """Judge the first row's cells of quantities that begin ``alike`` (see ``starts.py``)."""
        return first_row(self._columns, alike, known)

    def agreeing(self, symbol: str, rows: Array, values: Array) -> int | None:
        """Tell in how many rows a quantity would be right with these values; None if not in all.

        Rows about which nothing can be said are not counted.
        """
        column = self._columns[symbol]
        places = np.array([self._table.position_of(int(row)) for row in rows])
        expected = column.expected[places]
        allowed = self._columns.expected.allowed(symbol, self._columns.tolerance)[places]
        known = ~np.isnan(expected)
        agree = np.abs(values - expected)[known] <= allowed[known]
        return int(known.sum()) if agree.all() else None

    def _where(self, column: Column) -> Iterator[tuple[int, Places]]:
        """Yield the formulas of a column by their numbers, and all places that hold them."""
        found: dict[int, list[Places]] = {}
        for number, places in self._columns.stretches(column):
            if number >= 0:
                found.setdefault(number, []).append(places)
        return ((number, np.concatenate(parts)) for number, parts in found.items())

    def _rounded(
        self, column: Column, places: Places, formula: Formula, rounding: Rounding
    ) -> Fault:
        """Return the fault of a formula that is right but for its rounding."""
        fault = self._columns.fault(Kind.ROUNDED, column, places, formula)
        size = abs(fault.expected or 0.0) if rounding.is_relative else 1.0
        said = f"{fault.quantity}: right, but {rounding.words}."
        return replace(fault, message=said, rounding=rounding.most * size)

    def _fault(self, kind: Kind, column: Column, places: Places, formula: Formula) -> Fault:
        """Return a fault about cells with a formula, which then do not agree."""
        self._counts.disagree(column, places)
        return self._columns.fault(kind, column, places, formula)

    def _wrong_values(self, column: Column, places: Places, formula: Formula) -> Iterator[Fault]:
        """Yield faults about cells whose formula is right but whose values are wrong."""
        for wrong, part in stretches(column.wrong[places], places):
            if wrong:
                row = self._table.row_of(int(part[0]))
                error = self._table.errors.get((row, column.symbol))
                kind = Kind.ERROR_VALUE if error else Kind.WRONG_VALUE
                yield self._fault(kind, column, part, formula)

    def _is_drifting(self, number: int, places: Places, families: Families) -> bool:
        """Tell whether a formula reads the learning rate, but would not one row further down."""
        formula, row = families.formulas[number], self._table.row_of(int(places[0]))
        below = formula.at(row + self._table.block)
        return reads_rate(formula.at(row), self._table) and not reads_rate(below, self._table)


def _differ(column: Column) -> bool:
    """Tell whether the formulas of a column differ where they should be alike."""
    places = column.families.places
    return len([own for own in places if len(own) and own[-1] >= column.start]) > 1


def _usual(column: Column, wrong: set[int]) -> set[int]:
    """Return the number of the formula that most of a column's cells hold; several, if they tie.

    Those that are ``wrong`` do not count. There is none in a column of which only the first
    iteration has formulas.
    """
    numbers = column.families.numbers[column.start :]
    if wrong:
        numbers = numbers[~np.isin(numbers, list(wrong))]
    counts = np.bincount(numbers[numbers >= 0], minlength=len(column.families.formulas))
    return set(np.flatnonzero(counts == counts.max()).tolist()) if counts.any() else set()
