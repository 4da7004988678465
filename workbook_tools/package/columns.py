"""The values of a workbook by columns: numbers in arrays, everything else beside them."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import MISSING_SHEET, CellValue, of_sheet


class Numbers(NamedTuple):
    """The cells of some columns and consecutive rows."""

    values: NDArray[np.float64]  # (rows, columns); NaN where there is no number
    others: dict[tuple[int, int], CellValue]  # texts, booleans and errors, by row and column


@dataclass
class Column:
    """The values of one column of a sheet."""

    rows: NDArray[np.int64]  # of the cells that are not empty, ascending
    numbers: NDArray[np.float64]  # NaN where the value is no number
    others: dict[int, CellValue] = field(default_factory=dict)  # texts, booleans, errors, by row

    @classmethod
    def of(cls, values: Mapping[int, CellValue]) -> Self:
        """Return the column that has these values by row."""
        filled = {row: value for row, value in sorted(values.items()) if value is not None}
        others: dict[int, CellValue] = {
            row: value for row, value in filled.items() if not isinstance(value, float)
        }
        numbers = [value if isinstance(value, float) else np.nan for value in filled.values()]
        return cls(np.array([*filled], dtype=np.int64), np.array(numbers), others)

    def by_row(self) -> dict[int, CellValue]:
        """Return the values by row."""
        numbers: dict[int, CellValue] = dict(
            zip(self.rows.tolist(), self.numbers.tolist(), strict=True)
        )
        return numbers | self.others

    def value(self, row: int) -> CellValue:
        """Return the value of one cell."""
        k = int(self.rows.searchsorted(row))
        if k == len(self.rows) or self.rows[k] != row:
            return None
        return self.others[row] if row in self.others else float(self.numbers[k])

    def between(self, first_row: int, last_row: int) -> NDArray[np.float64]:
        """Return the numbers from one row to another, NaN where there is none."""
        begin, end = self.rows.searchsorted((first_row, last_row + 1)).tolist()
        count = last_row - first_row + 1
        if end - begin == count:
            return self.numbers[begin:end]
        found = np.full(count, np.nan)
        found[self.rows[begin:end] - first_row] = self.numbers[begin:end]
        return found

    def others_between(self, first_row: int, last_row: int) -> dict[int, CellValue]:
        """Return the texts, booleans and errors from one row to another, by row."""
        if len(self.others) <= last_row - first_row:
            return {r: value for r, value in self.others.items() if first_row <= r <= last_row}
        rows = range(first_row, last_row + 1)
        return {row: self.others[row] for row in rows if row in self.others}


class Gathered:
    """The cells of one column as they are found: each has a number, and they come in any order."""

    def __init__(self, typecode: str) -> None:
        """``typecode`` is d for numbers with fractions, q for whole ones."""
        self._rows = array("q")
        self._numbers: array[Any] = array(typecode)

    def add(self, row: int, number: float) -> None:
        """Add a cell."""
        self._rows.append(row)
        self._numbers.append(number)

    def extend(self, rows: NDArray[np.int64], numbers: NDArray[np.generic]) -> None:
        """Add many cells; the arrays' types must be those of the column."""
        self._rows.frombytes(rows.tobytes())
        self._numbers.frombytes(numbers.tobytes())

    def in_order(self) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Return all rows, ascending, and their numbers; nothing can be added any more."""
        rows = np.frombuffer(self._rows, dtype=np.int64)
        numbers = np.frombuffer(self._numbers, dtype=self._numbers.typecode)
        if (rows[:-1] < rows[1:]).all():
            return rows, numbers
        order = np.argsort(rows)
        return rows[order], numbers[order]


class Columns:
    """The values of a workbook, by sheet and column."""

    def __init__(self, sheets: Mapping[str, Mapping[int, Column]]) -> None:
        self.sheets = sheets

    def column(self, sheet: str, column: int) -> Column | None:
        """Return a column; None if all of it is empty, or there is no such sheet."""
        return (of_sheet(self.sheets, sheet) or {}).get(column)

    def filled(self, sheet: str) -> Iterable[int]:
        """Return the columns of a sheet that have values."""
        return of_sheet(self.sheets, sheet) or ()

    def value(self, cell: Cell) -> CellValue:
        """Return the value of a cell; ``MISSING_SHEET`` if the workbook has no such sheet."""
        sheet, row, column = cell
        own = of_sheet(self.sheets, sheet)
        if own is None:
            return MISSING_SHEET
        return own[column].value(row) if column in own else None

    def has(self, sheet: str, column: int, rows: range) -> bool:
        """Tell whether all of these cells have values."""
        own = self.column(sheet, column)
        return own is not None and bool(np.isin(rows, own.rows).all())

    def numbers(self, sheet: str, first_row: int, last_row: int, columns: Sequence[int]) -> Numbers:
        """Return the numbers of some columns from one row to another, and what is no number.

        If the workbook has no such sheet, every cell shows ``MISSING_SHEET``.
        """
        own = of_sheet(self.sheets, sheet)
        values = np.full((len(columns), last_row - first_row + 1), np.nan).T
        others: dict[tuple[int, int], CellValue] = {}
        for k, column in enumerate(columns):
            if own is None:
                rows = range(first_row, last_row + 1)
                others |= dict.fromkeys(((row, column) for row in rows), MISSING_SHEET)
            elif found := own.get(column):
                values[:, k] = found.between(first_row, last_row)
                for row, value in found.others_between(first_row, last_row).items():
                    others[row, column] = value
        return Numbers(values, others)

    def block(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> list[list[CellValue]]:
        """Return the values of a range, row by row; rows and columns count from 1."""
        columns = range(first_column, last_column + 1)
        values, others = self.numbers(sheet, first_row, last_row, columns)
        return [
            [
                number if number == number else others.get((row, column))
                for column, number in zip(columns, numbers, strict=True)
            ]
            for row, numbers in enumerate(values.tolist(), start=first_row)
        ]


class Calculation(Columns):
    """A recalculated workbook, and how precise its values are."""

    engine: str  # name and version: "formualizer 0.13.0"
    tolerance = 1e-12  # the relative error that the engine's arithmetic may have; 1e-12: of doubles
    zero = 0.0  # comparisons in formulas treat a number nearer to 0 than this as 0

    @property
    def storage(self) -> float:
        """The relative rounding error of the values; 0 for full doubles."""
        return 0.0
