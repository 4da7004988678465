"""Finds the runs of a column: the cells at equal distances that hold one formula filled down."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import FilledFormula


def runs_of(
    rows: NDArray[np.int64], numbers: NDArray[np.int64], formulas: Sequence[FilledFormula]
) -> list[Run]:
    """Return the runs of a column, from the top.

    ``rows`` are the rows of its formula cells, ascending, and ``numbers`` says which of the
    ``formulas`` each of them holds.
    """
    column = _Column(formulas)
    ends = np.flatnonzero((np.diff(numbers) != 0) | (np.diff(rows) != 1)) + 1
    begins = [0, *ends.tolist()]
    firsts, own = rows[begins].tolist(), numbers[begins].tolist()
    lengths = np.diff([*begins, len(rows)]).tolist()
    for first, number, length in zip(firsts, own, lengths, strict=True):
        column.add_below_each_other(first, length, number)
    return column.runs


class _Column:
    """Collects the formulas of one column into runs, from the top."""

    def __init__(self, formulas: Sequence[FilledFormula]) -> None:
        self.runs: list[Run] = []
        self._formulas = formulas
        self._by_last_row: dict[int, tuple[Run, int]] = {}  # with the number of the formula
        self._latest: dict[int, Run] = {}  # by the number of the formula
        self._step = 1  # distance at which the last formula recurred

    def add_below_each_other(self, row: int, count: int, number: int) -> None:
        """Add the next formula, which is also that of the next rows, ``count`` in all."""
        for k in range(row, row + count):
            run = self._add(k, number)
            if run.first_row == run.last_row or run.step == 1:
                if k < row + count - 1:
                    self._extend(run, row + count - 1, 1, number)
                return

    def _add(self, row: int, number: int) -> Run:
        """Add the next formula: to the run that it continues, or as a new run."""
        for step in (1,) if self._step == 1 else (1, self._step):
            run, own = self._by_last_row.get(row - step, (None, -1))
            if run and own == number and self._goes_on(run, row):
                return self._extend(run, row, step, number)
        latest = self._latest.get(number)
        if latest and self._goes_on(latest, row):
            self._step = row - latest.last_row
            return self._extend(latest, row, self._step, number)
        run = Run(row, row, self._formulas[number])
        self._latest[number], self._by_last_row[row] = run, (run, number)
        self.runs.append(run)
        return run

    @staticmethod
    def _goes_on(run: Run, row: int) -> bool:
        return run.first_row == run.last_row or row - run.last_row == run.step

    def _extend(self, run: Run, row: int, step: int, number: int) -> Run:
        del self._by_last_row[run.last_row]
        run.step, run.last_row = step, row
        self._by_last_row[row] = run, number
        return run
