"""The mathematics of the tables, in matrix form, written independently of any formula.

A layer computes z = W a + b and a' = σ(z) = 1/(1 + e^(−z)); the loss is E = Σ ½(t − a)².
Backpropagation: δ = ∂E/∂z is (a − t) σ'(z) at the outputs and (Wᵀ δ) σ'(z) below, with
σ'(z) = a (1 − a); ∂E/∂W = δ aᵀ and ∂E/∂b = δ; then w ← w − η ∂E/∂w. (M. A. Nielsen, "Neural
Networks and Deep Learning", 2015, chapter 2, equations BP1–BP4.)

All arrays have the rows of a table, that is the iterations, as their first axis.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbook_tools.notation import TOTAL_LOSS, Naming, delta_symbol, gradient_symbol

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parameters:
    """The weights (rows, units, sources) and biases (rows, units) into each layer."""

    weights: list[Array]
    biases: list[Array]


def sigmoid(z: Array) -> Array:
    """Return 1/(1 + e^(−z)); where the exponential overflows, the limit 0."""
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-z))


def pre_activation(weights: Array, biases: Array, sources: Array) -> Array:
    """Return z = W a + b, (rows, units)."""
    result: Array = (weights @ sources[:, :, None])[:, :, 0] + biases
    return result


def forward(parameters: Parameters, inputs: Array) -> tuple[list[Array], list[Array]]:
    """Return each layer's pre-activations and activations; layer 0's activations are the inputs."""
    zs: list[Array] = []
    activations = [inputs]
    for weights, biases in zip(parameters.weights, parameters.biases, strict=True):
        zs.append(pre_activation(weights, biases, activations[-1]))
        activations.append(sigmoid(zs[-1]))
    return zs, activations


def losses(targets: Array, outputs: Array) -> Array:
    """Return each output's ½(t − a)², (rows, outputs)."""
    result: Array = 0.5 * (targets - outputs) ** 2
    return result


def output_delta(targets: Array, outputs: Array) -> Array:
    """Return ∂E/∂z of the output layer."""
    return (outputs - targets) * outputs * (1.0 - outputs)


def hidden_delta(weights: Array, delta: Array, activations: Array) -> Array:
    """Return ∂E/∂z of a layer, from the weights into the next layer and that layer's δ."""
    arriving = (delta[:, None, :] @ weights)[:, 0, :]
    result: Array = arriving * activations * (1.0 - activations)
    return result


def deltas(parameters: Parameters, targets: Array, activations: list[Array]) -> list[Array]:
    """Return every layer's δ, from the activations of ``forward`` (or of a sheet)."""
    found = [output_delta(targets, activations[-1])]
    for layer in range(len(parameters.weights) - 1, 0, -1):
        found.insert(0, hidden_delta(parameters.weights[layer], found[0], activations[layer]))
    return found


def weight_gradient(delta: Array, sources: Array) -> Array:
    """Return ∂E/∂W = δ aᵀ, (rows, units, sources)."""
    return delta[:, :, None] * sources[:, None, :]


class Reference:
    """The mathematics of one network, between columns named by symbols and matrices."""

    def __init__(self, naming: Naming, trained_biases: bool, delta_columns: bool) -> None:
        self.naming = naming
        self.trained_biases = trained_biases
        self.delta_columns = delta_columns

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
        return Parameters(weights, biases)

    def iteration(self, values: pd.DataFrame) -> pd.DataFrame:
        """Work out a whole iteration in each row, from its data, weights and biases alone."""
        parameters = self.parameters(values)
        targets = _columns(values, self.naming.targets)
        zs, activations = forward(parameters, _columns(values, self.naming.inputs))
        parts = losses(targets, activations[-1])
        result = {symbol: values[symbol].to_numpy() for symbol in self.constants + self.trained}
        for layer in self.naming.layers:
            _spread(result, self.naming.pre_activations(layer), zs[layer - 1])
            _spread(result, self.naming.activations(layer), activations[layer])
        _spread(result, self.naming.losses, parts)
        result[TOTAL_LOSS] = parts.sum(axis=1)
        found = deltas(parameters, targets, activations)
        self._put_gradients(result, found, activations)
        return pd.DataFrame(result, index=values.index)

    def _put_gradients(
        self, result: dict[str, Array], found: list[Array], activations: list[Array]
    ) -> None:
        for layer, delta in zip(self.naming.layers, found, strict=True):
            if self.delta_columns:
                _spread(
                    result, [delta_symbol(z) for z in self.naming.pre_activations(layer)], delta
                )
            gradients = weight_gradient(delta, activations[layer - 1])
            names = [gradient_symbol(w) for row in self.naming.weights(layer) for w in row]
            _spread(result, names, gradients.reshape(len(delta), -1))
            if self.trained_biases:
                for unit, bias in enumerate(self.naming.biases(layer)):
                    name = gradient_symbol(bias)  # a shared bias gathers its units' errors
                    shared = name in result and bias in self.naming.biases(layer)[:unit]
                    result[name] = (result[name] if shared else 0.0) + delta[:, unit]

    def run(self, first_row: Mapping[str, float], rate: float, iterations: int) -> pd.DataFrame:
        """Train from the data, weights and biases of a first row; return every iteration.

        The result has one row an iteration, counted from 0, and every quantity as a column.
        """
        values = pd.DataFrame({s: [first_row[s]] for s in self.constants + self.trained})
        parameters = self.parameters(values)
        targets = _columns(values, self.naming.targets)
        inputs = _columns(values, self.naming.inputs)
        shared = [_sharing(self.naming.biases(layer)) for layer in self.naming.layers]
        weights, biases = list(parameters.weights), list(parameters.biases)
        history: list[Array] = []
        for _ in range(iterations):
            history.append(np.concatenate([part.ravel() for part in weights + biases]))
            now = Parameters(weights, biases)
            _, activations = forward(now, inputs)
            found = deltas(now, targets, activations)
            weights = [
                w - rate * weight_gradient(delta, sources)
                for w, delta, sources in zip(weights, found, activations, strict=False)
            ]
            if self.trained_biases:
                biases = [
                    b - rate * (delta @ together)
                    for b, delta, together in zip(biases, found, shared, strict=True)
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


def _spread(result: dict[str, Array], symbols: list[str], columns: Array) -> None:
    result.update(zip(symbols, columns.T, strict=True))


def _sharing(names: list[str]) -> Array:
    """Return the matrix that adds up the errors of units that share a bias."""
    return np.array([[float(a == b) for b in names] for a in names])
