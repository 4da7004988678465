"""How tables were read, as a report shows it."""

from dataclasses import dataclass


@dataclass
class Understood:
    """How a table was read: what its labels say, what its formulas say, and what was assumed."""

    header_row: int
    first_row: int
    columns: dict[str, str]  # the letters of columns, or cells, by symbol
    unknown: dict[str, str]  # labels that name no known quantity, by the letters of their columns
    rate_cell: str | None  # "Sheet1!G31"
    rate_found: str  # how the learning rate was found
    layers: str  # "image 8x8, convolution 3x3 to 2, …"; empty for a network without images
    wiring: list[str]  # "h1 = w1·i1 + w2·i2"; only one unit of a convolution
    usual_wiring: bool  # whether weights are numbered unit by unit
    activations: list[str]  # of each layer with weights
    loss: str
    optimizer: str
    known: dict[str, str]  # how activations, loss and optimizer are known


@dataclass(frozen=True)
class UnreadTable:
    """Columns that look like those of a training table, but were not understood as one."""

    sheet: str
    header_row: int
    formulas: int  # formula cells below the header
    why: str  # it was not understood
