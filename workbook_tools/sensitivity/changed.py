"""Runs a workbook with one number changed at a time, in as many draws at once as fit in memory."""

from collections.abc import Iterator, Sequence

import numpy as np

from workbook_tools.differentiation.adjoints import Derivatives
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellValue

_MOST_NUMBERS = 10_000_000  # in the memory of one batch: 80 MB
_MOST_DRAWS = 3_000  # of one batch; more are hardly faster


def results(
    derivatives: Derivatives, of: Cell, cells: Sequence[Cell], percents: Sequence[int]
) -> Iterator[tuple[CellValue, list[CellValue]]]:
    """Yield what a cell shows if each of these cells is changed alone, by each of the percents.

    The cells hold numbers, and are parameters of the derivatives. With them comes what the cell
    shows if nothing is changed, in the same arithmetic. Raises ``NotDifferentiableError`` if a
    formula in between is not understood.
    """
    between = derivatives.between([of])
    readers = np.flatnonzero(between)
    target, unchanged = derivatives.place(of), derivatives.memory.numbers
    many = min(_MOST_DRAWS, _MOST_NUMBERS // len(between)) // len(percents)
    for begin in range(0, len(cells), max(1, many)):
        batch = cells[begin : begin + max(1, many)]
        places = np.array([*map(derivatives.place, batch)], dtype=np.int64)
        numbers = np.repeat(unchanged[places], 1 + len(batch) * len(percents), axis=1)
        for k in range(len(batch)):
            own = slice(1 + k * len(percents), 1 + (k + 1) * len(percents))
            numbers[k, own] *= 1 + np.array(percents) / 100
        memory = derivatives.drawn(places, numbers, readers, between)
        shown = [memory.get(target, draw) for draw in range(memory.draws)]
        for k in range(len(batch)):
            yield shown[0], shown[1 + k * len(percents) : 1 + (k + 1) * len(percents)]
