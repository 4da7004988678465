"""Where each quantity is: columns, rows, and formulas with references in place of symbols.

A training table has its header in row 31 and the iterations below it. An iteration is one row or,
with several samples, a block of rows, one for each sample. The learning rate is above the header,
in G30. People know this layout from the classic exercise.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from workbook_tools.notation.addresses import cell_name, sheet_prefix
from workbook_tools.notation.quantities import (
    ACCURACY,
    CLASS,
    LEARNING_RATE,
    MEAN_LOSS,
    NO_BIAS,
    OWN_BIASES,
    SAMPLE,
    SHARED_BIAS,
    SUMMED_LOSS,
    TOTAL_LOSS,
)
from workbook_tools.notation.vocabulary import Schedule
from workbook_tools.spec.experiment import Experiment, Run
from workbook_tools.writing.formulas import quantities
from workbook_tools.writing.quantity import SYMBOL, Quantity

HEADER_ROW = 31
FIRST_ROW = HEADER_ROW + 1
RATE = (30, 7)  # row, column: G30; its label is to the left
SETTINGS_COLUMN = 14  # N: the first of the other settings; labels are to the left

OVERVIEW = "Overview"
PARAMETER_HEADER_ROW = 14
PARAMETER_COLUMN = 2  # the symbols; the values are to the right

DATA = "Data"
DATA_HEADER_ROW = 7

# Roughly the size of a formula cell, and of a sheet with its pictures, in the compressed file.
_SAVED_CELL_BYTES, _SAVED_SHEET_BYTES = 21, 25_000


@dataclass(frozen=True)
class DataLayout:
    """The cells of the sheet with the samples: one row for each, below the symbols."""

    experiment: Experiment

    @property
    def first_row(self) -> int:
        """The row of sample 1."""
        return DATA_HEADER_ROW + 1

    @property
    def last_row(self) -> int:
        """The row of the last sample."""
        return DATA_HEADER_ROW + self.experiment.data.count

    @cached_property
    def columns(self) -> dict[str, int]:
        """Each symbol's column, counted from 1."""
        naming, data = self.experiment.naming, self.experiment.data
        symbols = [SAMPLE]
        if data.standardise:
            symbols += [f"x{k}" for k in range(1, naming.sizes[0] + 1)]
        if data.classes:
            symbols.append(CLASS)
        symbols += naming.inputs + naming.targets
        return {symbol: column for column, symbol in enumerate(symbols, start=1)}

    def column_range(self, symbol: str) -> str:
        """Return the reference, with its sheet, to a quantity's values for all samples."""
        column = self.columns[symbol]
        first = cell_name(self.first_row, column, absolute=True)
        last = cell_name(self.last_row, column, absolute=True)
        return f"{DATA}!{first}:{last}"


@dataclass(frozen=True)
class ParameterLayout:
    """The input cells on the Overview: initial parameters, and the data if it is one sample."""

    experiment: Experiment

    @cached_property
    def cells(self) -> dict[str, tuple[int, int]]:
        """The cell (row, column) of each initial value."""
        naming = self.experiment.naming
        symbols = list(self.experiment.initial_values)
        sample = [s for s in naming.inputs + naming.targets if s in symbols]
        in_reading_order = sample + [symbol for symbol in symbols if symbol[0] in "wb"]
        return {
            symbol: (row, PARAMETER_COLUMN + 1)
            for row, symbol in enumerate(in_reading_order, start=PARAMETER_HEADER_ROW + 1)
        }


@dataclass(frozen=True)
class Layout:
    """The cells of one training's sheet."""

    run: Run

    @property
    def experiment(self) -> Experiment:
        """The spec of this sheet."""
        return self.run.experiment

    @property
    def name(self) -> str:
        """The name of the sheet."""
        return self.run.name

    @property
    def iterations(self) -> int:
        """How many iterations the table has."""
        return self.experiment.training.iterations

    @cached_property
    def quantities(self) -> list[Quantity]:
        """The table's columns, from the left."""
        return quantities(self.experiment)

    @cached_property
    def columns(self) -> dict[str, int]:
        """Each symbol's column, counted from 1."""
        return {quantity.symbol: k for k, quantity in enumerate(self.quantities, start=1)}

    @cached_property
    def _once(self) -> set[str]:
        return {quantity.symbol for quantity in self.quantities if quantity.once}

    @cached_property
    def _parameters(self) -> dict[str, tuple[int, int]]:
        return ParameterLayout(self.experiment).cells

    @cached_property
    def _data(self) -> DataLayout:
        return DataLayout(self.experiment)

    @property
    def block(self) -> int:
        """How many rows an iteration has: one for each sample."""
        return self.experiment.batch

    @property
    def last_row(self) -> int:
        """The row of the last iteration's last sample."""
        return HEADER_ROW + self.experiment.training.iterations * self.block

    def iteration_row(self, iteration: int) -> int:
        """Return the first row of an iteration, counted from 1."""
        return FIRST_ROW + (iteration - 1) * self.block

    @property
    def loss(self) -> str:
        """The symbol of an iteration's loss."""
        return next(s for s in (MEAN_LOSS, SUMMED_LOSS, TOTAL_LOSS) if s in self.columns)

    @property
    def results(self) -> list[str]:
        """The symbols of an iteration's results: its loss and, for classes, its accuracy."""
        return [self.loss, *([ACCURACY] if ACCURACY in self.columns else [])]

    @cached_property
    def setting_cells(self) -> dict[str, tuple[int, int]]:
        """The cell (row, column) of η and of every other setting, above the table."""
        settings = self.experiment.settings
        columns = range(SETTINGS_COLUMN, SETTINGS_COLUMN + 2 * len(settings), 2)
        places = {
            symbol: (RATE[0], column) for symbol, column in zip(settings, columns, strict=True)
        }
        return {LEARNING_RATE: RATE, **places}

    @property
    def words(self) -> dict[str, str]:
        """The labels and words above each table, for what differs from the classic sheet."""
        network, training = self.experiment.network, self.experiment.training
        found: dict[str, str] = {}
        if self.experiment.naming.on_images:
            found["layers"] = ", ".join(map(str, network.layers))
        if not (self.experiment.is_classic and training.is_plain):
            found |= {
                "activation": ", ".join(network.activations),
                "loss": str(network.loss),
                "optimizer": str(training.optimizer),
            }
        naming = self.experiment.naming
        if len(set(network.bias_kinds)) > 1 or (naming.on_images and naming.bias_count):
            found["biases"] = ", ".join(
                NO_BIAS if not count else SHARED_BIAS if count < own else OWN_BIASES
                for layer in naming.weighted_layers
                for count, own in [
                    (naming.bias_sizes[layer - 1], naming.kinds[layer - 1].bias_count)
                ]
            )
        if self.experiment.data.is_several:
            found["gradients"] = training.over_samples
        if training.schedule is not Schedule.CONSTANT:
            found["schedule"] = str(training.schedule)
        return found

    def content(self, quantity: Quantity, row: int) -> str | int | None:
        """Return the content of a quantity's cell: its formula, an initial number, or None.

        A quantity with one value per iteration has it in the iteration's first row only.
        """
        if quantity.once and (row - FIRST_ROW) % self.block:
            return None
        if row == FIRST_ROW and isinstance(quantity.first, int):
            return quantity.first
        return self.formula(quantity, row)

    def formula(self, quantity: Quantity, row: int) -> str:
        """Return the cell formula of a quantity in a row.

        In the first iteration, a quantity with an initial value reads it from the Overview.
        """
        formula = quantity.formula
        begin = row - (row - FIRST_ROW) % self.block  # of the iteration
        if quantity.looked_up:
            sample = cell_name(row, self.columns[SAMPLE])
            return f"=INDEX({self._data.column_range(quantity.symbol)},{sample})"
        if begin == FIRST_ROW:
            if quantity.stated:
                cell = cell_name(*self._parameters[quantity.symbol], absolute=True)
                return f"={OVERVIEW}!{cell}"
            if isinstance(quantity.first, str):
                formula = quantity.first

        def reference(match: re.Match[str]) -> str:
            symbol = match["symbol"]
            if setting := self.setting_cells.get(symbol):
                return cell_name(*setting, absolute=True)
            column = self.columns[symbol]
            if match["every"] or match["to"]:
                first_row, last_row = (
                    (begin, begin + self.block - 1) if match["every"] else (row, row)
                )
                last = cell_name(last_row, self.columns[match["to"] or symbol])
                return f"{cell_name(first_row, column)}:{last}"
            if match["above"]:
                return cell_name(row - 1, column)
            there = begin if symbol in self._once else row
            return cell_name(there - self.block if match["before"] else there, column)

        return "=" + SYMBOL.sub(reference, formula)

    def result_cell(self, symbol: str, iteration: int) -> str:
        """Return the reference, with its sheet, to a quantity's cell in an iteration."""
        name = cell_name(self.iteration_row(iteration), self.columns[symbol], absolute=True)
        return sheet_prefix(self.run.name) + name

    @property
    def formula_cells(self) -> int:
        """How many cells the table has: formulas, and the typed numbers in its first row."""
        once = len(self._once)
        rows = self.experiment.training.iterations
        return rows * (once + self.block * (len(self.quantities) - once))


@dataclass(frozen=True)
class Book:
    """The cells of one experiment's workbook."""

    experiment: Experiment

    @cached_property
    def sheets(self) -> list[Layout]:
        """The sheets of the trainings, in order."""
        return [Layout(run) for run in self.experiment.runs]

    @property
    def parameters(self) -> ParameterLayout:
        """The input cells on the Overview."""
        return ParameterLayout(self.experiment)

    @property
    def data(self) -> DataLayout | None:
        """The sheet of the samples; None if there is only one sample."""
        return DataLayout(self.experiment) if self.experiment.data.is_several else None

    @property
    def expected_bytes(self) -> int:
        """Roughly how large the saved file will be; within 20 % for the workbooks that we ship."""
        cells = sum(sheet.formula_cells for sheet in self.sheets)
        return _SAVED_CELL_BYTES * cells + _SAVED_SHEET_BYTES * (1 + len(self.sheets))

    @property
    def described(self) -> str:
        """One line on what will be written: sheets, rows, columns, cells and size."""
        tables = [
            f"{layout.experiment.training.iterations * layout.block:,} rows × "
            f"{len(layout.quantities):,} columns"
            for layout in self.sheets
        ]
        alike = [
            text if tables.count(text) == 1 else f"{tables.count(text)} × {text}"
            for text in dict.fromkeys(tables)
        ]
        cells = sum(layout.formula_cells for layout in self.sheets)
        size = self.expected_bytes / 1e6
        shown = f"{size:,.1f}" if size < 10 else f"{size:,.0f}"
        return f"{'; '.join(alike)}: {cells:,} cells, about {shown} MB"
