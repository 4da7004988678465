"""The formulas of a network's cells: forward, backward, and one step; plain functions only.

Each function here returns another one, which returns the formula of a cell by its place. For maps
that is the number of the map, row and column; for weights it is output, input, and row and column
of the kernel. All count from 0.
"""

from collections.abc import Callable
from typing import TypeAlias

from cnn.workbook.layout import Maps, Weights
from cnn.workbook.network import (
    AveragePool,
    Convolution,
    Flatten,
    GlobalAverage,
    Linear,
    MaxPool,
    Operation,
    ReLU,
)
from workbook_tools.notation.addresses import column_letter, sheet_prefix
from workbook_tools.notation.convolutional import (
    DRAW,
    ETA,
    GREYS,
    PIXEL_DEVIATION,
    PIXEL_MEAN,
    SELECTED,
)

MapsFormula: TypeAlias = Callable[[int, int, int], str | float]
WeightsFormula: TypeAlias = Callable[[int, int, int, int], str | float]
BiasFormula: TypeAlias = Callable[[int], str | float]


def forward(
    operation: Operation, source: Maps, weights: Weights | None, sheet: str, relu: bool = False
) -> MapsFormula:
    """Return the formulas of a layer's output, if ``relu`` followed by a ReLU."""
    plain = _forward(operation, source, weights, sheet)
    if relu:
        return lambda k, y, x: f"=MAX(0,{str(plain(k, y, x))[1:]})"
    return plain


def _forward(
    operation: Operation, source: Maps, weights: Weights | None, sheet: str
) -> MapsFormula:
    match operation:
        case Convolution(_, _, (above, beside)):
            assert weights is not None
            return _convolution(source, weights, above, beside, sheet)
        case ReLU():
            return lambda k, y, x: f"=MAX(0,{source.cell(k, y, x).on(sheet)})"
        case MaxPool((height, width)):
            return lambda k, y, x: (
                f"=MAX({source.area(k, y * height, x * width, height, width).on(sheet)})"
            )
        case AveragePool((height, width)):
            return lambda k, y, x: (
                f"=AVERAGE({source.area(k, y * height, x * width, height, width).on(sheet)})"
            )
        case GlobalAverage():
            return lambda k, y, x: f"=AVERAGE({source.area(k).on(sheet)})"
        case Flatten():
            size = source.shape.height * source.shape.width
            return lambda k, y, x: (
                "=" + source.cell(k // size, *divmod(k % size, source.shape.width)).on(sheet)
            )
        case Linear():
            assert weights is not None
            row = source.row().on(sheet, absolute=True)
            return lambda k, y, x: (
                f"=SUMPRODUCT({row},{weights.row(k).on(sheet)})+{weights.bias(k).on(sheet)}"
            )


def _convolution(
    source: Maps, weights: Weights, above: int, beside: int, sheet: str
) -> MapsFormula:
    height, width = weights.kernel

    def formula(k: int, y: int, x: int) -> str:
        products = (
            f"SUMPRODUCT({source.area(c, y - above, x - beside, height, width).on(sheet)},"
            f"{weights.area(k, c).on(sheet, absolute=True)})"
            for c in range(source.shape.count)
        )
        return f"={'+'.join(products)}+{weights.bias(k).on(sheet, absolute=True)}"

    return formula


def backward(
    operation: Operation, before: Maps, after: Maps, gradient: Maps, turned: Weights | None,
    sheet: str,
) -> MapsFormula:  # fmt: skip
    """Return the formulas of the gradient at a layer's input.

    ``before`` is the layer's input and ``after`` its output, where the gradient is ``gradient``.
    """
    match operation:
        case Convolution(_, _, padding):
            assert turned is not None
            return _back_through_convolution(before, gradient, turned, padding, sheet)
        case ReLU():
            return lambda k, y, x: (
                f"=IF({before.cell(k, y, x).on(sheet)}>0,{gradient.cell(k, y, x).on(sheet)},0)"
            )
        case MaxPool(window):
            return lambda k, y, x: _back_to_the_largest(
                before, after, gradient, window, sheet, k, y, x
            )
        case AveragePool((height, width)):
            return lambda k, y, x: (
                f"={gradient.cell(k, y // height, x // width).on(sheet)}/{height * width}"
                if y // height < after.shape.height and x // width < after.shape.width
                else 0
            )
        case GlobalAverage():
            size = before.shape.height * before.shape.width
            return lambda k, y, x: f"={gradient.cell(k).on(sheet)}/{size}"
        case Flatten():
            height, width = before.shape.height, before.shape.width
            return lambda k, y, x: f"={gradient.cell((k * height + y) * width + x).on(sheet)}"
        case Linear():
            assert turned is not None
            row = gradient.row().on(sheet, absolute=True)
            return lambda k, y, x: f"=SUMPRODUCT({row},{turned.row(k).on(sheet)})"


def _back_through_convolution(
    before: Maps, gradient: Maps, turned: Weights, padding: tuple[int, int], sheet: str
) -> MapsFormula:
    height, width = turned.kernel
    above, beside = height - 1 - padding[0], width - 1 - padding[1]

    def formula(k: int, y: int, x: int) -> str:
        products = (
            f"SUMPRODUCT({gradient.area(o, y - above, x - beside, height, width).on(sheet)},"
            f"{turned.area(o, k).on(sheet, absolute=True)})"
            for o in range(gradient.shape.count)
        )
        return f"={'+'.join(products)}"

    return formula


def _back_to_the_largest(
    before: Maps, after: Maps, gradient: Maps, window: tuple[int, int], sheet: str,
    k: int, y: int, x: int,
) -> str | float:  # fmt: skip
    """Return the formula of a gradient that goes to the maximum of each window.

    If there are several, it goes to the first one in reading order, as in PyTorch.
    """
    height, width = window
    (top, down), (left, along) = divmod(y, height), divmod(x, width)
    if top >= after.shape.height or left >= after.shape.width:
        return 0  # beyond the last whole window
    own = before.cell(k, y, x).on(sheet)
    largest = after.cell(k, top, left).on(sheet)
    passed_on = gradient.cell(k, top, left).on(sheet)
    earlier = []
    if down:
        earlier.append(before.area(k, y - down, x - along, down, width).on(sheet))
    if along:
        earlier.append(before.area(k, y, x - along, 1, along).on(sheet))
    wins = f"{own}={largest}"
    if earlier:
        wins = f"AND({wins},MAX({','.join(earlier)})<{largest})"
    return f"=IF({wins},{passed_on},0)"


def turned(weights: Weights, sheet: str) -> WeightsFormula:
    """Return the formulas of kernels turned by 180°."""
    height, width = weights.kernel
    return lambda o, c, y, x: f"={weights.cell(o, c, height - 1 - y, width - 1 - x).on(sheet)}"


def transposed(weights: Weights, sheet: str) -> WeightsFormula:
    """Return the formulas of transposed weights, with outputs and inputs exchanged."""
    return lambda o, c, y, x: f"={weights.cell(c, o).on(sheet)}"


def weight_gradient(
    operation: Operation, before: Maps, gradient: Maps, sheet: str
) -> tuple[WeightsFormula, BiasFormula]:
    """Return the formulas of the gradients of a layer's weights, and of its biases."""
    match operation:
        case Convolution(_, _, (above, beside)):
            height, width = gradient.shape.height, gradient.shape.width
            return (
                lambda o, c, y, x: (
                    f"=SUMPRODUCT({before.area(c, y - above, x - beside, height, width).on(sheet)},"
                    f"{gradient.area(o).on(sheet, absolute=True)})"
                ),
                lambda o: f"=SUM({gradient.area(o).on(sheet)})",
            )
        case Linear():
            return (
                lambda o, c, y, x: f"={before.cell(c).on(sheet)}*{gradient.cell(o).on(sheet)}",
                lambda o: f"={gradient.cell(o).on(sheet)}",
            )
    raise AssertionError(f"{operation} has no weights")


def step(weights: Weights, gradients: Weights, sheet: str) -> tuple[WeightsFormula, BiasFormula]:
    """Return the formulas of weights and biases after one step of gradient descent."""
    return (
        lambda o, c, y, x: (
            f"={weights.cell(o, c, y, x).on(sheet)}-{ETA}*{gradients.cell(o, c, y, x).on(sheet)}"
        ),
        lambda o: f"={weights.bias(o).on(sheet)}-{ETA}*{gradients.bias(o).on(sheet)}",
    )


def chosen(stored: Maps, drawing: Maps, pixels: Maps, row_numbers: int) -> MapsFormula:
    """Return the formulas of the pixels that are shown: those of a stored digit, or the drawing.

    Stored images are below each other; ``row_numbers`` is the column with each pixel's row.
    """
    first = stored.corner(0)[0]
    step = stored.corner(1)[0] - first if stored.shape.count > 1 else 0

    def formula(k: int, y: int, x: int) -> str:
        column = column_letter(stored.corner(0)[1] + x)
        own_row = f"${column_letter(row_numbers)}{pixels.corner(k)[0] + y}"
        return (
            f'=IF({SELECTED}="{DRAW}",{drawing.cell(k, y, x).on(pixels.sheet)},'
            f"INDEX({sheet_prefix(stored.sheet)}{column}${first}:{column}${stored.bottom},"
            f"({SELECTED}-1)*{step}+{own_row}))"
        )

    return formula


def normalised(pixels: Maps, sheet: str) -> MapsFormula:
    """Return the formulas of pixels as the network reads them."""
    return lambda k, y, x: (
        f"=({pixels.cell(k, y, x).on(sheet)}/{GREYS}-{PIXEL_MEAN})/{PIXEL_DEVIATION}"
    )


def back_to_pixels(gradient: Maps, sheet: str) -> MapsFormula:
    """Return the formulas of the gradient at the pixels."""
    return lambda k, y, x: f"={gradient.cell(k, y, x).on(sheet)}/({GREYS}*{PIXEL_DEVIATION})"


def exponentials(scores: Maps, sheet: str) -> MapsFormula:
    """Return the formulas of e^(z − largest z), which cannot overflow."""
    row = scores.row().on(sheet, absolute=True)
    return lambda k, y, x: f"=EXP({scores.cell(k).on(sheet)}-MAX({row}))"


def parts(exponentials: Maps, sheet: str) -> MapsFormula:
    """Return the formulas of each number divided by their sum: of exponentials, the softmax."""
    row = exponentials.row().on(sheet, absolute=True)
    return lambda k, y, x: f"={exponentials.cell(k).on(sheet)}/SUM({row})"


def target(true_digit: str) -> MapsFormula:
    """Return formulas that are 1 for the true digit, given by its cell, and 0 for the others."""
    return lambda k, y, x: f"=IF({true_digit}={k},1,0)"


def loss(scores: Maps, exponentials: Maps, true_digit: str, sheet: str) -> MapsFormula:
    """Return −ln of the true digit's probability, as ln Σe^(z − max) − (z of the digit − max).

    In this form it is finite even if the probability underflows to 0.
    """
    row = scores.row().on(sheet, absolute=True)
    total = exponentials.row().on(sheet, absolute=True)
    return lambda k, y, x: f"=LN(SUM({total}))-(INDEX({row},{true_digit}+1)-MAX({row}))"


def difference(probabilities: Maps, targets: Maps, sheet: str) -> MapsFormula:
    """Return the gradient at the scores of softmax and cross-entropy: probability − target."""
    return lambda k, y, x: f"={probabilities.cell(k).on(sheet)}-{targets.cell(k).on(sheet)}"
