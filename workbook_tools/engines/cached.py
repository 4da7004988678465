"""The values that the file already carries: what the last program to save it saw."""

import re
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from workbook_tools.engines import CellError, CellValue
from workbook_tools.errors import InputError
from workbook_tools.package import open_package
from workbook_tools.references import column_number


class CachedValues:
    """A workbook's own values; nothing is calculated."""

    engine = "cached values"
    tolerance = 1e-12
    storage = 5e-15  # programs store 15 significant digits, or 17
    zero = 0.0

    def __init__(self, path: Path) -> None:
        try:
            self._workbook = CalamineWorkbook.from_path(str(path))
        except (CalamineError, OSError) as error:
            raise InputError(
                f"{path}: its values cannot be read ({error}); open and save it in a "
                "spreadsheet program"
            ) from error
        self._errors = _error_values(path)
        self._rows: dict[str, list[list[Any]]] = {}

    def block(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> list[list[CellValue]]:
        """Return the values of a range, row by row; rows and columns count from 1."""
        if sheet not in self._rows:
            content = self._workbook.get_sheet_by_name(sheet)
            self._rows[sheet] = content.to_python(skip_empty_area=False)
            for (row, column), error in self._errors.get(sheet, {}).items():
                self._rows[sheet][row - 1][column - 1] = error
        rows = self._rows[sheet][first_row - 1 : last_row]
        width = last_column - first_column + 1
        values = [[_value(v) for v in row[first_column - 1 : last_column]] for row in rows]
        values += [[] for _ in range(last_row - first_row + 1 - len(values))]
        return [row + [None] * (width - len(row)) for row in values]


def _error_values(path: Path) -> dict[str, dict[tuple[int, int], CellError]]:
    """Return each sheet's error values by row and column; calamine hands them out as empty."""
    found: dict[str, dict[tuple[int, int], CellError]] = {}
    with open_package(path) as package:
        for sheet in package.sheets:
            if not package.contains(sheet.part, b't="e"'):
                continue
            found[sheet.name] = {
                (int(place[2]), column_number(place[1])): CellError(cell.findtext("{*}v") or "#N/A")
                for cell in package.iterate(sheet.part, "c")
                if cell.get("t") == "e"
                and (place := re.fullmatch(r"([A-Z]+)(\d+)", cell.get("r") or ""))
            }
    return found


def recalculate(path: Path) -> CachedValues:
    """Return the values the file carries; raises ``InputError`` if they cannot be read."""
    return CachedValues(path)


def _value(value: Any) -> CellValue:
    if isinstance(value, float | bool | CellError):
        return value
    if value == "":
        return None
    return float(value) if isinstance(value, int) else str(value)
