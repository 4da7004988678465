"""The whole network at once: from pixels and weights to the loss, and back by autograd.

``local`` checks each cell from the cells that it reads; this checks the result of all together.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from workbook_tools.convolutional.book import Book, Section
from workbook_tools.convolutional.local import plain, weighted
from workbook_tools.convolutional.state import State
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.convolutional import Heading, Operation, size

_LAYERS = (
    Operation.NORMALISED, Operation.CONVOLUTION, Operation.CONVOLUTION_RELU, Operation.WEIGHTED,
    Operation.WEIGHTED_RELU, Operation.RELU, Operation.LARGEST, Operation.WINDOW_MEAN,
    Operation.MAP_MEAN, Operation.IN_A_ROW,
)  # fmt: skip
_TIE = 1e-12  # relative; numbers of a pooling window that differ by less count as equal


@dataclass(frozen=True)
class Run:
    """The numbers of all sections after a run, by name; biases separately."""

    cells: dict[str, NDArray[np.float64]]
    biases: dict[str, NDArray[np.float64]]


def run(book: Book, state: State, truth: int) -> Run:
    """Run a workbook's network on the pixels shown, with ``truth`` as the target.

    One forward and backward pass, one step, and another forward pass.
    """
    made = _Run(book, state)
    made.forward("")
    loss = made.loss("", truth)
    loss.backward()  # type: ignore[no-untyped-call]
    made.step()
    made.forward(names.AFTERWARDS)
    made.loss(names.AFTERWARDS, truth)
    return Run(
        {name: values.detach().numpy() for name, values in made.all_cells()},
        {name: values.detach().numpy() for name, values in made.all_biases()},
    )


def _headings(book: Book, *operations: Operation) -> Iterator[Heading]:
    for section in book.sections.values():
        if section.heading.operation in operations:
            yield section.heading


class _Run:
    """A run: the numbers of each section, as tensors that keep their gradients."""

    def __init__(self, book: Book, state: State) -> None:
        self._book, self._state = book, state
        pixels = self._numbers(book.section(names.PIXELS))
        self._tensors = {names.PIXELS: pixels.requires_grad_()}
        self._weights: dict[str, Tensor] = {}
        self._biases: dict[str, Tensor] = {}
        for heading in _headings(book, Operation.WEIGHTS):
            section = book.section(heading.name)
            assert section.biases is not None
            biases = torch.from_numpy(state.numbers(section.biases, 0.0))
            self._weights[heading.name] = self._numbers(section).requires_grad_()
            self._biases[heading.name] = biases.requires_grad_()

    def forward(self, suffix: str) -> None:
        """Run the layers whose names have this suffix, each after the layers that it reads."""
        waiting = [
            heading for heading in _headings(self._book, *_LAYERS)
            if heading.name.endswith(names.AFTERWARDS) == bool(suffix)
        ]  # fmt: skip
        while waiting:
            ready = [h for h in waiting if h.parts["source"] in self._tensors]
            if not ready:
                self._book.refuse_circle(waiting[0].name)
            for heading in ready:
                self._tensors[heading.name] = self._layer(heading)
                self._tensors[heading.name].retain_grad()
                waiting.remove(heading)

    def loss(self, suffix: str, truth: int) -> Tensor:
        """Add the softmax and loss sections; return the loss."""
        powers = self._book.section(self._book.section(names.SOFTMAX + suffix).source())
        scores = self._tensors[powers.source()]
        loss = F.cross_entropy(scores.flatten()[None], torch.tensor([truth]))
        self._tensors[names.SOFTMAX + suffix] = torch.softmax(scores, dim=0)
        self._tensors[names.LOSS + suffix] = loss.reshape(1, 1, 1)
        return loss

    def step(self) -> None:
        """Add the weights and biases after one step."""
        rate = self._state.number(self._book.inputs[names.ETA])
        for heading in _headings(self._book, Operation.STEPPED):
            own = heading.parts["weights"]
            for numbers in (self._weights, self._biases):
                stepped = numbers[own].detach() - rate * _gradient(numbers[own])
                numbers[heading.name] = stepped.requires_grad_()

    def all_cells(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the numbers of sections: layers, probabilities, losses, gradients, new weights."""
        yield from self._tensors.items()
        for heading in _headings(self._book, Operation.DIFFERENCE, Operation.BACK):
            yield heading.name, _gradient(self._tensors[heading.parts["layer"]])
        yield from self._parameters(self._weights)

    def all_biases(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the biases of sections: their gradients, and their values after the step."""
        yield from self._parameters(self._biases)

    def _parameters(self, numbers: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
        for heading in _headings(self._book, Operation.WEIGHT_GRADIENT):
            yield heading.name, _gradient(numbers[heading.parts["weights"]])
        for heading in _headings(self._book, Operation.STEPPED):
            yield heading.name, numbers[heading.name]

    def _layer(self, heading: Heading) -> Tensor:
        source = self._tensors[heading.parts["source"]]
        weights = heading.parts.get("weights", "")
        match heading.operation:
            case Operation.NORMALISED:
                cells = (self._book.inputs[n] for n in (names.PIXEL_MEAN, names.PIXEL_DEVIATION))
                mean, deviation = (self._state.number(cell) for cell in cells)
                return (source / names.GREYS - mean) / deviation
            case Operation.CONVOLUTION | Operation.CONVOLUTION_RELU:
                padding = size(heading.parts["padding"])
                kernels, biases = self._weights[weights], self._biases[weights]
                made = F.conv2d(source[None], kernels, biases, padding=padding)[0]
            case Operation.WEIGHTED | Operation.WEIGHTED_RELU:
                made = weighted(source, self._weights[weights], self._biases[weights])
            case Operation.LARGEST:
                return first_of_the_largest(source, size(heading.parts["window"]))
            case _:
                return plain(heading)(source)
        return torch.relu(made) if heading.operation.has_relu else made

    def _numbers(self, section: Section) -> Tensor:
        return torch.from_numpy(self._state.numbers(section.cells, 0.0))


def _gradient(tensor: Tensor) -> Tensor:
    return torch.zeros_like(tensor) if tensor.grad is None else tensor.grad


def first_of_the_largest(x: Tensor, window: tuple[int, int]) -> Tensor:
    """Return the maximum of each window of maps (n, height, width), as max pooling does.

    The gradient goes to the first maximum in reading order. Numbers that differ only by rounding
    count as equal: at the edges of its blocks, PyTorch adds up a convolution in another order, so
    that numbers which tie in a uniform image differ in the last digit.
    """
    height, width = window
    cells = x.unfold(1, height, height).unfold(2, width, width).flatten(3)
    with torch.no_grad():
        largest = cells.amax(dim=3, keepdim=True)
        ties = cells >= largest - _TIE * largest.abs()
        winner = ties.cumsum(dim=3).eq(1) & ties
    return (cells * winner).sum(dim=3)
