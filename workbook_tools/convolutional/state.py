"""The numbers of a whole workbook at some moments, each with one digit and one set of weights."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbook_tools.convolutional.book import Book
from workbook_tools.convolutional.places import Grid, Numbers, Places
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellValue
from workbook_tools.package.columns import Calculation
from workbook_tools.program.memory import EMPTY, Layout, Memory


@dataclass(frozen=True)
class State:
    """Every value of a workbook, read once; the first axis of all arrays are the moments."""

    _places: Places
    _values: NDArray[np.float64]  # (moments, places), NaN where there is no number
    _blank: NDArray[np.bool_]
    _other: Callable[[int, int], CellValue]  # a text, boolean or error, by moment and place
    storage: float  # the largest relative rounding error of the values

    @classmethod
    def read(cls, book: Book, calculations: Iterable[Calculation]) -> Self:
        """Read a workbook as it was calculated, each time before the next one is asked for."""
        storage, all_values, all_others = 0.0, [], []
        for calculation in calculations:
            storage = max(storage, calculation.storage)
            values, others = np.empty(book.places.count), dict[int, CellValue]()
            for sheet, (begin, rows, columns) in book.places.areas():
                own = calculation.numbers(sheet, 1, rows, range(1, columns + 1))
                values[begin : begin + own.values.size] = own.values.ravel()
                for (row, column), value in own.others.items():
                    others[begin + (row - 1) * columns + column - 1] = value
            all_values.append(values)
            all_others.append(others)
        numbers = np.stack(all_values)
        blank = np.isnan(numbers)
        for number, others in enumerate(all_others):
            blank[number, list(others)] = False
        return cls(book.places, numbers, blank, lambda k, place: all_others[k][place], storage)

    @classmethod
    def of(cls, book: Book, memory: Memory) -> Self:
        """Read what compiled formulas have calculated; the moments are the draws of ``memory``."""
        own = cls.places_in(book, memory.layout)
        values = np.take(memory.numbers.T, own, axis=1)
        blank = memory.kinds[own] == EMPTY
        values[:, blank] = np.nan
        other = lambda k, place: memory.get(int(own[place]), k)
        return cls(book.places, values, np.broadcast_to(blank, values.shape), other, 0.0)

    @staticmethod
    def places_in(book: Book, layout: Layout) -> Numbers:
        """Return the place in a memory of each cell of the book, by the number of the cell."""
        return np.concatenate(
            [
                layout.places(
                    np.array(layout.sheet(sheet)),
                    np.arange(1, rows + 1)[:, None],
                    np.arange(1, columns + 1),
                ).ravel()
                for sheet, (_, rows, columns) in book.places.areas()
            ]
        )

    def memory(self, layout: Layout, own: Numbers) -> Memory:
        """Return a memory with the cells of the book, at their places ``own``; others are empty.

        A cell that holds a number at some moments counts as one at all, NaN where it shows an
        error.
        """
        memory = Memory(layout, len(self))
        inside, is_number = own > 1, np.isfinite(self._values).any(axis=0)
        filled = inside & is_number
        memory.put_numbers(own[filled], self._values[:, filled].T)
        for place in np.flatnonzero(inside & ~is_number & ~self._blank.all(axis=0)).tolist():
            memory.put(int(own[place]), self._value(0, place))
        return memory

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
        return self._value(moment, int(self._places.of(Grid.of(cell))))

    def _value(self, moment: int, place: int) -> CellValue:
        if self._blank[moment, place]:
            return None
        number = float(self._values[moment, place])
        return number if number == number else self._other(moment, place)
