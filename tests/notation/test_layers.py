"""What layers on images read, and what is said of those that cannot be."""

import pytest

from workbook_tools.notation.layers import Convolution, Layer, Pooling, dense_layers, parse_layers
from workbook_tools.notation.quantities import Naming

TINY = Naming.of_layers(*parse_layers(["image 4x5", "convolution 3x2 to 2", "max pooling 2x2", 3]))


def test_a_kernel_slides_over_the_image_and_all_its_places_share_its_weights() -> None:
    assert TINY.sizes == (20, 16, 4, 3)
    assert TINY.sources(1)[0] == ["i1", "i2", "i6", "i7", "i11", "i12"]
    assert TINY.sources(1)[5] == ["i7", "i8", "i12", "i13", "i17", "i18"]
    assert TINY.sources(1)[8] == TINY.sources(1)[0]  # of the other channel
    assert TINY.weights(1)[0] == TINY.weights(1)[7] == ["w1", "w2", "w3", "w4", "w5", "w6"]
    assert TINY.weights(1)[8] == ["w7", "w8", "w9", "w10", "w11", "w12"]
    assert TINY.parameters(1) == [f"w{k}" for k in range(1, 13)]


def test_a_channel_has_one_bias() -> None:
    both = TINY.with_biases(5, [1, 3])
    assert both.biases(1) == ["b1"] * 8 + ["b2"] * 8
    assert (both.biases(2), both.biases(3)) == ([], ["b3", "b4", "b5"])
    with pytest.raises(ValueError, match=r"2 \(one for each layer\) or 5 .* channel of a"):
        TINY.with_biases(7, [1, 3])


def test_windows_of_a_pooling_layer_lie_side_by_side_and_have_no_weights() -> None:
    assert TINY.sources(2)[1] == ["a_h1_3", "a_h1_4", "a_h1_7", "a_h1_8"]
    assert TINY.sources(2)[2] == ["a_h1_9", "a_h1_10", "a_h1_13", "a_h1_14"]
    assert TINY.parameters(2) == []
    assert TINY.weighted_layers == [1, 3]
    assert TINY.weights(3)[0] == ["w13", "w14", "w15", "w16"]


def test_a_convolution_reads_all_channels_before_it() -> None:
    _, (_, second, _) = parse_layers(
        ["image 3x3", "convolution 2x2 to 2", "convolution 2x2 to 1", 1]
    )
    assert second.reads(0) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert (second.weight_count, second.fan) == (8, (8, 4))


def test_layers_are_called_what_they_are() -> None:
    words = ["image 8x8", "convolution 3x3 to 2", "convolution 3x3 to 2", "average pooling 2x2", 4]
    naming = Naming.of_layers(*parse_layers([*words, 2]))
    assert [naming.layer_name(layer) for layer in naming.layers] == [
        "convolution 1", "convolution 2", "average pooling", "hidden layer 4", "output layer",
    ]  # fmt: skip


def test_numbers_alone_are_the_layers_that_have_always_been() -> None:
    assert parse_layers([2, 3, 1]) == (2, dense_layers((2, 3, 1)))
    assert Naming.of_layers(*parse_layers([2, 3, 1])) == Naming((2, 3, 1))
    assert {Layer, Convolution, Pooling} >= {type(kind) for kind in TINY.kinds}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["image 4x4", "convolution 5x3 to 2", 2], "kernel larger than its 4x4 images"),
        (["image 5x5", "max pooling 2x2", 2], "does not divide its 5x5 images"),
        (["image 4x4", "max pooling 0x2", 2], "does not divide"),
        (["image 4x4", "convolution 3x3 to 0", 2], "is empty"),
        (["image 4x4", "convolution 3x3 to 2"], "'convolution 3x3 to 2' cannot be the last layer"),
        (["image 4x4", "max pooling 2x2"], "end with the number of outputs"),
        ([16, "convolution 3x3 to 2", 2], "the 16 units before it are not images"),
        (["image 4x4", 5, "max pooling 2x2", 2], "the 5 units before it are not images"),
        (["image 4x4", "convolution 3x3", 2], "'convolution 3x3' is no layer; give"),
        (["convolution 3x3 to 2", 2], "given for the inputs"),
        (["image 0x4", 2], "no pixels"),
        ([4, "image 2x2", 2], "'image 2x2' is no layer"),
    ],
)
def test_layers_that_cannot_be_are_refused_by_name(words: list[int | str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_layers(words)
