"""The cells that hold drawn numbers while formulas are tried."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from workbook_tools.judging.draws import Drawn
from workbook_tools.judging.grounds import Grounds
from workbook_tools.mathematics.rounding import Array
from workbook_tools.notation.addresses import Cell


class Planted(Mapping[Cell, Array]):
    """Drawn numbers by cell, (draws,).

    A table can have 100,000 cells in two iterations, of which formulas read a few: each is looked
    up in the draws when it is asked for.
    """

    def __init__(
        self,
        sheet: str,
        pieces: Sequence[tuple[int, Mapping[int, Array]]],
        single: Mapping[Cell, Array],
    ) -> None:
        """``pieces`` are a row and what stands from there on in columns of ``sheet``.

        That is (rows, draws); a cell for which all draws are NaN holds nothing. Cells that are
        ``single`` come before others.
        """
        self._sheet, self._pieces, self._single = sheet, pieces, single
        self._found: dict[Cell, Array | None] = {**single}  # and what has been looked up

    @classmethod
    def of(cls, grounds: Grounds, iteration: int, drawn: Drawn) -> "Planted":
        """Plant two iterations of a table, their data, rate, settings, and initial values."""
        table = grounds.table
        begin, before = iteration * table.block, drawn.before(iteration)
        pieces = [(table.row_of(begin), drawn.iteration(iteration))]
        if iteration:
            pieces.append((table.row_of(begin - table.block), before))
        single: dict[Cell, Array] = {}
        if table.rate_cell:
            single[table.rate_cell] = drawn.rate
        single |= {table.settings[symbol]: values for symbol, values in drawn.settings.items()}
        for places in (grounds.starts, table.single):
            single |= {cell: before[s][:, 0] for s, cell in places.items() if s in before}
        if grounds.samples:
            single |= grounds.samples.planted(drawn.samples)
        columns = table.columns.items()
        in_columns = [
            (row, {column: piece[symbol].T for symbol, column in columns if symbol in piece})
            for row, piece in pieces
        ]
        return cls(table.sheet.name, in_columns, single)

    def with_single(self, cells: Mapping[Cell, Array]) -> "Planted":
        """Return the same with these cells too."""
        found = Planted(self._sheet, self._pieces, {**self._single, **cells})
        found._found = {**self._found, **cells}
        return found

    def get(self, cell: Cell, default: Array | None = None) -> Array | None:  # type: ignore[override]
        """Return the numbers of a cell."""
        if cell not in self._found:
            self._found[cell] = self._looked_up(*cell)
        found = self._found[cell]
        return default if found is None else found

    def _looked_up(self, sheet: str, row: int, column: int) -> Array | None:
        """Return the numbers of a cell of the table; None if it holds nothing."""
        for first_row, columns in self._pieces if sheet == self._sheet else ():
            rows = columns.get(column)
            if rows is not None and 0 <= row - first_row < len(rows):
                own: Array = rows[row - first_row]
                # Most hold numbers: then the first says so.
                return own if own[0] == own[0] or not np.isnan(own).all() else None
        return None

    def __getitem__(self, cell: Cell) -> Array:
        found = self.get(cell)
        if found is None:
            raise KeyError(cell)
        return found

    def __contains__(self, cell: object) -> bool:
        return self.get(cell) is not None  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Cell]:
        in_table = [
            (self._sheet, first_row + k, column)
            for first_row, columns in self._pieces
            for column, rows in columns.items()
            for k in range(len(rows))
        ]
        cells = (cell for cell in in_table if cell in self)
        return iter(dict.fromkeys([*cells, *self._single]))

    def __len__(self) -> int:
        return sum(1 for _ in self)
