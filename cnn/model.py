"""One family of networks, and the properties of a network that need no data.

    5×5 convolution ── norm, ReLU ── pool ── two 3×3 convolutions, each with norm, ReLU ── pool
    ── two more ── global average pooling ── dropout ── linear ── ten scores

The first convolution of a pair is padded and keeps the size; all others reduce it. Convolutions
have no bias, since the batch normalisation after them has one.
"""

from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn

CLASSES = 10
SIZE = 28  # pixels, in both directions


def build(channels: tuple[int, int, int, int, int], dropout: float) -> nn.Sequential:
    """Return a newly initialised network with these channels after its convolutions.

    Its input is (n, 1, 28, 28), its output the scores (n, 10) before the softmax.
    """
    a, b, c, d, e = channels
    layers: OrderedDict[str, nn.Module] = OrderedDict()

    def convolution(number: int, into: int, out: int, kernel: int, padding: int) -> None:
        layers[f"conv{number}"] = nn.Conv2d(into, out, kernel, padding=padding, bias=False)
        layers[f"norm{number}"] = nn.BatchNorm2d(out)
        layers[f"relu{number}"] = nn.ReLU(inplace=True)

    convolution(1, 1, a, kernel=5, padding=0)
    layers["pool1"] = nn.MaxPool2d(2)
    convolution(2, a, b, kernel=3, padding=1)
    convolution(3, b, c, kernel=3, padding=0)
    layers["pool2"] = nn.MaxPool2d(2)
    convolution(4, c, d, kernel=3, padding=1)
    convolution(5, d, e, kernel=3, padding=0)
    layers["average"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["dropout"] = nn.Dropout(dropout)
    layers["linear"] = nn.Linear(e, CLASSES)
    return nn.Sequential(layers)


def parameters(model: nn.Module) -> int:
    """Return the number of trained parameters of a network."""
    return sum(p.numel() for p in model.parameters())


@dataclass(frozen=True)
class LayerRow:
    """A layer as the report shows it."""

    name: str
    kind: str
    kernel: str  # "3×3 same", "2×2", or ""
    output: tuple[int, ...]  # channels, height, width; or features
    receptive_field: int  # pixels of the image that one output depends on, in each direction
    parameters: int


def layer_table(model: nn.Sequential) -> list[LayerRow]:
    """Describe each layer, by passing one blank image through the network.

    The receptive field grows by (kernel − 1) · jump at each layer, where the jump is the product
    of the strides before it (Araujo, Norris and Sim, "Computing Receptive Fields of
    Convolutional Neural Networks", 2019).
    """
    rows: list[LayerRow] = []
    device = next(model.parameters()).device
    x = torch.zeros(1, 1, SIZE, SIZE, device=device)
    field, jump = 1, 1
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for name, layer in model.named_children():
            before, x = x, layer(x)
            kernel = ""
            if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
                size, stride = _one(layer.kernel_size), _one(layer.stride)
                field, jump = field + (size - 1) * jump, jump * stride
                same = isinstance(layer, nn.Conv2d) and before.shape[2:] == x.shape[2:]
                kernel = f"{size}×{size}" + (" same" if same else "")
            elif isinstance(layer, nn.AdaptiveAvgPool2d):
                size = before.shape[-1]
                field += (size - 1) * jump
                kernel = f"{size}×{size}"
            count = parameters(layer)
            kind = type(layer).__name__
            rows.append(LayerRow(name, kind, kernel, tuple(x.shape[1:]), field, count))
    model.train(was_training)
    return rows


def _one(size: int | tuple[int, ...] | None) -> int:
    """Return the side of a square kernel or stride."""
    match size:
        case int():
            return size
        case (side, *_):
            return side
    raise ValueError(f"no square size: {size}")


def scores(model: nn.Module, images: Tensor, batch: int = 500) -> Tensor:
    """Return the scores (n, 10) of normalised ``images``, in evaluation mode, on their device."""
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        out = torch.cat([model(part) for part in torch.split(images, batch)])
    model.train(was_training)
    return out.float()
