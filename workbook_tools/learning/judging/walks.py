"""The ways back from updates to the cells that they are calculated from."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.learning.flow import Ways
from workbook_tools.learning.search.models import Model
from workbook_tools.program.memory import Indexes

_MOST_LEVELS = 12  # of cells between an update and a gradient


class Walked(NamedTuple):
    """The cells that were reached on the ways back from updates."""

    updates: Indexes  # numbers
    cells: Indexes
    roles: Indexes  # in which the cells are read
    are_last: NDArray[np.bool_]


def walked(
    model: Model,
    left: Indexes,
    is_last: Callable[[Indexes, Indexes, Indexes], NDArray[np.bool_]],
) -> Walked:
    """Go back from some updates, each until cells are reached that are the last ones.

    The ways lead through the backward half only. ``is_last`` is told the numbers of updates, cells,
    and the roles in which these are read.
    """
    space, reads = model.space, model.space.reads
    backward = space.depends & ~model.candidate.upstream & ~space.is_parameter
    ways = Ways(reads.readers, np.arange(len(reads.readers)), space.layout.size)
    parts = []
    k, at = left, model.updates.cells[left]
    for _ in range(_MOST_LEVELS):
        number, pair = ways.next(at)
        k, cells, roles = k[number], reads.read[pair], space.roles[pair]
        kept = backward[cells]
        k, cells, roles = k[kept], cells[kept], roles[kept]
        are_last = is_last(k, cells, roles)
        parts.append((k, cells, roles, are_last))
        is_left = ~np.isin(k, k[are_last])
        k, at = np.unique(np.stack([k[is_left], cells[is_left]]), axis=1)
        if not at.size:
            break
    return Walked(*map(np.concatenate, zip(*parts, strict=True)))
