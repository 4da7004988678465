"""Checks one workbook: reads it, recalculates it, and compares every formula cell."""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Self

import numpy as np

from workbook_tools.checking.asked import Asked
from workbook_tools.checking.compare import compare_table, train
from workbook_tools.checking.limits import ENGINE_THREAD
from workbook_tools.checking.size import TooLargeError, refuse_too_large
from workbook_tools.convolutional.book import is_network, workbook_names
from workbook_tools.engines import (
    DEFAULT,
    NOT_UNDERSTOOD,
    compiled,
    recalculate,
)
from workbook_tools.errors import InputError
from workbook_tools.formulas.budget import Budget
from workbook_tools.formulas.sheets import Sheet, read_sheets
from workbook_tools.judging.alike import AlikeTables
from workbook_tools.judging.circular import name_cycles
from workbook_tools.judging.effects import Effects
from workbook_tools.judging.findings import Finding, ordered
from workbook_tools.judging.report import Cells, Report, SummaryReport, TableReport
from workbook_tools.judging.sample_columns import compare_samples
from workbook_tools.judging.summary import compare_summary
from workbook_tools.judging.unknown import forgive, mistaken_for_cycles, unknown_functions
from workbook_tools.notation.addresses import MAX_ROWS, range_name
from workbook_tools.package.columns import Calculation, Columns
from workbook_tools.package.workbook import open_package
from workbook_tools.program.graph import Graph
from workbook_tools.program.on_demand import CIRCULAR
from workbook_tools.program.what_if import WhatIf
from workbook_tools.reading.cells import Values
from workbook_tools.reading.reader import MOST_TABLES, read_tables
from workbook_tools.reading.samples import read_samples
from workbook_tools.reading.stated import SummaryRow, read_parameters, read_summary
from workbook_tools.reading.table import Table
from workbook_tools.texts import counted

if TYPE_CHECKING:
    from concurrent.futures import Future

_MOST_SUGGESTIONS = 1_000  # that are tested
_MOST_RECALCULATED = 1_000_000  # cells, to find the effect of findings on the loss
_READ_STRICT = (DEFAULT, "libreoffice", "cached")  # engines that read Strict Open XML
_OF_THE_READ_FILE = (DEFAULT, "cached")  # engines that need nothing but what has been read


@np.errstate(all="ignore")  # a sheet may hold any number: overflows are judged, not warned about
def verify(
    path: Path,
    engine: str = DEFAULT,
    tolerance: float | None = None,
    on_step: Callable[[str], None] = lambda description: None,
    asked: Asked | None = None,
) -> Report:
    """Check a workbook, with the values of one of ``engines.ENGINES``.

    ``tolerance`` is the largest relative difference that agrees; by default the engine's own.
    ``on_step`` is called twice with the progress in words; for a convolutional network also for
    each digit. ``asked`` says what is to be differentiated. Raises ``InputError`` if the file
    cannot be read or calculated.
    """
    on_step("reading and recalculating")
    with open_package(path) as package, _Beside() as beside:
        # Engines calculate without holding Python's lock, so reading and recalculating overlap.
        if package.is_strict and engine not in _READ_STRICT:
            raise InputError(
                f"{path}: Strict Open XML, which only --engine libreoffice and --engine cached can "
                "read; use one of these, or save it as an ordinary .xlsx"
            )
        iterations = package.iterations
        begun = None if engine in _OF_THE_READ_FILE else beside.submit(recalculate, path, engine)
        sheets, stored = read_sheets(package)
        graph = Graph.of(sheets)
        refuse_too_large(path, sheets)
        calculation: Calculation = begun.result() if begun else stored
        if engine == DEFAULT:
            calculation = compiled.calculated(path, graph, sheets, stored, iterations)
        defined = workbook_names(package)
    on_step("checking")
    allowed = calculation.tolerance if tolerance is None else tolerance
    if is_network(sheets):
        from workbook_tools.convolutional.verify import verify_network  # few workbooks need it

        return verify_network(path, graph, sheets, defined, calculation, stored, allowed, on_step)
    tables, unread = read_tables(sheets, calculation)
    if len(tables) + len(unread) > MOST_TABLES:
        raise InputError(
            f"{path}: more than {MOST_TABLES} training tables, too many to check; split them into "
            "several workbooks"
        )
    unknown = _unknown_functions(sheets, graph, tables, calculation)
    if unknown and engine in (DEFAULT, "embedded"):
        from workbook_tools.engines import libreoffice  # few workbooks need it

        if other := libreoffice.fallback(path):
            their_tables, their_unread = read_tables(sheets, other)
            still_unknown = _unknown_functions(sheets, graph, their_tables, other)
            if still_unknown < unknown:
                other.engine += f"; {calculation.engine} does not know {', '.join(sorted(unknown))}"
                calculation, tables, unread = other, their_tables, their_unread
                unknown = still_unknown
    if not tables and _has_no_values(sheets, calculation):
        raise InputError(
            f"{path}: its formulas have no cached values; open and save it in a spreadsheet "
            "program, or use another --engine"
        )
    if unknown and engine != "cached":
        forgive(tables, unknown, stored)
    formulas = sum(sheet.formula_count() for sheet in sheets)
    suggestions, recalculated = Budget(_MOST_SUGGESTIONS), Budget(_MOST_RECALCULATED)
    is_as_stored = isinstance(calculation, Columns) and calculation.sheets is stored.sheets
    what_if = WhatIf(sheets, calculation, iterations, is_as_stored and engine == DEFAULT)
    values = Values(calculation, None if is_as_stored else stored)
    stated = read_parameters(sheets, tables, calculation)
    rows = read_summary(sheets, tables)
    samples = {
        sizes: read_samples(sheets, *sizes, calculation)
        for sizes in dict.fromkeys(_data_sizes(table) for table in tables)
    }
    summaries = [
        compare_summary(sheet, own, tables, calculation, allowed)
        for sheet in sheets
        if (own := [row for row in rows if row.rate_cell[0] == sheet.name])
    ]
    for found in samples.values():
        if found and (summary := compare_samples(found, calculation, allowed)):
            summaries.append(summary)
    outside = [fault for one in summaries for fault in one.faults]
    alike = AlikeTables(calculation)
    compared = [
        compare_table(
            table, stated, samples[_data_sizes(table)], values, allowed, outside, alike, suggestions
        )
        for table in tables
    ]
    train(compared)
    reports = [report for report, _ in compared]
    name_cycles(graph, tables, reports, calculation, engine != "cached")
    findings: list[Finding] = []
    if outside or any(report.faults for report in reports):
        effects = Effects(what_if, recalculated, formulas)
        findings = _findings([*reports, *summaries], tables, effects)
    apart = {k: _leave_out_apart(table, tables, reports[k].cells) for k, table in enumerate(tables)}
    others = {sheet.name: _others(sheet, tables, rows, summaries) for sheet in sheets}
    for k, count in apart.items():
        others[tables[k].sheet.name] -= count
    for one in unread:
        others[one.sheet] -= one.formulas
    whole = Report(
        workbook=str(path),
        engine=calculation.engine,
        tables=reports,
        summaries=summaries,
        findings=findings,
        other_formulas={name: count for name, count in others.items() if count},
        unread=unread,
        left_out=_left_out(suggestions, recalculated),
    )
    asked = asked or Asked()
    why = ""
    if not tables or whole.other_formulas or asked.is_any:
        # The embedded engine does not iterate, as the program did that saved the file.
        shown = stored if iterations and _shows_circles(calculation) else calculation
        why = asked.differentiate(whole, sheets, shown, iterations, tables)
    if whole.verdict == "unchecked":
        from workbook_tools.judging.unchecked import why_unchecked  # few workbooks need it

        whole.unchecked_because = why_unchecked(sheets, graph, tables, calculation)
        if whole.unchecked_because and why:
            whole.unchecked_because += f". By differentiation, nothing was found either: {why}"
    return whole


def _findings(
    parts: Sequence[TableReport | SummaryReport], tables: Sequence[Table], effects: Effects
) -> list[Finding]:
    """Return the mistakes that the faults of all parts are, the tables' parts coming first."""
    from workbook_tools.mending.causes import grouped  # a workbook without mistakes needs none

    found = []
    for group in grouped([part.faults for part in parts]):
        # What is wrong outside of the tables has its effect on one that reads it.
        places = [(tables[k if k < len(tables) else 0], fault) for k, fault in group]
        found.append(Finding(tuple(fault for _, fault in group), effects.of(places)))
    return ordered(found)


class _Beside:
    """A thread for one piece of work; leaving the context waits for it, unless it is too large."""

    _thread: Thread | None = None

    def submit(self, work: Callable[..., Calculation], *arguments: object) -> "Future[Calculation]":
        """Start the work; return the future of its result."""
        from concurrent.futures import Future  # most checks need no other engine

        future: Future[Calculation] = Future()
        future.set_running_or_notify_cancel()

        def run() -> None:
            try:
                future.set_result(work(*arguments))
            except BaseException as error:
                future.set_exception(error)

        self._thread = Thread(target=run, name=ENGINE_THREAD, daemon=True)
        self._thread.start()
        return future

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if self._thread and not isinstance(error, TooLargeError):
            self._thread.join()


def _left_out(suggestions: Budget, recalculated: Budget) -> list[str]:
    """Return what was not done because a workbook has too many findings."""
    said = {"no suggestion": suggestions.refused, "no effect on the loss": recalculated.refused}
    return [
        f"{counted(count, 'finding')} with {what}, because there are too many findings"
        for what, count in said.items()
        if count
    ]


def _unknown_functions(
    sheets: list[Sheet], graph: Graph, tables: list[Table], calculation: Calculation
) -> set[str]:
    """Return the functions that the engine does not know, if a table lacks values because of it."""
    found = mistaken_for_cycles(graph, tables)
    if any(error in NOT_UNDERSTOOD for table in tables for error in table.errors.values()):
        found |= unknown_functions(sheets, calculation)
    return found


def _data_sizes(table: Table) -> tuple[int, int]:
    """Return how many inputs and targets a table has."""
    return table.naming.sizes[0], table.naming.sizes[-1]


def _has_no_values(sheets: list[Sheet], calculation: Calculation) -> bool:
    """Tell whether there are formulas, but no run of them begins with a value in its column."""
    cells = [(s.name, runs[0].first_row, column) for s in sheets for column, runs in s.runs.items()]
    return bool(cells) and all(calculation.value(cell) is None for cell in cells)


def _shows_circles(calculation: Calculation) -> bool:
    columns = (column for own in calculation.sheets.values() for column in own.values())
    return any(CIRCULAR in column.others.values() for column in columns)


def _leave_out_apart(table: Table, tables: list[Table], cells: Cells) -> int:
    """Count cells outside a table's rows that hold its formulas, and record them as not checked.

    Such rows are far below the table, or have too few numbers to be iterations.
    """
    found = 0
    for column in table.columns.values():
        above, below = (1, table.first_row - 1), (table.last_row + 1, MAX_ROWS)
        beyond = [
            run
            for run in table.sheet.runs.get(column, [])
            if run.first_row <= above[1] or run.last_row >= below[0]
        ]
        inside = table.sheet.runs_between(column, table.first_row, table.last_row) if beyond else ()
        own = {run.formula for run in inside}
        for run in beyond:
            if run.formula not in own:
                continue
            outside = [*run.between(*above), *run.between(*below)]
            rows = [row for row in outside if not any(_holds(t, table, row) for t in tables)]
            if rows:
                cells.formulas += len(rows)
                place = range_name(rows[0], column, rows[-1], column)
                cells.leave_out(len(rows), "outside the rows of the table", place)
                found += len(rows)
    return found


def _holds(table: Table, other: Table, row: int) -> bool:
    """Tell whether a table has this row, on the sheet and in a column of the other table."""
    return (
        table.sheet is other.sheet
        and table.first_row <= row <= table.last_row
        and not set(table.columns.values()).isdisjoint(other.columns.values())
    )


def _others(
    sheet: Sheet, tables: list[Table], rows: list[SummaryRow], summaries: list[SummaryReport]
) -> int:
    """Count the formula cells of a sheet that belong to no table and no summary."""
    own = [table for table in tables if table.sheet is sheet]
    inside = sum(
        len(run.rows)
        for table in own
        for column in [*table.columns.values(), *table.unknown]
        for run in sheet.runs_between(column, table.first_row, table.last_row)
    )
    listed = sum(s.cells.formulas for s in summaries if s.sheet == sheet.name)
    return sheet.formula_count() - inside - listed
