"""Checks one training table: every formula against the mathematics, its values and its place."""

from collections.abc import Mapping

import numpy as np

from workbook_tools.checking.cells import Cell, number_at
from workbook_tools.checking.described import NotUnderstoodError, reference_for, understood
from workbook_tools.checking.families import Families
from workbook_tools.checking.findings import (
    Cells,
    Differences,
    Finding,
    TableReport,
    plain,
)
from workbook_tools.checking.judging import Judge
from workbook_tools.checking.local import expected_values
from workbook_tools.checking.network import Samples
from workbook_tools.checking.probe import Place, probe_table
from workbook_tools.checking.reference import Reference
from workbook_tools.checking.samples import SampleTable
from workbook_tools.checking.table import Table
from workbook_tools.engines import Calculation
from workbook_tools.references import bare_reference


def compare_table(
    table: Table,
    stated: Mapping[str, list[Cell]],
    samples: SampleTable | None,
    calculation: Calculation,
    tolerance: float,
) -> TableReport:
    """Check every formula cell of a table.

    ``stated`` are the cells that state initial values; a symbol stated twice states nothing.
    ``samples`` are those that the rows of several samples read.
    """
    try:
        reference = reference_for(table, calculation)
    except NotUnderstoodError as problem:
        return _not_understood(table, str(problem))
    starts = {symbol: cells[0] for symbol, cells in stated.items() if len(cells) == 1}
    starts |= _fetched(table, reference, stated, calculation)
    start_values = {symbol: number_at(cell, calculation) for symbol, cell in starts.items()}
    samples = samples if reference.looked_up else None
    data = samples.data if samples else None
    with np.errstate(over="ignore", invalid="ignore"):  # a sheet may hold any number
        expected = expected_values(
            reference, table.values, table.rate, start_values, data, calculation.zero
        )
    expected.values = expected.values.where(np.isfinite(expected.values))
    for row, symbol in table.not_calculated:
        expected.values.loc[row, symbol] = np.nan
    families = {
        symbol: Families.of(
            table.sheet.runs_between(column, table.first_row, table.last_row),
            table.rows,
            table.block,
        )
        for symbol, column in table.columns.items()
    }
    judge = Judge(table, reference, expected, families, calculation.storage, tolerance)
    wrong, wrong_rates = _wrong_formulas(judge, table, reference, starts, samples, calculation)
    findings: list[Finding] = []
    for symbol in families:
        findings += judge.column(
            symbol,
            {number for s, number in wrong if s == symbol},
            {number for s, number in wrong_rates if s == symbol},
        )
        findings += judge.odd_starts(symbol)
    known = {finding.cells for finding in findings}
    for alike in (reference.constants + reference.trained, *reference.all_states):
        findings += judge.first_row(alike, known)
    judge.leave_out_unknown_columns()
    return TableReport(
        sheet=table.sheet.name,
        range=table.range,
        understood=understood(table, reference),
        network=table.naming.network,
        learning_rate=plain(table.rate),
        iterations=table.iterations,
        cells=judge.cells,
        differences=judge.differences,
        last_loss=_last_loss(table),
        last_loss_of_run=_last_loss_of_run(table, reference, samples),
        findings=findings,
    )


def _fetched(
    table: Table,
    reference: Reference,
    stated: Mapping[str, list[Cell]],
    calculation: Calculation,
) -> dict[str, Cell]:
    """Return the cells that the first row fetches data and initial values from, unlabelled ones.

    Such a cell states the value, unless the same symbol is stated with another number, or the
    cell is labelled as another symbol's.
    """
    labelled = {cell: symbol for symbol, cells in stated.items() for cell in cells}
    found: dict[str, Cell] = {}
    for symbol in reference.constants + reference.start:
        if symbol not in table.columns:
            continue
        formula = table.sheet.formula_at(table.first_row, table.columns[symbol])
        area = bare_reference(formula) if formula else None
        if area is None:
            continue
        cell = (area.sheet or table.sheet.name, area.first_row, area.first_column)
        number = number_at(cell, calculation)
        said = [number_at(other, calculation) for other in stated.get(symbol, [])]
        is_own = labelled.get(cell, symbol) == symbol and cell not in found.values()
        if is_own and not np.isnan(number) and (number in said or not said):
            found[symbol] = cell
    return found


def _wrong_formulas(
    judge: Judge,
    table: Table,
    reference: Reference,
    starts: Mapping[str, Cell],
    samples: SampleTable | None,
    calculation: Calculation,
) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
    """Return the formulas, by quantity and number, that are wrong on random numbers.

    Then those of them that would be right if they read the learning rate.
    """
    tried: list[tuple[str, int]] = []
    places: list[Place] = []
    for symbol, number, row in judge.to_try():
        tried.append((symbol, number))
        formula = judge.families[symbol].formulas[number].at(row)
        places.append(Place(symbol, row, formula))
    right = probe_table(table, reference, starts, samples, places, calculation)
    wrong = {one for one, is_right in zip(tried, right, strict=True) if not is_right}
    updates = [
        (one, place)
        for one, place in zip(tried, places, strict=True)
        if one in wrong and one[0] in reference.trained and table.rate_cell
    ]
    own = [place for _, place in updates]
    right = probe_table(table, reference, starts, samples, own, calculation, rate_everywhere=True)
    return wrong, {one for (one, _), is_right in zip(updates, right, strict=True) if is_right}


def _not_understood(table: Table, why: str) -> TableReport:
    """Return the report of a table of which nothing can be checked."""
    cells = Cells()
    for column in table.columns.values():
        runs = table.sheet.runs_between(column, table.first_row, table.last_row)
        cells.formulas += sum(len(run.rows) for run in runs)
    cells.leave_out(cells.formulas, why)
    return TableReport(
        sheet=table.sheet.name,
        range=table.range,
        understood=understood(table, None),
        network=table.naming.network,
        learning_rate=plain(table.rate),
        iterations=table.iterations,
        cells=cells,
        differences=Differences(),
        last_loss=_last_loss(table),
        last_loss_of_run=float("nan"),
        findings=[],
    )


def _last_loss(table: Table) -> float:
    if table.loss not in table.values:
        return float("nan")
    return float(table.values[table.loss].iloc[(table.iterations - 1) * table.block])


def _last_loss_of_run(table: Table, reference: Reference, samples: SampleTable | None) -> float:
    """Return the loss of the last iteration when pandas trains from the table's first one."""
    first = {symbol: float(table.values[symbol].iloc[0]) for symbol in reference.start}
    source = samples.values if samples else table.values.iloc[: reference.block]
    naming = reference.naming
    data = Samples(source[naming.inputs].to_numpy(), source[naming.targets].to_numpy())
    known = [table.rate, *first.values(), *data.inputs.ravel(), *data.targets.ravel()]
    if np.isnan(known).any():
        return float("nan")
    with np.errstate(over="ignore", invalid="ignore"):  # a run with mistakes may diverge
        run = reference.run(first, data, table.rate, table.iterations)
    return float(run[table.loss].iloc[-reference.block])
