"""Checks one training table: every formula against the mathematics, and every value."""

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from workbook_tools.formulas.budget import Budget
from workbook_tools.formulas.families import Families
from workbook_tools.formulas.references import MAX_FORMULA_LENGTH, areas, is_too_long
from workbook_tools.judging.alike import AlikeTables
from workbook_tools.judging.columns import Columns
from workbook_tools.judging.drift import drifts
from workbook_tools.judging.error_values import error_values
from workbook_tools.judging.faults import Fault, Kind, plain
from workbook_tools.judging.grounds import Grounds
from workbook_tools.judging.helper_columns import count_unknown_columns
from workbook_tools.judging.judge import Judge, Tried
from workbook_tools.judging.probe import Place, Trials
from workbook_tools.judging.report import Cells, Differences, LossCurve, TableReport
from workbook_tools.judging.rounded import unrounded
from workbook_tools.judging.signature import signature
from workbook_tools.judging.stale import stale_values
from workbook_tools.judging.starts import odd_starts, texts
from workbook_tools.mathematics.network import Samples
from workbook_tools.mathematics.reference import Reference, stacked
from workbook_tools.notation.addresses import Cell
from workbook_tools.notation.quantities import LEARNING_RATE
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.cells import Values, number_at
from workbook_tools.reading.described import NotUnderstoodError, understood
from workbook_tools.reading.samples import SampleTable
from workbook_tools.reading.table import Table
from workbook_tools.reading.trial import LARGEST_AREA

_ONLY_NUMBERS = re.compile(r"=[-+*/^()%.\dE\s]++", re.IGNORECASE)
_MOST_FORMULAS = 100_000  # distinct formulas of a table
_MOST_TRAINED = 20_000  # rows of tables that are trained together


def compare_table(
    table: Table,
    stated: Mapping[str, list[Cell]],
    samples: SampleTable | None,
    values: Values,
    tolerance: float,
    others: Sequence[Fault],
    tables: AlikeTables,
    suggestions: Budget,
) -> tuple[TableReport, Grounds | None]:
    """Check every formula cell of a table; return its report, and what it was judged by.

    ``stated`` are the cells that state initial values; ``samples`` is the table of samples that
    the rows read; ``others`` has the faults outside any table; ``tables`` knows the tables
    before it; ``suggestions`` is the budget for the suggestions of the whole workbook.
    """
    calculation = values.calculation
    try:
        understanding = tables.understanding(table)
    except NotUnderstoodError as problem:
        return _not_understood(table, str(problem)), None
    reference = understanding.reference
    grounds = Grounds.of(table, stated, samples, calculation, reference)
    expected = grounds.expected(table.values, table.rate, calculation)
    for row, symbol in table.not_calculated:
        expected.values[symbol][table.position_of(row)] = np.nan
    families = {
        symbol: Families.of(
            table.sheet.runs_between(column, table.first_row, table.last_row),
            table.rows,
            table.block,
        )
        for symbol, column in table.columns.items()
    }
    for symbol, own in families.items():
        _take_for_typed(symbol, own, table, reference)
    left_out = _left_out(table, families)
    for symbol, reasons in left_out.items():
        for places in reasons.values():
            expected.values[symbol] = expected.values[symbol].copy()
            expected.values[symbol][places] = np.nan
    columns = Columns(table, reference, expected, families, tolerance)
    judge = Judge(columns, grounds, calculation, grounds.odd_starts(stated), left_out)
    trials = Trials(grounds, calculation, understanding.right)
    tried = _tried(judge, grounds, trials, calculation)
    faults: list[Fault] = []
    for symbol in families:
        faults += judge.column(symbol, tried[symbol])
    known = {(row, found.column) for found in faults for row in found.rows}
    for alike in (reference.constants + reference.trained, *reference.all_states):
        faults += judge.first_row(alike, known)
    known |= {(row, found.column) for found in faults for row in found.rows}
    beside = {s: cell for s, cell in grounds.starts.items() if cell[0] == table.sheet.name}
    said = {symbol: number_at(cell, calculation) for symbol, cell in beside.items()}
    for symbol in families:
        faults += odd_starts(columns, symbol, said, known)
        faults += texts(columns, symbol)
    faults += _rate_that_is_a_text(table, calculation)
    count_unknown_columns(table, judge.cells)
    if values.stored:
        everything = [*others, *faults]
        faults += stale_values(grounds, families, values.stored, everything)
    if faults:
        from workbook_tools.mending.repair import Repair  # a workbook without mistakes needs none

        repair = Repair(grounds, trials, judge, calculation, suggestions)
        faults = repair.of_all(faults)
    understanding.signature = understanding.signature or signature(table, families)
    report = TableReport(
        sheet=table.sheet.name,
        range=table.range,
        understood=understood(table, reference),
        network=table.naming.network,
        learning_rate=plain(table.rate),
        iterations=table.iterations,
        cells=judge.cells,
        differences=judge.differences,
        naming=table.naming,
        losses=_losses(table),
        signature=understanding.signature,
        faults=faults + list(error_values(table, values, faults, samples, others)),
    )
    return report, grounds


def _take_for_typed(symbol: str, own: Families, table: Table, reference: Reference) -> None:
    """Treat data and initial values that are typed as formulas of numbers, ``=1/20``, as numbers.

    Their cells then have no formula in ``own``.
    """
    if symbol in reference.constants:
        typed = len(table.rows)
    elif symbol in reference.trained:
        typed = table.block
    else:
        return
    for number, formula in enumerate(own.formulas):
        text = formula.at(table.first_row)
        if _ONLY_NUMBERS.fullmatch(text) and not areas(text):
            own.numbers[:typed][own.numbers[:typed] == number] = -1


def _left_out(table: Table, families: Mapping[str, Families]) -> dict[str, dict[str, list[int]]]:
    """Return the cells whose formulas are not checked: positions by reason, by quantity."""
    found: dict[str, dict[str, list[int]]] = {}
    tried = 0
    for symbol, own in families.items():
        for formula, places in zip(own.formulas, own.places, strict=True):
            tried += 1
            if not len(places):
                continue
            if why := _too_much(formula.at(table.row_of(int(places[0]))), tried):
                found.setdefault(symbol, {}).setdefault(why, []).extend(places.tolist())
    return found


def _too_much(formula: str, tried: int) -> str:
    """Return why a formula is not checked, the ``tried``-th of its table; empty if it is."""
    if is_too_long(formula):
        return f"formula too long: Excel allows {MAX_FORMULA_LENGTH:,} characters"
    if any(area.cell_count > LARGEST_AREA for area in areas(formula)):
        return f"too large: it reads more than {LARGEST_AREA:,} cells"
    return f"too large: more than {_MOST_FORMULAS:,} different formulas" * (tried > _MOST_FORMULAS)


def _rate_that_is_a_text(table: Table, calculation: Calculation) -> list[Fault]:
    """Return the fault for a learning rate that is a text, such as ``0,5`` with a comma."""
    cell = table.rate_cell
    value = calculation.value(cell) if cell else None
    if cell is None or not isinstance(value, str):
        return []
    sheet, row, column = cell
    return [
        Fault(
            kind=Kind.ERROR_VALUE,
            quantity=LEARNING_RATE,
            sheet=sheet,
            column=column,
            rows=(row,),
            formula=None,
            value=value,
            expected=None,
            max_rel_error=None,
            message=f"The learning rate is the text {value!r}, not a number.",
        )
    ]


def _tried(
    judge: Judge, grounds: Grounds, trials: Trials, calculation: Calculation
) -> dict[str, Tried]:
    """Try the formulas of a table on random numbers; return what became of them, by quantity."""
    found = {symbol: Tried(set(), set(), {}) for symbol in judge.families}
    tried = []
    for symbol, number, row in judge.to_try():
        formula = judge.families[symbol].formulas[number].at(row)
        tried.append((number, Place(symbol, row, formula)))
    right = trials.right([place for _, place in tried])
    wrong = [one for one, is_right in zip(tried, right, strict=True) if not is_right]
    for number, place in wrong:
        found[place.symbol].wrong.add(number)
    for number, place in _reading_other_data(judge, grounds, trials, tried):
        found[place.symbol].wrong.add(number)
    updates = [
        (number, place)
        for number, place in wrong
        if place.symbol in grounds.reference.trained and grounds.table.rate_cell
    ]
    right = trials.right([place for _, place in updates], rate_everywhere=True)
    by_more = {
        (place.symbol, number)
        for (number, place), is_right in zip(updates, right, strict=True)
        if not is_right
    }
    for number, place in updates:
        if (place.symbol, number) not in by_more:
            found[place.symbol].wrong_rates.add(number)
    for symbol, number in _drifting(judge, grounds, calculation):
        found[symbol].wrong.add(number)
        found[symbol].wrong_rates.add(number)
    _try_unrounded(tried, trials, found)
    return found


def _reading_other_data(
    judge: Judge, grounds: Grounds, trials: Trials, tried: Sequence[tuple[int, Place]]
) -> list[tuple[int, Place]]:
    """Return the formulas that are wrong in some rows because they read the data of other rows."""
    computed = [one for one in tried if one[1].symbol not in grounds.reference.constants]
    off = [one for one in computed if judge.is_wrong_somewhere(one[1].symbol, one[0])]
    right = trials.right([place for _, place in off], same_data=False)
    return [one for one, is_right in zip(off, right, strict=True) if not is_right]


def _drifting(
    judge: Judge, grounds: Grounds, calculation: Calculation
) -> Iterator[tuple[str, int]]:
    """Yield the updates, by their numbers, that read the learning rate in their first row only."""
    for symbol, own in judge.families.items():
        if symbol not in grounds.reference.trained:
            continue
        for number, (formula, places) in enumerate(zip(own.formulas, own.places, strict=True)):
            if len(places) and drifts(formula, places, grounds.table, calculation):
                yield symbol, number


def _try_unrounded(
    tried: Sequence[tuple[int, Place]], trials: Trials, found: Mapping[str, Tried]
) -> None:
    """Add to what was ``found`` which formulas that round are right without their rounding."""
    without = [(number, p, *other) for number, p in tried if (other := unrounded(p.formula))]
    right = trials.right([place._replace(formula=formula) for _, place, formula, _ in without])
    by_more = {
        (place.symbol, number)
        for (number, place, _, _), is_right in zip(without, right, strict=True)
        if not is_right
    }
    for number, place, _, rounding in without:
        if (place.symbol, number) not in by_more:
            found[place.symbol].rounded[number] = rounding


def _not_understood(table: Table, why: str) -> TableReport:
    """Return the report of a table that cannot be checked."""
    cells = Cells()
    for column in (*table.columns.values(), *table.unknown):
        runs = table.sheet.runs_between(column, table.first_row, table.last_row)
        cells.formulas += sum(len(run.rows) for run in runs)
    cells.leave_out(cells.formulas, why, table.range)
    return TableReport(
        sheet=table.sheet.name,
        range=table.range,
        understood=understood(table, None),
        network=table.naming.network,
        learning_rate=plain(table.rate),
        iterations=table.iterations,
        cells=cells,
        differences=Differences(),
        naming=table.naming,
        losses=_losses(table),
        signature="",
        faults=[],
    )


def _losses(table: Table) -> LossCurve:
    """Return the losses on the sheet; the right ones are found by ``train``."""
    built: list[float] = []
    if table.loss in table.values:
        count = table.iterations * table.block
        built = table.values[table.loss][: count : table.block].tolist()
    return LossCurve(built, [])


def train(compared: Sequence[tuple[TableReport, Grounds | None]]) -> None:
    """Train the networks of tables in NumPy, from their first rows on, and report the losses.

    Tables that differ only in their numbers are trained together.
    """
    alike: dict[tuple[Reference, int, int], list[tuple[Table, LossCurve, Samples]]] = {}
    for report, grounds in compared:
        if grounds:
            table, reference, samples = grounds.table, grounds.reference, grounds.samples
            source = (samples or table.part(slice(reference.block))).values
            naming = reference.naming
            data = Samples(stacked(source, naming.inputs), stacked(source, naming.targets))
            first = [table.values[symbol][0] for symbol in reference.start]
            if not any(np.isnan(numbers).any() for numbers in (table.rate, first, *data)):
                key = reference, report.iterations, len(data.inputs)
                alike.setdefault(key, []).append((table, report.losses, data))
    for (reference, iterations, _), every in alike.items():
        size = max(1, _MOST_TRAINED // (iterations * reference.block))
        for part in (every[begin : begin + size] for begin in range(0, len(every), size)):
            tables, losses, data_of = zip(*part, strict=True)
            start = {s: np.array([table.values[s][0] for table in tables]) for s in reference.start}
            together = Samples(*map(np.stack, zip(*data_of, strict=True)))
            rates = np.array([table.rate for table in tables])
            with np.errstate(over="ignore", invalid="ignore"):  # a training may diverge
                run = reference.run(start, together, rates, iterations)
            for k, (table, curve) in enumerate(zip(tables, losses, strict=True)):
                curve.right = run[table.loss][k, :: reference.block].tolist()
