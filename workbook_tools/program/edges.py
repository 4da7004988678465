"""The edges of the graph of formulas: which of its nodes read which, and how far apart."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
_WIDTH, _HEIGHT = 1 << 15, 1 << 21  # more than a sheet has columns and rows
_PORTION = 1_000_000  # edges that are looked at together


class Edges(NamedTuple):
    """The edges of a graph, as arrays."""

    readers: Numbers  # numbers of nodes
    read: Numbers
    least: Numbers  # the smallest distance, in rows down, from a reading cell to a read one
    most: Numbers
    picks: NDArray[np.bool_]  # by a lookup in a range with the reader's own column


class Places(NamedTuple):
    """Where each node stands."""

    sheets: Numbers
    columns: Numbers
    first_rows: Numbers
    last_rows: Numbers


class Ranges(NamedTuple):
    """The ranges that nodes read, each from all rows of its node."""

    readers: Numbers
    sheets: Numbers
    first_columns: Numbers
    last_columns: Numbers
    first_rows: Numbers
    last_rows: Numbers
    least: Numbers  # the smallest distance, in rows down, from a reading cell to one in the range
    most: Numbers
    picks: Numbers  # 1: by a lookup in a range with the reader's own column


class Reading:
    """Which columns, and which nodes in them, the nodes read."""

    def __init__(self, places: Places, ranges: Ranges) -> None:
        self._places, self._ranges = places, ranges
        # The columns of all sheets that have nodes, and the number of each node's column.
        own = places.sheets * _WIDTH + places.columns
        self._columns, self.column = np.unique(own, return_inverse=True)

    def of_columns(self) -> Edges:
        """Return the edges between whole columns, one for each pair; lookups are left out."""
        ranges = self._ranges
        parts = [
            (self.column[ranges.readers[own]] * len(self._columns) + column, own)
            for own, column in self._pairs()
        ]
        pairs = np.concatenate([pairs for pairs, _ in parts] or [np.zeros(0, dtype=np.int64)])
        own = np.concatenate([own for _, own in parts] or [np.zeros(0, dtype=np.int64)])
        kept = ranges.picks[own] == 0
        pairs, own = pairs[kept], own[kept]
        order = np.argsort(pairs)
        pairs, own = pairs[order], own[order]
        begins = np.flatnonzero(np.diff(pairs, prepend=-1))
        least = np.minimum.reduceat(ranges.least[own], begins) if len(pairs) else pairs
        most = np.maximum.reduceat(ranges.most[own], begins) if len(pairs) else pairs
        readers, read = np.divmod(pairs[begins], len(self._columns) or 1)
        return Edges(readers, read, least, most, np.zeros(len(begins), dtype=bool))

    def of_nodes(self, most_edges: int) -> Edges | None:
        """Return the edges between nodes; None if there are more than ``most_edges``.

        A node may be taken for read if its step skips all rows of a range.
        """
        places, ranges = self._places, self._ranges
        order = np.lexsort((places.first_rows, self.column))
        column = self.column[order] * _HEIGHT
        begins = column + places.first_rows[order]
        ends = np.maximum.accumulate(column + places.last_rows[order])  # of all up to each one
        found: list[Numbers] = []
        count = 0
        for own, columns in self._pairs():
            low = np.searchsorted(ends, columns * _HEIGHT + ranges.first_rows[own])
            high = np.searchsorted(begins, columns * _HEIGHT + ranges.last_rows[own], side="right")
            for pair, at in _members(low, high):
                by, read = own[pair], order[at]
                overlap = places.last_rows[read] >= ranges.first_rows[by]
                by, read = by[overlap], read[overlap]
                readers = ranges.readers[by]
                least = places.first_rows[read] - places.last_rows[readers]
                most = places.last_rows[read] - places.first_rows[readers]
                least, most = np.maximum(ranges.least[by], least), np.minimum(ranges.most[by], most)
                found.append(np.stack([readers, read, least, most, ranges.picks[by]]))
                count += len(read)
                if count > most_edges:
                    return None
        every = np.concatenate(found, axis=1) if found else np.zeros((5, 0), dtype=np.int64)
        return Edges(every[0], every[1], every[2], every[3], every[4].astype(bool))

    def _pairs(self) -> Iterator[tuple[Numbers, Numbers]]:
        """Yield the numbers of ranges, and with each a column in it that has nodes."""
        own = self._ranges.sheets * _WIDTH
        low = np.searchsorted(self._columns, own + self._ranges.first_columns)
        high = np.searchsorted(self._columns, own + self._ranges.last_columns, side="right")
        return _members(low, high)


def _members(low: Numbers, high: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """Yield the members of many ranges, ``low`` ≤ member < ``high``, each after its range's number.

    They come in portions, in order.
    """
    ends = np.cumsum(np.maximum(high - low, 0))
    begin, done = 0, 0
    while begin < len(ends):
        end = max(begin + 1, int(np.searchsorted(ends, done + _PORTION, side="right")))
        which, members = members_of(low[begin:end], high[begin:end])
        yield begin + which, members
        begin, done = end, int(ends[end - 1])


def members_of(low: Numbers, high: Numbers) -> tuple[Numbers, Numbers]:
    """Return all members of ranges, ``low`` ≤ member < ``high``, after the numbers of these."""
    counts = np.maximum(high - low, 0)
    which = np.repeat(np.arange(len(counts)), counts)
    return which, low[which] + np.arange(len(which)) - (np.cumsum(counts) - counts)[which]


def with_readers(count: int, edges: Edges, begin: Iterable[int]) -> NDArray[np.bool_]:
    """Tell which nodes are among the first ones, or depend on them."""
    found = np.zeros(count, dtype=bool)
    found[list(begin)] = True
    while True:
        more = edges.readers[found[edges.read] & ~found[edges.readers]]
        if not len(more):
            return found
        found[more] = True
