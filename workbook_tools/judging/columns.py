"""The columns of a table: what each cell shows, beside what it should show."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.families import Families, Formula, stretches
from workbook_tools.judging.faults import Fault, Kind, compared, message, plain
from workbook_tools.judging.report import Differences
from workbook_tools.mathematics.local import Expected
from workbook_tools.mathematics.reference import Reference
from workbook_tools.mathematics.rounding import Array
from workbook_tools.notation.addresses import cell_name
from workbook_tools.notation.quantities import ITERATION_RATE
from workbook_tools.reading.table import Table

Places = NDArray[np.int64]  # positions in a table, from 0

_AT_ONCE = 100_000  # cells that are compared at a time
_LARGE = 1e300  # of much larger numbers, the unit in the last place is infinite


@dataclass(frozen=True)
class Column:
    """The cells of one quantity, by position in the table."""

    symbol: str
    families: Families  # its formulas
    places: Places  # where the table has a cell for it: not in every row, if samples have rows
    start: int  # the position from which on all its formulas should be alike
    alike: slice  # the places from there on
    values: Array
    expected: Array  # NaN where nothing can be said
    wrong: NDArray[np.bool_]  # which ones are further from it than is allowed
    relative: Array  # the relative difference
    formulas: int  # how many cells hold a formula
    checked: int  # of how many of these the right value is known
    is_wrong: bool  # whether any cell is

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
    """The columns of one table, and the largest differences in them."""

    table: Table
    reference: Reference
    expected: Expected
    families: Mapping[str, Families]  # by quantity
    tolerance: float  # relative difference that still agrees
    differences: Differences = field(default_factory=Differences, init=False)
    _compared: dict[str, Column] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        symbols, size = [*self.families], max(1, _AT_ONCE // len(self.table.rows))
        for begin in range(0, len(symbols), size):
            self._compare(symbols[begin : begin + size])

    def __getitem__(self, symbol: str) -> Column:
        """Return the column of a quantity."""
        return self._compared[symbol]

    def _compare(self, symbols: list[str]) -> None:
        """Compare some columns at once: (columns, rows)."""
        own = self.expected
        values, expected = (
            np.stack([columns[symbol] for symbol in symbols])
            for columns in (self.table.values, own.values)
        )
        allowed = np.stack([own.allowed(symbol, self.tolerance) for symbol in symbols])
        has_formula = np.stack([self.families[symbol].numbers for symbol in symbols]) >= 0
        is_known = ~np.isnan(expected)
        relative = np.abs(values - expected)
        # A cell that should hold a number and holds none is wrong too.
        at = np.flatnonzero(is_known & (relative != 0))
        off, wrong = relative.flat[at], np.zeros_like(is_known)
        with np.errstate(divide="ignore", invalid="ignore"):  # where numbers overflow
            wrong.flat[at] = ~(off <= allowed.flat[at])
            relative.flat[at] = off / np.abs(expected.flat[at])
        formulas, checked = has_formula.sum(axis=1), (has_formula & is_known).sum(axis=1)
        is_wrong: NDArray[np.bool_] = np.any(wrong, axis=1)
        for k, symbol in enumerate(symbols):
            step, start = self.table.block if symbol in self.reference.once else 1, 0
            if symbol in self.reference.from_above or symbol == ITERATION_RATE:
                start = step
            self._compared[symbol] = Column(
                symbol,
                self.families[symbol],
                np.arange(0, len(self.table.rows), step),
                start,
                slice(start, None, step),
                self.table.values[symbol],
                self.expected.values[symbol],
                wrong[k],
                relative[k],
                int(formulas[k]),
                int(checked[k]),
                bool(is_wrong[k]),
            )
        at = at[has_formula.flat[at] & np.isfinite(values.flat[at])]
        if len(at):
            self._measure(values.flat[at], expected.flat[at], relative.flat[at])

    def _measure(self, values: Array, expected: Array, relative: Array) -> None:
        """Take the differences of some cells into the largest ones of the table."""
        absolute, worst = np.abs(values - expected), self.differences
        sizes = np.maximum(np.abs(values), np.abs(expected))
        ulps = absolute / np.spacing(np.minimum(sizes, _LARGE))
        worst.absolute = max(worst.absolute, float(absolute.max()))
        worst.relative = max(worst.relative, float(relative.max()))
        worst.ulps = max(worst.ulps, round(min(float(ulps.max()), 2.0**62)))

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

    def fault(
        self, kind: Kind, column: Column, places: Places, formula: Formula | None = None
    ) -> Fault:
        """Return the fault of the cells at these positions; it states the worst of them.

        Of several cells without a number, that is the first.
        """
        relative = np.nan_to_num(column.relative[places], nan=-1.0)
        relative[column.wrong[places] & np.isnan(column.relative[places])] = np.inf
        position = int(places[relative.argmax()])
        rows = tuple(self.table.row_of(int(place)) for place in places)
        worst, own = self.table.row_of(position), self.table.columns[column.symbol]
        error = self.table.errors.get((worst, column.symbol))
        value = error.code if error else plain(column.values[position])
        expected = plain(column.expected[position])
        cell, wrong = cell_name(worst, own), bool(column.wrong[position])
        return Fault(
            kind=kind,
            quantity=column.symbol,
            sheet=self.table.sheet.name,
            column=own,
            rows=rows,
            formula=formula.at(rows[0]) if formula else None,
            value=value,
            expected=expected,
            max_rel_error=plain(column.relative[position]),
            message=message(kind, column.symbol, cell, value, expected, wrong),
            shown=compared(cell, value, expected, wrong),
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
