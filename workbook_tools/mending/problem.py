"""What an edit has to solve: the numbers that a formula reads, and what it should give."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbook_tools.formulas.tree import Reference, Tree
from workbook_tools.formulas.values import Array
from workbook_tools.mending import costs
from workbook_tools.notation.addresses import Cell


@dataclass(frozen=True)
class Candidate:
    """A cell that a formula may mean: how it is written, what kind it is of, and its numbers."""

    text: str
    kind: str  # of quantity: weights are of one, activations of another
    values: Array  # (trials,)
    strange: bool

    @property
    def extra_cost(self) -> float:
        """What an edit with it costs more."""
        return costs.STRANGE if self.strange else 0.0


@dataclass(frozen=True)
class Problem:
    """What a formula is tried on."""

    sheet: str
    numbers: Mapping[Cell, Array]  # (trials,)
    expected: Array  # (trials,)
    candidates: list[Candidate]
    kinds: Mapping[str, str]  # of the references that the formula has, by their text
    constants: tuple[str, ...] = ()  # that may be meant, besides the usual ones

    @cached_property
    def pool(self) -> Array:
        """The numbers of the candidates, (candidates, trials)."""
        values = [candidate.values for candidate in self.candidates]
        return np.array(values).reshape(len(values), len(self.expected))

    def reference(self, old: Tree, k: int) -> Tree:
        """Return a reference to a candidate, anchored as the old one: ``$J33`` becomes ``$L33``."""
        text = self.candidates[k].text
        fixed = isinstance(old, Reference) and old.text.startswith("$") and text[0].isalpha()
        return Reference(f"${text}" if fixed and "!" not in text else text)
