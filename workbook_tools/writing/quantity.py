"""A column of the training table: its symbol, and its formula in symbols.

The same string becomes the cell's formula (``layout.py`` puts references for symbols), the
equation printed on the sheet and the header cell's note.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

BEFORE = "[-1]"  # after a symbol: its value in the iteration before
ABOVE = "[^]"  # … in the row above
EVERY = "[:]"  # … of every sample of the iteration
OF_SAMPLE = "[#]"  # … in the data, of the row's sample
TO = "…"  # between two symbols: the columns from the one to the other
SYMBOL = re.compile(
    r"(?P<symbol>∂E/∂\w+|[^\W\d]\w*\b(?!\())(?:…(?P<to>\w+))?"
    r"(?:(?P<before>\[-1\])|(?P<above>\[\^\])|(?P<every>\[:\]))?"
)


class Role(StrEnum):
    """What a quantity is to the network; columns are coloured by it."""

    DATA = "data"
    PARAMETER = "weights"
    FORWARD = "forward pass"
    LOSS = "loss"
    DELTA = "errors δ"
    GRADIENT = "gradients"
    STATE = "optimizer"


@dataclass(frozen=True)
class Quantity:
    """One column of the training table."""

    symbol: str
    formula: str  # in symbols, without the leading "="
    role: Role
    first: str | int | None = None  # formula or number of the first iteration, if another
    stated: bool = False  # then the first iteration reads the initial value on the Overview
    once: bool = False  # an iteration, in its first row, where it has several
    group: str = ""  # the columns that it belongs with, in words

    @property
    def looked_up(self) -> bool:
        """Whether every row reads it from the data, by the number of its sample."""
        return self.formula.endswith(OF_SAMPLE)
