"""What is known of the updates of a model, and in which cells they go wrong."""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.tape import Array
from workbook_tools.learning.judging.claims import Claims
from workbook_tools.learning.search.models import Model
from workbook_tools.program.memory import Indexes


class Verdict(StrEnum):
    """What is known of an update."""

    RIGHT = "right"  # it adds a multiple of the derivative
    THROUGH = "through"  # it is calculated from the derivative, such as by momentum
    ALIKE = "alike"  # so it is, in the same way as others
    WRONG = "wrong"
    LATENT = "latent"  # it adds the derivative, but not from the cell that the others read
    UNKNOWN = "unknown"  # no loss explains it
    UNSEEN = "unseen"  # its derivative is 0 on the random numbers
    NONE = "none"  # nothing reads it, nor others like it, and nothing explains it: it is no update


class Expected(NamedTuple):
    """The right numbers of a cell."""

    drawn: Array  # (draws,): on the random numbers of the model
    value: float  # on those of the workbook
    factor: float | None  # by which the updates multiply the derivative, if it follows from them


@dataclass
class Culprit:
    """A cell in which updates go wrong."""

    cell: int
    parameter: int  # whose gradient it should be, or whose update it is
    updates: list[int] = field(default_factory=list)  # numbers
    is_gradient: bool = True  # else it is the update itself
    reads: int = -1  # the gradient that the update reads
    should_read: int = -1  # the one that it should read
    like: int = -1  # the cell of another parameter that is calculated as this one should be
    is_helper: bool = False  # gradients by the parameter are calculated from it


@dataclass
class Judged:
    """What the updates of a model are, and what is wrong in them."""

    model: Model
    claims: Claims
    verdicts: list[Verdict]  # by update
    # By update: it adds this times the derivative of the loss of one sample; NaN if not.
    of_one_sample: Array
    is_meant: bool = False  # the loss is known to be meant, even if it explains nothing
    culprits: dict[int, Culprit] = field(default_factory=dict)  # by cell
    wrong: set[int] = field(
        default_factory=set
    )  # cells of the backward half that are no derivative

    # By cell: of gradients with other formulas than those like them, what they should be by.
    odd: dict[int, int] = field(default_factory=dict)
    # The updates that are calculated from gradients by way of a state; those are judged here.
    indirect: "Compared | None" = None

    def of(self, kept: NDArray[np.bool_]) -> "Judged":
        """Return what is known of some of the updates only."""
        verdicts = [self.verdicts[k] for k in np.flatnonzero(kept).tolist()]
        return Judged(self.model.of(kept), self.claims, verdicts, self.of_one_sample[kept])

    @cached_property
    def shown(self) -> dict[int, tuple[int, float]]:
        """By cell: one that shows the derivative of the loss by it, and by what it is multiplied.

        Those are left out that are calculated from what is wrong.
        """
        wrong = np.array([*self.wrong, *self.culprits], dtype=np.int64)
        is_wrong = self.model.space.flow.downstream(wrong)
        claims = self.claims
        kept = (claims.through < 0) & ~is_wrong[claims.cells]
        parts = (part[kept].tolist() for part in (claims.by, claims.cells, claims.factors))
        return {by: (cell, factor) for by, cell, factor in zip(*parts, strict=True)}

    def leave_out(self, cells: Indexes) -> None:
        """Take some updates for none."""
        for k in np.flatnonzero(np.isin(self.model.updates.cells, cells)).tolist():
            self.verdicts[k] = Verdict.NONE

    def are(self, verdict: Verdict) -> NDArray[np.bool_]:
        """Tell which updates have a verdict."""
        return np.array([one is verdict for one in self.verdicts], dtype=bool)

    def updates_by(self, cells: Indexes) -> list[int]:
        """Return the numbers of the updates that are some cells, or read them."""
        readers = np.union1d(self.model.space.reads.of(cells).readers, cells)
        found: list[int] = np.flatnonzero(np.isin(self.model.updates.cells, readers)).tolist()
        return found

    def gradients(self, k: int) -> list[int]:
        """Return the cells that an update names and that are the derivative by its parameter."""
        own = self.model.updates
        named = self.model.space.named_by(int(own.cells[k]))
        parameter = int(own.parameters[k])
        return [cell for cell in named if self.claims.shows(cell, parameter)]


@dataclass
class Compared(Judged):
    """What updates are that are compared with those of other parameters."""

    expected: dict[int, Expected] = field(default_factory=dict)  # by culprit, if that is known
