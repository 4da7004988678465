"""The whole network at once: from pixels and weights to the loss, and once more after the step.

``local`` checks each cell from the cells that it reads; this checks the result of all together.
"""

from collections.abc import Iterator
from typing import NoReturn

from workbook_tools.convolutional import layers
from workbook_tools.convolutional.backward import Gradients
from workbook_tools.convolutional.book import Book
from workbook_tools.convolutional.layers import Array
from workbook_tools.convolutional.local import padding_of, plain, with_relu
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


def run(book: Book, state: State, truth: Array, gradients: Gradients) -> dict[str, list[Array]]:
    """Run a workbook's network on the pixels shown, with ``truth`` as the target at each moment.

    One forward pass, one step by the ``gradients``, and another forward pass. Return the numbers of
    sections, of their biases, too; the first axis of all arrays are the moments. Raises
    ``InputError`` if the layers do not fit together.
    """
    made = _Run(book, state)
    made.forward("")
    made.loss("", truth)
    made.step(gradients)
    made.forward(names.AFTERWARDS)
    made.loss(names.AFTERWARDS, truth)
    return dict(made.all_cells())


class _ByName(dict[str, Array]):
    """Arrays by the name of their section."""

    def __init__(self, book: Book) -> None:
        super().__init__()
        self._book = book

    def __missing__(self, name: str) -> NoReturn:
        self._book.section(name)
        self._book.refuse_misfit(name)


class _Run:
    """A run: the numbers of each section."""

    def __init__(self, book: Book, state: State) -> None:
        self._book, self._state = book, state
        self._values, self._weights, self._biases = _ByName(book), _ByName(book), _ByName(book)
        self._values[names.PIXELS] = state.numbers(book.section(names.PIXELS).cells, 0.0)
        for heading in self._headings(Operation.WEIGHTS):
            section = book.section(heading.name)
            if section.biases is None:
                book.refuse_misfit(heading.name)
            self._weights[heading.name] = state.numbers(section.cells, 0.0)
            self._biases[heading.name] = state.numbers(section.biases, 0.0)

    def _headings(self, *operations: Operation) -> Iterator[Heading]:
        for section in self._book.sections.values():
            if section.heading.operation in operations:
                yield section.heading

    def forward(self, suffix: str) -> None:
        """Run the layers whose names have this suffix, each after the layers that it reads."""
        waiting = [
            heading for heading in self._headings(*_LAYERS)
            if heading.name.endswith(names.AFTERWARDS) == bool(suffix)
        ]  # fmt: skip
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
        """Add the softmax and loss sections."""
        softmax = before = names.SOFTMAX + suffix
        for operation in (Operation.PARTS, Operation.EXPONENTIALS):
            section = self._book.section(before)
            if section.heading.operation is not operation:
                self._book.refuse_misfit(before)
            before = section.source()
        scores = self._values[before]
        target = layers.one_hot(truth, scores.shape[1])
        self._values[softmax] = layers.softmax(scores)
        self._values[names.LOSS + suffix] = layers.cross_entropy(scores, target)

    def step(self, gradients: Gradients) -> None:
        """Add the weights and biases after one step."""
        rate = self._state.number(self._book.inputs[names.ETA])[:, None]
        for heading in self._headings(Operation.STEPPED):
            own, slopes = heading.parts["weights"], gradients.get(heading.parts["gradient"], [])
            w, b = self._weights[own], self._biases[own]
            if [part.shape for part in slopes] != [w.shape, b.shape]:
                self._book.refuse_misfit(heading.name)
            by_weights, by_biases = slopes
            self._weights[heading.name] = w - rate[:, :, None, None, None] * by_weights
            self._biases[heading.name] = b - rate * by_biases

    def all_cells(self) -> Iterator[tuple[str, list[Array]]]:
        """Yield the numbers of sections: layers, probabilities, losses, and new weights."""
        for name, values in self._values.items():
            yield name, [values]
        for heading in self._headings(Operation.STEPPED):
            yield heading.name, [self._weights[heading.name], self._biases[heading.name]]

    def _input(self, name: str) -> Array:
        return self._state.number(self._book.inputs[name])[:, None, None, None]
