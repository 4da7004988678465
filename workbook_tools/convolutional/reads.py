"""The cells that a formula should read, according to the mathematics.

A formula that reads a wrong cell can show the right value by chance: if no digit changes that cell,
or if it happens to hold the maximum of the window. The references themselves reveal it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import numpy as np

from workbook_tools.convolutional.book import Book, Section
from workbook_tools.convolutional.places import Grid, Numbers
from workbook_tools.formulas.references import Area, areas
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.addresses import range_name, sheet_prefix
from workbook_tools.notation.convolutional import Operation, size

Number: TypeAlias = int | Numbers
# Sheet, first row and column, last ones; of several cells, if the numbers are arrays.
Rectangle: TypeAlias = tuple[str, Number, Number, Number, Number]
# Called with a cell's index, or with the indices of several cells in the same phase, in arrays.
Reader: TypeAlias = Callable[..., Iterator[Rectangle]]


def rectangles(formula: str, sheet: str) -> set[Rectangle]:
    """Return the cells and ranges that a formula on ``sheet`` names."""
    return {rectangle(area, sheet) for area in areas(formula)}


def rectangle(area: Area, sheet: str) -> Rectangle:
    """Return the cells of an area that a formula on ``sheet`` names."""
    corners = area.first_row, area.first_column, area.last_row, area.last_column
    return area.sheet or sheet, *corners


def total_of(rectangles: Iterable[Rectangle]) -> str:
    """Return a formula that reads these cells and ranges."""
    parts = (f"SUM({sheet_prefix(sheet)}{range_name(*map(int, at))})" for sheet, *at in rectangles)
    return f"={'+'.join(parts)}"


def _of_bias(book: Book, section: Section) -> Reader:
    heading = section.heading
    if heading.operation is Operation.STEPPED:
        own, slopes = (book.section(heading.parts[k]).biases for k in ("weights", "gradient"))
        assert own is not None
        assert slopes is not None
        eta = one(book.inputs[names.ETA])
        return lambda k: iter([one(own.at(k)), one(slopes.at(k)), eta])
    gradient = book.section(heading.parts["gradient"]).cells
    return lambda k: iter([_all(gradient, k)])


def phases(book: Book, section: Section, grid: Grid) -> Numbers:
    """Return which of a grid's formulas each cell has: the same at the same place of a window."""
    heading, indices = section.heading, np.indices(grid.rows.shape)
    if grid is section.cells and heading.operation is Operation.BACK:
        consumer = book.section(heading.parts["consumer"]).heading
        if consumer.operation is Operation.LARGEST:
            height, width = size(consumer.parts["window"])
            return np.asarray(indices[1] % height * width + indices[2] % width)
    if heading.operation is Operation.TARGET:
        return np.asarray(indices[0])  # each formula contains its own digit
    return np.zeros(grid.rows.shape, dtype=np.int64)


def wanted(book: Book, section: Section, grid: Grid) -> Reader:
    """Return a function from a cell's index in a grid to the rectangles that it should read.

    Their order is the same for all cells with the same formula. With indices in arrays, the numbers
    of the rectangles are arrays too. The function raises ``InputError`` if the sections that the
    heading names have no such cells.
    """
    reader = _reader(book, section, grid)

    def read(*index: Number) -> Iterator[Rectangle]:
        try:
            return iter(list(reader(*index)))
        except (IndexError, ValueError):
            book.refuse_misfit(section.name)

    return read


def _reader(book: Book, section: Section, grid: Grid) -> Reader:
    if grid is not section.cells:
        return _of_bias(book, section)
    heading = section.heading

    def cells(part: str = "source") -> Grid:
        return book.section(heading.parts[part]).cells

    match heading.operation:
        case Operation.CHOSEN:
            return _of_chosen(book, section)
        case Operation.NORMALISED:
            scale = [one(book.inputs[k]) for k in (names.PIXEL_MEAN, names.PIXEL_DEVIATION)]
            return lambda k, y, x: iter([one(cells().at(k, y, x)), *scale])
        case Operation.CONVOLUTION | Operation.CONVOLUTION_RELU:
            return _of_convolution(
                cells(), book.section(heading.parts["weights"]), size(heading.parts["padding"])
            )
        case Operation.WEIGHTED | Operation.WEIGHTED_RELU:
            weights = book.section(heading.parts["weights"])
            assert weights.biases is not None
            biases, row = weights.biases, row_of(cells())
            return lambda k, y, x: iter([row, row_of(weights.cells, k), one(biases.at(k))])
        case Operation.RELU:
            return lambda k, y, x: iter([one(cells().at(k, y, x))])
        case Operation.LARGEST | Operation.WINDOW_MEAN:
            height, width = size(heading.parts["window"])
            return lambda k, y, x: iter([_window(cells(), k, y * height, x * width, height, width)])
        case Operation.MAP_MEAN:
            return lambda k, y, x: iter([_all(cells(), k)])
        case Operation.IN_A_ROW:
            shape = cells().rows.shape
            return lambda k, y, x: iter(
                [one(cells().at(*map(np.asarray, np.unravel_index(k, shape))))]
            )
        case Operation.EXPONENTIALS | Operation.PARTS:
            row = row_of(cells())
            return lambda k, y, x: iter([one(cells().at(k, 0, 0)), row])
        case Operation.TARGET:
            return lambda k, y, x: iter([one(book.singles[names.TRUE_DIGIT])])
        case Operation.LOSS:
            rows = [row_of(cells()), row_of(cells("exponentials"))]
            return lambda k, y, x: iter([*rows, one(book.singles[names.TRUE_DIGIT])])
        case Operation.TURNED:
            last = [side - 1 for side in cells().rows.shape[2:]]
            return lambda o, c, y, x: iter([one(cells().at(o, c, last[0] - y, last[1] - x))])
        case Operation.TRANSPOSED:
            return lambda o, c, y, x: iter([one(cells().at(c, o, y, x))])
        case Operation.DIFFERENCE:
            return lambda k, y, x: iter(
                one(cells(part).at(k, y, x)) for part in ("source", "target")
            )
        case Operation.BACK:
            return _back(book, section)
        case Operation.WEIGHT_GRADIENT:
            return _of_weight_gradient(book, section)
        case Operation.STEPPED:
            eta = one(book.inputs[names.ETA])
            return lambda *at: iter(
                [one(cells("weights").at(*at)), one(cells("gradient").at(*at)), eta]
            )
    raise AssertionError(f"{section.name} is not calculated")


def _of_chosen(book: Book, section: Section) -> Reader:
    """Read the selector, the drawing, all stored pixels of a column, and the row's number.

    The row's number is to the left of the grid.
    """
    drawing, stored = (book.section(name).cells for name in (names.DRAWING, names.DIGITS))
    selected = one(book.inputs[names.SELECTED])
    last = (len(stored.rows) - 1, stored.rows.shape[1] - 1)

    def read(k: Number, y: Number, x: Number) -> Iterator[Rectangle]:
        yield selected
        yield one(drawing.at(k, y, x))
        sheet, first, column = stored.at(0, 0, x)
        yield sheet, first, column, stored.at(*last, x)[1], column
        sheet, row, left = section.cells.at(k, y, 0)
        yield one((sheet, row, left - 1))

    return read


def _of_convolution(source: Grid, weights: Section, padding: tuple[int, int]) -> Reader:
    kernels, biases = weights.cells, weights.biases
    assert biases is not None
    height, width = kernels.rows.shape[2:]

    def read(k: Number, y: Number, x: Number) -> Iterator[Rectangle]:
        for c in range(len(source.rows)):
            yield _window(source, c, y - padding[0], x - padding[1], height, width)
            yield _kernel(kernels, k, c)
        yield one(biases.at(k))

    return read


def _back(book: Book, section: Section) -> Reader:
    parts = section.heading.parts
    consumer = book.section(parts["consumer"])
    before, gradient = book.section(parts["layer"]).cells, book.section(parts["source"]).cells
    heading = consumer.heading
    match heading.operation:
        case Operation.NORMALISED:
            deviation = one(book.inputs[names.PIXEL_DEVIATION])
            return lambda k, y, x: iter([one(gradient.at(k, y, x)), deviation])
        case Operation.CONVOLUTION:
            kernels = book.turned(heading.parts["weights"]).cells
            height, width = kernels.rows.shape[2:]
            above, beside = size(heading.parts["padding"])

            def read(k: Number, y: Number, x: Number) -> Iterator[Rectangle]:
                for o in range(len(gradient.rows)):
                    yield _window(gradient, o, y - height + 1 + above, x - width + 1 + beside,
                                  height, width)  # fmt: skip
                    yield _kernel(kernels, o, k)

            return read
        case Operation.WEIGHTED:
            row, weights = row_of(gradient), book.turned(heading.parts["weights"]).cells
            # Maps with several cells would have been flattened before.
            return lambda k, y, x: iter([row, row_of(weights, k)])
        case Operation.RELU:
            return lambda k, y, x: iter([one(before.at(k, y, x)), one(gradient.at(k, y, x))])
        case Operation.LARGEST:
            return _back_to_the_largest(before, consumer, gradient)
        case Operation.WINDOW_MEAN:
            height, width = size(heading.parts["window"])
            return lambda k, y, x: iter([one(gradient.at(k, y // height, x // width))])
        case Operation.MAP_MEAN:
            return lambda k, y, x: iter([one(gradient.at(k, 0, 0))])
        case Operation.IN_A_ROW:
            shape = before.rows.shape
            return lambda *at: iter([one(gradient.at(np.ravel_multi_index(at, shape), 0, 0))])
    raise AssertionError(f"no gradient is passed back through {consumer.name}")


def _back_to_the_largest(before: Grid, pooled: Section, gradient: Grid) -> Reader:
    """Read the cell, its window's maximum, the gradient, and the cells before it in the window."""
    height, width = size(pooled.heading.parts["window"])

    def read(k: Number, y: Number, x: Number) -> Iterator[Rectangle]:
        (top, down), (left, along) = divmod(y, height), divmod(x, width)
        yield one(before.at(k, y, x))
        yield one(pooled.cells.at(k, top, left))
        yield one(gradient.at(k, top, left))
        if np.all(down):  # the same for all cells in a phase
            yield _window(before, k, y - down, x - along, down, width)
        if np.all(along):
            yield _window(before, k, y, x - along, 1, along)

    return read


def _of_weight_gradient(book: Book, section: Section) -> Reader:
    parts = section.heading.parts
    before, gradient = book.section(parts["source"]).cells, book.section(parts["gradient"]).cells
    layer = book.layer_of(parts["weights"]).heading
    if layer.operation is Operation.WEIGHTED:
        return lambda o, c, y, x: iter([one(before.at(c, 0, 0)), one(gradient.at(o, 0, 0))])
    above, beside = size(layer.parts["padding"])
    height, width = gradient.rows.shape[1:]
    return lambda o, c, y, x: iter(
        [_window(before, c, y - above, x - beside, height, width), _all(gradient, o)]
    )


def one(cell: tuple[str, Number, Number]) -> Rectangle:
    """Return a cell as a rectangle."""
    sheet, row, column = cell
    return sheet, row, column, row, column


def _window(
    grid: Grid, k: Number, y: Number, x: Number, height: Number, width: Number
) -> Rectangle:
    """Return a window of a map, which may reach into its margin."""
    sheet, row, column = grid.at(k, 0, 0)
    return sheet, row + y, column + x, row + y + height - 1, column + x + width - 1


def _all(grid: Grid, k: Number) -> Rectangle:
    """Return all cells of a map."""
    return _window(grid, k, 0, 0, *grid.rows.shape[1:])


def _kernel(grid: Grid, o: Number, c: Number) -> Rectangle:
    sheet, row, column = grid.at(o, c, 0, 0)
    height, width = grid.rows.shape[2:]
    return sheet, row, column, row + height - 1, column + width - 1


def column_of(grid: Grid) -> Rectangle:
    """Return a column of cells."""
    sheet, row, column = grid.at(0)
    return sheet, row, column, row + len(grid.rows) - 1, column


def row_of(grid: Grid, output: Number | None = None) -> Rectangle:
    """Return a row of cells: numbers, or the weights that lead to an output."""
    if output is None:
        sheet, row, column = grid.at(0, 0, 0)
        return sheet, row, column, row, column + len(grid.rows) - 1
    sheet, row, column = grid.at(output, 0, 0, 0)
    return sheet, row, column, row, column + grid.rows.shape[1] - 1
