"""The layers of a network in NumPy, forwards and backwards, at many moments at once.

The first axis of every array are the moments: maps (moments, n, height, width), kernels (moments,
outputs, inputs, height, width), biases (moments, outputs). A number is a map of one cell, so a
fully connected layer is a convolution with kernels of one cell. ``g`` is ∂loss/∂(the layer); the
functions whose names end in ``_back`` return ∂loss/∂(what it reads). Arrays that do not fit
together raise ``ValueError``.
"""

from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Pair: TypeAlias = tuple[int, int]  # height and width

_TIE = 1e-12  # relative; numbers of a pooling window that differ by less count as equal


def padded(x: Array, padding: Pair) -> Array:
    """Return maps with rows of zeros above and below, and columns of them on either side."""
    return np.pad(x, ((0, 0), (0, 0), *((side, side) for side in padding)))


def correlation(x: Array, w: Array) -> Array:
    """Return the sum over all inputs of each window times its kernel."""
    windows = sliding_window_view(x, w.shape[3:], axis=(2, 3))  # …, height, width, kernel
    moments, _, height, width = windows.shape[:4]
    read = windows.transpose(0, 1, 4, 5, 2, 3).reshape(moments, -1, height * width)
    made = w.reshape(*w.shape[:2], -1) @ read
    return made.reshape(moments, -1, height, width)


def convolution(x: Array, w: Array, b: Array) -> Array:
    """Return a convolution of maps that already include their padding."""
    return correlation(x, w) + b[:, :, None, None]


def convolution_back(w: Array, g: Array, padding: Pair) -> Array:
    """Return the gradient of a convolution's maps, without their padding."""
    turned = w[..., ::-1, ::-1].swapaxes(1, 2)
    made = correlation(padded(g, (w.shape[3] - 1, w.shape[4] - 1)), turned)
    (above, beside), (height, width) = padding, made.shape[2:]
    return made[:, :, above : height - above, beside : width - beside]


def kernel_gradient(x: Array, g: Array) -> Array:
    """Return ∂loss/∂w of a convolution of maps that already include their padding."""
    moments, outputs = g.shape[:2]
    windows = sliding_window_view(x, g.shape[2:], axis=(2, 3))
    inputs, height, width = windows.shape[1:4]
    read = windows.transpose(0, 4, 5, 1, 2, 3).reshape(moments, -1, inputs * height * width)
    made = g.reshape(moments, outputs, -1) @ read
    return made.reshape(moments, outputs, inputs, height, width)


def relu(x: Array) -> Array:
    """Return each number, or 0 if that is larger."""
    return np.maximum(x, 0.0)


def relu_back(x: Array, g: Array) -> Array:
    """Return ``g`` where ``x`` is above 0, and 0 elsewhere; ``x`` may also be the ReLU."""
    return np.where(x <= 0, 0.0, g)


def blocks(x: Array, window: Pair) -> Array:
    """Return the whole windows side by side, (…, rows, columns, cells in reading order)."""
    (height, width), (moments, n, rows, columns) = window, x.shape
    rows, columns = rows // height, columns // width
    own = x[:, :, : rows * height, : columns * width]
    own = own.reshape(moments, n, rows, height, columns, width).swapaxes(3, 4)
    return own.reshape(moments, n, rows, columns, height * width)


def from_blocks(of: Array, window: Pair, like: Array) -> Array:
    """Return the maps of ``blocks``, with 0 beyond the last whole window."""
    (height, width), (moments, n, rows, columns) = window, of.shape[:4]
    own = of.reshape(moments, n, rows, columns, height, width).swapaxes(3, 4)
    made = np.zeros(like.shape)
    made[:, :, : rows * height, : columns * width] = own.reshape(
        moments, n, rows * height, columns * width
    )
    return made


def largest(x: Array, window: Pair) -> Array:
    """Return the maximum of each window."""
    return np.asarray(blocks(x, window).max(axis=-1))


def largest_back(x: Array, g: Array, window: Pair) -> Array:
    """Return ``g`` at the first maximum of each window in reading order, and 0 elsewhere.

    Numbers that differ only by rounding count as equal: in a uniform image the numbers of a window
    tie, although a convolution may add up each of them in another order.
    """
    cells = blocks(x, window)
    most = cells.max(axis=-1, keepdims=True)
    ties = cells >= most - _TIE * np.abs(most)
    first = ties & (ties.cumsum(axis=-1) == 1)
    return from_blocks(first * g[..., None], window, x)


def window_mean(x: Array, window: Pair) -> Array:
    """Return the mean of each window."""
    return np.asarray(blocks(x, window).mean(axis=-1))


def window_mean_back(x: Array, g: Array, window: Pair) -> Array:
    """Return an equal share of ``g`` for each cell of a window."""
    shape = blocks(x, window).shape
    return from_blocks(np.broadcast_to(g[..., None] / shape[-1], shape), window, x)


def map_mean(x: Array) -> Array:
    """Return the mean of each map."""
    return np.asarray(x.mean(axis=(2, 3), keepdims=True))


def map_mean_back(x: Array, g: Array) -> Array:
    """Return an equal share of ``g`` for each cell of a map."""
    return np.broadcast_to(g / (x.shape[2] * x.shape[3]), x.shape)


def in_a_row(x: Array) -> Array:
    """Return the cells of all maps as numbers."""
    return x.reshape(len(x), -1, 1, 1)


def most(x: Array) -> Array:
    """Return the largest of all numbers, at each moment."""
    return np.asarray(x.max(axis=(1, 2, 3), keepdims=True))


def total(x: Array) -> Array:
    """Return the sum of all numbers, at each moment."""
    return np.asarray(x.sum(axis=(1, 2, 3), keepdims=True))


def softmax(z: Array) -> Array:
    """Return the probabilities of scores."""
    powers = np.exp(z - most(z))
    return np.asarray(powers / total(powers))


def cross_entropy(z: Array, target: Array) -> Array:
    """Return −ln of the probability of the class at which ``target`` is 1, (moments, 1, 1, 1).

    Its gradient is softmax(z) − target.
    """
    above = z - most(z)
    return np.asarray(np.log(total(np.exp(above))) - total(above * target))


def one_hot(digits: Array, classes: int) -> Array:
    """Return numbers (moments, classes, 1, 1): 1 at each moment's digit, 0 elsewhere."""
    is_own = digits[:, None] == np.arange(classes)
    return np.where(is_own, 1.0, 0.0)[:, :, None, None]
