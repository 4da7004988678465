"""The layers of the checker are those of PyTorch."""

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


@pytest.mark.parametrize("padding", [(0, 0), (1, 1), (2, 0), (3, 3)])
def test_a_convolution(padding: tuple[int, int]) -> None:
    made = layers.convolution(layers.padded(X, padding), W, B)
    for moment in range(2):
        x, w, b = (torch.from_numpy(array[moment]) for array in (X, W, B))
        expected = F.conv2d(x[None], w, b, padding=padding)[0]
        np.testing.assert_allclose(made[moment], expected, rtol=1e-12, atol=1e-12)


def test_weighted_sums_are_a_convolution_of_single_cells() -> None:
    x, w = X[:, :, :1, :1], W[..., :1, :1]
    for moment in range(2):
        expected = w[moment, :, :, 0, 0] @ x[moment, :, 0, 0] + B[moment]
        made = layers.convolution(x, w, B)[moment, :, 0, 0]
        np.testing.assert_allclose(made, expected, rtol=1e-12)


WINDOW = (2, 3)
WITHOUT_WEIGHTS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Array], Array]]] = {
    "relu": (torch.relu, layers.relu),
    "largest": (lambda x: F.max_pool2d(x[None], WINDOW)[0], lambda x: layers.largest(x, WINDOW)),
    "window mean": (
        lambda x: F.avg_pool2d(x[None], WINDOW)[0], lambda x: layers.window_mean(x, WINDOW)
    ),
    "map mean": (lambda x: x.mean(dim=(1, 2), keepdim=True), layers.map_mean),
    "in a row": (lambda x: x.reshape(-1, 1, 1), layers.in_a_row),
}  # fmt: skip


@pytest.mark.parametrize("name", WITHOUT_WEIGHTS)
def test_a_layer_without_weights(name: str) -> None:
    theirs, ours = WITHOUT_WEIGHTS[name]
    for moment in range(2):
        expected = theirs(torch.from_numpy(X[moment]))
        np.testing.assert_allclose(ours(X)[moment], expected, rtol=1e-12)


def test_what_is_no_number_is_passed_on() -> None:
    x = X.copy()
    x[0, 1, 2, 3] = np.nan
    assert np.isnan(layers.largest(x, (2, 2))[0, 1, 1, 1])
    assert np.isnan(layers.relu(x)).sum() == 1
    assert np.isnan(layers.convolution(x, W, B)).sum() == 4 * 6  # of each output, the windows there
    assert not np.isnan(layers.convolution(x, W, B)[1]).any()


def test_the_loss() -> None:
    scores, digits = X[:, :, :1, :1], np.array([2.0, 0.0])
    loss = layers.cross_entropy(scores, layers.one_hot(digits, 3))
    for moment in range(2):
        z = torch.from_numpy(scores[moment, :, 0, 0])
        expected = F.cross_entropy(z[None], torch.tensor([int(digits[moment])]))
        np.testing.assert_allclose(loss[moment].item(), expected.item(), rtol=1e-12)


def test_a_digit_that_is_no_class_is_no_target() -> None:
    assert layers.one_hot(np.array([7.0, np.nan, 1.0]), 2)[:, :, 0, 0].tolist() == [
        [0, 0], [0, 0], [0, 1]
    ]  # fmt: skip
