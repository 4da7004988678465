"""Converts any picture of a digit to the form of MNIST's images.

MNIST's digits are white on black, scaled to fit 20 × 20 pixels with their proportions kept, and
placed in 28 × 28 pixels with their centre of mass in the middle (LeCun, Cortes and Burges, "The
MNIST database"). A photograph or drawing of any size, with any colours and background, is brought
into that form.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from cnn.model import SIZE
from workbook_tools.errors import InputError

BOX = 20  # pixels of the digit's longer side
LARGEST = 200  # pixels; a larger picture is reduced first, which evens out its noise
LEAST_CONTRAST = 24  # of 255, between digit and background
FAINT = 4  # of 255; less is not ink, even on a background without noise


def read_picture(path: Path) -> Tensor:
    """Return the digit in a picture as (1, 28, 28) uint8, in the form of MNIST's images.

    Raises ``InputError`` if the file is not a picture, or shows nothing.
    """
    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file).convert("RGBA")
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file; give a picture of a digit") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise InputError(
            f"{path}: cannot be read as a picture; give a PNG or JPEG of a digit"
        ) from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: the picture is too large; make it smaller first") from error
    page = Image.new("RGBA", picture.size, "white")  # shows through where it is transparent
    page.alpha_composite(picture)
    page.thumbnail((LARGEST, LARGEST))
    try:
        return torch.from_numpy(as_mnist(np.asarray(page.convert("L"))))[None]
    except ValueError as error:
        raise InputError(f"{path}: {error}; give a picture of one digit") from error


def as_mnist(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the digit in a grey picture of any size in the form of MNIST's images, (28, 28).

    Raises ``ValueError`` if nothing stands out from the background.
    """
    ink = _ink(grey.astype(np.float64))
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(digit.shape)
    height, width = (max(1, round(side * scale)) for side in digit.shape)
    small = Image.fromarray(digit.astype(np.float32)).resize(
        (width, height), Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    )
    fitted = np.clip(np.asarray(small), 0, 255)
    centre = [float((fitted.sum(axis=1 - way) @ np.arange(n)) / fitted.sum())
              for way, n in enumerate(fitted.shape)]  # fmt: skip
    # In MNIST's own images the centre of mass is pixel 14, numbered from 0 (and not 13.5).
    top, left = (
        int(np.clip(round(SIZE / 2 - middle), 0, SIZE - side))
        for middle, side in zip(centre, fitted.shape, strict=True)
    )
    frame = np.zeros((SIZE, SIZE))
    frame[top : top + height, left : left + width] = fitted
    return np.rint(frame).astype(np.uint8)


def _ink(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the amount of ink in each pixel, 0…255: 0 for background, whatever its shade.

    The background is a plane fitted to the grey levels of the picture's border, so that light from
    one side does not matter. The digit is what differs from it, darker or lighter, by more than
    the noise of the border.
    """
    height, width = grey.shape
    y, x = np.mgrid[0:height, 0:width]
    border = np.ones_like(grey, dtype=bool)
    border[1:-1, 1:-1] = False
    plane = np.stack([np.ones(border.sum()), x[border], y[border]], axis=1)
    # Fit twice: parts of the digit that touch the border are left out the second time.
    flat = np.full(border.sum(), np.median(grey[border]))
    for _ in range(2):
        off = np.abs(grey[border] - flat)
        calm = off <= 3 * np.median(off) + 1
        flat = plane @ np.linalg.lstsq(plane[calm], grey[border][calm], rcond=None)[0]
    a, b, c = np.linalg.lstsq(plane, flat, rcond=None)[0]
    contrast = grey - (a + b * x + c * y)
    ink = np.maximum(-contrast if -contrast.min() >= contrast.max() else contrast, 0)
    if ink.max() < LEAST_CONTRAST:
        raise ValueError("nothing in the picture stands out from its background")
    grain = 1.4826 * np.median(np.abs(grey[border] - flat))  # standard deviation, if Gaussian
    full = np.percentile(ink[ink >= _otsu(ink)], 75)  # as in the middle of a stroke
    return np.where(ink > 5 * grain + FAINT, np.minimum(ink * (255 / full), 255), 0)


def _otsu(values: NDArray[np.float64]) -> float:
    """Return the threshold that separates ``values`` best into two groups.

    Otsu, "A Threshold Selection Method from Gray-Level Histograms" (1979).
    """
    counts, edges = np.histogram(values, bins=256)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = counts.sum() - below
    mean = np.cumsum(counts * middles)
    with np.errstate(invalid="ignore", divide="ignore"):
        between = below * above * (mean[:-1] / below - (mean[-1] - mean[:-1]) / above) ** 2
    return float(edges[1:-1][np.nanargmax(between)])
