"""Which formulas may lie on cycles, from the edges of their graph alone.

The formulas of a run do not form a cycle as long as every path back to the run leads to a row
further up.
"""

import numpy as np
from numpy.typing import NDArray

from workbook_tools.program.edges import Edges, Numbers


def on_cycles(edges: Edges, left: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Tell which of the nodes that are left may lie on cycles: none in a correct workbook."""
    kept = ~edges.picks & left[edges.readers] & left[edges.read]
    readers, read = edges.readers[kept], edges.read[kept]
    # Drop the nodes that lead to no cycle, and those that no cycle leads to.
    endless = _endless(readers, read, len(left)) & _endless(read, readers, len(left))
    inside = endless[readers] & endless[read]
    suspects, numbers = np.unique([readers[inside], read[inside]], return_inverse=True)
    from_to = numbers.reshape(2, -1)
    found = np.zeros_like(left)
    # There is no cycle if every edge leads up, or if every edge leads down.
    lowest, highest = edges.most[kept][inside], edges.least[kept][inside]
    found[suspects] = _may_return(from_to, lowest) and _may_return(from_to, -highest)
    return found


def _endless(begins: Numbers, ends: Numbers, count: int) -> NDArray[np.bool_]:
    """Tell for each of so many nodes whether paths of any length begin there.

    This is Kahn's algorithm: nodes from which no edge leads on are removed until none is left.
    """
    left = np.bincount(begins, minlength=count).tolist()
    before: list[list[int]] = [[] for _ in range(count)]
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        before[end].append(begin)
    ended = [number for number in range(count) if not left[number]]
    for number in ended:  # which grows in the loop
        for begin in before[number]:
            left[begin] -= 1
            if not left[begin]:
                ended.append(begin)
    return np.array(left, dtype=np.int64) > 0


def _may_return(from_to: Numbers, down: Numbers) -> bool:
    """Tell whether some closed path leads down or nowhere, given the rows ``down`` of each edge.

    If there is none, the longest paths are finite, and the Bellman–Ford iteration ends.
    """
    count = int(from_to.max(initial=-1)) + 1
    weights = down * (count + 1) + 1  # so that a closed path of 0 rows in all counts as positive
    longest = np.zeros(count, dtype=np.int64)
    for _ in range(count + 1):
        further = longest.copy()
        np.maximum.at(further, from_to[1], longest[from_to[0]] + weights)
        if (further == longest).all():
            return False
        longest = further
    return count > 0
