"""The cached values of a workbook: those that the last program stored in the file."""

from collections import Counter
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Self

from workbook_tools.package.cell_values import CellError, CellValue, missing, of_sheet
from workbook_tools.package.stored_cells import StoredCell
from workbook_tools.package.workbook import SheetPart, WorkbookPackage, open_package

_FEW, _MOST_ROUNDED = 7, 12  # significant digits, at most, of typed and of rounded numbers
_ENOUGH = 20_000  # numbers that tell how many digits a file's values have


class CachedValues:
    """A workbook's cached values; nothing is calculated."""

    engine = "cached values"
    tolerance = 1e-12
    zero = 0.0

    def __init__(self, package: WorkbookPackage) -> None:
        self._package = package
        self.strings = package.shared_strings()
        # By row, then by column: a large sheet may be nearly empty.
        self._sheets: dict[str, dict[int, dict[int, CellValue]]] = {
            sheet.name: {} for sheet in package.sheets
        }

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return all values of a workbook."""
        with open_package(path) as package:
            values = cls(package)
            for sheet in package.sheets:
                for row, column, cell in package.cells(sheet):
                    values.add(sheet, row, column, cell)
        return values

    def add(self, sheet: SheetPart, row: int, column: int, cell: StoredCell) -> None:
        """Add the value of a cell; raises ``InputError`` if it is invalid."""
        value = _value(self._package, sheet, cell, self.strings)
        if value is not None:
            self._sheets[sheet.name].setdefault(row, {})[column] = value

    @cached_property
    def storage(self) -> float:
        """The relative rounding error of stored numbers.

        Most programs store 15 or 17 significant digits; some exporters store only 10.
        """
        numbers = (
            value
            for rows in self._sheets.values()
            for row in rows.values()
            for value in row.values()
            if isinstance(value, float)
        )
        counts = Counter(map(significant_digits, islice(numbers, _ENOUGH)))
        rounded = {n: count for n, count in counts.items() if _FEW < n <= _MOST_ROUNDED}
        whole = sum(count for n, count in counts.items() if n > _MOST_ROUNDED)
        return 5.0 * 10.0 ** -max(rounded) if sum(rounded.values()) > 4 * whole else 5e-15

    def block(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> list[list[CellValue]]:
        """Return the values of a range, row by row; rows and columns count from 1."""
        rows, empty = of_sheet(self._sheets, sheet), dict[int, CellValue]()
        if rows is None:
            return missing(first_row, first_column, last_row, last_column)
        columns = range(first_column, last_column + 1)
        found = [rows.get(row, empty) for row in range(first_row, last_row + 1)]
        return [[row.get(column) for column in columns] for row in found]


def significant_digits(value: float) -> int:
    """Return the number of significant digits of a number as it is written."""
    return len(repr(float(abs(value))).split("e")[0].replace(".", "").strip("0"))


def _value(
    package: WorkbookPackage, sheet: SheetPart, cell: StoredCell, strings: list[str]
) -> CellValue:
    if cell.kind == "n":
        return package.number(sheet, cell)
    if cell.kind not in ("b", "e"):
        return package.text(sheet, cell, strings) or None
    if not cell.value:
        return None
    return cell.value == "1" if cell.kind == "b" else CellError(cell.value)
