"""The right value of each cell, given the other cells of its own row and the row above.

A quantity is computed from the sheet's own values of what it directly depends on. So a mistake is
found where it was made: a cell that only depends on a wrong one agrees with the cells that it
reads. A cell that spells out a longer chain (a hidden gradient without δ columns) is computed from
the activations, weights and targets that its formula contains.

Each value comes with a bound for its rounding error (``rounding.py``): a sum that nearly cancels
has lost digits, but is still right.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbook_tools.mathematics.functions import (
    Softmax,
    activated,
    correct,
    cross_entropy,
    losses,
    output_delta,
)
from workbook_tools.mathematics.network import delta_below, pre_activation
from workbook_tools.mathematics.optimizers import KEEPS, next_state, step
from workbook_tools.mathematics.reference import Columns, Reference, stacked
from workbook_tools.mathematics.rounding import Array, Numbers, Rounded
from workbook_tools.notation.quantities import (
    ACCURACY,
    CORRECT,
    ITERATION,
    ITERATION_RATE,
    LARGEST_OUTPUT,
    MEAN_LOSS,
    SAMPLE,
    SUMMED_LOSS,
    TOTAL_LOSS,
    delta_symbol,
    exponential_symbol,
    gradient_symbol,
    size_symbol,
    state_symbol,
)
from workbook_tools.notation.vocabulary import CROSS_ENTROPY_OUTPUTS, Schedule

CLOSE_CALL = 1e-13  # margin of activations, which are at most 1: a few hundred roundings
_SAME = 1e-9  # relative; an activation that is this close to f(z) is right
LARGEST_EXPONENT = math.log(np.finfo(float).max)


@dataclass
class Expected:
    """The right values of a table's cells, by symbol, in the rows of the table.

    ``terms``: the size of the terms that are added up in a cell; rounding errors are a few units
    in the last place of it. ``radius``: how far a cell may be off because it and the cells that it
    reads are not stored, or were not pasted, with all digits.
    """

    values: dict[str, Array]
    terms: dict[str, Array]
    radius: dict[str, Array]

    def allowed(self, symbol: str, tolerance: float) -> Array:
        """Return how far the cells of a quantity may be from their right values.

        ``tolerance`` is the relative difference that agrees.
        """
        with np.errstate(invalid="ignore"):  # where numbers overflow
            return tolerance * self.terms[symbol] + self.radius[symbol]


def expected_values(
    reference: Reference,
    values: Columns,
    rate: float,
    stated: Mapping[str, float],
    data: Columns | None = None,
    zero: float = 0.0,
    storage: float = 0.0,
    halves: Columns | None = None,
) -> Expected:
    """Return the right value of every cell; NaN where it is not known.

    ``values`` has the columns of a table; ``stated`` holds initial values by symbol, for the first
    row; ``data`` has the columns of a table of samples, each with a number of its own.
    Pre-activations nearer to 0 than ``zero`` count as 0, the kink of ReLU, as the engine compares
    them. The values have the relative error ``storage``; those of a column with ``halves`` were
    rounded to units of which these are the halves.
    """
    result = _Collector(values, reference.block, storage, halves or {})
    naming, network = reference.naming, reference.network
    get = result.get
    parameters, rounding = map(reference.parameters, (result.sheet, result.halves))
    weights = [*map(result.read, parameters.weights, rounding.weights)]
    biases = [*map(result.read, parameters.biases, rounding.biases)]
    targets = get(naming.targets)
    zs = [get(naming.units(layer)) for layer in naming.layers]
    outputs = [get(naming.activations(layer)) for layer in range(len(naming.sizes))]
    for layer in naming.layers:
        windows, before = network.windows[layer - 1], outputs[layer - 1]
        into = pre_activation(weights[layer - 1], biases[layer - 1], before, windows)
        result.put(naming.units(layer), into)
        if naming.pooled(layer):
            continue
        z = zs[layer - 1]
        a = activated(network.activations[layer - 1], z)
        # Where e^(−z) overflows, a spreadsheet shows an error value, rightly or not.
        overflows = (z.values < -LARGEST_EXPONENT) & np.isnan(outputs[layer].values)
        a.values[overflows] = np.nan
        result.put(naming.activations(layer), a)
    softmax = _put_softmax(result, reference, zs[-1])
    parts = reference.scale * losses(network.loss, targets, zs[-1], outputs[-1], softmax)
    if network.loss in CROSS_ENTROPY_OUTPUTS and not softmax:
        by_outputs = reference.scale * cross_entropy(network.loss, targets, outputs[-1])
        differ = ~np.isclose(outputs[-1].values, a.values, rtol=_SAME, atol=0.0)
        apart = np.where(differ, np.abs(by_outputs.values - parts.values), 0.0)
        apart = np.where(np.isfinite(apart), apart, 0.0)  # no logarithm of a negative activation
        parts = _either(differ & _nearer(result, reference, by_outputs, parts), by_outputs, parts)
        parts.radius = parts.radius + apart  # the other one is right, too
    result.put(naming.losses, parts)
    if result.has(naming.losses):
        parts = get(naming.losses)
    result.put([TOTAL_LOSS], reference.share * parts.sum(axis=-1, keepdims=True))

    zs = [Rounded(np.where(np.abs(z.values) < zero, 0.0, z.values), z.terms, z.radius) for z in zs]
    last = naming.layers[-1]
    worked_out: dict[str, Numbers] = {}  # gradients
    delta = network.scale * output_delta(
        network.loss, network.activations[-1], targets, zs[-1], outputs[-1]
    )
    for layer in reversed(naming.layers):
        if layer < last:
            z, a, after = zs[layer - 1], outputs[layer], outputs[layer + 1]
            delta = delta_below(network, layer, weights[layer], delta, z, a, after)
        if reference.delta_columns:
            names = [delta_symbol(name) for name in naming.pre_activations(layer)]
            result.put(names, reference.delta_sign * delta)
            delta = reference.delta_sign * get(names)  # the rest is computed from the sheet's δ
        own: list[str] = []
        for names, gradients in reference.gradients(layer, delta, outputs[layer - 1]):
            result.put_once(names, gradients)
            worked_out |= {name: gradients[:, [k]] for k, name in enumerate(names)}
            own += names
        if not result.has([size_symbol(layer)]):
            continue
        squares = np.square(result.get_once(own)).sum(axis=-1, keepdims=True)
        result.put_once([size_symbol(layer)], np.sqrt(squares))

    if reference.looked_up:
        _put_samples(result, reference, data)
    for symbol in reference.constants:
        result.put_next([symbol], result.get_once([symbol]), stated)
    _put_training(result, reference, rate, worked_out, stated)
    return result.expected()


def _nearer(
    result: "_Collector", reference: Reference, one: Rounded, other: Rounded
) -> NDArray[np.bool_]:
    """Tell where the sheet's losses are nearer to the parts of ``one`` than to those of ``other``.

    A cross-entropy may read the pre-activations or the activations. Both are right, and they
    differ where the activations are wrong.
    """
    found = [one.values, other.values]
    names = reference.naming.losses
    if not result.has(names):
        names = [TOTAL_LOSS]
        found = [reference.share * parts.sum(axis=-1, keepdims=True) for parts in found]
    shown = result.get(names).values
    return np.asarray(np.abs(found[0] - shown) < np.abs(found[1] - shown))


def _either(choice: NDArray[np.bool_], one: Rounded, other: Rounded) -> Rounded:
    """Return the numbers of ``one`` where ``choice`` is true, else those of ``other``."""
    return Rounded(
        np.where(choice, one.values, other.values),
        np.where(choice, one.terms, other.terms),
        np.where(choice, one.radius, other.radius),
    )


def _put_samples(result: "_Collector", reference: Reference, data: Columns | None) -> None:
    """Put the columns for several samples: data, sample numbers, total loss and accuracy."""
    get = result.get
    numbers = get([SAMPLE]).values.ravel()
    if data is not None:
        places = {number: k for k, number in enumerate(data[SAMPLE].tolist())}
        known = np.vstack([stacked(data, reference.data), np.full(len(reference.data), np.nan)])
        drawn = known[[places.get(number, -1) for number in numbers.tolist()]]
        result.put(reference.data, Rounded.read(drawn))
        result.put_next_row(SAMPLE, Rounded.read(numbers % len(places) + 1.0), first=1.0)
    total = get([TOTAL_LOSS]).sum(axis=1)
    result.put_once([SUMMED_LOSS], total)
    result.put_once([MEAN_LOSS], total / float(reference.block))
    naming, activation = reference.naming, reference.network.activations[-1]
    outputs = get(naming.activations(naming.layers[-1]))
    told, margin = correct(activation, get(naming.targets).values, outputs.values)
    # With so small a margin, digits that were not stored decide: then either answer is right.
    close = CLOSE_CALL + 2 * outputs.radius.max(axis=-1, keepdims=True)
    result.put([CORRECT], Rounded(told, np.abs(told), 1.0 * (margin < close)))
    result.put_once([ACCURACY], get([CORRECT]).sum(axis=1) / float(reference.block))


def _put_softmax(result: "_Collector", reference: Reference, z: Numbers) -> Softmax | None:
    """Put the steps of softmax; return the sheet's own values of them, if it has such columns."""
    naming = reference.naming
    names = [exponential_symbol(name) for name in naming.pre_activations(naming.layers[-1])]
    if not result.has([LARGEST_OUTPUT, *names]):
        return None
    sheet = Softmax(result.get([LARGEST_OUTPUT]), result.get(names))
    result.put([LARGEST_OUTPUT], Softmax.of(z).largest)
    result.put(names, np.exp(z - sheet.largest))
    result.put(naming.activations(naming.layers[-1]), sheet.shares)
    return sheet


def _put_training(
    result: "_Collector",
    reference: Reference,
    rate: float,
    gradients: Mapping[str, Numbers],
    stated: Mapping[str, float],
) -> None:
    """Put the iteration's number and rate, the optimizer's state and the next parameters.

    ``gradients`` are computed from other cells, for updates that spell them out.
    """
    get, rule = result.get_once, reference.rule
    k = result.iteration_numbers[:, None]
    if result.has([ITERATION]):
        k = get([ITERATION]).values
        result.put_next([ITERATION], Rounded.read(k + 1.0), {})
    eta = Rounded.read(np.full_like(k, rate))
    if rule.schedule is not Schedule.CONSTANT:  # otherwise a column of rates is up to the author
        result.put_once([ITERATION_RATE], eta * rule.multiplier(k))
    if result.has([ITERATION_RATE]):
        eta = get([ITERATION_RATE])
    for own in _alike(result, reference.trained):
        now, names = get(own), [gradient_symbol(symbol) for symbol in own]
        gradient = get(names) if result.has(names) else gradients[names[0]]
        columns = {
            letter: [state_symbol(letter, symbol) for symbol in own]
            for letter in KEEPS[rule.optimizer]
        }
        state = {letter: get(names) for letter, names in columns.items()}
        before = {letter: part.row_above(0.0) for letter, part in state.items()}
        for letter, found in next_state(rule, before, now, gradient).items():
            result.put_once(columns[letter], found)
        result.put_next(own, step(rule, eta, k, now, gradient, state), stated)


def _alike(result: "_Collector", trained: Sequence[str]) -> list[list[str]]:
    """Group parameters: those with a column of gradients, and each of the others alone."""
    having = [symbol for symbol in trained if result.has([gradient_symbol(symbol)])]
    others = [[symbol] for symbol in trained if not result.has([gradient_symbol(symbol)])]
    return [having, *others] if having else others


class _Collector:
    """Collects expected values, for the columns that the table has.

    ``sheet`` has the table's values, filled up with NaN if rows of the last iteration are missing;
    ``halves`` has half a unit of the last digit of each, 0 for exact ones.
    """

    def __init__(self, values: Columns, block: int, storage: float, halves: Columns) -> None:
        self._count = len(next(iter(values.values())))
        self._block = block
        self._storage = storage
        self._iterations = -(-self._count // block)
        self._exact = np.broadcast_to(0.0, self._iterations * block)
        self.sheet = dict(values)
        if missing := self._iterations * block - self._count:
            end = np.full(missing, np.nan)
            self.sheet = {s: np.concatenate([column, end]) for s, column in values.items()}
            halves = {s: np.concatenate([own, np.zeros(missing)]) for s, own in halves.items()}
        self.halves = {symbol: halves.get(symbol, self._exact) for symbol in self.sheet}
        self._is_rounded = bool(halves)
        self._values: dict[str, Array] = {}
        self._terms: dict[str, Array] = {}
        self._radius: dict[str, Array] = {}

    def read(self, values: Array, halves: Array | float) -> Rounded:
        """Return numbers of the sheet, rounded to units of which ``halves`` are the halves."""
        return Rounded.read(values, self._storage, halves)

    def get(self, symbols: list[str]) -> Rounded:
        """Return the sheet's values (iterations, samples, symbols); NaN for missing columns."""
        return self._rows(symbols, 1).reshape(self._iterations, self._block, len(symbols))

    def get_once(self, symbols: list[str]) -> Rounded:
        """Return the sheet's values of each iteration's first row (iterations, symbols)."""
        return self._rows(symbols, self._block)

    def _rows(self, symbols: list[str], step: int) -> Rounded:
        """Return every ``step``-th row (rows, symbols)."""
        nothing, exact = np.full(self._iterations * self._block, np.nan), self._exact
        values = np.stack([self.sheet.get(s, nothing)[::step] for s in symbols], axis=1)
        if not self._is_rounded:
            return self.read(values, 0.0)
        halves = [self.halves.get(symbol, exact)[::step] for symbol in symbols]
        return self.read(values, np.stack(halves, axis=1))

    @property
    def iteration_numbers(self) -> Array:
        """The numbers of the iterations, counted from 1."""
        return np.arange(1.0, self._iterations + 1)

    def has(self, symbols: list[str]) -> bool:
        """Tell whether the table has all these columns."""
        return all(symbol in self.sheet for symbol in symbols)

    def put(self, symbols: list[str], found: Numbers) -> None:
        """Put values (iterations, samples, symbols)."""
        self._put(symbols, found.reshape(-1, len(symbols)), 1)

    def put_once(self, symbols: list[str], found: Numbers) -> None:
        """Put values (iterations, symbols) in the first rows of the iterations."""
        self._put(symbols, found.reshape(-1, len(symbols)), self._block)

    def put_next(self, symbols: list[str], following: Numbers, stated: Mapping[str, float]) -> None:
        """Put values that each iteration passes to the next; the first has its stated value."""
        start = np.array([stated.get(symbol, np.nan) for symbol in symbols])
        self._put(symbols, following.reshape(-1, len(symbols)), self._block, start)

    def put_next_row(self, symbol: str, following: Numbers, first: float) -> None:
        """Put values that each row passes to the one below."""
        self._put([symbol], following.reshape(-1, 1), 1, np.array([first]))

    def _put(
        self, symbols: list[str], flat: Numbers, step: int, start: Array | None = None
    ) -> None:
        """Put values in every ``step``-th row, moved down by one ``start`` if there is one."""
        size, down = np.abs(flat.values), 0 if start is None else 1
        terms, radius = np.maximum(flat.terms, size), flat.radius + self._storage * size
        every = (self._values, flat.values), (self._terms, terms), (self._radius, radius)
        for part, found in every:
            columns = np.full((len(symbols), self._iterations * self._block), np.nan)
            columns[:, down * step :: step] = found[: len(found) - down].T
            if start is not None:
                scale = self._storage if part is self._radius else 1.0
                columns[:, 0] = start if part is self._values else scale * np.abs(start)
            part.update((s, c) for s, c in zip(symbols, columns, strict=True) if s in self.sheet)
        for symbol in self._radius.keys() & set(symbols) if self._is_rounded else ():
            self._radius[symbol] += self.halves[symbol]

    def expected(self) -> Expected:
        """Return what was collected, for the rows and columns of the table."""
        count = self._count
        nothing = np.full(count, np.nan)

        def of_table(columns: dict[str, Array]) -> dict[str, Array]:
            return {s: columns[s][:count] if s in columns else nothing for s in self.sheet}

        return Expected(*map(of_table, (self._values, self._terms, self._radius)))
