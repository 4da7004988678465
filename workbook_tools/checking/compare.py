"""Cell by cell: agrees, differs, or not checked and why; and what that says of the formulas."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbook_tools.checking.findings import (
    Cells,
    Differences,
    Finding,
    Kind,
    SummaryReport,
    TableReport,
)
from workbook_tools.checking.local import Expected, expected_values
from workbook_tools.checking.probe import probe_summary, probe_table
from workbook_tools.checking.reader import Cell, SummaryRow, Table, number_at
from workbook_tools.checking.reference import Array, Reference
from workbook_tools.checking.sheets import Run, Sheet
from workbook_tools.engines import Calculation
from workbook_tools.notation import LEARNING_RATE, TOTAL_LOSS, delta_symbol, gradient_symbol
from workbook_tools.references import cell_name, range_name


def reference_for(table: Table) -> Reference:
    """Return the mathematics that a table's columns ask for."""
    naming = table.naming
    biases = [f"b{k}" for k in range(1, naming.bias_count + 1)]
    trained = bool(biases) and all(gradient_symbol(bias) in table.columns for bias in biases)
    units = [z for layer in naming.layers for z in naming.pre_activations(layer)]
    return Reference(naming, trained, all(delta_symbol(z) in table.columns for z in units))


def compare_table(
    table: Table, stated: Mapping[str, list[Cell]], calculation: Calculation, tolerance: float
) -> TableReport:
    """Check every formula cell of a table.

    ``stated`` are the cells that state initial values; a symbol stated twice states nothing.
    """
    reference = reference_for(table)
    starts = {symbol: cells[0] for symbol, cells in stated.items() if len(cells) == 1}
    start_values = {symbol: number_at(cell, calculation) for symbol, cell in starts.items()}
    expected = expected_values(reference, table.values, table.rate, start_values)
    comparison = _Comparison(table, reference, expected, calculation.storage, tolerance)
    runs = [
        (symbol, run)
        for symbol, column in table.columns.items()
        for run in table.sheet.runs_between(column, table.first_row, table.last_row)
    ]
    checkable = [(symbol, run) for symbol, run in runs if comparison.can_check(symbol, run)]
    right = probe_table(table, reference, starts, checkable, calculation)
    verdicts = {(s, run.first_row): ok for (s, run), ok in zip(checkable, right, strict=True)}
    findings: list[Finding] = []
    for symbol in table.columns:
        own = [run for name, run in runs if name == symbol]
        findings += comparison.column(symbol, own, verdicts)
    for column, label in table.unknown.items():
        count = sum(
            run.last_row - run.first_row + 1
            for run in table.sheet.runs_between(column, table.first_row, table.last_row)
        )
        if count:
            comparison.cells.leave_out(count, f"unknown quantity {label.strip()!r}")
    return TableReport(
        sheet=table.sheet.name,
        range=table.range,
        network=table.naming.network,
        learning_rate=None if np.isnan(table.rate) else table.rate,
        iterations=len(table.values),
        cells=comparison.cells,
        differences=comparison.differences,
        last_loss=_last_loss(table),
        last_loss_of_run=_last_loss_of_run(table, reference),
        findings=findings,
    )


def _last_loss(table: Table) -> float:
    if TOTAL_LOSS not in table.values:
        return float("nan")
    return float(table.values[TOTAL_LOSS].iloc[-1])


def _last_loss_of_run(table: Table, reference: Reference) -> float:
    """Return the loss of the last iteration when pandas trains from the table's first row."""
    first = table.values.iloc[0].to_dict()
    if np.isnan(table.rate) or any(
        np.isnan(first[s]) for s in reference.constants + reference.trained
    ):
        return float("nan")
    with np.errstate(over="ignore", invalid="ignore"):  # a run with mistakes may diverge
        run = reference.run(first, table.rate, len(table.values))
    return float(run[TOTAL_LOSS].iloc[-1])


@dataclass
class _Column:
    """The cells of one column, by position in the table."""

    values: Array
    expected: Array
    wrong: Array  # bool: differs by more than the tolerance
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
        self._from_above = set(reference.constants + reference.trained)
        self._storage = storage
        self._tolerance = tolerance

    def can_check(self, symbol: str, run: Run) -> bool:
        """Tell whether the reference has something to say about some cell of a run."""
        values = self._expected.values[symbol].to_numpy()
        return not bool(np.isnan(values[self._slice(run)]).all())

    def column(
        self, symbol: str, runs: list[Run], verdicts: Mapping[tuple[str, int], bool]
    ) -> list[Finding]:
        """Count and judge one column; ``verdicts`` says which runs' formulas are right."""
        column = self._column(symbol)
        findings: list[Finding] = []
        for run in runs:
            part = self._slice(run)
            count = run.last_row - run.first_row + 1
            self._count(symbol, column, part)
            found = self._errors(symbol, run)
            if not verdicts.get((symbol, run.first_row), True):
                found = [self._finding(symbol, run, column, self._wrong_kind(column, part))]
            elif column.wrong[part].any():
                found += self._wrong_values(symbol, run, column)
            elif not found and self._breaks_pattern(symbol, run, runs):
                found = [self._finding(symbol, run, column, Kind.BROKEN_PATTERN)]
            findings += found
            checked = count - int(np.isnan(column.expected[part]).sum())
            self.cells.agreeing += max(0, checked - sum(f.count for f in found))
        return findings + self._typed_values(symbol, runs, column)

    def _slice(self, run: Run) -> slice:
        first = self._table.first_row
        return slice(run.first_row - first, run.last_row - first + 1)

    def _column(self, symbol: str) -> _Column:
        values = self._table.values[symbol].to_numpy()
        expected = self._expected.values[symbol].to_numpy()
        allowed = self._tolerance * self._expected.terms[symbol].to_numpy()
        allowed = allowed + self._storage * self._expected.inputs[symbol].to_numpy()
        difference = np.abs(values - expected)
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.where(difference == 0, 0.0, difference / np.abs(expected))
        # Where only one of the two is a number, the cell is wrong, or an error value.
        wrong = ~(difference <= allowed) & ~np.isnan(expected)
        return _Column(values, expected, wrong, relative)

    def _count(self, symbol: str, column: _Column, part: slice) -> None:
        """Take a run's cells into the counts and the largest differences."""
        unknown = np.isnan(column.expected[part])
        self.cells.formulas += len(unknown)
        self.cells.checked += int((~unknown).sum())
        if unknown.any():
            table = self._table
            above = symbol in self._from_above
            if above and part.start == 0 and unknown[0]:
                reason = "no initial value is stated for it, or two are"
                self.cells.reasons[reason] = self.cells.reasons.get(reason, 0) + 1
                unknown = unknown[1:]
            if above and np.isnan(table.rate):
                reason = "no learning rate was found"
            else:
                reason = "what it depends on is no number"
            if unknown.any():
                more = int(unknown.sum())
                self.cells.reasons[reason] = self.cells.reasons.get(reason, 0) + more
        values, expected = column.values[part], column.expected[part]
        both = ~np.isnan(values) & ~np.isnan(expected)
        if both.any():
            absolute = np.abs(values - expected)[both]
            ulps = absolute / np.spacing(np.maximum(np.abs(values), np.abs(expected))[both])
            worst = self.differences
            worst.absolute = max(worst.absolute, float(absolute.max()))
            worst.relative = max(worst.relative, float(column.relative[part][both].max()))
            worst.ulps = max(worst.ulps, round(min(float(ulps.max()), 2.0**62)))

    def _wrong_kind(self, column: _Column, part: slice) -> Kind:
        return Kind.WRONG_FORMULA if column.wrong[part].any() else Kind.LATENT

    def _errors(self, symbol: str, run: Run) -> list[Finding]:
        """Find error values in cells whose own precedents are numbers."""
        column = self._column(symbol)
        rows = [
            row
            for row in range(run.first_row, run.last_row + 1)
            if (row, symbol) in self._table.errors
            and not np.isnan(column.expected[row - self._table.first_row])
        ]
        if not rows:
            return []
        part = Run(rows[0], rows[-1], run.formula)
        code = self._table.errors[rows[0], symbol].code
        return [self._finding(symbol, part, column, Kind.ERROR_VALUE, error=code)]

    def _wrong_values(self, symbol: str, run: Run, column: _Column) -> list[Finding]:
        """Find the stretches of a rightly filled run whose values are still not right."""
        first = self._table.first_row
        rows = [
            row
            for row in range(run.first_row, run.last_row + 1)
            if column.wrong[row - first] and (row, symbol) not in self._table.errors
        ]
        findings = []
        while rows:
            length = next((k for k, row in enumerate(rows) if row != rows[0] + k), len(rows))
            part = Run(rows[0], rows[length - 1], run.formula)
            findings.append(self._finding(symbol, part, column, Kind.WRONG_VALUE))
            rows = rows[length:]
        return findings

    def _breaks_pattern(self, symbol: str, run: Run, runs: list[Run]) -> bool:
        """Tell whether a run's formula is another than most of its column's."""
        start = self._table.first_row + (symbol in self._from_above)
        lengths: dict[object, int] = {}
        for other in runs:
            rows = other.last_row - max(other.first_row, start) + 1
            lengths[other.formula] = lengths.get(other.formula, 0) + max(0, rows)
        usual = max(lengths, key=lambda formula: lengths[formula])
        return (
            run.last_row >= start
            and run.formula != usual
            and lengths[run.formula] < lengths[usual]
        )

    def _typed_values(self, symbol: str, runs: list[Run], column: _Column) -> list[Finding]:
        """Find numbers typed where the column otherwise has formulas."""
        start = self._table.first_row + (symbol in self._from_above)
        holes = set(range(start, self._table.last_row + 1))
        for run in runs:
            holes -= set(range(run.first_row, run.last_row + 1))
        if len(holes) * 2 > self._table.last_row - start + 1:
            return []  # mostly numbers: a pasted column, of which no formula is missing
        findings = []
        for row in sorted(holes):
            if not np.isnan(column.values[row - self._table.first_row]):
                part = Run(row, row, runs[0].formula)
                findings.append(self._finding(symbol, part, column, Kind.TYPED_VALUE))
        return findings

    def _finding(
        self, symbol: str, run: Run, column: _Column, kind: Kind, error: str | None = None
    ) -> Finding:
        part = self._slice(run)
        relative = np.nan_to_num(column.relative[part], nan=-1.0)
        worst = run.first_row + int(relative.argmax())
        position = worst - self._table.first_row
        value, expected = column.values[position], column.expected[position]
        place = self._table.columns[symbol]
        cells = range_name(run.first_row, place, run.last_row, place)
        is_formula = kind is not Kind.TYPED_VALUE
        row = worst if run.first_row != run.last_row else run.first_row
        shown = error or _plain(value)
        return Finding(
            kind=kind,
            quantity=symbol,
            sheet=self._table.sheet.name,
            cells=cells,
            count=run.last_row - run.first_row + 1,
            formula=run.formula.at(run.first_row) if is_formula else None,
            value=shown,
            expected=_plain(expected),
            max_rel_error=_plain(column.relative[position]),
            message=_message(kind, symbol, cell_name(row, place), shown, _plain(expected),
                             bool(column.wrong[position])),
        )  # fmt: skip


def _plain(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def _message(
    kind: Kind, symbol: str, cell: str, value: float | str | None, expected: float | None, wrong: bool
) -> str:
    """Say a finding in one sentence."""
    compared = f"{cell} shows {value!r}, {symbol} is {expected!r} there"
    if kind is Kind.WRONG_FORMULA:
        return f"The formula of {symbol} is not the mathematics: {compared}."
    if kind is Kind.LATENT:
        return (
            f"The formula of {symbol} is not the mathematics, though it gives the right value on "
            "these numbers; on others it does not."
        )
    if kind is Kind.BROKEN_PATTERN:
        return (
            f"The formula of {symbol} gives the right value, but it is another than in the rest "
            "of its column, and filled down it goes wrong or hides a change."
        )
    if kind is Kind.TYPED_VALUE:
        judged = f"and it is wrong: {compared}" if wrong else "and it happens to be right"
        return f"A number is typed where the column of {symbol} has a formula, {judged}."
    if kind is Kind.ERROR_VALUE:
        return f"The formula of {symbol} gives an error value: {compared}."
    return f"The value of {symbol} is not what the mathematics gives: {compared}."


def compare_summary(
    sheet: Sheet,
    rows: list[SummaryRow],
    tables: list[Table],
    calculation: Calculation,
    tolerance: float,
) -> SummaryReport:
    """Check the formulas that list, for each training sheet, its learning rate and losses."""
    cells, findings = Cells(), []
    formulas: list[tuple[SummaryRow, str, int]] = []
    places: list[Cell] = []
    for row in rows:
        for iteration, cell in {0: row.rate_cell, **row.loss_cells}.items():
            for run in sheet.runs_between(cell[2], cell[1], cell[1]):
                formulas.append((row, run.formula.at(cell[1]), iteration))
                places.append(cell)
    verdicts = probe_summary(formulas, tables, calculation)
    for (row, formula, iteration), place, right in zip(formulas, places, verdicts, strict=True):
        cells.formulas += 1
        values = row.table.values
        expected = row.table.rate
        if iteration:
            known = iteration <= len(values)
            expected = values[TOTAL_LOSS].iloc[iteration - 1] if known else float("nan")
        if np.isnan(expected):
            cells.reasons["its sheet has no such value"] = (
                cells.reasons.get("its sheet has no such value", 0) + 1
            )
            continue
        cells.checked += 1
        value = number_at(place, calculation)
        difference = abs(value - expected)
        wrong = not difference <= (tolerance + calculation.storage) * abs(expected)
        if right and not wrong:
            cells.agreeing += 1
            continue
        kind = Kind.WRONG_VALUE if right else Kind.WRONG_FORMULA if wrong else Kind.LATENT
        symbol = TOTAL_LOSS if iteration else LEARNING_RATE
        name = cell_name(place[1], place[2])
        shown, should = _plain(value), _plain(expected)
        findings.append(
            Finding(
                kind=kind,
                quantity=symbol,
                sheet=sheet.name,
                cells=name,
                count=1,
                formula=formula,
                value=shown,
                expected=should,
                max_rel_error=_plain(difference / abs(expected)) if expected else None,
                message=_message(kind, symbol, name, shown, should, wrong),
            )
        )
    return SummaryReport(sheet.name, cells, findings)
