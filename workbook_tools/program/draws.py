"""Calculates a formula that need not be in any cell, on many draws of numbers at once."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.tree import parse_long
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellValue
from workbook_tools.program.kernels import Array, kernel, unclear
from workbook_tools.program.shapes import Slot, shape_of
from workbook_tools.program.strict import compiled
from workbook_tools.program.values import Grid, UnknownFunctionError

_EMPTY = np.zeros((1, 1))
_NO_NUMBER = ""  # a text, which is an error in arithmetic and ignored in sums
_LARGEST_AREA = 1_000_000  # cells


def value_of(formula: str, sheet: str, numbers: Mapping[Cell, Array]) -> Array:
    """Return what a formula of a sheet gives, (draws,), NaN where that is no number.

    ``numbers`` has those of cells, (draws,) or (1,) if they are all the same, NaN for a text; every
    other cell is empty. Ranges are calculated as arrays. Raises ``UnknownFunctionError`` or
    ``SyntaxProblemError`` for a formula that is not understood.
    """
    draws = max(map(len, numbers.values()), default=1)
    shape = shape_of(FilledFormula.parse(formula, 0))
    lanes = _OfCells(shape.slots, sheet, numbers)
    function = kernel(shape.text, is_exact=False)
    found, right = np.full(draws, np.nan), np.zeros(draws, dtype=bool)
    if function is not None and shape.is_complete and lanes.fit:
        with np.errstate(all="ignore"):
            given = np.reshape(function(lanes), -1)
        found = np.broadcast_to(given, (draws,)).copy()
        right = np.isfinite(found) & ~np.broadcast_to(lanes.unsure, (1, draws))[0]
    for draw in np.flatnonzero(~right).tolist():
        value = _strict(formula)(_Draw(numbers, draw), sheet, 0, 0)
        found[draw] = value if isinstance(value, float) else np.nan
    return found


@lru_cache(maxsize=5_000)
def _strict(formula: str) -> Any:
    return compiled(parse_long(formula), is_array=True)


class _OfCells:
    """The lanes of one formula (see ``kernels.Lanes``): (1, draws)."""

    def __init__(self, slots: tuple[Slot, ...], sheet: str, numbers: Mapping[Cell, Array]) -> None:
        self._slots, self._sheet, self._numbers = slots, sheet, numbers
        self.unsure: NDArray[np.bool_] = np.zeros((1, 1), dtype=bool)
        self.fit = all(slot.height * slot.width <= _LARGEST_AREA for slot in slots)

    def _cell(self, slot: Slot, row: int, column: int) -> Cell:
        return slot.sheet or self._sheet, slot.row + row, slot.column + column

    def one(self, slot: int) -> Array:
        own = self._numbers.get(self._cell(self._slots[slot], 0, 0))
        return _EMPTY if own is None else own[None]

    def every(self, slot: int) -> Array:
        return self._gathered(slot, 0.0)

    def filled(self, slot: int) -> Array:
        return self._gathered(slot, np.nan)

    def _gathered(self, slot: int, empty: float) -> Array:
        own = self._slots[slot]
        none = np.array([empty])
        cells = [
            self._numbers.get(self._cell(own, row, column), none)
            for row in range(own.height)
            for column in range(own.width)
        ]
        return np.stack(np.broadcast_arrays(*cells))[:, None]

    def pick(self, slot: int, number: Array) -> Array:
        cells, number = self._gathered(slot, 0.0)[:, 0], np.atleast_2d(number)
        is_inside = (number >= 1) & (number < len(cells) + 1)
        places = np.where(is_inside, number, 1).astype(np.int64) - 1
        cells = np.broadcast_to(cells, (len(cells), max(cells.shape[1], number.shape[1])))
        return np.where(is_inside, np.take_along_axis(cells, places, axis=0), np.nan)

    def apart(self, one: Array, other: Array) -> Array:
        self.unsure = self.unsure | unclear(one, other)
        return one - other

    def sure(self, values: Any) -> Any:
        self.unsure = self.unsure | ~np.isfinite(values)
        return values


class _Draw:
    """The cells in one draw (see ``strict.Cells``)."""

    def __init__(self, numbers: Mapping[Cell, Array], draw: int) -> None:
        self._numbers, self._draw = numbers, draw

    def value(self, sheet: str, row: int, column: int) -> CellValue:
        own = self._numbers.get((sheet, row, column))
        if own is None:
            return None
        number = float(own[self._draw if len(own) > 1 else 0])
        return number if number == number else _NO_NUMBER

    def grid(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> Grid:
        height, width = last_row - first_row + 1, last_column - first_column + 1
        if height * width > _LARGEST_AREA:
            raise UnknownFunctionError("a large range")
        rows = [
            [self.value(sheet, row, column) for column in range(first_column, last_column + 1)]
            for row in range(first_row, last_row + 1)
        ]
        return Grid(rows, height, width, (sheet, first_row, first_column))
