"""Layered networks in matrix form: forward pass, backpropagation, whole trainings.

A layer computes z = W a + b and a' = f(z). Backpropagation: δ = ∂E/∂z is known at the outputs
and is (Wᵀ δ) f'(z) in the layers before; ∂E/∂W = δ aᵀ and ∂E/∂b = δ, averaged or summed over the
samples of an iteration. (M. A. Nielsen, "Neural Networks and Deep Learning", 2015, chapter 2,
equations BP1–BP4.) Layers that read windows are in ``windows.py``.

Arrays are (iterations, samples, units), parameters (iterations, units, sources) and (iterations,
units). Everything works on plain arrays, and on arrays that track their rounding.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.mathematics.functions import activated, hidden_delta, output_delta
from workbook_tools.mathematics.optimizers import KEEPS, Rule, State, next_state, step
from workbook_tools.mathematics.rounding import Array, Numbers
from workbook_tools.mathematics.windows import Windows
from workbook_tools.notation.vocabulary import Activation, Loss


class Network(NamedTuple):
    """A network's layers and its loss."""

    sizes: tuple[int, ...]  # units per layer, inputs first
    activations: tuple[Activation, ...]  # of each layer; linear for pooling layers
    loss: Loss
    averaged: bool = True  # gradients are averaged over an iteration's samples; else summed
    scale: float = 1.0  # an extra factor of the loss
    on_images: tuple[Windows | None, ...] = ()  # of each layer; None: fully connected

    @property
    def windows(self) -> tuple[Windows | None, ...]:
        """What the units of each layer read; None for a fully connected layer."""
        return self.on_images or (None,) * len(self.activations)


class Parameters(NamedTuple):
    """The weights and biases into each layer; a layer without biases has zeros."""

    weights: list[Numbers]
    biases: list[Numbers]


def pre_activation(
    weights: Numbers, biases: Numbers, sources: Numbers, windows: Windows | None = None
) -> Numbers:
    """Return z = W a + b of every sample; for a pooling layer, the value of each window."""
    if windows and windows.pooled:
        return windows.pool(sources)
    z = windows.weighted_sum(weights, sources) if windows else sources @ weights.swapaxes(1, 2)
    return z + biases.reshape(-1, 1, biases.shape[-1])


def arriving(
    weights: Numbers, delta: Numbers, sources: Numbers, outputs: Numbers, windows: Windows | None
) -> Numbers:
    """Return ∂E/∂a of a layer's ``sources``, from the layer's weights, δ and outputs."""
    if windows and windows.pooled:
        return windows.unpool(delta, sources, outputs)
    return delta @ (windows.matrix(weights) if windows else weights)


def delta_below(
    network: Network,
    layer: int,
    weights: Numbers,
    delta: Numbers,
    z: Numbers,
    outputs: Numbers,
    after: Numbers,
) -> Numbers:
    """Return the δ of a hidden layer (1 is the first) from the next one's weights and δ.

    ``z`` and ``outputs`` are the layer's own; ``after`` are the next layer's outputs.
    """
    from_above = arriving(weights, delta, outputs, after, network.windows[layer])
    return hidden_delta(network.activations[layer - 1], from_above, z, outputs)


def forward(
    network: Network, parameters: Parameters, inputs: Numbers
) -> tuple[list[Numbers], list[Numbers]]:
    """Return each layer's pre-activations and activations; layer 0's activations are the inputs."""
    zs: list[Numbers] = []
    outputs = [inputs]
    for windows, weights, biases, activation in zip(
        network.windows, parameters.weights, parameters.biases, network.activations, strict=True
    ):
        zs.append(pre_activation(weights, biases, outputs[-1], windows))
        outputs.append(activated(activation, zs[-1]))
    return zs, outputs


def deltas(
    network: Network,
    parameters: Parameters,
    targets: Numbers,
    zs: list[Numbers],
    outputs: list[Numbers],
) -> list[Numbers]:
    """Return every layer's δ, from what ``forward`` returned."""
    error = output_delta(network.loss, network.activations[-1], targets, zs[-1], outputs[-1])
    found = [network.scale * error]
    for layer in range(len(zs) - 1, 0, -1):
        weights, z, a = parameters.weights[layer], zs[layer - 1], outputs[layer]
        below = delta_below(network, layer, weights, found[0], z, a, outputs[layer + 1])
        found.insert(0, below)
    return found


def weight_gradient(
    network: Network, delta: Numbers, sources: Numbers, windows: Windows | None = None
) -> Numbers:
    """Return ∂E/∂W, (iterations, units, sources); for kernels each weight once."""
    total = windows.gradient(delta, sources) if windows else delta.swapaxes(1, 2) @ sources
    return total / delta.shape[1] if network.averaged else total


def bias_gradient(network: Network, delta: Numbers) -> Numbers:
    """Return ∂E/∂b, (iterations, units)."""
    total = delta.sum(axis=1)
    return total / delta.shape[1] if network.averaged else total


class Samples(NamedTuple):
    """The data: inputs and targets, (samples, units), in the order of training.

    They may differ between draws: (draws, samples, units).
    """

    inputs: Array
    targets: Array

    def numbers(self, iteration: Numbers, size: int) -> NDArray[np.int64]:
        """Return the numbers, from 0, of the samples of iterations, along a last axis of ``size``.

        Iterations are counted from 0; the data are used cyclically.
        """
        numbers = np.asarray(iteration)[..., None] * size + np.arange(size)
        return np.asarray(numbers % self.inputs.shape[-2])

    def at(self, numbers: NDArray[np.int64]) -> tuple[Array, Array]:
        """Return the samples with these numbers (draws, samples) as (draws, samples, units)."""
        if self.inputs.ndim == 2:
            return self.inputs[numbers], self.targets[numbers]
        draws = np.arange(len(self.inputs))[:, None]
        return self.inputs[draws, numbers], self.targets[draws, numbers]


class Training(NamedTuple):
    """How a network is trained: the samples, how many per iteration, and the update rule."""

    samples: Samples
    batch: int
    rule: Rule
    trained_biases: tuple[Array, ...]  # (units,) of each layer: 1 where a bias is trained, else 0
    sharing: tuple[Array, ...]  # (units, units) of each layer: 1 where two units share a bias


class Moment(NamedTuple):
    """One iteration: its parameters, and the optimizer's state after its gradients."""

    parameters: Parameters
    states: list[State]  # of the weights of each layer, then of the biases of each layer


def run(
    network: Network, training: Training, start: Parameters, iterations: int, first: Numbers = 1
) -> Iterator[Moment]:
    """Train from ``start``, and yield each iteration; ``first`` is the number of the first one.

    Several draws are trained at once: then arrays are (draws, …), and ``first`` and the numbers of
    the rule may be (draws,).
    """
    rule = training.rule
    now = [*start.weights, *start.biases]
    rules = [rule.of_axes(part.ndim) for part in now]
    states: list[State] = [
        {letter: np.zeros_like(part) for letter in KEEPS[rule.optimizer]} for part in now
    ]
    layers = len(start.weights)
    moving = [*(np.array(float(w.size > 0)) for w in start.weights), *training.trained_biases]
    trained = [part for part, own in enumerate(moving) if own.any()]
    fixed = [part for part in trained if not moving[part].all()]
    counted = np.reshape(first, (-1, 1)) + np.arange(iterations)  # (draws, iterations)
    numbers = training.samples.numbers(counted - 1, training.batch)
    are_alike = bool((numbers == numbers[:, :1]).all())
    always = training.samples.at(numbers[:, 0]) if are_alike else None
    rates = rule.rates(counted.astype(float))

    def each(values: Numbers, axes: int) -> Numbers:
        """Return what has a number for each draw and iteration as (iterations, draws, 1 …)."""
        return values.T.reshape(iterations, len(values), *(1,) * (axes - 1))

    etas = [each(rates, part.ndim) for part in now]
    counts = [each(counted, part.ndim) for part in now]
    for k in range(iterations):
        parameters = Parameters(now[:layers], now[layers:])
        inputs, targets = always or training.samples.at(numbers[:, k])
        zs, outputs = forward(network, parameters, inputs)
        found = deltas(network, parameters, targets, zs, outputs)
        gradients: dict[int, Numbers] = {}
        for part in trained:
            layer = part % layers
            if part < layers:
                windows = network.windows[layer]
                own = weight_gradient(network, found[layer], outputs[layer], windows)
                gradients[part] = own[:, windows.weights] if windows else own
            else:
                own = bias_gradient(network, found[layer])
                gradients[part] = own @ training.sharing[layer]
        states = [
            next_state(rules[part], state, now[part], gradients[part])
            if part in gradients
            else state
            for part, state in enumerate(states)
        ]
        yield Moment(parameters, states)
        for part, gradient in gradients.items():
            before, eta, number = now[part], etas[part][k], counts[part][k]
            now[part] = step(rules[part], eta, number, before, gradient, states[part])
            if part in fixed:
                now[part] = np.where(moving[part], now[part], before)
