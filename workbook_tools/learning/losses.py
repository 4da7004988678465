"""The cells that may be the loss: they depend on parameters, but no update needs them."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.learning.assumed import SHEET
from workbook_tools.learning.space import Space
from workbook_tools.program.memory import Indexes

_BY_MISTAKE = 0.1  # of the cells of a loss, which an update may need
_FEW = 8  # cells that share parameters, each of which may be a loss


class Candidate(NamedTuple):
    """Cells whose sum may be the loss."""

    cells: Indexes
    assumed: str | None  # what it is, if no cell shows it
    upstream: NDArray[np.bool_]  # what they are calculated from, and they themselves


def candidates(space: Space, assumed: dict[int, str]) -> Iterator[Candidate]:
    """Yield the cells that may be the loss; ``assumed`` names those that are assumed, by column.

    The cells of one shape are one loss, such as the loss of every iteration, or of every sample.
    """
    shapes: dict[tuple[str, str | None], list[Indexes]] = defaultdict(list)
    for node, places in space.nodes():
        kept = places[space.depends[places]]
        is_assumed = node.sheet == SHEET
        if len(kept) and is_assumed == bool(assumed):
            name = assumed[node.column] if is_assumed else None
            shapes[node.shape.text, name].append(kept)
    for (_, name), own in shapes.items():
        every = np.concatenate(own)
        free = every[~space.needed[every]]
        if not len(free):
            continue
        if len(every) - len(free) > _BY_MISTAKE * len(every):
            every = free
        yield Candidate(every, name, space.flow.upstream(every))
        if 1 < len(every) <= _FEW and name is None:
            for place in every.tolist():
                cells = np.array([place])
                yield Candidate(cells, name, space.flow.upstream(cells))
