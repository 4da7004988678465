"""What an engine gives for the formulas of a workbook, together with the typed values."""

from collections.abc import Callable, Iterable, Sequence

from workbook_tools.formulas.sheets import Sheet
from workbook_tools.package.cell_values import CellValue
from workbook_tools.package.columns import Column, Columns


def with_answers(
    sheets: Sequence[Sheet],
    stored: Columns,
    answers: Callable[[str, int, range], Iterable[CellValue]],
) -> dict[str, dict[int, Column]]:
    """Return all values by sheet and column; those of formulas are the engine's answers.

    ``answers`` is called with the sheet, column and rows of each formula filled down.
    """
    found: dict[str, dict[int, Column]] = {}
    for sheet in sheets:
        found[sheet.name] = dict(stored.sheets[sheet.name])
        for column, runs in sheet.runs.items():
            typed = stored.column(sheet.name, column)
            values = typed.by_row() if typed else {}
            for run in runs:
                values |= zip(run.rows, answers(sheet.name, column, run.rows), strict=True)
            found[sheet.name][column] = Column.of(values)
    return found
