"""Gradients ∂E/∂w and ∂E/∂b, as formulas in symbols: one sample, several samples, kernels."""

from workbook_tools.formulas.references import MOST_ARGUMENTS
from workbook_tools.notation.layers import Layer
from workbook_tools.notation.quantities import delta_symbol, gradient_symbol, size_symbol
from workbook_tools.spec.experiment import Experiment
from workbook_tools.writing.backward import delta
from workbook_tools.writing.quantity import EVERY, TO, Quantity, Role


def gradients(experiment: Experiment, layer: int) -> list[Quantity]:
    """Return ∂E/∂w and, where trained, ∂E/∂b of one layer."""
    if experiment.naming.pooled(layer):
        return []
    if experiment.network.is_convolution(layer):
        return _kernel_gradients(experiment, layer)
    if experiment.data.is_several:
        return _gradients_over_samples(experiment, layer)
    naming = experiment.naming
    errors = [
        delta_symbol(z) if experiment.has_delta_columns else delta(experiment, layer, unit)
        for unit, z in enumerate(naming.pre_activations(layer))
    ]
    formulas = {
        weight: f"{errors[unit]}*{source}" for unit, weight, source in naming.connections(layer)
    }
    if experiment.network.has_trained_biases(layer):
        for bias, error in zip(naming.biases(layer), errors, strict=True):
            formulas[bias] = f"{formulas[bias]}+{error}" if bias in formulas else error
    return [Quantity(gradient_symbol(p), f, Role.GRADIENT) for p, f in formulas.items()]


def _gradients_over_samples(experiment: Experiment, layer: int) -> list[Quantity]:
    """Return the gradients over all samples of the iteration, from the columns of δ."""
    naming = experiment.naming
    errors = [delta_symbol(z) + EVERY for z in naming.pre_activations(layer)]
    part = f"/{experiment.batch}" if experiment.training.is_averaged else ""
    formulas = {
        weight: f"SUMPRODUCT({errors[unit]},{source}{EVERY}){part}"
        for unit, weight, source in naming.connections(layer)
    }
    if experiment.network.has_trained_biases(layer):
        added: dict[str, list[str]] = {}
        for bias, error in zip(naming.biases(layer), errors, strict=True):
            added.setdefault(bias, []).append(error)
        formulas |= {bias: f"SUM({','.join(parts)}){part}" for bias, parts in added.items()}
    return [Quantity(gradient_symbol(p), f, Role.GRADIENT, once=True) for p, f in formulas.items()]


def _kernel_gradients(experiment: Experiment, layer: int) -> list[Quantity]:
    """Return ∂E/∂w and ∂E/∂b of kernels, summed over all positions and all samples.

    Positions in one row of an image are adjacent columns, so one SUMPRODUCT covers them.
    """
    naming, several = experiment.naming, experiment.data.is_several
    every = EVERY if several else ""
    part = f"/{experiment.batch}" if several and experiment.training.is_averaged else ""
    errors = [delta_symbol(z) for z in naming.pre_activations(layer)]
    sources = naming.activations(layer - 1)
    kind = naming.kinds[layer - 1]
    pieces: dict[str, list[str]] = {}
    for weight, places in _places(kind, naming.weights(layer)).items():
        for (unit, source), (last_unit, last_source) in _side_by_side(places):
            own = _from_to(errors[unit], errors[last_unit]) + every
            read = _from_to(sources[source], sources[last_source]) + every
            pieces.setdefault(weight, []).append(f"SUMPRODUCT({own},{read})")
    sums = {weight: "+".join(own) for weight, own in pieces.items()}
    if part:
        sums = {weight: f"({added})" for weight, added in sums.items()}
    if experiment.network.has_trained_biases(layer):
        biases = naming.biases(layer)
        for bias in dict.fromkeys(biases):
            fed = [error for error, own in zip(errors, biases, strict=True) if own == bias]
            sums[bias] = f"SUM({_from_to(fed[0], fed[-1])}{every})"
    return [
        Quantity(gradient_symbol(p), f"{added}{part}", Role.GRADIENT, once=several)
        for p, added in sums.items()
    ]


def gradient_size(experiment: Experiment, layer: int) -> Quantity:
    """Return the norm of a layer's gradient: the root of the sum of squares."""
    trained = set(experiment.trained)
    own = [p for p in experiment.naming.parameters(layer) if p in trained]
    sums = [
        f"SUMSQ({','.join(map(gradient_symbol, own[k : k + MOST_ARGUMENTS]))})"
        for k in range(0, len(own), MOST_ARGUMENTS)
    ]
    formula = f"SQRT({'+'.join(sums)})"
    return Quantity(size_symbol(layer), formula, Role.GRADIENT, once=experiment.data.is_several)


Place = tuple[int, int]  # where a weight is used: the unit it leads to, the unit it comes from


def _places(kind: Layer, weights: list[list[str]]) -> dict[str, list[Place]]:
    """Return all places where each weight is used, in the order of the units."""
    found: dict[str, list[Place]] = {}
    for unit, row in enumerate(weights):
        for weight, source in zip(row, kind.reads(unit), strict=True):
            found.setdefault(weight, []).append((unit, source))
    return found


def _side_by_side(places: list[Place]) -> list[tuple[Place, Place]]:
    """Return the first and last place of each run in which units and sources both count up by 1."""
    found: list[tuple[Place, Place]] = []
    for unit, source in places:
        if found and found[-1][1] == (unit - 1, source - 1):
            found[-1] = (found[-1][0], (unit, source))
        else:
            found.append(((unit, source), (unit, source)))
    return found


def _from_to(first: str, last: str) -> str:
    return first if first == last else f"{first}{TO}{last}"
