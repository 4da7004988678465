"""Which formulas may lie on cycles, from the edges of their graph alone.

The formulas of a run do not form a cycle as long as every path back to the run leads to a row
further up.
"""

import numpy as np
from numpy.typing import NDArray

from workbook_tools.program.edges import Edges, Numbers
from workbook_tools.program.order import components, longest_paths


def on_cycles(edges: Edges, left: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which of the nodes that are left may lie on cycles: none in a correct workbook."""
    kept = ~edges.picks & left[edges.readers] & left[edges.read]
    readers, read = edges.readers[kept], edges.read[kept]
    least, most = edges.least[kept], edges.most[kept]
    component, is_alone = np.zeros(len(left), dtype=np.int64), np.zeros(len(left), dtype=bool)
    for number, own in enumerate(components(len(left), readers, read)):
        component[own], is_alone[own] = number, len(own) == 1
    # A node that only reads itself: there is no cycle if it reads up, or if it reads down.
    alone = is_alone[readers] & (readers == read)
    returns_down, returns_up = np.zeros_like(left), np.zeros_like(left)
    returns_down[readers[alone & (most >= 0)]] = True
    returns_up[readers[alone & (least <= 0)]] = True
    found = returns_down & returns_up
    inside = np.flatnonzero((component[readers] == component[read]) & ~is_alone[readers])
    inside = inside[np.argsort(component[readers[inside]], kind="stable")]
    for part in np.split(inside, np.flatnonzero(np.diff(component[readers[inside]])) + 1):
        suspects, numbers = np.unique([readers[part], read[part]], return_inverse=True)
        from_to = numbers.reshape(2, -1)
        # There is no cycle if every edge leads up, or if every edge leads down.
        found[suspects] = _may_return(from_to, most[part]) and _may_return(from_to, -least[part])
    return found


def _may_return(from_to: Numbers, down: Numbers) -> bool:
    """Tell whether some closed path leads down or nowhere, given the rows ``down`` of each edge."""
    count = int(from_to.max(initial=-1)) + 1
    lengths = down * (count + 1) + 1  # so that a closed path of 0 rows in all counts as positive
    return longest_paths(count, from_to[0], from_to[1], lengths) is None
