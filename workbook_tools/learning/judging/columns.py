"""Which cells of a column should be the derivatives by parameters, if most others are."""

import numpy as np
from numpy.typing import NDArray

from workbook_tools.learning.search.models import Model
from workbook_tools.learning.usual import Column, Move
from workbook_tools.program.memory import Indexes

_SMALL = 1e-11  # of the largest derivative; what is smaller may be rounding


class Columns:
    """The columns of the backward half of a model."""

    def __init__(self, model: Model, without: Indexes | None = None) -> None:
        """Ask for the derivatives by all parameters that matter, but ``without`` some."""
        space, used = model.space, model.candidate.upstream
        self._layout = space.layout
        self._may_be: NDArray[np.bool_] = space.is_formula & ~space.is_parameter & ~used
        self._may_be[:2] = False
        sizes = np.abs(model.adjoints)
        is_clear = (sizes > _SMALL * sizes.max()).sum(axis=1) >= 2
        self._asked = space.is_parameter & used & is_clear
        if without is not None:
            self._asked[without] = False

    def of(self, line: Column, move: Move) -> tuple[Indexes, Indexes]:
        """Return the cells of a column, and the parameters to which a move leads from them."""
        (sheet, column), (other, down, along) = line, move
        base, top, bottom = self._layout.column(other, column + along)
        rows = top + np.flatnonzero(self._asked[base + top : base + bottom + 1])
        cells = self._layout.places(np.array(sheet), np.maximum(rows - down, 1), np.array(column))
        kept = self._may_be[cells]
        return cells[kept], (base + rows)[kept]
