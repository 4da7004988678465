"""The values that the file already carries: what the last program to save it saw."""

import re
from collections import Counter
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from workbook_tools.engines import CellError, CellValue
from workbook_tools.errors import InputError
from workbook_tools.package import open_package
from workbook_tools.references import column_number

_FEW, _MOST_ROUNDED = 7, 12  # significant digits of typed numbers, and of rounded ones
_ENOUGH = 20_000  # numbers, to tell how many digits the values of a file have


class CachedValues:
    """A workbook's own values; nothing is calculated."""

    engine = "cached values"
    tolerance = 1e-12
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

    @cached_property
    def storage(self) -> float:
        """Programs store 15 significant digits, or 17; some exporters store 10, and no more."""
        numbers = (
            value
            for sheet in self._workbook.sheet_names
            for row in self._sheet(sheet)
            for value in row
            if isinstance(value, float)
        )
        counts = Counter(map(_digits, islice(numbers, _ENOUGH)))
        rounded = {n: count for n, count in counts.items() if _FEW < n <= _MOST_ROUNDED}
        whole = sum(count for n, count in counts.items() if n > _MOST_ROUNDED)
        return 5.0 * 10.0 ** -max(rounded) if sum(rounded.values()) > 4 * whole else 5e-15

    def _sheet(self, sheet: str) -> list[list[Any]]:
        if sheet not in self._rows:
            content = self._workbook.get_sheet_by_name(sheet)
            self._rows[sheet] = content.to_python(skip_empty_area=False)
            for (row, column), error in self._errors.get(sheet, {}).items():
                self._rows[sheet][row - 1][column - 1] = error
        return self._rows[sheet]

    def block(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> list[list[CellValue]]:
        """Return the values of a range, row by row; rows and columns count from 1."""
        rows = self._sheet(sheet)[first_row - 1 : last_row]
        width = last_column - first_column + 1
        values = [[_value(v) for v in row[first_column - 1 : last_column]] for row in rows]
        values += [[] for _ in range(last_row - first_row + 1 - len(values))]
        return [row + [None] * (width - len(row)) for row in values]


def _digits(value: float) -> int:
    """Return how many significant digits a number is written with."""
    return len(repr(abs(value)).split("e")[0].replace(".", "").strip("0"))


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
