"""Evaluates formulas on other numbers: a formula that is right only on its own is wrong.

On a sheet with t1 = t2 = 0.5, a loss that reads the wrong target still shows the right value.
So two consecutive iterations are drawn at random, worked out by the reference, and put in the
place of two of a table's (and of the data, the stated initial values, the learning rate and the
other settings); each distinct formula must then give the value of its own quantity. What else a
formula reads keeps its value.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from workbook_tools.checking.cells import Cell, number
from workbook_tools.checking.described import FIELDS
from workbook_tools.checking.grounds import Grounds
from workbook_tools.checking.network import Samples
from workbook_tools.checking.reference import Reference
from workbook_tools.checking.rounding import Array
from workbook_tools.checking.table import NOT_UNDERSTOOD, Table
from workbook_tools.checking.trial import evaluate_on, helper_formulas, read_elsewhere
from workbook_tools.engines import Calculation
from workbook_tools.references import areas
from workbook_tools.vocabulary import Activation, Loss, Schedule

DRAWS = 2
DRAWS_OF_BRANCHES = 12  # of formulas with MAX, MIN, IF or INT, so that each way is taken
TOLERANCE = 1e-9  # relative; the drawn numbers are not large, and hardly ever cancel
NOTHING = 1e-15  # what rounding leaves of a sum that is 0, such as of all softmax errors
_ITERATIONS = 4  # so that an optimizer has something to remember
_RANGES = {
    "μ": (0.5, 0.95),
    "α": (0.5, 0.95),
    "β1": (0.5, 0.95),
    "β2": (0.5, 0.95),
    "ε": (0.01, 0.1),
    "λ": (0.01, 0.2),
    "γ": (0.5, 0.9),
    "span": (2, 9),
}
_SEED = 20_260_101  # the same verdict every time


@dataclass
class Draw:
    """Random iterations that follow each other, with all that they were worked out from."""

    begin: pd.DataFrame  # the first two of a training
    later: pd.DataFrame  # two of its midst
    samples: Samples
    start: dict[str, float]  # weights and biases, by symbol; those of ``later``'s start too
    rate: float
    settings: dict[str, float]  # by symbol

    def iteration(self, number: int) -> pd.DataFrame:
        """Return what belongs in the place of the first iteration (0), or of any later one."""
        pair = self.later if number else self.begin
        count = len(pair) // 2
        return pair.iloc[count:] if number else pair.iloc[:count]

    @property
    def before(self) -> pd.DataFrame:
        """The iteration before a later one."""
        return self.later.iloc[: len(self.later) // 2]


def draw(
    reference: Reference,
    settings: Iterable[str],
    count: int,
    classes: bool,
    rate: float | None,
    generator: np.random.Generator,
) -> Draw:
    """Draw data, weights, biases, a rate and these settings, and work the iterations out.

    There are ``count`` samples; ``classes`` says whether their targets are 0 and 1. A ``rate``
    that is given is not drawn.
    """
    samples = _samples(reference, count, classes, generator)
    # Weights of both signs keep the units from saturating.
    start = {symbol: generator.uniform(-1.0, 1.0) for symbol in reference.trained}
    fixed = [symbol for symbol in reference.start if symbol not in start]
    start |= {symbol: generator.uniform(0.2, 1.0) for symbol in fixed}
    rate = generator.uniform(0.3, 1.5) if rate is None else rate
    drawn = {symbol: generator.uniform(*_RANGES[symbol]) for symbol in settings if symbol in FIELDS}
    drawn = {s: round(value) if s == "span" else value for s, value in drawn.items()}
    changes: dict[str, Any] = {FIELDS[symbol]: value for symbol, value in drawn.items()}
    changed = replace(reference, rule=replace(reference.rule, **changes))
    number = int(generator.integers(2, 20))
    midst = changed.run(start, samples, rate, _ITERATIONS, number)
    later = midst.iloc[-2 * reference.block :]
    begin = changed.run(start, samples, rate, 2)
    return Draw(begin, later, samples, start, rate, drawn)


def _samples(
    reference: Reference, count: int, classes: bool, generator: np.random.Generator
) -> Samples:
    sizes = reference.naming.sizes
    inputs = generator.uniform(0.2, 1.0, (count, sizes[0]))
    targets = generator.uniform(0.2, 1.0, (count, sizes[-1]))
    if reference.loss is Loss.CATEGORICAL_CROSS_ENTROPY:  # its targets add up to 1
        if classes:
            targets = np.eye(sizes[-1])[generator.integers(0, sizes[-1], count)]
        targets = targets / targets.sum(axis=1, keepdims=True)
    elif classes:
        targets = np.round(targets - 0.1)
    return Samples(inputs, targets)


def _draws(reference: Reference) -> int:
    smooth = {Activation.SIGMOID, Activation.TANH, Activation.LINEAR}
    plain = set(reference.network.activations) <= smooth and not reference.delta_columns
    constant = reference.rule.schedule is Schedule.CONSTANT
    return DRAWS if plain and constant else DRAWS_OF_BRANCHES


@dataclass(frozen=True)
class Place:
    """A cell of a table with a formula to try: of which quantity, and in which row."""

    symbol: str
    row: int
    formula: str


class Trials:
    """Random iterations in the place of a table's, the same for every formula that is tried."""

    def __init__(self, grounds: Grounds, calculation: Calculation) -> None:
        self._grounds = grounds
        self._calculation = calculation

    @cached_property
    def draws(self) -> list[Draw]:
        """The numbers of each trial."""
        table, reference, samples = (
            self._grounds.table,
            self._grounds.reference,
            self._grounds.samples,
        )
        generator = np.random.default_rng(_SEED)
        count = len(samples.values) if samples else reference.block
        typed_rate = None if table.rate_cell or np.isnan(table.rate) else table.rate
        return [
            # Every second draw is of classes, where there are several samples.
            draw(
                reference,
                table.settings,
                count,
                reference.looked_up and k % 2 == 0,
                typed_rate,
                generator,
            )
            for k in range(_draws(reference))
        ]

    def knows(self, symbol: str) -> bool:
        """Tell whether a quantity is one of the network's."""
        return symbol in self.draws[0].begin

    def right(self, places: Sequence[Place], rate_everywhere: bool = False) -> list[bool]:
        """Tell for each formula whether it is right where it stands.

        An iteration's formulas are tried together, with the iteration before it above them. With
        ``rate_everywhere`` whatever else they read is the learning rate.
        """
        table = self._grounds.table
        right = [True] * len(places)
        by_iteration: dict[int, list[int]] = {}
        for k, place in enumerate(places):
            by_iteration.setdefault(self._iteration(place.row), []).append(k)
        for iteration, own in by_iteration.items():
            formulas = [places[k].formula for k in own]
            cells, helpers = self._cells(iteration, formulas, rate_everywhere)
            found_in_all = evaluate_on(cells, table.sheet.name, formulas, helpers)
            for drawn, found in zip(self.draws, found_in_all, strict=True):
                for k, value in zip(own, found, strict=True):
                    right[k] &= _agree(value, self._expected(places[k], drawn))
        return right

    def numbers(self, place: Place, besides: Sequence[str]) -> dict[Cell, Array]:
        """Return what each cell holds that has something to do with a formula, (trials,).

        The quantities of its iteration and of the one before, what else it and the formulas
        ``besides`` read, and the other formulas that these go through.
        """
        formulas = [place.formula, *besides]
        cells, helpers = self._cells(self._iteration(place.row), formulas, False)
        sheet = self._grounds.table.sheet.name
        found = evaluate_on(cells, sheet, list(helpers.values()), helpers) if helpers else []
        numbers = {cell: np.array([own[cell] for own in cells]) for cell in cells[0]}
        for k, cell in enumerate(helpers):
            numbers[cell] = np.array([number(one[k]) for one in found])
        return numbers

    def expected(self, place: Place) -> Array:
        """Return what a formula should give in each trial."""
        return np.array([self._expected(place, drawn) for drawn in self.draws])

    def _expected(self, place: Place, drawn: Draw) -> float:
        iteration = self._iteration(place.row)
        begin = self._grounds.table.row_of(iteration * self._grounds.table.block)
        return float(drawn.iteration(iteration)[place.symbol].iloc[place.row - begin])

    def _iteration(self, row: int) -> int:
        return self._grounds.table.position_of(row) // self._grounds.table.block

    def _cells(
        self, iteration: int, formulas: list[str], rate_everywhere: bool
    ) -> tuple[list[dict[Cell, float]], dict[Cell, str]]:
        """Return what the cells hold in each trial, and the formulas that these go through."""
        table, reference = self._grounds.table, self._grounds.reference
        in_each_draw = [_planted(self._grounds, iteration, drawn) for drawn in self.draws]
        # The cells are always the same.
        helpers = helper_formulas(table.sheet, formulas, in_each_draw[0])
        every = [*formulas, *helpers.values()]
        cells = []
        for drawn, planted in zip(self.draws, in_each_draw, strict=True):
            first = drawn.before if iteration else drawn.begin
            constants = {
                table.columns[s]: first[s].iloc[0]
                for s in reference.constants
                if s in table.columns
            }
            kept = _kept(table, every, planted, constants, self._calculation)
            if rate_everywhere:
                kept = dict.fromkeys(_other_cells(table, every, planted), drawn.rate)
            cells.append(planted | {c: v for c, v in kept.items() if c not in helpers})
        return cells, helpers


@dataclass(frozen=True)
class SummaryCell:
    """A cell that should show a table's loss or accuracy at an iteration (0: its learning rate)."""

    table: Table
    symbol: str
    iteration: int
    place: Cell
    formula: str | None

    @property
    def target(self) -> Cell | None:
        """The cell that has what this one should show."""
        if not self.iteration:
            return self.table.rate_cell
        column = self.table.columns.get(self.symbol)
        position = (self.iteration - 1) * self.table.block
        if column is None or position >= len(self.table.rows):
            return None
        return self.table.sheet.name, self.table.row_of(position), column


def probe_summary(
    cells: list[SummaryCell], tables: list[Table], calculation: Calculation
) -> list[bool]:
    """Tell for each cell of a summary whether its formula reads what it should.

    Every table gets its own random rate and losses. A cell without a formula is right.
    """
    right = [True] * len(cells)
    generator = np.random.default_rng(_SEED)
    wanted = {(cell.symbol, cell.iteration) for cell in cells}
    targets = {
        SummaryCell(table, *at, ("", 0, 0), None).target for table in tables for at in wanted
    }
    for _ in range(DRAWS):
        planted = {t: generator.uniform(0.1, 2.0) for t in sorted(filter(None, targets))}
        for k, cell in enumerate(cells):
            if cell.formula is None or cell.target is None:
                continue
            sheet = cell.place[0]
            kept = read_elsewhere([cell.formula], sheet, planted, calculation)
            [[found]] = evaluate_on([planted | kept], sheet, [cell.formula])
            right[k] &= _agree(found, planted[cell.target])
    return right


def _planted(grounds: Grounds, iteration: int, drawn: Draw) -> dict[Cell, float]:
    """Return the cells that take the drawn numbers: two iterations, the data, rate and start."""
    table = grounds.table
    sheet = table.sheet.name
    begin = iteration * table.block
    pieces = [(table.row_of(begin), drawn.iteration(iteration))]
    if iteration:
        pieces.append((table.row_of(begin - table.block), drawn.before))
    planted: dict[Cell, float] = {}
    for row, frame in pieces:
        for symbol, column in table.columns.items():
            if symbol not in frame:
                continue
            for k, value in enumerate(frame[symbol].to_numpy()):
                if not np.isnan(value):
                    planted[sheet, row + k, column] = value
    if table.rate_cell:
        planted[table.rate_cell] = drawn.rate
    planted |= {table.settings[symbol]: value for symbol, value in drawn.settings.items()}
    first = pieces[-1][1].iloc[0]
    planted |= {cell: first[symbol] for symbol, cell in grounds.starts.items() if symbol in first}
    planted |= {cell: first[symbol] for symbol, cell in table.single.items() if symbol in first}
    if grounds.samples:
        planted |= grounds.samples.planted(drawn.samples)
    return planted


def _kept(
    table: Table,
    formulas: list[str],
    planted: Mapping[Cell, float],
    constants: Mapping[int, float],
    calculation: Calculation,
) -> dict[Cell, float]:
    """Return the other cells that the formulas read, with their own values.

    Targets, inputs and fixed biases are the same in all rows, so there the drawn ones stand
    in every row.
    """
    kept = read_elsewhere(formulas, table.sheet.name, planted, calculation)
    for sheet, row, column in kept:
        if (
            sheet == table.sheet.name
            and column in constants
            and table.first_row <= row <= table.last_row
        ):
            kept[sheet, row, column] = constants[column]
    return kept


def _other_cells(table: Table, formulas: list[str], planted: Mapping[Cell, float]) -> set[Cell]:
    """Return the single cells that the formulas read, other than those with drawn numbers."""
    cells = {
        (area.sheet or table.sheet.name, area.first_row, area.first_column)
        for formula in formulas
        for area in areas(formula)
        if area.cell_count == 1
    }
    return cells - set(planted)


def _agree(found: object, expected: float) -> bool:
    if found in NOT_UNDERSTOOD:
        return True  # such as a name that only the whole workbook knows: its values are checked
    return isinstance(found, float) and abs(found - expected) <= TOLERANCE * abs(expected) + NOTHING
