"""A moved image is still the same digit, in the same range, and the same for the same seed."""

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from cnn.augmentation import BACKGROUND, Augmentation, affine_maps, moved
from cnn.checkpoint import load_model
from cnn.data import Mnist, normalised
from cnn.model import scores
from cnn.recipes import RECIPES

STILL = Augmentation(rotation=0, scale=0, shear=0, shift=0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_no_movement_leaves_an_image_as_it_is(mnist: Mnist) -> None:
    images = normalised(mnist.validation.pixels[:64])
    torch.testing.assert_close(moved(images, affine_maps(64, STILL, 28, generator())), images)


def test_a_shift_is_in_whole_pixels_what_it_says(mnist: Mnist) -> None:
    images = normalised(mnist.validation.pixels[:8])
    maps = torch.tensor([[1.0, 0.0, 3 * 2 / 28], [0.0, 1.0, 0.0]]).expand(8, 2, 3)
    found = moved(images, maps)
    torch.testing.assert_close(found[..., :-3], images[..., 3:])
    assert (found[..., -3:] == BACKGROUND).all()


@settings(max_examples=50)
@given(
    st.builds(
        Augmentation,
        rotation=st.floats(0, 180),
        scale=st.floats(0, 0.5),
        shear=st.floats(0, 0.5),
        shift=st.floats(0, 14),
    ),
    st.integers(0, 2**31),
)
def test_maps_stay_within_their_limits_and_images_in_their_range(
    limits: Augmentation, seed: int
) -> None:
    maps = affine_maps(32, limits, 28, generator(seed))
    assert (maps[:, :, 2].abs() <= limits.shift * 2 / 28 + 1e-6).all()
    # Of rotation · shear · scale, the determinant is that of the scale alone.
    area = torch.linalg.det(maps[:, :, :2])
    assert (area >= (1 - limits.scale) ** 2 - 1e-4).all()
    assert (area <= (1 + limits.scale) ** 2 + 1e-4).all()
    # The first column is the horizontal axis, turned and stretched.
    turned = torch.atan2(maps[:, 1, 0], maps[:, 0, 0])
    assert (turned.abs() <= math.radians(limits.rotation) + 1e-4).all()
    images = torch.rand(32, 1, 28, 28, generator=generator(seed)) * 3.2 + BACKGROUND
    found = moved(images, maps)
    assert found.min() >= BACKGROUND - 1e-4
    assert found.max() <= images.max() + 1e-4


def test_each_image_gets_a_map_of_its_own_and_the_same_for_the_same_seed() -> None:
    limits = RECIPES["standard"].augmentation
    first = affine_maps(100, limits, 28, generator(1))
    assert torch.equal(first, affine_maps(100, limits, 28, generator(1)))
    assert not torch.equal(first, affine_maps(100, limits, 28, generator(2)))
    assert len(torch.unique(first, dim=0)) == 100


def test_a_moved_digit_is_still_read_as_what_it_is(mnist: Mnist) -> None:
    """The labels stay with their images: an exchanged pair would be read wrongly."""
    from cnn.__main__ import BEST

    _, model = load_model(BEST)
    images = normalised(mnist.validation.pixels[:2000])
    limits = RECIPES["standard"].augmentation
    found = scores(model, moved(images, affine_maps(2000, limits, 28, generator())))
    right = (found.argmax(1) == mnist.validation.labels[:2000]).float().mean().item()
    assert right > 0.985


def test_an_image_is_moved_as_the_affine_map_of_torchvision_moves_it(mnist: Mnist) -> None:
    from torchvision.transforms.v2 import InterpolationMode
    from torchvision.transforms.v2.functional import affine

    images = normalised(mnist.validation.pixels[:16]) - BACKGROUND
    angle = math.radians(10)
    maps = torch.tensor(
        [[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0]]
    )
    found = moved(images + BACKGROUND, maps.float().expand(16, 2, 3)) - BACKGROUND
    expected = affine(
        images, angle=-10, translate=[0, 0], scale=1, shear=[0, 0],
        interpolation=InterpolationMode.BILINEAR,
    )  # fmt: skip
    assert F.l1_loss(found, expected).item() < 1e-4
