"""Cell by cell: agrees, differs, or not checked and why; and what that says of the formulas."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbook_tools.checking.described import NotUnderstoodError, reference_for
from workbook_tools.checking.findings import (
    Cells,
    Differences,
    Finding,
    Kind,
    TableReport,
    message,
    plain,
)
from workbook_tools.checking.local import LARGEST_EXPONENT, Expected, expected_values
from workbook_tools.checking.probe import probe_table
from workbook_tools.checking.reader import Cell, Table, number_at
from workbook_tools.checking.reference import Reference
from workbook_tools.checking.rounding import Array
from workbook_tools.checking.sheets import Run
from workbook_tools.engines import Calculation
from workbook_tools.notation import TOTAL_LOSS, gradient_symbol
from workbook_tools.references import FilledFormula, anchoring, cell_name, range_name


def compare_table(
    table: Table, stated: Mapping[str, list[Cell]], calculation: Calculation, tolerance: float
) -> TableReport:
    """Check every formula cell of a table.

    ``stated`` are the cells that state initial values; a symbol stated twice states nothing.
    """
    try:
        reference = reference_for(table, calculation)
    except NotUnderstoodError as problem:
        return _not_understood(table, str(problem))
    starts = {symbol: cells[0] for symbol, cells in stated.items() if len(cells) == 1}
    start_values = {symbol: number_at(cell, calculation) for symbol, cell in starts.items()}
    expected = expected_values(reference, table.values, table.rate, start_values)
    comparison = _Comparison(table, reference, expected, calculation.storage, tolerance)
    runs = {
        symbol: table.sheet.runs_between(column, table.first_row, table.last_row)
        for symbol, column in table.columns.items()
    }
    checkable = [
        (symbol, run)
        for symbol, own in runs.items()
        for run in own
        if comparison.can_check(symbol, run)
    ]
    right = probe_table(table, reference, starts, checkable, calculation)
    wrong_runs = {
        (symbol, run.first_row)
        for (symbol, run), is_right in zip(checkable, right, strict=True)
        if not is_right
    }
    findings: list[Finding] = []
    for symbol, own in runs.items():
        findings += comparison.column(symbol, own, wrong_runs)
    known = {finding.cells for finding in findings}
    for alike in (reference.constants + reference.trained, *reference.all_states):
        findings += comparison.first_row(alike, runs, known)
    comparison.leave_out_unknown_columns()
    return TableReport(
        sheet=table.sheet.name,
        range=table.range,
        network=table.naming.network,
        learning_rate=plain(table.rate),
        iterations=len(table.values),
        cells=comparison.cells,
        differences=comparison.differences,
        last_loss=_last_loss(table),
        last_loss_of_run=_last_loss_of_run(table, reference),
        findings=findings,
    )


def _not_understood(table: Table, why: str) -> TableReport:
    """Return the report of a table of which nothing can be checked."""
    cells = Cells()
    for column in table.columns.values():
        runs = table.sheet.runs_between(column, table.first_row, table.last_row)
        cells.formulas += sum(run.last_row - run.first_row + 1 for run in runs)
    cells.leave_out(cells.formulas, why)
    return TableReport(
        sheet=table.sheet.name,
        range=table.range,
        network=table.naming.network,
        learning_rate=plain(table.rate),
        iterations=len(table.values),
        cells=cells,
        differences=Differences(),
        last_loss=_last_loss(table),
        last_loss_of_run=float("nan"),
        findings=[],
    )


def _last_loss(table: Table) -> float:
    if TOTAL_LOSS not in table.values:
        return float("nan")
    return float(table.values[TOTAL_LOSS].iloc[-1])


def _last_loss_of_run(table: Table, reference: Reference) -> float:
    """Return the loss of the last iteration when pandas trains from the table's first row."""
    needed = reference.constants + reference.trained
    first = {symbol: float(table.values[symbol].iloc[0]) for symbol in needed}
    if np.isnan([table.rate, *first.values()]).any():
        return float("nan")
    with np.errstate(over="ignore", invalid="ignore"):  # a run with mistakes may diverge
        run = reference.run(first, table.rate, len(table.values))
    return float(run[TOTAL_LOSS].iloc[-1])


@dataclass
class _Column:
    """The cells of one column, by position in the table."""

    values: Array
    expected: Array
    wrong: NDArray[np.bool_]  # differs by more than the tolerance
    relative: Array


class _Comparison:
    """The work on one table: counts, differences and findings, column by column."""

    def __init__(
        self,
        table: Table,
        reference: Reference,
        expected: Expected,
        storage: float,
        tolerance: float,
    ) -> None:
        self.cells = Cells()
        self.differences = Differences()
        self._table = table
        self._expected = expected
        self._reference = reference
        self._from_above = reference.from_above
        self._storage = storage
        self._tolerance = tolerance

    def can_check(self, symbol: str, run: Run) -> bool:
        """Tell whether the reference has something to say about some cell of a run."""
        values = self._expected.values[symbol].to_numpy()
        return not bool(np.isnan(values[self._slice(run.first_row, run.last_row)]).all())

    def column(
        self, symbol: str, runs: list[Run], wrong_runs: set[tuple[str, int]]
    ) -> list[Finding]:
        """Count and judge one column; ``wrong_runs`` has the runs whose formula is wrong."""
        column = self._column(symbol)
        findings: list[Finding] = []
        for run in runs:
            self._count(symbol, column, run)
            part = self._slice(run.first_row, run.last_row)
            rows = (run.first_row, run.last_row)
            if (symbol, run.first_row) in wrong_runs:
                kind = Kind.WRONG_FORMULA if column.wrong[part].any() else Kind.LATENT
                findings.append(self._finding(kind, symbol, column, rows, run.formula))
            elif column.wrong[part].any():
                findings += self._wrong_values(symbol, column, run)
            elif self._breaks_pattern(symbol, run, runs):
                kind = Kind.BROKEN_PATTERN
                findings.append(self._finding(kind, symbol, column, rows, run.formula))
        return findings + self._typed_values(symbol, column, runs)

    def first_row(
        self, alike: list[str], runs: Mapping[str, list[Run]], known: set[str]
    ) -> list[Finding]:
        """Judge the first row's cells of quantities that begin ``alike``, by each other.

        Where the sheet reads initial values from stated cells, or an optimizer's state begins,
        one that is typed, or anchored unlike all the others, is out of step. ``known`` has the
        cells with a finding already.
        """
        row = self._table.first_row
        stated = [
            symbol
            for symbol in self._table.columns
            if symbol in alike and not np.isnan(self._expected.values[symbol].iloc[0])
        ]
        formulas = {
            s: runs[s][0].formula for s in stated if runs[s] and runs[s][0].first_row == row
        }
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
            findings.append(self._finding(kind, symbol, self._column(symbol), (row, row), own))
        return findings

    def leave_out_unknown_columns(self) -> None:
        """Count the formulas under labels that name no known quantity."""
        table = self._table
        for column, label in table.unknown.items():
            runs = table.sheet.runs_between(column, table.first_row, table.last_row)
            if count := sum(run.last_row - run.first_row + 1 for run in runs):
                self.cells.formulas += count
                self.cells.leave_out(count, f"unknown quantity {label.strip()!r}")

    def _slice(self, first_row: int, last_row: int) -> slice:
        return slice(first_row - self._table.first_row, last_row - self._table.first_row + 1)

    def _column(self, symbol: str) -> _Column:
        values = self._table.values[symbol].to_numpy()
        expected = self._expected.values[symbol].to_numpy()
        allowed = self._tolerance * self._expected.terms[symbol].to_numpy()
        allowed = allowed + self._storage * self._expected.inputs[symbol].to_numpy()
        difference = np.abs(values - expected)
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(difference == 0, 0.0, difference / np.abs(expected))
        # A cell that should be a number and is none is wrong too.
        wrong = ~(difference <= allowed) & ~np.isnan(expected)
        return _Column(values, expected, wrong, relative)

    def _count(self, symbol: str, column: _Column, run: Run) -> None:
        """Take a run's cells into the counts and the largest differences."""
        part = self._slice(run.first_row, run.last_row)
        values, expected = column.values[part], column.expected[part]
        known = ~np.isnan(expected)
        self.cells.formulas += len(known)
        self.cells.checked += int(known.sum())
        self.cells.agreeing += int(known.sum())
        unknown = int((~known).sum())
        if symbol in self._from_above and run.first_row == self._table.first_row and not known[0]:
            self.cells.leave_out(1, "its initial value is stated nowhere else, or more than once")
            unknown -= 1
        z = symbol.removeprefix("a_")
        if z != symbol and z in self._table.values:
            overflowing = self._table.values[z].to_numpy()[part] < -LARGEST_EXPONENT
            overflows = int((overflowing & ~known).sum())
            if overflows:
                self.cells.leave_out(overflows, f"e^(−{z}) is too large a number")
                unknown -= overflows
        if unknown:
            self.cells.leave_out(unknown, self._why_not(symbol))
        both = known & ~np.isnan(values)
        if both.any():
            absolute = np.abs(values - expected)[both]
            ulps = absolute / np.spacing(np.maximum(np.abs(values), np.abs(expected))[both])
            worst = self.differences
            worst.absolute = max(worst.absolute, float(absolute.max()))
            worst.relative = max(worst.relative, float(column.relative[part][both].max()))
            worst.ulps = max(worst.ulps, round(min(float(ulps.max()), 2.0**62)))

    def _why_not(self, symbol: str) -> str:
        """Say why nothing can be said of a quantity's cells."""
        if symbol in self._reference.trained:
            needed = [gradient_symbol(symbol), *self._reference.states(symbol).values()]
            for column in needed:
                if column not in self._table.columns:
                    return f"no column of {column} was found"
            if np.isnan(self._table.rate):
                return "no learning rate was found"
        return "what it depends on is no number"

    def _wrong_values(self, symbol: str, column: _Column, run: Run) -> Iterator[Finding]:
        """Find the stretches of a rightly filled run whose values are not right all the same."""
        part = self._slice(run.first_row, run.last_row)
        rows = [run.first_row + int(k) for k in np.flatnonzero(column.wrong[part])]
        for first, last in _stretches(rows):
            error = self._table.errors.get((first, symbol))
            kind = Kind.ERROR_VALUE if error else Kind.WRONG_VALUE
            yield self._finding(kind, symbol, column, (first, last), run.formula)

    def _breaks_pattern(self, symbol: str, run: Run, runs: list[Run]) -> bool:
        """Tell whether a run's formula is another than most of its column's."""
        start = self._table.first_row + (symbol in self._from_above)
        lengths: dict[FilledFormula, int] = {}
        for other in runs:
            rows = other.last_row - max(other.first_row, start) + 1
            lengths[other.formula] = lengths.get(other.formula, 0) + max(0, rows)
        return run.last_row >= start and lengths[run.formula] < max(lengths.values())

    def _typed_values(self, symbol: str, column: _Column, runs: list[Run]) -> list[Finding]:
        """Find numbers typed, and cells emptied, where the column otherwise has formulas."""
        start = self._table.first_row + (symbol in self._from_above)
        has_formula = np.zeros(len(column.values), dtype=bool)
        for run in runs:
            has_formula[self._slice(run.first_row, run.last_row)] = True
        # In a row that is mostly empty, such as one with the next weights only, nothing is missing.
        full_row = 2 * self._table.values.isna().sum(axis=1).to_numpy() < len(self._table.columns)
        typed = ~has_formula & (full_row | ~np.isnan(column.values))
        typed[: start - self._table.first_row] = False
        if 2 * typed.sum() >= len(typed):
            return []  # mostly numbers: a pasted column, of which no formula is missing
        rows = [self._table.first_row + int(k) for k in np.flatnonzero(typed)]
        return [
            self._finding(Kind.TYPED_VALUE, symbol, column, stretch, None)
            for stretch in _stretches(rows)
        ]

    def _finding(
        self,
        kind: Kind,
        symbol: str,
        column: _Column,
        rows: tuple[int, int],
        formula: FilledFormula | None,
    ) -> Finding:
        """Make a finding about the rows from the first to the last, stating the worst of them."""
        first, last = rows
        relative = np.nan_to_num(column.relative[self._slice(first, last)], nan=-1.0)
        worst = first + int(relative.argmax())
        position = worst - self._table.first_row
        place = self._table.columns[symbol]
        if formula:
            self.cells.agreeing -= int((~np.isnan(column.expected[self._slice(first, last)])).sum())
        error = self._table.errors.get((worst, symbol))
        value = error.code if error else plain(column.values[position])
        expected = plain(column.expected[position])
        wrong = bool(column.wrong[position])
        return Finding(
            kind=kind,
            quantity=symbol,
            sheet=self._table.sheet.name,
            cells=range_name(first, place, last, place),
            count=last - first + 1,
            formula=formula.at(first) if formula else None,
            value=value,
            expected=expected,
            max_rel_error=plain(column.relative[position]),
            message=message(kind, symbol, cell_name(worst, place), value, expected, wrong),
        )


def _stretches(rows: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of each stretch of rows that follow one another."""
    first = 0
    for k in range(1, len(rows) + 1):
        if k == len(rows) or rows[k] != rows[k - 1] + 1:
            yield rows[first], rows[k - 1]
            first = k
