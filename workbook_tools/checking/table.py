"""A training table, as it was found on a sheet."""

from dataclasses import dataclass, field

import pandas as pd

from workbook_tools.checking.cells import Cell
from workbook_tools.checking.rates import Rate
from workbook_tools.checking.sheets import Sheet
from workbook_tools.engines import CellError
from workbook_tools.notation import MEAN_LOSS, SAMPLE, SUMMED_LOSS, TOTAL_LOSS, Naming
from workbook_tools.references import range_name

# What an engine shows where it does not know a function, or cannot read a formula.
NOT_UNDERSTOOD = (CellError("#NAME?"), CellError("#ERROR!"))


@dataclass
class Table:
    """A training table and the sheet's own values of its quantities."""

    sheet: Sheet
    naming: Naming
    header_row: int
    columns: dict[str, int]  # symbol -> column
    unknown: dict[int, str]  # column -> a label that names no known quantity
    found_rate: Rate
    settings: dict[str, Cell]  # the other numbers that the training is set by, by symbol
    words: dict[str, str]  # what is said of the network and its training, by label
    values: pd.DataFrame  # by row number and symbol; NaN where there is no number
    block: int  # how many rows an iteration has
    errors: dict[tuple[int, str], CellError]  # by row number and symbol
    unfinished: int  # rows at the end that hold no more than a next iteration would begin with
    not_calculated: set[tuple[int, str]] = field(default_factory=set)  # by row and symbol
    unknown_functions: list[str] = field(default_factory=list)  # that the engine lacks

    @property
    def rate_cell(self) -> Cell | None:
        """The cell of the learning rate; None where there is none."""
        return self.found_rate.cell

    @property
    def rate(self) -> float:
        """The learning rate; NaN where none was found."""
        return self.found_rate.value

    @property
    def first_row(self) -> int:
        """The row of iteration 1."""
        return int(self.values.index[0])

    @property
    def last_row(self) -> int:
        """The last row of the table."""
        return int(self.values.index[-1])

    @property
    def iterations(self) -> int:
        """How many iterations there are; the last may lack samples."""
        return -(-(len(self.values) - self.unfinished) // self.block)

    @property
    def loss(self) -> str:
        """The symbol of an iteration's loss: over its samples, where there is such a column."""
        over_samples = (MEAN_LOSS, SUMMED_LOSS) if SAMPLE in self.columns else ()
        return next((s for s in over_samples if s in self.columns), TOTAL_LOSS)

    @property
    def range(self) -> str:
        """The table's cells, header included: ``A31:AE99``."""
        columns = [*self.columns.values(), *self.unknown]
        last_row = self.last_row - self.unfinished
        return range_name(self.header_row, min(columns), last_row, max(columns))
