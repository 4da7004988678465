"""Refuses workbooks that no engine can calculate in a reasonable time.

An engine visits all cells of a range within the used part of its sheet. With one stray cell at the
end of a sheet, a range over the whole sheet has 17 billion of them.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from workbook_tools.errors import InputError
from workbook_tools.formulas.references import Area, is_too_long
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.words import all_areas
from workbook_tools.notation.addresses import cell_name

_LARGE = 100_000_000  # cells of a range; an engine reads many smaller ranges in a second
_MOST = 1_000_000_000  # cells, in large ranges; formualizer took 6 s for them


class TooLargeError(InputError):
    """The formulas of a workbook read too many cells."""


def refuse_too_large(path: Path, sheets: Sequence[Sheet]) -> None:
    """Raise ``TooLargeError`` if the formulas of a workbook read too many cells of large ranges."""
    if all(sheet.last_row * sheet.last_column < _LARGE for sheet in sheets):
        return  # then no range is large
    by_name = {sheet.name: sheet for sheet in sheets}
    read = 0
    for sheet in sheets:
        for column, runs in sheet.runs.items():
            for run in runs:
                formula = run.formula.at(run.first_row)
                if ":" not in formula or is_too_long(formula):
                    continue
                cells = _cells(all_areas(formula), sheet, by_name)
                read += len(run.rows) * cells
                if read > _MOST:
                    place = f"{sheet.name}!{cell_name(run.first_row, column)}"
                    raise TooLargeError(
                        f"{path}: too large to be calculated, {place} reads {cells:,} cells; clear "
                        "stray cells far from the rest of its sheet, or use smaller ranges"
                    )


def _cells(read: Iterable[Area], own: Sheet, sheets: dict[str, Sheet]) -> int:
    """Return the number of used cells in large ranges."""
    found = 0
    for area in read:
        if sheet := sheets.get(area.sheet or own.name):
            rows = min(area.last_row, sheet.last_row) - area.first_row + 1
            columns = min(area.last_column, sheet.last_column) - area.first_column + 1
            cells = max(0, rows) * max(0, columns)
            found += cells if cells >= _LARGE else 0
    return found
