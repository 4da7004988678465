"""Tells which updates belong together: those of parameters from which the same losses follow."""

import numpy as np

from workbook_tools.learning.search.models import Model
from workbook_tools.program.memory import Indexes

_MOST = 300  # updates with which trainings begin


def blocks(model: Model) -> Indexes:
    """Return the number of the block of each update.

    Several trainings may stand side by side, such as those by several optimizers.
    """
    space = model.space
    cells = model.updates.cells.tolist()
    firsts = np.array([space.first_update(cell) for cell in cells], dtype=np.int64)
    every = np.unique(firsts)
    if len(every) > _MOST:
        return np.zeros(len(firsts), dtype=np.int64)
    block_of: dict[int, int] = {}
    of_loss: dict[int, int] = {}
    before = dict(zip(cells, model.updates.parameters.tolist(), strict=True))
    for number, first in enumerate(every.tolist()):
        # Those of the second iteration; trainings may begin with the same numbers.
        reached = space.flow.downstream(np.array([first]))
        if not reached[model.losses].any() and first in before:
            reached = space.flow.downstream(np.array([before[first]]))
        losses = model.losses[reached[model.losses]].tolist()
        known = {of_loss[loss] for loss in losses if loss in of_loss}
        block = min(known, default=number)
        block_of[first] = block
        for others in (block_of, of_loss):
            others.update({one: block for one, own in others.items() if own in known})
        of_loss.update(dict.fromkeys(losses, block))
    return np.array([block_of[first] for first in firsts.tolist()], dtype=np.int64)
