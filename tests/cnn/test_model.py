"""The networks are of the sizes that are promised, and behave in evaluation as they should."""

import pytest
import torch
from torch import nn

from cnn.data import Mnist, normalised
from cnn.model import build, layer_table, parameters, scores
from cnn.recipes import RECIPES


@pytest.mark.parametrize(
    ("name", "count"), [("standard", 19_386), ("small", 7_706), ("tiny", 4_466)]
)
def test_a_network_has_the_promised_number_of_parameters(name: str, count: int) -> None:
    assert parameters(build(RECIPES[name].channels, 0.05)) == count


def test_every_layer_has_the_shape_and_size_that_arithmetic_gives() -> None:
    rows = {row.name: row for row in layer_table(build((16, 16, 16, 32, 32), 0.05))}
    shapes = {
        "conv1": (16, 24, 24), "pool1": (16, 12, 12), "conv2": (16, 12, 12), "conv3": (16, 10, 10),
        "pool2": (16, 5, 5), "conv4": (32, 5, 5), "conv5": (32, 3, 3), "average": (32, 1, 1),
        "flatten": (32,), "linear": (10,),
    }  # fmt: skip
    assert {name: rows[name].output for name in shapes} == shapes
    assert rows["conv1"].parameters == 16 * 5 * 5
    assert rows["conv4"].parameters == 32 * 16 * 3 * 3
    assert rows["norm4"].parameters == 2 * 32
    assert rows["linear"].parameters == 32 * 10 + 10
    assert [rows[n].kernel for n in ("conv1", "conv2", "conv3", "pool1")] == [
        "5×5", "3×3 same", "3×3", "2×2",
    ]  # fmt: skip


@pytest.mark.parametrize("layer", ["conv1", "pool1", "conv2", "conv3", "pool2", "conv4"])
def test_a_receptive_field_is_what_the_gradient_shows(layer: str) -> None:
    """The pixels that one number depends on are those whose gradient is not zero."""
    torch.manual_seed(0)
    model = build((4, 4, 4, 4, 4), 0.0).eval()
    names = [name for name, _ in model.named_children()]
    part = model[: names.index(layer) + 1]
    for module in part:  # a maximum hides pixels, and so does a ReLU
        if isinstance(module, nn.Conv2d):
            nn.init.uniform_(module.weight, 0.1, 1)
    for name, module in list(part.named_children()):
        if isinstance(module, nn.MaxPool2d):
            part[names.index(name)] = nn.AvgPool2d(2)
    image = torch.rand(1, 1, 28, 28, requires_grad=True)
    out = part(image)
    out[0, 0, out.shape[2] // 2, out.shape[3] // 2].backward()
    assert image.grad is not None
    seen = image.grad[0, 0].abs().sum(0) > 0
    expected = {row.name: row.receptive_field for row in layer_table(model)}[layer]
    assert int(seen.sum()) == expected


def test_evaluation_uses_the_running_statistics_and_no_dropout(mnist: Mnist) -> None:
    model = build((4, 4, 4, 4, 4), 0.5)
    images = normalised(mnist.validation.pixels[:64])
    model.train()
    model(images)
    alone = torch.cat([scores(model, image[None]) for image in images])
    together = scores(model, images)
    # A network that normalised by the batch, or dropped features, would answer otherwise.
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-4)
    assert model.training
    before = scores(model, images)
    with torch.no_grad():
        model.get_submodule("norm1").running_mean.add_(0.5)  # type: ignore[union-attr,operator]
    assert not torch.allclose(scores(model, images), before)
