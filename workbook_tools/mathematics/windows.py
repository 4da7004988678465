"""Layers on images in matrix form: convolutions and pooling, as the windows that their units read.

What a unit reads is given by number (units, places of its window), and so are the weights of a
convolution, which its units share: ∂E/∂w adds up over all places of a weight. (I. Goodfellow,
Y. Bengio, A. Courville, "Deep Learning", 2016, sections 9.1–9.5.)

Arrays are those of ``network.py``; here too they may carry their rounding, or be formulas. Whatever
a unit adds up, it adds up in the same order as all others of its layer: so units that see the same
are equal to the last digit, as they are in the cells, and where they are the largest it is known
which of them is the first.
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
        """What is made of the windows; None of a convolution."""
        return self.layer.pooled

    @cached_property
    def reads(self) -> Indices:
        """The unit of the layer before at each place of each window."""
        return np.array([list(self.layer.reads(unit)) for unit in range(self.layer.size)])

    @cached_property
    def weights(self) -> Indices:
        """The weight at each place of each window."""
        return np.array([list(self.layer.weight_numbers(unit)) for unit in range(self.layer.size)])

    @cached_property
    def _places(self) -> Indices:
        """All places of each weight, in all windows one after the other; each has as many."""
        order = np.argsort(self.weights.ravel(), kind="stable")
        return order.reshape(self.layer.weight_count, -1)

    @cached_property
    def _places_of_sources(self) -> tuple[Indices, Indices]:
        """Which window each unit of the layer before is in, and at which place, if in one alone."""
        order = np.argsort(self.reads.ravel())
        unit, place = np.divmod(order, self.reads.shape[1])
        return unit, place

    @cached_property
    def _joined(self) -> tuple[Array, Indices]:
        """Whether a unit reads one of the layer before, 1 or 0, and in which place: by both."""
        joined = np.zeros((self.layer.size, self.layer.sources))
        places = np.zeros(joined.shape, dtype=np.int64)
        units, own = np.indices(self.reads.shape)
        joined[units, self.reads], places[units, self.reads] = 1.0, own
        return joined, places

    def weighted_sum(self, weights: Numbers, sources: Numbers) -> Numbers:
        """Return W a: of every unit, the sum over its window."""
        units, own = self.reads.shape
        return (sources[:, :, self.reads] * weights.reshape(-1, 1, units, own)).sum(axis=-1)

    def matrix(self, weights: Numbers) -> Numbers:
        """Return W with 0 where a unit does not read a source (iterations, units, sources)."""
        joined, places = self._joined
        return weights[:, np.arange(self.layer.size)[:, None], places] * joined

    def gradient(self, delta: Numbers, sources: Numbers) -> Numbers:
        """Return ∂E/∂w of each weight, added up over its places and the samples."""
        units, own = self.reads.shape
        each = delta.reshape(*delta.shape, 1) * sources[:, :, self.reads]
        added = each.sum(axis=1).reshape(-1, units * own)
        return added[:, self._places].sum(axis=-1)

    def pool(self, sources: Numbers) -> Numbers:
        """Return what is left of each window."""
        own = sources[:, :, self.reads]
        if self.pooled is Pooled.MAX:
            return own.max(axis=-1)
        return own.sum(axis=-1) / float(self.reads.shape[1])

    def unpool(self, delta: Numbers, sources: Numbers, kept: Numbers) -> Numbers:
        """Return ∂E/∂ of the sources; ``kept`` is what is left of each window.

        A maximum hands δ to the first of its window that is as large, as PyTorch does.
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
