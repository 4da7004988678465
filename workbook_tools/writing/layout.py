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
from workbook_tools.vocabulary import Schedule
from workbook_tools.writing.formulas import SYMBOL, Formulas, Quantity

HEADER_ROW = 31
RATE_LABEL = (30, 6)  # row, column: F30
RATE = (30, 7)  # G30
SETTINGS_COLUMN = 14  # N: the first of the other settings; labels stand left of them

OVERVIEW = "Overview"
PARAMETER_HEADER_ROW = 14
PARAMETER_COLUMN = 2  # the symbols; the values stand right of them

MAX_SHEET_BYTES = (1 << 31) - 1  # of XML, in a zip file that every program can read (no ZIP64)
_CELL_BYTES = 62  # a cell's name, style, tags and value, beside its formula


@dataclass(frozen=True)
class Layout:
    """The cells of one experiment's workbook."""

    experiment: Experiment

    @cached_property
    def quantities(self) -> list[Quantity]:
        """The table's columns, from the left."""
        return Formulas.of(self.experiment).quantities()

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
    def setting_cells(self) -> dict[str, tuple[int, int]]:
        """The cell (row, column) above each table of η and of every other setting."""
        settings = self.experiment.training.settings
        columns = range(SETTINGS_COLUMN, SETTINGS_COLUMN + 2 * len(settings), 2)
        places = {
            symbol: (RATE[0], column) for symbol, column in zip(settings, columns, strict=True)
        }
        return {LEARNING_RATE: RATE, **places}

    @property
    def words(self) -> dict[str, str]:
        """What stands above each table in words, where it is not the classic's."""
        network, training = self.experiment.network, self.experiment.training
        if network.is_classic and training.is_plain:
            return {}
        found = {
            "activation": ", ".join(network.activations),
            "loss": str(network.loss),
            "optimizer": str(training.optimizer),
        }
        if training.schedule is not Schedule.CONSTANT:
            found["schedule"] = str(training.schedule)
        return found

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

    def content(self, quantity: Quantity, row: int) -> str | int:
        """Return what stands in a quantity's cell: its formula, or a number to begin with."""
        if row == self.first_row and isinstance(quantity.first, int):
            return quantity.first
        return self.formula(quantity, row)

    def formula(self, quantity: Quantity, row: int) -> str:
        """Return the cell formula of a quantity in an iteration's row.

        In the first row a quantity that is stated reads its initial value on the Overview.
        """
        formula = quantity.formula
        if row == self.first_row:
            if quantity.stated:
                cell = cell_name(*self.parameter_cells[quantity.symbol], absolute=True)
                return f"={OVERVIEW}!{cell}"
            if isinstance(quantity.first, str):
                formula = quantity.first

        def reference(match: re.Match[str]) -> str:
            symbol = match["symbol"]
            if setting := self.setting_cells.get(symbol):
                return cell_name(*setting, absolute=True)
            return cell_name(row - 1 if match["before"] else row, self.columns[symbol])

        return "=" + SYMBOL.sub(reference, formula)

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
