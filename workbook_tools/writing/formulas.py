"""The mathematics of the cells, each quantity's formula written once, in symbols.

The same string becomes the cell's formula (``layout.py`` puts references for symbols), the
equation printed on the sheet and the header cell's note. What is computed is backpropagation
for layered networks as in D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning
representations by back-propagating errors", Nature 323 (1986).

With at most one hidden layer the gradients are spelled out, as a person would write them;
deeper networks get a column δ = ∂E/∂(pre-activation) for each unit, so that no formula grows
with the depth.
"""

from dataclasses import dataclass
from enum import StrEnum

from workbook_tools.experiment import Experiment
from workbook_tools.notation import (
    LEARNING_RATE,
    TOTAL_LOSS,
    Naming,
    delta_symbol,
    gradient_symbol,
)


class Role(StrEnum):
    """What a quantity is to the network; columns are coloured by it."""

    DATA = "data"
    PARAMETER = "weights"
    FORWARD = "forward pass"
    LOSS = "loss"
    DELTA = "errors δ"
    GRADIENT = "gradients"


@dataclass(frozen=True)
class Quantity:
    """One column of the training table."""

    symbol: str
    formula: str  # in symbols, without the leading "="
    role: Role
    from_row_above: bool = False  # then the symbols mean the previous iteration's values


def quantities(experiment: Experiment) -> list[Quantity]:
    """Return every quantity of one iteration, in the order of the columns.

    Targets, inputs; layer by layer weights, biases, pre-activations and activations; the loss
    of each output and the total; δ where the network has several hidden layers; gradients.
    """
    naming = experiment.naming
    trained = experiment.network.biases == "trained"
    columns = [_constant(symbol, Role.DATA) for symbol in naming.targets + naming.inputs]
    for layer in naming.layers:
        for symbol in naming.parameters(layer):
            if symbol.startswith("w") or trained:
                columns.append(_updated(symbol))
            else:
                columns.append(_constant(symbol, Role.PARAMETER))
        for unit, (z, a) in enumerate(
            zip(naming.pre_activations(layer), naming.activations(layer), strict=True)
        ):
            columns.append(Quantity(z, weighted_sum(naming, layer, unit), Role.FORWARD))
            columns.append(Quantity(a, sigmoid(z), Role.FORWARD))
    outputs = naming.activations(naming.layers[-1])
    for loss, target, output in zip(naming.losses, naming.targets, outputs, strict=True):
        columns.append(Quantity(loss, half_squared_error(target, output), Role.LOSS))
    columns.append(Quantity(TOTAL_LOSS, "+".join(naming.losses), Role.LOSS))
    if has_delta_columns(naming):
        for layer in reversed(naming.layers):
            for unit, z in enumerate(naming.pre_activations(layer)):
                columns.append(Quantity(delta_symbol(z), delta(naming, layer, unit), Role.DELTA))
    gradients = [g for layer in naming.layers for g in _gradients(naming, layer, trained)]
    return columns + sorted(gradients, key=lambda quantity: "/∂b" in quantity.symbol)


def has_delta_columns(naming: Naming) -> bool:
    """Tell whether gradients go through δ columns: with two or more hidden layers."""
    return len(naming.layers) > 2


def weighted_sum(naming: Naming, layer: int, unit: int) -> str:
    """Return a pre-activation: the weights times the layer before, plus the bias."""
    sources = naming.activations(layer - 1)
    terms = [f"{w}*{a}" for w, a in zip(naming.weights(layer)[unit], sources, strict=True)]
    return "+".join(terms + naming.biases(layer)[unit : unit + 1])


def sigmoid(z: str) -> str:
    """Return the logistic function of ``z``."""
    return f"1/(1+EXP(-{z}))"


def sigmoid_derivative(a: str) -> str:
    """Return da/dz of the logistic function, in its own value ``a``."""
    return f"{a}*(1-{a})"


def half_squared_error(target: str, output: str) -> str:
    """Return ½(t − a)²."""
    return f"0.5*({target}-{output})^2"


def half_squared_error_derivative(target: str, output: str) -> str:
    """Return ∂E/∂a of the half squared error."""
    return f"({output}-{target})"


def output_delta(naming: Naming, unit: int) -> str:
    """Return ∂E/∂o of one output unit, spelled out."""
    output = naming.activations(naming.layers[-1])[unit]
    slope = half_squared_error_derivative(naming.targets[unit], output)
    return f"{slope}*{sigmoid_derivative(output)}"


def activation_gradient(naming: Naming, layer: int, unit: int) -> str:
    """Return ∂E/∂a of a hidden unit: the errors of the next layer, through its weights."""
    following = layer + 1
    terms = []
    for k, z in enumerate(naming.pre_activations(following)):
        error = delta_symbol(z) if has_delta_columns(naming) else output_delta(naming, k)
        terms.append(f"{error}*{naming.weights(following)[k][unit]}")
    return "+".join(terms)


def delta(naming: Naming, layer: int, unit: int) -> str:
    """Return ∂E/∂(pre-activation) of any unit."""
    if layer == naming.layers[-1]:
        return output_delta(naming, unit)
    incoming = activation_gradient(naming, layer, unit)
    if naming.sizes[layer + 1] > 1:
        incoming = f"({incoming})"
    return f"{incoming}*{sigmoid_derivative(naming.activations(layer)[unit])}"


def _constant(symbol: str, role: Role) -> Quantity:
    return Quantity(symbol, symbol, role, from_row_above=True)


def _updated(symbol: str) -> Quantity:
    formula = f"{symbol}-{LEARNING_RATE}*{gradient_symbol(symbol)}"
    return Quantity(symbol, formula, Role.PARAMETER, from_row_above=True)


def _gradients(naming: Naming, layer: int, biases_trained: bool) -> list[Quantity]:
    """Return ∂E/∂w and, where trained, ∂E/∂b of one layer."""
    errors = [
        delta_symbol(z) if has_delta_columns(naming) else delta(naming, layer, unit)
        for unit, z in enumerate(naming.pre_activations(layer))
    ]
    formulas = {
        weight: f"{error}*{source}"
        for error, row in zip(errors, naming.weights(layer), strict=True)
        for weight, source in zip(row, naming.activations(layer - 1), strict=True)
    }
    if biases_trained:
        for bias, error in zip(naming.biases(layer), errors, strict=True):
            formulas[bias] = f"{formulas[bias]}+{error}" if bias in formulas else error
    return [Quantity(gradient_symbol(p), f, Role.GRADIENT) for p, f in formulas.items()]
