"""The columns of the training table, in order; each quantity's formula is written once, in symbols.

The formulas are those of backpropagation in a layered network. The forward pass is in
``forward.py``, errors δ are in ``backward.py``, gradients in ``gradients.py``, activations and
losses in ``functions.py``, optimizers in ``optimizers.py``.

With at most one hidden layer, gradients are written out as a person would write them. Deeper
networks, and others on request, have a column δ = ∂E/∂(pre-activation) for each unit, so that
formulas do not grow with the depth. With several samples, an iteration is a block of rows, one for
each sample. What there is once per iteration (parameters, gradients over the samples, the
optimizer's state, loss and accuracy) is in the first row of the block.
"""

from dataclasses import replace

from workbook_tools.notation.quantities import (
    ACCURACY,
    CORRECT,
    ITERATION,
    ITERATION_RATE,
    LEARNING_RATE,
    MEAN_LOSS,
    SAMPLE,
    SAMPLE_COUNT,
    SUMMED_LOSS,
    TOTAL_LOSS,
)
from workbook_tools.notation.vocabulary import Optimizer, Schedule
from workbook_tools.spec.experiment import Experiment
from workbook_tools.writing.backward import deltas
from workbook_tools.writing.forward import forward, losses
from workbook_tools.writing.gradients import gradient_size, gradients
from workbook_tools.writing.optimizers import scheduled, state, update
from workbook_tools.writing.quantity import (
    ABOVE,
    BEFORE,
    EVERY,
    OF_SAMPLE,
    Quantity,
    Role,
)


def quantities(experiment: Experiment) -> list[Quantity]:
    """Return every quantity of one iteration, in the order of the columns.

    That is: iteration, sample and rate where they are needed; loss and accuracy over several
    samples; kernels, since there are few of them; targets; inputs; layer by layer weights, biases,
    pre-activations and activations; the loss of each output and the total; δ; gradients; the
    optimizer's state.
    """
    naming, network = experiment.naming, experiment.network
    columns = _grouped("iteration", _iteration(experiment))
    if experiment.data.is_several:
        columns += _grouped("result", _over_samples(experiment))
    weights = {
        layer: _grouped(f"{naming.layer_name(layer)}: weights", _parameters(experiment, layer))
        for layer in naming.layers
    }
    columns += [
        q for layer in naming.layers if network.is_convolution(layer) for q in weights[layer]
    ]
    columns += _grouped("targets", [_data(experiment, symbol) for symbol in naming.targets])
    columns += _grouped("inputs", [_data(experiment, symbol) for symbol in naming.inputs])
    for layer in naming.layers:
        name = naming.layer_name(layer)
        if not network.is_convolution(layer):
            columns += weights[layer]
        columns += _grouped(f"{name}: units", forward(experiment, layer))
    columns += _grouped("loss", losses(experiment))
    if experiment.has_delta_columns:
        for layer in reversed(naming.layers):
            columns += _grouped(f"{naming.layer_name(layer)}: errors δ", deltas(experiment, layer))
    slopes = [
        slope
        for layer in naming.layers
        for slope in _grouped(
            f"{naming.layer_name(layer)}: gradients", gradients(experiment, layer)
        )
    ]
    columns += sorted(slopes, key=lambda quantity: "/∂b" in quantity.symbol)
    if network.gradient_sizes:
        sizes = [gradient_size(experiment, layer) for layer in naming.weighted_layers]
        columns += _grouped("gradients: sizes", sizes)
    optimizer, decays = experiment.training.optimizer, experiment.training.weight_decay > 0
    for parameter in experiment.trained:
        own = state(optimizer, parameter, decays)
        columns += [replace(q, group="optimizer", once=experiment.data.is_several) for q in own]
    return columns


def _iteration(experiment: Experiment) -> list[Quantity]:
    training, several = experiment.training, experiment.data.is_several
    scheduled_rate = training.schedule is not Schedule.CONSTANT
    adam = training.optimizer in (Optimizer.ADAM, Optimizer.ADAMW)
    columns = []
    if scheduled_rate or adam or several:
        number = f"{ITERATION}{BEFORE}+1"
        columns.append(Quantity(ITERATION, number, Role.DATA, first=1, once=several))
    if several:
        number = f"MOD({SAMPLE}{ABOVE},{SAMPLE_COUNT})+1"
        columns.append(Quantity(SAMPLE, number, Role.DATA, first=1))
    if scheduled_rate:
        formula = scheduled(training.schedule)
        columns.append(Quantity(ITERATION_RATE, formula, Role.PARAMETER, once=several))
    return columns


def _over_samples(experiment: Experiment) -> list[Quantity]:
    """Return the loss over the samples of an iteration and, for classes, the accuracy."""
    if experiment.training.is_averaged:
        loss = Quantity(MEAN_LOSS, f"AVERAGE({TOTAL_LOSS}{EVERY})", Role.LOSS, once=True)
    else:
        loss = Quantity(SUMMED_LOSS, f"SUM({TOTAL_LOSS}{EVERY})", Role.LOSS, once=True)
    if not experiment.tells_classes:
        return [loss]
    return [loss, Quantity(ACCURACY, f"AVERAGE({CORRECT}{EVERY})", Role.LOSS, once=True)]


def _data(experiment: Experiment, symbol: str) -> Quantity:
    if experiment.data.is_several:
        return Quantity(symbol, f"{symbol}{OF_SAMPLE}", Role.DATA)
    return Quantity(symbol, f"{symbol}{BEFORE}", Role.DATA, stated=True)


def _parameters(experiment: Experiment, layer: int) -> list[Quantity]:
    training, trained = experiment.training, set(experiment.trained)
    constant = training.schedule is Schedule.CONSTANT
    rate = LEARNING_RATE if constant else f"{ITERATION_RATE}{BEFORE}"
    optimizer, decays = training.optimizer, training.weight_decay > 0
    return [
        Quantity(
            symbol,
            update(optimizer, symbol, rate, decays) if symbol in trained else symbol + BEFORE,
            Role.PARAMETER,
            stated=True,
            once=experiment.data.is_several,
        )
        for symbol in experiment.naming.parameters(layer)
    ]


def _grouped(group: str, columns: list[Quantity]) -> list[Quantity]:
    return [replace(column, group=group) for column in columns]
