"""The words for a network's activations, losses, optimizers and schedules, in specs and sheets.

The mathematics behind each word is written twice, independently: as cell formulas in ``writing/``,
and on arrays in ``mathematics/``.
"""

from enum import StrEnum


class Activation(StrEnum):
    """The activation functions, of a pre-activation z."""

    SIGMOID = "sigmoid"  # 1 / (1 + e^(−z))
    TANH = "tanh"
    RELU = "relu"  # max(z, 0)
    LEAKY_RELU = "leaky-relu"  # z where z > 0, else 0.01 z
    ELU = "elu"  # z where z > 0, else e^z − 1
    SOFTPLUS = "softplus"  # ln(1 + e^z)
    LINEAR = "linear"  # z
    SOFTMAX = "softmax"  # e^z / Σ e^z over the layer; for the output layer only


class Loss(StrEnum):
    """The loss functions, of a sample's outputs a and targets t."""

    HALF_SQUARED_ERROR = "half-squared-error"  # Σ ½ (t − a)²
    MEAN_SQUARED_ERROR = "mean-squared-error"  # Σ (t − a)² / outputs
    # Σ −(t ln a + (1 − t) ln(1 − a)) / outputs, of sigmoid outputs
    BINARY_CROSS_ENTROPY = "binary-cross-entropy"
    CATEGORICAL_CROSS_ENTROPY = "categorical-cross-entropy"  # Σ −t ln a, of softmax outputs


class Optimizer(StrEnum):
    """The optimizers, each as ``torch.optim`` defines it."""

    GRADIENT_DESCENT = "gradient-descent"
    MOMENTUM = "momentum"
    NESTEROV = "nesterov"
    RMSPROP = "rmsprop"
    ADAM = "adam"
    ADAMW = "adamw"


class Schedule(StrEnum):
    """How the learning rate η changes with the iteration k, counted from 1."""

    CONSTANT = "constant"  # η
    STEP = "step"  # η · γ^⌊(k − 1) / every⌋
    EXPONENTIAL = "exponential"  # η · γ^(k − 1)
    COSINE = "cosine"  # η · (1 + cos(π (k − 1) / over)) / 2


# The output activations that give the probabilities which a cross-entropy needs.
CROSS_ENTROPY_OUTPUTS = {
    Loss.BINARY_CROSS_ENTROPY: Activation.SIGMOID,
    Loss.CATEGORICAL_CROSS_ENTROPY: Activation.SOFTMAX,
}
LEAK = 0.01  # the slope of leaky ReLU below 0
