"""Finds out where the cells of a sheet stand, and refuses those that stand nowhere or twice."""

import re
from collections.abc import Callable, Iterable, Iterator

from workbook_tools.errors import InputError
from workbook_tools.notation.addresses import MAX_COLUMNS, MAX_ROWS, cell_name, column_number
from workbook_tools.package.stored_cells import StoredCell, StoredRow

DIGITS = re.compile(r"[0-9]{1,10}")


class PlacedCells:
    """The places of a sheet's cells, row by row; a cell without a name follows the one before."""

    def __init__(self, damaged: Callable[[str], InputError]) -> None:
        """``damaged`` returns the error for a sheet of which it is said what is wrong."""
        self.row = 0  # the last one that has begun
        self._damaged = damaged
        self._column = 0
        self._digits = ""
        self._columns: dict[str, int] = {}  # by their letters

    def of(self, found: Iterable[StoredRow | StoredCell]) -> Iterator[tuple[int, int, StoredCell]]:
        """Yield row, column and content of the next cells.

        Raises ``InputError`` for a cell outside the limits of a sheet, or out of order, which
        programs treat differently.
        """
        for cell in found:
            if isinstance(cell, StoredRow):
                before, self.row = self.row, self._row_number(cell.number)
                if self.row <= before:
                    raise self._damaged(f"row {self.row} comes after row {before}")
                self._digits, self._column = str(self.row), 0
                continue
            name, left = cell.name, self._column
            if name is None:
                self._column += 1
            else:
                letters = name.rstrip("0123456789")
                if letters not in self._columns:
                    self._columns[letters] = self._column_number(letters, name)
                self._column = self._columns[letters]
                if self._column <= left or name != letters + self._digits:
                    raise self._damaged(f"cell {name} is out of order in row {self.row}")
            if not cell.in_order:
                name = cell_name(self.row, self._column)
                raise self._damaged(f"{name} has a formula that does not come first")
            yield self.row, self._column, cell

    def _row_number(self, text: str | None) -> int:
        row = self.row + 1 if text is None else int(text) if DIGITS.fullmatch(text) else 0
        if not 1 <= row <= MAX_ROWS:
            raise self._damaged(f"row {text!r} is not between 1 and {MAX_ROWS:,}")
        return row

    def _column_number(self, letters: str, cell: str) -> int:
        if not re.fullmatch("[A-Za-z]{1,3}", letters) or column_number(letters) > MAX_COLUMNS:
            raise self._damaged(f"the column of cell {cell!r} is not between A and XFD")
        return column_number(letters)
