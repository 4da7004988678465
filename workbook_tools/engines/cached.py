"""The values that the file already carries: what the last program to save it saw."""

from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from workbook_tools.engines import CellError, CellValue
from workbook_tools.errors import InputError

_ERRORS = {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"}


class CachedValues:
    """A workbook's own values; nothing is calculated."""

    engine = "cached values"
    tolerance = 1e-12
    storage = 5e-15  # programs store 15 significant digits, or 17

    def __init__(self, path: Path) -> None:
        try:
            self._workbook = CalamineWorkbook.from_path(str(path))
        except (CalamineError, OSError) as error:
            raise InputError(
                f"{path}: its values cannot be read ({error}); open and save it in a "
                "spreadsheet program"
            ) from error
        self._rows: dict[str, list[list[Any]]] = {}

    def block(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> list[list[CellValue]]:
        """Return the values of a range, row by row; rows and columns count from 1."""
        if sheet not in self._rows:
            content = self._workbook.get_sheet_by_name(sheet)
            self._rows[sheet] = content.to_python(skip_empty_area=False)
        rows = self._rows[sheet][first_row - 1 : last_row]
        width = last_column - first_column + 1
        values = [[_value(v) for v in row[first_column - 1 : last_column]] for row in rows]
        values += [[] for _ in range(last_row - first_row + 1 - len(values))]
        return [row + [None] * (width - len(row)) for row in values]


def recalculate(path: Path) -> CachedValues:
    """Return the values the file carries; raises ``InputError`` if they cannot be read."""
    return CachedValues(path)


def _value(value: Any) -> CellValue:
    if isinstance(value, float):
        return value
    if value == "":
        return None
    if isinstance(value, str):
        return CellError(value) if value in _ERRORS else value
    if isinstance(value, bool):
        return value
    return float(value) if isinstance(value, int) else str(value)
