"""A network is read layer by layer, or refused by the name of what a sheet cannot show."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from networks import settled, small_network
from torch import Tensor, nn
from torch.nn import functional as F

from cnn.model import build
from cnn.workbook.network import (
    AveragePool,
    Convolution,
    Flatten,
    GlobalAverage,
    Linear,
    MaxPool,
    Network,
    ReLU,
    network_of,
)
from workbook_tools.errors import InputError


def scores(network: Network, image: Tensor) -> Tensor:
    """Run the layers as they were read, on one image (1, height, width)."""
    x = image
    for layer in network.layers:
        match layer.operation:
            case Convolution(kernels, bias, padding):
                weights = torch.from_numpy(kernels)
                x = F.conv2d(x[None], weights, torch.from_numpy(bias), padding=padding)[0]
            case ReLU():
                x = x.clamp(min=0)
            case MaxPool(window):
                x = F.max_pool2d(x[None], window)[0]
            case AveragePool(window):
                x = F.avg_pool2d(x[None], window)[0]
            case GlobalAverage():
                x = x.mean(dim=(1, 2))
            case Flatten():
                x = x.flatten()
            case Linear(weights, bias):
                x = torch.from_numpy(weights) @ x.flatten() + torch.from_numpy(bias)
        assert x.numel() == layer.output.count * layer.output.height * layer.output.width
    return x.flatten()


def nested() -> nn.Sequential:
    """Sequences in a sequence, "same" padding, batch normalisation of a linear layer, no bias."""
    torch.manual_seed(3)
    return settled(
        nn.Sequential(
            nn.Sequential(nn.Conv2d(1, 3, (3, 5), padding="same"), nn.Dropout2d(0.1), nn.ReLU()),
            nn.Identity(),
            nn.Sequential(
                nn.Conv2d(3, 2, 3, padding="valid"), nn.BatchNorm2d(2, affine=False),
                nn.AvgPool2d(3), nn.Flatten(), nn.Linear(12, 5, bias=False), nn.BatchNorm1d(5),
                nn.ReLU(), nn.Linear(5, 4),
            ),
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("make", "height", "width"),
    [
        (small_network, 11, 10),
        (nested, 11, 9),
        (lambda: settled(build((2, 3, 4, 5, 6), 0.3)), 28, 28),
    ],
)
def test_layers_with_folded_normalisation_give_the_network_s_scores(
    make: Callable[[], nn.Sequential], height: int, width: int
) -> None:
    model = make()
    network = network_of(model, height, width)
    image = torch.rand(1, height, width, dtype=torch.float64)
    expected = model.double()(image[None])[0]
    np.testing.assert_allclose(scores(network, image).numpy(), expected.detach(), rtol=1e-12)


def test_what_is_left_out_is_remembered() -> None:
    network = network_of(small_network(), 11, 10)
    assert network.folded == ["1"]
    assert network.dropouts == ["8"]
    assert [layer.name for layer in network.layers] == [
        "Conv1", "ReLU1", "Pool1", "Conv2", "ReLU2", "Pool2", "Conv3", "Flatten", "Linear1",
        "ReLU3", "Linear2",
    ]  # fmt: skip


CONV = nn.Conv2d(1, 2, 3)


@pytest.mark.parametrize(
    ("modules", "said"),
    [
        ([CONV, nn.Sigmoid()], "1: a Sigmoid cannot"),
        ([CONV, nn.GELU()], "1: a GELU cannot"),
        ([CONV, nn.LeakyReLU()], "1: a LeakyReLU cannot"),
        ([CONV, nn.Softmax(1)], "1: a Softmax cannot"),
        ([nn.ConvTranspose2d(1, 2, 3)], "0: a ConvTranspose2d cannot"),
        ([nn.LSTM(9, 3)], "0: a LSTM cannot"),
        ([nn.Conv2d(1, 2, 3, stride=2)], "its stride is (2, 2), only (1, 1)"),
        ([nn.Conv2d(1, 2, 3, dilation=2)], "its dilation is (2, 2)"),
        ([CONV, nn.Conv2d(2, 2, 3, groups=2)], "its groups is 2"),
        ([nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect")], "its padding_mode is reflect"),
        ([nn.Conv2d(1, 2, 3, padding=3)], "its padding is as wide as its kernel"),
        ([nn.Conv2d(1, 2, 2, padding="same")], "its padding is not the same on both sides"),
        ([nn.Conv2d(3, 2, 3)], "it reads 3 maps and gets 1 map of 9 × 9"),
        ([CONV, nn.MaxPool2d(3, stride=2)], "its windows overlap, or leave gaps"),
        ([CONV, nn.MaxPool2d(2, padding=1)], "its padding is (1, 1)"),
        ([CONV, nn.MaxPool2d(2, ceil_mode=True)], "its ceil_mode is True"),
        ([CONV, nn.AvgPool2d(2, divisor_override=3)], "its divisor_override is 3"),
        ([CONV, nn.AdaptiveAvgPool2d(2)], "its output_size is (2, 2)"),
        ([CONV, nn.MaxPool2d(9)], "nothing is left of 2 maps of 7 × 7"),
        ([nn.BatchNorm2d(1), CONV], "0: a BatchNorm2d cannot be put into a workbook"),
        ([CONV, nn.ReLU(), nn.BatchNorm2d(2)], "right before it"),
        ([CONV, nn.BatchNorm2d(3)], "it is for 3 maps and gets 2"),
        ([CONV, nn.BatchNorm2d(2, track_running_stats=False)], "no running mean"),
        ([CONV, nn.Linear(98, 3)], "maps have to be flattened before it"),
        ([CONV, nn.Flatten(), nn.Linear(97, 3)], "it reads 97 numbers and gets 98"),
        ([nn.Flatten(), nn.Conv2d(1, 2, 1)], "it reads 1 maps and gets a row of numbers"),
        ([nn.Flatten(), nn.MaxPool2d(2)], "it needs maps, but gets a row of numbers"),
        ([nn.Flatten(0)], "its start_dim is 0"),
        ([CONV], "the network ends in 2 maps of 7 × 7"),
        ([], "the network ends in 1 map of 9 × 9"),
    ],
)  # fmt: skip
def test_what_a_sheet_cannot_show_is_refused_by_name(modules: list[nn.Module], said: str) -> None:
    with pytest.raises(InputError) as error:
        network_of(nn.Sequential(*modules), 9, 9)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
