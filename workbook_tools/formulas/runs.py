"""Finds the runs of a column: the cells at equal distances that hold one formula filled down."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import FilledFormula

_MANY = 40  # stretches of a column; the runs of fewer are found faster one after the other


def runs_of(
    rows: NDArray[np.int64], numbers: NDArray[np.int64], formulas: Sequence[FilledFormula]
) -> list[Run]:
    """Return the runs of a column, from the top.

    ``rows`` are the rows of its formula cells, ascending, and ``numbers`` says which of the
    ``formulas`` each of them holds.
    """
    goes_on = (numbers[1:] == numbers[:-1]) & (rows[1:] - rows[:-1] == 1)
    ends = (~goes_on).nonzero()[0] + 1
    if len(ends) > _MANY and (regular := _regular(rows, numbers)) is not None:
        return [Run(first, last, formulas[number], step) for first, last, number, step in regular]
    begins = [0, *ends.tolist()]
    firsts, own = rows[begins].tolist(), numbers[begins].tolist()
    lasts = rows[np.append(ends, len(rows)) - 1].tolist()
    stretches = list(zip(firsts, lasts, own, strict=True))
    if len(set(own)) == len(own):  # no formula comes again
        return [Run(first, last, formulas[number]) for first, last, number in stretches]
    column = _Column()
    for stretch in stretches:
        column.add(*stretch)
    return [
        Run(found.first_row, found.last_row, formulas[found.number], found.step)
        for found in column.runs
    ]


def _regular(
    rows: NDArray[np.int64], numbers: NDArray[np.int64]
) -> Iterator[tuple[int, int, int, int]] | None:
    """Return first and last row, formula and step of the runs of a column, from the top.

    None unless each formula comes at equal distances: then it has one run.
    """
    order = np.argsort(numbers, kind="stable")
    rows, numbers = rows[order], numbers[order]
    ends = np.append(np.flatnonzero(numbers[1:] != numbers[:-1]), len(rows) - 1)
    begins = np.append(0, ends[:-1] + 1)
    steps = np.ones_like(rows)
    steps[:-1] = rows[1:] - rows[:-1]
    steps[ends] = np.where(begins < ends, steps[ends - 1], 1)
    if not np.array_equal(steps, np.repeat(steps[begins], ends - begins + 1)):
        return None
    down = np.argsort(rows[begins])
    found = rows[begins], rows[ends], numbers[begins], steps[begins]
    return zip(*(one[down].tolist() for one in found), strict=True)


class _Growing:
    """A run to which cells may still be added."""

    __slots__ = ("first_row", "last_row", "number", "step")

    def __init__(self, row: int, number: int) -> None:
        self.first_row = self.last_row = row
        self.number = number  # of the formula
        self.step = 1

    def goes_on(self, row: int, number: int) -> bool:
        """Tell whether the next cell belongs to it."""
        if self.number != number:
            return False
        return self.first_row == self.last_row or row - self.last_row == self.step


class _Column:
    """Collects the formulas of one column into runs, from the top."""

    def __init__(self) -> None:
        self.runs: list[_Growing] = []
        self._by_last_row: dict[int, _Growing] = {}
        self._latest: dict[int, _Growing] = {}  # by the number of the formula
        self._step = 1  # distance at which the last formula recurred

    def add(self, row: int, last_row: int, number: int) -> None:
        """Add the next formula, which is also that of the rows below it, to ``last_row``."""
        while row <= last_row:
            run = self._run_of(row, number)
            if run.first_row != row:
                run.step = row - run.last_row
                del self._by_last_row[run.last_row]
            if last_row > row and (run.first_row == row or run.step == 1):
                run.step, row = 1, last_row
            run.last_row = row
            self._by_last_row[row] = run
            row += 1

    def _run_of(self, row: int, number: int) -> _Growing:
        """Return the run that the formula in the next row continues, or a new one."""
        above = self._by_last_row.get
        if (run := above(row - 1)) and run.goes_on(row, number):
            return run
        if self._step != 1 and (run := above(row - self._step)) and run.goes_on(row, number):
            return run
        if (run := self._latest.get(number)) and run.goes_on(row, number):
            self._step = row - run.last_row
            return run
        run = self._latest[number] = _Growing(row, number)
        self.runs.append(run)
        return run
