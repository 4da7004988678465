"""The positions and names of a section's cells: maps side by side in bands, kernels in a grid.

Positions inside a map count from 0; those in its margin are negative, or beyond its size.
"""

from dataclasses import dataclass
from math import log, sqrt
from typing import TypeAlias

from workbook_tools.notation.addresses import cell_name, range_name, sheet_prefix
from workbook_tools.notation.convolutional import Heading, MapsShape, WeightsShape

Place: TypeAlias = tuple[int, int]  # row and column of a sheet

FIRST_COLUMN = 2
FIRST_SECTION = 4  # row
LABELS_BELOW = 3  # rows from a heading to the first labels
GAP = 1  # cells between maps
SECTION_GAP = 2  # rows
SHAPE = 2.0  # the intended ratio of width to height of all maps together
MOST_UNLIKE = 1.5  # factor by which it may differ, so that all bands are full
BIAS_COLUMN, KERNEL_COLUMN = 3, 5


@dataclass(frozen=True)
class Area:
    """Cells of a sheet that a formula names."""

    sheet: str
    first: Place
    height: int = 1
    width: int = 1

    def on(self, sheet: str, absolute: bool = False) -> str:
        """Return its name in a formula on ``sheet``."""
        row, column = self.first
        if absolute:
            name = cell_name(row, column, absolute=True)
            if self.height * self.width > 1:
                last = row + self.height - 1, column + self.width - 1
                name += f":{cell_name(*last, absolute=True)}"
        else:
            name = range_name(row, column, row + self.height - 1, column + self.width - 1)
        return name if self.sheet == sheet else sheet_prefix(self.sheet) + name


@dataclass(frozen=True)
class Maps:
    """The maps of a section, or its numbers in a row."""

    heading: Heading
    sheet: str
    top: int  # the row of the heading
    left: int = FIRST_COLUMN
    stacked: bool = False  # below each other

    @property
    def shape(self) -> MapsShape:
        """How many maps, and their size."""
        assert isinstance(self.heading.shape, MapsShape)
        return self.heading.shape

    @property
    def margin(self) -> tuple[int, int]:
        """Rows and columns of zeros around each map."""
        return self.heading.margin

    @property
    def in_a_row(self) -> bool:
        """Whether the cells are numbers that touch, so that one range names them all."""
        return self.shape.is_row and self.margin == (0, 0)

    @property
    def across(self) -> int:
        """How many maps are side by side."""
        if self.in_a_row:
            return self.shape.count
        if self.stacked:
            return 1
        ideal = sqrt(SHAPE * self.shape.count * self.shape.height / self.shape.width)
        even = [n for n in range(1, self.shape.count + 1) if self.shape.count % n == 0]
        best = min(even, key=lambda n: (abs(log(n / ideal)), -n))
        uneven = abs(log(best / ideal)) > log(MOST_UNLIKE)
        return min(self.shape.count, max(1, round(ideal))) if uneven else best

    @property
    def bottom(self) -> int:
        """The last row."""
        return self.corner(self.shape.count - 1)[0] + self.shape.height - 1 + self.margin[0]

    @property
    def right(self) -> int:
        """The last column."""
        return self.corner(self.across - 1)[1] + self.shape.width - 1 + self.margin[1]

    def corner(self, number: int) -> Place:
        """Return the first cell of a map, without its margin."""
        band, place = divmod(number, self.across)
        above, beside = self.margin
        down = self.shape.height + 2 * above + 1 + GAP
        along = self.shape.width + 2 * beside + (0 if self.in_a_row else GAP)
        row = self.top + LABELS_BELOW + band * down + 1 + above
        return row, self.left + place * along + beside

    def label(self, number: int) -> Place:
        """Return the place of a map's label."""
        row, column = self.corner(number)
        return row - self.margin[0] - 1, column

    def area(
        self, number: int, y: int = 0, x: int = 0, height: int | None = None,
        width: int | None = None,
    ) -> Area:  # fmt: skip
        """Return a window of a map; by default from ``y``, ``x`` to its end."""
        row, column = self.corner(number)
        return Area(
            self.sheet,
            (row + y, column + x),
            self.shape.height - y if height is None else height,
            self.shape.width - x if width is None else width,
        )

    def cell(self, number: int, y: int = 0, x: int = 0) -> Area:
        """Return one cell of a map."""
        return self.area(number, y, x, 1, 1)

    def row(self) -> Area:
        """Return all numbers of a row."""
        assert self.in_a_row
        return Area(self.sheet, self.corner(0), 1, self.shape.count)

    def margin_cells(self, number: int) -> list[Place]:
        """Return the cells of a map's margin."""
        row, column = self.corner(number)
        above, beside = self.margin
        height, width = self.shape.height, self.shape.width
        return [
            (row + y, column + x)
            for y in range(-above, height + above)
            for x in range(-beside, width + beside)
            if not (0 <= y < height and 0 <= x < width)
        ]


@dataclass(frozen=True)
class Weights:
    """A grid of kernels: a row of kernels for each output, after its bias, with one for each input.

    The weights of a fully connected layer touch, so that one range has all weights of an output.
    """

    heading: Heading
    sheet: str
    top: int
    biases: bool = True  # a grid of turned kernels has none

    @property
    def shape(self) -> WeightsShape:
        """How many outputs and inputs, and the size of a kernel."""
        assert isinstance(self.heading.shape, WeightsShape)
        return self.heading.shape

    @property
    def kernel(self) -> tuple[int, int]:
        """The height and width of a kernel."""
        return self.shape.kernel or (1, 1)

    @property
    def _gap(self) -> int:
        return GAP if self.shape.kernel else 0

    @property
    def bottom(self) -> int:
        """The last row."""
        return self.corner(self.shape.outputs - 1, 0)[0] + self.kernel[0] - 1

    @property
    def right(self) -> int:
        """The last column."""
        return self.corner(0, self.shape.inputs - 1)[1] + self.kernel[1] - 1

    def corner(self, output: int, source: int) -> Place:
        """Return the first cell of a kernel."""
        height, width = self.kernel
        row = self.top + LABELS_BELOW + 1 + output * (height + self._gap)
        return row, KERNEL_COLUMN + source * (width + self._gap)

    def output_label(self, output: int) -> Place:
        """Return the place of an output's label."""
        return self.corner(output, 0)[0], FIRST_COLUMN

    def source_label(self, source: int) -> Place:
        """Return the place of an input's label."""
        return self.top + LABELS_BELOW, self.corner(0, source)[1]

    def bias(self, output: int) -> Area:
        """Return the bias of an output."""
        return Area(self.sheet, (self.corner(output, 0)[0], BIAS_COLUMN))

    def area(self, output: int, source: int) -> Area:
        """Return a kernel."""
        return Area(self.sheet, self.corner(output, source), *self.kernel)

    def cell(self, output: int, source: int, y: int = 0, x: int = 0) -> Area:
        """Return one weight."""
        row, column = self.corner(output, source)
        return Area(self.sheet, (row + y, column + x))

    def row(self, output: int) -> Area:
        """Return all weights that lead to an output of a fully connected layer."""
        assert self.shape.kernel is None
        return Area(self.sheet, self.corner(output, 0), 1, self.shape.inputs)
