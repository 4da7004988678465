"""The headings and labels of a convolutional network's workbook.

Such a workbook is made of sections: the maps of a layer, its weights, their gradients. Each
section has a heading. A person reads it as a sentence; the checker reads it as the complete
description of the cells below::

    Conv2: convolution of Pool1 with Weights_Conv2, padding 1 × 1 → 12 maps of 12 × 12

The writer and the checker share these words and nothing else about such a workbook.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Self, TypeAlias

from workbook_tools.texts import plural

GREYS = 255  # a pixel is a number from 0 (paper) to this (ink)
DRAW = "draw"  # the selector's entry for the grid that the user draws in

# Defined names of the input cells.
SELECTED, DRAWN_DIGIT, ETA = "selected", "drawn_digit", "eta"
PIXEL_MEAN, PIXEL_DEVIATION = "pixel_mean", "pixel_deviation"

# Sheets that occur once.
OVERVIEW, DIGIT, DIGITS, AFTER = "Overview", "Digit", "Digits", "After_step"

# Sections that every such workbook has.
PIXELS, DRAWING, PIXEL_GRADIENT = "Digit", "Drawing", "Back_Digit"
INPUT, TARGET = "Input", "Target"
EXPONENTIALS, SOFTMAX, LOSS = "Exponentials", "Softmax", "Loss"
AFTERWARDS = " after the step"  # follows the name of a layer in the second forward pass

# Labels of single cells on the sheet Digit; the cell is to the right.
TRUE_DIGIT, READ_AS, VERDICT = "True digit", "Read as", "The network is"
LOSS_NOW, LOSS_AFTER = "Loss", "Loss after one step"
RIGHT, WRONG = "right", "wrong"

BIAS = "bias"  # stands above the biases of a section of weights

# The column headings of the table of probabilities on the sheet Digit, one row per digit.
PROBABILITY_HEADS = ("digit", "probability", "after one step")
# The column headings of the table of stored digits, one row per digit, and of their grids.
DIGITS_HEADS = ("number", "test image", "true digit")


class Operation(StrEnum):
    """What a section's cells hold, in words; section names and sizes go into the braces."""

    CHOSEN = "the pixels of the selected digit, 0 to 255"
    DRAWN = "the pixels that you draw, 0 to 255"
    STORED = "the digits to select from, pixels from 0 to 255"
    NORMALISED = "each pixel of {source} ÷ 255, less the mean, over the deviation"
    CONVOLUTION = "convolution of {source} with {weights}, padding {padding}"
    CONVOLUTION_RELU = "convolution of {source} with {weights}, padding {padding}, then ReLU"
    RELU = "ReLU of {source}, the larger of it and 0"
    LARGEST = "largest of each {window} window of {source}"
    WINDOW_MEAN = "mean of each {window} window of {source}"
    MAP_MEAN = "mean of each map of {source}"
    IN_A_ROW = "{source} in one row, map after map"
    WEIGHTED = "weighted sums of {source} with {weights}"
    WEIGHTED_RELU = "weighted sums of {source} with {weights}, then ReLU"
    EXPONENTIALS = "e^(z − the largest z) of each z of {source}"
    PARTS = "each part of the sum of {source}"
    TARGET = "1 for the true digit, 0 for the others"
    LOSS = "−ln of the probability of the true digit, by {source} and {exponentials}"
    WEIGHTS = "the trained weights"
    TURNED = "each kernel of {source} turned by 180°"
    TRANSPOSED = "{source} with rows and columns exchanged"
    DIFFERENCE = "∂loss/∂{layer} = {source} − {target}"
    BACK = "∂loss/∂{layer}, back through {consumer} from {source}"
    WEIGHT_GRADIENT = "∂loss/∂{weights}, from {gradient} and {source}"
    STEPPED = "{weights} − η · {gradient}"

    @property
    def has_formulas(self) -> bool:
        """Whether its cells are calculated, not typed."""
        return self not in (Operation.DRAWN, Operation.STORED, Operation.WEIGHTS)

    @property
    def is_gradient(self) -> bool:
        """Whether its cells are derivatives of the loss."""
        return self is Operation.DIFFERENCE or self.is_passed_back

    @property
    def is_passed_back(self) -> bool:
        """Whether its cells are derivatives that come by way of the layer after them."""
        return self in (Operation.BACK, Operation.WEIGHT_GRADIENT)

    @property
    def has_relu(self) -> bool:
        """Whether a ReLU follows in the same cell."""
        return self in (Operation.CONVOLUTION_RELU, Operation.WEIGHTED_RELU)


@dataclass(frozen=True)
class MapsShape:
    """The number of maps, and their size; a map of one cell is a number."""

    count: int
    height: int = 1
    width: int = 1

    @property
    def is_row(self) -> bool:
        """Whether these are numbers, not maps."""
        return self.height == self.width == 1

    @property
    def cell_count(self) -> int:
        """How many cells all maps have."""
        return self.count * self.height * self.width

    def __str__(self) -> str:
        if self.is_row:
            return f"{self.count} {plural(self.count, 'number')}"
        return f"{self.count} {plural(self.count, 'map')} of {self.height} × {self.width}"


@dataclass(frozen=True)
class WeightsShape:
    """The numbers of outputs and inputs, and the size of the kernel between an input and an output.

    ``kernel`` is None for the weights of a fully connected layer: one number for each pair.
    """

    outputs: int
    inputs: int
    kernel: tuple[int, int] | None = None

    @property
    def cell_count(self) -> int:
        """How many weights there are."""
        height, width = self.kernel or (1, 1)
        return self.outputs * self.inputs * height * width

    def __str__(self) -> str:
        if self.kernel is None:
            return f"weights for {self.outputs} from {self.inputs}"
        height, width = self.kernel
        return f"kernels for {self.outputs} from {self.inputs}, {height} × {width}"


Shape: TypeAlias = MapsShape | WeightsShape


@dataclass(frozen=True)
class Heading:
    """The heading of a section: its name, what its cells hold, and how many there are.

    ``margin`` is the width of the border of zeros around each map: rows above and below, columns
    on either side.
    """

    name: str
    operation: Operation
    shape: Shape
    parts: dict[str, str] = field(default_factory=dict)
    margin: tuple[int, int] = (0, 0)

    def __str__(self) -> str:
        said = self.operation.format(**self.parts)
        margin = f", margin {times(*self.margin)}" if any(self.margin) else ""
        return f"{self.name}: {said} → {self.shape}{margin}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a heading; None if the text is not one."""
        frame = _FRAME.fullmatch(text)
        if frame is None:
            return None
        for operation in Operation:
            if match := _pattern(operation).fullmatch(frame["said"]):
                margin = size(frame["margin"]) if frame["margin"] else (0, 0)
                shape = _shape(frame["shape"])
                return cls(frame["name"], operation, shape, match.groupdict(), margin)
        return None


def times(height: int, width: int) -> str:
    """Return a size as it is written: ``3 × 3``."""
    return f"{height} × {width}"


def size(text: str) -> tuple[int, int]:
    """Read what ``times`` wrote."""
    height, width = text.split(" × ")
    return int(height), int(width)


def map_label(index: int) -> str:
    """Return the label above a map. All these labels count from 1, except for digits."""
    return f"map {index + 1}"


def unit_label(index: int) -> str:
    """Return the label above a number in a row."""
    return f"unit {index + 1}"


def digit_label(index: int) -> str:
    """Return the label above a number that belongs to a digit."""
    return f"digit {index}"


def source_label(index: int) -> str:
    """Return the label above the weights that come from a map or number."""
    return f"from {index + 1}"


def output_label(index: int) -> str:
    """Return the label to the left of the weights that lead to a map or number."""
    return f"to {index + 1}"


def stored_label(index: int, digit: int) -> str:
    """Return the label above a stored digit."""
    return f"number {index + 1}: a {digit}"


def label_index(text: str) -> int | None:
    """Return the index, from 0, of the map, number or digit that a label names; None if none."""
    match = _LABEL.fullmatch(text)
    if match is None:
        return None
    return int(match["number"]) - (match["what"] != "digit")


_LABEL = re.compile(r"(?P<what>map|unit|digit|to|from|number) (?P<number>\d{1,6})(: .*)?")
_SIZE, _COUNT = r"\d{1,4} × \d{1,4}", r"\d{1,5}"
_FRAME = re.compile(
    r"(?P<name>[^:]+): (?P<said>.+) → "
    rf"(?P<shape>{_COUNT} numbers?|{_COUNT} maps? of {_SIZE}|weights for {_COUNT} from {_COUNT}"
    rf"|kernels for {_COUNT} from {_COUNT}, {_SIZE})"
    rf"(?:, margin (?P<margin>{_SIZE}))?"
)
_SIZES = ("window", "padding")


@cache
def _pattern(operation: Operation) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", operation)
    pieces[::2] = [re.escape(piece) for piece in pieces[::2]]
    pieces[1::2] = [
        f"(?P<{name}>{_SIZE if name in _SIZES else '[^:,→]+?'})" for name in pieces[1::2]
    ]
    return re.compile("".join(pieces))


def _shape(text: str) -> Shape:
    numbers = [int(number) for number in re.findall(r"\d+", text)]
    if text.startswith("kernels"):
        outputs, inputs, height, width = numbers
        return WeightsShape(outputs, inputs, (height, width))
    if text.startswith("weights"):
        outputs, inputs = numbers
        return WeightsShape(outputs, inputs)
    return MapsShape(*numbers)
