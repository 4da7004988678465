"""Evaluates formulas on other numbers: a formula that is right only on its own is wrong.

On a sheet with t1 = t2 = 0.5, a loss that reads the wrong target still shows the right value.
So two consecutive iterations are drawn at random, worked out by the reference, and put in the
place of a table's two rows (and of the stated initial values, the learning rate and the other
settings); each distinct formula must then give the value of its own quantity. What else a
formula reads keeps its value.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from workbook_tools.checking.described import FIELDS
from workbook_tools.checking.reader import Cell, Table
from workbook_tools.checking.reference import Reference
from workbook_tools.checking.sheets import Run
from workbook_tools.engines import Calculation, CellError, CellValue
from workbook_tools.engines.embedded import evaluate
from workbook_tools.notation import TOTAL_LOSS
from workbook_tools.references import MAX_COLUMNS, areas
from workbook_tools.vocabulary import Activation, Loss, Schedule

DRAWS = 2
DRAWS_OF_BRANCHES = 12  # of formulas with MAX, MIN, IF or INT, so that each way is taken
TOLERANCE = 1e-9  # relative; the drawn numbers are neither large nor nearly cancel
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
_SCRATCH_COLUMN = MAX_COLUMNS  # formulas are evaluated far right of every table
_LARGEST_AREA = 1_000_000  # cells; a formula over more is judged without them
_SEED = 20_260_101  # the same verdict every time


@dataclass
class Draw:
    """Random iterations that follow each other, their learning rate and other settings."""

    begin: pd.DataFrame  # the first two of a training
    later: pd.DataFrame  # two of its midst
    rate: float
    settings: dict[str, float]  # by symbol


def draw(reference: Reference, settings: Iterable[str], generator: np.random.Generator) -> Draw:
    """Draw data, weights, biases, a rate and these settings, and work the iterations out."""
    first = {symbol: generator.uniform(0.2, 1.0) for symbol in reference.constants}
    if reference.loss is Loss.CATEGORICAL_CROSS_ENTROPY:  # its targets add up to 1
        total = sum(first[target] for target in reference.naming.targets)
        first |= {target: first[target] / total for target in reference.naming.targets}
    # Weights of both signs keep the units from saturating.
    first |= {symbol: generator.uniform(-1.0, 1.0) for symbol in reference.trained}
    rate = generator.uniform(0.3, 1.5)
    drawn = {symbol: generator.uniform(*_RANGES[symbol]) for symbol in settings}
    drawn = {s: round(value) if s == "span" else value for s, value in drawn.items()}
    changes: dict[str, Any] = {FIELDS[symbol]: value for symbol, value in drawn.items()}
    changed = replace(reference, rule=replace(reference.rule, **changes))
    midst = changed.run(first, rate, _ITERATIONS, int(generator.integers(2, 20)))
    return Draw(changed.run(first, rate, 2), midst.iloc[-2:], rate, drawn)


def _draws(reference: Reference) -> int:
    smooth = {Activation.SIGMOID, Activation.TANH, Activation.LINEAR}
    plain = set(reference.network.activations) <= smooth and not reference.delta_columns
    constant = reference.rule.schedule is Schedule.CONSTANT
    return DRAWS if plain and constant else DRAWS_OF_BRANCHES


def probe_table(
    table: Table,
    reference: Reference,
    stated: Mapping[str, Cell],
    runs: Iterable[tuple[str, Run]],
    calculation: Calculation,
) -> list[bool]:
    """Tell for each run of formulas, given with its quantity, whether it is right.

    A run is tried where it begins: in that row, with the iteration before it in the row above.
    """
    runs = list(runs)
    right = [True] * len(runs)
    generator = np.random.default_rng(_SEED)
    draws = [draw(reference, table.settings, generator) for _ in range(_draws(reference))]
    by_row: dict[int, list[int]] = {}
    for number, (_, run) in enumerate(runs):
        by_row.setdefault(run.first_row, []).append(number)
    for row, numbers in by_row.items():
        formulas = [runs[number][1].formula.at(row) for number in numbers]
        cells, rows = [], []
        for drawn in draws:
            planted = _planted(table, reference, stated, row, drawn)
            pair = drawn.begin if row == table.first_row else drawn.later
            constants = {table.columns[s]: pair[s].iloc[0] for s in reference.constants}
            kept = _kept(table, formulas, planted, constants, calculation)
            cells.append(planted | kept)
            rows.append(pair.iloc[0 if row == table.first_row else 1])
        for at, found in zip(rows, _evaluate(cells, table.sheet.name, formulas), strict=True):
            for number, value in zip(numbers, found, strict=True):
                right[number] &= _agree(value, at[runs[number][0]])
    return right


@dataclass(frozen=True)
class SummaryCell:
    """A cell that should show a table's loss at an iteration (0: its learning rate)."""

    table: Table
    iteration: int
    place: Cell
    formula: str | None

    @property
    def target(self) -> Cell | None:
        """The cell that has what this one should show."""
        if not self.iteration:
            return self.table.rate_cell
        column = self.table.columns.get(TOTAL_LOSS)
        row = self.table.header_row + self.iteration
        return (self.table.sheet.name, row, column) if column else None


def probe_summary(
    cells: list[SummaryCell], tables: list[Table], calculation: Calculation
) -> list[bool]:
    """Tell for each cell of a summary whether its formula reads what it should.

    Every table gets its own random rate and losses. A cell without a formula is right.
    """
    right = [True] * len(cells)
    generator = np.random.default_rng(_SEED)
    iterations = {cell.iteration for cell in cells}
    targets = {
        SummaryCell(table, n, ("", 0, 0), None).target for table in tables for n in iterations
    }
    for _ in range(DRAWS):
        planted = {t: generator.uniform(0.1, 2.0) for t in sorted(filter(None, targets))}
        for number, cell in enumerate(cells):
            if cell.formula is None or cell.target is None:
                continue
            sheet = cell.place[0]
            kept = _read_elsewhere([cell.formula], sheet, planted, calculation)
            [[found]] = _evaluate([planted | kept], sheet, [cell.formula])
            right[number] &= _agree(found, planted[cell.target])
    return right


def _planted(
    table: Table, reference: Reference, stated: Mapping[str, Cell], row: int, drawn: Draw
) -> dict[Cell, float]:
    """Return the cells that take the drawn numbers: two rows, the rate, the stated start."""
    sheet = table.sheet.name
    first = row == table.first_row
    pair = drawn.begin if first else drawn.later
    planted: dict[Cell, float] = {}
    for k, place in ((0, row),) if first else ((0, row - 1), (1, row)):
        for symbol, column in table.columns.items():
            if symbol in pair:
                planted[sheet, place, column] = pair[symbol].iloc[k]
    if table.rate_cell:
        planted[table.rate_cell] = drawn.rate
    planted |= {table.settings[symbol]: value for symbol, value in drawn.settings.items()}
    for symbol, cell in stated.items():
        if symbol in pair:
            planted[cell] = pair[symbol].iloc[0]
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
    kept = _read_elsewhere(formulas, table.sheet.name, planted, calculation)
    for sheet, row, column in kept:
        if (
            sheet == table.sheet.name
            and column in constants
            and table.first_row <= row <= table.last_row
        ):
            kept[sheet, row, column] = constants[column]
    return kept


def _read_elsewhere(
    formulas: list[str], sheet: str, planted: Mapping[Cell, float], calculation: Calculation
) -> dict[Cell, float]:
    kept: dict[Cell, float] = {}
    for area in {area for formula in formulas for area in areas(formula)}:
        name = area.sheet or sheet
        if area.cell_count > _LARGEST_AREA:
            continue
        corners = (area.first_row, area.first_column, area.last_row, area.last_column)
        try:
            block = calculation.block(name, *corners)
        except (KeyError, ValueError):  # a sheet that is not there: the formula is an error
            continue
        for row, values in enumerate(block, start=area.first_row):
            for column, value in enumerate(values, start=area.first_column):
                if isinstance(value, float) and (name, row, column) not in planted:
                    kept[name, row, column] = value
    return kept


def _evaluate(
    cells: Sequence[Mapping[Cell, float]], sheet: str, formulas: list[str]
) -> list[list[CellValue]]:
    """Evaluate formulas as they would stand on a sheet, with each set of numbers."""
    places = {
        (sheet, row, _SCRATCH_COLUMN): formula for row, formula in enumerate(formulas, start=1)
    }
    return [list(values.values()) for values in evaluate(places, cells)]


def _agree(found: object, expected: float) -> bool:
    if found == CellError("#NAME?"):
        return True  # a name that only the whole workbook knows: its values are checked alone
    return isinstance(found, float) and abs(found - expected) <= TOLERANCE * abs(expected)
