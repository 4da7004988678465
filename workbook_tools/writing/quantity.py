"""A column of the training table: its symbol, and its formula in symbols.

The same string becomes the cell's formula (``layout.py`` puts references for symbols), the
equation printed on the sheet and the header cell's note.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

# What may follow a symbol in a formula.
BEFORE = "[-1]"  # its value in the previous iteration
ABOVE = "[^]"  # its value in the row above
EVERY = "[:]"  # its values for all samples of the iteration
OF_SAMPLE = "[#]"  # its value on the sheet Data, for the sample of the row
TO = "…"  # between two symbols: the range of columns from the first to the second
SYMBOL = re.compile(
    r"(?P<symbol>∂E/∂\w+|[^\W\d]\w*\b(?!\())(?:…(?P<to>\w+))?"
    r"(?:(?P<before>\[-1\])|(?P<above>\[\^\])|(?P<every>\[:\]))?"
)


class Role(StrEnum):
    """The role of a quantity in the network; it decides the colour of the column."""

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
    first: str | int | None = None  # formula or number of the first iteration, if it is different
    stated: bool = False  # whether the first iteration reads an initial value on the Overview
    once: bool = False  # whether it has one value per iteration, in the first of its rows
    group: str = ""  # the name of its group of columns

    @property
    def looked_up(self) -> bool:
        """Whether every row looks it up in the data, by the number of the sample."""
        return self.formula.endswith(OF_SAMPLE)
