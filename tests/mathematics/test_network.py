"""Whole trainings against PyTorch: forward pass, loss, gradients and optimizer steps."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from arithmetic import value_of
from cases import cases
from hypothesis import given
from hypothesis import strategies as st

from workbook_tools.mathematics.functions import hidden_delta, losses
from workbook_tools.mathematics.network import (
    Network,
    Parameters,
    Samples,
    Training,
    bias_gradient,
    deltas,
    forward,
    run,
    weight_gradient,
)
from workbook_tools.mathematics.optimizers import Rule
from workbook_tools.notation.vocabulary import Activation, Loss, Optimizer, Schedule
from workbook_tools.writing.functions import ACTIVATIONS

torch = pytest.importorskip("torch")

ITERATIONS = 22
HIDDEN = [a for a in Activation if a is not Activation.SOFTMAX]
PAIRS = [(loss, a) for loss in Loss if "squared" in loss for a in HIDDEN] + [
    (Loss.BINARY_CROSS_ENTROPY, Activation.SIGMOID),
    (Loss.CATEGORICAL_CROSS_ENTROPY, Activation.SOFTMAX),
]
TRAINED = ("trained", "shared")
KINKED = (Activation.RELU, Activation.LEAKY_RELU)


@dataclass
class Case:
    """A drawn training."""

    network: Network
    training: Training
    start: Parameters
    biases: list[str]  # of each layer: "none", "fixed", "trained" or "shared" (trained, one)


@st.composite
def trainings(draw: st.DrawFn) -> Case:
    sizes = tuple(draw(st.lists(st.integers(1, 6), min_size=2, max_size=6)))
    loss, output = draw(st.sampled_from(PAIRS))
    hidden = draw(
        st.lists(st.sampled_from(HIDDEN), min_size=len(sizes) - 2, max_size=len(sizes) - 2)
    )
    network = Network(sizes, (*hidden, output), loss, draw(st.booleans()))
    kinds = st.sampled_from(["none", "fixed", "trained", "shared"])
    biases = draw(st.lists(kinds, min_size=len(sizes) - 1, max_size=len(sizes) - 1))
    if output is Activation.SOFTMAX and biases[-1] == "shared":
        # A bias that all softmax units share has the gradient 0. Rounding leaves 1e-17 of it, other
        # digits in every program, and Adam makes steps of 1e-9 of that.
        biases[-1] = "trained"
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(1, 6))
    targets = chance.uniform(0, 1, (count, sizes[-1]))
    if loss is Loss.CATEGORICAL_CROSS_ENTROPY:
        targets = np.eye(sizes[-1])[chance.integers(0, sizes[-1], count)]
    samples = Samples(chance.uniform(-1, 1, (count, sizes[0])), targets)
    optimizer = draw(st.sampled_from(list(Optimizer)))
    rule = Rule(
        optimizer=optimizer,
        rate=draw(st.floats(0.001, 0.05)),
        momentum=draw(st.sampled_from([0.5, 0.9])),
        smoothing=draw(st.sampled_from([0.9, 0.99])),
        first=draw(st.sampled_from([0.8, 0.9])),
        second=draw(st.sampled_from([0.99, 0.999])),
        decay=draw(st.sampled_from([0.0, 0.01, 0.1])),
        schedule=draw(st.sampled_from(list(Schedule))),
        factor=draw(st.sampled_from([0.5, 0.9])),
        span=draw(st.sampled_from([3, 10])),
    )
    if rule.schedule is Schedule.COSINE:
        rule = Rule(**{**vars(rule), "span": ITERATIONS})
    units = sizes[1:]
    start = Parameters(
        [chance.uniform(-1, 1, (1, n, m)) for m, n in pairwise(sizes)],
        [
            np.zeros((1, n))
            if kind == "none"
            else np.full((1, n), chance.uniform(-1, 1))
            if kind == "shared"
            else chance.uniform(-1, 1, (1, n))
            for n, kind in zip(units, biases, strict=True)
        ],
    )
    training = Training(
        samples,
        draw(st.integers(1, count)),
        rule,
        tuple(np.full(n, float(kind in TRAINED)) for n, kind in zip(units, biases, strict=True)),
        tuple(
            np.ones((n, n)) if kind == "shared" else np.eye(n)
            for n, kind in zip(units, biases, strict=True)
        ),
    )
    return Case(network, training, start, biases)


FUNCTIONS: dict[Activation, Callable[[Any], Any]] = {
    Activation.SIGMOID: torch.sigmoid,
    Activation.TANH: torch.tanh,
    Activation.RELU: torch.relu,
    Activation.LEAKY_RELU: lambda z: torch.nn.functional.leaky_relu(z, 0.01),
    Activation.ELU: torch.nn.functional.elu,
    # By default PyTorch's softplus is z itself above 20, off by 2e-9.
    Activation.SOFTPLUS: lambda z: torch.nn.functional.softplus(z, threshold=1e9),
    Activation.LINEAR: lambda z: z,
}


def torch_loss(loss: Loss, scores: Any, targets: Any, output: Activation) -> Any:
    """Return each sample's loss, by PyTorch's own functions."""
    functional = torch.nn.functional
    if loss is Loss.CATEGORICAL_CROSS_ENTROPY:
        return functional.cross_entropy(scores, targets, reduction="none")
    if loss is Loss.BINARY_CROSS_ENTROPY:
        each = functional.binary_cross_entropy_with_logits(scores, targets, reduction="none")
        return each.mean(dim=1)
    each = functional.mse_loss(FUNCTIONS[output](scores), targets, reduction="none")
    return each.mean(dim=1) if loss is Loss.MEAN_SQUARED_ERROR else 0.5 * each.sum(dim=1)


def torch_optimizer(rule: Rule, parameters: list[Any]) -> Any:
    rate, decay = rule.rate, rule.decay
    match rule.optimizer:
        case Optimizer.GRADIENT_DESCENT:
            return torch.optim.SGD(parameters, lr=rate, weight_decay=decay)
        case Optimizer.MOMENTUM | Optimizer.NESTEROV:
            nesterov = rule.optimizer is Optimizer.NESTEROV
            return torch.optim.SGD(
                parameters, lr=rate, momentum=rule.momentum, nesterov=nesterov, weight_decay=decay
            )
        case Optimizer.RMSPROP:
            return torch.optim.RMSprop(
                parameters, lr=rate, alpha=rule.smoothing, weight_decay=decay
            )
    kind = torch.optim.AdamW if rule.optimizer is Optimizer.ADAMW else torch.optim.Adam
    return kind(parameters, lr=rate, betas=(rule.first, rule.second), weight_decay=decay)


def torch_schedule(rule: Rule, optimizer: Any) -> Any:
    schedulers = torch.optim.lr_scheduler
    match rule.schedule:
        case Schedule.STEP:
            return schedulers.StepLR(optimizer, rule.span, rule.factor)
        case Schedule.EXPONENTIAL:
            return schedulers.ExponentialLR(optimizer, rule.factor)
        case Schedule.COSINE:
            return schedulers.CosineAnnealingLR(optimizer, rule.span)
    return schedulers.ConstantLR(optimizer, 1.0)


@cases(300)
@given(trainings())
def test_a_whole_training_is_what_pytorch_does(case: Case) -> None:
    network, training, rule = case.network, case.training, case.training.rule

    def leaf(value: Any, trained: bool = True) -> Any:
        return torch.tensor(value, dtype=torch.float64, requires_grad=trained)

    weights = [leaf(part[0]) for part in case.start.weights]
    biases = [
        leaf(b[0, :1] if kind == "shared" else b[0], kind in TRAINED)
        for b, kind in zip(case.start.biases, case.biases, strict=True)
    ]
    moving = [b for b, kind in zip(biases, case.biases, strict=True) if kind in TRAINED]
    optimizer = torch_optimizer(rule, weights + moving)
    schedule = torch_schedule(rule, optimizer)
    for k, moment in enumerate(run(network, training, case.start, ITERATIONS)):
        ours = moment.parameters
        numbers = [
            (k * training.batch + n) % len(training.samples.inputs) for n in range(training.batch)
        ]
        near = {"rel": 1e-8, "abs": 1e-11}
        with torch.no_grad():  # both go on from the same numbers: a training amplifies rounding
            for layer, (w, b) in enumerate(zip(weights, biases, strict=True)):
                assert ours.weights[layer][0] == pytest.approx(w.numpy(), **near)
                value = b.expand(network.sizes[layer + 1]).numpy()
                assert ours.biases[layer][0] == pytest.approx(value, **near)
                w.copy_(torch.tensor(ours.weights[layer][0]))
                b.copy_(torch.tensor(ours.biases[layer][0][: len(b)]))
        signal = leaf(training.samples.inputs[numbers], trained=False)
        targets = leaf(training.samples.targets[numbers], trained=False)
        for layer, (w, b, activation) in enumerate(
            zip(weights, biases, network.activations, strict=True), start=1
        ):
            scores = signal @ w.T + b
            if layer < len(weights):
                signal = FUNCTIONS[activation](scores)
        each = torch_loss(network.loss, scores, targets, network.activations[-1])
        loss = each.mean() if network.averaged else each.sum()
        optimizer.zero_grad()
        loss.backward()

        inputs, goals = training.samples.at(training.samples.numbers([k], training.batch))
        zs, outputs = forward(network, ours, inputs)
        parts = losses(network.loss, goals, zs[-1], outputs[-1])
        assert parts[0].sum(axis=-1) == pytest.approx(each.detach().numpy(), rel=1e-9, abs=1e-12)
        found = deltas(network, ours, goals, zs, outputs)
        for layer, (delta, sources) in enumerate(zip(found, outputs, strict=False)):
            gradient = weight_gradient(network, delta, sources)[0]
            assert gradient == pytest.approx(weights[layer].grad.numpy(), **near)
            if case.biases[layer] in TRAINED:
                own = bias_gradient(network, delta) @ training.sharing[layer]
                theirs = biases[layer].grad.expand(network.sizes[layer + 1]).numpy()
                assert own[0] == pytest.approx(theirs, **near)
        optimizer.step()
        schedule.step()


def mean_loss(network: Network, parameters: Parameters, samples: Samples) -> float:
    inputs, targets = samples.at(samples.numbers([0], len(samples.inputs)))
    zs, outputs = forward(network, parameters, inputs)
    parts = losses(network.loss, targets, zs[-1], outputs[-1])
    return float(parts.sum() / len(samples.inputs))


def test_gradients_are_the_slopes_of_the_loss_away_from_kinks() -> None:
    """Central differences, every activation and loss; pre-activations stay off the kinks."""
    chance = np.random.default_rng(5)
    step = 1e-6
    for hidden in HIDDEN:
        for loss, output in PAIRS:
            network = Network((3, 4, 2), (hidden, output), loss)
            targets = chance.dirichlet((1.0, 1.0), 3)
            samples = Samples(chance.uniform(-1, 1, (3, 3)), targets)
            inputs, goals = samples.at(samples.numbers([0], 3))
            start = Parameters(
                [chance.uniform(-1, 1, (1, 4, 3)), chance.uniform(-1, 1, (1, 2, 4))],
                [chance.uniform(-1, 1, (1, 4)), chance.uniform(-1, 1, (1, 2))],
            )

            zs, outputs = forward(network, start, inputs)
            assert min(np.abs(z).min() for z in zs) > 10 * step
            found = deltas(network, start, goals, zs, outputs)
            for layer in (0, 1):
                ours = weight_gradient(network, found[layer], outputs[layer])[0]
                for place in np.ndindex(ours.shape):
                    moved = [[w.copy() for w in start.weights] for _ in range(2)]
                    moved[0][layer][0][place] += step
                    moved[1][layer][0][place] -= step
                    up, down = (
                        mean_loss(network, Parameters(weights, start.biases), samples)
                        for weights in moved
                    )
                    slope = (up - down) / (2 * step)
                    assert ours[place] == pytest.approx(slope, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("activation", [*KINKED, Activation.ELU])
def test_at_a_kink_the_slope_is_pytorchs_and_the_cells(activation: Activation) -> None:
    z = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    FUNCTIONS[activation](z).sum().backward()
    zero = np.zeros((1, 1, 1))
    ours = hidden_delta(activation, np.ones((1, 1, 1)), zero, zero)
    assert ours.item() == z.grad.item()
    formula = ACTIVATIONS[activation].slope("A1", "B1")
    cells = {("S", 1, 1): 0.0, ("S", 1, 2): 0.0}
    assert value_of(formula, cells) == ours.item()
