"""Converts a PyTorch network to a list of layers for the workbook; folds batch normalisation.

Modules that are not supported are refused by name, so that nothing that would change a number is
left out.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from workbook_tools.errors import InputError
from workbook_tools.notation.convolutional import MapsShape

Numbers: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Convolution:
    """Kernels (outputs, inputs, height, width) and a bias (outputs,) for each output map."""

    kernels: Numbers
    bias: Numbers
    padding: tuple[int, int]


@dataclass(frozen=True)
class ReLU:
    """The larger of a number and 0."""


@dataclass(frozen=True)
class MaxPool:
    """The maximum of each window; windows touch and do not overlap."""

    window: tuple[int, int]


@dataclass(frozen=True)
class AveragePool:
    """The mean of each window; windows touch and do not overlap."""

    window: tuple[int, int]


@dataclass(frozen=True)
class GlobalAverage:
    """The mean of each map."""


@dataclass(frozen=True)
class Flatten:
    """The cells of all maps in one row: map after map, row after row."""


@dataclass(frozen=True)
class Linear:
    """Weights (outputs, inputs) and a bias (outputs,) for each output."""

    weights: Numbers
    bias: Numbers


Operation: TypeAlias = Convolution | ReLU | MaxPool | AveragePool | GlobalAverage | Flatten | Linear

# The names of the sheets; a number follows if there are several of a kind.
NAMES: dict[type[Any], str] = {
    Convolution: "Conv",
    ReLU: "ReLU",
    MaxPool: "Pool",
    AveragePool: "Pool",
    GlobalAverage: "Average",
    Flatten: "Flatten",
    Linear: "Linear",
}


@dataclass(frozen=True)
class Layer:
    """One layer: its operation, the shape of its output, and the modules that it comes from."""

    name: str  # "Conv2"
    operation: Operation
    output: MapsShape
    modules: tuple[str, ...]  # of the PyTorch network: ("conv2", "norm2")

    @property
    def parameters(self) -> int:
        """How many weights and biases it has in the workbook."""
        match self.operation:
            case Convolution(kernels, bias, _):
                return kernels.size + bias.size
            case Linear(weights, bias):
                return weights.size + bias.size
        return 0


@dataclass(frozen=True)
class Network:
    """Layers one after another, from one image to one number for each digit."""

    image: MapsShape
    layers: list[Layer]
    dropouts: list[str]  # modules that do nothing after training
    folded: list[str]  # batch normalisations that became part of a convolution

    @property
    def parameters(self) -> int:
        """How many weights and biases the workbook has."""
        return sum(layer.parameters for layer in self.layers)


def network_of(model: nn.Sequential, height: int, width: int) -> Network:
    """Return a network that reads images of ``height`` × ``width``, with weights as doubles.

    Raises ``InputError`` for a module that is not supported, or if shapes do not fit.
    """
    reading = _Reading(MapsShape(1, height, width))
    for name, module in _modules(model):
        reading.add(name, module.eval())
    return reading.network()


def _modules(model: nn.Sequential, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Yield the modules in order, including those of nested sequences."""
    for name, module in model.named_children():
        if isinstance(module, nn.Sequential):
            yield from _modules(module, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", module


class _Reading:
    """A network that is being read, module by module."""

    def __init__(self, image: MapsShape) -> None:
        self._image = self._shape = image
        self._flat = False
        self._layers: list[Layer] = []
        self._dropouts: list[str] = []
        self._folded: list[str] = []

    def add(self, name: str, module: nn.Module) -> None:
        match module:
            case nn.Dropout() | nn.Dropout2d():
                self._dropouts.append(name)
            case nn.Identity():
                pass
            case nn.BatchNorm1d() | nn.BatchNorm2d():
                self._fold(name, module)
            case nn.Flatten():
                self._flatten(name, module)
            case _:
                self._append(name, self._operation(name, module))

    def network(self) -> Network:
        if not self._layers or not self._flat or not self._shape.is_row:
            raise InputError(
                f"the network ends in {self._shape}; give one that ends in a number for each "
                "digit, by a flatten or a linear layer"
            )
        kinds = [NAMES[type(layer.operation)] for layer in self._layers]
        total, met = Counter(kinds), Counter[str]()
        named = []
        for kind, layer in zip(kinds, self._layers, strict=True):
            met[kind] += 1
            named.append(replace(layer, name=f"{kind}{met[kind]}" if total[kind] > 1 else kind))
        return Network(self._image, named, self._dropouts, self._folded)

    def _operation(self, name: str, module: nn.Module) -> Operation:
        match module:
            case nn.Conv2d():
                return self._convolution(name, module)
            case nn.ReLU():
                return ReLU()
            case nn.MaxPool2d():
                self._require(name, module, dilation=(1, 1), return_indices=False)
                return MaxPool(self._window(name, module))
            case nn.AvgPool2d():
                self._require(name, module, divisor_override=None)
                return AveragePool(self._window(name, module))
            case nn.AdaptiveAvgPool2d():
                self._require(name, module, output_size=(1, 1))
                return GlobalAverage()
            case nn.Linear():
                if not self._flat:
                    raise _refused(name, module, "maps have to be flattened before it")
                if module.in_features != self._shape.count:
                    raise _refused(name, module, f"it reads {module.in_features} numbers and gets "
                                   f"{self._shape.count}")  # fmt: skip
                return Linear(_numbers(module.weight), _bias(module))
        raise _refused(
            name,
            module,
            "a sheet can show convolutions, batch normalisation, ReLU, max and average pooling, "
            "dropout, global average pooling, flatten and linear layers",
        )

    def _convolution(self, name: str, module: nn.Conv2d) -> Convolution:
        self._require(name, module, stride=(1, 1), dilation=(1, 1), groups=1, padding_mode="zeros")
        if module.in_channels != self._shape.count or self._flat:
            got = "a row of numbers" if self._flat else str(self._shape)
            raise _refused(name, module, f"it reads {module.in_channels} maps and gets {got}")
        kernel = module.kernel_size
        if module.padding == "valid":
            padding = (0, 0)
        elif module.padding == "same":
            if any(side % 2 == 0 for side in kernel):
                raise _refused(name, module, "its padding is not the same on both sides")
            padding = (kernel[0] // 2, kernel[1] // 2)
        else:
            padding = _pair(module.padding)
        if any(pad >= side for pad, side in zip(padding, kernel, strict=True)):
            raise _refused(name, module, "its padding is as wide as its kernel")
        return Convolution(_numbers(module.weight), _bias(module), padding)

    def _window(self, name: str, module: nn.MaxPool2d | nn.AvgPool2d) -> tuple[int, int]:
        window = _pair(module.kernel_size)
        self._require(name, module, padding=(0, 0), ceil_mode=False)
        stride = window if module.stride is None else _pair(module.stride)
        if stride != window:
            raise _refused(name, module, "its windows overlap, or leave gaps")
        return window

    @staticmethod
    def _require(name: str, module: nn.Module, **wanted: object) -> None:
        for setting, value in wanted.items():
            found = getattr(module, setting)
            if isinstance(value, tuple) and not isinstance(found, str):
                found = _pair(found)
            if found != value:
                raise _refused(name, module, f"its {setting} is {found}, only {value} is shown")

    def _append(self, name: str, operation: Operation) -> None:
        shape = self._after(name, operation)
        if shape.height < 1 or shape.width < 1:
            raise InputError(f"{name}: nothing is left of {self._shape} after this layer")
        self._layers.append(Layer(name, operation, shape, (name,)))
        self._shape = shape

    def _after(self, name: str, operation: Operation) -> MapsShape:
        count, height, width = self._shape.count, self._shape.height, self._shape.width
        if self._flat and not isinstance(operation, Linear | ReLU):
            raise InputError(f"{name}: it needs maps, but gets a row of numbers")
        match operation:
            case Convolution(kernels, _, (above, beside)):
                down, across = kernels.shape[2:]
                return MapsShape(
                    len(kernels), height + 2 * above - down + 1, width + 2 * beside - across + 1
                )
            case MaxPool((down, across)) | AveragePool((down, across)):
                return MapsShape(count, height // down, width // across)
            case GlobalAverage():
                return MapsShape(count)
            case Flatten():
                return MapsShape(count * height * width)
            case Linear(weights, _):
                return MapsShape(len(weights))
        return self._shape

    def _flatten(self, name: str, module: nn.Flatten) -> None:
        self._require(name, module, start_dim=1, end_dim=-1)
        if not self._shape.is_row:  # maps of one cell are already in one row
            self._append(name, Flatten())
        self._flat = True

    def _fold(self, name: str, module: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
        """Fold a batch normalisation into the convolution or linear layer before it.

        In evaluation it is y = γ (x − μ) / √(σ² + ε) + β, with constants μ, σ, γ and β.
        """
        before = self._layers[-1] if self._layers else None
        if before is None or not isinstance(before.operation, Convolution | Linear):
            raise _refused(name, module, "it can only be folded into a convolution or linear layer "
                           "right before it")  # fmt: skip
        if module.running_mean is None or module.running_var is None:
            raise _refused(name, module, "it keeps no running mean and variance")
        if module.num_features != before.output.count:
            raise _refused(name, module, f"it is for {module.num_features} maps and gets "
                           f"{before.output.count}")  # fmt: skip
        scale = 1 / np.sqrt(_numbers(module.running_var) + module.eps)
        shift = -_numbers(module.running_mean) * scale
        if module.affine:
            gamma = _numbers(module.weight)
            scale, shift = scale * gamma, shift * gamma + _numbers(module.bias)
        match before.operation:
            case Convolution(kernels, bias, padding):
                folded: Operation = Convolution(
                    kernels * scale[:, None, None, None], bias * scale + shift, padding
                )
            case Linear(weights, bias):
                folded = Linear(weights * scale[:, None], bias * scale + shift)
        modules = (*before.modules, name)
        self._layers[-1] = replace(before, operation=folded, modules=modules)
        self._folded.append(name)


def _numbers(tensor: torch.Tensor) -> Numbers:
    values: Numbers = tensor.detach().cpu().double().numpy()
    return values


def _bias(module: nn.Conv2d | nn.Linear) -> Numbers:
    if module.bias is None:
        return np.zeros(module.weight.shape[0])
    return _numbers(module.bias)


def _pair(size: Any) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))


def _refused(name: str, module: nn.Module, why: str) -> InputError:
    return InputError(f"{name}: a {type(module).__name__} cannot be put into a workbook: {why}")
