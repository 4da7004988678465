"""Where each quantity stands: columns, rows, and formulas with references for symbols.

A training table has its header in row 31 and one iteration a row below it; the learning rate
stands above the header, in G30. People know this layout from the classic exercise.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from workbook_tools.errors import InputError
from workbook_tools.experiment import Experiment, sheet_name
from workbook_tools.notation import LEARNING_RATE, TOTAL_LOSS
from workbook_tools.references import (
    MAX_COLUMNS,
    MAX_FORMULA_LENGTH,
    MAX_ROWS,
    cell_name,
    column_letter,
    sheet_prefix,
)
from workbook_tools.writing.formulas import Quantity, quantities

HEADER_ROW = 31
RATE_LABEL = (30, 6)  # row, column: F30
RATE = (30, 7)  # G30

OVERVIEW = "Overview"
PARAMETER_HEADER_ROW = 14
PARAMETER_COLUMN = 2  # the symbols; the values stand right of them

MAX_SHEET_BYTES = (1 << 31) - 1  # of XML, in a zip file that every program can read (no ZIP64)
_CELL_BYTES = 62  # a cell's name, style, tags and value, beside its formula

_SYMBOL = re.compile(r"∂E/∂\w+|[^\W\d]\w*\b(?!\()")


@dataclass(frozen=True)
class Layout:
    """The cells of one experiment's workbook."""

    experiment: Experiment

    @cached_property
    def quantities(self) -> list[Quantity]:
        """The table's columns, from the left."""
        return quantities(self.experiment)

    @cached_property
    def columns(self) -> dict[str, int]:
        """Each symbol's column, counted from 1."""
        return {quantity.symbol: k for k, quantity in enumerate(self.quantities, start=1)}

    @property
    def first_row(self) -> int:
        """The row of iteration 1."""
        return HEADER_ROW + 1

    @property
    def last_row(self) -> int:
        """The row of the last iteration."""
        return HEADER_ROW + self.experiment.training.iterations

    @cached_property
    def sheet_names(self) -> dict[float, str]:
        """The sheet of each learning rate: ``LR 0.1``."""
        return {rate: sheet_name(rate) for rate in self.experiment.training.learning_rates}

    @cached_property
    def parameter_cells(self) -> dict[str, tuple[int, int]]:
        """The input cell (row, column) on the Overview of each initial value."""
        naming = self.experiment.naming
        symbols = list(self.experiment.initial_values)
        in_reading_order = naming.inputs + naming.targets
        in_reading_order += [symbol for symbol in symbols if symbol[0] in "wb"]
        return {
            symbol: (row, PARAMETER_COLUMN + 1)
            for row, symbol in enumerate(in_reading_order, start=PARAMETER_HEADER_ROW + 1)
        }

    def formula(self, quantity: Quantity, row: int) -> str:
        """Return the cell formula of a quantity in an iteration's row.

        In the first row a quantity that comes from the row above reads its initial value on
        the Overview.
        """
        if quantity.from_row_above and row == self.first_row:
            cell = cell_name(*self.parameter_cells[quantity.symbol], absolute=True)
            return f"={OVERVIEW}!{cell}"
        source_row = row - 1 if quantity.from_row_above else row

        def reference(match: re.Match[str]) -> str:
            if match[0] == LEARNING_RATE:
                return cell_name(*RATE, absolute=True)
            return cell_name(source_row, self.columns[match[0]])

        return "=" + _SYMBOL.sub(reference, quantity.formula)

    def loss_cell(self, rate: float, row: int) -> str:
        """Return the reference, with its sheet, to E_tot in a row."""
        name = cell_name(row, self.columns[TOTAL_LOSS], absolute=True)
        return sheet_prefix(self.sheet_names[rate]) + name

    def check_limits(self) -> None:
        """Raise ``InputError`` if Excel could not hold the workbook."""
        if self.last_row > MAX_ROWS:
            raise InputError(
                f"training.iterations: {self.experiment.training.iterations:,} rows do not fit "
                f"on a sheet of {MAX_ROWS:,}; give at most {MAX_ROWS - HEADER_ROW:,}"
            )
        if len(self.quantities) > MAX_COLUMNS:
            raise InputError(
                f"network.layers: {len(self.quantities):,} columns do not fit on a sheet of "
                f"{MAX_COLUMNS:,} (up to {column_letter(MAX_COLUMNS)}); make the layers smaller"
            )
        row_bytes = sum(len(self.formula(q, self.last_row)) + _CELL_BYTES for q in self.quantities)
        if row_bytes * self.experiment.training.iterations > MAX_SHEET_BYTES:
            raise InputError(
                f"training.iterations: {self.experiment.training.iterations:,} rows of "
                f"{row_bytes:,} bytes are more than a workbook file can hold; give at most "
                f"{MAX_SHEET_BYTES // row_bytes:,} iterations"
            )
        longest = max(self.quantities, key=lambda quantity: len(quantity.formula))
        length = len(self.formula(longest, self.last_row))
        if length > MAX_FORMULA_LENGTH:
            raise InputError(
                f"network.layers: the formula of {longest.symbol} has {length:,} characters, "
                f"Excel takes {MAX_FORMULA_LENGTH:,}; make the layers smaller"
            )
