"""Finds formulas that differ from those beside them, or that do not read the cells they should."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbook_tools.convolutional import reads
from workbook_tools.convolutional.book import Book, Section
from workbook_tools.convolutional.places import Grid, Index, Numbers
from workbook_tools.formulas.references import FilledFormula, anchoring
from workbook_tools.judging.faults import Kind
from workbook_tools.notation.convolutional import Operation, size
from workbook_tools.program.shapes import shape_of

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
        most = int(self._phases.max(initial=0)) + 1
        families, self._first, self._family = np.unique(
            runs[read] * most + self._phases, return_index=True, return_inverse=True
        )
        self._formulas = [book.formulas.runs[number // most].formula for number in families]
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
        read: list[tuple[int, ...]] = []
        ends = [0]
        for formula in self._formulas:
            read += self._read(formula)
            ends.append(len(read))
        table = np.array(read, dtype=np.int64).reshape(-1, 6)
        begin, count = np.array(ends[:-1]), np.diff(ends)
        starts = table[:, :5].astype(np.uint64) @ _FACTORS
        steps = table[:, 5].astype(np.uint64) * (_FACTORS[1] + _FACTORS[3])
        right = np.zeros(len(self._rows), dtype=bool)
        for phase in np.unique(self._phases):
            here = np.flatnonzero(self._phases == phase)
            wanted = self._wanted_keys(here)
            as_many = count[self._family[here]] == wanted.shape[1]
            here, wanted = here[as_many], wanted[as_many]
            own = begin[self._family[here]][:, None] + np.arange(wanted.shape[1])
            rows = self._rows[here].astype(np.uint64)[:, None]
            found = np.sort(starts[own] + steps[own] * rows, axis=1)
            right[here] = (found == wanted).all(axis=1)
        return right

    def _read(self, formula: FilledFormula) -> Iterable[tuple[int, ...]]:
        """Return the distinct rectangles that a formula reads in row 0, and whether each moves.

        Each is the number of its sheet, its corners, and 1 if it moves down with the formula.
        """
        shape = shape_of(formula)
        return {
            (
                self._sheet(sheet or self._grid.sheet),
                row, column, row + height - 1, column + width - 1, int(moves),
            )
            for sheet, row, moves, column, height, width in shape.slots
        } if shape.is_complete else ()  # fmt: skip

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
