"""Convolutions and pooling against PyTorch: values, gradients, whole trainings."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cases import cases
from hypothesis import given
from hypothesis import strategies as st
from images import layers_on_images
from references import trained

from workbook_tools.mathematics.network import Samples
from workbook_tools.mathematics.optimizers import Rule
from workbook_tools.mathematics.reference import Reference
from workbook_tools.mathematics.windows import Windows
from workbook_tools.notation.layers import Convolution, Pooling, parse_layers
from workbook_tools.notation.quantities import Naming, gradient_symbol
from workbook_tools.notation.vocabulary import Activation, Loss, Optimizer

torch = pytest.importorskip("torch")

FUNCTIONS = {Activation.TANH: torch.tanh, Activation.RELU: torch.relu}
OPTIMIZERS = {
    Optimizer.GRADIENT_DESCENT: torch.optim.SGD,
    Optimizer.ADAM: torch.optim.Adam,
}


@st.composite
def layers(draw: st.DrawFn) -> list[int | str]:
    """Draw the words for one or two convolutions, with pooling or without."""
    size = draw(st.integers(4, 9))
    words, _ = draw(layers_on_images(size, size + 1, most_channels=3))
    return [*words, draw(st.integers(2, 4))]


def scores(naming: Naming, leaves: dict[str, Any], x: Any, function: Any) -> Any:
    """Return what PyTorch makes of images, from leaves by symbol."""

    def stacked(symbols: list[str], *shape: int) -> Any:
        return torch.stack([leaves[symbol] for symbol in symbols]).reshape(*shape)

    signal = x.reshape(len(x), 1, naming.input_images.rows, naming.input_images.columns)
    for layer, kind in enumerate(naming.kinds, start=1):
        weights = [w for w in naming.parameters(layer) if w[0] == "w"]
        biases = list(dict.fromkeys(naming.biases(layer)))
        if isinstance(kind, Convolution):
            kernels = stacked(weights, kind.after.channels, kind.kernel.channels,
                              kind.kernel.rows, kind.kernel.columns)  # fmt: skip
            z = torch.nn.functional.conv2d(signal, kernels, stacked(biases, -1))
            signal = function(z)
        elif isinstance(kind, Pooling):
            pool = {"max": "max_pool2d", "average": "avg_pool2d"}[kind.kind]
            signal = getattr(torch.nn.functional, pool)(signal, kind.window)
        else:
            signal = signal.flatten(1) @ stacked(weights, kind.size, -1).T + stacked(biases, -1)
    return signal


@cases(25)
@given(
    layers(),
    st.sampled_from(list(FUNCTIONS)),
    st.sampled_from(list(OPTIMIZERS)),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_a_whole_training_on_images_is_what_pytorch_does(
    words: list[int | str], activation: Activation, optimizer: Optimizer, repeats: bool, seed: int
) -> None:
    chance = np.random.default_rng(seed)
    bare = Naming.of_layers(*parse_layers(words))
    naming = bare.with_biases(sum(kind.bias_count for kind in bare.kinds), bare.weighted_layers)
    count, iterations, rate = 4, 5, 0.05
    inputs = chance.uniform(0, 1, (count, naming.sizes[0]))
    if repeats and len(naming.weighted_layers) == 2:  # what ties there sees the same
        inputs = np.round(inputs)
    targets = np.eye(naming.sizes[-1])[chance.integers(0, naming.sizes[-1], count)]
    hidden = len(naming.weighted_layers) - 1
    reference = Reference(
        naming,
        tuple(naming.all_biases),
        True,
        (*[activation] * hidden, Activation.SOFTMAX),
        Loss.CATEGORICAL_CROSS_ENTROPY,
        Rule(optimizer=optimizer),
        block=count,
        looked_up=True,
    )
    start = {symbol: float(chance.uniform(-1, 1)) for symbol in reference.start}
    run = trained(reference, start, Samples(inputs, targets), rate, iterations)
    ours = pd.DataFrame(run)[::count]
    leaves = {
        symbol: torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for symbol, value in start.items()
    }
    step = OPTIMIZERS[optimizer](list(leaves.values()), lr=rate)
    for row in ours.to_dict("records"):
        step.zero_grad()
        found = scores(naming, leaves, torch.tensor(inputs), FUNCTIONS[activation])
        loss = torch.nn.functional.cross_entropy(found, torch.tensor(targets))
        loss.backward()
        assert row["E_mean"] == pytest.approx(loss.item(), rel=1e-9)
        for symbol, leaf in leaves.items():
            assert row[symbol] == pytest.approx(leaf.item(), rel=1e-7, abs=1e-9)
            gradient = row[gradient_symbol(symbol)]
            assert gradient == pytest.approx(leaf.grad.item(), rel=1e-7, abs=1e-9)
        step.step()


@pytest.mark.parametrize("kind", ["max", "average"])
@cases(50)
@given(st.data())
def test_of_equals_the_first_has_the_gradient_as_in_pytorch(kind: str, data: st.DataObject) -> None:
    rows, columns = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    words = [f"image {2 * rows}x{2 * columns}", "convolution 1x1 to 2"]
    _, (_, pooling, _) = parse_layers([*words, f"{kind} pooling {rows}x{columns}", 1])
    chance = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    values = chance.integers(0, 3, (1, 4, pooling.sources)).astype(float)
    delta = chance.uniform(-1, 1, (1, 4, pooling.size))
    windows = Windows(pooling)
    kept = windows.pool(values)
    ours = windows.unpool(delta, values, kept)
    images = torch.tensor(values[0].reshape(4, 2, 2 * rows, 2 * columns), requires_grad=True)
    pool = {"max": torch.nn.functional.max_pool2d, "average": torch.nn.functional.avg_pool2d}[kind]
    theirs = pool(images, (rows, columns))
    np.testing.assert_allclose(kept[0], theirs.detach().flatten(1), rtol=1e-15)
    theirs.backward(torch.tensor(delta[0]).reshape(theirs.shape))
    np.testing.assert_allclose(ours[0], images.grad.flatten(1), rtol=1e-15)


def test_units_that_see_the_same_are_equal_to_the_last_digit() -> None:
    _, (layer, _) = parse_layers(["image 6x6", "convolution 3x3 to 2", 1])
    chance = np.random.default_rng(0)
    windows, weights = Windows(layer), chance.uniform(-1, 1, (1, 18))
    image = np.tile(chance.uniform(0, 1, (6, 1)), 6)  # each row is of one value
    z = windows.weighted_sum(weights[:, windows.weights], image.reshape(1, 1, 36))
    for one, other in pairwise(z.reshape(8, 4).T):
        assert (one == other).all()
