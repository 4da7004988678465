"""The whole network at once: from pixels and weights to the loss, and back by the chain rule.

``local`` checks each cell from the cells that it reads; this checks the result of all together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from workbook_tools.convolutional import layers
from workbook_tools.convolutional.book import Book
from workbook_tools.convolutional.layers import Array
from workbook_tools.convolutional.local import padding_of, plain, plain_back, with_relu
from workbook_tools.convolutional.state import State
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.convolutional import Heading, Operation

_WEIGHTED = (
    Operation.CONVOLUTION, Operation.CONVOLUTION_RELU, Operation.WEIGHTED, Operation.WEIGHTED_RELU,
)  # fmt: skip
_LAYERS = (
    Operation.NORMALISED, *_WEIGHTED, Operation.RELU, Operation.LARGEST, Operation.WINDOW_MEAN,
    Operation.MAP_MEAN, Operation.IN_A_ROW,
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """The numbers of all sections after a run, by name; biases separately."""

    cells: dict[str, Array]
    biases: dict[str, Array]


def run(book: Book, state: State, truth: Array) -> Run:
    """Run a workbook's network on the pixels shown, with ``truth`` as the target at each moment.

    One forward and backward pass, one step, and another forward pass. The first axis of all arrays
    are the moments. Raises ``InputError`` if the layers do not fit together.
    """
    made = _Run(book, state)
    order = made.forward("")
    made.loss("", truth)
    made.backward(order)
    made.step()
    made.forward(names.AFTERWARDS)
    made.loss(names.AFTERWARDS, truth)
    return Run(dict(made.all_cells()), dict(made.all_biases()))


class _ByName(dict[str, Array]):
    """Arrays by the name of their section."""

    def __init__(self, book: Book) -> None:
        super().__init__()
        self._book = book

    def __missing__(self, name: str) -> NoReturn:
        self._book.section(name)
        self._book.refuse_misfit(name)


class _Run:
    """A run: the numbers of each section, and ∂loss/∂ each of them."""

    def __init__(self, book: Book, state: State) -> None:
        self._book, self._state = book, state
        self._values, self._gradients = _ByName(book), _ByName(book)
        self._weights, self._weight_gradients = _ByName(book), _ByName(book)
        self._biases, self._bias_gradients = _ByName(book), _ByName(book)
        self._values[names.PIXELS] = state.numbers(book.section(names.PIXELS).cells, 0.0)
        for heading in self._headings(Operation.WEIGHTS):
            section = book.section(heading.name)
            if section.biases is None:
                book.refuse_misfit(heading.name)
            self._weights[heading.name] = state.numbers(section.cells, 0.0)
            self._biases[heading.name] = state.numbers(section.biases, 0.0)
            self._weight_gradients[heading.name] = np.zeros_like(self._weights[heading.name])
            self._bias_gradients[heading.name] = np.zeros_like(self._biases[heading.name])

    def _headings(self, *operations: Operation) -> Iterator[Heading]:
        for section in self._book.sections.values():
            if section.heading.operation in operations:
                yield section.heading

    def forward(self, suffix: str) -> list[Heading]:
        """Run the layers whose names have this suffix, each after the layers that it reads.

        Return them in this order.
        """
        waiting = [
            heading for heading in self._headings(*_LAYERS)
            if heading.name.endswith(names.AFTERWARDS) == bool(suffix)
        ]  # fmt: skip
        order: list[Heading] = []
        while waiting:
            ready = [h for h in waiting if h.parts["source"] in self._values]
            if not ready:
                self._book.refuse_circle(waiting[0].name)
            for heading in ready:
                try:
                    self._values[heading.name] = self._layer(heading)
                except ValueError:  # of NumPy: the shapes of arrays
                    self._book.refuse_misfit(heading.name)
                waiting.remove(heading)
            order += ready
        return order

    def _layer(self, heading: Heading) -> Array:
        x = self._values[heading.parts["source"]]
        if heading.operation in _WEIGHTED:
            weights = heading.parts["weights"]
            x = layers.padded(x, padding_of(heading))
            made = layers.convolution(x, self._weights[weights], self._biases[weights])
            return with_relu(heading, made)
        if heading.operation is Operation.NORMALISED:
            mean, deviation = map(self._input, (names.PIXEL_MEAN, names.PIXEL_DEVIATION))
            return (x / names.GREYS - mean) / deviation
        return plain(heading, x)

    def loss(self, suffix: str, truth: Array) -> None:
        """Add the softmax and loss sections, and the gradients that begin with the scores'."""
        softmax = before = names.SOFTMAX + suffix
        for operation in (Operation.PARTS, Operation.EXPONENTIALS):
            section = self._book.section(before)
            if section.heading.operation is not operation:
                self._book.refuse_misfit(before)
            before = section.source()
        scores = self._values[before]
        target = layers.one_hot(truth, scores.shape[1])
        probabilities = self._values[softmax] = layers.softmax(scores)
        self._values[names.LOSS + suffix] = layers.cross_entropy(scores, target)
        for name, values in self._values.items():
            self._gradients.setdefault(name, np.zeros_like(values))
        if not suffix:
            self._gradients[before] = probabilities - target

    def backward(self, order: list[Heading]) -> None:
        """Add ∂loss/∂ everything that comes before the scores."""
        for heading in reversed(order):
            back = self._back(heading, self._gradients[heading.name])
            self._gradients[heading.parts["source"]] += back

    def _back(self, heading: Heading, g: Array) -> Array:
        """Return ∂loss/∂(what a layer reads), and add those of its weights and biases."""
        x, weights = self._values[heading.parts["source"]], heading.parts.get("weights", "")
        if heading.operation in _WEIGHTED:
            if heading.operation.has_relu:
                g = layers.relu_back(self._values[heading.name], g)
            padding = padding_of(heading)
            slopes = layers.kernel_gradient(layers.padded(x, padding), g)
            self._weight_gradients[weights] += slopes
            self._bias_gradients[weights] += g.sum(axis=(2, 3))
            return layers.convolution_back(self._weights[weights], g, padding)
        if heading.operation is Operation.NORMALISED:
            return g / (names.GREYS * self._input(names.PIXEL_DEVIATION))
        return plain_back(heading, x, g)

    def step(self) -> None:
        """Add the weights and biases after one step."""
        rate = self._state.number(self._book.inputs[names.ETA])[:, None]
        for heading in self._headings(Operation.STEPPED):
            own = heading.parts["weights"]
            w, b = self._weights[own], self._biases[own]
            slopes, by_bias = self._weight_gradients[own], self._bias_gradients[own]
            self._weights[heading.name] = w - rate[:, :, None, None, None] * slopes
            self._biases[heading.name] = b - rate * by_bias

    def all_cells(self) -> Iterator[tuple[str, Array]]:
        """Yield the numbers of sections: layers, probabilities, losses, gradients, new weights."""
        yield from self._values.items()
        for heading in self._headings(Operation.DIFFERENCE, Operation.BACK):
            yield heading.name, self._gradients[heading.parts["layer"]]
        yield from self._parameters(self._weights, self._weight_gradients)

    def all_biases(self) -> Iterator[tuple[str, Array]]:
        """Yield the biases of sections: their gradients, and their values after the step."""
        yield from self._parameters(self._biases, self._bias_gradients)

    def _parameters(
        self, numbers: dict[str, Array], slopes: dict[str, Array]
    ) -> Iterator[tuple[str, Array]]:
        for heading in self._headings(Operation.WEIGHT_GRADIENT):
            yield heading.name, slopes[heading.parts["weights"]]
        for heading in self._headings(Operation.STEPPED):
            yield heading.name, numbers[heading.name]

    def _input(self, name: str) -> Array:
        return self._state.number(self._book.inputs[name])[:, None, None, None]
