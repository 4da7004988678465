"""Evaluates formulas on other numbers: a formula that is right only on its own is wrong.

On a sheet with t1 = t2 = 0.5, a loss that reads the wrong target still shows the right value.
So two consecutive iterations are drawn at random, worked out by the reference, and put in the
place of two of a table's (and of the data, the stated initial values, the learning rate and the
other settings); each distinct formula must then give the value of its own quantity. What else a
formula reads keeps its value.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbook_tools.engines import Calculation
from workbook_tools.formulas.references import areas
from workbook_tools.judging.grounds import Grounds
from workbook_tools.mathematics.network import Samples
from workbook_tools.mathematics.reference import Reference
from workbook_tools.mathematics.rounding import Array
from workbook_tools.notation.addresses import Cell
from workbook_tools.notation.layers import Pooled, Pooling
from workbook_tools.notation.vocabulary import Activation, Loss, Schedule
from workbook_tools.reading.described import FIELDS
from workbook_tools.reading.table import Table
from workbook_tools.reading.trial import evaluate_on, helper_formulas, read_elsewhere

DRAWS = 2
DRAWS_OF_BRANCHES = 12  # of formulas with MAX, MIN, IF or INT, so that each way is taken
DRAWS_OF_TIES = 60  # of windows, in which any two units may be the largest and alike
TOLERANCE = 1e-9  # relative; the drawn numbers are not large, and hardly ever cancel
NOTHING = 1e-15  # what rounding leaves of a sum that is 0, such as of all softmax errors
_ITERATIONS = 4  # so that an optimizer has something to remember
_LARGEST = 1e6  # weight in a trial: beside larger ones, what is missing would not show
_LEAST_SPREAD = 0.1  # of the weights in a trial
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
class Drawn:
    """Random iterations that follow each other, with all that they were worked out from.

    Numbers are by symbol, (draws, rows) in the iterations, (draws,) else.
    """

    first: dict[str, Array]  # the first iteration of a training
    midst: tuple[dict[str, Array], dict[str, Array]]  # two of its midst, one after the other
    samples: list[Samples]
    rate: Array
    settings: dict[str, Array]

    def iteration(self, number: int) -> dict[str, Array]:
        """Return what belongs in the place of the first iteration (0), or of any later one."""
        return self.midst[1] if number else self.first

    def before(self, number: int) -> dict[str, Array]:
        """Return the iteration before a later one; of the first one itself."""
        return self.midst[0] if number else self.first


def draw(
    reference: Reference, settings: Iterable[str], samples: int, rate: float | None, count: int
) -> Drawn:
    """Draw data, weights, biases, a rate and these settings, and work the iterations out.

    There are ``count`` draws of so many ``samples``; a ``rate`` that is given is not drawn.
    """
    generator = np.random.default_rng(_SEED)
    runs: list[dict[str, Array]] = []
    data: list[Samples] = []
    rates: list[float] = []
    all_settings: list[dict[str, float]] = []
    for k in range(count):
        # Every second draw is of classes, where there are several samples.
        classes = reference.looked_up and k % 2 == 0
        own = _samples(reference, samples, classes, generator)
        _repeat(reference, own, k)
        # Weights of both signs keep the units from saturating.
        start = {symbol: generator.uniform(-1.0, 1.0) for symbol in reference.trained}
        fixed = [symbol for symbol in reference.start if symbol not in start]
        start |= {symbol: generator.uniform(0.2, 1.0) for symbol in fixed}
        eta = generator.uniform(0.3, 1.5) if rate is None else rate
        drawn = {s: generator.uniform(*_RANGES[s]) for s in settings if s in FIELDS}
        drawn = {s: float(round(value)) if s == "span" else value for s, value in drawn.items()}
        changes: dict[str, Any] = {FIELDS[symbol]: value for symbol, value in drawn.items()}
        changed = replace(reference, rule=replace(reference.rule, **changes))
        number = int(generator.integers(2, 20))
        # The state of an optimizer begins in the first iteration.
        runs += _runs(changed, start, own, eta, number)
        data.append(own)
        rates.append(eta)
        all_settings.append(drawn)
    every = reference.completed(runs)
    midst = _stacked(every[1::2])
    block = reference.block
    return Drawn(
        first=_stacked(every[::2]),
        midst=(
            {symbol: values[:, -2 * block : -block] for symbol, values in midst.items()},
            {symbol: values[:, -block:] for symbol, values in midst.items()},
        ),
        samples=data,
        rate=np.array(rates),
        settings=_stacked(all_settings),
    )


def _runs(
    reference: Reference, start: dict[str, float], data: Samples, rate: float, number: int
) -> list[dict[str, Array]]:
    """Return a first iteration, and some that begin with a later ``number``.

    Where the weights that were drawn run away, beyond what can be compared, they begin smaller.
    """
    spread = 1.0
    while True:
        smaller = start | {symbol: spread * start[symbol] for symbol in reference.trained}
        with np.errstate(over="ignore", invalid="ignore"):
            found = [
                reference.trained_from(smaller, data, rate, 1),
                reference.trained_from(smaller, data, rate, _ITERATIONS, number),
            ]
        weights = [run[s][:: reference.block] for run in found for s in reference.start]
        if all((np.abs(own) < _LARGEST).all() for own in weights) or spread < _LEAST_SPREAD:
            return found
        spread /= 2.0


def _stacked(draws: Sequence[Mapping[str, Array | float]]) -> dict[str, Array]:
    """Return the numbers of several draws, by symbol."""
    return {symbol: np.array([own[symbol] for own in draws]) for symbol in draws[0]}


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


def _repeat(reference: Reference, samples: Samples, number: int) -> None:
    """Let images repeat themselves, each shifted in another way, so that units of windows tie.

    Samples and draws, of which this is the ``number``, take turns; some repeat nothing.
    """
    images, shifts = reference.naming.input_images, _shifts(reference)
    if images is None or not shifts:
        return
    for k, pixels in enumerate(samples.inputs.reshape(-1, images.rows, images.columns)):
        down, right = [*shifts, (0, 0)][(k + number) % (len(shifts) + 1)]
        for row, column in product(range(down, images.rows), range(images.columns)):
            if 0 <= column - right < images.columns:
                pixels[row, column] = pixels[row - down, column - right]


def _shifts(reference: Reference) -> list[tuple[int, int]]:
    """Return how far apart, in pixels, two units can be of which a maximum is taken."""
    found: dict[tuple[int, int], None] = {}
    down, right = 1, 1  # in pixels: from a unit to the next
    for kind in reference.naming.kinds:
        if not isinstance(kind, Pooling):
            continue
        rows, columns = kind.window
        if kind.pooled is Pooled.MAX:
            for row, column in product(range(rows), range(1 - columns, columns)):
                if (row, column) > (0, 0):
                    found[row * down, column * right] = None
        down, right = down * rows, right * columns
    return list(found)


def _draws(reference: Reference) -> int:
    if _shifts(reference):
        return DRAWS_OF_TIES
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

    @property
    def count(self) -> int:
        """How many there are."""
        return _draws(self._grounds.reference)

    @cached_property
    def _drawn(self) -> Drawn:
        """The numbers of the trials."""
        table, reference = self._grounds.table, self._grounds.reference
        samples = self._grounds.samples
        count = len(samples.values) if samples else reference.block
        typed_rate = None if table.rate_cell or np.isnan(table.rate) else table.rate
        return draw(reference, table.settings, count, typed_rate, self.count)

    def knows(self, symbol: str) -> bool:
        """Tell whether a quantity is one of the network's."""
        return symbol in self._drawn.first

    def right(self, places: Sequence[Place], rate_everywhere: bool = False) -> list[bool]:
        """Tell for each formula whether it is right where it stands.

        An iteration's formulas are tried together, with the iteration before it above them. With
        ``rate_everywhere`` whatever else they read is the learning rate.
        """
        right = [True] * len(places)
        by_iteration: dict[int, list[int]] = {}
        for k, place in enumerate(places):
            by_iteration.setdefault(self._iteration(place.row), []).append(k)
        for iteration, own in by_iteration.items():
            formulas = [places[k].formula for k in own]
            numbers, helpers = self._numbers(iteration, formulas, rate_everywhere)
            found = evaluate_on(numbers, self._grounds.table.sheet.name, formulas, helpers)
            for k, values in zip(own, found, strict=True):
                # None is of a name that only the whole workbook knows: its values are checked.
                right[k] = values is None or bool(agree(values, self.expected(places[k])))
        return right

    def numbers(self, place: Place, besides: Sequence[str]) -> dict[Cell, Array]:
        """Return what each cell holds that has something to do with a formula, (trials,).

        The quantities of its iteration and of the one before, what else it and the formulas
        ``besides`` read, and the other formulas that these go through.
        """
        formulas = [place.formula, *besides]
        numbers, helpers = self._numbers(self._iteration(place.row), formulas, False)
        sheet = self._grounds.table.sheet.name
        found = evaluate_on(numbers, sheet, list(helpers.values()), helpers)
        own = zip(helpers, found, strict=True)
        every = {**numbers, **{cell: values for cell, values in own if values is not None}}
        return {cell: np.broadcast_to(values, (self.count,)) for cell, values in every.items()}

    def expected(self, place: Place) -> Array:
        """Return what a formula should give in each trial."""
        iteration = self._iteration(place.row)
        begin = self._grounds.table.row_of(iteration * self._grounds.table.block)
        return self._drawn.iteration(iteration)[place.symbol][:, place.row - begin]

    def _iteration(self, row: int) -> int:
        return self._grounds.table.position_of(row) // self._grounds.table.block

    def _numbers(
        self, iteration: int, formulas: list[str], rate_everywhere: bool
    ) -> tuple[dict[Cell, Array], dict[Cell, str]]:
        """Return what the cells hold in the trials, and the formulas that these go through."""
        table, reference = self._grounds.table, self._grounds.reference
        planted = _planted(self._grounds, iteration, self._drawn)
        helpers = helper_formulas(table.sheet, formulas, planted)
        every = [*formulas, *helpers.values()]
        if rate_everywhere:
            kept = dict.fromkeys(_other_cells(table, every, planted), self._drawn.rate)
        else:
            before = self._drawn.before(iteration)
            constants = {
                table.columns[symbol]: before[symbol][:, 0]
                for symbol in reference.constants
                if symbol in table.columns
            }
            kept = _kept(table, every, planted, constants, self._calculation)
        return {**planted, **{c: v for c, v in kept.items() if c not in helpers}}, helpers


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
    planted = {t: generator.uniform(0.1, 2.0, DRAWS) for t in sorted(filter(None, targets))}
    for k, cell in enumerate(cells):
        if cell.formula is None or cell.target is None:
            continue
        sheet = cell.place[0]
        read = read_elsewhere([cell.formula], sheet, planted, calculation)
        kept = {place: np.array([number]) for place, number in read.items()}
        [found] = evaluate_on({**kept, **planted}, sheet, [cell.formula])
        right[k] = found is None or bool(agree(found, planted[cell.target]))
    return right


def _planted(grounds: Grounds, iteration: int, drawn: Drawn) -> dict[Cell, Array]:
    """Return the cells that take the drawn numbers: two iterations, the data, rate and start."""
    table = grounds.table
    sheet = table.sheet.name
    begin = iteration * table.block
    before = drawn.before(iteration)
    pieces = [(table.row_of(begin), drawn.iteration(iteration))]
    if iteration:
        pieces.append((table.row_of(begin - table.block), before))
    planted: dict[Cell, Array] = {}
    for row, piece in pieces:
        for symbol, column in table.columns.items():
            for k, values in enumerate(piece[symbol].T if symbol in piece else ()):
                if not np.isnan(values).all():
                    planted[sheet, row + k, column] = values
    if table.rate_cell:
        planted[table.rate_cell] = drawn.rate
    planted |= {table.settings[symbol]: values for symbol, values in drawn.settings.items()}
    for places in (grounds.starts, table.single):
        planted |= {cell: before[s][:, 0] for s, cell in places.items() if s in before}
    if grounds.samples:
        planted |= grounds.samples.planted(drawn.samples)
    return planted


def _kept(
    table: Table,
    formulas: list[str],
    planted: Collection[Cell],
    constants: Mapping[int, Array],
    calculation: Calculation,
) -> dict[Cell, Array]:
    """Return the other cells that the formulas read, with their own values.

    Targets, inputs and fixed biases are the same in all rows, so there the drawn ones stand
    in every row.
    """
    read = read_elsewhere(formulas, table.sheet.name, planted, calculation)
    kept = {cell: np.array([number]) for cell, number in read.items()}
    for sheet, row, column in kept:
        if (
            sheet == table.sheet.name
            and column in constants
            and table.first_row <= row <= table.last_row
        ):
            kept[sheet, row, column] = constants[column]
    return kept


def _other_cells(table: Table, formulas: list[str], planted: Collection[Cell]) -> set[Cell]:
    """Return the single cells that the formulas read, other than those with drawn numbers."""
    cells = {
        (area.sheet or table.sheet.name, area.first_row, area.first_column)
        for formula in formulas
        for area in areas(formula)
        if area.cell_count == 1
    }
    return cells - set(planted)


def agree(found: Array, expected: Array) -> NDArray[np.bool_]:
    """Tell what is right in all trials: of numbers (trials,), or of each of (variants, trials)."""
    allowed = TOLERANCE * np.abs(expected) + NOTHING
    return np.asarray((np.abs(found - expected) <= allowed).all(axis=-1))
