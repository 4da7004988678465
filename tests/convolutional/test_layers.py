"""The layers of the checker and their gradients are those of PyTorch."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from workbook_tools.convolutional import layers

Array: TypeAlias = NDArray[np.float64]

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(size=(2, 3, 7, 5))  # 7 and 5 are no multiples of any window
W = RANDOM.normal(size=(2, 4, 3, 3, 2))  # other kernels at each moment
B = RANDOM.normal(size=(2, 4))


def by_autograd(
    of: Callable[..., Tensor], moment: int, *inputs: Array
) -> tuple[Array, Array, list[Array]]:
    """Return what a layer gives at a moment, a random gradient there, and those of the inputs."""
    tensors = [torch.from_numpy(array[moment]).requires_grad_() for array in inputs]
    made = of(*tensors)
    g = RANDOM.normal(size=made.shape)
    found = torch.autograd.grad(made, tensors, torch.from_numpy(g))
    return made.detach().numpy(), g, [gradient.numpy() for gradient in found]


@pytest.mark.parametrize("padding", [(0, 0), (1, 1), (2, 0), (3, 3)])
def test_a_convolution(padding: tuple[int, int]) -> None:
    of = lambda x, w, b: F.conv2d(x[None], w, b, padding=padding)[0]
    read = layers.padded(X, padding)
    made = layers.convolution(read, W, B)
    for moment in range(2):
        expected, g, (by_x, by_w, _) = by_autograd(of, moment, X, W, B)
        np.testing.assert_allclose(made[moment], expected, rtol=1e-12, atol=1e-12)
        own = slice(moment, moment + 1)
        back = layers.convolution_back(W[own], g[None], padding)
        np.testing.assert_allclose(back[0], by_x, rtol=1e-12, atol=1e-12)
        slopes = layers.kernel_gradient(read[own], g[None])
        np.testing.assert_allclose(slopes[0], by_w, rtol=1e-12, atol=1e-12)


def test_weighted_sums_are_a_convolution_of_single_cells() -> None:
    x, w = X[:, :, :1, :1], W[..., :1, :1]
    for moment in range(2):
        expected = w[moment, :, :, 0, 0] @ x[moment, :, 0, 0] + B[moment]
        made = layers.convolution(x, w, B)[moment, :, 0, 0]
        np.testing.assert_allclose(made, expected, rtol=1e-12)


WINDOW = (2, 3)
Layer: TypeAlias = tuple[
    Callable[[Tensor], Tensor], Callable[[Array], Array], Callable[[Array, Array], Array]
]
WITHOUT_WEIGHTS: dict[str, Layer] = {
    "relu": (torch.relu, layers.relu, layers.relu_back),
    "largest": (
        lambda x: F.max_pool2d(x[None], WINDOW)[0],
        lambda x: layers.largest(x, WINDOW),
        lambda x, g: layers.largest_back(x, g, WINDOW),
    ),
    "window mean": (
        lambda x: F.avg_pool2d(x[None], WINDOW)[0],
        lambda x: layers.window_mean(x, WINDOW),
        lambda x, g: layers.window_mean_back(x, g, WINDOW),
    ),
    "map mean": (
        lambda x: x.mean(dim=(1, 2), keepdim=True), layers.map_mean, layers.map_mean_back
    ),
    "in a row": (lambda x: x.reshape(-1, 1, 1), layers.in_a_row, lambda x, g: g.reshape(x.shape)),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT_WEIGHTS)
@pytest.mark.parametrize("ties", [False, True])
def test_a_layer_without_weights(name: str, ties: bool) -> None:
    theirs, ours, back = WITHOUT_WEIGHTS[name]
    x = np.round(X) if ties else X
    for moment in range(2):
        expected, g, (by_x,) = by_autograd(theirs, moment, x)
        own = x[moment : moment + 1]
        np.testing.assert_allclose(ours(own)[0], expected, rtol=1e-12)
        np.testing.assert_allclose(back(own, g[None])[0], by_x, rtol=1e-12, atol=1e-15)


def test_numbers_of_a_window_that_differ_only_by_rounding_tie() -> None:
    x = np.array([[[[1.0, 1.0 + 1e-15, 0.5]]]])
    g = np.ones((1, 1, 1, 1))
    assert layers.largest_back(x, g, (1, 3)).tolist() == [[[[1, 0, 0]]]]


def test_what_is_no_number_is_passed_on() -> None:
    x = X.copy()
    x[0, 1, 2, 3] = np.nan
    assert np.isnan(layers.largest(x, (2, 2))[0, 1, 1, 1])
    assert np.isnan(layers.relu(x)).sum() == 1
    assert np.isnan(layers.convolution(x, W, B)).sum() == 4 * 6  # of each output, the windows there
    assert not np.isnan(layers.convolution(x, W, B)[1]).any()


def test_the_loss_and_its_gradient() -> None:
    scores, digits = X[:, :, :1, :1], np.array([2.0, 0.0])
    target = layers.one_hot(digits, 3)
    loss = layers.cross_entropy(scores, target)
    for moment in range(2):
        z = torch.from_numpy(scores[moment, :, 0, 0]).requires_grad_()
        expected = F.cross_entropy(z[None], torch.tensor([int(digits[moment])]))
        expected.backward()  # type: ignore[no-untyped-call]
        np.testing.assert_allclose(loss[moment].item(), expected.item(), rtol=1e-12)
        assert z.grad is not None
        gradient = (layers.softmax(scores) - target)[moment, :, 0, 0]
        np.testing.assert_allclose(gradient, z.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_a_digit_that_is_no_class_is_no_target() -> None:
    assert layers.one_hot(np.array([7.0, np.nan, 1.0]), 2)[:, :, 0, 0].tolist() == [
        [0, 0], [0, 0], [0, 1]
    ]  # fmt: skip
