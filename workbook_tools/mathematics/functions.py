"""Activations and losses on arrays: the reference's mathematics, independent of the formulas.

Every function works on plain arrays, and on arrays that track their rounding (``rounding.py``).
The last axis is the units of a layer. At a kink the derivatives are PyTorch's: 0 for ReLU at 0,
the slope below 0 for leaky ReLU, 1 for ELU.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from workbook_tools.mathematics.rounding import Array, Numbers
from workbook_tools.notation.vocabulary import LEAK, Activation, Loss


class ActivationFunction(NamedTuple):
    """An activation function a = f(z), and its derivative in terms of z and a."""

    value: Callable[[Numbers], Numbers]
    derivative: Callable[[Numbers, Numbers], Numbers]


def sigmoid(z: Numbers) -> Numbers:
    """Return 1/(1 + e^(−z)), without overflow: e^z/(1 + e^z) where z is negative."""
    return np.exp(np.minimum(z, 0.0)) / (1.0 + np.exp(-np.absolute(z)))


def softplus(z: Numbers) -> Numbers:
    """Return ln(1 + e^z), without overflow."""
    return np.maximum(z, 0.0) + np.log(1.0 + np.exp(-np.absolute(z)))


def _positive(z: Numbers) -> Numbers:
    """Return 1 where z > 0, else 0."""
    return np.heaviside(z, 0.0)


ELEMENTWISE = {
    Activation.SIGMOID: ActivationFunction(sigmoid, lambda z, a: a * (1.0 - a)),
    Activation.TANH: ActivationFunction(np.tanh, lambda z, a: 1.0 - a * a),
    Activation.RELU: ActivationFunction(
        lambda z: np.maximum(z, 0.0), lambda z, a: _positive(z) + 0.0 * a
    ),
    Activation.LEAKY_RELU: ActivationFunction(
        lambda z: np.maximum(z, LEAK * z),
        lambda z, a: LEAK + (1.0 - LEAK) * _positive(z) + 0.0 * a,
    ),
    Activation.ELU: ActivationFunction(
        lambda z: np.maximum(z, 0.0) + (np.exp(np.minimum(z, 0.0)) - 1.0),
        lambda z, a: np.exp(np.minimum(z, 0.0)),
    ),
    Activation.SOFTPLUS: ActivationFunction(softplus, lambda z, a: sigmoid(z)),
    Activation.LINEAR: ActivationFunction(lambda z: z + 0.0, lambda z, a: 1.0 + 0.0 * a),
}


class Softmax(NamedTuple):
    """The steps of softmax: the largest z of a layer, and e^(z − largest) of each unit."""

    largest: Numbers
    powers: Numbers

    @classmethod
    def of(cls, z: Numbers) -> "Softmax":
        """Compute both from the pre-activations."""
        largest = z.max(axis=-1, keepdims=True)
        return cls(largest, np.exp(z - largest))

    @property
    def shares(self) -> Numbers:
        """The activations."""
        return self.powers / self.powers.sum(axis=-1, keepdims=True)


def activated(activation: Activation, z: Numbers) -> Numbers:
    """Return a layer's activations."""
    if activation is Activation.SOFTMAX:
        return Softmax.of(z).shares
    return ELEMENTWISE[activation].value(z)


def losses(
    loss: Loss, targets: Numbers, z: Numbers, outputs: Numbers, softmax: Softmax | None = None
) -> Numbers:
    """Return each output's part of the loss, from pre-activations ``z`` or activations.

    ``softmax`` has the steps of the outputs' softmax, if they are known.

    The cross-entropies are computed from the pre-activations, so that a saturated output does not
    give ln 0: −t ln σ(z) − (1 − t) ln(1 − σ(z)) = ln(1 + e^z) − t z, and
    −ln softmax(z) = ln Σ e^z − z.
    """
    count = outputs.shape[-1]
    if loss is Loss.HALF_SQUARED_ERROR:
        return 0.5 * np.square(targets - outputs)
    if loss is Loss.MEAN_SQUARED_ERROR:
        return np.square(targets - outputs) / count
    if loss is Loss.BINARY_CROSS_ENTROPY:
        return (softplus(z) - targets * z) / count
    softmax = softmax or Softmax.of(z)
    total = softmax.powers.sum(axis=-1, keepdims=True)
    return targets * (np.log(total) - (z - softmax.largest))


def cross_entropy(loss: Loss, targets: Numbers, outputs: Numbers) -> Numbers:
    """Return each output's part of a cross-entropy, from any activations."""
    with np.errstate(divide="ignore"):
        if loss is Loss.CATEGORICAL_CROSS_ENTROPY:
            return -1.0 * targets * np.log(outputs)
        entropy = targets * np.log(outputs) + (1.0 - targets) * np.log(1.0 - outputs)
        return -1.0 * entropy / outputs.shape[-1]


def output_delta(
    loss: Loss, activation: Activation, targets: Numbers, z: Numbers, outputs: Numbers
) -> Numbers:
    """Return ∂E/∂z of the output layer.

    For the cross-entropies with their matching activations, and targets that add up to 1, it is
    a − t (C. M. Bishop, "Pattern Recognition and Machine Learning", 2006, section 5.3.1).
    """
    error, count = outputs - targets, outputs.shape[-1]
    if loss is Loss.CATEGORICAL_CROSS_ENTROPY:
        return error
    if loss is Loss.BINARY_CROSS_ENTROPY:
        return error / count
    if loss is Loss.MEAN_SQUARED_ERROR:
        error = 2.0 * error / count
    return error * ELEMENTWISE[activation].derivative(z, outputs)


def hidden_delta(
    activation: Activation, arriving: Numbers, z: Numbers, outputs: Numbers
) -> Numbers:
    """Return ∂E/∂z of a layer, from its ∂E/∂a, which ``arrives`` from the next layer."""
    return arriving * ELEMENTWISE[activation].derivative(z, outputs)


def correct(activation: Activation, targets: Array, outputs: Array) -> tuple[Array, Array]:
    """Return 1 for each sample that is classified correctly, else 0; and the margin of that.

    With softmax, the target's output must be the largest; with sigmoid outputs, each must be on
    the target's side of one half. Both arrays are (iterations, samples, 1).
    """
    if activation is Activation.SOFTMAX:
        own = (targets * outputs).sum(axis=-1, keepdims=True)
        margin = own - outputs.max(axis=-1, keepdims=True)
        found = margin >= 0
    else:
        margin = ((targets - 0.5) * (outputs - 0.5)).min(axis=-1, keepdims=True)
        found = margin > 0
    return np.where(np.isnan(margin), np.nan, found), np.abs(margin)
