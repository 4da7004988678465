"""The columns of a table: what each cell shows, beside what it should show."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.families import Families, Formula, stretches
from workbook_tools.judging.findings import Finding, Kind, message, plain
from workbook_tools.mathematics.local import Expected
from workbook_tools.mathematics.reference import Reference
from workbook_tools.mathematics.rounding import Array
from workbook_tools.notation.addresses import cell_name
from workbook_tools.notation.quantities import ITERATION_RATE
from workbook_tools.reading.table import Table

Places = NDArray[np.int64]  # positions in a table, from 0


@dataclass(frozen=True)
class Column:
    """The cells of one quantity, by position in the table."""

    symbol: str
    families: Families  # its formulas
    places: Places  # where the table has a cell for it: not in every row, if samples have rows
    start: int  # the position from which on all its formulas should be alike
    values: Array
    expected: Array  # NaN where nothing can be said
    allowed: Array  # how far values may be from what is expected
    wrong: NDArray[np.bool_]  # which ones are further off
    relative: Array  # the relative difference

    @property
    def has_formula(self) -> NDArray[np.bool_]:
        """Which cells hold a formula."""
        return np.asarray(self.families.numbers >= 0)

    @property
    def is_typed(self) -> NDArray[np.bool_]:
        """Which cells hold a number that was typed."""
        return np.asarray(~self.has_formula & ~np.isnan(self.values))


@dataclass
class Columns:
    """The columns of one table; each is compared when it is first asked for."""

    table: Table
    reference: Reference
    expected: Expected
    families: Mapping[str, Families]  # by quantity
    storage: float  # relative rounding error of stored values
    tolerance: float  # relative difference that still agrees
    _compared: dict[str, Column] = field(default_factory=dict, init=False)

    def __getitem__(self, symbol: str) -> Column:
        """Return the column of a quantity."""
        if symbol not in self._compared:
            self._compared[symbol] = self._compare(symbol)
        return self._compared[symbol]

    def _compare(self, symbol: str) -> Column:
        values, expected = self.table.values[symbol], self.expected.values[symbol]
        allowed = self.tolerance * self.expected.terms[symbol]
        with np.errstate(invalid="ignore"):  # where numbers overflow
            allowed = allowed + self.storage * self.expected.inputs[symbol]
        difference = np.abs(values - expected)
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(difference == 0, 0.0, difference / np.abs(expected))
        # A cell that should hold a number and holds none is wrong too.
        wrong = ~((difference <= allowed) | (difference == 0)) & ~np.isnan(expected)
        return Column(
            symbol,
            self.families[symbol],
            self._places(symbol),
            self._start(symbol),
            values,
            expected,
            allowed,
            wrong,
            relative,
        )

    def _places(self, symbol: str) -> Places:
        """Return the positions where the table has a cell of a quantity."""
        step = self.table.block if symbol in self.reference.once else 1
        return np.arange(0, len(self.table.rows), step)

    def _start(self, symbol: str) -> int:
        """Return the position from which on a column's formulas are alike."""
        if symbol not in self.reference.from_above and symbol != ITERATION_RATE:
            return 0
        return self.table.block if symbol in self.reference.once else 1

    def stretches(self, column: Column) -> Iterator[tuple[int, Places]]:
        """Yield the positions that hold the same formula one after the other, and its number."""
        numbers, places = column.families.numbers, column.places
        if len(places) < len(numbers):  # formulas where there should be none are looked at too
            filled = numbers >= 0
            if filled[places].sum() < filled.sum():
                places = np.union1d(places, np.flatnonzero(filled))
        found = stretches(numbers[places], places)
        if self.table.block == 1:
            return found
        # The samples of an iteration may have formulas of their own, each filled over iterations.
        return _joined(found, self.table.block)

    def finding(
        self, kind: Kind, column: Column, places: Places, formula: Formula | None = None
    ) -> Finding:
        """Return a finding about the cells at these positions; it states the worst of them."""
        relative = np.nan_to_num(column.relative[places], nan=-1.0)
        position = int(places[relative.argmax()])
        rows = tuple(self.table.row_of(int(place)) for place in places)
        worst, own = self.table.row_of(position), self.table.columns[column.symbol]
        error = self.table.errors.get((worst, column.symbol))
        value = error.code if error else plain(column.values[position])
        expected = plain(column.expected[position])
        wrong = bool(column.wrong[position])
        return Finding(
            kind=kind,
            quantity=column.symbol,
            sheet=self.table.sheet.name,
            column=own,
            rows=rows,
            formula=formula.at(rows[0]) if formula else None,
            value=value,
            expected=expected,
            max_rel_error=plain(column.relative[position]),
            message=message(kind, column.symbol, cell_name(worst, own), value, expected, wrong),
        )


def _joined(found: Iterable[tuple[int, Places]], block: int) -> Iterator[tuple[int, Places]]:
    """Join stretches of the same formula that are at most an iteration's rows apart."""
    joined: list[tuple[int, list[Places]]] = []
    last: dict[int, int] = {}  # by formula: where among the joined ones
    for number, places in found:
        at = last.get(number)
        if at is not None and places[0] - joined[at][1][-1][-1] <= block:
            joined[at][1].append(places)
        else:
            last[number] = len(joined)
            joined.append((number, [places]))
    return iter([(number, np.concatenate(parts)) for number, parts in joined])
