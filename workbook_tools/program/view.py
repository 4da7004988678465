"""How ``evaluator`` reads the cells of a memory."""

from collections.abc import Callable

from workbook_tools.evaluator.values import MOST_CELLS, Grid, UnknownFunctionError
from workbook_tools.package.cell_values import MISSING_SHEET, CellValue
from workbook_tools.program.memory import Layout


class View:
    """Cells by sheet, row and column (see ``evaluator.place.Cells``)."""

    def __init__(self, layout: Layout, get: Callable[[int], CellValue]) -> None:
        """``get`` returns what is in a place of the layout."""
        self._layout, self._get = layout, get

    def value(self, sheet: str, row: int, column: int) -> CellValue:
        """Return what a cell holds."""
        return self._get(self._layout.place(self._layout.sheet(sheet), row, column))

    def grid(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> Grid:
        """Return what the cells of a range hold, without the empty rows and columns at the end.

        Raises ``UnknownFunctionError`` for millions of cells.
        """
        layout, number = self._layout, self._layout.sheet(sheet)
        height, width = last_row - first_row + 1, last_column - first_column + 1
        place = sheet, first_row, first_column
        if number == len(layout.sheets):
            return Grid([], height, width, place, MISSING_SHEET)
        used = [column for column in layout.columns(number) if column <= last_column]
        right = max(used, default=0)
        bottom = max((layout.column(number, column)[2] for column in used), default=0)
        columns = range(first_column, min(last_column, right) + 1)
        rows_used = range(first_row, min(last_row, bottom) + 1)
        if len(columns) * len(rows_used) > MOST_CELLS:
            raise UnknownFunctionError(f"a range of {height * width:,} cells")
        get, place_of = self._get, layout.place
        rows = [[get(place_of(number, row, column)) for column in columns] for row in rows_used]
        return Grid(rows, height, width, place)
