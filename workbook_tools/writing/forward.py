"""The forward pass and the losses, as formulas in symbols.

Activations and losses themselves are in ``functions.py``.
"""

from workbook_tools.notation.quantities import (
    CORRECT,
    LARGEST_OUTPUT,
    TOTAL_LOSS,
    exponential_symbol,
)
from workbook_tools.notation.vocabulary import Activation
from workbook_tools.spec.experiment import Experiment
from workbook_tools.writing.functions import (
    ACTIVATIONS,
    CLASSIC_SIGMOID,
    ActivationFormula,
    correct,
    exponential,
    loss_part,
    pooling,
    softmax,
)
from workbook_tools.writing.quantity import Quantity, Role


def forward(experiment: Experiment, layer: int) -> list[Quantity]:
    """Return each unit's pre-activation and activation, or its pooled value.

    All pre-activations come first if softmax needs them, and in a convolution, so that the values
    of an image are next to each other. Otherwise each is followed by its activation.
    """
    naming = experiment.naming
    if pooled := naming.pooled(layer):
        windows = zip(naming.activations(layer), naming.sources(layer), strict=True)
        return [Quantity(a, pooling(pooled, window), Role.FORWARD) for a, window in windows]
    zs, outputs = naming.pre_activations(layer), naming.activations(layer)
    sums = [
        Quantity(z, weighted_sum(experiment, layer, unit), Role.FORWARD)
        for unit, z in enumerate(zs)
    ]
    activation = experiment.network.activation_of(layer)
    if activation is not Activation.SOFTMAX:
        formula = _activation(experiment, activation).at
        values = [Quantity(a, formula(z), Role.FORWARD) for a, z in zip(outputs, zs, strict=True)]
        if experiment.network.is_convolution(layer):
            return sums + values
        return [q for pair in zip(sums, values, strict=True) for q in pair]
    powers = [exponential_symbol(z) for z in zs]
    largest = Quantity(LARGEST_OUTPUT, f"MAX({','.join(zs)})", Role.FORWARD)
    return [
        *sums,
        largest,
        *(Quantity(e, exponential(z), Role.FORWARD) for e, z in zip(powers, zs, strict=True)),
        *(Quantity(a, softmax(z, powers), Role.FORWARD) for a, z in zip(outputs, zs, strict=True)),
    ]


def losses(experiment: Experiment) -> list[Quantity]:
    """Return the loss of each output and the total; of several samples, also if each is right."""
    naming, last = experiment.naming, experiment.naming.layers[-1]
    zs, outputs = naming.pre_activations(last), naming.activations(last)
    parts = [
        Quantity(symbol, loss_part(experiment.network.loss, t, z, a, zs), Role.LOSS)
        for symbol, t, z, a in zip(naming.losses, naming.targets, zs, outputs, strict=True)
    ]
    columns = [*parts, Quantity(TOTAL_LOSS, "+".join(naming.losses), Role.LOSS)]
    if experiment.data.is_several and experiment.tells_classes:
        formula = correct(experiment.network.activations[-1], naming.targets, outputs)
        columns.append(Quantity(CORRECT, formula, Role.LOSS))
    return columns


def _activation(experiment: Experiment, activation: Activation) -> ActivationFormula:
    classic = activation is Activation.SIGMOID and experiment.is_classic
    return CLASSIC_SIGMOID if classic else ACTIVATIONS[activation]


def weighted_sum(experiment: Experiment, layer: int, unit: int) -> str:
    """Return a pre-activation: the weighted sum of the unit's inputs, plus the bias."""
    naming = experiment.naming
    pairs = zip(naming.weights(layer)[unit], naming.sources(layer)[unit], strict=True)
    terms = [f"{w}*{a}" for w, a in pairs]
    return "+".join(terms + naming.biases(layer)[unit : unit + 1])
