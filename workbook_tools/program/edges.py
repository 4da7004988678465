"""The edges of the graph of formulas."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


class Edges(NamedTuple):
    """The edges of a graph, as arrays."""

    readers: Numbers  # numbers of nodes
    read: Numbers
    least: Numbers  # the smallest distance, in rows down, from a reading cell to a read one
    most: Numbers
    picks: NDArray[np.bool_]  # by a lookup in a range with the reader's own column
