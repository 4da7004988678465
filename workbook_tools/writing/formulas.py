"""The mathematics of the cells, each quantity's formula written once, in symbols.

The same string becomes the cell's formula (``layout.py`` puts references for symbols), the
equation printed on the sheet and the header cell's note. What is computed is backpropagation
for layered networks as in D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning
representations by back-propagating errors", Nature 323 (1986). Activations and losses are in
``functions.py``, optimizers in ``optimizers.py``.

With at most one hidden layer the gradients are spelled out, as a person would write them;
deeper networks, and others that ask for it, get a column δ = ∂E/∂(pre-activation) for each unit,
so that no formula grows with the depth.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from workbook_tools.experiment import Experiment, Network, Training
from workbook_tools.notation import (
    ITERATION,
    ITERATION_RATE,
    LARGEST_OUTPUT,
    LEARNING_RATE,
    TOTAL_LOSS,
    Naming,
    delta_symbol,
    exponential_symbol,
    gradient_symbol,
)
from workbook_tools.vocabulary import Activation, Loss, Optimizer, Schedule
from workbook_tools.writing.functions import (
    ACTIVATIONS,
    CLASSIC_SIGMOID,
    ActivationFormula,
    exponential,
    loss_part,
    loss_slope,
    softmax,
)
from workbook_tools.writing.optimizers import scheduled, state, update

BEFORE = "[-1]"  # after a symbol: its value in the iteration before
SYMBOL = re.compile(r"(?P<symbol>∂E/∂\w+|[^\W\d]\w*\b(?!\())(?P<before>\[-1\])?")


class Role(StrEnum):
    """What a quantity is to the network; columns are coloured by it."""

    DATA = "data"
    PARAMETER = "weights"
    FORWARD = "forward pass"
    LOSS = "loss"
    DELTA = "errors δ"
    GRADIENT = "gradients"
    STATE = "optimizer"


@dataclass(frozen=True)
class Quantity:
    """One column of the training table."""

    symbol: str
    formula: str  # in symbols, without the leading "="
    role: Role
    first: str | int | None = None  # formula or number of the first iteration, if another
    stated: bool = False  # then the first iteration reads the initial value on the Overview


@dataclass(frozen=True)
class Formulas:
    """Every formula of one network and its training."""

    naming: Naming
    network: Network
    training: Training

    @classmethod
    def of(cls, experiment: Experiment) -> "Formulas":
        """Return the formulas of a spec."""
        return cls(experiment.naming, experiment.network, experiment.training)

    def quantities(self) -> list[Quantity]:
        """Return every quantity of one iteration, in the order of the columns.

        Iteration and rate where they are needed; targets, inputs; layer by layer weights, biases,
        pre-activations and activations; the loss of each output and the total; δ; gradients; the
        optimizer's state.
        """
        naming = self.naming
        columns = self._iteration()
        columns += [_constant(symbol, Role.DATA) for symbol in naming.targets + naming.inputs]
        for layer in naming.layers:
            columns += self._parameters(layer)
            columns += self._forward(layer)
        columns += self._losses()
        if self.network.has_delta_columns:
            for layer in reversed(naming.layers):
                for unit, z in enumerate(naming.pre_activations(layer)):
                    formula = self.delta(layer, unit)
                    columns.append(Quantity(delta_symbol(z), formula, Role.DELTA))
        gradients = [g for layer in naming.layers for g in self._gradients(layer)]
        columns += sorted(gradients, key=lambda quantity: "/∂b" in quantity.symbol)
        optimizer, decays = self.training.optimizer, self.training.weight_decay > 0
        for parameter in self.trained:
            columns += [
                Quantity(column.symbol, column.formula, Role.STATE, column.first)
                for column in state(optimizer, parameter, decays)
            ]
        return columns

    @property
    def trained(self) -> list[str]:
        """The parameters that every iteration updates: weights, then biases."""
        every = [p for layer in self.naming.layers for p in self.naming.parameters(layer)]
        weights = [p for p in every if p.startswith("w")]
        biases = [p for p in every if p.startswith("b")]
        return weights + (biases if self.network.biases == "trained" else [])

    def _iteration(self) -> list[Quantity]:
        scheduled_rate = self.training.schedule is not Schedule.CONSTANT
        adam = self.training.optimizer in (Optimizer.ADAM, Optimizer.ADAMW)
        columns = []
        if scheduled_rate or adam:
            columns.append(Quantity(ITERATION, f"{ITERATION}{BEFORE}+1", Role.DATA, first=1))
        if scheduled_rate:
            formula = scheduled(self.training.schedule)
            columns.append(Quantity(ITERATION_RATE, formula, Role.PARAMETER))
        return columns

    def _parameters(self, layer: int) -> list[Quantity]:
        trained = set(self.trained)
        constant = self.training.schedule is Schedule.CONSTANT
        rate = LEARNING_RATE if constant else f"{ITERATION_RATE}{BEFORE}"
        optimizer, decays = self.training.optimizer, self.training.weight_decay > 0
        return [
            Quantity(symbol, update(optimizer, symbol, rate, decays), Role.PARAMETER, stated=True)
            if symbol in trained
            else _constant(symbol, Role.PARAMETER)
            for symbol in self.naming.parameters(layer)
        ]

    def _forward(self, layer: int) -> list[Quantity]:
        """Return each unit's pre-activation and activation; softmax needs all of the former."""
        zs, outputs = self.naming.pre_activations(layer), self.naming.activations(layer)
        sums = [
            Quantity(z, self.weighted_sum(layer, unit), Role.FORWARD) for unit, z in enumerate(zs)
        ]
        activation = self.network.activations[layer - 1]
        if activation is not Activation.SOFTMAX:
            pairs = zip(sums, zs, outputs, strict=True)
            formula = self._activation(activation).at
            return [q for z, s, a in pairs for q in (z, Quantity(a, formula(s), Role.FORWARD))]
        powers = [exponential_symbol(z) for z in zs]
        largest = Quantity(LARGEST_OUTPUT, f"MAX({','.join(zs)})", Role.FORWARD)
        return [
            *sums,
            largest,
            *(Quantity(e, exponential(z), Role.FORWARD) for e, z in zip(powers, zs, strict=True)),
            *(
                Quantity(a, softmax(z, powers), Role.FORWARD)
                for a, z in zip(outputs, zs, strict=True)
            ),
        ]

    def _losses(self) -> list[Quantity]:
        naming, last = self.naming, self.naming.layers[-1]
        zs, outputs = naming.pre_activations(last), naming.activations(last)
        parts = [
            Quantity(symbol, loss_part(self.network.loss, t, z, a, zs), Role.LOSS)
            for symbol, t, z, a in zip(naming.losses, naming.targets, zs, outputs, strict=True)
        ]
        return [*parts, Quantity(TOTAL_LOSS, "+".join(naming.losses), Role.LOSS)]

    def _activation(self, activation: Activation) -> ActivationFormula:
        classic = activation is Activation.SIGMOID and self.network.is_classic
        return CLASSIC_SIGMOID if classic else ACTIVATIONS[activation]

    def weighted_sum(self, layer: int, unit: int) -> str:
        """Return a pre-activation: the weights times the layer before, plus the bias."""
        naming = self.naming
        sources = naming.activations(layer - 1)
        terms = [f"{w}*{a}" for w, a in zip(naming.weights(layer)[unit], sources, strict=True)]
        return "+".join(terms + naming.biases(layer)[unit : unit + 1])

    def slope(self, layer: int, unit: int) -> str | None:
        """Return da/dz of a unit as a factor; None where it is 1."""
        activation = self.network.activations[layer - 1]
        if activation is Activation.LINEAR:
            return None
        z, a = self.naming.pre_activations(layer)[unit], self.naming.activations(layer)[unit]
        return ACTIVATIONS[activation].slope(z, a)

    def output_delta(self, unit: int) -> str:
        """Return ∂E/∂o of one output unit, spelled out."""
        naming, last = self.naming, self.naming.layers[-1]
        target, output = naming.targets[unit], naming.activations(last)[unit]
        loss = self.network.loss
        error = loss_slope(loss, target, output, naming.sizes[-1])
        if loss in (Loss.BINARY_CROSS_ENTROPY, Loss.CATEGORICAL_CROSS_ENTROPY):
            return error  # with respect to the pre-activation already
        slope = self.slope(last, unit)
        return f"{error}*{slope}" if slope else error

    def activation_gradient(self, layer: int, unit: int) -> str:
        """Return ∂E/∂a of a hidden unit: the errors of the next layer, through its weights."""
        naming, following = self.naming, layer + 1
        terms = []
        for k, z in enumerate(naming.pre_activations(following)):
            columns = self.network.has_delta_columns
            error = delta_symbol(z) if columns else self.output_delta(k)
            terms.append(f"{error}*{naming.weights(following)[k][unit]}")
        return "+".join(terms)

    def delta(self, layer: int, unit: int) -> str:
        """Return ∂E/∂(pre-activation) of any unit."""
        naming = self.naming
        if layer == naming.layers[-1]:
            return self.output_delta(unit)
        incoming = self.activation_gradient(layer, unit)
        slope = self.slope(layer, unit)
        if naming.sizes[layer + 1] > 1:
            incoming = f"({incoming})"
        return f"{incoming}*{slope}" if slope else incoming

    def _gradients(self, layer: int) -> list[Quantity]:
        """Return ∂E/∂w and, where trained, ∂E/∂b of one layer."""
        naming = self.naming
        errors = [
            delta_symbol(z) if self.network.has_delta_columns else self.delta(layer, unit)
            for unit, z in enumerate(naming.pre_activations(layer))
        ]
        formulas = {
            weight: f"{error}*{source}"
            for error, row in zip(errors, naming.weights(layer), strict=True)
            for weight, source in zip(row, naming.activations(layer - 1), strict=True)
        }
        if self.network.biases == "trained":
            for bias, error in zip(naming.biases(layer), errors, strict=True):
                formulas[bias] = f"{formulas[bias]}+{error}" if bias in formulas else error
        return [Quantity(gradient_symbol(p), f, Role.GRADIENT) for p, f in formulas.items()]


def _constant(symbol: str, role: Role) -> Quantity:
    return Quantity(symbol, f"{symbol}{BEFORE}", role, stated=True)
