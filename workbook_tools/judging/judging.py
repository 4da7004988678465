"""Cell by cell: agrees, differs, or not checked and why; and what that says of the formulas."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.families import Families, Formula, stretches
from workbook_tools.formulas.references import anchoring, areas
from workbook_tools.judging.findings import (
    NO_NUMBER,
    Cells,
    Differences,
    Finding,
    Kind,
    message,
    plain,
)
from workbook_tools.judging.pasted import Pasted, pasted_numbers
from workbook_tools.mathematics.local import LARGEST_EXPONENT, Expected
from workbook_tools.mathematics.reference import Reference
from workbook_tools.mathematics.rounding import Array
from workbook_tools.notation.addresses import cell_name, range_name
from workbook_tools.notation.quantities import ITERATION_RATE, gradient_symbol
from workbook_tools.reading.table import Table

# Cells that are not checked, by quantity and by why not: their positions in the table.
LeftOut = Mapping[str, Mapping[str, Collection[int]]]

_LARGE = 1e300  # of much larger numbers, the unit in the last place is infinite
_ODD = 1e-9  # relative; filling a series down leaves differences of rounding


@dataclass
class _Column:
    """The cells of one column, by position in the table."""

    values: Array
    expected: Array
    wrong: NDArray[np.bool_]  # differs by more than the tolerance
    relative: Array


class Judge:
    """The work on one table: counts, differences and findings, column by column."""

    def __init__(
        self,
        table: Table,
        reference: Reference,
        expected: Expected,
        families: dict[str, Families],
        odd_starts: Collection[str],
        storage: float,
        tolerance: float,
        left_out: LeftOut,
    ) -> None:
        """``odd_starts`` are quantities that begin with what belongs to another one."""
        self.cells = Cells()
        self.differences = Differences()
        self.families = families
        self._table = table
        self._expected = expected
        self._reference = reference
        self._from_above = reference.from_above
        self._odd_starts = odd_starts
        self._storage = storage
        self._tolerance = tolerance
        self._left_out = left_out
        self._columns: dict[str, _Column] = {}

    def to_try(self) -> Iterator[tuple[str, int, int]]:
        """Yield each formula with its quantity, its number and the row that it first stands in.

        Of what reads the iteration above, a formula that begins in the first iteration and goes
        on is yielded a second time, where it goes on. A formula is left out where there is nothing
        to say of any of its cells.
        """
        table = self._table
        for symbol, own in self.families.items():
            column = self._column(symbol)
            known = ~np.isnan(column.expected)
            for number, all_places in enumerate(own.places):
                places = all_places[known[all_places]]
                if not len(places):
                    continue
                begin = int(all_places[0])
                yield symbol, number, table.row_of(begin)
                later = places[places >= table.block]
                if begin < table.block and len(later) and symbol in self._from_above:
                    yield symbol, number, table.row_of(int(later[0]))
                off = places[column.wrong[places]]
                # It may be right where it begins alone; few other rows have mistakes of their own.
                if 2 * len(off) > len(places) and off[0] != begin:
                    yield symbol, number, table.row_of(int(off[0]))

    def column(self, symbol: str, wrong_formulas: set[int], wrong_rates: set[int]) -> list[Finding]:
        """Count and judge one column; ``wrong_formulas`` are the numbers of those that are.

        Those of ``wrong_rates`` are wrong in the cell of the learning rate alone.
        """
        column = self._column(symbol)
        own = self.families[symbol]
        self._count(symbol, column, own.numbers >= 0)
        findings: list[Finding] = []
        left_out = self._is_left_out(symbol)
        usual = self._usual(symbol, own, wrong_formulas | {*own.numbers[left_out].tolist()})
        for number, places in self._stretches(symbol, own):
            if number < 0 or left_out[places].all():
                continue
            formula = own.formulas[number]
            if number in wrong_rates or self._rate_drifts(symbol, column, places, formula):
                kind = Kind.WRONG_REFERENCE_RATE
                findings.append(self._finding(kind, symbol, column, places, formula))
            elif number in wrong_formulas:
                kind = Kind.WRONG_FORMULA if column.wrong[places].any() else Kind.LATENT
                if "#REF!" in formula.at(self._table.row_of(int(places[0]))):
                    kind = Kind.ERROR_VALUE
                findings.append(self._finding(kind, symbol, column, places, formula))
            elif column.wrong[places].any():
                findings += self._wrong_values(symbol, column, places, formula)
            elif usual and number not in usual and places[-1] >= self._start(symbol):
                kind = Kind.BROKEN_PATTERN
                findings.append(self._finding(kind, symbol, column, places, formula))
        if symbol not in self._pasted.columns:
            return findings + self._typed_values(symbol, column, own)
        if symbol in self._reference.constants:
            return findings + list(self._typed_beside_formulas(symbol, column, own))
        return findings + self._pasted_values(symbol, column, own)

    @cached_property
    def _pasted(self) -> Pasted:
        """The numbers that stand where other tables have formulas."""
        applicable = {
            symbol: (places := self._applicable(symbol))[places >= self._start(symbol)]
            for symbol in self.families
        }
        worked_out = [symbol for symbol in self.families if symbol not in self._from_above]
        data = self._reference.constants
        return pasted_numbers(self._table.numbers, self.families, worked_out, data, applicable)

    def _pasted_values(self, symbol: str, column: _Column, own: Families) -> list[Finding]:
        """Find those of a column's pasted numbers that are not the mathematics."""
        expected, allowed = self._expectations(symbol)
        rounding, of_others = self._pasted.allowed(symbol)
        allowed = allowed + rounding * np.abs(column.values)
        allowed = allowed + of_others * self._expected.inputs[symbol]
        known = (own.numbers < 0) & ~np.isnan(column.values) & ~np.isnan(expected)
        known[: self._start(symbol)] = False
        wrong = known & (np.abs(column.values - expected) > allowed)
        self.cells.numbers += int(known.sum())
        places = self._applicable(symbol)
        return [
            self._finding(Kind.WRONG_VALUE, symbol, column, part, None)
            for is_wrong, part in stretches(wrong[places], places)
            if is_wrong
        ]

    def _rate_drifts(
        self, symbol: str, column: _Column, places: NDArray[np.int64], formula: Formula
    ) -> bool:
        """Tell whether an update that goes wrong further down reads a next cell in each row."""
        table = self._table
        if symbol not in self._reference.trained or not column.wrong[places].any():
            return False

        def others(place: int) -> set[tuple[str | None, int, int]]:
            own = set(table.columns.values())
            return {
                (area.sheet, area.first_row, area.first_column)
                for area in areas(formula.at(table.row_of(place)))
                if area.first_column not in own or area.first_row < table.first_row
            }

        first, last = (others(int(place)) for place in places[[0, -1]])
        rate = table.rate_cell
        reads_rate = rate is not None and rate[1:] in {cell[1:] for cell in first}
        return reads_rate and first != last

    def agreeing(self, symbol: str, rows: Array, values: Array) -> int | None:
        """Tell in how many rows a quantity would be right with these values; None if not in all.

        Rows of which nothing can be said are not counted.
        """
        places = np.array([self._table.position_of(int(row)) for row in rows])
        expected, allowed = (part[places] for part in self._expectations(symbol))
        known = ~np.isnan(expected)
        agree = np.abs(values - expected)[known] <= allowed[known]
        return int(known.sum()) if agree.all() else None

    def odd_starts(
        self, symbol: str, stated: Mapping[str, float], known: Collection[str]
    ) -> list[Finding]:
        """Find numbers typed for data that are unlike the rest of their column, or the statement.

        And initial weights and biases that are unlike the statement: ``stated`` is what the sheet
        says beside the table, by symbol. ``known`` has the cells with a finding already.
        """
        is_data = symbol in self._reference.constants
        if not is_data and symbol not in self._reference.trained:
            return []
        column, last = self._column(symbol), len(self._table.values) if is_data else 1
        typed = np.flatnonzero((self.families[symbol].numbers < 0) & ~np.isnan(column.values))
        typed = typed[typed < last]
        usual = stated.get(symbol, math.nan)
        if math.isnan(usual) and is_data:
            usual = _most_frequent(column.values[typed])
        if math.isnan(usual) or not len(typed):
            return []
        odd = ~np.isclose(column.values, usual, rtol=_ODD, atol=0.0)
        relative = np.abs(column.values / usual - 1) if usual else column.relative
        column = replace(column, expected=np.full_like(column.values, usual), relative=relative)
        found = [
            self._finding(Kind.ODD_START, symbol, column, places, None)
            for is_odd, places in stretches(odd[typed], typed)
            if is_odd
        ]
        return [finding for finding in found if finding.cells not in known]

    def texts(self, symbol: str) -> list[Finding]:
        """Find texts where numbers of data belong: one that looks like a number is none."""
        if symbol not in self._reference.constants:
            return []
        table, place = self._table, self._table.columns[symbol]
        usual = _most_frequent(self._column(symbol).values)
        return [
            Finding(
                kind=Kind.ODD_START,
                quantity=symbol,
                sheet=table.sheet.name,
                column=place,
                rows=(row,),
                formula=None,
                value=text,
                expected=plain(usual),
                max_rel_error=None,
                message=f"{symbol} is the text {text!r} here, no number.",
            )
            for row in table.rows.tolist()
            if (text := table.sheet.texts.get((row, place))) is not None
        ]

    def _start(self, symbol: str) -> int:
        """Return the position from which on a column's formulas are alike."""
        if symbol not in self._from_above and symbol != ITERATION_RATE:
            return 0
        return self._table.block if symbol in self._reference.once else 1

    def _applicable(self, symbol: str) -> NDArray[np.int64]:
        """Return the positions where the table has a cell of a quantity."""
        step = self._table.block if symbol in self._reference.once else 1
        return np.arange(0, len(self._table.values), step)

    def _stretches(self, symbol: str, own: Families) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Return the positions, one after the other, that hold the same formula, by its number."""
        places = self._applicable(symbol)
        if len(places) < len(own.numbers):  # formulas where there should be none are looked at too
            extra = np.flatnonzero(own.numbers >= 0)
            if not np.isin(extra, places).all():
                places = np.union1d(places, extra)
        found = stretches(own.numbers[places], places)
        if self._table.block == 1:
            return found
        # The samples of an iteration may have formulas of their own, each filled over iterations.
        return _together(found, self._table.block)

    def _usual(self, symbol: str, own: Families, wrong: set[int]) -> set[int]:
        """Return the number of the formula that most of a column's cells hold; or several, alike.

        Those that are ``wrong`` do not count. There is none in a column of which only the first
        iteration has formulas.
        """
        numbers = own.numbers[self._start(symbol) :]
        numbers = numbers[~np.isin(numbers, list(wrong))]
        counts = np.bincount(numbers[numbers >= 0], minlength=len(own.formulas))
        return set(np.flatnonzero(counts == counts.max()).tolist()) if counts.any() else set()

    def first_row(self, alike: list[str], known: set[str]) -> list[Finding]:
        """Judge the first row's cells of quantities that begin ``alike``, by each other.

        Where the sheet reads initial values from stated cells, or an optimizer's state begins,
        one that is typed, or anchored unlike all the others, is out of step. ``known`` has the
        cells with a finding already.
        """
        row = self._table.first_row
        stated = [
            symbol
            for symbol in self._table.columns
            if symbol in alike and not np.isnan(self._expected.values[symbol][0])
        ]
        formulas = {s: first for s in stated if (first := self.families[s].first)}
        findings = []
        for symbol in stated:
            others = {s: f for s, f in formulas.items() if s != symbol}
            styles = {anchoring(formula.at(row)) for formula in others.values()}
            if len(others) < max(2, len(stated) - 1) or len(styles) > 1:
                continue
            if cell_name(row, self._table.columns[symbol]) in known:
                continue
            own = formulas.get(symbol)
            if own is None:
                kind = Kind.TYPED_VALUE
            elif anchoring(own.at(row)) not in styles:
                kind = Kind.BROKEN_PATTERN
            else:
                continue
            begin = np.array([0])
            findings.append(self._finding(kind, symbol, self._column(symbol), begin, own))
        return findings

    def _column(self, symbol: str) -> _Column:
        if symbol in self._columns:
            return self._columns[symbol]
        values = self._table.numbers[symbol]
        expected, allowed = self._expectations(symbol)
        difference = np.abs(values - expected)
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(difference == 0, 0.0, difference / np.abs(expected))
        # A cell that should be a number and is none is wrong too.
        wrong = ~((difference <= allowed) | (difference == 0)) & ~np.isnan(expected)
        column = self._columns[symbol] = _Column(values, expected, wrong, relative)
        return column

    def _expectations(self, symbol: str) -> tuple[Array, Array]:
        """Return what a quantity's cells should be, and how far off they may be."""
        expected = self._expected.values[symbol]
        allowed = self._tolerance * self._expected.terms[symbol]
        with np.errstate(invalid="ignore"):  # where numbers overflow
            return expected, allowed + self._storage * self._expected.inputs[symbol]

    def _count(self, symbol: str, column: _Column, part: NDArray[np.bool_]) -> None:
        """Take a column's formula cells, ``part`` of it, into the counts and differences."""
        values, expected = column.values[part], column.expected[part]
        known = ~np.isnan(expected)
        self.cells.formulas += len(known)
        self.cells.checked += int(known.sum())
        self.cells.agreeing += int(known.sum())
        unknown = part & np.isnan(column.expected)
        for reason, places in self._left_out.get(symbol, {}).items():
            cells = np.isin(np.arange(len(part)), list(places))
            self._leave_out(symbol, cells, reason)
            unknown &= ~cells
        if symbol in self._from_above and unknown[0]:
            unknown[0] = False
            if not np.isnan(column.values[0]) and symbol not in self._odd_starts:
                self.cells.excuse(1, "an initial value or data, which may be any number")
            else:
                why = "its initial value is stated nowhere else, or more than once"
                self.cells.leave_out(1, why, self._place(symbol, np.array([0])))
        z = symbol.removeprefix("a_")
        if z != symbol and z in self._table.numbers:
            overflowing = unknown & (self._table.numbers[z] < -LARGEST_EXPONENT)
            self._leave_out(symbol, overflowing, f"e^(−{z}) is too large a number")
            unknown &= ~overflowing
        if symbol == ITERATION_RATE and unknown.any():
            self.cells.excuse(int(unknown.sum()), "learning rates, which may be any numbers")
        else:
            self._leave_out(symbol, unknown, self._why_not(symbol))
        both = known & np.isfinite(values)
        if both.any():
            absolute = np.abs(values - expected)[both]
            sizes = np.maximum(np.abs(values), np.abs(expected))[both]
            ulps = absolute / np.spacing(np.minimum(sizes, _LARGE))
            worst = self.differences
            worst.absolute = max(worst.absolute, float(absolute.max()))
            worst.relative = max(worst.relative, float(column.relative[part][both].max()))
            worst.ulps = max(worst.ulps, round(min(float(ulps.max()), 2.0**62)))

    def _leave_out(self, symbol: str, cells: NDArray[np.bool_], reason: str) -> None:
        """Say of some cells of a quantity why they cannot be checked."""
        if cells.any():
            places = np.flatnonzero(cells)
            self.cells.leave_out(len(places), reason, self._place(symbol, places))

    def _place(self, symbol: str, places: NDArray[np.int64]) -> str:
        """Return the cells at these positions, from the first to the last."""
        rows = (self._table.row_of(int(places[k])) for k in (0, -1))
        column = self._table.columns[symbol]
        return range_name(next(rows), column, next(rows), column)

    def _is_left_out(self, symbol: str) -> NDArray[np.bool_]:
        """Tell which cells of a quantity are not checked, for what their formulas are like."""
        found = np.zeros(len(self._table.values), dtype=bool)
        for places in self._left_out.get(symbol, {}).values():
            found[list(places)] = True
        return found

    def _why_not(self, symbol: str) -> str:
        """Say why nothing can be said of a quantity's cells."""
        if any(symbol == other for _, other in self._table.not_calculated):
            names = ", ".join(self._table.unknown_functions) or "a function"
            return f"the engine does not know {names}; --engine cached takes the file's values"
        if symbol in self._reference.trained:
            needed = [gradient_symbol(symbol), *self._reference.states(symbol).values()]
            for column in needed:
                if column not in self._table.columns:
                    return f"no column of {column} was found"
            if np.isnan(self._table.rate):
                return "no learning rate was found"
        return NO_NUMBER

    def _wrong_values(
        self, symbol: str, column: _Column, places: NDArray[np.int64], formula: Formula
    ) -> Iterator[Finding]:
        """Find the stretches of a rightly filled run whose values are not right all the same."""
        for wrong, part in stretches(column.wrong[places], places):
            if wrong:
                error = self._table.errors.get((self._table.row_of(int(part[0])), symbol))
                kind = Kind.ERROR_VALUE if error else Kind.WRONG_VALUE
                yield self._finding(kind, symbol, column, part, formula)

    def _typed_values(self, symbol: str, column: _Column, own: Families) -> list[Finding]:
        """Find numbers typed, and cells emptied, where the column otherwise has formulas."""
        has_formula = own.numbers >= 0
        typed = ~has_formula & (self._full_rows | ~np.isnan(column.values))
        typed[: self._start(symbol)] = False
        places = self._applicable(symbol)
        typed = typed[places]
        if 2 * typed.sum() >= len(typed):
            return []  # texts, for example, of which no formula is missing
        return [
            self._finding(Kind.TYPED_VALUE, symbol, column, part, None)
            for is_typed, part in stretches(typed, places)
            if is_typed
        ]

    def _typed_beside_formulas(
        self, symbol: str, column: _Column, own: Families
    ) -> Iterator[Finding]:
        """Find other numbers than above, typed for data where the row's other data are formulas.

        Most cells of the column are typed. In a row where all data are typed, a new sample begins.
        """
        others = [
            self.families[other].numbers >= 0
            for other in self._reference.constants
            if other != symbol and other in self.families
        ]
        if not others or not (own.numbers >= 0).any():
            return
        block, values = self._table.block, column.values
        typed = (own.numbers < 0) & ~np.isnan(values) & (2 * np.mean(others, axis=0) >= 1)
        typed[: self._start(symbol)] = False
        typed[block:] &= values[block:] != values[:-block]
        places = self._applicable(symbol)
        for is_typed, part in stretches(typed[places], places):
            if is_typed:
                yield self._finding(Kind.TYPED_VALUE, symbol, column, part, None)

    @cached_property
    def _full_rows(self) -> NDArray[np.bool_]:
        """Which rows have most of their numbers.

        In a row that is mostly empty, such as one with the next weights only, nothing is missing.
        """
        values, block = self._table.numbers, self._table.block
        missing = np.stack(
            [np.isnan(values[s]) & (own.numbers < 0) for s, own in self.families.items()], axis=1
        )
        later = np.array([symbol not in self._reference.once for symbol in self.families])
        full = 2 * missing.sum(axis=1) < missing.shape[1]
        if block > 1:
            is_later = np.arange(len(full)) % block > 0
            full[is_later] = 2 * missing[is_later][:, later].sum(axis=1) < later.sum()
        return np.asarray(full)

    def _finding(
        self,
        kind: Kind,
        symbol: str,
        column: _Column,
        places: NDArray[np.int64],
        formula: Formula | None,
    ) -> Finding:
        """Make a finding about the cells at these positions, stating the worst of them."""
        relative = np.nan_to_num(column.relative[places], nan=-1.0)
        position = int(places[relative.argmax()])
        rows = tuple(self._table.row_of(int(place)) for place in places)
        worst = self._table.row_of(position)
        place = self._table.columns[symbol]
        if formula:
            self.cells.agreeing -= int((~np.isnan(column.expected[places])).sum())
        error = self._table.errors.get((worst, symbol))
        value = error.code if error else plain(column.values[position])
        expected = plain(column.expected[position])
        wrong = bool(column.wrong[position])
        return Finding(
            kind=kind,
            quantity=symbol,
            sheet=self._table.sheet.name,
            column=place,
            rows=rows,
            formula=formula.at(rows[0]) if formula else None,
            value=value,
            expected=expected,
            max_rel_error=plain(column.relative[position]),
            message=message(kind, symbol, cell_name(worst, place), value, expected, wrong),
        )


def _together(
    found: Iterable[tuple[int, NDArray[np.int64]]], block: int
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Join stretches of the same formula that are no further apart than two iterations are."""
    joined: list[tuple[int, list[NDArray[np.int64]]]] = []
    last: dict[int, int] = {}  # by formula: where among the joined ones
    for number, places in found:
        at = last.get(number)
        if at is not None and places[0] - joined[at][1][-1][-1] <= block:
            joined[at][1].append(places)
        else:
            last[number] = len(joined)
            joined.append((number, [places]))
    return iter([(number, np.concatenate(parts)) for number, parts in joined])


def _most_frequent(numbers: Array) -> float:
    """Return the number that most of them are; NaN if there is none."""
    found, counts = np.unique(numbers, return_counts=True)
    if not len(found) or 2 * counts.max() <= len(numbers):
        return math.nan
    return float(found[counts.argmax()])
