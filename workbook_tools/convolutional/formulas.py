"""Finds formulas that differ from those beside them, or that do not read the cells they should."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbook_tools.convolutional import reads
from workbook_tools.convolutional.book import Book, Section
from workbook_tools.convolutional.places import Grid, Index, Numbers
from workbook_tools.formulas.references import FilledFormula, anchoring, areas
from workbook_tools.judging.findings import Kind
from workbook_tools.notation.convolutional import Operation, size

Keys = NDArray[np.uint64]

# A rectangle's key is the sum of its numbers times these, modulo 2**64; so the key of a range that
# moves down with its formula is linear in the row.
_FACTORS = np.random.default_rng(0).integers(0, 2**63, 5, dtype=np.uint64) * np.uint64(2) + 1


class Formulas:
    """Examines the formulas of a section's grid as texts."""

    def __init__(self, book: Book, section: Section, grid: Grid) -> None:
        self._book, self._section, self._grid = book, section, grid
        runs = book.formulas.numbers[book.places.of(grid)]
        self.there: NDArray[np.bool_] = runs >= 0  # where the grid has formulas
        read = self.there & ~self.unread
        self._indices = np.argwhere(read)
        self._rows, self._phases = grid.rows[read], reads.phases(book, section, grid)[read]
        # Cells with the same formula, filled down, in the same phase.
        keys = np.stack([runs[read], self._phases], axis=1)
        families, self._first, self._family = np.unique(
            keys, axis=0, return_index=True, return_inverse=True
        )
        self._formulas = [book.formulas.runs[number].formula for number in families[:, 0]]
        self._sheets: dict[str, int] = {}
        self._wanted = reads.wanted(book, section, grid)

    @cached_property
    def unread(self) -> NDArray[np.bool_]:
        """Where cells of a gradient lie beyond the last whole window, and so hold 0."""
        shape = self._grid.rows.shape
        heading = self._section.heading
        if heading.operation is Operation.BACK:
            consumer = self._book.section(heading.parts["consumer"])
            if consumer.heading.operation in (Operation.LARGEST, Operation.WINDOW_MEAN):
                height, width = size(consumer.heading.parts["window"])
                _, rows, columns = consumer.cells.rows.shape
                _, y, x = np.indices(shape)
                return np.asarray((y // height >= rows) | (x // width >= columns))
        return np.zeros(shape, dtype=bool)

    def odd(self, wrong: NDArray[np.bool_]) -> dict[Index, Kind]:
        """Return the kind of oddity of each odd formula, by the index of its cell.

        A formula is odd if it does not read exactly the cells that it should, or if it differs
        from the others of its section: all cells have the same formula, or all cells at the same
        place of a window. ``wrong`` cells do not count when the usual formula is determined.
        """
        odd = self._unlike_the_others(wrong)[self._family]
        kinds = {self._index(at): Kind.BROKEN_PATTERN for at in np.flatnonzero(odd).tolist()}
        return kinds | {self._index(at): Kind.LATENT for at in self._misreading()}

    def _index(self, at: int) -> Index:
        return tuple(self._indices[at].tolist())

    def _unlike_the_others(self, wrong: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Tell of each family whether it is not the usual one of its phase."""
        shapes = [
            (int(self._phases[at]), anchoring(formula.at(int(self._rows[at]))))
            for formula, at in zip(self._formulas, self._first, strict=True)
        ]
        sound = self._family[~wrong[tuple(self._indices.T)]]
        families, first, counts_of = np.unique(sound, return_index=True, return_counts=True)
        counts = Counter[tuple[int, str]]()
        for k in np.argsort(first):
            counts[shapes[families[k]]] += int(counts_of[k])
        usual: dict[int, str] = {}
        # Among equally frequent ones the shortest: an addition makes a formula longer.
        for phase, shape in sorted(counts, key=lambda s: (-counts[s], len(s[1]))):
            usual.setdefault(phase, shape)
        return np.array([shape != usual.get(phase) for phase, shape in shapes], dtype=bool)

    def _misreading(self) -> Iterator[int]:
        """Yield the number of each formula that does not read exactly the cells that it should."""
        for at in np.flatnonzero(~self._surely_right()).tolist():
            formula = self._formulas[self._family[at]].at(int(self._rows[at]))
            found = reads.rectangles(formula, self._grid.sheet)
            if found != set(self._wanted(*self._index(at))):
                yield at

    def _surely_right(self) -> NDArray[np.bool_]:
        """Tell of each formula whether it surely reads the right cells, a family at a time."""
        firsts = self._rows[self._first]
        lasts = firsts.copy()
        np.maximum.at(lasts, self._family, self._rows)
        read: list[tuple[int, ...]] = []
        begins = [0]
        ends = zip(firsts.tolist(), lasts.tolist(), strict=True)
        for formula, (first, last) in zip(self._formulas, ends, strict=True):
            read += self._read(formula, first, last)
            begins.append(len(read))
        table = np.array(read, dtype=np.uint64).reshape(-1, 7)
        starts = table[:, :5] @ _FACTORS
        steps = table[:, 5:] @ _FACTORS[[1, 3]]
        begin, count = np.array(begins[:-1]), np.diff(begins)
        right = np.zeros(len(self._rows), dtype=bool)
        for phase in np.unique(self._phases):
            here = np.flatnonzero(self._phases == phase)
            wanted = self._wanted_keys(here)
            as_many = count[self._family[here]] == wanted.shape[1]
            here, wanted = here[as_many], wanted[as_many]
            family = self._family[here]
            own = begin[family][:, None] + np.arange(wanted.shape[1])
            below = (self._rows[here] - firsts[family]).astype(np.uint64)
            found = np.sort(starts[own] + steps[own] * below[:, None], axis=1)
            right[here] = (found == wanted).all(axis=1)
        return right

    def _read(self, formula: FilledFormula, first: int, last: int) -> Iterable[tuple[int, ...]]:
        """Return the distinct rectangles that a formula reads in its first row.

        Each is the number of its sheet, its four corners, and 1 or 0 for the upper and the lower
        row: whether it moves down with the formula, up to the ``last`` row. None are returned if
        one moves otherwise, as a range does that turns round on the way.
        """
        found: dict[tuple[int, ...], None] = {}
        at_last = areas(formula.at(last))
        for one, other in zip(areas(formula.at(first)), at_last, strict=True):
            moved = other.first_row - one.first_row, other.last_row - one.last_row
            if not {*moved} <= {0, last - first}:
                return ()
            corners = one.first_row, one.first_column, one.last_row, one.last_column
            sheet = self._sheet(one.sheet or self._grid.sheet)
            found[(sheet, *corners, *(int(step > 0) for step in moved))] = None
        return found

    def _wanted_keys(self, here: Numbers) -> Keys:
        """Return the keys of the rectangles that formulas should read, sorted for each of them."""
        keys = []
        for sheet, *corners in self._wanted(*self._indices[here].T):
            numbers = np.broadcast_arrays(here, self._sheet(sheet), *corners)[1:]
            keys.append(np.stack(numbers, axis=1).astype(np.uint64) @ _FACTORS)
        return np.sort(np.stack(keys, axis=1), axis=1)

    def _sheet(self, name: str) -> int:
        """Return the number of a sheet."""
        return self._sheets.setdefault(name, len(self._sheets))
