"""What depends on what in a workbook, cell by cell."""

import numpy as np
from numpy.typing import NDArray

from workbook_tools.learning.reads import Reads
from workbook_tools.program.edges import members_of
from workbook_tools.program.memory import Indexes


class Flow:
    """The ways between cells, which end at parameters: these count as numbers."""

    def __init__(self, reads: Reads, parameters: Indexes) -> None:
        size = len(reads.origin)
        is_parameter = np.zeros(size, dtype=bool)
        is_parameter[parameters] = True
        kept = ~is_parameter[reads.readers]
        readers, read = reads.readers[kept], reads.read[kept]
        self._back = Ways(readers, read, size)
        self._forth = Ways(read, readers, size)

    def upstream(self, cells: Indexes) -> NDArray[np.bool_]:
        """Tell by place what some cells are calculated from; they count, too."""
        return self._back.reached(cells)

    def downstream(self, cells: Indexes) -> NDArray[np.bool_]:
        """Tell by place what is calculated from some cells; they count, too."""
        return self._forth.reached(cells)

    def nearest(self, cells: Indexes, among: NDArray[np.bool_]) -> Indexes:
        """Return those cells from which some are calculated in the fewest steps."""
        latest, known = np.unique(cells), np.zeros(len(among), dtype=bool)
        while len(latest):
            if among[latest].any():
                return latest[among[latest]]
            known[latest] = True
            latest = np.unique(self._back.next(latest)[1])
            latest = latest[~known[latest]]
        return latest

    def read_by(self, cells: Indexes) -> tuple[Indexes, Indexes]:
        """Return pairs of the number of one of some cells, and a cell that it reads."""
        return self._back.next(cells)


class Ways:
    """From each cell to others."""

    def __init__(self, begins: Indexes, ends: Indexes, size: int) -> None:
        order = np.argsort(begins, kind="stable")
        self._ends = ends[order]
        self._starts = np.append(0, np.cumsum(np.bincount(begins, minlength=size)))

    def next(self, cells: Indexes) -> tuple[Indexes, Indexes]:
        """Return pairs of the number of one of some cells, and a cell to which a way leads."""
        number, at = members_of(self._starts[cells], self._starts[cells + 1])
        return number, self._ends[at]

    def reached(self, cells: Indexes) -> NDArray[np.bool_]:
        """Tell by place to which cells ways lead from some cells; these count, too."""
        found = np.zeros(len(self._starts) - 1, dtype=bool)
        found[cells] = True
        number = np.zeros(len(found), dtype=np.int64)
        latest = np.flatnonzero(found)
        while len(latest):
            _, ends = self.next(latest)
            ends = ends[~found[ends]]
            found[ends] = True
            number[ends] = np.arange(len(ends))
            latest = ends[number[ends] == np.arange(len(ends))]  # each once
        return found
