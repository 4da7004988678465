"""Counts the formulas of a table under labels that name no known quantity.

If formulas of known quantities read them, they are helpers. They are checked with the formulas that
read them: a mistake in a helper shows there, on the sheet's numbers or on random ones. If nothing
reads them, nothing can be said about them.
"""

from collections.abc import Iterable, Iterator

from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import Area, areas
from workbook_tools.judging.report import Cells
from workbook_tools.notation.addresses import range_name
from workbook_tools.reading.table import Table

_HARMLESS = "helpers, checked with the formulas that read them"


def count_unknown_columns(table: Table, cells: Cells) -> None:
    """Count the formulas under labels that name no known quantity, as harmless or not checked."""
    unread = {column: _runs(table, column) for column in table.unknown}
    known = table.columns.values() if unread else ()
    readers = [run for column in known for run in _runs(table, column)]
    while readers and unread:
        read = list(_read(table, readers))
        readers = []
        for column, runs in unread.items():
            # A formula that was filled down is checked as a whole if one of its cells is read.
            reached = [
                run
                for run in runs
                if any(
                    area.first_column <= column <= area.last_column
                    and any(row in run.rows for row in rows)
                    for area, rows in read
                )
            ]
            for run in reached:
                cells.formulas += len(run.rows)
                cells.excuse(len(run.rows), _HARMLESS)
            unread[column] = [run for run in runs if run not in reached]
            readers += reached
    for column, runs in unread.items():
        reason = f"unknown quantity {table.unknown[column].strip()!r}"
        for run in runs:
            cells.formulas += len(run.rows)
            place = range_name(run.first_row, column, run.last_row, column)
            cells.leave_out(len(run.rows), reason, place)


def _runs(table: Table, column: int) -> list[Run]:
    return table.sheet.runs_between(column, table.first_row, table.last_row)


def _read(table: Table, readers: Iterable[Run]) -> Iterator[tuple[Area, range]]:
    """Yield the areas that formulas read on their sheet, with the rows that their cells read."""
    for run in readers:
        first, last = (areas(run.formula.at(row)) for row in (run.first_row, run.last_row))
        for begin, end in zip(first, last, strict=True):
            if begin.sheet in (None, table.sheet.name):
                # Cells of a filled formula read rows as far apart as they stand themselves.
                step = run.step if begin.first_row == begin.last_row else 1
                top = max(min(begin.first_row, end.first_row), table.first_row)
                bottom = min(max(begin.last_row, end.last_row), table.last_row)
                yield begin, range(top, bottom + 1, step)
