"""The columns of a training: parameters, what is calculated from them, derivatives, and a state.

Every formula is written for one row of the table, with a mark in the place of the row's number.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from workbook_tools.errors import InputError
from workbook_tools.formulas.labels_beside import label_of
from workbook_tools.formulas.references import MAX_FORMULA_LENGTH
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.tree import Reference, Tree, parse, parts
from workbook_tools.gradients.anchored import anchored
from workbook_tools.gradients.blocks import Block
from workbook_tools.gradients.formulas import derivative_formulas
from workbook_tools.gradients.model import Model
from workbook_tools.gradients.side_cells import Area, Written
from workbook_tools.notation.addresses import (
    MAX_COLUMNS,
    Cell,
    cell_name,
    column_letter,
    full_name,
    sheet_prefix,
)
from workbook_tools.notation.quantities import (
    ITERATION,
    ITERATION_RATE,
    LEARNING_RATE,
    gradient_symbol,
    state_symbol,
)
from workbook_tools.notation.vocabulary import Optimizer, Schedule
from workbook_tools.package.cell_values import CellValue
from workbook_tools.spec.training import Training
from workbook_tools.training.batches import Batched
from workbook_tools.training.flat import Flat, Key, NotFlatError
from workbook_tools.training.headings import headings
from workbook_tools.training.order import Order, runs
from workbook_tools.writing.layout import HEADER_ROW, RATE, SETTINGS_COLUMN
from workbook_tools.writing.optimizers import scheduled, state, update
from workbook_tools.writing.quantity import BEFORE, SYMBOL, Quantity, Role

ROW, ABOVE = "\1", "\2"  # stand for the number of the row, and of the one above it
CONSTANTS = "Model"  # the sheet with the model's numbers
CONSTANTS_ROW, START_ROW = 8, 13  # its numbers; the parameters at the start
FIRST_COLUMN = 2  # the first column with numbers there
_ADJOINT = "∂ "
_SPARE = 500  # characters for longer numbers of rows


@dataclass(frozen=True)
class Column:
    """One column of the table."""

    heading: str
    note: str
    role: Role
    formula: str  # without the equals sign
    first: str | None = None  # that of the first row, if it is another


@dataclass(frozen=True)
class Constant:
    """A number or text of the model that no step changes, or a parameter at the start."""

    cell: Cell
    label: str | None
    content: float | str | bool  # a formula begins with an equals sign


@dataclass
class TrainingTable:
    """A model as a training."""

    columns: list[Column] = field(default_factory=list)
    constants: list[Constant] = field(default_factory=list)
    start: list[Constant] = field(default_factory=list)  # the parameters
    loss: int = 0  # the number of the column of the result, from 1
    places: dict[Cell, int] = field(default_factory=dict)  # the columns of the model's cells


def training_table(
    model: Model, training: Training, batched: Batched | None = None
) -> TrainingTable:
    """Lay out a model as a training; raises ``InputError``.

    A model that is ``batched`` is trained on some of its samples in each iteration.
    """
    return _Writer(model, training, batched).table()


class _Formula(NamedTuple):
    """A formula of a cell, with the sheets of all that it reads."""

    tree: Tree
    sheet: str
    is_array: bool


class _Writer:
    """Writes the columns of a training."""

    def __init__(self, model: Model, training: Training, batched: Batched | None) -> None:
        self._model, self._training, self._batched = model, training, batched
        looked_up = batched.looked_up if batched else {}
        self._data = {Key(False, cell): own for cell, own in looked_up.items()}
        self._adjoint_sheets = {_ADJOINT + sheet.name: sheet.name for sheet in model.sheets}
        written = derivative_formulas(model, are_all=False)
        blocks = {
            cell: block
            for block in written.rule.blocks
            for cell in written.rule.reach.cells_of(block)
        }
        forward = written.rule.changed(model.by).blocks
        adjoints = {**written.by, **written.beside}
        self._formulas = {
            **{Key(False, cell): _of_block(cell, block) for cell, block in forward.items()},
            **{Key(True, cell): own for cell, own in _of_adjoints(adjoints)},
        }
        self._flat = Flat(self._names, self._adjoint_sheets.get)
        self._constants = self._all_constants(blocks)
        looked_up_on = {cell[0] for _, cells in self._data.values() for cell in cells}
        order = Order(model, self._read_together(), looked_up_on)
        self._parameters = order.of([Key(False, cell) for cell in model.by])
        self._forward = order.of([Key(False, cell) for cell in forward])
        own = {Key(True, cell) for cell in model.by}
        self._slopes = order.of([k for k in self._formulas if k.is_adjoint and k not in own])
        self._slopes = [key for key in self._slopes if key.cell != model.of]
        self._constant_order = order.of([*self._constants])
        self._data_order = order.of([*self._data])
        self._labels = headings(model, [*self._parameters, *self._forward])
        self._places = self._placed()

    # What is read

    def _all_constants(self, blocks: Mapping[Cell, Block]) -> dict[Key, _Formula | None]:
        """Return the cells that are read and that no step changes, with their formulas."""
        known = {*self._formulas, *(Key(False, cell) for cell in self._model.by)}
        known |= {Key(True, self._model.of), *self._data}
        found: dict[Key, _Formula | None] = {}
        waiting = [*self._formulas.values()]
        if self._batched is not None:
            blocks = {**blocks, **self._batched.constant}
            for cell in (cell for _, cells in self._data.values() for cell in cells):
                found[Key(False, cell)] = None
                if cell in blocks:
                    found[Key(False, cell)] = own = _of_block(cell, blocks[cell])
                    waiting.append(own)
        while waiting:
            formula = waiting.pop()
            for key in (key for rows in self._read(formula) for row in rows for key in row):
                if key in known or key in found or self._content(key) is None:
                    continue
                found[key] = None
                if key.cell in blocks:
                    found[key] = own = _of_block(key.cell, blocks[key.cell])
                    waiting.append(own)
        return found

    def _read(self, formula: _Formula) -> Iterator[list[list[Key]]]:
        for _, part in parts(formula.tree):
            if isinstance(part, Reference):
                yield self._flat.keys(part.text, formula.sheet)

    def _read_together(self) -> Iterator[list[list[Key]]]:
        every = [*self._formulas.values(), *filter(None, self._constants.values())]
        for formula in every:
            yield from self._read(formula)

    def _content(self, key: Key) -> CellValue:
        return None if key.is_adjoint else self._model.values.value(key.cell)

    # Where it is

    def _placed(self) -> dict[Key, int]:
        """Return the column of everything in the table."""
        training = self._training
        self._numbered = [
            *([ITERATION] if _counts(training) or self._batched else []),
            *([ITERATION_RATE] if training.schedule is not Schedule.CONSTANT else []),
            *(f"sample {k}" for k in range(1, 1 + (self._batched.size if self._batched else 0))),
        ]
        first = len(self._numbered) + 1
        slopes = [Key(True, key.cell) for key in self._parameters]
        every = [*self._data_order, *self._parameters, *self._forward, *self._slopes, *slopes]
        states = sum(len(self._states(f"p{k}")) for k, _ in enumerate(self._parameters, start=1))
        if (count := first - 1 + len(every) + states) > MAX_COLUMNS:
            raise InputError(
                f"{self._model.path}: one iteration would have {count:,} columns, and a sheet has "
                f"{MAX_COLUMNS:,}; about {100 * MAX_COLUMNS // count} % of the rows "
                "of data would fit, or a --batch"
            )
        if len(self._constants) > MAX_COLUMNS:
            raise InputError(
                f"{self._model.path}: the model reads {len(self._constants):,} numbers, and a row "
                f"has {MAX_COLUMNS:,} columns; give a model with fewer rows of data"
            )
        return {key: column for column, key in enumerate(every, start=first)}

    def _names(self, keys: Sequence[Key], are_constant: bool = False) -> list[str | None]:
        """Return names of ranges that hold some cells, in their order.

        ``are_constant`` asks for the numbers of the model, not for those that are looked up.
        """
        found: list[str | None] = []
        place = self._where_constant if are_constant else self._where
        for run in runs(keys, place):
            where = place(run[0])
            if where is None or where[0] == "number":
                found.append(None if where is None else "1")
                continue
            strip, column = where
            ends = dict.fromkeys((column, column + len(run) - 1))
            if strip == CONSTANTS:
                cells = (cell_name(CONSTANTS_ROW, end, absolute=True) for end in ends)
                found.append(f"{CONSTANTS}!" + ":".join(cells))
            else:
                found.append(":".join(f"{column_letter(end)}{ROW}" for end in ends))
        return found

    def _where(self, key: Key) -> tuple[str, int] | None:
        """Return the strip and the column of a cell; None if it is empty."""
        if key == Key(True, self._model.of):
            return "number", 0  # the derivative of the result by itself is 1
        if key in self._places:
            return "table", self._places[key]
        return self._where_constant(key)

    def _where_constant(self, key: Key) -> tuple[str, int] | None:
        if key in self._constants:
            return CONSTANTS, self._constant_columns[key]
        return None

    @cached_property
    def _constant_columns(self) -> dict[Key, int]:
        return {key: column for column, key in enumerate(self._constant_order, start=FIRST_COLUMN)}

    # The columns

    def table(self) -> TrainingTable:
        """Return the whole table; raises ``InputError``."""
        training, columns = self._training, [*self._iteration()]
        for key in self._data_order:
            columns.append(self._of_sample(key))
        for key in self._parameters:
            columns.append(self._parameter(key))
        for key in self._forward:
            role = Role.LOSS if key.cell == self._model.of else Role.FORWARD
            note = f"{full_name(key.cell)}: {self._model.formula(key.cell)}"
            columns.append(Column(self._labels[key], note, role, self._formula(key)))
        for key in self._slopes:
            columns.append(self._slope(key, Role.DELTA))
        for key in self._parameters:
            columns.append(self._slope(Key(True, key.cell), Role.GRADIENT))
        for k, key in enumerate(self._parameters, start=1):
            for quantity in self._states(f"p{k}"):
                columns.append(
                    Column(
                        state_symbol(quantity.symbol[0], self._labels[key]),
                        f"{quantity.symbol[0]} of {self._labels[key]}, by {training.optimizer}",
                        Role.STATE,
                        self._in_symbols(quantity.formula),
                        self._in_symbols(str(quantity.first)),
                    )
                )
        return TrainingTable(
            columns,
            [self._constant(key) for key in self._constant_order],
            [
                Constant(key.cell, self._labels[key], self._model.number(key.cell))
                for key in self._parameters
            ],
            self._places[Key(False, self._model.of)],
            {key.cell: column for key, column in self._places.items() if not key.is_adjoint},
        )

    def _iteration(self) -> Iterator[Column]:
        if ITERATION in self._numbered:
            column = Column(
                ITERATION, "the number of the iteration", Role.DATA,
                self._in_symbols(f"{ITERATION}{BEFORE}+1"), "1",
            )  # fmt: skip
            # A loss of a batch depends on it: if it read the row above, it would look like a
            # parameter.
            by_row = replace(column, formula=f"ROW()-{HEADER_ROW}", first=None)
            yield by_row if self._batched else column
        if ITERATION_RATE in self._numbered:
            schedule = self._training.schedule
            formula = self._in_symbols(scheduled(schedule))
            yield Column(ITERATION_RATE, f"the learning rate: {schedule}", Role.DATA, formula)

        if self._batched is not None:
            size, count = self._batched.size, self._batched.count
            for k in range(1, size + 1):
                number = f"MOD(({column_letter(1)}{ROW}-1)*{size}+{k - 1},{count})+1"
                yield Column(f"sample {k}", "the number of the sample", Role.DATA, number)

    def _of_sample(self, key: Key) -> Column:
        """Return the column of what is looked up for a sample of the batch."""
        number, cells = self._data[key]
        strip = self._names([Key(False, cell) for cell in cells], are_constant=True)
        if len(strip) != 1:
            raise InputError(
                f"{self._model.path}: --batch: {full_name(cells[0])} and the cells below are not "
                "the data of all samples; train on all samples"
            )
        sample = f"{column_letter(self._numbered.index(f'sample {number + 1}') + 1)}{ROW}"
        label = label_of(self._sheet(key.cell[0]), *key.cell[1:]) or cell_name(*key.cell[1:])
        note = f"{full_name(cells[0])} and below, of sample {number + 1} of the batch"
        return Column(f"{label} {number + 1}", note, Role.DATA, f"INDEX({strip[0]},{sample})")

    def _parameter(self, key: Key) -> Column:
        k = self._parameters.index(key) + 1
        training = self._training
        constant = training.schedule is Schedule.CONSTANT
        rate = LEARNING_RATE if constant else f"{ITERATION_RATE}{BEFORE}"
        formula = update(training.optimizer, f"p{k}", rate, training.weight_decay > 0)
        start = f"{CONSTANTS}!{cell_name(START_ROW, k + FIRST_COLUMN - 1, absolute=True)}"
        note = f"{full_name(key.cell)}, updated by {training.optimizer}"
        return Column(self._labels[key], note, Role.PARAMETER, self._in_symbols(formula), start)

    def _slope(self, key: Key, role: Role) -> Column:
        label = (
            self._labels.get(Key(False, key.cell)) or f"part of a sum, {cell_name(*key.cell[1:])}"
        )
        note = f"∂{full_name(self._model.of)} / ∂{full_name(key.cell)}"
        formula = self._formula(key) if key in self._formulas else "0"
        return Column(gradient_symbol(label), note, role, formula)

    def _constant(self, key: Key) -> Constant:
        formula, sheet = self._constants[key], self._sheet(key.cell[0])
        value = self._model.values.value(key.cell)
        content = value if isinstance(value, str | bool) else self._model.number(key.cell)
        if formula is not None:
            content = f"={self._flat_text(key, formula)}"
        return Constant(key.cell, label_of(sheet, *key.cell[1:]), content)

    def _formula(self, key: Key) -> str:
        return self._flat_text(key, self._formulas[key])

    def _flat_text(self, key: Key, formula: _Formula) -> str:
        try:
            found = self._flat.formula(formula.tree, formula.sheet)
        except NotFlatError as error:
            raise InputError(f"{self._model.path}: {full_name(key.cell)}: {error}") from error
        if len(found) > MAX_FORMULA_LENGTH - _SPARE:
            raise InputError(
                f"{self._model.path}: {full_name(key.cell)}: its formula in one row has "
                f"{len(found):,} characters, and a cell holds {MAX_FORMULA_LENGTH:,}; give a model "
                "with fewer rows of data"
            )
        return found

    def _states(self, symbol: str) -> list[Quantity]:
        training = self._training
        return state(training.optimizer, symbol, training.weight_decay > 0)

    def _in_symbols(self, formula: str) -> str:
        """Return a formula in symbols with references in their place."""

        def reference(match: re.Match[str]) -> str:
            symbol = match["symbol"]
            if symbol in self._settings:
                return cell_name(*self._settings[symbol], absolute=True)
            return f"{column_letter(self._symbols[symbol])}{ABOVE if match['before'] else ROW}"

        return SYMBOL.sub(reference, formula)

    @cached_property
    def _settings(self) -> dict[str, tuple[int, int]]:
        return setting_places(self._training)

    @cached_property
    def _symbols(self) -> dict[str, int]:
        """The columns of what the optimizer's formulas name."""
        found = {symbol: column for column, symbol in enumerate(self._numbered, start=1)}
        last = max(self._places.values())
        for k, key in enumerate(self._parameters, start=1):
            found[f"p{k}"] = self._places[key]
            found[gradient_symbol(f"p{k}")] = self._places[Key(True, key.cell)]
            for quantity in self._states(f"p{k}"):
                last += 1
                found[quantity.symbol] = last
        return found

    def _sheet(self, name: str) -> Sheet:
        return next(sheet for sheet in self._model.sheets if sheet.name == name)


def setting_places(training: Training) -> dict[str, tuple[int, int]]:
    """Return the cell (row, column) of the learning rate, and of each setting of an optimizer."""
    columns = range(SETTINGS_COLUMN, SETTINGS_COLUMN + 2 * len(training.settings), 2)
    places = {
        symbol: (RATE[0], column) for symbol, column in zip(training.settings, columns, strict=True)
    }
    return {LEARNING_RATE: RATE, **places}


def _counts(training: Training) -> bool:
    """Tell whether a formula needs the number of the iteration."""
    is_adam = training.optimizer in (Optimizer.ADAM, Optimizer.ADAMW)
    return is_adam or training.schedule is not Schedule.CONSTANT


def _of_block(cell: Cell, block: Block) -> _Formula:
    tree = block.at(cell, lambda slot: sheet_prefix(slot.sheet) + slot.text(*cell[1:]))
    return _Formula(tree, cell[0], block.is_array)


def _of_adjoints(written: Mapping[Cell, Written]) -> Iterator[tuple[Cell, _Formula]]:
    def prefix(area: Area, sheet: str) -> str:
        return sheet_prefix(_ADJOINT + area.sheet if area.is_adjoint else area.sheet)

    for cell, text in anchored(written, prefix).items():
        yield cell, _Formula(parse(text), cell[0], written[cell].is_array)
