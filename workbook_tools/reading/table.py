"""A training table, as it was found on a sheet."""

import math
from dataclasses import dataclass, field

from workbook_tools.notation.addresses import Cell, range_name
from workbook_tools.notation.quantities import MEAN_LOSS, SAMPLE, SUMMED_LOSS, TOTAL_LOSS, Naming
from workbook_tools.reading.rates import Rate
from workbook_tools.reading.region import Region


@dataclass
class Table(Region):
    """A training table with the values that its sheet shows."""

    naming: Naming
    header_row: int
    unknown: dict[int, str]  # column -> a label that names no known quantity
    found_rate: Rate
    settings: dict[str, Cell]  # the optimizer's other settings, by symbol
    words: dict[str, str]  # what is said about the network and its training, by label
    unfinished: int  # rows at the end that hold only what a next iteration would begin with
    contradiction: str = ""  # why its columns are not those of the network
    not_calculated: set[tuple[int, str]] = field(default_factory=set)  # by row and symbol
    unknown_functions: list[str] = field(default_factory=list)  # that the engine does not know

    @property
    def rate_cell(self) -> Cell | None:
        """The cell of the learning rate; None where there is none."""
        return self.found_rate.cell

    @property
    def rate(self) -> float:
        """The learning rate; NaN where none was found."""
        return self.found_rate.value

    @property
    def iterations(self) -> int:
        """How many iterations there are; the last may lack samples."""
        return -(-(len(self.rows) - self.unfinished) // self.block)

    @property
    def loss(self) -> str:
        """The symbol of an iteration's loss: over all its samples, if the table has a column."""
        over_samples = (MEAN_LOSS, SUMMED_LOSS) if SAMPLE in self.columns else ()
        return next((s for s in over_samples if s in self.columns), TOTAL_LOSS)

    @property
    def last_loss(self) -> float:
        """The loss of the last iteration; NaN if there is none."""
        if self.loss not in self.columns:
            return math.nan
        return float(self.values[self.loss][(self.iterations - 1) * self.block])

    @property
    def last_loss_cell(self) -> Cell | None:
        """The cell of the loss of the last iteration; None if there is no column of losses."""
        column = self.columns.get(self.loss)
        row = self.row_of((self.iterations - 1) * self.block)
        return (self.sheet.name, row, column) if column else None

    @property
    def range(self) -> str:
        """The table's cells, header included: ``A31:AE99``."""
        columns = [*self.columns.values(), *self.unknown]
        last_row = self.row_of(len(self.rows) - 1 - self.unfinished)
        return range_name(self.header_row, min(columns), last_row, max(columns))
