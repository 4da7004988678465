"""The mathematics of a table: between columns named by symbols and the matrices of ``network.py``.

All frames have the rows of a table, that is the iterations, as their rows, and symbols as their
columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from workbook_tools.checking.functions import losses
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
from workbook_tools.checking.optimizers import Rule
from workbook_tools.checking.rounding import Array, Numbers
from workbook_tools.notation import TOTAL_LOSS, Naming, delta_symbol, gradient_symbol
from workbook_tools.vocabulary import Activation, Loss


@dataclass(frozen=True)
class Reference:
    """One network as the columns of a table name it."""

    naming: Naming
    trained_biases: bool
    delta_columns: bool
    rule: Rule = field(default_factory=Rule)

    @property
    def network(self) -> Network:
        """The network in matrix form."""
        activations = tuple(Activation.SIGMOID for _ in self.naming.layers)
        return Network(self.naming.sizes, activations, Loss.HALF_SQUARED_ERROR)

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

    def run(self, first_row: Mapping[str, float], rate: float, iterations: int) -> pd.DataFrame:
        """Train from the data, weights and biases of a first row; return every iteration.

        The result has one row an iteration, counted from 0, and every quantity as a column.
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
        history = [
            np.concatenate([np.ravel(part) for part in now.weights + now.biases])
            for now in run(self.network, training, self.parameters(values), iterations)
        ]
        trajectory = pd.DataFrame(np.array(history), columns=self._flat_symbols())
        trajectory = trajectory.loc[:, ~trajectory.columns.duplicated()]
        for symbol in self.naming.targets + self.naming.inputs:
            trajectory[symbol] = first_row[symbol]
        return self.iteration(trajectory)

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
