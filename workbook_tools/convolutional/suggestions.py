"""Suggests a formula for a wrong cell: that of a right cell in the same section.

The nearest right cell is taken. Each cell and range in its formula is replaced by the one that the
wrong cell should read instead.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbook_tools.convolutional import reads
from workbook_tools.convolutional.book import Book
from workbook_tools.convolutional.places import Index
from workbook_tools.convolutional.state import State
from workbook_tools.convolutional.tally import Tally
from workbook_tools.formulas.references import Area, areas, with_areas
from workbook_tools.formulas.wording import ANEW, BESIDE, change_in_words
from workbook_tools.judging.faults import Suggestion
from workbook_tools.program.draws import values_of


class Suggestions:
    """Suggests formulas for the cells of a grid."""

    def __init__(
        self, book: Book, now: State, tolerance: float, tally: Tally, sound: NDArray[np.bool_]
    ) -> None:
        """``now`` has the numbers of the workbook as it is.

        ``sound`` tells which cells of the grid are without a known mistake.
        """
        self._book, self._now, self._tolerance = book, now, tolerance
        self._grid, self._expected = tally.grid, tally.now
        self._indices = np.argwhere(sound)
        self._phases = reads.phases(book, tally.section, tally.grid)
        self._phases_of_sound = self._phases[sound]
        self._wanted = reads.wanted(book, tally.section, tally.grid)

    def of(self, places: Sequence[Index]) -> Suggestion | None:
        """Return formulas for consecutive cells of a column; None if one of them is not known.

        A suggestion is tested with the numbers that the workbook shows.
        """
        grid = self._grid
        written = {at: self._written(at) for at in places}
        formulas = {at: formula for at, formula in written.items() if formula}
        if len(formulas) < len(places) or not self._are_right(formulas):
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

    def _written(self, at: Index) -> str | None:
        alike = self._indices[self._phases_of_sound == self._phases[at]]
        if not len(alike):
            return None
        # The nearest by the first number of the index, then by the next.
        nearest = tuple(alike[np.lexsort(np.abs(alike - at).T[::-1])[0]].tolist())
        formula = self._book.formulas.get(self._grid.cell(nearest))
        if formula is None:
            return None
        instead = dict(zip(self._wanted(*nearest), self._wanted(*at), strict=True))

        def moved(area: Area) -> Area:
            _, *corners = instead[reads.rectangle(area, self._grid.sheet)]
            return Area(area.sheet, *map(int, corners))

        return with_areas(formula, moved)

    def _are_right(self, formulas: dict[Index, str]) -> bool:
        grid, expected = self._grid, self._expected
        if expected is None:
            return False
        read = {
            cell
            for formula in formulas.values()
            for area in areas(formula)
            for cell in area.cells(grid.sheet)
        }
        values = {cell: self._now.value(cell) for cell in read}
        given = {
            cell: np.array([value if isinstance(value, float) else np.nan])
            for cell, value in values.items()
            if value is not None
        }
        given_by = values_of(list(formulas.values()), grid.sheet, given, 1)
        for at, own in zip(formulas, given_by, strict=True):
            value = np.nan if own is None else float(own[0])
            should = float(expected.values[0][at])
            if not abs(value - should) <= self._tolerance * float(expected.sizes[0][at]):
                return False
        return True
