"""What the cells of the backward half are: derivatives of the loss by parameters or other cells."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.proportional import matches
from workbook_tools.differentiation.tape import Array
from workbook_tools.learning.search.models import Model
from workbook_tools.learning.search.shares import Shares, shares_of
from workbook_tools.program.memory import MOST_CELLS, Indexes


class Claim(NamedTuple):
    """A cell that is a derivative of the loss."""

    cell: int
    by: int  # the cell by which is differentiated
    factor: float
    through: int  # only by way of this cell, which reads the other; −1: by all ways


@dataclass
class Claims:
    """The derivatives that the cells of the backward half are."""

    cells: Indexes
    by: Indexes
    factors: Array
    through: Indexes
    are_by_parameters: NDArray[np.bool_]
    shares: Shares

    @cached_property
    def by_parameter(self) -> dict[int, list[Claim]]:
        """The cells that are derivatives by parameters."""
        return self._by_cell(self.are_by_parameters)

    @cached_property
    def others(self) -> dict[int, list[Claim]]:
        """The cells that are other derivatives."""
        return self._by_cell(~self.are_by_parameters)

    def _by_cell(self, kept: NDArray[np.bool_]) -> dict[int, list[Claim]]:
        parts = self.cells, self.by, self.factors, self.through
        found: dict[int, list[Claim]] = {}
        for claim in map(Claim, *(part[kept].tolist() for part in parts)):
            found.setdefault(claim.cell, []).append(claim)
        return found

    def are(self) -> Indexes:
        """Return the cells that are any derivative."""
        return np.unique(self.cells)

    def shows(self, cell: int, parameter: int) -> bool:
        """Tell whether a cell is the derivative by a parameter."""
        return any(claim.by == parameter for claim in self.by_parameter.get(cell, ()))

    def show(self, cells: Indexes, parameters: Indexes) -> NDArray[np.bool_]:
        """Tell which of some cells are the derivatives by their parameters."""
        kept = self.are_by_parameters
        known = self.cells[kept] * MOST_CELLS + self.by[kept]
        return np.isin(cells * MOST_CELLS + parameters, known)

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
    is_forward = space.is_formula & used[origin] & varies & ~(used & space.is_parameter)
    forward = np.flatnonzero(is_forward)
    shares = shares_of(space, model.adjoints, model.memory)
    by = np.concatenate([parameters, forward, shares.parameters])
    through = np.concatenate([np.full(len(parameters) + len(forward), -1), shares.readers])
    derivatives = np.concatenate(
        [model.adjoints[parameters], model.adjoints[forward], shares.derivatives]
    )
    found = zip(*matches(model.memory.numbers[backward], derivatives), strict=True)
    rows, others, factors = map(np.concatenate, found)
    are_by_parameters = others < len(parameters)
    return Claims(backward[rows], by[others], factors, through[others], are_by_parameters, shares)
