"""The problem that an edit has to solve: what a formula reads, and what it should give."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbook_tools.formulas.tree import Reference, Tree
from workbook_tools.mending import costs
from workbook_tools.mending.evaluation import Array
from workbook_tools.notation.addresses import Cell


@dataclass(frozen=True)
class Candidate:
    """A cell that a formula may have meant: how it is written, its kind and its numbers."""

    text: str
    kind: str  # of quantity, such as weights or activations
    values: Array  # (trials,)
    strange: bool  # whether the formula written from scratch does not read it

    @property
    def extra_cost(self) -> float:
        """What is added to the cost of an edit that uses it."""
        return costs.STRANGE if self.strange else 0.0


@dataclass(frozen=True)
class Problem:
    """The numbers of a few random trials, and the values that a formula should give in them."""

    sheet: str
    numbers: Mapping[Cell, Array]  # (trials,)
    expected: Array  # (trials,)
    candidates: list[Candidate]
    kinds: Mapping[str, str]  # of the references in the formula, by their text
    constants: tuple[str, ...] = ()  # numbers to try, besides the usual ones

    @cached_property
    def pool(self) -> Array:
        """The numbers of the candidates, (candidates, trials)."""
        values = [candidate.values for candidate in self.candidates]
        return np.array(values).reshape(len(values), len(self.expected))

    @cached_property
    def digest(self) -> bytes:
        """A hash of all that is given here, whatever the sheet is called."""
        cells = [(name if name != self.sheet else None, *place) for name, *place in self.numbers]
        candidates = [(one.text, one.kind, one.strange) for one in self.candidates]
        found = hashlib.sha256(repr((cells, candidates, self.kinds, self.constants)).encode())
        for values in (*self.numbers.values(), self.pool, self.expected):
            found.update(values.tobytes())
        return found.digest()

    def reference(self, old: Tree, k: int) -> Tree:
        """Return a reference to candidate ``k``, anchored as the old one: ``$J33`` → ``$L33``."""
        text = self.candidates[k].text
        fixed = isinstance(old, Reference) and old.text.startswith("$") and text[0].isalpha()
        return Reference(f"${text}" if fixed and "!" not in text else text)
