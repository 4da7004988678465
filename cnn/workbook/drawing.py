"""The picture of a network: each layer's maps as a stack of sheets, drawn to scale."""

from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from openpyxl.drawing.image import Image

from cnn.workbook.look import TAB_COLOURS
from cnn.workbook.network import (
    AveragePool,
    Convolution,
    Layer,
    Linear,
    MaxPool,
    Network,
    ReLU,
)
from cnn.workbook.planning.sheet import Part
from workbook_tools.notation.convolutional import INPUT, SOFTMAX, MapsShape, times
from workbook_tools.writing.pictures import png
from workbook_tools.writing.styles import INK, MUTED

SIZE = (1130, 205)  # pixels
DPI = 100
_INK, _MUTED, _EDGE = f"#{INK}", f"#{MUTED}", "#9AA5B1"
_FILL, _PAPER = "#DCEFE9", "#F3F4F6"
_MOST_SHEETS = 6  # drawn of a stack
_LARGEST = 1.0  # side of the input image, in the drawing's units
_SHIFT = 0.06  # from a sheet of a stack to the next
_ROOM = 0.7  # between two stacks
_SMALLEST = 0.09


def described(network: Network) -> str:
    """Return a description of the picture."""
    shapes = ", ".join(f"{layer.name} {layer.output}" for layer in network.layers)
    return f"The network from left to right: {network.image}, then {shapes}, then softmax."


def drawing(network: Network) -> Image:
    """Draw the network as a picture of ``SIZE`` pixels, at twice that resolution."""
    figure = Figure(figsize=(SIZE[0] / DPI, SIZE[1] / DPI), dpi=DPI)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.axis("off")
    axes.set_aspect("equal")
    right = _stack(axes, 0.0, INPUT, network.image, network.image, _PAPER)
    groups = _groups(network.layers)
    for group in groups:
        shape = group[-1].output
        _arrow(axes, right, _said(group))
        right = _stack(axes, right + _ROOM, group[-1].name, shape, network.image, _FILL)
    _arrow(axes, right, SOFTMAX.lower())
    right = _stack(axes, right + _ROOM, SOFTMAX, network.layers[-1].output,
                   network.image, "#F6E7D3")  # fmt: skip
    axes.set_xlim(-0.15, right + 0.45)
    axes.set_ylim(-1.15, 0.85)
    image = Image(BytesIO(png(figure, 2 * DPI)))
    image.width, image.height = SIZE
    return image


def _groups(layers: list[Layer]) -> list[list[Layer]]:
    """Group each ReLU with the layer before it."""
    groups: list[list[Layer]] = []
    for layer in layers:
        if isinstance(layer.operation, ReLU) and groups:
            groups[-1].append(layer)
        else:
            groups.append([layer])
    return groups


def _said(group: list[Layer]) -> str:
    match group[0].operation:
        case Convolution(kernels, _, _):
            said = f"conv\n{times(*kernels.shape[2:])}"
        case MaxPool(window):
            said = f"max\n{times(*window)}"
        case AveragePool(window):
            said = f"mean\n{times(*window)}"
        case Linear():
            said = "linear"
        case ReLU():
            return "ReLU"
        case _:
            said = group[0].name.rstrip("0123456789").lower()
    return said + ("\nReLU" if len(group) > 1 else "")


def _stack(
    axes: Axes, left: float, name: str, shape: MapsShape, image: MapsShape, colour: str
) -> float:
    """Draw the maps of a layer; return the right edge."""
    largest = max(image.height, image.width)
    height, width = (
        max(_SMALLEST, _LARGEST * side / largest) for side in (shape.height, shape.width)
    )
    if shape.is_row:
        height, width, count = _LARGEST * 0.9, _SMALLEST, 1
    else:
        count = min(shape.count, _MOST_SHEETS)
    shift = _SHIFT * (count - 1)
    for sheet in range(count):
        corner = (left + _SHIFT * sheet, shift / 2 - _SHIFT * sheet - height / 2)
        axes.add_patch(Rectangle(corner, width, height, facecolor=colour, edgecolor=_EDGE, lw=0.8))
    if shape.is_row:
        _cells(axes, left, height, width, shape.count)
    middle = left + (width + shift) / 2
    below = -(max(height, 0.3) + shift) / 2 - 0.1
    axes.text(middle, below, name, ha="center", va="top", size=9, weight="bold", color=_INK)
    size = (
        str(shape.count) if shape.is_row else f"{shape.count} × {times(shape.height, shape.width)}"
    )
    axes.text(middle, below - 0.16, size, ha="center", va="top", size=8, color=_MUTED)
    return left + width + shift


def _cells(axes: Axes, left: float, height: float, width: float, count: int) -> None:
    """Draw the lines between the numbers of a row, which is drawn upright."""
    for k in range(1, min(count, 24)):
        y = -height / 2 + height * k / min(count, 24)
        axes.plot([left, left + width], [y, y], color=_EDGE, lw=0.5)


def _arrow(axes: Axes, left: float, said: str) -> None:
    axes.annotate(
        "", xy=(left + _ROOM - 0.06, 0), xytext=(left + 0.06, 0),
        arrowprops={"arrowstyle": "-|>", "color": f"#{TAB_COLOURS[Part.FORWARD]}", "lw": 1.0},
    )  # fmt: skip
    axes.text(left + _ROOM / 2, 0.07, said, ha="center", va="bottom", size=8, color=_INK)
