"""The order in which a workbook's formulas are calculated."""

from collections.abc import Sequence

import numpy as np

from workbook_tools.program.edges import Edges, Numbers


def components(count: int, readers: Numbers, read: Numbers) -> list[list[int]]:
    """Return the strongly connected components of a graph, each after those that it reads.

    There is an edge from each reader to what it reads.

    This is Tarjan's algorithm ("Depth-first search and linear graph algorithms", 1972), without
    recursion.
    """
    order = np.argsort(readers, kind="stable")
    begins = np.searchsorted(readers[order], np.arange(count + 1)).tolist()
    ends = read[order].tolist()
    found: list[list[int]] = []
    index, lowest = [-1] * count, [0] * count
    is_open = [False] * count  # on the stack of nodes without a component
    opened: list[int] = []
    numbered = 0
    for root in range(count):
        if index[root] >= 0:
            continue
        path = [root]
        following = [begins[root]]
        while path:
            node = path[-1]
            if index[node] < 0:
                index[node] = lowest[node] = numbered
                numbered += 1
                opened.append(node)
                is_open[node] = True
            at, end = following[-1], begins[node + 1]
            while at < end:
                other = ends[at]
                at += 1
                if index[other] < 0:
                    following[-1] = at
                    path.append(other)
                    following.append(begins[other])
                    break
                if is_open[other] and index[other] < lowest[node]:
                    lowest[node] = index[other]
            else:
                path.pop()
                following.pop()
                if path and lowest[node] < lowest[path[-1]]:
                    lowest[path[-1]] = lowest[node]
                if lowest[node] == index[node]:
                    own: list[int] = []
                    while not own or own[-1] != node:
                        own.append(opened.pop())
                        is_open[own[-1]] = False
                    found.append(own)
    return found


def levels(found: Sequence[Sequence[int]], count: int, edges: Edges) -> list[list[int]]:
    """Return the numbers of components by level: each reads only components of lower levels."""
    of_node = np.zeros(count, dtype=np.int64)
    for number, own in enumerate(found):
        of_node[list(own)] = number
    readers, read = of_node[edges.readers], of_node[edges.read]
    order = np.argsort(readers, kind="stable")
    level = [0] * len(found)
    for reader, other in zip(readers[order].tolist(), read[order].tolist(), strict=True):
        if reader != other and level[other] >= level[reader]:
            level[reader] = level[other] + 1
    by_level: list[list[int]] = [[] for _ in range(max(level, default=-1) + 1)]
    for number, own_level in enumerate(level):
        by_level[own_level].append(number)
    return by_level


def longest_paths(
    count: int, begins: Numbers, ends: Numbers, lengths: Numbers | int
) -> Numbers | None:
    """Return how long the longest path to each node is, at least 0; None if some have no end.

    Edges lead from ``begins`` to ``ends``. They have no end if a closed path is longer than 0:
    then the Bellman–Ford iteration does not end, either.
    """
    longest = np.zeros(count, dtype=np.int64)
    for _ in range(count + 1):
        further = longest.copy()
        np.maximum.at(further, ends, longest[begins] + lengths)
        if (further == longest).all():
            return longest
        longest = further
    return None
