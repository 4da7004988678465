"""What the cells of the backward half are: derivatives of the loss by parameters or other cells."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from workbook_tools.differentiation.proportional import matches
from workbook_tools.learning.models import Model, Shares, shares_of
from workbook_tools.program.memory import Indexes


class Claim(NamedTuple):
    """A cell that is a derivative of the loss."""

    cell: int
    by: int  # the cell by which is differentiated
    factor: float
    through: int  # only by way of this cell, which reads the other; −1: by all ways


@dataclass
class Claims:
    """The derivatives that the cells of the backward half are."""

    by_parameter: dict[int, list[Claim]]
    others: dict[int, list[Claim]]
    shares: Shares

    def are(self) -> Indexes:
        """Return the cells that are any derivative."""
        return np.array(sorted({*self.by_parameter, *self.others}), dtype=np.int64)

    def shows(self, cell: int, parameter: int) -> bool:
        """Tell whether a cell is the derivative by a parameter."""
        return any(claim.by == parameter for claim in self.by_parameter.get(cell, ()))

    def parameters_of(self, cell: int) -> set[int]:
        """Return the parameters by which a cell is a derivative, or a part of one."""
        found = {claim.by for claim in self.by_parameter.get(cell, ())}
        return found or {c.by for c in self.others.get(cell, ()) if c.through >= 0}


def claims(model: Model) -> Claims:
    """Return what the cells are that depend on the parameters and are not used for the loss."""
    space = model.space
    used = model.candidate.upstream
    backward = np.flatnonzero(space.depends & ~used & space.is_formula)
    parameters = np.flatnonzero(used & space.is_parameter)
    origin = space.reads.origin  # copies are cells, too
    varies = (space.depends | space.is_parameter)[origin]
    forward = np.flatnonzero(space.is_formula & used[origin] & varies)
    forward = np.setdiff1d(forward, parameters)
    shares = shares_of(space, model.adjoints, model.memory)
    by = np.concatenate([parameters, forward, shares.parameters])
    through = np.concatenate([np.full(len(parameters) + len(forward), -1), shares.readers])
    derivatives = np.concatenate(
        [model.adjoints[parameters], model.adjoints[forward], shares.derivatives]
    )
    own = Claims({}, {}, shares)
    for cells, others, found in matches(model.memory.numbers[backward], derivatives):
        for k, other, factor in zip(cells.tolist(), others.tolist(), found.tolist(), strict=True):
            claim = Claim(int(backward[k]), int(by[other]), factor, int(through[other]))
            place = own.by_parameter if other < len(parameters) else own.others
            place.setdefault(claim.cell, []).append(claim)
    return own
