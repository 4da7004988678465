"""The numbers of a whole workbook at some moments, each with one digit and one set of weights."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbook_tools.convolutional.book import Book
from workbook_tools.convolutional.places import Grid
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellValue
from workbook_tools.package.columns import Calculation


class State:
    """Every value of a workbook, read once; the first axis of all arrays are the moments."""

    def __init__(self, book: Book, calculations: Iterable[Calculation]) -> None:
        """Read each calculation before the next one is asked for."""
        self._places = book.places
        self.storage = 0.0  # the largest relative rounding error of the values
        self._others: list[dict[int, CellValue]] = []  # texts, booleans and errors, by place
        values = []
        for calculation in calculations:
            self.storage = max(self.storage, calculation.storage)
            values.append(np.empty(book.places.count))
            self._others.append({})
            for sheet, (begin, rows, columns) in book.places.areas():
                numbers, others = calculation.numbers(sheet, 1, rows, range(1, columns + 1))
                values[-1][begin : begin + numbers.size] = numbers.ravel()
                for (row, column), value in others.items():
                    self._others[-1][begin + (row - 1) * columns + column - 1] = value
        self._values = np.stack(values)
        self._blank = np.isnan(self._values)
        for blank, others_of in zip(self._blank, self._others, strict=True):
            blank[list(others_of)] = False

    def __len__(self) -> int:
        """How many moments there are."""
        return len(self._values)

    def numbers(self, grid: Grid, blank: ArrayLike = np.nan) -> NDArray[np.float64]:
        """Return the numbers of cells; ``blank`` for empty cells, NaN for other contents."""
        places = self._places.of(grid)
        return np.where(self._blank[:, places], blank, self._values[:, places])

    def number(self, cell: Cell) -> NDArray[np.float64]:
        """Return a cell's numbers; NaN where it has none."""
        return self.numbers(Grid.of(cell))

    def value(self, cell: Cell, moment: int = 0) -> CellValue:
        """Return the value of a cell at one moment."""
        place = int(self._places.of(Grid.of(cell)))
        if self._blank[moment, place]:
            return None
        return self._others[moment].get(place, float(self._values[moment, place]))
