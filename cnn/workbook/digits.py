"""Chooses the test digits for the workbook: some of each class read correctly, and mistakes."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from cnn.data import Images
from cnn.evaluation import answers
from cnn.model import CLASSES
from workbook_tools.errors import InputError

MISTAKES = 0.2  # fraction of the digits, if the network makes so many; more only if necessary
FEWEST, MOST = 1, 200


@dataclass(frozen=True)
class Digits:
    """The stored test digits: pixels (n, height, width), true classes, predicted classes."""

    pixels: NDArray[np.uint8]
    truth: list[int]
    read_as: list[int]
    numbers: list[int]  # indices of the test images


def choose(model: nn.Sequential, images: Images, count: int) -> Digits:
    """Return ``count`` test digits: correctly read ones, class by class, then the worst mistakes.

    Raises ``InputError`` for a count out of range.
    """
    most = min(MOST, len(images))
    if not FEWEST <= count <= most:
        raise InputError(f"{count} digits: give a number from {FEWEST} to {most}")
    found = answers(model, images)
    wrong = found.wrong.tolist()
    mistaken = set(wrong)
    by_class = [
        [n for n in (images.labels == digit).nonzero().flatten().tolist() if n not in mistaken]
        for digit in range(CLASSES)
    ]
    right = [
        own[turn] for turn in range(max(map(len, by_class))) for own in by_class if turn < len(own)
    ]
    right = right[: count - min(len(wrong), int(MISTAKES * count))]
    chosen = [*right, *wrong[: count - len(right)]]
    picked = images[torch.tensor(chosen)]
    return Digits(
        picked.pixels[:, 0].numpy(),
        picked.labels.tolist(),
        [int(found.said[n]) for n in chosen],
        chosen,
    )
