"""Backpropagation: errors ∂E/∂(pre-activation), as formulas in symbols.

D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by back-propagating
errors", Nature 323 (1986).
"""

from workbook_tools.notation.quantities import delta_symbol
from workbook_tools.notation.vocabulary import Activation, Loss
from workbook_tools.spec.experiment import Experiment
from workbook_tools.writing.functions import ACTIVATIONS, loss_slope, unpooled
from workbook_tools.writing.quantity import Quantity, Role


def deltas(experiment: Experiment, layer: int) -> list[Quantity]:
    """Return δ = ∂E/∂(pre-activation) of each unit of a layer, as columns."""
    return [
        Quantity(delta_symbol(z), delta(experiment, layer, unit), Role.DELTA)
        for unit, z in enumerate(experiment.naming.pre_activations(layer))
    ]


def delta(experiment: Experiment, layer: int, unit: int) -> str:
    """Return ∂E/∂(pre-activation) of any unit."""
    naming = experiment.naming
    if layer == naming.layers[-1]:
        return output_delta(experiment, unit)
    incoming = activation_gradient(experiment, layer, unit)
    slope = activation_slope(experiment, layer, unit)
    if naming.sizes[layer + 1] > 1 and not naming.pooled(layer + 1):
        incoming = f"({incoming})"
    return f"{incoming}*{slope}" if slope else incoming


def output_delta(experiment: Experiment, unit: int) -> str:
    """Return ∂E/∂o of one output unit, written out."""
    naming, last = experiment.naming, experiment.naming.layers[-1]
    target, output = naming.targets[unit], naming.activations(last)[unit]
    loss = experiment.network.loss
    error = loss_slope(loss, target, output, naming.sizes[-1])
    if loss in (Loss.BINARY_CROSS_ENTROPY, Loss.CATEGORICAL_CROSS_ENTROPY):
        return error  # is ∂E/∂o already, not ∂E/∂a_o
    slope = activation_slope(experiment, last, unit)
    return f"{error}*{slope}" if slope else error


def activation_gradient(experiment: Experiment, layer: int, unit: int) -> str:
    """Return ∂E/∂a of a hidden unit: the errors of the next layer, weighted and summed."""
    naming, following, a = experiment.naming, layer + 1, experiment.naming.activations(layer)[unit]
    pooled, kept = naming.pooled(following), naming.activations(following)
    weights, errors = naming.weights(following), naming.pre_activations(following)
    terms = []
    for k, sources in enumerate(naming.sources(following)):
        if a not in sources:
            continue
        columns = experiment.has_delta_columns
        error = delta_symbol(errors[k]) if columns else output_delta(experiment, k)
        if pooled:
            terms.append(unpooled(pooled, error, sources, a, kept[k]))
        else:
            terms.append(f"{error}*{weights[k][sources.index(a)]}")
    return "+".join(terms)


def activation_slope(experiment: Experiment, layer: int, unit: int) -> str | None:
    """Return the derivative da/dz of a unit as a factor; None if it is 1, or if there is no z."""
    naming = experiment.naming
    if naming.pooled(layer):
        return None
    activation = experiment.network.activation_of(layer)
    if activation is Activation.LINEAR:
        return None
    z, a = naming.pre_activations(layer)[unit], naming.activations(layer)[unit]
    return ACTIVATIONS[activation].slope(z, a)
