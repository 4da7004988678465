"""What comes to each parameter from the cells that read it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.tape import Array
from workbook_tools.learning.space import Space
from workbook_tools.program.memory import Indexes, Memory


class Shares(NamedTuple):
    """What comes to parameters from each cell that reads them."""

    readers: Indexes
    parameters: Indexes
    derivatives: Array  # (readers, draws)


def shares_of(
    space: Space, adjoints: Array, memory: Memory, asked: NDArray[np.bool_] | None = None
) -> Shares:
    """Return what comes to parameters, or to those ``asked``, from each cell that reads them."""
    asked = space.is_parameter if asked is None else asked
    none = np.zeros(0, dtype=np.int64)
    parts = [(none, none, np.zeros((0, memory.draws)))]
    parts += space.cut.shares(adjoints, asked, memory)
    readers, parameters, derivatives = map(np.concatenate, zip(*parts, strict=True))
    return Shares(readers, parameters, derivatives)
