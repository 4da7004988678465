"""What depends on what in a workbook, cell by cell."""

import numpy as np
from numpy.typing import NDArray

from workbook_tools.learning.reads import Reads
from workbook_tools.program.memory import Indexes


class Flow:
    """The ways between cells, which end at parameters: these count as numbers."""

    def __init__(self, reads: Reads, parameters: Indexes) -> None:
        self._size = len(reads.origin)
        is_parameter = np.zeros(self._size, dtype=bool)
        is_parameter[parameters] = True
        kept = ~is_parameter[reads.readers]
        self._readers, self._read = reads.readers[kept], reads.read[kept]

    def upstream(self, cells: Indexes) -> NDArray[np.bool_]:
        """Tell by place what some cells are calculated from; they count, too."""
        return self._reached(self._readers, self._read, cells)

    def downstream(self, cells: Indexes) -> NDArray[np.bool_]:
        """Tell by place what is calculated from some cells; they count, too."""
        return self._reached(self._read, self._readers, cells)

    def _reached(self, begins: Indexes, ends: Indexes, cells: Indexes) -> NDArray[np.bool_]:
        order = np.argsort(begins, kind="stable")
        begins, ends = begins[order], ends[order]
        starts = np.searchsorted(begins, np.arange(self._size + 1))
        found = np.zeros(self._size, dtype=bool)
        found[cells] = True
        latest = np.unique(cells)
        while len(latest):
            counts = starts[latest + 1] - starts[latest]
            first = np.repeat(starts[latest] - (np.cumsum(counts) - counts), counts)
            latest = np.unique(ends[first + np.arange(len(first))])
            latest = latest[~found[latest]]
            found[latest] = True
        return found
