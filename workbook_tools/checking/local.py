"""What each cell of a table should be, from the sheet's own values of what it depends on.

A quantity is worked out from its own row (a parameter: from the row above), so a wrong cell
is wrong alone, however far its error spreads. With each expected value goes how large an
error its arithmetic may leave: relative not to the result but to the terms that are added up
in it, since a small difference of large terms has a large relative error and is still right.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbook_tools.checking.reference import (
    Array,
    Reference,
    hidden_delta,
    losses,
    output_delta,
    pre_activation,
    sigmoid,
    weight_gradient,
)
from workbook_tools.notation import TOTAL_LOSS, delta_symbol, gradient_symbol

LARGEST_EXPONENT = math.log(np.finfo(float).max)


@dataclass
class Expected:
    """The right values of a table's cells; frames like the table's own values.

    ``terms``: the size of what is added up in a cell; rounding leaves a few units in the last
    place of it. ``inputs``: how much of a relative error in the cells it reads comes through
    (first order); for values that were stored with fewer digits than they were calculated with.
    """

    values: pd.DataFrame
    terms: pd.DataFrame
    inputs: pd.DataFrame


def expected_values(
    reference: Reference, values: pd.DataFrame, rate: float, stated: Mapping[str, float]
) -> Expected:
    """Return what every cell should be; NaN where that cannot be said.

    ``values`` has one row an iteration and a column for each symbol; ``stated`` holds initial
    values by symbol, for the first row.
    """
    result = _Collector(values)
    naming = reference.naming
    get = result.get
    parameters = reference.parameters(values)
    targets, outputs = get(naming.targets), get(naming.activations(naming.layers[-1]))
    for layer in naming.layers:
        weights, biases = parameters.weights[layer - 1], parameters.biases[layer - 1]
        sources, z = get(naming.activations(layer - 1)), get(naming.pre_activations(layer))
        size = pre_activation(np.abs(weights), np.abs(biases), np.abs(sources))
        expected = pre_activation(weights, biases, sources)
        result.put(naming.pre_activations(layer), expected, size, 2 * size)
        # Where e^(−z) overflows, a spreadsheet shows an error value, rightly or not.
        a = np.where(z < -LARGEST_EXPONENT, np.nan, sigmoid(z))
        result.put(naming.activations(layer), a, a, a + a * (1 - a) * np.abs(z))
    parts = losses(targets, outputs)
    spread = np.abs(targets - outputs) * (np.abs(targets) + np.abs(outputs))
    result.put(naming.losses, parts, parts, parts + spread)
    summands = get(naming.losses)
    total, size = summands.sum(axis=1), np.abs(summands).sum(axis=1)
    result.put([TOTAL_LOSS], total[:, None], size[:, None], size[:, None])

    delta = output_delta(targets, outputs)
    terms = np.abs(delta)
    inputs = (np.abs(outputs) + np.abs(targets)) * np.abs(outputs) * (1 + np.abs(outputs))
    for layer in reversed(naming.layers):
        names = [delta_symbol(name) for name in naming.pre_activations(layer)]
        if reference.delta_columns:
            result.put(names, delta, terms, inputs)
            delta = get(names)  # what follows reads the sheet's own δ
            terms = inputs = np.abs(delta)
        sources = get(naming.activations(layer - 1))
        _put_gradients(result, reference, layer, sources, (delta, terms, inputs))
        if layer > 1:
            weights = parameters.weights[layer - 1]
            slope = np.abs(sources) * np.abs(1 - sources)
            steep = np.abs(sources) * (1 + np.abs(sources))
            terms = (terms[:, None, :] @ np.abs(weights))[:, 0, :] * slope
            inputs = 2 * (inputs[:, None, :] @ np.abs(weights))[:, 0, :] * steep
            delta = hidden_delta(weights, delta, sources)

    for symbol in reference.constants:
        result.put_next(symbol, values[symbol], np.abs(values[symbol]), stated)
    for symbol in reference.trained:
        step = rate * values.get(gradient_symbol(symbol), pd.Series(np.nan, index=values.index))
        size = np.abs(values[symbol]) + np.abs(step)
        result.put_next(symbol, values[symbol] - step, size, stated)
    return result.expected()


def _put_gradients(
    result: "_Collector",
    reference: Reference,
    layer: int,
    sources: Array,
    errors: tuple[Array, Array, Array],
) -> None:
    """Put ∂E/∂w and ∂E/∂b of one layer, with their term and input sizes."""
    naming = reference.naming
    names = [gradient_symbol(w) for row in naming.weights(layer) for w in row]
    factors = (sources, np.abs(sources), 2 * np.abs(sources))
    products = [weight_gradient(e, f) for e, f in zip(errors, factors, strict=True)]
    result.put(names, *(product.reshape(len(product), -1) for product in products))
    if reference.trained_biases:
        biases = naming.biases(layer)
        for bias in dict.fromkeys(biases):
            units = [unit for unit, name in enumerate(biases) if name == bias]
            sums = [error[:, units].sum(axis=1, keepdims=True) for error in errors]
            result.put([gradient_symbol(bias)], *sums)


class _Collector:
    """Gathers expected values, for the columns that the table has."""

    def __init__(self, values: pd.DataFrame) -> None:
        self._sheet = values
        self._values: dict[str, Array] = {}
        self._terms: dict[str, Array] = {}
        self._inputs: dict[str, Array] = {}

    def get(self, symbols: list[str]) -> Array:
        """Return the sheet's own values, NaN for a column that the table lacks."""
        return self._sheet.reindex(columns=symbols).to_numpy(dtype=float)

    def put(self, symbols: list[str], values: Array, terms: Array, inputs: Array) -> None:
        for k, symbol in enumerate(symbols):
            if symbol in self._sheet:
                self._values[symbol] = values[:, k]
                self._terms[symbol] = terms[:, k]
                self._inputs[symbol] = inputs[:, k]

    def put_next(
        self, symbol: str, following: pd.Series, size: pd.Series, stated: Mapping[str, float]
    ) -> None:
        """Put a quantity whose value comes from the row above, or from a stated start."""
        start = stated.get(symbol, np.nan)
        self._values[symbol] = np.concatenate([[start], following.to_numpy()[:-1]])
        self._terms[symbol] = np.concatenate([[abs(start)], size.to_numpy()[:-1]])
        self._inputs[symbol] = self._terms[symbol]

    def expected(self) -> Expected:
        sheet = self._sheet
        frames = [
            pd.DataFrame(columns, index=sheet.index).reindex(columns=sheet.columns)
            for columns in (self._values, self._terms, self._inputs)
        ]
        return Expected(*frames)
