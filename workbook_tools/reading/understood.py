"""How tables were read, in words for a report."""

from dataclasses import dataclass


@dataclass
class Understood:
    """How a table was read: what its labels say, what its formulas say, and what was assumed."""

    header_row: int
    first_row: int
    columns: dict[str, str]  # letters by symbol
    unknown: dict[str, str]  # labels that name no known quantity, by letters
    rate_cell: str | None  # "Sheet1!G31"
    rate_found: str  # how
    layers: str  # as they are said: "image 8x8, convolution 3x3 to 2, …"; empty if all are usual
    wiring: list[str]  # "h1 = w1·i1 + w2·i2"; of a convolution one unit
    usual_wiring: bool
    activations: list[str]  # of each layer with weights
    loss: str
    optimizer: str
    known: dict[str, str]  # how the last three are known: said, by the formulas, assumed


@dataclass(frozen=True)
class UnreadTable:
    """Columns that look like those of a training table, but were not understood as one."""

    sheet: str
    header_row: int
    formulas: int  # cells below the header
    why: str
