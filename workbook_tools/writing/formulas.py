"""The mathematics of the cells, each quantity's formula written once, in symbols.

The same string becomes the cell's formula (``layout.py`` puts references for symbols), the
equation printed on the sheet and the header cell's note. What is computed is backpropagation
for layered networks as in D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning
representations by back-propagating errors", Nature 323 (1986). Activations and losses are in
``functions.py``, optimizers in ``optimizers.py``.

With at most one hidden layer the gradients are spelled out, as a person would write them;
deeper networks, and others that ask for it, get a column δ = ∂E/∂(pre-activation) for each unit,
so that no formula grows with the depth. With several samples an iteration is a block of rows, one
a sample: parameters, gradients over the samples, the optimizer's state, loss and accuracy of the
iteration stand in its first row only.
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from workbook_tools.formulas.references import MOST_ARGUMENTS
from workbook_tools.notation.layers import Convolution, Layer
from workbook_tools.notation.quantities import (
    ACCURACY,
    AVERAGED,
    CORRECT,
    ITERATION,
    ITERATION_RATE,
    LARGEST_OUTPUT,
    LEARNING_RATE,
    MEAN_LOSS,
    SAMPLE,
    SAMPLE_COUNT,
    SUMMED_LOSS,
    TOTAL_LOSS,
    Naming,
    delta_symbol,
    exponential_symbol,
    gradient_symbol,
    size_symbol,
)
from workbook_tools.notation.vocabulary import Activation, Loss, Optimizer, Schedule
from workbook_tools.spec.experiment import Experiment, Network, Training
from workbook_tools.writing.functions import (
    ACTIVATIONS,
    CLASSIC_SIGMOID,
    ActivationFormula,
    correct,
    exponential,
    loss_part,
    loss_slope,
    pooling,
    softmax,
    unpooled,
)
from workbook_tools.writing.optimizers import scheduled, state, update

BEFORE = "[-1]"  # after a symbol: its value in the iteration before
ABOVE = "[^]"  # … in the row above
EVERY = "[:]"  # … of every sample of the iteration
OF_SAMPLE = "[#]"  # … in the data, of the row's sample
TO = "…"  # between two symbols: the columns from the one to the other
SYMBOL = re.compile(
    r"(?P<symbol>∂E/∂\w+|[^\W\d]\w*\b(?!\())(?:…(?P<to>\w+))?"
    r"(?:(?P<before>\[-1\])|(?P<above>\[\^\])|(?P<every>\[:\]))?"
)


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
    once: bool = False  # an iteration, in its first row, where it has several
    group: str = ""  # the columns that it belongs with, in words

    @property
    def looked_up(self) -> bool:
        """Whether every row reads it from the data, by the number of its sample."""
        return self.formula.endswith(OF_SAMPLE)


@dataclass(frozen=True)
class Formulas:
    """Every formula of one network and its training."""

    experiment: Experiment

    @property
    def naming(self) -> Naming:
        """The symbols of the network's quantities."""
        return self.experiment.naming

    @property
    def network(self) -> Network:
        """The spec of the network."""
        return self.experiment.network

    @property
    def training(self) -> Training:
        """The spec of its training."""
        return self.experiment.training

    @property
    def several(self) -> bool:
        """Whether there are several samples, and so a row for each."""
        return self.experiment.data.is_several

    def quantities(self) -> list[Quantity]:
        """Return every quantity of one iteration, in the order of the columns.

        Iteration, sample and rate where they are needed; the loss and accuracy of several samples;
        kernels, of which there are few; targets, inputs; layer by layer weights, biases,
        pre-activations and activations; the loss of each output and the total; δ; gradients; the
        optimizer's state.
        """
        naming = self.naming
        columns = _grouped("iteration", self._iteration())
        if self.several:
            columns += _grouped("result", self._over_samples())
        weights = {
            layer: _grouped(f"{naming.layer_name(layer)}: weights", self._parameters(layer))
            for layer in naming.layers
        }
        columns += [
            q for layer in naming.layers if self.is_convolution(layer) for q in weights[layer]
        ]
        columns += _grouped("targets", [self._data(symbol) for symbol in naming.targets])
        columns += _grouped("inputs", [self._data(symbol) for symbol in naming.inputs])
        for layer in naming.layers:
            name = naming.layer_name(layer)
            if not self.is_convolution(layer):
                columns += weights[layer]
            columns += _grouped(f"{name}: units", self._forward(layer))
        columns += _grouped("loss", self._losses())
        if self.experiment.has_delta_columns:
            for layer in reversed(naming.layers):
                columns += _grouped(f"{naming.layer_name(layer)}: errors δ", self._deltas(layer))
        gradients = [
            gradient
            for layer in naming.layers
            for gradient in _grouped(
                f"{naming.layer_name(layer)}: gradients", self._gradients(layer)
            )
        ]
        columns += sorted(gradients, key=lambda quantity: "/∂b" in quantity.symbol)
        if self.network.gradient_sizes:
            columns += _grouped("gradients: sizes", [self._size(k) for k in naming.weighted_layers])
        for parameter in self.trained:
            columns += _grouped("optimizer", self._state(parameter))
        return columns

    @property
    def trained(self) -> list[str]:
        """The parameters that every iteration updates: weights, then biases."""
        every = [p for layer in self.naming.layers for p in self.naming.parameters(layer)]
        weights = [p for p in every if p.startswith("w")]
        return weights + [
            bias
            for layer in self.naming.layers
            for bias in dict.fromkeys(self.naming.biases(layer))
            if self.has_trained_biases(layer)
        ]

    def has_trained_biases(self, layer: int) -> bool:
        """Whether every iteration updates the biases of a layer."""
        return self.network.biases_of(layer) == "trained"

    def is_convolution(self, layer: int) -> bool:
        """Whether the units of a layer share the weights of kernels."""
        return isinstance(self.naming.kinds[layer - 1], Convolution)

    def _iteration(self) -> list[Quantity]:
        scheduled_rate = self.training.schedule is not Schedule.CONSTANT
        adam = self.training.optimizer in (Optimizer.ADAM, Optimizer.ADAMW)
        columns = []
        if scheduled_rate or adam or self.several:
            number = f"{ITERATION}{BEFORE}+1"
            columns.append(Quantity(ITERATION, number, Role.DATA, first=1, once=self.several))
        if self.several:
            number = f"MOD({SAMPLE}{ABOVE},{SAMPLE_COUNT})+1"
            columns.append(Quantity(SAMPLE, number, Role.DATA, first=1))
        if scheduled_rate:
            formula = scheduled(self.training.schedule)
            columns.append(Quantity(ITERATION_RATE, formula, Role.PARAMETER, once=self.several))
        return columns

    def _over_samples(self) -> list[Quantity]:
        """Return the loss of all samples of the iteration and, of classes, the accuracy."""
        if self.averaged:
            loss = Quantity(MEAN_LOSS, f"AVERAGE({TOTAL_LOSS}{EVERY})", Role.LOSS, once=True)
        else:
            loss = Quantity(SUMMED_LOSS, f"SUM({TOTAL_LOSS}{EVERY})", Role.LOSS, once=True)
        if not self.experiment.tells_classes:
            return [loss]
        return [loss, Quantity(ACCURACY, f"AVERAGE({CORRECT}{EVERY})", Role.LOSS, once=True)]

    @property
    def averaged(self) -> bool:
        """Whether gradients and losses are averaged over the samples, or added up."""
        return self.training.over_samples == AVERAGED

    def _deltas(self, layer: int) -> list[Quantity]:
        return [
            Quantity(delta_symbol(z), self.delta(layer, unit), Role.DELTA)
            for unit, z in enumerate(self.naming.pre_activations(layer))
        ]

    def _state(self, parameter: str) -> list[Quantity]:
        optimizer, decays = self.training.optimizer, self.training.weight_decay > 0
        return [
            Quantity(column.symbol, column.formula, Role.STATE, column.first, once=self.several)
            for column in state(optimizer, parameter, decays)
        ]

    def _data(self, symbol: str) -> Quantity:
        if self.several:
            return Quantity(symbol, f"{symbol}{OF_SAMPLE}", Role.DATA)
        return _constant(symbol, Role.DATA)

    def _size(self, layer: int) -> Quantity:
        trained = set(self.trained)
        own = [p for p in self.naming.parameters(layer) if p in trained]
        sums = [
            f"SUMSQ({','.join(map(gradient_symbol, own[k : k + MOST_ARGUMENTS]))})"
            for k in range(0, len(own), MOST_ARGUMENTS)
        ]
        formula = f"SQRT({'+'.join(sums)})"
        return Quantity(size_symbol(layer), formula, Role.GRADIENT, once=self.several)

    def _parameters(self, layer: int) -> list[Quantity]:
        trained = set(self.trained)
        constant = self.training.schedule is Schedule.CONSTANT
        rate = LEARNING_RATE if constant else f"{ITERATION_RATE}{BEFORE}"
        optimizer, decays = self.training.optimizer, self.training.weight_decay > 0
        return [
            Quantity(
                symbol,
                update(optimizer, symbol, rate, decays) if symbol in trained else symbol + BEFORE,
                Role.PARAMETER,
                stated=True,
                once=self.several,
            )
            for symbol in self.naming.parameters(layer)
        ]

    def _forward(self, layer: int) -> list[Quantity]:
        """Return each unit's pre-activation and activation, or what is left of its window.

        Softmax needs all of the former; those of images stand side by side.
        """
        if pooled := self.naming.pooled(layer):
            windows = zip(self.naming.activations(layer), self.naming.sources(layer), strict=True)
            return [Quantity(a, pooling(pooled, window), Role.FORWARD) for a, window in windows]
        zs, outputs = self.naming.pre_activations(layer), self.naming.activations(layer)
        sums = [
            Quantity(z, self.weighted_sum(layer, unit), Role.FORWARD) for unit, z in enumerate(zs)
        ]
        activation = self.network.activation_of(layer)
        if activation is not Activation.SOFTMAX:
            formula = self._activation(activation).at
            values = [
                Quantity(a, formula(z), Role.FORWARD) for a, z in zip(outputs, zs, strict=True)
            ]
            if self.is_convolution(layer):
                return sums + values
            return [q for pair in zip(sums, values, strict=True) for q in pair]
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
        columns = [*parts, Quantity(TOTAL_LOSS, "+".join(naming.losses), Role.LOSS)]
        if self.several and self.experiment.tells_classes:
            formula = correct(self.network.activations[-1], naming.targets, outputs)
            columns.append(Quantity(CORRECT, formula, Role.LOSS))
        return columns

    def _activation(self, activation: Activation) -> ActivationFormula:
        classic = activation is Activation.SIGMOID and self.experiment.is_classic
        return CLASSIC_SIGMOID if classic else ACTIVATIONS[activation]

    def weighted_sum(self, layer: int, unit: int) -> str:
        """Return a pre-activation: the weights times what the unit reads, plus the bias."""
        naming = self.naming
        pairs = zip(naming.weights(layer)[unit], naming.sources(layer)[unit], strict=True)
        terms = [f"{w}*{a}" for w, a in pairs]
        return "+".join(terms + naming.biases(layer)[unit : unit + 1])

    def slope(self, layer: int, unit: int) -> str | None:
        """Return da/dz of a unit as a factor; None where it is 1, as of what has no z."""
        if self.naming.pooled(layer):
            return None
        activation = self.network.activation_of(layer)
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
        naming, following, a = self.naming, layer + 1, self.naming.activations(layer)[unit]
        pooled, kept = naming.pooled(following), naming.activations(following)
        weights, errors = naming.weights(following), naming.pre_activations(following)
        terms = []
        for k, sources in enumerate(naming.sources(following)):
            if a not in sources:
                continue
            columns = self.experiment.has_delta_columns
            error = delta_symbol(errors[k]) if columns else self.output_delta(k)
            if pooled:
                terms.append(unpooled(pooled, error, sources, a, kept[k]))
            else:
                terms.append(f"{error}*{weights[k][sources.index(a)]}")
        return "+".join(terms)

    def delta(self, layer: int, unit: int) -> str:
        """Return ∂E/∂(pre-activation) of any unit."""
        naming = self.naming
        if layer == naming.layers[-1]:
            return self.output_delta(unit)
        incoming = self.activation_gradient(layer, unit)
        slope = self.slope(layer, unit)
        if naming.sizes[layer + 1] > 1 and not naming.pooled(layer + 1):
            incoming = f"({incoming})"
        return f"{incoming}*{slope}" if slope else incoming

    def _gradients(self, layer: int) -> list[Quantity]:
        """Return ∂E/∂w and, where trained, ∂E/∂b of one layer."""
        if self.naming.pooled(layer):
            return []
        if self.is_convolution(layer):
            return self._kernel_gradients(layer)
        if self.several:
            return self._gradients_over_samples(layer)
        naming = self.naming
        errors = [
            delta_symbol(z) if self.experiment.has_delta_columns else self.delta(layer, unit)
            for unit, z in enumerate(naming.pre_activations(layer))
        ]
        formulas = {
            weight: f"{errors[unit]}*{source}" for unit, weight, source in naming.connections(layer)
        }
        if self.has_trained_biases(layer):
            for bias, error in zip(naming.biases(layer), errors, strict=True):
                formulas[bias] = f"{formulas[bias]}+{error}" if bias in formulas else error
        return [Quantity(gradient_symbol(p), f, Role.GRADIENT) for p, f in formulas.items()]

    def _gradients_over_samples(self, layer: int) -> list[Quantity]:
        """Return the same from the columns δ of all samples of the iteration."""
        naming = self.naming
        errors = [delta_symbol(z) + EVERY for z in naming.pre_activations(layer)]
        part = f"/{self.experiment.batch}" if self.averaged else ""
        formulas = {
            weight: f"SUMPRODUCT({errors[unit]},{source}{EVERY}){part}"
            for unit, weight, source in naming.connections(layer)
        }
        if self.has_trained_biases(layer):
            added: dict[str, list[str]] = {}
            for bias, error in zip(naming.biases(layer), errors, strict=True):
                added.setdefault(bias, []).append(error)
            formulas |= {bias: f"SUM({','.join(parts)}){part}" for bias, parts in added.items()}
        return [
            Quantity(gradient_symbol(p), f, Role.GRADIENT, once=True) for p, f in formulas.items()
        ]

    def _kernel_gradients(self, layer: int) -> list[Quantity]:
        """Return ∂E/∂w and ∂E/∂b of kernels: over all their places, and all samples.

        The places are taken together by rows of the images, which are columns side by side.
        """
        naming, every = self.naming, EVERY if self.several else ""
        errors = [delta_symbol(z) for z in naming.pre_activations(layer)]
        sources = naming.activations(layer - 1)
        kind = naming.kinds[layer - 1]
        part = f"/{self.experiment.batch}" if self.several and self.averaged else ""
        pieces: dict[str, list[str]] = {}
        for weight, places in _places(kind, naming.weights(layer)).items():
            for (unit, source), (last_unit, last_source) in _side_by_side(places):
                own = _from_to(errors[unit], errors[last_unit]) + every
                read = _from_to(sources[source], sources[last_source]) + every
                pieces.setdefault(weight, []).append(f"SUMPRODUCT({own},{read})")
        sums = {weight: "+".join(own) for weight, own in pieces.items()}
        if part:
            sums = {weight: f"({added})" for weight, added in sums.items()}
        if self.has_trained_biases(layer):
            biases = naming.biases(layer)
            for bias in dict.fromkeys(biases):
                fed = [error for error, own in zip(errors, biases, strict=True) if own == bias]
                sums[bias] = f"SUM({_from_to(fed[0], fed[-1])}{every})"
        return [
            Quantity(gradient_symbol(p), f"{added}{part}", Role.GRADIENT, once=self.several)
            for p, added in sums.items()
        ]


Place = tuple[int, int]  # of a weight: the unit that it leads to, and the one that it comes from


def _places(kind: Layer, weights: list[list[str]]) -> dict[str, list[Place]]:
    """Return all places of each weight, in the order of the units."""
    found: dict[str, list[Place]] = {}
    for unit, row in enumerate(weights):
        for weight, source in zip(row, kind.reads(unit), strict=True):
            found.setdefault(weight, []).append((unit, source))
    return found


def _side_by_side(places: list[Place]) -> list[tuple[Place, Place]]:
    """Return the first and the last of places that follow each other, of units and of sources."""
    found: list[tuple[Place, Place]] = []
    for unit, source in places:
        if found and found[-1][1] == (unit - 1, source - 1):
            found[-1] = (found[-1][0], (unit, source))
        else:
            found.append(((unit, source), (unit, source)))
    return found


def _from_to(first: str, last: str) -> str:
    return first if first == last else f"{first}{TO}{last}"


def _grouped(group: str, columns: list[Quantity]) -> list[Quantity]:
    return [replace(column, group=group) for column in columns]


def _constant(symbol: str, role: Role) -> Quantity:
    return Quantity(symbol, f"{symbol}{BEFORE}", role, stated=True)
