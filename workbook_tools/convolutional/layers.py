"""The layers of a network in NumPy, at many moments at once.

The first axis of every array are the moments: maps (moments, n, height, width), kernels (moments,
outputs, inputs, height, width), biases (moments, outputs). A number is a map of one cell, so a
fully connected layer is a convolution with kernels of one cell. Arrays that do not fit together
raise ``ValueError``.
"""

from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Pair: TypeAlias = tuple[int, int]  # height and width


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


def relu(x: Array) -> Array:
    """Return each number, or 0 if that is larger."""
    return np.maximum(x, 0.0)


def blocks(x: Array, window: Pair) -> Array:
    """Return the whole windows side by side, (…, rows, columns, cells in reading order)."""
    (height, width), (moments, n, rows, columns) = window, x.shape
    rows, columns = rows // height, columns // width
    own = x[:, :, : rows * height, : columns * width]
    own = own.reshape(moments, n, rows, height, columns, width).swapaxes(3, 4)
    return own.reshape(moments, n, rows, columns, height * width)


def largest(x: Array, window: Pair) -> Array:
    """Return the maximum of each window."""
    return np.asarray(blocks(x, window).max(axis=-1))


def window_mean(x: Array, window: Pair) -> Array:
    """Return the mean of each window."""
    return np.asarray(blocks(x, window).mean(axis=-1))


def map_mean(x: Array) -> Array:
    """Return the mean of each map."""
    return np.asarray(x.mean(axis=(2, 3), keepdims=True))


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
    """Return −ln of the probability of the class at which ``target`` is 1, (moments, 1, 1, 1)."""
    above = z - most(z)
    return np.asarray(np.log(total(np.exp(above))) - total(above * target))


def one_hot(digits: Array, classes: int) -> Array:
    """Return numbers (moments, classes, 1, 1): 1 at each moment's digit, 0 elsewhere."""
    is_own = digits[:, None] == np.arange(classes)
    return np.where(is_own, 1.0, 0.0)[:, :, None, None]
