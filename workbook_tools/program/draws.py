"""Calculates formulas that need not be in any cell, on many draws of numbers at once."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from workbook_tools.evaluator.formula import evaluator
from workbook_tools.evaluator.values import Grid, UnknownFunctionError
from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.tree import SyntaxProblemError, parse_long
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellValue
from workbook_tools.program.kernels import A_NUMBER, NOTHING, Array, Codes, Lanes, kernel
from workbook_tools.program.shapes import Shape, Slot, shape_of

_NO_NUMBER = ""  # a text, which is an error in arithmetic and ignored in sums
_LARGEST_AREA = 1_000_000  # cells
_MOST_NUMBERS = 2_000_000  # that are gathered for one slot at a time


def values_of(
    formulas: Sequence[str], sheet: str, numbers: Mapping[Cell, Array], draws: int
) -> list[Array | None]:
    """Return what formulas of a sheet give, (draws,) each, NaN where that is no number.

    ``numbers`` has those of cells, (draws,) or (1,) if they are all the same, NaN for a text; every
    other cell is empty. Ranges are calculated as arrays. A formula that is not understood has None.
    """
    found: list[Array | None] = [None] * len(formulas)
    shapes = [_shape(formula) for formula in formulas]
    alike: dict[tuple[str, bool], list[int]] = {}
    for k, shape in enumerate(shapes):
        alike.setdefault((shape.text, shape.is_complete), []).append(k)
    for (text, is_complete), own in alike.items():
        widest = max((slot.height * slot.width for slot in shapes[own[0]].slots), default=1)
        function = kernel(text, is_exact=False) if widest <= _LARGEST_AREA and is_complete else None
        size = max(1, _MOST_NUMBERS // (widest * draws))
        for part in (own[begin : begin + size] for begin in range(0, len(own), size)):
            given = np.full((len(part), draws), np.nan)
            right = np.zeros_like(given, dtype=bool)
            if function is not None:
                lanes = _OfCells([shapes[k].slots for k in part], sheet, numbers, draws)
                given[:], right[:] = lanes.calculated(function, given.shape)
            for k, values, are_right in zip(part, given, right, strict=True):
                try:
                    for draw in np.flatnonzero(~are_right).tolist():
                        value = _strict(formulas[k])(_Draw(numbers, draw), sheet, 0, 0)
                        values[draw] = value if isinstance(value, float) else np.nan
                except (SyntaxProblemError, UnknownFunctionError):
                    continue
                found[k] = values
    return found


@lru_cache(maxsize=5_000)  # other tables have the same formulas
def _shape(formula: str) -> Shape:
    return shape_of(FilledFormula.parse(formula, 0))


@lru_cache(maxsize=5_000)
def _strict(formula: str) -> Any:
    return evaluator(parse_long(formula), is_array=True)


class _OfCells(Lanes):
    """The lanes of formulas of one shape: (formulas, draws)."""

    def __init__(
        self,
        slots: Sequence[tuple[Slot, ...]],
        sheet: str,
        numbers: Mapping[Cell, Array],
        draws: int,
    ) -> None:
        """``slots`` are those of each formula."""
        super().__init__()
        self._slots, self._sheet, self._get, self._draws = slots, sheet, numbers.get, draws

    def one(self, slot: int) -> Array:
        found: Array = self._gathered(slot, 0.0)[0]
        return found

    def every(self, slot: int) -> Array:
        return self._gathered(slot, 0.0)

    def filled(self, slot: int) -> Array:
        return self._gathered(slot, np.nan)

    def codes(self, slot: int) -> Codes:
        blank = np.where(np.isnan(self._gathered(slot, np.nan)[0]), NOTHING, A_NUMBER)
        return np.where(np.isnan(self.one(slot)), self.code(_NO_NUMBER), blank)

    def _gathered(self, number: int, empty: float) -> Array:
        """Return the numbers that a slot reads, (cells of the range, formulas, draws)."""
        size = self._slots[0][number]
        shape = size.height * size.width, len(self._slots), self._draws
        found: Array = np.full(shape, empty)
        for k, slots in enumerate(self._slots):
            slot = slots[number]
            rows = range(slot.row, slot.row + slot.height)
            columns = range(slot.column, slot.column + slot.width)
            cells = product((slot.sheet or self._sheet,), rows, columns)
            for at, own in enumerate(map(self._get, cells)):
                if own is not None:
                    found[at, k] = own
        return found

    def pick(self, slot: int, number: Array) -> Array:
        cells, number = self._gathered(slot, 0.0), np.atleast_2d(number)
        is_inside = (number >= 1) & (number < len(cells) + 1)
        places = np.broadcast_to(np.where(is_inside, number, 1).astype(np.int64), cells.shape[1:])
        picked: Array = np.take_along_axis(cells, places[None] - 1, axis=0)[0]
        return np.where(is_inside, picked, np.nan)

    def line(self, slot: int, of_row: bool) -> Array:
        own = [slots[slot] for slots in self._slots]
        return np.array([[float(one.row if of_row else one.column)] for one in own])


class _Draw:
    """The cells in one draw (see ``evaluator.place.Cells``)."""

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
