"""Compares a finished workbook with the trained network that it was made from.

The checker of ``workbook_tools`` works from the file alone. Here the reference is the trained
network itself: batch normalisations not folded, in double precision, gradients by autograd.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnn.data import DEVIATION, MEAN
from cnn.workbook.network import Network, network_of
from cnn.workbook.planning.section_names import back_name, grad_name
from workbook_tools.convolutional.book import Book, read_book, workbook_names
from workbook_tools.convolutional.moments import Rerun
from workbook_tools.convolutional.state import State
from workbook_tools.convolutional.trials import digits
from workbook_tools.formulas.sheets import read_sheets
from workbook_tools.judging.comparison import Comparison
from workbook_tools.notation import convolutional as names
from workbook_tools.package.workbook import open_package
from workbook_tools.program.graph import Graph

_TIE = 1e-12  # relative; numbers of a pooling window that differ by less count as equal


@dataclass
class Agreement:
    """How well a workbook and a network agree, over all digits that were compared."""

    numbers: Comparison = field(default_factory=Comparison)
    digits: int = 0
    other_answers: int = 0  # digits that the workbook reads as another digit than the network
    probability: float = 0.0  # the largest difference of a probability

    @property
    def agrees(self) -> bool:
        """Whether all numbers and answers agree."""
        return self.numbers.compared > 0 and not self.numbers.off and not self.other_answers

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"{self.numbers.compared:,} numbers of {self.digits} digits compared with the trained "
            f"network (PyTorch, float64, autograd): {self.numbers}, {self.probability:.1e} in a "
            f"probability; {self.other_answers} read as another digit"
        )


def cross_check(
    path: Path, model: nn.Sequential, on_digit: Callable[[str], None] = lambda text: None
) -> Agreement:
    """Compare a workbook with its network, with each of the stored digits selected.

    Raises ``InputError`` if the file cannot be read or calculated.
    """
    with open_package(path) as package:
        sheets, stored = read_sheets(package)
        book = read_book(path, sheets, workbook_names(package))
    _, height, width = book.section(names.PIXELS).cells.rows.shape
    reference = _Reference(model, network_of(model, height, width))
    agreement, rerun = Agreement(), Rerun(book, Graph.of(sheets), sheets, stored)
    for trial in digits(book):
        agreement.digits += 1
        on_digit(f"digit {agreement.digits} of {len(book.truth.rows)}")
        state = rerun.run([trial])
        _compare(book, state, reference, agreement)
    return agreement


def _compare(book: Book, state: State, reference: "_Reference", agreement: Agreement) -> None:
    [pixels] = state.numbers(book.section(names.PIXELS).cells)
    truth = int(state.number(book.singles[names.TRUE_DIGIT])[0])
    probabilities = reference.run(pixels, truth)
    for name, expected in reference.cells():
        [shown] = state.numbers(book.section(name).cells)
        agreement.numbers.add(shown, expected.detach().numpy().reshape(shown.shape))
    for name, expected in reference.biases():
        section = book.section(name)
        assert section.biases is not None
        agreement.numbers.add(state.numbers(section.biases)[0], expected.numpy())
    shown = state.numbers(book.section(names.SOFTMAX).cells).flatten()
    off = float(np.abs(shown - probabilities.numpy()).max())
    agreement.probability = max(agreement.probability, off)
    answer = int(probabilities.argmax())
    agreement.other_answers += state.number(book.singles[names.READ_AS])[0] != answer


class _FirstOfTheLargest(nn.Module):
    """Max pooling in which ties do not depend on how PyTorch rounds: the first one wins."""

    def __init__(self, window: tuple[int, int]) -> None:
        super().__init__()
        self._window = window

    def forward(self, x: Tensor) -> Tensor:
        height, width = self._window
        cells = x.unfold(2, height, height).unfold(3, width, width).flatten(4)
        with torch.no_grad():
            largest = cells.amax(dim=4, keepdim=True)
            # At the edges of its blocks, PyTorch adds up a convolution in another order, so that
            # numbers which tie in a uniform image differ in the last digit.
            ties = cells >= largest - _TIE * largest.abs()
            winner = ties.cumsum(dim=4).eq(1) & ties
        own: Tensor = (cells * winner).sum(dim=4)
        return own


class _Reference:
    """The trained network in double precision, and the last outputs of its layers."""

    def __init__(self, model: nn.Sequential, network: Network) -> None:
        self._network = network
        self._model = deepcopy(model).double().eval()
        self._pixels = self._read = torch.zeros(0)
        self._held: dict[str, Tensor] = {}
        for name, module in list(self._model.named_modules()):
            if isinstance(module, nn.MaxPool2d):
                window = module.kernel_size
                pair = (window, window) if isinstance(window, int) else window
                self._replace(name, _FirstOfTheLargest(pair))
            elif isinstance(module, nn.ReLU):
                self._replace(name, nn.ReLU())  # not in place, so that its input stays available
        for layer in network.layers:
            module = self._model.get_submodule(layer.modules[-1])
            module.register_forward_hook(self._keeping(layer.name))

    def run(self, pixels: np.ndarray, truth: int) -> Tensor:
        """Run it on an image (1, height, width), forward and backward; return probabilities."""
        self._model.zero_grad()
        self._pixels = torch.from_numpy(pixels).requires_grad_()
        self._read = (self._pixels / names.GREYS - MEAN) / DEVIATION
        self._read.retain_grad()
        scores = self._model(self._read[None])
        loss = F.cross_entropy(scores, torch.tensor([truth]))
        loss.backward()  # type: ignore[no-untyped-call]
        self._held[names.LOSS] = loss
        return torch.softmax(scores.detach(), dim=1)[0]

    def cells(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the right numbers of sections: outputs of layers, gradients, those of weights."""
        yield from self._held.items()
        yield names.INPUT, self._read
        yield names.PIXEL_GRADIENT, _gradient(self._pixels)
        yield back_name(names.INPUT), _gradient(self._read)
        for layer in self._network.layers:
            yield back_name(layer.name), _gradient(self._held[layer.name])
            if layer.parameters:
                weight, _, scale = self._trained(layer.modules)
                by_output = scale.reshape(-1, *[1] * (weight.dim() - 1))
                # By the chain rule, the gradient before folding is scale · that of the folded one.
                yield grad_name(layer.name), _gradient(weight) / by_output

    def biases(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the gradients of the biases."""
        for layer in self._network.layers:
            if layer.parameters:
                _, bias, _ = self._trained(layer.modules)
                if bias is not None:
                    yield grad_name(layer.name), _gradient(bias)

    def _trained(self, modules: tuple[str, ...]) -> tuple[Tensor, Tensor | None, Tensor]:
        """Return a layer's weights, its bias, and the factor by which folding scales weights."""
        first, *norms = (self._model.get_submodule(name) for name in modules)
        assert isinstance(first, nn.Conv2d | nn.Linear)
        scale, bias = torch.ones(len(first.weight), dtype=torch.float64), first.bias
        for norm in norms:
            assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
            assert norm.running_var is not None
            own = 1 / torch.sqrt(norm.running_var + norm.eps)
            scale = scale * (own * norm.weight.detach() if norm.affine else own)
            bias = norm.bias if norm.affine else None
        return first.weight, bias, scale

    def _keeping(self, name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def keep(module: nn.Module, read: object, made: Tensor) -> None:
            made.retain_grad()
            self._held[name] = made

        return keep

    def _replace(self, name: str, module: nn.Module) -> None:
        parent, _, own = name.rpartition(".")
        setattr(self._model.get_submodule(parent), own, module)


def _gradient(tensor: Tensor) -> Tensor:
    return torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
