"""The weights and biases of iteration 1: listed, or drawn at random."""

import math
from enum import StrEnum
from random import Random
from typing import Annotated

from pydantic import Field, model_validator

from workbook_tools.notation.quantities import Naming
from workbook_tools.spec.fields import Finite, Positive, Table

DECIMALS = 4  # of a drawn weight, so that people can read and type it


class Drawing(StrEnum):
    """How weights are drawn: uniformly from −r to r, where r depends on the layer's size."""

    XAVIER = "xavier"  # r = √(6 / (sources + units)): X. Glorot, Y. Bengio, 2010, equation 16
    HE = "he"  # r = √(6 / sources): K. He, X. Zhang, S. Ren, J. Sun, 2015, equation 10
    UNIFORM = "uniform"  # r = start.range


class Start(Table):
    """``[start]``: the parameters of iteration 1, in the order of ``notation.Naming``."""

    weights: list[Finite] | None = None
    draw: Drawing | None = None
    seed: Annotated[int, Field(strict=True, ge=0)] = 1
    range: Positive | None = None
    biases: list[Finite] | None = None  # with drawn weights, 0 by default

    @model_validator(mode="after")
    def _fits_together(self) -> "Start":
        if (self.weights is None) == (self.draw is None):
            raise ValueError(
                'start.weights: give either weights or draw = "xavier", "he" or "uniform"'
            )
        if (self.range is not None) != (self.draw is Drawing.UNIFORM):
            raise ValueError(
                'start.range: belongs to draw = "uniform", which needs it; add or remove it'
            )
        return self

    def weights_for(self, naming: Naming) -> list[float]:
        """Return the weights ``w1 w2 …`` as listed or drawn.

        Drawn weights are w = −r + 2 r u, rounded to 4 decimals, in the order w1, w2, …, with u
        from ``random.Random(seed).random()``: Python's Mersenne Twister MT19937 (M. Matsumoto,
        T. Nishimura, 1998).
        """
        if self.weights is not None:
            return self.weights
        chance = Random(self.seed)
        drawn = []
        for layer in naming.layers:
            kind = naming.kinds[layer - 1]
            reach = self._reach(*kind.fan)
            for _ in range(kind.weight_count):
                drawn.append(round(-reach + 2 * reach * chance.random(), DECIMALS))
        return drawn

    def _reach(self, sources: int, units: int) -> float:
        if self.range is not None:
            return self.range
        around = sources + units if self.draw is Drawing.XAVIER else sources
        return math.sqrt(6 / around)
