"""Draws random data, weights and rates, and computes iterations of a network from them.

The draws are the same every time, and so is the verdict on a workbook.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.mathematics.network import Samples
from workbook_tools.mathematics.reference import Reference
from workbook_tools.mathematics.rounding import Array
from workbook_tools.notation.layers import Pooled, Pooling
from workbook_tools.notation.vocabulary import Activation, Loss, Schedule
from workbook_tools.reading.described import FIELDS

DRAWS = 2
DRAWS_OF_BRANCHES = 12  # for formulas with MAX, MIN, IF or INT, so that every branch is taken
DRAWS_OF_TIES = 60  # for max-pooling, so that any two units of a window tie for the maximum
_ITERATIONS = 4  # so that an optimizer has a state
_LARGEST = 1e6  # weight; beside larger ones a missing term would not show
_LEAST_SPREAD = 0.1  # factor of the weights, which are made smaller until they do not run away
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
SEED = 20_260_101


class Drawn(NamedTuple):
    """Random iterations, with the data, rates and settings that they were computed from.

    Numbers are by symbol: (draws, rows) in the iterations, (draws,) in the settings.
    """

    first: dict[str, Array]  # the first iteration of a training
    midst: tuple[dict[str, Array], dict[str, Array]]  # two consecutive later iterations
    samples: Samples  # (draws, samples, units)
    rate: Array
    settings: dict[str, Array]

    def iteration(self, number: int) -> dict[str, Array]:
        """Return what takes the place of the first iteration (0) or of any later one."""
        return self.midst[1] if number else self.first

    def before(self, number: int) -> dict[str, Array]:
        """Return the iteration before a later one; for the first one, itself."""
        return self.midst[0] if number else self.first


@lru_cache(maxsize=4)  # tables are often alike, but for their rate and their first weights
def draw(
    reference: Reference,
    settings: tuple[str, ...],
    samples: int,
    rate: float | None,
    count: int,
) -> Drawn:
    """Draw data, weights, biases, a rate and these settings, and compute the iterations.

    There are ``count`` draws, each of so many ``samples``. A ``rate`` is drawn only if it is None.
    """
    generator = np.random.default_rng(SEED)
    data: list[Samples] = []
    starts: list[dict[str, float]] = []
    rates: list[float] = []
    all_settings: list[dict[str, float]] = []
    numbers: list[int] = []
    for k in range(count):
        # If there are several samples, the targets of every second draw are classes.
        classes = reference.looked_up and k % 2 == 0
        own = _samples(reference, samples, classes, generator)
        _repeat(reference, own, k)
        data.append(own)
        # Weights of both signs keep the units from saturating.
        start = {symbol: generator.uniform(-1.0, 1.0) for symbol in reference.trained}
        fixed = [symbol for symbol in reference.start if symbol not in start]
        starts.append(start | {symbol: generator.uniform(0.2, 1.0) for symbol in fixed})
        rates.append(generator.uniform(0.3, 1.5) if rate is None else rate)
        drawn = {s: generator.uniform(*_RANGES[s]) for s in settings if s in FIELDS}
        all_settings.append(
            {s: float(round(value)) if s == "span" else value for s, value in drawn.items()}
        )
        # The state of an optimizer begins in the first iteration.
        numbers.append(int(generator.integers(2, 20)))
    every = Samples(np.array([own.inputs for own in data]), np.array([own.targets for own in data]))
    stacked = _stacked(all_settings)
    changes: dict[str, Any] = {FIELDS[symbol]: values for symbol, values in stacked.items()}
    changed = replace(reference, rule=replace(reference.rule, **changes))
    runs = _runs(changed, _stacked(starts), every, np.array(rates), np.array(numbers))
    first, later = map(changed.completed, runs)
    block = reference.block
    return Drawn(
        first=first,
        midst=(
            {symbol: values[:, -2 * block : -block] for symbol, values in later.items()},
            {symbol: values[:, -block:] for symbol, values in later.items()},
        ),
        samples=every,
        rate=np.array(rates),
        settings=stacked,
    )


def _runs(
    reference: Reference,
    start: Mapping[str, Array],
    data: Samples,
    rates: Array,
    numbers: NDArray[np.int64],
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return first iterations, and some that begin with later ``numbers``, (draws, rows).

    If the weights of a draw diverge beyond what can be compared, they are made smaller.
    """
    spread = np.ones(len(rates))
    while True:
        smaller = {s: spread * v if s in reference.trained else v for s, v in start.items()}
        with np.errstate(over="ignore", invalid="ignore"):
            first = reference.trained_from(smaller, data, rates, 1)
            later = reference.trained_from(smaller, data, rates, _ITERATIONS, numbers)
        weights = [run[s][:, :: reference.block] for run in (first, later) for s in reference.start]
        fit = np.all([(np.abs(own) < _LARGEST).all(axis=1) for own in weights], axis=0)
        if (fit | (spread < _LEAST_SPREAD)).all():
            return first, later
        spread = np.where(fit | (spread < _LEAST_SPREAD), spread, spread / 2.0)


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
    """Make each image repeat itself, shifted, so that units of a window tie for the maximum.

    Samples and draws (this one is ``number``) take turns with the shifts; some have none.
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
    """Return how far apart, in pixels, two units in a window of max-pooling can be."""
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


def count_of(reference: Reference) -> int:
    """Return how many draws a network needs, so that its formulas take every branch."""
    if _shifts(reference):
        return DRAWS_OF_TIES
    smooth = {Activation.SIGMOID, Activation.TANH, Activation.LINEAR}
    plain = set(reference.network.activations) <= smooth and not reference.delta_columns
    constant = reference.rule.schedule is Schedule.CONSTANT
    return DRAWS if plain and constant else DRAWS_OF_BRANCHES
