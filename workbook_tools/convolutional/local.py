"""The right value of each cell, computed from the cells that it reads.

Every section is computed from the sheet's own values of the sections that its heading names. So
only the cell with a mistake counts as wrong, and not those that depend on it. Each number comes
with the size of the terms that are added up in it, by which its rounding error is measured. What
gradients should be is worked out elsewhere, in ``backward``.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workbook_tools.convolutional import layers
from workbook_tools.convolutional.book import Book, Section
from workbook_tools.convolutional.layers import Array, Pair
from workbook_tools.convolutional.places import Grid
from workbook_tools.convolutional.state import State
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.convolutional import Heading, Operation, size

_STEP = ("weights", "gradient")  # the parts of the heading of weights after the step


@dataclass(frozen=True)
class Expected:
    """The right values of cells, and the size of the terms that are added up in each."""

    values: Array
    sizes: Array

    def agrees(self, shown: Array, tolerance: float) -> bool:
        """Tell whether all numbers are known, and shown as they should be."""
        return bool((np.abs(shown - self.values) <= tolerance * self.sizes).all())


class Local:
    """The right values of all sections; the first axis of all arrays are the moments."""

    def __init__(self, book: Book, state: State) -> None:
        self._book, self._state = book, state

    def expected(self, section: Section, grid: Grid) -> Expected:
        """Return the right values of one of a section's grids.

        Raises ``InputError`` if the sections that it should read do not fit together.
        """
        try:
            found = self._cells(section) if grid is section.cells else self._of_biases(section)
        except (ValueError, IndexError, ZeroDivisionError):  # arrays of other shapes, empty windows
            self._book.refuse_misfit(section.name)
        if found.values.shape[1:] != grid.rows.shape:
            self._book.refuse_shape(section.name, found.values.shape[1:])
        return found

    def true_digits(self) -> Array:
        """Return the true digit at each moment, according to the inputs."""
        drawn = self._state.number(self._book.inputs[names.DRAWN_DIGIT])
        stored = self._state.numbers(self._book.truth)
        return np.array(
            [
                drawn[k] if at is None else stored[k, at] if 0 <= at < stored.shape[1] else np.nan
                for k, at in enumerate(self._selected())
            ]
        )

    def _selected(self) -> list[int | None]:
        """Return the number of the selected digit, from 0; None if the drawing is selected."""
        cell = self._book.inputs[names.SELECTED]
        found = (self._state.value(cell, moment) for moment in range(len(self._state)))
        return [
            None if value == names.DRAW else int(value) - 1 if isinstance(value, float) else -1
            for value in found
        ]

    def _shown_target(self, classes: int) -> Array:
        """Return 1 at the true digit that the sheet shows, which other cells read."""
        shown = self._state.number(self._book.singles[names.TRUE_DIGIT])
        return layers.one_hot(np.trunc(shown), classes)

    def _maps(self, name: str, padding: Pair = (0, 0)) -> Array:
        """Return the maps of a section, with the cells around them as ``padding``."""
        section = self._book.section(name)
        if not any(padding):
            return self._numbers(section, section.cells)
        above, beside = padding
        _, height, width = section.cells.rows.shape
        blank = np.zeros((height + 2 * above, width + 2 * beside))
        blank[above : above + height, beside : beside + width] = _blank(section)
        return self._state.numbers(section.cells.padded(*padding), blank)

    def _weights(self, name: str) -> Array:
        section = self._book.section(name)
        return self._numbers(section, section.cells)

    def _biases(self, name: str) -> Array:
        section = self._book.section(name)
        if section.biases is None:
            self._book.refuse_misfit(name)
        return self._numbers(section, section.biases)

    def _numbers(self, section: Section, grid: Grid) -> Array:
        return self._state.numbers(grid, _blank(section))

    def _input(self, name: str) -> Array:
        """Return the number of an input cell, to be used with maps."""
        return self._state.number(self._book.inputs[name])[:, None, None, None]

    def _of_biases(self, section: Section) -> Expected:
        """Return the right biases of a section of weights after the step."""
        if section.heading.operation is not Operation.STEPPED:
            raise ValueError(f"{section.name} has no calculated biases")
        return self._stepped(*(self._biases(section.source(k)) for k in _STEP))

    def _cells(self, section: Section) -> Expected:
        heading = section.heading
        match heading.operation:
            case Operation.CHOSEN:
                return _added(lambda x: x, self._chosen())
            case Operation.NORMALISED:
                pixels, mean = self._maps(section.source()), self._input(names.PIXEL_MEAN)
                deviation = self._input(names.PIXEL_DEVIATION)
                return _added(
                    lambda x, m: (x / names.GREYS - m) / deviation, pixels, mean,
                    sizes=lambda x, m: (x / names.GREYS + m) / deviation,
                )  # fmt: skip
            case (
                Operation.CONVOLUTION
                | Operation.CONVOLUTION_RELU
                | Operation.WEIGHTED
                | Operation.WEIGHTED_RELU
            ):
                weights = section.source("weights")
                read = self._maps(section.source(), padding_of(heading))
                return _added(
                    lambda x, w, b: with_relu(heading, layers.convolution(x, w, b)),
                    read, self._weights(weights), self._biases(weights),
                )  # fmt: skip
            case Operation.EXPONENTIALS:
                return _added(
                    lambda z: np.exp(z - layers.most(z)), self._maps(section.source()),
                    # The absolute error of the exponent counts.
                    sizes=lambda z: 1 + z + layers.most(z),
                )  # fmt: skip
            case Operation.PARTS:
                return _added(lambda e: e / layers.total(e), self._maps(section.source()))
            case Operation.TARGET:
                return _added(lambda t: t, self._shown_target(len(section.cells.rows)))
            case Operation.LOSS:
                return self._loss(section)
            case Operation.TURNED:
                return _added(lambda w: w[..., ::-1, ::-1], self._weights(section.source()))
            case Operation.TRANSPOSED:
                return _added(lambda w: w.swapaxes(1, 2), self._weights(section.source()))
            case Operation.DIFFERENCE:
                both = (self._maps(section.source(k)) for k in ("source", "target"))
                return _added(lambda p, t: p - t, *both, sizes=lambda p, t: p + t)
            case Operation.STEPPED:
                return self._stepped(*(self._weights(section.source(k)) for k in _STEP))
        return _added(lambda x: plain(heading, x), self._maps(section.source()))

    def _chosen(self) -> Array:
        drawing, stored = self._maps(names.DRAWING), self._maps(names.DIGITS)
        chosen = []
        for k, at in enumerate(self._selected()):
            if at is None:
                chosen.append(drawing[k])
            elif 0 <= at < stored.shape[1]:
                chosen.append(stored[k, at : at + 1])
            else:
                chosen.append(np.full_like(stored[k, :1], np.nan))
        return np.stack(chosen)

    def _loss(self, section: Section) -> Expected:
        scores, powers = (self._maps(section.source(k)) for k in ("source", "exponentials"))
        target = self._shown_target(scores.shape[1])
        own = layers.total(np.where(target == 1, scores, 0.0))
        own[layers.total(target) == 0] = np.nan  # the sheet shows none of the digits
        return _added(
            lambda z, e: np.log(layers.total(e)) - (own - layers.most(z)), scores, powers,
            sizes=lambda z, e: 1 + 2 * layers.most(z),
        )  # fmt: skip

    def _stepped(self, weights: Array, slopes: Array) -> Expected:
        rate = self._state.number(self._book.inputs[names.ETA])
        rate = rate.reshape(-1, *[1] * (weights.ndim - 1))
        return _added(
            lambda w, g: w - rate * g, weights, slopes, sizes=lambda w, g: w + np.abs(rate) * g
        )


def _added(
    of: Callable[..., Array], *inputs: Array, sizes: Callable[..., Array] | None = None
) -> Expected:
    """Apply a function.

    ``sizes``, applied to the absolute values of the inputs, gives the size of the terms that are
    added up. By default it is the function itself, which then must only add up products, or choose.
    """
    values = of(*inputs)
    terms = np.abs((sizes or of)(*map(np.abs, inputs)))
    return Expected(values, np.maximum(terms, np.abs(values)))


def plain(heading: Heading, x: Array) -> Array:
    """Return a layer without weights, of maps."""
    match heading.operation:
        case Operation.RELU:
            return layers.relu(x)
        case Operation.LARGEST:
            return layers.largest(x, size(heading.parts["window"]))
        case Operation.WINDOW_MEAN:
            return layers.window_mean(x, size(heading.parts["window"]))
        case Operation.MAP_MEAN:
            return layers.map_mean(x)
        case Operation.IN_A_ROW:
            return layers.in_a_row(x)
    raise ValueError(f"{heading.name} has weights")


def _blank(section: Section) -> float:
    """Return what an empty cell counts as: no number if it should hold a formula, else 0."""
    return np.nan if section.heading.operation.has_formulas else 0.0


def padding_of(heading: Heading) -> Pair:
    """Return the padding of a layer; none if it has no such thing."""
    return size(heading.parts["padding"]) if "padding" in heading.parts else (0, 0)


def with_relu(heading: Heading, x: Array) -> Array:
    """Apply the ReLU that may follow in the same cell."""
    return layers.relu(x) if heading.operation.has_relu else x
