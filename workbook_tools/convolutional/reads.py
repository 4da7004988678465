"""The cells that a formula should read, according to the mathematics.

A formula that reads a wrong cell can show the right value by chance: if no digit changes that cell,
or if it happens to hold the maximum of the window. The references themselves reveal it.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from workbook_tools.convolutional.book import Book, Grid, Index, Section
from workbook_tools.formulas.references import Area, areas
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.addresses import Cell
from workbook_tools.notation.convolutional import Operation, size

Rectangle: TypeAlias = tuple[str, int, int, int, int]  # sheet, first row and column, last ones
Reader: TypeAlias = Callable[..., Iterator[Rectangle]]  # called with a cell's index


def rectangles(formula: str, sheet: str) -> set[Rectangle]:
    """Return the cells and ranges that a formula on ``sheet`` names."""
    return {rectangle(area, sheet) for area in areas(formula)}


def rectangle(area: Area, sheet: str) -> Rectangle:
    """Return the cells of an area that a formula on ``sheet`` names."""
    corners = area.first_row, area.first_column, area.last_row, area.last_column
    return area.sheet or sheet, *corners


def _of_bias(book: Book, section: Section) -> Reader:
    heading = section.heading
    if heading.operation is Operation.STEPPED:
        own, slopes = (book.section(heading.parts[k]).biases for k in ("weights", "gradient"))
        assert own is not None
        assert slopes is not None
        eta = one(book.inputs[names.ETA])
        return lambda k: iter([one(own.cell((k,))), one(slopes.cell((k,))), eta])
    gradient = book.section(heading.parts["gradient"]).cells
    return lambda k: iter([_all(gradient, k)])


def phase(book: Book, section: Section, grid: Grid, index: Index) -> Index:
    """Return which of a grid's formulas a cell has: the same at the same place of a window."""
    heading = section.heading
    if grid is not section.cells:
        return ()
    if heading.operation is Operation.BACK:
        consumer = book.section(heading.parts["consumer"]).heading
        if consumer.operation is Operation.LARGEST:
            height, width = size(consumer.parts["window"])
            return index[1] % height, index[2] % width
    if heading.operation is Operation.TARGET:
        return index[:1]  # each formula contains its own digit
    return ()


def wanted(book: Book, section: Section, grid: Grid) -> Reader:
    """Return a function from a cell's index in a grid to the rectangles that it should read.

    Their order is the same for all cells with the same formula.
    """
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
            return lambda k, y, x: iter([one(cells().cell((k, y, x))), *scale])
        case Operation.CONVOLUTION | Operation.CONVOLUTION_RELU:
            return _of_convolution(
                cells(), book.section(heading.parts["weights"]), size(heading.parts["padding"])
            )
        case Operation.WEIGHTED | Operation.WEIGHTED_RELU:
            weights = book.section(heading.parts["weights"])
            assert weights.biases is not None
            biases, row = weights.biases, row_of(cells())
            return lambda k, y, x: iter([row, row_of(weights.cells, k), one(biases.cell((k,)))])
        case Operation.RELU:
            return lambda k, y, x: iter([one(cells().cell((k, y, x)))])
        case Operation.LARGEST | Operation.WINDOW_MEAN:
            height, width = size(heading.parts["window"])
            return lambda k, y, x: iter([_window(cells(), k, y * height, x * width, height, width)])
        case Operation.MAP_MEAN:
            return lambda k, y, x: iter([_all(cells(), k)])
        case Operation.IN_A_ROW:
            shape = cells().rows.shape
            return lambda k, y, x: iter(
                [one(cells().cell(tuple(int(i) for i in np.unravel_index(k, shape))))]
            )
        case Operation.EXPONENTIALS | Operation.PARTS:
            row = row_of(cells())
            return lambda k, y, x: iter([one(cells().cell((k, 0, 0))), row])
        case Operation.TARGET:
            return lambda k, y, x: iter([one(book.singles[names.TRUE_DIGIT])])
        case Operation.LOSS:
            rows = [row_of(cells()), row_of(cells("exponentials"))]
            return lambda k, y, x: iter([*rows, one(book.singles[names.TRUE_DIGIT])])
        case Operation.TURNED:
            last = [side - 1 for side in cells().rows.shape[2:]]
            return lambda o, c, y, x: iter([one(cells().cell((o, c, last[0] - y, last[1] - x)))])
        case Operation.TRANSPOSED:
            return lambda o, c, y, x: iter([one(cells().cell((c, o, y, x)))])
        case Operation.DIFFERENCE:
            return lambda k, y, x: iter(
                one(cells(part).cell((k, y, x))) for part in ("source", "target")
            )
        case Operation.BACK:
            return _back(book, section)
        case Operation.WEIGHT_GRADIENT:
            return _of_weight_gradient(book, section)
        case Operation.STEPPED:
            eta = one(book.inputs[names.ETA])
            return lambda *at: iter(
                [one(cells("weights").cell(at)), one(cells("gradient").cell(at)), eta]
            )
    raise AssertionError(f"{section.name} is not calculated")


def _of_chosen(book: Book, section: Section) -> Reader:
    """Read the selector, the drawing, all stored pixels of a column, and the row's number.

    The row's number is to the left of the grid.
    """
    drawing, stored = (book.section(name).cells for name in (names.DRAWING, names.DIGITS))
    selected = one(book.inputs[names.SELECTED])
    last = (len(stored.rows) - 1, stored.rows.shape[1] - 1)

    def read(k: int, y: int, x: int) -> Iterator[Rectangle]:
        yield selected
        yield one(drawing.cell((k, y, x)))
        sheet, first, column = stored.cell((0, 0, x))
        yield sheet, first, column, stored.cell((*last, x))[1], column
        sheet, row, left = section.cells.cell((k, y, 0))
        yield one((sheet, row, left - 1))

    return read


def _of_convolution(source: Grid, weights: Section, padding: tuple[int, int]) -> Reader:
    kernels, biases = weights.cells, weights.biases
    assert biases is not None
    height, width = kernels.rows.shape[2:]

    def read(k: int, y: int, x: int) -> Iterator[Rectangle]:
        for c in range(len(source.rows)):
            yield _window(source, c, y - padding[0], x - padding[1], height, width)
            yield _kernel(kernels, k, c)
        yield one(biases.cell((k,)))

    return read


def _back(book: Book, section: Section) -> Reader:
    parts = section.heading.parts
    consumer = book.section(parts["consumer"])
    before, gradient = book.section(parts["layer"]).cells, book.section(parts["source"]).cells
    heading = consumer.heading
    match heading.operation:
        case Operation.NORMALISED:
            deviation = one(book.inputs[names.PIXEL_DEVIATION])
            return lambda k, y, x: iter([one(gradient.cell((k, y, x))), deviation])
        case Operation.CONVOLUTION:
            kernels = book.turned(heading.parts["weights"]).cells
            height, width = kernels.rows.shape[2:]
            above, beside = size(heading.parts["padding"])

            def read(k: int, y: int, x: int) -> Iterator[Rectangle]:
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
            return lambda k, y, x: iter(
                [one(before.cell((k, y, x))), one(gradient.cell((k, y, x)))]
            )
        case Operation.LARGEST:
            return _back_to_the_largest(before, consumer, gradient)
        case Operation.WINDOW_MEAN:
            height, width = size(heading.parts["window"])
            return lambda k, y, x: iter([one(gradient.cell((k, y // height, x // width)))])
        case Operation.MAP_MEAN:
            return lambda k, y, x: iter([one(gradient.cell((k, 0, 0)))])
        case Operation.IN_A_ROW:
            shape = before.rows.shape
            return lambda *at: iter(
                [one(gradient.cell((int(np.ravel_multi_index(at, shape)), 0, 0)))]
            )
    raise AssertionError(f"no gradient is passed back through {consumer.name}")


def _back_to_the_largest(before: Grid, pooled: Section, gradient: Grid) -> Reader:
    """Read the cell, its window's maximum, the gradient, and the cells before it in the window."""
    height, width = size(pooled.heading.parts["window"])

    def read(k: int, y: int, x: int) -> Iterator[Rectangle]:
        (top, down), (left, along) = divmod(y, height), divmod(x, width)
        yield one(before.cell((k, y, x)))
        yield one(pooled.cells.cell((k, top, left)))
        yield one(gradient.cell((k, top, left)))
        if down:
            yield _window(before, k, y - down, x - along, down, width)
        if along:
            yield _window(before, k, y, x - along, 1, along)

    return read


def _of_weight_gradient(book: Book, section: Section) -> Reader:
    parts = section.heading.parts
    before, gradient = book.section(parts["source"]).cells, book.section(parts["gradient"]).cells
    layer = book.layer_of(parts["weights"]).heading
    if layer.operation is Operation.WEIGHTED:
        return lambda o, c, y, x: iter([one(before.cell((c, 0, 0))), one(gradient.cell((o, 0, 0)))])
    above, beside = size(layer.parts["padding"])
    height, width = gradient.rows.shape[1:]
    return lambda o, c, y, x: iter(
        [_window(before, c, y - above, x - beside, height, width), _all(gradient, o)]
    )


def one(cell: Cell) -> Rectangle:
    """Return a cell as a rectangle."""
    sheet, row, column = cell
    return sheet, row, column, row, column


def _window(grid: Grid, k: int, y: int, x: int, height: int, width: int) -> Rectangle:
    """Return a window of a map, which may reach into its margin."""
    sheet, row, column = grid.cell((k, 0, 0))
    return sheet, row + y, column + x, row + y + height - 1, column + x + width - 1


def _all(grid: Grid, k: int) -> Rectangle:
    """Return all cells of a map."""
    return _window(grid, k, 0, 0, *grid.rows.shape[1:])


def _kernel(grid: Grid, o: int, c: int) -> Rectangle:
    sheet, row, column = grid.cell((o, c, 0, 0))
    height, width = grid.rows.shape[2:]
    return sheet, row, column, row + height - 1, column + width - 1


def column_of(grid: Grid) -> Rectangle:
    """Return a column of cells."""
    sheet, row, column = grid.cell((0,))
    return sheet, row, column, row + len(grid.rows) - 1, column


def row_of(grid: Grid, output: int | None = None) -> Rectangle:
    """Return a row of cells: numbers, or the weights that lead to an output."""
    if output is None:
        sheet, row, column = grid.cell((0, 0, 0))
        return sheet, row, column, row, column + len(grid.rows) - 1
    sheet, row, column = grid.cell((output, 0, 0, 0))
    return sheet, row, column, row, column + grid.rows.shape[1] - 1
