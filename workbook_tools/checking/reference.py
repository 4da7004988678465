"""The mathematics of a table: between columns named by symbols and the matrices of ``network.py``.

All frames have the rows of a table, that is the iterations, as their rows, and symbols as their
columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from workbook_tools.checking.functions import Softmax, losses
from workbook_tools.checking.network import (
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
from workbook_tools.checking.optimizers import KEEPS, Rule
from workbook_tools.checking.rounding import Array, Numbers
from workbook_tools.notation import (
    ITERATION,
    ITERATION_RATE,
    LARGEST_OUTPUT,
    TOTAL_LOSS,
    Naming,
    delta_symbol,
    exponential_symbol,
    gradient_symbol,
    state_symbol,
)
from workbook_tools.vocabulary import Activation, Loss


@dataclass(frozen=True)
class Reference:
    """One network as the columns of a table name it."""

    naming: Naming
    trained_biases: bool
    delta_columns: bool
    activations: tuple[Activation, ...] = ()  # of each layer; none: sigmoid everywhere
    loss: Loss = Loss.HALF_SQUARED_ERROR
    rule: Rule = field(default_factory=Rule)

    @property
    def network(self) -> Network:
        """The network in matrix form."""
        activations = self.activations or tuple(Activation.SIGMOID for _ in self.naming.layers)
        return Network(self.naming.sizes, activations, self.loss)

    def states(self, parameter: str) -> dict[str, str]:
        """Return the symbols of what the optimizer remembers of a parameter, by letter."""
        return {letter: state_symbol(letter, parameter) for letter in KEEPS[self.rule.optimizer]}

    @property
    def from_above(self) -> set[str]:
        """What reads the row above, and is otherwise got at in the first row."""
        states = {symbol for alike in self.all_states for symbol in alike}
        return {*self.constants, *self.trained, *states, ITERATION}

    @property
    def all_states(self) -> list[list[str]]:
        """All columns of the optimizer's state, those of one letter together."""
        letters = KEEPS[self.rule.optimizer]
        return [[state_symbol(letter, p) for p in self.trained] for letter in letters]

    @property
    def constants(self) -> list[str]:
        """What stays the same in every iteration: targets, inputs, fixed biases."""
        fixed = [] if self.trained_biases else self._bias_symbols()
        return self.naming.targets + self.naming.inputs + fixed

    @property
    def trained(self) -> list[str]:
        """The parameters that every iteration updates."""
        biases = self._bias_symbols() if self.trained_biases else []
        return [f"w{k}" for k in range(1, self.naming.weight_count + 1)] + biases

    def _bias_symbols(self) -> list[str]:
        return [f"b{k}" for k in range(1, self.naming.bias_count + 1)]

    def parameters(self, values: pd.DataFrame) -> Parameters:
        """Gather the weight and bias columns of every row into matrices."""
        weights, biases = [], []
        for layer in self.naming.layers:
            symbols = self.naming.weights(layer)
            matrix = _columns(values, [symbol for row in symbols for symbol in row])
            weights.append(matrix.reshape(len(values), len(symbols), len(symbols[0])))
            names = self.naming.biases(layer)
            none = np.zeros((len(values), self.naming.sizes[layer]))
            biases.append(_columns(values, names) if names else none)
        return Parameters([*weights], [*biases])

    def sharing(self, layer: int) -> Array:
        """Return the matrix that adds up the errors of a layer's units that share a bias."""
        names = self.naming.biases(layer) or [str(k) for k in range(self.naming.sizes[layer])]
        return np.array([[float(a == b) for b in names] for a in names])

    def iteration(self, values: pd.DataFrame) -> pd.DataFrame:
        """Work out a whole iteration in each row, from its data, weights and biases alone."""
        network, naming = self.network, self.naming
        parameters = self.parameters(values)
        targets = _columns(values, naming.targets)[:, None, :]
        zs, outputs = forward(network, parameters, _columns(values, naming.inputs)[:, None, :])
        parts = losses(network.loss, targets, zs[-1], outputs[-1])
        result = {symbol: values[symbol].to_numpy() for symbol in self.constants + self.trained}
        for layer in naming.layers:
            _spread(result, naming.pre_activations(layer), zs[layer - 1])
            _spread(result, naming.activations(layer), outputs[layer])
        if network.activations[-1] is Activation.SOFTMAX:
            softmax = Softmax.of(zs[-1])
            _spread(result, [LARGEST_OUTPUT], softmax.largest)
            names = [exponential_symbol(z) for z in naming.pre_activations(naming.layers[-1])]
            _spread(result, names, softmax.powers)
        _spread(result, naming.losses, parts)
        result[TOTAL_LOSS] = parts.sum(axis=-1)[:, 0]
        found = deltas(network, parameters, targets, zs, outputs)
        for layer, delta in zip(naming.layers, found, strict=True):
            if self.delta_columns:
                _spread(result, [delta_symbol(z) for z in naming.pre_activations(layer)], delta)
            for symbols, gradients in self.gradients(layer, delta, outputs[layer - 1]):
                _spread(result, symbols, gradients)
        return pd.DataFrame(result, index=values.index)

    def gradients(
        self, layer: int, delta: Numbers, sources: Numbers
    ) -> list[tuple[list[str], Numbers]]:
        """Return the symbols and the values of a layer's gradients, weights and biases apart."""
        names = [gradient_symbol(w) for row in self.naming.weights(layer) for w in row]
        found = [(names, weight_gradient(self.network, delta, sources).reshape(-1, len(names)))]
        if self.trained_biases:
            names = [gradient_symbol(bias) for bias in self.naming.biases(layer)]
            found.append((names, bias_gradient(self.network, delta) @ self.sharing(layer)))
        return found

    def run(
        self, first_row: Mapping[str, float], rate: float, iterations: int, first: int = 1
    ) -> pd.DataFrame:
        """Train from the data, weights and biases of a first row; return every iteration.

        The result has one row an iteration, and every quantity as a column; ``first`` is the
        number of the first iteration.
        """
        values = pd.DataFrame({s: [first_row[s]] for s in self.constants + self.trained})
        layers = self.naming.layers
        moves = float(self.trained_biases)
        training = Training(
            Samples(_columns(values, self.naming.inputs), _columns(values, self.naming.targets)),
            batch=1,
            rule=replace(self.rule, rate=rate),
            trained_biases=tuple(np.full(self.naming.sizes[layer], moves) for layer in layers),
            sharing=tuple(self.sharing(layer) for layer in layers),
        )
        start = self.parameters(values)
        moments = list(run(self.network, training, start, iterations, first))
        flat = [[*m.parameters.weights, *m.parameters.biases] for m in moments]
        trajectory = self._frame(flat)
        for symbol in self.naming.targets + self.naming.inputs:
            trajectory[symbol] = first_row[symbol]
        numbers = np.arange(first, first + iterations, dtype=float)
        found = [
            self.iteration(trajectory),
            pd.DataFrame(
                {ITERATION: numbers, ITERATION_RATE: rate * self.rule.multiplier(numbers)}
            ),
        ]
        for letter in KEEPS[self.rule.optimizer]:
            states = self._frame([[state[letter] for state in m.states] for m in moments])
            found.append(states[self.trained].add_prefix(state_symbol(letter, "")))
        return pd.concat(found, axis=1)

    def _frame(self, rows: list[list[Numbers]]) -> pd.DataFrame:
        """Return a frame of arrays: in each row those of every layer's weights, then biases."""
        flat = np.array([np.concatenate([np.ravel(part) for part in row]) for row in rows])
        frame = pd.DataFrame(flat, columns=self._flat_symbols())
        return frame.loc[:, ~frame.columns.duplicated()]

    def _flat_symbols(self) -> list[str]:
        """Return the symbols of all weights, then of each unit's bias, in the order of ``run``."""
        weights = [w for k in self.naming.layers for row in self.naming.weights(k) for w in row]
        biases = []
        for layer in self.naming.layers:
            names = self.naming.biases(layer)
            biases += names or [f"no bias {layer}.{k}" for k in range(self.naming.sizes[layer])]
        return weights + biases


def _columns(values: pd.DataFrame, symbols: list[str]) -> Array:
    return values[symbols].to_numpy(dtype=float)


def _spread(result: dict[str, Array], symbols: list[str], columns: Numbers) -> None:
    """Put an array with one column for each symbol into ``result``."""
    flat = np.asarray(columns).reshape(-1, len(symbols))
    result.update(zip(symbols, flat.T, strict=True))
