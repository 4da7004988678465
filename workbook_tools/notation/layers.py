"""The kinds of layers, as specs and sheets spell them, and what each of their units reads.

A layer is either fully connected, given by its number of units, or a layer on images:

- ``image 8x8``: the inputs are the pixels of an image, row by row;
- ``convolution 3x3 to 2``: two channels, each with its own kernel, which slides over the images
  before it with stride 1 and without padding;
- ``max pooling 2x2``, ``average pooling 2x2``: one value for each window; windows do not overlap.

Units of images are numbered channel by channel, row by row. A kernel's weights are numbered in the
same way: by the channel, row and column that they multiply.

Every input, unit and weight has its own column. A sheet has 16,384 columns, which limits the size
of a network.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise, product

from workbook_tools.notation.addresses import MAX_COLUMNS
from workbook_tools.texts import shortened


class Pooled(StrEnum):
    """What a pooling layer computes from a window."""

    MAX = "max"
    AVERAGE = "average"


@dataclass(frozen=True)
class Images:
    """The units of a layer as images, one per channel."""

    channels: int
    rows: int
    columns: int

    @property
    def size(self) -> int:
        """How many units there are."""
        return self.channels * self.rows * self.columns

    @property
    def shape(self) -> str:
        """Rows and columns in words: ``8x8``."""
        return f"{self.rows}x{self.columns}"

    @property
    def places(self) -> Iterator[tuple[int, int, int]]:
        """Channel, row and column of each unit, counted from 0."""
        return product(range(self.channels), range(self.rows), range(self.columns))

    def place(self, unit: int) -> tuple[int, int, int]:
        """Return channel, row and column of a unit; all are counted from 0."""
        channel, place = divmod(unit, self.rows * self.columns)
        return channel, *divmod(place, self.columns)

    def unit(self, channel: int, row: int, column: int) -> int:
        """Return the number of a unit; all are counted from 0."""
        return (channel * self.rows + row) * self.columns + column


@dataclass(frozen=True)
class Layer:
    """A layer after the inputs; this class is a fully connected one."""

    size: int
    sources: int  # how many units the layer before has

    @property
    def images(self) -> Images | None:
        """Its units as images; None if they are not images."""
        return None

    @property
    def pooled(self) -> Pooled | None:
        """What it computes from its windows; None if it is no pooling layer."""
        return None

    def reads(self, unit: int) -> Sequence[int]:
        """Return the units of the layer before that a unit reads; all are counted from 0."""
        return range(self.sources)

    @property
    def weight_count(self) -> int:
        """How many weights it has."""
        return self.size * self.sources

    def weight_numbers(self, unit: int) -> Sequence[int]:
        """Return the number, from 0, of the weight for each unit that a unit reads."""
        return range(unit * self.sources, (unit + 1) * self.sources)

    @property
    def bias_count(self) -> int:
        """How many biases it has, unless all its units share one."""
        return self.size

    def bias_number(self, unit: int) -> int:
        """Return the number, from 0, of a unit's bias."""
        return unit

    @property
    def fan(self) -> tuple[int, int]:
        """Return fan-in and fan-out: weights into a unit, and out of a unit of the layer before."""
        return self.sources, self.size


@dataclass(frozen=True)
class Convolution(Layer):
    """A convolution: each channel has one kernel, applied at each place of the images before it."""

    before: Images
    after: Images
    kernel: Images  # with as many channels as the images before

    @property
    def images(self) -> Images:
        """Its units as images."""
        return self.after

    def reads(self, unit: int) -> Sequence[int]:
        """Return the units in its window, in the order of the kernel's weights."""
        _, row, column = self.after.place(unit)
        return [self.before.unit(c, row + k, column + n) for c, k, n in self.kernel.places]

    @property
    def weight_count(self) -> int:
        """How many weights its kernels have."""
        return self.after.channels * self.kernel.size

    def weight_numbers(self, unit: int) -> Sequence[int]:
        """Return the weights of its channel's kernel."""
        begin = self.after.place(unit)[0] * self.kernel.size
        return range(begin, begin + self.kernel.size)

    @property
    def bias_count(self) -> int:
        """One for each channel."""
        return self.after.channels

    def bias_number(self, unit: int) -> int:
        """Return the number of its channel's bias."""
        return self.after.place(unit)[0]

    @property
    def fan(self) -> tuple[int, int]:
        """Return fan-in and fan-out; the latter for a unit far from the edges."""
        return self.kernel.size, self.after.channels * self.kernel.rows * self.kernel.columns


@dataclass(frozen=True)
class Pooling(Layer):
    """A pooling layer: each unit is the maximum or mean of a window of one image before it."""

    before: Images
    after: Images
    kind: Pooled

    @property
    def images(self) -> Images:
        """Its units as images."""
        return self.after

    @property
    def pooled(self) -> Pooled:
        """What it computes from its windows."""
        return self.kind

    @property
    def window(self) -> tuple[int, int]:
        """How many rows and columns a window has."""
        return self.before.rows // self.after.rows, self.before.columns // self.after.columns

    def reads(self, unit: int) -> Sequence[int]:
        """Return the units in its window, in reading order."""
        channel, row, column = self.after.place(unit)
        rows, columns = self.window
        return [
            self.before.unit(channel, row * rows + down, column * columns + right)
            for down, right in product(range(rows), range(columns))
        ]

    @property
    def weight_count(self) -> int:
        """None."""
        return 0

    def weight_numbers(self, unit: int) -> Sequence[int]:
        """Return nothing."""
        return ()

    @property
    def bias_count(self) -> int:
        """None."""
        return 0


_NUMBER = r"(\d{1,9})"
_UNITS = re.compile(_NUMBER)
_IMAGE = re.compile(f"image {_NUMBER}x{_NUMBER}")
_CONVOLUTION = re.compile(f"convolution {_NUMBER}x{_NUMBER} to {_NUMBER}")
_POOLING = re.compile(f"(max|average) pooling {_NUMBER}x{_NUMBER}")
_LONGEST = 60  # characters of a word that is quoted
_SPELLED = '"convolution 3x3 to 2", "max pooling 2x2" or "average pooling 2x2"'


def dense_layers(sizes: Sequence[int]) -> tuple[Layer, ...]:
    """Return the layers after the inputs of a network without images."""
    return tuple(Layer(size, sources) for sources, size in pairwise(sizes))


def layer_word(text: str) -> int | str:
    """Return a layer as ``parse_layers`` takes it: the number of units, or the text itself."""
    return int(text) if _UNITS.fullmatch(text) else text


def parse_layers(words: Sequence[int | str]) -> tuple[int, tuple[Layer, ...]]:
    """Return the number of inputs, and the layers after them.

    Raises ``ValueError``, which says what is wrong with one of the words and what to do.
    """
    first, *rest = [shortened(w, _LONGEST) if isinstance(w, str) else w for w in words]
    image = isinstance(first, str) and _IMAGE.fullmatch(first)
    if isinstance(first, str) and not image:
        raise ValueError(
            f"{first!r} given for the inputs; give their number or, for images, their rows and "
            'columns: "image 8x8"'
        )
    images = Images(1, *map(int, image.groups())) if image else None
    size = images.size if images else int(first)
    if images and not size:
        raise ValueError(f"{first!r} has no pixels; give at least one row and column")
    inputs, layers = size, list[Layer]()
    columns = _counted(inputs, first)
    for word in rest:
        layer = Layer(word, size) if isinstance(word, int) else _on_images(word, images, size)
        columns = _counted(columns + layer.size + layer.weight_count, word)
        layers.append(layer)
        images, size = layer.images, layer.size
    if images and layers:
        raise ValueError(f"{rest[-1]!r} cannot be the last layer; end with the number of outputs")
    return inputs, tuple(layers)


def _counted(columns: int, word: int | str) -> int:
    """Return the number of columns up to a layer; raise ``ValueError`` if a sheet has fewer."""
    if columns > MAX_COLUMNS:
        raise ValueError(
            f"up to {word!r} there are {columns:,} inputs, units and weights, which need a column "
            f"each, and a sheet has {MAX_COLUMNS:,}; make the layers smaller"
        )
    return columns


def _on_images(word: str, before: Images | None, size: int) -> Layer:
    convolution, pooling = _CONVOLUTION.fullmatch(word), _POOLING.fullmatch(word)
    if not (convolution or pooling):
        raise ValueError(f"{word!r} is no layer; give a number of units, {_SPELLED}")
    if before is None:
        raise ValueError(
            f"{word!r} reads images, but the {size} units before it are not images; put it before "
            'fully connected layers, and begin with "image 8x8"'
        )
    if convolution:
        rows, columns, channels = map(int, convolution.groups())
        if not rows * columns * channels:
            raise ValueError(f"{word!r} is empty; give numbers above 0")
        if rows > before.rows or columns > before.columns:
            raise ValueError(
                f"{word!r} has a kernel larger than its {before.shape} images; make it smaller"
            )
        after = Images(channels, before.rows - rows + 1, before.columns - columns + 1)
        return Convolution(after.size, size, before, after, Images(before.channels, rows, columns))
    assert pooling
    rows, columns = int(pooling[2]), int(pooling[3])
    if not rows * columns or before.rows % rows or before.columns % columns:
        raise ValueError(
            f"{word!r} does not divide its {before.shape} images into whole windows; choose "
            "another window, or another kernel before it"
        )
    after = Images(before.channels, before.rows // rows, before.columns // columns)
    return Pooling(after.size, size, before, after, Pooled(pooling[1]))
