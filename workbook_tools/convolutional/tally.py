"""The results for each cell, over all moments at which a workbook was checked."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbook_tools.convolutional import panel
from workbook_tools.convolutional.backward import Backward, Gradients, LocalGradients
from workbook_tools.convolutional.book import Book, Section
from workbook_tools.convolutional.layers import Array
from workbook_tools.convolutional.local import Expected, Local
from workbook_tools.convolutional.places import Grid
from workbook_tools.convolutional.state import State
from workbook_tools.judging.report import Differences
from workbook_tools.notation.addresses import Cell

_ROUNDED = 0.1  # the part of the largest gradient that counts for all


@dataclass
class Tally:
    """The results for a grid: which cells are wrong now, or at another moment, or not checked."""

    section: Section
    grid: Grid
    wrong: NDArray[np.bool_]  # with the workbook as it is
    wrong_elsewhere: NDArray[np.bool_]  # with another digit, or with random numbers
    unknown: NDArray[np.bool_]  # with the workbook as it is: they read a cell with an error
    shown: NDArray[np.float64]  # with the workbook as it is; if right, at the first wrong moment
    expected: NDArray[np.float64]
    differences: Differences
    now: Expected | None = None  # what is right with the workbook as it is

    @classmethod
    def of(cls, section: Section, grid: Grid) -> "Tally":
        """Return the tally of a grid that was not checked yet."""
        shape = grid.rows.shape
        no, nothing = np.zeros(shape, dtype=bool), np.full(shape, np.nan)
        return cls(section, grid, no, no.copy(), no.copy(), nothing, nothing.copy(), Differences())

    @property
    def is_passed_back(self) -> bool:
        """Whether these are gradients that come by way of the layer after them."""
        return self.section.heading.operation.is_passed_back

    def add(
        self, shown: NDArray[np.float64], expected: Expected, tolerance: float, now: bool
    ) -> None:
        """Compare the cells' values with the right ones; the first axis are the moments."""
        with np.errstate(invalid="ignore", over="ignore"):
            off = np.abs(shown - expected.values)
            unknown = ~np.isfinite(expected.values)
            wrong = ~unknown & ~(off <= tolerance * expected.sizes)
        if now:
            [self.unknown], [self.wrong] = unknown, wrong
            [self.shown], [self.expected] = shown, expected.values
            self.now = expected
            self._measure(off, expected)
            return
        elsewhere = wrong.any(axis=0)
        new = elsewhere & ~self.wrong & ~self.wrong_elsewhere
        if new.any():
            first = wrong.argmax(axis=0)[None]
            self.shown = np.where(new, np.take_along_axis(shown, first, 0)[0], self.shown)
            right = np.take_along_axis(expected.values, first, 0)[0]
            self.expected = np.where(new, right, self.expected)
        self.wrong_elsewhere |= elsewhere

    def _measure(self, off: NDArray[np.float64], expected: Expected) -> None:
        known = np.isfinite(off)
        if not known.any():
            return
        self.differences.absolute = float(off[known].max())
        with np.errstate(over="ignore"):  # a nonzero number in place of 0 is infinitely far off
            relative = off[known] / np.maximum(expected.sizes[known], np.finfo(float).tiny)
        self.differences.relative = float(relative.max())


@dataclass
class Single:
    """One cell of the panel."""

    wrong: bool = False
    wrong_elsewhere: bool = False
    shown: float | str | None = None
    expected: float | str = ""


class Tallies:
    """The tallies of all calculated cells of a workbook."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self.grids = [
            Tally.of(section, grid)
            for section in book.sections.values()
            if section.heading.operation.has_formulas
            for grid in section.grids
        ]
        self.singles: dict[Cell, Single] = {}

    def look(self, state: State, tolerance: float, now: bool) -> None:
        """Compare every cell at some moments; ``now`` is true for the workbook as it is.

        Gradients that are passed back are left to ``look_back``.
        """
        local = Local(self._book, state)
        for tally in self.grids:
            if tally.is_passed_back:
                continue
            expected = local.expected(tally.section, tally.grid)
            tally.add(state.numbers(tally.grid), expected, tolerance, now)
        for cell, expected_of in panel.expected(self._book, state, local.true_digits()):
            for moment, should in enumerate(expected_of):
                if should is None:
                    continue
                shown = state.value(cell, moment)
                single = self.singles.setdefault(cell, Single())
                if _agree(shown, should, tolerance) or single.wrong or single.wrong_elsewhere:
                    continue
                single.shown = shown if isinstance(shown, float | str) else None
                single.expected = should
                single.wrong, single.wrong_elsewhere = now, not now

    def look_back(
        self,
        backward: Backward,
        gradients: Gradients,
        state: State,
        tolerance: float,
        now: bool,
    ) -> None:
        """Compare the gradients that are passed back, likewise.

        ``gradients`` are what all should show together. If some differ, each is compared with what
        follows from the one that it reads: so only those with a mistake count as wrong.
        """
        tallies = [tally for tally in self.grids if tally.is_passed_back]
        expected = {
            id(tally): Expected(own, _sizes(own))
            for tally in tallies
            for own in [gradients[tally.section.name][tally.grid is not tally.section.cells]]
        }
        if not all(expected[id(one)].agrees(state.numbers(one.grid), tolerance) for one in tallies):
            local = LocalGradients(backward, state)
            expected = {id(one): local.expected(one.section, one.grid) for one in tallies}
        for tally in tallies:
            tally.add(state.numbers(tally.grid), expected[id(tally)], tolerance, now)


def _sizes(gradients: Array) -> Array:
    """Return how large gradients are; by them, and a little by the largest of their grid.

    A derivative may be small because large terms cancel, which leave a rounding error.
    """
    sizes = np.abs(gradients)
    largest = sizes.max(axis=tuple(range(1, sizes.ndim)), keepdims=True)
    return np.asarray(sizes + _ROUNDED * largest)


def _agree(shown: object, should: float | str, tolerance: float) -> bool:
    if isinstance(should, str) or not isinstance(shown, float):
        return shown == should or should != should
    return should != should or abs(shown - should) <= tolerance * abs(should)
