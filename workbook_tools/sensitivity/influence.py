"""What is said of one typed number: how much it moves a result."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from workbook_tools.notation.addresses import Cell

PERCENTS = (-10, -1, 1, 10)  # changes of a number whose effects are shown
LADDER = (1, 2, 5, 10, 20, 50, 100)  # changes, up and down, that are compared with a straight line
_CLOSE = 0.05  # relative; how near to the true change the straight line's must be
_NOISE = 1e-9  # of the result: a difference of so little comes from rounding


class Effect(NamedTuple):
    """What happens to the result if a number is changed."""

    change: float | None  # of the result; None if it is no number any more
    shows: str = ""  # what it shows instead, such as ``#NUM!``


def reach(effects: Mapping[int, Effect]) -> float:
    """Return how far the result moves, up or down, if a number changes by 10 %.

    Infinitely far if the result is no number then; 0 if that was not tried.
    """
    changes = [effects[percent].change for percent in (-10, 10) if percent in effects]
    known = [abs(change) for change in changes if change is not None]
    return max(known, default=0.0) if len(known) == len(changes) else math.inf


@dataclass(frozen=True)
class Influence:
    """How much a number moves a result."""

    cell: Cell
    label: str | None  # the text beside the cell
    value: float
    result: float
    # ∂result/∂cell; None if a formula in between has none, such as ROUND.
    derivative: float | None
    # By the change of the number in percent; empty for a number of 0, which stays 0.
    effects: Mapping[int, Effect] = field(default_factory=dict)

    @property
    def elasticity(self) -> float | None:
        """By how many percent the result changes if the number changes by 1 %: f′(x) x / f(x).

        None if it is not known, or if the number or the result is 0.
        """
        if self.derivative is None or self.value == 0 or self.result == 0:
            return None
        found = self.derivative * self.value / self.result
        return found if math.isfinite(found) else None

    @property
    def straight_up_to(self) -> int | None:
        """The largest change of ``LADDER``, in percent, for which the result follows its slope.

        Up and down to there, the change that the derivative predicts is within 5 % of the true
        one. 0 if that fails for the smallest change; None if there is no derivative, or if that was
        not tried.
        """
        if self.derivative is None or LADDER[-1] not in self.effects:
            return None
        reached = 0
        for percent in LADDER:
            if not (self._is_straight(percent) and self._is_straight(-percent)):
                break
            reached = percent
        return reached

    def _is_straight(self, percent: int) -> bool:
        change = self.effects[percent].change
        if change is None or self.derivative is None:
            return False
        predicted = self.derivative * self.value * percent / 100
        return abs(predicted - change) <= _CLOSE * abs(change) + _NOISE * abs(self.result)

    @property
    def reach(self) -> float:
        """How far the result moves if the number changes by 10 % (see ``reach``)."""
        return reach(self.effects)

    @property
    def is_felt(self) -> bool:
        """Whether the result moves at all; also True if that is not known."""
        is_moved = any(effect.change != 0 for effect in self.effects.values())
        return is_moved or (self.derivative != 0 and not (self.derivative is None and self.effects))
