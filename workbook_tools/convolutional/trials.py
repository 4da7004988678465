"""The inputs with which a workbook is checked: every stored digit, and random numbers.

A wrong formula may show the right value for one digit: if a ReLU is missing where the sum is above
0, or if a window lacks a cell that is not its maximum. With other inputs the mistake shows.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from workbook_tools.convolutional.book import Book
from workbook_tools.convolutional.places import Grid
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.addresses import Cell
from workbook_tools.notation.convolutional import GREYS, Operation

STORED = "stored digits"  # the kind of such trials
SEED = 2718
DRAWS = 4


@dataclass(frozen=True)
class Trial:
    """Inputs for a workbook, and their kind, which is a key in the JSON report."""

    kind: str
    inputs: dict[Cell, float | str]


def digits(book: Book) -> Iterator[Trial]:
    """Yield each stored digit."""
    for number in range(1, len(book.truth.rows) + 1):
        yield Trial(STORED, {book.inputs[names.SELECTED]: float(number)})


def other_digits(book: Book, truth: Collection[float]) -> Iterator[Trial]:
    """Yield the drawing with each true digit that is not in ``truth``, those of the stored ones."""
    for digit in range(len(book.section(names.SOFTMAX).cells.rows)):
        if digit not in truth:
            inputs: dict[Cell, float | str] = {book.inputs[names.SELECTED]: names.DRAW}
            inputs[book.inputs[names.DRAWN_DIGIT]] = float(digit)
            yield Trial("digits that no stored one is", inputs)


def draws(book: Book) -> Iterator[Trial]:
    """Yield random numbers: pixels of the drawing or a stored digit, weights, biases, settings.

    Each second draw has the weights of the one before with opposite signs, so that a weighted sum
    above 0 becomes one below 0. The last image is uniform, so that all pooling windows tie.
    """
    random = np.random.default_rng(SEED)
    weights: dict[Cell, float] = {}
    for number in range(DRAWS):
        if number % 2 == 0:
            weights = _weights(book, random)
        else:
            weights = {cell: -value for cell, value in weights.items()}
        inputs: dict[Cell, float | str] = {**weights, **_settings(book, random)}
        if number == 0:
            grid = book.section(names.DIGITS).cells
            stored = int(random.integers(len(grid.rows)))
            inputs[book.inputs[names.SELECTED]] = float(stored + 1)
            places = [(stored, *at) for at in np.ndindex(grid.rows.shape[1:])]
        else:
            grid = book.section(names.DRAWING).cells
            inputs[book.inputs[names.SELECTED]] = names.DRAW
            places = list(np.ndindex(grid.rows.shape))
        plain = number == DRAWS - 1
        pixels = np.full(len(places), 100.0) if plain else _pixels(random, len(places))
        inputs |= {grid.cell(at): float(p) for at, p in zip(places, pixels, strict=True)}
        yield Trial("numbers drawn at random", inputs)


def _pixels(
    random: np.random.Generator, count: int
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    ink = random.integers(0, GREYS + 1, count)
    return (ink * (random.random(count) < 0.7)).astype(np.float64)


def _weights(book: Book, random: np.random.Generator) -> dict[Cell, float]:
    """Draw weights such that numbers keep about the same size from layer to layer."""
    drawn: dict[Cell, float] = {}
    for section in book.sections.values():
        if section.heading.operation is not Operation.WEIGHTS:
            continue
        _, inputs, height, width = section.cells.rows.shape
        scale = np.sqrt(2 / (inputs * height * width))
        for grid, spread in zip(section.grids, (scale, 0.3), strict=True):
            drawn |= _normal(grid, random, spread)
    return drawn


def _normal(grid: Grid, random: np.random.Generator, spread: float) -> dict[Cell, float]:
    values = random.normal(0, spread, grid.rows.shape)
    return {grid.cell(at): float(values[at]) for at in np.ndindex(values.shape)}


def _settings(book: Book, random: np.random.Generator) -> dict[Cell, float]:
    classes = book.section(names.SOFTMAX).cells.rows.shape[0]
    return {
        book.inputs[names.ETA]: float(random.uniform(0.01, 0.05)),
        book.inputs[names.PIXEL_MEAN]: float(random.uniform(0.1, 0.5)),
        book.inputs[names.PIXEL_DEVIATION]: float(random.uniform(0.2, 0.5)),
        book.inputs[names.DRAWN_DIGIT]: float(random.integers(classes)),
    }
