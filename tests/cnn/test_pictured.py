"""A picture of a digit is read whatever its size, colours and paper; what is none is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from cnn.__main__ import BEST
from cnn.checkpoint import load_model
from cnn.data import Images, Mnist
from cnn.evaluation import answers
from cnn.pictured import as_mnist, read_picture
from workbook_tools.errors import InputError

Change = Callable[[Image.Image], Image.Image]


def paper(digit: Image.Image) -> Image.Image:
    """Dark ink on light paper with grain and an uneven light, as a telephone sees it."""
    large = digit.resize((280, 280), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(3))
    page = np.full((400, 500), 215.0) + np.linspace(-20, 20, 500)
    page[60:340, 110:390] -= 0.6 * np.asarray(large, dtype=float)
    grain = np.random.default_rng(0).normal(0, 4, page.shape)
    return Image.fromarray(np.clip(page + grain, 0, 255).astype(np.uint8))


def transparent(digit: Image.Image) -> Image.Image:
    """Black ink on nothing."""
    ink = Image.new("L", digit.size, 0)
    return Image.merge("LA", (ink, digit))


CHANGES: dict[str, Change] = {
    "as it is": lambda digit: digit,
    "black on white": lambda digit: Image.eval(digit, lambda v: 255 - v),
    "five times as large": lambda digit: digit.resize((140, 140), Image.Resampling.BICUBIC),
    "in a corner of a page": lambda digit: _page(digit),
    "red on blue": lambda digit: _coloured(digit),
    "on paper": paper,
    "transparent": transparent,
}


def _page(digit: Image.Image) -> Image.Image:
    page = Image.new("L", (200, 120), 255)
    page.paste(Image.eval(digit, lambda v: 255 - v), (150, 80))
    return page


def _coloured(digit: Image.Image) -> Image.Image:
    flat = np.asarray(digit)[..., None] / 255
    colours = flat * [220.0, 60, 40] + (1 - flat) * [10.0, 20, 90]
    return Image.fromarray(colours.astype(np.uint8))


@pytest.mark.parametrize("name", CHANGES)
def test_a_test_image_is_read_in_any_dress(mnist: Mnist, tmp_path: Path, name: str) -> None:
    count = 200
    read = []
    for number in range(count):
        digit = Image.fromarray(mnist.validation.pixels[number, 0].numpy())
        CHANGES[name](digit).save(tmp_path / f"{number}.png")
        read.append(read_picture(tmp_path / f"{number}.png"))
    _, model = load_model(BEST)
    found = answers(model, Images(torch.stack(read), mnist.validation.labels[:count]))
    assert found.accuracy >= 98.5, found.wrong


def test_mnist_s_own_images_come_out_all_but_unchanged(mnist: Mnist) -> None:
    images = mnist.validation.pixels[:200, 0].numpy()
    again = np.stack([as_mnist(image) for image in images])
    assert again.shape == (200, 28, 28)
    assert np.abs(again.astype(float) - images).mean() < 1  # of 255; a pixel's shift gives 15


def test_a_digit_is_fitted_and_centred_as_in_mnist() -> None:
    page = Image.new("L", (300, 300), 255)
    ImageDraw.Draw(page).rectangle((200, 20, 219, 119), fill=0)  # a bar: 20 × 100
    found = as_mnist(np.asarray(page))
    rows, columns = np.flatnonzero(found.any(1)), np.flatnonzero(found.any(0))
    assert (len(rows), len(columns)) == (20, 4)
    assert (rows.mean(), columns.mean()) == (13.5, 13.5)


@pytest.mark.parametrize("side", [1, 2, 3, 28, 2000])
def test_any_size_of_picture_is_read(tmp_path: Path, side: int) -> None:
    page: NDArray[np.uint8] = np.full((side, side), 255, dtype=np.uint8)
    page[: (side + 1) // 2, : side // 3 + 1] = 0
    Image.fromarray(page).save(tmp_path / "digit.png")
    if side == 1:  # one pixel is all border: nothing stands out
        with pytest.raises(InputError, match="stands out"):
            read_picture(tmp_path / "digit.png")
    else:
        assert read_picture(tmp_path / "digit.png").shape == (1, 28, 28)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "digit.png").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as a picture"):
        read_picture(tmp_path / "digit.png")


def test_a_cut_off_picture_is_refused(mnist: Mnist, tmp_path: Path) -> None:
    path = tmp_path / "digit.png"
    Image.fromarray(mnist.validation.pixels[0, 0].numpy()).resize((200, 200)).save(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match="cannot be read as a picture"):
        read_picture(path)


def test_a_missing_and_an_empty_picture_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_picture(tmp_path / "digit.png")
    Image.new("L", (28, 28), 255).save(tmp_path / "digit.png")
    with pytest.raises(InputError, match="nothing in the picture stands out"):
        read_picture(tmp_path / "digit.png")
