"""What the cells of the backward half are: derivatives of the loss by parameters or other cells."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.tape import Array
from workbook_tools.learning.models import Model
from workbook_tools.learning.proportional import matches
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

    def are(self) -> Indexes:
        """Return the cells that are any derivative."""
        return np.array(sorted({*self.by_parameter, *self.others}), dtype=np.int64)


def claims(model: Model) -> Claims:
    """Return what the cells are that depend on the parameters and are not used for the loss."""
    used = model.space.flow.upstream(model.losses)
    backward = np.flatnonzero(model.space.depends & ~used & model.space.is_formula)
    parameters = np.flatnonzero(used & model.space.is_parameter)
    shown = model.space.reads.origin
    forward = np.flatnonzero(
        model.space.is_formula & (used | used[shown]) & (model.space.depends | model.space.is_parameter[shown] | model.space.depends[shown])
    )
    forward = np.setdiff1d(forward, parameters)
    shares = [*model.space.cut.shares(model.adjoints, model.space.is_parameter, model.memory)]
    readers = np.concatenate([s[0] for s in shares]) if shares else np.zeros(0, dtype=np.int64)
    read = np.concatenate([s[1] for s in shares]) if shares else readers
    parts = np.concatenate([s[2] for s in shares]) if shares else np.zeros((0, model.memory.draws))
    by = np.concatenate([parameters, forward, read])
    through = np.concatenate([np.full(len(parameters) + len(forward), -1), readers])
    derivatives = np.concatenate([model.adjoints[parameters], model.adjoints[forward], parts])
    own = Claims({}, {})
    for cells, others, factors in matches(model.memory.numbers[backward], derivatives):
        for k, other, factor in zip(cells.tolist(), others.tolist(), factors.tolist(), strict=True):
            claim = Claim(int(backward[k]), int(by[other]), factor, int(through[other]))
            place = own.by_parameter if other < len(parameters) else own.others
            place.setdefault(claim.cell, []).append(claim)
    return own
