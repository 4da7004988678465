"""Where the quantities of a training table stand on its sheet, and their values there."""

from dataclasses import dataclass

from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation.addresses import Cell
from workbook_tools.reading.row_values import RowValues


@dataclass
class Region(RowValues):
    """The iterations, each a row or a block of rows, and where their quantities stand.

    Rows left empty between iterations are none of its ``rows``.
    """

    sheet: Sheet
    columns: dict[str, int]  # symbol -> column
    single: dict[str, Cell]  # symbol -> the one cell that all iterations read
    block: int  # how many rows an iteration has

    def row_of(self, position: int) -> int:
        """Return the row at a position (from 0) in the table."""
        return int(self.rows[position])

    def position_of(self, row: int) -> int:
        """Return the position (from 0) of one of the table's rows."""
        return int(self.rows.searchsorted(row))

    @property
    def first_row(self) -> int:
        """The row of iteration 1."""
        return int(self.rows[0])

    @property
    def last_row(self) -> int:
        """The last row of the table."""
        return int(self.rows[-1])

    def cell(self, symbol: str, row: int) -> Cell | None:
        """Return the cell that holds a quantity for a row; None if there is none.

        Weights and biases stand in the first row of their iteration.
        """
        if symbol not in self.columns:
            return self.single.get(symbol)
        if symbol[0] in "wb":
            position = self.position_of(row)
            row = self.row_of(position - position % self.block)
        return self.sheet.name, row, self.columns[symbol]

    def usual_formula(self, symbol: str) -> tuple[int, str] | None:
        """Return the formula that most cells of a quantity hold, as it reads in the first of them.

        The row of that cell comes first. None if there is no formula.
        """
        if symbol not in self.columns:
            return None
        return self.sheet.usual_formula(self.columns[symbol], self.first_row, self.last_row)
