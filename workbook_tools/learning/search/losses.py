"""The cells that may be the loss: they depend on parameters, but no update needs them."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.learning.search.assumed import SHEET, Assumed
from workbook_tools.learning.space import Space
from workbook_tools.program.memory import Indexes

_BY_MISTAKE = 0.2  # of the cells of a loss, which an update may need
_IN_SEVERAL = 0.5  # of the cells of ranges
_FEW = 8  # cells that share parameters, each of which may be a loss


class Candidate(NamedTuple):
    """Cells whose sum may be the loss."""

    cells: Indexes
    assumed: str | None  # what it is, if no cell shows it
    upstream: NDArray[np.bool_]  # what they are calculated from, and they themselves


def candidates(space: Space, assumed: Assumed | None = None) -> Iterator[Candidate]:
    """Yield the cells that may be the loss: those that are ``assumed``, if any are, or others.

    The cells of one shape are one loss, such as the loss of every iteration, or of every sample. Of
    those that are assumed, formulas of one shape may work with the error, or of several.
    """
    shapes: dict[tuple[str, str | None], list[Indexes]] = defaultdict(list)
    for node, places in space.nodes():
        kept = places[space.depends[places]]
        is_assumed = node.sheet == SHEET
        if len(kept) and is_assumed == bool(assumed):
            name = assumed.names[node.column] if assumed else None
            shapes[node.shape.text, name].append(kept)
    for (_, name), own in shapes.items():
        every = np.concatenate(own)
        free = every[~space.needed[every]]
        if not len(free):
            continue
        if _are_moving(space, every):
            continue
        if len(every) - len(free) > _BY_MISTAKE * len(every):
            every = _of_free_nodes(space, own)
        yield Candidate(every, name, space.flow.upstream(every))
        if assumed:
            yield from _apart(space, every, name, assumed)
        if not assumed and 1 < len(every) <= _FEW:
            for place in every.tolist():
                cells = np.array([place])
                yield Candidate(cells, name, space.flow.upstream(cells))


def _are_moving(space: Space, cells: Indexes) -> bool:
    """Tell whether cells are moving averages: most of what they read is in several, not in all."""
    pairs = space.reads.by(cells)
    kept = ~pairs.is_named & space.depends[pairs.read]
    size = len(space.depends)
    every = np.unique(pairs.read[kept] * size + pairs.readers[kept])  # each once
    _, counts = np.unique(every // size, return_counts=True)
    is_in_several = (counts > 1) & (counts < len(cells))
    return len(counts) > 0 and bool(is_in_several.mean() > _IN_SEVERAL)


def _of_free_nodes(space: Space, cells: Sequence[Indexes]) -> Indexes:
    """Return the cells, by node, that no update needs, of nodes that mostly have such.

    Of a column of gradients, no update needs that of the last iteration. It may have the shape of a
    loss: a sum of two cells.
    """
    free = [own[~space.needed[own]] for own in cells]
    most = [f for f, own in zip(free, cells, strict=True) if 2 * len(f) > len(own)]
    return np.concatenate(most or free)


def _apart(space: Space, cells: Indexes, name: str | None, assumed: Assumed) -> Iterator[Candidate]:
    """Yield the losses with which formulas of one shape work, if there are others."""
    shapes = np.array([assumed.shapes[space.layout.cell(place)[2]] for place in cells.tolist()])
    every = dict.fromkeys(shapes.tolist())
    for shape in every if len(every) > 1 else ():
        own = cells[shapes == shape]
        yield Candidate(own, name, space.flow.upstream(own))
