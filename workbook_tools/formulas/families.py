"""Groups the cells of a column that hold the same formula, which reads differently in each row.

If each iteration has one row, two formulas are the same if they read the same when filled into the
same row. If an iteration has several rows, a formula may also read the first row of its own
iteration. Then formulas are the same if they do this alike, each in its iteration.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.references import FilledFormula

_MOST_ALIKE = 200  # formulas that differ only in their rows and are compared with a new one


class Formula(Protocol):
    """A formula that can be filled into any row."""

    def at(self, row: int) -> str:
        """Return the formula as it reads in ``row``."""


@dataclass
class Run:
    """Cells of one column, ``step`` rows apart, that hold one formula filled down."""

    first_row: int
    last_row: int
    formula: FilledFormula
    step: int = 1

    @property
    def rows(self) -> range:
        """The rows of the cells."""
        return range(self.first_row, self.last_row + 1, self.step)

    def between(self, first_row: int, last_row: int) -> range:
        """Return the rows of the cells from one row to another."""
        before = max(0, -((self.first_row - first_row) // self.step))
        return range(self.first_row, min(self.last_row, last_row) + 1, self.step)[before:]


class _BlockFormula(NamedTuple):
    """A formula that refers to its own row, or to rows of its iteration by their number."""

    pattern: str
    places: tuple[int | None, ...]  # rows below the iteration's first; None: the own row
    first_row: int
    block: int

    @classmethod
    def of(cls, run: Run, first_row: int, block: int) -> "_BlockFormula":
        """Read the offsets of a run's formula, except 0, as places in its iteration."""
        within = (run.first_row - first_row) % block
        places = (offset + within if offset else None for offset in run.formula.offsets)
        return cls(run.formula.pattern, tuple(places), first_row, block)

    def at(self, row: int) -> str:
        begin = row - (row - self.first_row) % self.block
        rows = [row if place is None else begin + place for place in self.places]
        return self.pattern.format(*rows)


@dataclass(frozen=True)
class _PlacedFormula:
    """A formula in a table with empty rows, whose references are distances in iterations.

    An empty row between two iterations has a fractional position.
    """

    pattern: str
    distances: tuple[float, ...]
    rows: NDArray[np.int64] = field(compare=False)

    def at(self, row: int) -> str:
        own = float(_places(np.array([row]), self.rows)[0])
        places = np.array([own + distance for distance in self.distances])
        beyond = np.maximum(places - len(self.rows) + 1, 0) + np.minimum(places, 0)
        found = np.interp(places, np.arange(len(self.rows)), self.rows) + beyond
        return self.pattern.format(*np.rint(found).astype(int).tolist())


def _places(of: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the positions of rows in a table, which may have gaps."""
    beyond = np.maximum(of - rows[-1], 0) + np.minimum(of - rows[0], 0)
    return np.asarray(np.interp(of, rows, np.arange(len(rows))) + beyond)


def _placed(
    runs: Sequence[Run], rows: NDArray[np.int64]
) -> Iterator[tuple[Formula, NDArray[np.int64]]]:
    """Yield the formulas of a column, the most used first, and their positions in a table."""
    found: dict[_PlacedFormula, list[NDArray[np.int64]]] = {}
    for run in runs:
        own = np.intersect1d(run.rows, rows)
        offsets = np.array(run.formula.offsets, dtype=np.int64)
        positions = _places(own, rows)
        distances = _places(own[:, None] + offsets, rows) - positions[:, None]
        kinds, inverse = np.unique(distances.round(6), axis=0, return_inverse=True)
        for k, kind in enumerate(kinds):
            formula = _PlacedFormula(run.formula.pattern, tuple(kind.tolist()), rows)
            found.setdefault(formula, []).append(positions[inverse.ravel() == k].astype(int))
    together = ((formula, np.concatenate(parts)) for formula, parts in found.items())
    return iter(sorted(together, key=lambda one: -len(one[1])))


def filled(formula: str, row: int, rows: NDArray[np.int64], block: int) -> Formula:
    """Return the formula of one row as one that can be filled into the ``rows`` of a table."""
    run = Run(row, row, FilledFormula.parse(formula, row))
    if rows[-1] - rows[0] >= len(rows):
        return next(_placed([run], rows))[0]
    return run.formula if block == 1 else _BlockFormula.of(run, int(rows[0]), block)


@dataclass(frozen=True)
class Families:
    """The distinct formulas in a column of a table."""

    formulas: list[Formula]
    numbers: NDArray[np.int64]  # by position in the table: index of its formula, −1 for none

    @cached_property
    def places(self) -> list[NDArray[np.int64]]:
        """The positions in the table that hold each of the formulas."""
        order = np.argsort(self.numbers, kind="stable")
        ends = np.searchsorted(self.numbers[order], np.arange(len(self.formulas) + 1))
        return [order[begin:end] for begin, end in pairwise(ends.tolist())]

    @property
    def first(self) -> Formula | None:
        """The formula in the table's first row; None if there is none."""
        number = self.numbers[0]
        return self.formulas[number] if number >= 0 else None

    @classmethod
    def of(cls, runs: Sequence[Run], rows: NDArray[np.int64], block: int) -> "Families":
        """Group the runs of a column, in a table with these ``rows``."""
        first_row, count = int(rows[0]), len(rows)
        numbers = np.full(count, -1)
        formulas: list[Formula] = []
        if rows[-1] - first_row >= count:
            for formula, positions in _placed(runs, rows):
                numbers[positions] = len(formulas)
                formulas.append(formula)
            return cls(formulas, numbers)
        known: dict[FilledFormula, int] = {}
        by_shape: dict[str, list[int]] = {}  # formulas that may read the same in some row
        several = block > 1 and len(runs) > 1

        def ambiguous(run: Run) -> bool:  # its own row is also the first of its iteration
            begins = (run.first_row - first_row) % block == 0
            return begins and (len(run.rows) == 1 or run.step % block == 0)

        for run in sorted(runs, key=lambda run: (ambiguous(run), -len(run.rows))):
            number = known.get(run.formula)
            if several:
                text = run.formula.at(run.first_row)
                shape = run.formula.pattern.format(*["{}"] * len(run.formula.offsets))
                same = by_shape.setdefault(shape, [])
                alike = (k for k in same[:_MOST_ALIKE] if formulas[k].at(run.first_row) == text)
                number = next(alike, None)
            if number is None:
                number = len(formulas)
                if several:
                    same.append(number)
                of_iteration = len(run.rows) == 1 or run.step % block == 0
                if block == 1 or ambiguous(run) or not of_iteration:
                    formulas.append(run.formula)
                else:
                    formulas.append(_BlockFormula.of(run, first_row, block))
            if block == 1:
                known[run.formula] = number
            own = run.rows
            numbers[own[0] - first_row : own[-1] - first_row + 1 : run.step] = number
        return cls(formulas, numbers)


def stretches(
    marks: NDArray[Any], places: NDArray[np.int64]
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Yield each stretch of consecutive places with the same mark: the mark, the places."""
    ends = np.flatnonzero(marks[1:] != marks[:-1]) + 1
    for begin, end in pairwise([0, *ends.tolist(), len(marks)]):
        yield int(marks[begin]), places[begin:end]
