"""The right value of each cell, computed by PyTorch from the cells that it reads.

Every section is computed from the sheet's own values of the sections that its heading names. So
only the cell with a mistake counts as wrong, and not those that depend on it. Each number comes
with the size of the terms that are added up in it, by which its rounding error is measured.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from workbook_tools.convolutional.book import Book, Grid, Section
from workbook_tools.convolutional.state import State
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.convolutional import Heading, Operation, size


@dataclass(frozen=True)
class Expected:
    """The right values of cells, and the size of the terms that are added up in each."""

    values: NDArray[np.float64]
    sizes: NDArray[np.float64]


class Local:
    """The right values of all sections at one moment."""

    def __init__(self, book: Book, state: State) -> None:
        self._book, self._state = book, state

    def expected(self, section: Section, grid: Grid) -> Expected:
        """Return the right values of one of a section's grids."""
        if grid is section.cells:
            return self._given(section).evaluated()
        return self._expected_biases(section)

    def _expected_biases(self, section: Section) -> Expected:
        """Return the right biases of a section of gradients, or of weights after the step."""
        match section.heading.operation:
            case Operation.WEIGHT_GRADIENT:
                gradient = self._maps(section.source("gradient"))
                return _Given(lambda g: g.sum(dim=(1, 2)), [gradient]).evaluated()
            case Operation.STEPPED:
                own, slopes = (self._biases(section.source(k)) for k in ("weights", "gradient"))
                return self._stepped([own, slopes]).evaluated()
        raise AssertionError(f"{section.name} has no calculated biases")

    @property
    def _rate(self) -> float:
        return self._state.number(self._book.inputs[names.ETA])

    @property
    def selected(self) -> int | None:
        """The number of the selected digit, from 0; None if the drawing is selected."""
        value = self._state.value(self._book.inputs[names.SELECTED])
        if value == names.DRAW:
            return None
        return int(value) - 1 if isinstance(value, float) else -1

    @property
    def true_digit(self) -> float:
        """The true digit, according to the inputs."""
        if self.selected is None:
            return self._state.number(self._book.inputs[names.DRAWN_DIGIT])
        truth = self._state.numbers(self._book.truth)
        return float(truth[self.selected]) if 0 <= self.selected < len(truth) else float("nan")

    def _shown_digit(self) -> int:
        """Return the true digit that the sheet shows, which other cells read."""
        shown = self._state.number(self._book.singles[names.TRUE_DIGIT])
        return int(shown) if shown == shown else -1

    def _maps(self, name: str, padding: tuple[int, int] = (0, 0)) -> Tensor:
        """Return the maps of a section, with the cells around them as ``padding``."""
        section = self._book.section(name)
        inner = self._numbers(section, section.cells)
        if not any(padding):
            return torch.from_numpy(inner)
        above, beside = padding
        _, height, width = inner.shape
        maps = self._state.numbers(section.cells.padded(*padding), 0.0)
        maps[:, above : above + height, beside : beside + width] = inner
        return torch.from_numpy(maps)

    def _weights(self, name: str) -> Tensor:
        section = self._book.section(name)
        return torch.from_numpy(self._numbers(section, section.cells))

    def _biases(self, name: str) -> Tensor:
        section = self._book.section(name)
        assert section.biases is not None
        return torch.from_numpy(self._numbers(section, section.biases))

    def _numbers(self, section: Section, grid: Grid) -> NDArray[np.float64]:
        """Return a section's numbers; an empty cell is NaN if it should hold a formula, else 0."""
        return self._state.numbers(grid, np.nan if section.heading.operation.has_formulas else 0.0)

    def _given(self, section: Section) -> "_Given":
        heading = section.heading
        match heading.operation:
            case Operation.CHOSEN:
                return _Given(lambda x: x, [self._chosen()])
            case Operation.NORMALISED:
                mean, deviation = self._scale()
                pixels = self._maps(section.source())
                return _Given(
                    lambda x, m: (x / names.GREYS - m) / deviation,
                    [pixels, mean],
                    lambda x, m: (x / names.GREYS + m) / deviation.abs(),
                )
            case Operation.CONVOLUTION | Operation.CONVOLUTION_RELU:
                padding = size(heading.parts["padding"])
                of = _with_relu(heading, _convolution)
                return _Given(of, [self._maps(section.source(), padding), *self._both(section)])
            case Operation.WEIGHTED | Operation.WEIGHTED_RELU:
                of = _with_relu(heading, weighted)
                return _Given(of, [self._maps(section.source()), *self._both(section)])
            case Operation.RELU | Operation.LARGEST | Operation.WINDOW_MEAN | Operation.MAP_MEAN:
                return _Given(plain(heading), [self._maps(section.source())])
            case Operation.IN_A_ROW:
                return _Given(plain(heading), [self._maps(section.source())])
            case Operation.EXPONENTIALS:
                return _Given(
                    lambda z: torch.exp(z - z.max()),
                    [self._maps(section.source())],
                    lambda z: 1 + z + z.max(),  # the absolute error of the exponent counts
                )
            case Operation.PARTS:
                return _Given(lambda e: e / e.sum(), [self._maps(section.source())])
            case Operation.TARGET:
                return _Given(_one_at(self._shown_digit()), [torch.zeros(section.cells.rows.shape)])
            case Operation.LOSS:
                scores, powers = (self._maps(section.source(k)) for k in ("source", "exponentials"))
                return _Given(
                    _loss(self._shown_digit()), [scores, powers], lambda z, e: 1 + 2 * z.max()
                )
            case Operation.TURNED:
                return _Given(lambda w: w.flip(2, 3), [self._weights(section.source())])
            case Operation.TRANSPOSED:
                return _Given(lambda w: w.transpose(0, 1), [self._weights(section.source())])
            case Operation.DIFFERENCE:
                both = [self._maps(section.source(k)) for k in ("source", "target")]
                return _Given(lambda p, t: p - t, both, lambda p, t: p + t)
            case Operation.BACK:
                return self._back(section)
            case Operation.WEIGHT_GRADIENT:
                return self._weight_gradient(section)
            case Operation.STEPPED:
                both = [self._weights(section.source(k)) for k in ("weights", "gradient")]
                return self._stepped(both)
        raise AssertionError(f"{section.name} is not calculated")

    def _both(self, section: Section) -> tuple[Tensor, Tensor]:
        name = section.source("weights")
        return self._weights(name), self._biases(name)

    def _chosen(self) -> Tensor:
        if self.selected is None:
            return self._maps(names.DRAWING)
        stored = self._maps(names.DIGITS)
        if not 0 <= self.selected < len(stored):
            return torch.full_like(stored[:1], torch.nan)
        return stored[self.selected : self.selected + 1]

    def _scale(self) -> tuple[Tensor, Tensor]:
        cells = (self._book.inputs[n] for n in (names.PIXEL_MEAN, names.PIXEL_DEVIATION))
        mean, deviation = (
            torch.tensor(self._state.number(cell), dtype=torch.float64) for cell in cells
        )
        return mean, deviation

    def _back(self, section: Section) -> "_Given":
        """Return how the gradient is passed back to a layer through the one that reads it."""
        consumer = self._book.section(section.source("consumer")).heading
        name = section.source()
        match consumer.operation:
            case Operation.NORMALISED:
                _, deviation = self._scale()
                return _Given(lambda g: g / (names.GREYS * deviation), [self._maps(name)])
            case Operation.CONVOLUTION:
                turned = self._turned(consumer)
                kernel, padding = turned.shape[2:], size(consumer.parts["padding"])
                reach = (kernel[0] - 1 - padding[0], kernel[1] - 1 - padding[1])
                gradient = self._maps(name, reach)
                return _Given(
                    lambda g, w: F.conv2d(g[None], w.transpose(0, 1))[0], [gradient, turned]
                )
            case Operation.WEIGHTED:
                gradient, turned = self._maps(name), self._turned(consumer)
                return _Given(_weighted_by, [gradient, turned])
            case Operation.RELU:
                before = self._maps(section.source("layer"))
                return _Given(lambda g: _passed(before, g), [self._maps(name)])
            case Operation.LARGEST:
                before, pooled = self._maps(section.source("layer")), self._maps(consumer.name)
                window = size(consumer.parts["window"])
                return _Given(lambda g: _to_the_largest(before, pooled, g, window),
                              [self._maps(name)])  # fmt: skip
            case Operation.WINDOW_MEAN | Operation.MAP_MEAN | Operation.IN_A_ROW:
                before = self._maps(section.source("layer"))
                return _Given(lambda g: _pulled_back(plain(consumer), before, g),
                              [self._maps(name)])  # fmt: skip
        raise AssertionError(f"no gradient is passed back through {consumer.name}")

    def _turned(self, consumer: Heading) -> Tensor:
        """Return the turned kernels, or transposed weights, of a layer."""
        return self._weights(self._book.turned(consumer.parts["weights"]).name)

    def _stepped(self, both: list[Tensor]) -> "_Given":
        rate = self._rate
        return _Given(lambda w, g: w - rate * g, both, lambda w, g: w + abs(rate) * g)

    def _weight_gradient(self, section: Section) -> "_Given":
        gradient = self._maps(section.source("gradient"))
        layer = self._book.layer_of(section.source("weights"))
        if layer.heading.operation is Operation.WEIGHTED:
            row = self._maps(section.source())
            return _Given(
                lambda x, g: (g.flatten()[:, None] * x.flatten()[None])[:, :, None, None],
                [row, gradient],
            )  # fmt: skip
        maps = self._maps(section.source(), size(layer.heading.parts["padding"]))
        # Correlate each input map with each gradient map: the input maps are the batch.
        return _Given(
            lambda x, g: F.conv2d(x[:, None], g[:, None]).transpose(0, 1), [maps, gradient]
        )


@dataclass(frozen=True)
class _Given:
    """A function of tensors, and its inputs.

    ``sizes``, applied to the absolute values of the inputs, gives the size of the terms that are
    added up. By default it is the function itself, which then must only add up products, or choose.
    """

    of: Callable[..., Tensor]
    inputs: list[Tensor]
    sizes: Callable[..., Tensor] | None = None

    def evaluated(self) -> Expected:
        """Apply it."""
        values = self.of(*self.inputs)
        sizes = (self.sizes or self.of)(*(tensor.abs() for tensor in self.inputs))
        return Expected(values.numpy(), torch.maximum(sizes.abs(), values.abs()).numpy())


def plain(heading: Heading) -> Callable[[Tensor], Tensor]:
    """Return the function of a layer without weights, on maps (n, height, width)."""
    match heading.operation:
        case Operation.RELU:
            return torch.relu
        case Operation.LARGEST:
            window = size(heading.parts["window"])
            return lambda x: F.max_pool2d(x[None], window)[0]
        case Operation.WINDOW_MEAN:
            window = size(heading.parts["window"])
            return lambda x: F.avg_pool2d(x[None], window)[0]
        case Operation.MAP_MEAN:
            return lambda x: x.mean(dim=(1, 2), keepdim=True)
        case Operation.IN_A_ROW:
            return lambda x: x.reshape(-1, 1, 1)
    raise AssertionError(f"{heading.name} has weights")


def _convolution(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """Return the convolution of maps that already include their padding."""
    return F.conv2d(x[None], w, b)[0]


def weighted(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """Return weighted sums of numbers (n, 1, 1), with weights (m, n, 1, 1) and biases (m,)."""
    return F.linear(x.flatten(), w[:, :, 0, 0], b)[:, None, None]


def _weighted_by(g: Tensor, w: Tensor) -> Tensor:
    return F.linear(g.flatten(), w[:, :, 0, 0])[:, None, None]


def _with_relu(heading: Heading, of: Callable[..., Tensor]) -> Callable[..., Tensor]:
    if heading.operation.has_relu:
        return lambda *inputs: torch.relu(of(*inputs))
    return of


def _one_at(digit: int) -> Callable[[Tensor], Tensor]:
    def target(zeros: Tensor) -> Tensor:
        targets = zeros.clone().double()
        if 0 <= digit < len(targets):
            targets[digit] = 1.0
        return targets

    return target


def _loss(digit: int) -> Callable[[Tensor, Tensor], Tensor]:
    def loss(scores: Tensor, powers: Tensor) -> Tensor:
        if not 0 <= digit < len(scores):
            return torch.full((1, 1, 1), torch.nan, dtype=torch.float64)
        return (torch.log(powers.sum()) - (scores.flatten()[digit] - scores.max())).reshape(1, 1, 1)

    return loss


def _passed(x: Tensor, gradient: Tensor) -> Tensor:
    """Return the gradient where ``x`` is above 0, and 0 elsewhere."""
    return torch.where(x.isnan(), torch.nan, torch.where(x > 0, gradient, 0.0))


def _to_the_largest(x: Tensor, pooled: Tensor, gradient: Tensor, window: tuple[int, int]) -> Tensor:
    """Return the gradient at the first maximum of each window, and 0 elsewhere.

    The maximum is the one that the sheet shows. Cells beyond the last whole window get 0.
    """
    height, width = window
    cells = x.unfold(1, height, height).unfold(2, width, width).flatten(3)
    largest = pooled[..., None]
    before = torch.full_like(cells[..., :1], -torch.inf)
    earlier = torch.cat([before, cells.cummax(dim=3).values[..., :-1]], dim=3)
    own = torch.where((cells == largest) & (earlier < largest), gradient[..., None], 0.0)
    own = torch.where(cells.isnan() | largest.isnan() | earlier.isnan(), torch.nan, own)
    at = torch.zeros_like(x)
    rows, columns = pooled.shape[1] * height, pooled.shape[2] * width
    blocks = own.reshape(*pooled.shape, height, width).permute(0, 1, 3, 2, 4)
    at[:, :rows, :columns] = blocks.reshape(len(x), rows, columns)
    return at


def _pulled_back(of: Callable[[Tensor], Tensor], x: Tensor, gradient: Tensor) -> Tensor:
    """Return the gradient at ``x``, given the gradient at ``of(x)``, by autograd.

    ``of`` is linear, so that the values of ``x`` do not matter.
    """
    x = torch.zeros_like(x, requires_grad=True)
    (found,) = torch.autograd.grad(of(x), x, gradient)
    return found
