"""Seconds for an epoch of MNIST, against the recipe of the exercise that this grew from.

The exercise's network has six convolutions of 32 channels, padded, with batch normalisation
after each pair and max pooling between; it learns at rate 0.01 with momentum 0.9, without
augmentation. The ways to train `standard` faster are measured beside it. All take turns, some
steps each, in one process; what counts is the ratio. Validation is not included.

    python benchmarks/training_speed.py [STEPS] [ROUNDS]
"""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cnn import data
from cnn.augmentation import affine_maps, moved
from cnn.model import build
from cnn.recipes import RECIPES, Recipe
from cnn.training import gradient_descent

BATCH = 128
STEPS_AN_EPOCH = 60_000 // BATCH


def exercise() -> nn.Sequential:
    """Return the exercise's network, as it was described."""
    layers: list[nn.Module] = []
    into = 1
    for pair in range(3):
        for _ in range(2):
            layers += [nn.Conv2d(into, 32, 3, padding=1), nn.ReLU()]
            into = 32
        layers.append(nn.BatchNorm2d(32))
        if pair < 2:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


@dataclass(frozen=True)
class Way:
    """A way to train: its name, its network, how a step is taken."""

    name: str
    threads: int
    step: Callable[[Tensor, Tensor], None]


def way(
    name: str,
    recipe: Recipe | None,
    threads: int = 1,
    channels_last: bool = True,
    half: bool = False,
    compiled: bool = False,
) -> Way:
    """Set up a way to train; without a recipe it is the exercise's."""
    if recipe is None:
        model = exercise()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    else:
        model = build(recipe.channels, recipe.dropout)
        optimizer = gradient_descent(model, recipe)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    ask = torch.compile(model) if compiled else model
    chance = torch.Generator().manual_seed(0)

    def step(x: Tensor, y: Tensor) -> None:
        if recipe is not None:
            x = moved(x, affine_maps(len(x), recipe.augmentation, x.shape[-1], chance))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            answers = ask(x)
        loss = F.cross_entropy(answers.float(), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return Way(name, threads, step)


def main(steps: int, rounds: int) -> None:
    images = data.load(print).training
    pixels, labels = data.normalised(images.pixels[: steps * BATCH]), images.labels
    standard = RECIPES["standard"]
    ways = [
        way("the exercise's recipe", None, channels_last=False),
        way("the exercise's recipe, channels last", None),
        way("standard, as make cnn trains it", standard),
        way("  channels first", standard, channels_last=False),
        way("  bfloat16", standard, half=True),
        way("  torch.compile", standard, compiled=True),
        way("  two threads", standard, threads=2),
        way("  two threads, bfloat16", standard, threads=2, half=True),
        way("small", RECIPES["small"]),
        way("tiny", RECIPES["tiny"]),
    ]
    seconds: dict[str, list[float]] = {one.name: [] for one in ways}
    for turn in range(rounds + 1):
        for one in ways:
            torch.set_num_threads(one.threads)
            start = time.perf_counter()
            for number in range(steps):
                part = slice(number * BATCH, (number + 1) * BATCH)
                one.step(pixels[part], labels[part])
            if turn:  # the first one warms up
                epoch = (time.perf_counter() - start) / steps * STEPS_AN_EPOCH
                seconds[one.name].append(epoch)
    yardstick = statistics.median(seconds[ways[0].name])
    print(f"torch {torch.__version__}, {rounds} rounds of {steps} steps")
    print(f"{'':40} s/epoch (min-max)       of the exercise's")
    for name, times in seconds.items():
        middle = statistics.median(times)
        spread = f"({min(times):.1f}-{max(times):.1f})"
        print(f"{name:40} {middle:7.1f} {spread:14} {middle / yardstick:8.3f}")


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    main(*(numbers + [40, 5][len(numbers) :]))
