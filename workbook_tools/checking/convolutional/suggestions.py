"""What was meant where a formula is wrong: what the cells of its section that are right have.

One of them is taken, as near as there is one, and each cell and range that it names is replaced by
that which the wrong cell has to read in its place.
"""

from collections.abc import Sequence

import numpy as np

from workbook_tools.checking.cells import Cell
from workbook_tools.checking.convolutional import reads
from workbook_tools.checking.convolutional.book import Book, Grid, Section
from workbook_tools.checking.convolutional.local import Local
from workbook_tools.checking.convolutional.state import State
from workbook_tools.checking.findings import Suggestion
from workbook_tools.checking.wording import ANEW, BESIDE, change_in_words
from workbook_tools.engines.embedded import evaluate
from workbook_tools.references import Area, areas, with_areas

Index = tuple[int, ...]


class Suggestions:
    """What the cells of a workbook should hold."""

    def __init__(self, book: Book, now: State, tolerance: float) -> None:
        """``now`` has the numbers of the workbook as it is."""
        self._book, self._now, self._tolerance = book, now, tolerance
        self._local = Local(book, now)

    def of(
        self, section: Section, grid: Grid, places: Sequence[Index], sound: Sequence[Index]
    ) -> Suggestion | None:
        """Return the formulas of cells below each other; None if one is not known.

        ``sound`` are the cells of the grid of which nothing is known to be wrong. A suggestion is
        put to the proof with the numbers that the workbook shows.
        """
        written = {at: self._written(section, grid, at, sound) for at in places}
        formulas = {at: formula for at, formula in written.items() if formula}
        if len(formulas) < len(places) or not self._are_right(section, grid, formulas):
            return None
        first = places[0]
        words = change_in_words(self._book.formulas.get(grid.cell(first)), formulas[first])
        return Suggestion(
            {grid.cell(at)[1]: formula for at, formula in formulas.items()},
            words if words == ANEW else f"{words}, {BESIDE}",
            symbols=None,
            rows=len(places),
            trials=0,
        )

    def _written(
        self, section: Section, grid: Grid, at: Index, sound: Sequence[Index]
    ) -> str | None:
        own = grid is section.cells
        wanted = (reads.wanted if own else reads.wanted_by_bias)(self._book, section)

        def phase(index: Index) -> Index:
            return reads.phase(section, self._book, index) if own else ()

        alike = [index for index in sound if phase(index) == phase(at)]
        if not alike:
            return None
        nearest = min(alike, key=lambda index: np.abs(np.subtract(index, at)).tolist())
        instead = dict(zip(wanted(*nearest), wanted(*at), strict=True))

        def moved(area: Area) -> Area:
            _, *corners = instead[reads.rectangle(area, grid.sheet)]
            return Area(area.sheet, *corners)

        return with_areas(self._book.formulas[grid.cell(nearest)], moved)

    def _are_right(self, section: Section, grid: Grid, formulas: dict[Index, str]) -> bool:
        own = grid is section.cells
        expected = self._local.cells(section) if own else self._local.biases(section)
        numbers: dict[Cell, float] = {}
        for formula in formulas.values():
            for area in areas(formula):
                for cell in area.cells(grid.sheet):
                    numbers[cell] = self._now.number(cell)
        given = {cell: number for cell, number in numbers.items() if number == number}
        [found] = evaluate({grid.cell(at): formula for at, formula in formulas.items()}, [given])
        for at in formulas:
            value, should = found[grid.cell(at)], float(expected.values[at])
            if not isinstance(value, float):
                return False
            if not abs(value - should) <= self._tolerance * float(expected.sizes[at]):
                return False
        return True
