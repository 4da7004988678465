"""Every image is turned, stretched, sheared and shifted a little, each in its own way.

One affine map an image, drawn for the whole batch at once and applied by bilinear
interpolation: no Python per image. What leaves the frame is lost, what enters is background.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from cnn.data import DEVIATION, MEAN

BACKGROUND = -MEAN / DEVIATION  # a black pixel, normalised


@dataclass(frozen=True)
class Augmentation:
    """How far an image may be moved; each amount is drawn evenly from ± its limit."""

    rotation: float  # degrees
    scale: float  # of the size, horizontally and vertically on their own
    shear: float  # of the height, horizontally
    shift: float  # pixels, horizontally and vertically on their own


def moved(images: Tensor, maps: Tensor) -> Tensor:
    """Return normalised ``images`` (n, 1, 28, 28), each under its own of the ``maps`` (n, 2, 3)."""
    grid = F.affine_grid(maps, list(images.shape), align_corners=False)
    # Outside the frame grid_sample puts 0, so black is made 0 while it works.
    shifted = F.grid_sample(images - BACKGROUND, grid, mode="bilinear", align_corners=False)
    return shifted.add_(BACKGROUND)


def affine_maps(count: int, limits: Augmentation, size: int, generator: torch.Generator) -> Tensor:
    """Draw ``count`` maps (count, 2, 3) from places in the new image to places in the old one.

    Places run from -1 to 1 over ``size`` pixels, as ``torch.nn.functional.affine_grid`` has it.
    The linear part is rotation · shear · scale. They are drawn on the CPU, so that a seed gives
    the same ones on every device.
    """

    def drawn(limit: float) -> Tensor:
        return (torch.rand(count, generator=generator) * 2 - 1) * limit

    angle = drawn(limits.rotation) * (math.pi / 180)
    width, height = 1 + drawn(limits.scale), 1 + drawn(limits.scale)
    shear = drawn(limits.shear)
    pixel = 2 / size
    right, down = drawn(limits.shift) * pixel, drawn(limits.shift) * pixel
    cos, sin = angle.cos(), angle.sin()
    horizontal = torch.stack([cos * width, (cos * shear - sin) * height, right], dim=1)
    vertical = torch.stack([sin * width, (sin * shear + cos) * height, down], dim=1)
    return torch.stack([horizontal, vertical], dim=1)
