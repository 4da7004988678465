"""Checks the formulas beside the samples: standardised inputs, targets of classes, means."""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from workbook_tools.formulas.families import Families, stretches
from workbook_tools.formulas.words import moved
from workbook_tools.judging.faults import Kind, fault_of_value
from workbook_tools.judging.report import Cells, SummaryReport
from workbook_tools.judging.sample_formulas import (
    do_the_same,
    is_of_class,
    spread,
    standardised,
    suggested,
)
from workbook_tools.mathematics.rounding import Array
from workbook_tools.notation.addresses import MAX_COLUMNS
from workbook_tools.notation.quantities import CLASS, DEVIATION, MEAN
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.cells import number_at
from workbook_tools.reading.samples import SampleTable

_RIGHT = -2  # marks cells without a fault; formulas are numbered from 0, and −1 is no formula


def compare_samples(
    table: SampleTable,
    calculation: Calculation,
    tolerance: float,
) -> SummaryReport | None:
    """Return a report on every formula beside the samples; None if there are no formulas."""
    report = SummaryReport(table.sheet.name, Cells(), [], "samples")
    own = _Check(report, table, calculation, tolerance + calculation.storage)
    for symbol, column in table.columns.items():
        own.check_column(symbol, column)
    for word, row in table.spread.items():
        own.check_spread(word, row)
    return report if report.cells.formulas else None


@dataclass
class _Check:
    """The check of one table of samples; the report grows with every column."""

    report: SummaryReport
    table: SampleTable
    calculation: Calculation
    allowed: float  # relative difference that still agrees

    def check_column(self, symbol: str, column: int) -> None:
        """Check one column: standardised inputs, or the targets of classes."""
        table, cells = self.table, self.report.cells
        last_row = table.header_row + len(table.rows)
        runs = table.sheet.runs_between(column, table.first_row, last_row)
        if not runs:
            return
        families = Families.of(runs, table.rows, 1)
        has = families.numbers >= 0
        cells.formulas += int(has.sum())
        expected, terms = _expected(table, symbol, column, self.calculation)
        if np.isnan(expected).all():
            why = f"the sheet does not say what {symbol} is made from"
            cells.leave_out(int(has.sum()), why)
            return
        values = table.values[symbol]
        difference = np.abs(values - expected)
        wrong = ~(difference <= self.allowed * terms)
        # A wrong formula is wrong in all its rows, even where it happens to give the right value.
        for number in set(families.numbers[has & wrong].tolist()):
            own = np.flatnonzero(families.numbers == number)
            rows = [table.first_row + int(k) for k in (own[0], own[-1])]
            formulas = {row: families.formulas[number].at(row) for row in rows}
            right = {row: _right_formula(table, symbol, column, row) for row in rows}
            if not do_the_same(table.sheet.name, formulas, right):
                wrong[own] = True
        # The formula that is right in most cells is the one that was meant.
        votes = [*families.numbers[has & ~wrong].tolist(), *families.numbers[has].tolist()]
        [(usual, _)] = Counter(votes).most_common(1)
        cells.checked += int(has.sum())
        cells.agreeing += int(has.sum())
        marks = np.where(wrong | (families.numbers != usual), families.numbers, _RIGHT)
        if 2 * has.sum() <= len(has):
            marks[~has & ~wrong] = _RIGHT  # mostly numbers: no formula is missing
        for number, part in stretches(marks, np.arange(len(marks))):
            if number == _RIGHT:
                continue
            rows = [table.first_row + int(k) for k in part]
            kind, formula = Kind.BROKEN_PATTERN, None
            if number < 0:
                kind = Kind.TYPED_VALUE
            else:
                formula = families.formulas[number].at(rows[0])
                if wrong[part].any():
                    odd = number != usual or wrong[families.numbers == usual].all()
                    kind = Kind.WRONG_FORMULA if odd else Kind.WRONG_VALUE
                    cells.agreeing -= len(part)
            worst = int(part[np.nan_to_num(difference[part], nan=np.inf).argmax()])
            shown = values[worst], expected[worst], bool(wrong[worst])
            fault = fault_of_value(
                kind,
                symbol,
                table.sheet.name,
                column,
                rows,
                formula,
                table.first_row + worst,
                *shown,
            )
            fault = replace(fault, numbers=dict(zip(rows, expected[part].tolist(), strict=True)))
            right = {row: _right_formula(table, symbol, column, row) for row in rows}
            alike = {row: families.formulas[usual].at(row) for row in rows}
            self.report.faults.append(suggested(fault, [alike], right))

    def check_spread(self, word: str, row: int) -> None:
        """Check the means or the deviations of measurements, one cell for each measurement."""
        table, cells = self.table, self.report.cells
        measured = [symbol for symbol in table.columns if symbol[0] == "x"]
        formulas: dict[str, str] = {}
        for symbol in measured:
            if runs := table.sheet.runs_between(table.columns[symbol], row, row):
                formulas[symbol] = runs[0].formula.at(row)
        there = MAX_COLUMNS // 2
        in_one_column = {  # moved to one column, formulas that are alike become the same text
            s: moved(f, 0, there - table.columns[s]) for s, f in formulas.items()
        }
        cells.formulas += len(formulas)
        cells.checked += len(formulas)
        shown = {
            s: number_at((table.sheet.name, row, table.columns[s]), self.calculation)
            for s in measured
        }
        expected = {s: _spread_of(word, table.values[s]) for s in measured}
        wrong = {
            s: not abs(shown[s] - expected[s]) <= self.allowed * np.nansum(np.abs(table.values[s]))
            for s in measured
        }
        # The usual formula is the one that most right cells have; of two, the one that is plainer.
        right = sorted(
            (s for s in formulas if not wrong[s]), key=lambda s: not _is_plain(in_one_column[s])
        )
        most = Counter(in_one_column[s] for s in right).most_common(1)
        usual = most[0][0] if most else None
        for symbol in measured:
            if symbol in formulas and not wrong[symbol]:
                cells.agreeing += 1
                if in_one_column[symbol] == usual:
                    continue
            if symbol not in formulas:
                if not wrong[symbol] and len(formulas) <= len(measured) / 2:
                    continue  # all means are typed here
                kind = Kind.TYPED_VALUE
            elif wrong[symbol]:
                kind = Kind.WRONG_FORMULA
            else:
                kind = Kind.BROKEN_PATTERN
            place = table.columns[symbol]
            fault = fault_of_value(
                kind,
                symbol,
                table.sheet.name,
                place,
                [row],
                formulas.get(symbol),
                row,
                shown[symbol],
                expected[symbol],
                wrong[symbol],
            )
            fault = replace(fault, numbers={row: expected[symbol]})
            last_row = table.header_row + len(table.rows)
            own = spread(word == MEAN, table.first_row, last_row, place)
            alike = [moved(f, 0, place - there) for f in [usual] if f]
            self.report.faults.append(suggested(fault, [{row: f} for f in alike], {row: own}))


def _expected(
    table: SampleTable, symbol: str, column: int, calculation: Calculation
) -> tuple[Array, Array]:
    """Return what a column should be, and the size of its terms, on which rounding depends."""
    nothing = np.full(len(table.rows), np.nan)
    measured = f"x{symbol[1:]}"
    if symbol[0] == "i" and measured in table.columns and len(table.spread) == 2:
        x = table.values[measured]
        place = table.columns[measured]
        mean, deviation = (
            number_at((table.sheet.name, table.spread[word], place), calculation)
            for word in (MEAN, DEVIATION)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            return (x - mean) / deviation, 2 * (np.abs(x) + abs(mean)) / abs(deviation)
    if symbol[0] == "t" and CLASS in table.columns:
        named = table.sheet.texts.get((table.header_row - 1, column))
        if named is not None:
            own = [
                table.sheet.texts.get((row, table.columns[CLASS])) for row in table.rows.tolist()
            ]
            found = np.array([float(text == named) for text in own])
            return found, np.ones(len(found))
    return nothing, nothing


def _right_formula(table: SampleTable, symbol: str, column: int, row: int) -> str:
    """Return the formula of a standardised input, or of the target of a class."""
    if symbol[0] == "i":
        rows = table.spread[MEAN], table.spread[DEVIATION]
        return standardised(row, table.columns[f"x{symbol[1:]}"], *rows)
    return is_of_class(row, table.columns[CLASS], table.header_row - 1, column)


def _spread_of(word: str, x: Array) -> float:
    """Return the mean, or the standard deviation of the population (divided by n)."""
    return float(np.mean(x) if word == MEAN else np.std(x))


def _is_plain(formula: str) -> bool:
    """Tell whether a formula is a single call of the usual function."""
    return formula.startswith(("=AVERAGE(", "=STDEV"))
