"""The cached values of a workbook: those that the last program stored in the file."""

from collections import Counter
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.package.columns import Calculation
from workbook_tools.package.stored_cells import StoredCell
from workbook_tools.package.workbook import SheetPart, WorkbookPackage

_FEW, _MOST_ROUNDED = 7, 12  # significant digits, at most, of typed and of rounded numbers
_ENOUGH = 20_000  # numbers that tell how many digits a file's values have


class CachedValues(Calculation):
    """A workbook's cached values; nothing is calculated."""

    engine = "cached values"

    @cached_property
    def storage(self) -> float:
        """The relative rounding error of stored numbers.

        Most programs store 15 or 17 significant digits; some exporters store only 10.
        """
        counts: Counter[int] = Counter()
        for sheet in self.sheets:
            enough = _ENOUGH - counts.total()
            counts.update(map(significant_digits, self._first_numbers(sheet, enough).tolist()))
        rounded = {n: count for n, count in counts.items() if _FEW < n <= _MOST_ROUNDED}
        whole = sum(count for n, count in counts.items() if n > _MOST_ROUNDED)
        return 5.0 * 10.0 ** -max(rounded) if sum(rounded.values()) > 4 * whole else 5e-15

    def _first_numbers(self, sheet: str, count: int) -> NDArray[np.float64]:
        """Return the first numbers of a sheet, row by row."""
        columns = sorted(self.sheets[sheet].items())
        if not columns or count <= 0:
            return np.empty(0)
        rows, numbers = [], []
        for _, column in columns:  # of each, so many are enough; sorting a large sheet is slow
            own = np.flatnonzero(~np.isnan(column.numbers))[:count]
            rows.append(column.rows[own])
            numbers.append(column.numbers[own])
        order = np.argsort(np.concatenate(rows), kind="stable")[:count]
        return np.concatenate(numbers)[order]


def significant_digits(value: float) -> int:
    """Return the number of significant digits of a number as it is written."""
    return len(repr(float(abs(value))).split("e")[0].replace(".", "").strip("0"))


def stored_value(
    package: WorkbookPackage, sheet: SheetPart, cell: StoredCell, strings: list[str]
) -> CellValue:
    """Return the value in a cell, which may be one of the shared ``strings``.

    Raises ``InputError`` if it is invalid.
    """
    if cell.kind == "n":
        return package.number(sheet, cell)
    if cell.kind not in ("b", "e"):
        return package.text(sheet, cell, strings) or None
    return of_text(cell.kind, cell.value or "")


def of_text(kind: str, text: str) -> CellValue:
    """Return the value of a cell of this kind, except a number, whose text is given."""
    if not text or kind not in ("b", "e"):
        return text or None
    return text == "1" if kind == "b" else CellError(text)
