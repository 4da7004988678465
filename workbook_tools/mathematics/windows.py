"""Layers on images in matrix form: convolutions and pooling, as the windows that their units read.

Arrays of indices (units, places of a window) say what each unit reads, and which weight it uses
there. Units of a convolution share weights, so ∂E/∂w is a sum over all places of a weight. (I.
Goodfellow, Y. Bengio, A. Courville, "Deep Learning", 2016, sections 9.1–9.5.)

Arrays are those of ``network.py``; they may track their rounding, or hold formulas. All units of a
layer add up their terms in the same order. So units that read equal numbers are equal to the last
digit, as they are in the cells, and it is certain which of several equal maxima is the first.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbook_tools.mathematics.rounding import Array, Numbers
from workbook_tools.notation.layers import Layer, Pooled

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Windows:
    """What the units of one layer read."""

    layer: Layer

    @property
    def pooled(self) -> Pooled | None:
        """What is computed from the windows; None for a convolution."""
        return self.layer.pooled

    @cached_property
    def reads(self) -> Indices:
        """The unit of the layer before at each place of each window, (units, places)."""
        return np.array([list(self.layer.reads(unit)) for unit in range(self.layer.size)])

    @cached_property
    def weights(self) -> Indices:
        """The weight at each place of each window, (units, places)."""
        return np.array([list(self.layer.weight_numbers(unit)) for unit in range(self.layer.size)])

    @cached_property
    def _places(self) -> Indices:
        """All places of each weight, as flat indices; all weights have equally many places."""
        order = np.argsort(self.weights.ravel(), kind="stable")
        return order.reshape(self.layer.weight_count, -1)

    @cached_property
    def _places_of_sources(self) -> tuple[Indices, Indices]:
        """The window of each unit of the layer before, and its place in it; of pooling layers."""
        order = np.argsort(self.reads.ravel())
        unit, place = np.divmod(order, self.reads.shape[1])
        return unit, place

    @cached_property
    def _joined(self) -> tuple[Array, Indices]:
        """Two arrays (units, sources): 1 if the unit reads the source, else 0; its place there."""
        joined = np.zeros((self.layer.size, self.layer.sources))
        places = np.zeros(joined.shape, dtype=np.int64)
        units, own = np.indices(self.reads.shape)
        joined[units, self.reads], places[units, self.reads] = 1.0, own
        return joined, places

    def weighted_sum(self, weights: Numbers, sources: Numbers) -> Numbers:
        """Return W a: for every unit, the weighted sum over its window."""
        units, own = self.reads.shape
        return (sources[:, :, self.reads] * weights.reshape(-1, 1, units, own)).sum(axis=-1)

    def matrix(self, weights: Numbers) -> Numbers:
        """Return W with 0 where a unit does not read a source (iterations, units, sources)."""
        joined, places = self._joined
        return weights[:, np.arange(self.layer.size)[:, None], places] * joined

    def gradient(self, delta: Numbers, sources: Numbers) -> Numbers:
        """Return ∂E/∂w of each weight, summed over its places and the samples."""
        units, own = self.reads.shape
        each = delta.reshape(*delta.shape, 1) * sources[:, :, self.reads]
        added = each.sum(axis=1).reshape(-1, units * own)
        return added[:, self._places].sum(axis=-1)

    def pool(self, sources: Numbers) -> Numbers:
        """Return the maximum or mean of each window."""
        own = sources[:, :, self.reads]
        if self.pooled is Pooled.MAX:
            return own.max(axis=-1)
        return own.sum(axis=-1) / float(self.reads.shape[1])

    def unpool(self, delta: Numbers, sources: Numbers, kept: Numbers) -> Numbers:
        """Return ∂E/∂(sources); ``kept`` is the value of each window.

        For a maximum, the gradient goes to the first one of its window, as in PyTorch.
        """
        places = self.reads.shape[1]
        unit, own_place = self._places_of_sources
        handed, kept = delta[:, :, unit], kept[:, :, unit]
        if self.pooled is Pooled.AVERAGE:
            return handed / float(places)
        is_first = 1.0 - np.heaviside(kept - sources, 0.0)
        for place in range(places - 1):
            is_before = 1.0 * (place < own_place)
            is_smaller = np.heaviside(kept - sources[:, :, self.reads[unit, place]], 0.0)
            is_first = is_first * (is_smaller * is_before + (1.0 - is_before))
        return handed * is_first
