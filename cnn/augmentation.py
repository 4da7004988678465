"""Augmentation: each image is rotated, stretched, sheared and shifted a little, at random.

There is one affine map per image. They are drawn for a whole batch at once, and applied by bilinear
interpolation, without Python code per image. What leaves the frame is lost; what enters is
background.
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
    """How far an image may be moved; each amount is drawn uniformly between ± its limit."""

    rotation: float  # degrees
    scale: float  # fraction of the size; horizontally and vertically independent
    shear: float  # fraction of the height, horizontally
    shift: float  # pixels; horizontally and vertically independent


def moved(images: Tensor, maps: Tensor) -> Tensor:
    """Return normalised ``images`` (n, 1, 28, 28), each moved by its own of ``maps`` (n, 2, 3)."""
    grid = F.affine_grid(maps, list(images.shape), align_corners=False)
    # grid_sample puts 0 outside the frame, so black is shifted to 0 for it.
    shifted = F.grid_sample(images - BACKGROUND, grid, mode="bilinear", align_corners=False)
    return shifted.add_(BACKGROUND)


def affine_maps(count: int, limits: Augmentation, size: int, generator: torch.Generator) -> Tensor:
    """Draw ``count`` maps (count, 2, 3), from positions in the new image to those in the old one.

    Positions run from -1 to 1 over ``size`` pixels, as in ``torch.nn.functional.affine_grid``.
    The linear part is rotation · shear · scale. The maps are drawn on the CPU, so that a seed gives
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
