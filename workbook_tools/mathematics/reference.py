"""The mathematics of a table: connects its columns, by symbol, to the matrices of ``network.py``.

All columns have the rows of the table. An iteration has a row for each of its samples. Quantities
that an iteration has once are in the first of these rows, with NaN in the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple, TypeAlias

import numpy as np

from workbook_tools.mathematics.functions import Softmax, correct, losses
from workbook_tools.mathematics.network import (
    Network,
    Parameters,
    Samples,
    Training,
    bias_gradient,
    deltas,
    forward,
    run,
    weight_gradient,
)
from workbook_tools.mathematics.optimizers import KEEPS, Rule
from workbook_tools.mathematics.rounding import Array, Numbers
from workbook_tools.mathematics.windows import Windows
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
    Naming,
    delta_symbol,
    exponential_symbol,
    gradient_symbol,
    size_symbol,
    state_symbol,
)
from workbook_tools.notation.vocabulary import Activation, Loss

Columns: TypeAlias = Mapping[str, Array]  # by symbol


@dataclass(frozen=True)
class Reference:
    """One network and its training, in the symbols of a table's columns."""

    naming: Naming
    trained_biases: tuple[str, ...]
    delta_columns: bool
    activations: tuple[Activation, ...] = ()  # of layers with weights; empty: sigmoid everywhere
    loss: Loss = Loss.HALF_SQUARED_ERROR
    rule: Rule = field(default_factory=Rule)
    block: int = 1  # rows of an iteration, one per sample
    looked_up: bool = False  # data are found by a column ``sample``; else they stay the same
    scale: float = 1.0  # an extra factor of each output's part of the loss
    share: float = 1.0  # an extra factor of the sum of these parts
    delta_sign: float = 1.0  # −1 where δ is −∂E/∂z, as in the delta rule, w + η δ a
    averaged: bool = True  # gradients are averaged over an iteration's samples; else summed
    known: Mapping[str, str] = field(
        default_factory=dict, compare=False
    )  # where the knowledge of activations, loss … comes from

    @cached_property
    def network(self) -> Network:
        """The network in matrix form."""
        naming = self.naming
        weighted = naming.weighted_layers
        said = dict(zip(weighted, self.activations, strict=False))
        otherwise = Activation.LINEAR if said else Activation.SIGMOID
        activations = tuple(said.get(layer, otherwise) for layer in naming.layers)
        windows = tuple(Windows(kind) if kind.images else None for kind in naming.on_images)
        scale = self.scale * self.share
        return Network(naming.sizes, activations, self.loss, self.averaged, scale, windows)

    def states(self, parameter: str) -> dict[str, str]:
        """Return the symbols of the optimizer's state for a parameter, by letter."""
        return {letter: state_symbol(letter, parameter) for letter in KEEPS[self.rule.optimizer]}

    @cached_property
    def from_above(self) -> set[str]:
        """The quantities that are computed from the iteration above, except in the first one."""
        states = {symbol for alike in self.all_states for symbol in alike}
        return {*self.constants, *self.trained, *states, ITERATION, SAMPLE}

    @cached_property
    def once(self) -> set[str]:
        """The quantities that an iteration has once, in its first row."""
        parameters = set(self.start)
        states = {symbol for alike in self.all_states for symbol in alike}
        sizes = {size_symbol(layer) for layer in self.naming.layers}
        results = {ITERATION, ITERATION_RATE, MEAN_LOSS, SUMMED_LOSS, ACCURACY}
        return {*parameters, *map(gradient_symbol, parameters), *states, *sizes, *results}

    @cached_property
    def all_states(self) -> list[list[str]]:
        """All columns of the optimizer's state, one list for each letter."""
        letters = KEEPS[self.rule.optimizer]
        return [[state_symbol(letter, p) for p in self.trained] for letter in letters]

    @property
    def data(self) -> list[str]:
        """Targets and inputs."""
        return self.naming.targets + self.naming.inputs

    @cached_property
    def constants(self) -> list[str]:
        """What stays the same in every iteration: fixed biases, and the data of a single sample."""
        fixed = [b for b in self.naming.all_biases if b not in self.trained_biases]
        return fixed if self.looked_up else self.data + fixed

    @cached_property
    def trained(self) -> list[str]:
        """The parameters that every iteration updates."""
        biases = [b for b in self.naming.all_biases if b in self.trained_biases]
        return self.naming.all_weights + biases

    @property
    def start(self) -> list[str]:
        """Every weight and bias."""
        return self.naming.all_weights + self.naming.all_biases

    def parameters(self, values: Columns) -> Parameters:
        """Return the weights and biases of every iteration as matrices."""

        def first_rows(symbols: list[str]) -> Array:
            if not symbols:
                return np.zeros((iterations, 0))
            return stacked(values, symbols)[:: self.block]

        iterations = -(-len(values[self.naming.all_weights[0]]) // self.block)
        weights, biases = [], []
        for layer in self.naming.layers:
            symbols = self.naming.weights(layer)
            matrix = first_rows([symbol for row in symbols for symbol in row])
            weights.append(matrix.reshape(iterations, len(symbols), len(symbols[0])))
            names = self.naming.biases(layer)
            none = np.zeros((iterations, self.naming.sizes[layer]))
            biases.append(first_rows(names) if names else none)
        return Parameters([*weights], [*biases])

    def sharing(self, layer: int) -> Array:
        """Return the matrix that sums the errors of units of a layer that share a bias."""
        names = self.naming.biases(layer) or [str(k) for k in range(self.naming.sizes[layer])]
        return np.array([[float(a == b) for b in names] for a in names])

    def iterations(self, values: Columns) -> dict[str, Array]:
        """Compute whole iterations from their data, weights and biases alone."""
        network, naming = self.network, self.naming
        rows = _Rows(len(values[naming.inputs[0]]) // self.block, self.block)
        parameters = self.parameters(values)
        targets = rows.blocks(values, naming.targets)
        zs, outputs = forward(network, parameters, rows.blocks(values, naming.inputs))
        parts = self.scale * losses(network.loss, targets, zs[-1], outputs[-1])
        given = [*self.data, *self.start]
        result = {symbol: values[symbol] for symbol in given}
        for layer in naming.layers:
            rows.spread(result, naming.units(layer), zs[layer - 1])
            rows.spread(result, naming.activations(layer), outputs[layer])
        if network.activations[-1] is Activation.SOFTMAX:
            softmax = Softmax.of(zs[-1])
            rows.spread(result, [LARGEST_OUTPUT], softmax.largest)
            names = [exponential_symbol(z) for z in naming.pre_activations(naming.layers[-1])]
            rows.spread(result, names, softmax.powers)
        rows.spread(result, naming.losses, parts)
        total = self.share * parts.sum(axis=-1, keepdims=True)
        rows.spread(result, [TOTAL_LOSS], total)
        if self.looked_up:
            of_all = total.sum(axis=(1, 2))
            rows.spread_once(result, [MEAN_LOSS], of_all / self.block)
            rows.spread_once(result, [SUMMED_LOSS], of_all)
            told, _ = correct(network.activations[-1], targets, outputs[-1])
            rows.spread(result, [CORRECT], told)
            rows.spread_once(result, [ACCURACY], told.mean(axis=1))
        found = deltas(network, parameters, targets, zs, outputs)
        for layer, delta in zip(naming.layers, found, strict=True):
            if self.delta_columns:
                names = [delta_symbol(z) for z in naming.pre_activations(layer)]
                rows.spread(result, names, self.delta_sign * delta)
            squares = np.zeros(rows.iterations)
            for symbols, gradients in self.gradients(layer, delta, outputs[layer - 1]):
                rows.spread_once(result, symbols, gradients)
                squares = squares + np.square(gradients).sum(axis=-1)
            rows.spread_once(result, [size_symbol(layer)], np.sqrt(squares))
        return result

    def gradients(
        self, layer: int, delta: Numbers, sources: Numbers
    ) -> list[tuple[list[str], Numbers]]:
        """Return symbols and values of a layer's gradients, separately for weights and biases.

        The values are (iterations, symbols). Biases that are not trained have no gradients.
        """
        network, biases = self.network, self.naming.biases(layer)
        weights = dict.fromkeys(weight for row in self.naming.weights(layer) for weight in row)
        found: list[tuple[list[str], Numbers]] = []
        if weights:
            gradient = weight_gradient(network, delta, sources, network.windows[layer - 1])
            names = [*map(gradient_symbol, weights)]
            found.append((names, gradient.reshape(-1, len(names))))
        if biases and biases[0] in self.trained_biases:
            own = dict.fromkeys(biases)
            units = [biases.index(bias) for bias in own]  # one of each
            gradient = bias_gradient(network, delta) @ self.sharing(layer)[:, units]
            found.append(([*map(gradient_symbol, own)], gradient))
        return found

    def run(
        self, start: Columns, samples: Samples, rate: Numbers, iterations: int
    ) -> dict[str, Array]:
        """Return all quantities of a training, (draws, rows); see ``trained_from``."""
        return self.completed(self.trained_from(start, samples, rate, iterations))

    def completed(self, given: Columns) -> dict[str, Array]:
        """Return what ``trained_from`` did with all other quantities of the iterations."""
        draws = len(given[self.naming.inputs[0]])
        flat = {symbol: column.reshape(-1) for symbol, column in given.items()}
        every = {**flat, **self.iterations(flat)}
        return {symbol: column.reshape(draws, -1) for symbol, column in every.items()}

    def trained_from(
        self,
        start: Columns,
        samples: Samples,
        rate: Numbers,
        iterations: int,
        first: Numbers = 1,
    ) -> dict[str, Array]:
        """Train from initial weights and biases, (draws,); ``first`` is the first one's number.

        ``rate``, ``first`` and the numbers of the rule may be (draws,), and the samples may differ.
        Returns the data, parameters, optimizer's state, number and rate of every iteration, as
        (draws, rows).
        """
        naming, layers = self.naming, self.naming.layers
        rule = replace(self.rule, rate=rate)
        training = Training(
            samples,
            batch=self.block,
            rule=rule,
            trained_biases=tuple(
                np.array([float(b in self.trained_biases) for b in naming.biases(layer)] or [0.0])
                for layer in layers
            ),
            sharing=tuple(self.sharing(layer) for layer in layers),
        )
        given = {s: np.repeat(start[s], self.block) for s in self.start}
        moments = list(run(self.network, training, self.parameters(given), iterations, first))
        draws = len(next(iter(start.values())))
        rows = _Rows(draws * iterations, self.block)
        found: dict[str, Array] = {}
        flat = [[*m.parameters.weights, *m.parameters.biases] for m in moments]
        rows.spread_once(found, self.start, stacked(self._by_symbol(flat), self.start))
        counted = np.broadcast_to(
            np.reshape(first, (-1, 1)) + np.arange(0.0, iterations), (draws, iterations)
        )
        numbers = samples.numbers(counted.astype(np.int64) - 1, self.block).reshape(draws, -1)
        inputs, targets = samples.at(numbers)
        rows.spread(found, naming.inputs, inputs)
        rows.spread(found, naming.targets, targets)
        rates = rule.rates(counted)
        once = {ITERATION: counted.ravel(), ITERATION_RATE: rates.ravel()}
        rows.spread_once(found, list(once), stacked(once, list(once)))
        if self.looked_up:
            found[SAMPLE] = numbers.ravel().astype(float) + 1.0
        for letter in KEEPS[self.rule.optimizer]:
            states = self._by_symbol([[state[letter] for state in m.states] for m in moments])
            names = [state_symbol(letter, symbol) for symbol in self.trained]
            rows.spread_once(found, names, stacked(states, self.trained))
        return {symbol: np.reshape(column, (draws, -1)) for symbol, column in found.items()}

    def _by_symbol(self, rows: list[list[Numbers]]) -> dict[str, Array]:
        """Turn arrays (draws, …) of each iteration into columns (draws · iterations,) by symbol.

        An iteration has every layer's weights, then biases.
        """
        parts = [np.stack(part, axis=1) for part in zip(*rows, strict=True)]
        flat = np.concatenate([p.reshape(p.shape[0] * p.shape[1], -1) for p in parts], axis=1)
        found: dict[str, Array] = {}
        for symbol, column in zip(self._flat_symbols(), flat.T, strict=True):
            found.setdefault(symbol, column)
        return found

    def _flat_symbols(self) -> list[str]:
        """Return the symbols of all weights, then of each unit's bias, in the order of ``run``."""
        biases = []
        for layer in self.naming.layers:
            names = self.naming.biases(layer)
            biases += names or [f"no bias {layer}.{k}" for k in range(self.naming.sizes[layer])]
        naming = self.naming
        return [w for layer in naming.layers for row in naming.weights(layer) for w in row] + biases


def stacked(columns: Columns, symbols: list[str]) -> Array:
    """Return columns side by side, (rows, symbols)."""
    return np.stack([columns[symbol] for symbol in symbols], axis=1)


class _Rows(NamedTuple):
    """The rows of a table, as iterations with ``block`` samples each."""

    iterations: int
    block: int

    def blocks(self, values: Columns, symbols: list[str]) -> Array:
        """Return columns as an array (iterations, samples, symbols)."""
        return stacked(values, symbols).reshape(self.iterations, self.block, len(symbols))

    def spread(self, result: dict[str, Array], symbols: list[str], columns: Numbers) -> None:
        """Put an array (iterations, samples, symbols) into ``result``."""
        flat = np.asarray(columns).reshape(-1, len(symbols))
        result.update(zip(symbols, flat.T, strict=True))

    def spread_once(self, result: dict[str, Array], symbols: list[str], columns: Numbers) -> None:
        """Put an array (iterations, symbols) into the first rows of the iterations."""
        flat = np.full((self.iterations * self.block, len(symbols)), np.nan)
        flat[:: self.block] = np.asarray(columns).reshape(self.iterations, len(symbols))
        result.update(zip(symbols, flat.T, strict=True))
