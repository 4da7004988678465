"""All cells of a workbook in one flat array, so that any formula's cells are indexes into it.

The cells of a column lie one after another. So a formula that is filled down reads at indexes that
grow in step with its own.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbook_tools.errors import InputError
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import MISSING_SHEET, CellValue
from workbook_tools.package.columns import Column, Columns

EMPTY, NUMBER, OTHER = 0, 1, 2  # what a cell holds; OTHER: a text, a boolean or an error value
MOST_CELLS = 100_000_000  # between the first and the last cell of each column
Indexes = NDArray[np.int64]


class TooSparseError(InputError):
    """The cells of a workbook lie so far apart that they do not fit in one array."""


class Layout:
    """Where each cell of a workbook has its place in the array.

    Places 0 and 1 are those of an empty cell, and of a cell on a sheet that does not exist.
    """

    def __init__(self, sheets: Sequence[str], extents: Mapping[tuple[str, int], tuple[int, int]]):
        """Lay out columns, each with the first and last row that have a place."""
        self.sheets = list(sheets)
        self.number = {name: k for k, name in enumerate(sheets)}
        self._in_any_case = {name.lower(): name for name in sheets}
        width = max((column for _, column in extents), default=0) + 2
        # By sheet and column: the place of row 0, and the rows that have a place.
        self._base = np.zeros((len(sheets) + 1, width), dtype=np.int64)
        self._first = np.ones_like(self._base)
        self._last = np.zeros_like(self._base)
        self.size = 2
        for name in sheets:
            for column in sorted(column for own, column in extents if own == name):
                first, last = extents[name, column]
                at = self.number[name], column
                self._base[at], self._first[at], self._last[at] = self.size - first, first, last
                self.size += last - first + 1
        if self.size > MOST_CELLS:
            raise TooSparseError("cells too far apart")
        self._columns = [np.flatnonzero(row).tolist() for row in self._last]
        self._bases: list[list[int]] = self._base.tolist()  # faster for single cells
        self._firsts: list[list[int]] = self._first.tolist()
        self._lasts: list[list[int]] = self._last.tolist()

    def sheet(self, name: str) -> int:
        """Return the number of a sheet, in any case; one past the last if there is none."""
        if name not in self.number:
            name = self._in_any_case.get(name.lower(), name)
        return self.number.get(name, len(self.sheets))

    def place(self, sheet: int, row: int, column: int) -> int:
        """Return the place of a cell; 0 if it has none, since nothing was ever in it."""
        if sheet == len(self.sheets):
            return 1
        if column < len(self._bases[sheet]) and (
            self._firsts[sheet][column] <= row <= self._lasts[sheet][column]
        ):
            base: int = self._bases[sheet][column]
            return base + row
        return 0

    def place_of(self, cell: Cell) -> int:
        """Return the place of a cell, as ``place`` does."""
        sheet, row, column = cell
        return self.place(self.sheet(sheet), row, column)

    def places(self, sheets: Indexes, rows: Indexes, columns: Indexes) -> Indexes:
        """Return the places of many cells; the arrays are broadcast."""
        columns = np.where(columns < self._base.shape[1], columns, 0)
        is_inside = (rows >= self._first[sheets, columns]) & (rows <= self._last[sheets, columns])
        nowhere = np.where(sheets == len(self.sheets), 1, 0)
        return np.where(is_inside, self._base[sheets, columns] + rows, nowhere)

    def starts(
        self, sheets: Indexes, columns: Indexes, first_rows: Indexes, last_rows: Indexes
    ) -> Indexes | None:
        """Return the places of row 0 of many columns; None unless all of these rows have a place.

        The arrays are broadcast.
        """
        if columns.max(initial=0) >= self._base.shape[1]:
            return None
        first, last = self._first[sheets, columns], self._last[sheets, columns]
        is_inside = np.all(first <= first_rows) and np.all(last_rows <= last)
        return self._base[sheets, columns] if is_inside else None

    def column(self, sheet: int, column: int) -> tuple[int, int, int]:
        """Return the place of a column's row 0, and the first and last row with a place."""
        if column >= self._base.shape[1]:
            return 0, 1, 0
        return (
            self._bases[sheet][column],
            self._firsts[sheet][column],
            self._lasts[sheet][column],
        )

    def columns(self, sheet: int) -> Sequence[int]:
        """Return the columns of a sheet that have places."""
        return self._columns[sheet]

    def stretches(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> Iterator[slice]:
        """Yield the places of a range: one stretch for each column that has some."""
        number = self.sheet(sheet)
        if number == len(self.sheets):
            return
        for column in self.columns(number):
            if first_column <= column <= last_column:
                base, first, last = self.column(number, column)
                begin, end = base + max(first, first_row), base + min(last, last_row) + 1
                if begin < end:
                    yield slice(begin, end)

    @cached_property
    def _begins(self) -> tuple[list[int], list[tuple[str, int, int]]]:
        """Where the columns begin, in order, each with its sheet, column and the place of row 0."""
        own = [
            (self._bases[number][column] + self._firsts[number][column], name, number, column)
            for name, number in self.number.items()
            for column in self._columns[number]
        ]
        columns = [(name, column, self._bases[number][column]) for _, name, number, column in own]
        return [begin for begin, *_ in own], columns

    @cached_property
    def sheet_begins(self) -> Indexes:
        """The first place of each sheet, in order."""
        begins, columns = self._begins
        pairs = zip(reversed(begins), reversed(columns), strict=True)
        own = {sheet: begin for begin, (sheet, _, _) in pairs}
        return np.array(sorted(own.values()), dtype=np.int64)

    def cell(self, place: int) -> Cell:
        """Return the cell that has a place."""
        begins, columns = self._begins
        sheet, column, base = columns[bisect_right(begins, place) - 1]
        return sheet, place - base, column

    def cells(self, places: Indexes) -> tuple[Indexes, Indexes, Indexes]:
        """Return the cells that have some places: the numbers of sheets, rows, and columns."""
        begins, columns = self._begins
        own = [(self.number[name], *others) for name, *others in columns]
        at = np.searchsorted(begins, places, side="right") - 1
        sheets, numbers, bases = np.array(own, dtype=np.int64).reshape(-1, 3)[at].T
        return sheets, places - bases, numbers


class Memory:
    """What the cells of a workbook hold, in one or several draws."""

    def __init__(self, layout: Layout, draws: int = 1) -> None:
        self.layout = layout
        self.numbers = np.zeros((layout.size, draws))  # 0 if empty, NaN if OTHER
        self.kinds = np.zeros(layout.size, dtype=np.uint8)
        self.others: dict[int, tuple[CellValue, ...]] = {}
        self.put(1, MISSING_SHEET)

    @classmethod
    def of(cls, layout: Layout, values: Columns, draws: int = 1) -> "Memory":
        """Return the memory that holds these values."""
        memory = cls(layout, draws)
        for name in layout.sheets:
            number = layout.number[name]
            for column in layout.columns(number):
                found = values.column(name, column)
                if found is None:
                    continue
                base, _, _ = layout.column(number, column)
                places = found.rows + base
                memory.numbers[places] = found.numbers[:, None]
                memory.kinds[places] = NUMBER
                for row, value in found.others.items():
                    memory.put(base + row, value)
        return memory

    @property
    def draws(self) -> int:
        """How many draws there are."""
        return int(self.numbers.shape[1])

    def put(self, place: int, *values: CellValue) -> None:
        """Put a value into a cell: one for each draw, or one for all of them."""
        self.others.pop(place, None)
        numbers = [value if isinstance(value, float) else np.nan for value in values]
        if np.nan not in numbers:
            self.numbers[place], self.kinds[place] = numbers, NUMBER
        elif values == (None,):
            self.numbers[place], self.kinds[place] = 0.0, EMPTY
        else:
            self.numbers[place], self.kinds[place] = numbers, OTHER
            self.others[place] = values

    def put_in_draw(self, place: int, draw: int, value: CellValue) -> None:
        """Put a value into a cell in one draw."""
        values = [self.get(place, k) for k in range(self.draws)]
        values[draw] = value
        self.put(place, *values)

    def put_numbers(self, places: slice | Indexes, numbers: ArrayLike) -> None:
        """Put numbers (cells, draws) into cells."""
        if isinstance(places, slice):
            places = np.arange(*places.indices(len(self.kinds)))
        for place in places[self.kinds[places] == OTHER].tolist():
            del self.others[place]
        self.numbers[places], self.kinds[places] = numbers, NUMBER

    def get(self, place: int, draw: int = 0) -> CellValue:
        """Return what a cell holds in one draw."""
        kind = self.kinds[place]
        if kind == NUMBER:
            return float(self.numbers[place, draw])
        if kind == EMPTY:
            return None
        values = self.others[place]
        return values[draw if len(values) > 1 else 0]

    def in_draw(self, draw: int) -> Callable[[int], CellValue]:
        """Return the function that returns what a place holds in a draw."""
        return lambda place: self.get(place, draw)

    def columns(self, draw: int = 0) -> Columns:
        """Return all values of one draw by columns."""
        sheets: dict[str, dict[int, Column]] = {name: {} for name in self.layout.sheets}
        places = np.array(sorted(self.others), dtype=np.int64)
        for name, number in self.layout.number.items():
            for column in self.layout.columns(number):
                base, first, last = self.layout.column(number, column)
                own = slice(base + first, base + last + 1)
                rows = np.flatnonzero(self.kinds[own] != EMPTY) + first
                begin, end = np.searchsorted(places, (own.start, own.stop)).tolist()
                others = {int(p) - base: self.get(int(p), draw) for p in places[begin:end]}
                if len(rows):
                    numbers = self.numbers[rows + base, draw]
                    sheets[name][column] = Column(rows, numbers, others)
        return Columns(sheets)
