"""The picture of a layered network: units, activations, numbered weights, biases, errors.

Layers on images are drawn as images, one per channel, with a window that the next layer reads.
"""

import re

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle

from workbook_tools.notation.layers import Images
from workbook_tools.notation.quantities import TOTAL_LOSS
from workbook_tools.spec.experiment import Experiment
from workbook_tools.writing.pictures import png
from workbook_tools.writing.quantity import Role
from workbook_tools.writing.styles import CELL_FILLS, HEADER_FILLS, INK, MUTED

MOST_UNITS_DRAWN = 6  # a larger layer is drawn as its first units, dots and its last
MOST_WEIGHTS_LABELLED = 12  # between two layers; more labels would hide the lines
_INK, _MUTED, _GREY, _PALE = f"#{INK}", f"#{MUTED}", "#9AA5B1", "#CBD2D9"
_RADIUS = 0.3
_LAYER_GAP = 2.0
_IMAGE_GAP, _IMAGE_SIDE, _SMALLEST_SIDE = 2.4, 1.6, 0.6
_WIDTH, _HEIGHT = 7.3, 5.4  # in the drawing's units; a larger drawing is scaled down


def described(experiment: Experiment) -> str:
    """Return a description of the diagram."""
    sizes = experiment.naming.sizes
    if experiment.naming.on_images:
        words = ", ".join(map(str, experiment.network.layers[:-1]))
        return f"Diagram of the network: {words}, {sizes[-1]} outputs with their losses."
    hidden = "".join(f"a hidden layer of {size} units, " for size in sizes[1:-1])
    return (
        f"Diagram of the {experiment.naming.network} network: {sizes[0]} inputs, {hidden}"
        f"{sizes[-1]} outputs with their losses, and the weights between them."
    )


def diagram_png(experiment: Experiment, width: int, height: int) -> bytes:
    """Draw the network as a PNG of ``width`` x ``height`` pixels at twice that resolution."""
    dpi = 100
    figure = Figure(figsize=(width / dpi, height / dpi), dpi=dpi)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_aspect("equal")
    axes.axis("off")
    _Drawing(axes, experiment).draw()
    return png(figure, 2 * dpi)


def _heights(size: int) -> dict[int, float]:
    """Return the height of each drawn unit of a layer, by index."""
    drawn = list(range(size))
    slots = list(range(size))
    if size > MOST_UNITS_DRAWN:
        drawn = [*range(MOST_UNITS_DRAWN - 2), size - 1]
        slots = [*range(MOST_UNITS_DRAWN - 2), MOST_UNITS_DRAWN - 1]
    middle = slots[-1] / 2
    spacing = 2.2 if len(slots) < 3 else 1.3
    return {unit: (middle - slot) * spacing for unit, slot in zip(drawn, slots, strict=True)}


class _Drawing:
    """The drawing of one network: layers from left to right, losses at the right."""

    def __init__(self, axes: Axes, experiment: Experiment) -> None:
        self._axes = axes
        self._naming = naming = experiment.naming
        self._network = experiment.network
        self._pixels = experiment.data.inputs[0]
        self._images = naming.images
        # For images, the channels are drawn one above the other, not the units.
        self._gap = _IMAGE_GAP if naming.on_images else _LAYER_GAP
        self._layers = [
            _heights(images.channels if images else size)
            for images, size in zip(self._images, naming.sizes, strict=True)
        ]
        heights = [height for layer in self._layers for height in layer.values()]
        self._top, self._lowest = max(heights), min(heights)
        left, right = -_RADIUS - 0.15, len(naming.layers) * self._gap + 2.85
        if self._images[0]:
            left = -_IMAGE_SIDE / 2 - 0.15
        axes.set_xlim(left, right)
        below = 1.1 if not self._images[0] else 1.6
        bottom, top = self._lowest - below, self._top + (1.25 if naming.bias_count else 0.5)
        axes.set_ylim(bottom, top)
        self._scale = min(1.0, _WIDTH / (right - left), _HEIGHT / (top - bottom))

    def draw(self) -> None:
        """Draw everything, lines first."""
        naming = self._naming
        for layer in naming.layers:
            if self._images[layer]:
                self._windows(layer)
            elif self._images[layer - 1]:
                self._from_images(layer)
            else:
                self._weights(layer)
            if naming.biases(layer):
                self._biases(layer)
        for layer, units in enumerate(self._layers):
            if images := self._images[layer]:
                self._channels(layer, images)
            else:
                self._units(layer, units)
            self._caption(layer)
        self._losses()

    def _text(
        self, x: float, y: float, text: str, size: float, colour: str = _INK, box: object = None
    ) -> None:
        self._axes.text(
            x, y, text, size=size * self._scale, color=colour, bbox=box,
            ha="center", va="center", zorder=4,
        )  # fmt: skip

    def _line(
        self, start: tuple[float, float], end: tuple[float, float], colour: str, style: str = "-"
    ) -> None:
        (x0, y0), (x1, y1) = start, end
        self._axes.plot([x0, x1], [y0, y1], color=colour, ls=style, lw=1.1, zorder=1)

    def _weights(self, layer: int) -> None:
        weights = self._naming.weights(layer)
        x0, x1 = (layer - 1) * self._gap, layer * self._gap
        sources, units = self._layers[layer - 1], self._layers[layer]
        for y0 in sources.values():
            for y1 in units.values():
                self._line((x0, y0), (x1, y1), _GREY)
        if len(weights) * len(weights[0]) > MOST_WEIGHTS_LABELLED:
            return
        box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"}
        for unit, y1 in units.items():
            for source, y0 in sources.items():
                # Near the unit, away from the crossings, at a different distance for each source.
                along = 0.76 - 0.16 * source / max(1, len(weights[0]) - 1)
                x, y = x0 + along * (x1 - x0), y0 + along * (y1 - y0)
                colour = f"#{HEADER_FILLS[Role.PARAMETER]}"
                self._text(x, y, weights[unit][source], 9.5, colour, box)

    def _biases(self, layer: int) -> None:
        """Draw a layer's biases as one square above it, joined to the layer's units."""
        names = list(dict.fromkeys(self._naming.biases(layer)))
        label = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
        x, y = (layer - 0.62) * self._gap, self._top + 0.95
        for height in self._layers[layer].values():
            self._line((x, y), (layer * self._gap, height), _PALE, "--")
        fill, edge = CELL_FILLS[Role.PARAMETER], HEADER_FILLS[Role.PARAMETER]
        self._text(
            x, y, label, 9.5, box={"boxstyle": "square,pad=0.4", "fc": f"#{fill}", "ec": f"#{edge}"}
        )

    def _units(self, layer: int, units: dict[int, float]) -> None:
        naming, x = self._naming, layer * self._gap
        role = Role.FORWARD if layer else Role.DATA
        fill, edge = f"#{CELL_FILLS[role]}", f"#{HEADER_FILLS[role]}"
        for unit, y in units.items():
            circle = Circle((x, y), _RADIUS, fc=fill, ec=edge, lw=1.6, zorder=3)
            self._axes.add_patch(circle)
            if not layer:
                self._text(x, y, naming.inputs[unit], 11)
                continue
            self._axes.plot([x - _RADIUS, x + _RADIUS], [y, y], color=edge, lw=0.8, zorder=4)
            size = 9.5 if len(naming.sizes) == 3 else 8.5  # h1_1 is longer than h1
            self._text(x, y + 0.12, naming.pre_activations(layer)[unit], size)
            self._text(x, y - 0.13, naming.activations(layer)[unit], size)
        if len(units) < naming.sizes[layer]:
            *_, above, last = units.values()
            self._text(x, (above + last) / 2, "⋮", 16, _MUTED)

    def _caption(self, layer: int) -> None:
        naming, x = self._naming, layer * self._gap
        kind = "outputs" if layer == naming.layers[-1] else "hidden" if layer else "inputs"
        if self._images[layer]:
            kind = re.sub(r" (?=\d)", "\n", str(self._network.layers[layer]), count=1)
        activation = ""
        if layer in naming.weighted_layers:
            activation = self._network.activation_of(layer)
        sign = " σ" if activation == "sigmoid" else ""
        caption = f"{kind}\n{activation}{sign}"
        below = 0.75 if not self._images[0] else 1.2
        self._text(x, self._lowest - below, caption, 9, _MUTED)

    def _side(self, images: Images) -> float:
        """Return the side length of a pixel, chosen so that the largest image fits."""
        largest = max(max(each.rows, each.columns) for each in self._images if each)
        whole = _IMAGE_SIDE * max(images.rows, images.columns) / largest
        return max(whole, _SMALLEST_SIDE) / max(images.rows, images.columns)

    def _corner(self, layer: int, unit: int) -> tuple[float, float]:
        """Return the upper left corner of a pixel."""
        images = self._images[layer]
        assert images
        channel, row, column = images.place(unit)
        side = self._side(images)
        x = layer * self._gap + (column - images.columns / 2) * side
        return x, self._layers[layer][channel] - (row - images.rows / 2) * side

    def _windows(self, layer: int) -> None:
        """Draw a window of an image for each channel, joined to the pixel computed from it."""
        naming, images, before = self._naming, self._images[layer], self._images[layer - 1]
        assert images
        assert before
        edge = f"#{HEADER_FILLS[Role.FORWARD if naming.pooled(layer) else Role.PARAMETER]}"
        each = images.rows * images.columns
        for channel in self._layers[layer]:
            unit = channel * each + min(images.columns + 1, each - 1)
            reads = naming.kinds[layer - 1].reads(unit)
            own_image = [k for k in reads if before.place(k)[0] == before.place(reads[0])[0]]
            (x0, y0), (x1, y1) = (self._corner(layer - 1, k) for k in (reads[0], own_image[-1]))
            side, own = self._side(before), self._side(images)
            x1, y1 = x1 + side, y1 - side
            window = Rectangle((x0, y1), x1 - x0, y0 - y1, fc="none", ec=edge, lw=1.6, zorder=4)
            self._axes.add_patch(window)
            x, top = self._corner(layer, unit)
            self._axes.add_patch(
                Rectangle((x, top - own), own, own, fc="none", ec=edge, lw=1.6, zorder=4)
            )
            self._line((x1, y0), (x, top), edge)
            self._line((x1, y1), (x, top - own), edge)
            if weights := naming.weights(layer)[unit]:
                box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"}
                left = (layer - 1) * self._gap + self._side(before) * before.columns / 2
                right = layer * self._gap - own * images.columns / 2
                along = ((left + right) / 2 - x1) / (x - x1)
                y = (y0 + y1) / 2 * (1 - along) + (top - own / 2) * along
                self._text((left + right) / 2, y, f"{weights[0]} … {weights[-1]}", 8.5, edge, box)

    def _from_images(self, layer: int) -> None:
        """Join all images before a layer to its units."""
        before = self._images[layer - 1]
        assert before
        right = (layer - 1) * self._gap + self._side(before) * before.columns / 2
        for y0 in self._layers[layer - 1].values():
            for y1 in self._layers[layer].values():
                self._line((right, y0), (layer * self._gap, y1), _GREY)
        weights = self._naming.weights(layer)
        label = f"{weights[0][0]} … {weights[-1][-1]}"
        box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"}
        x = (right + layer * self._gap - _RADIUS) / 2
        self._text(x, 0, label, 8.5, f"#{HEADER_FILLS[Role.PARAMETER]}", box)

    def _channels(self, layer: int, images: Images) -> None:
        """Draw the images of a layer; the inputs show the first sample."""
        naming, side = self._naming, self._side(images)
        role = Role.FORWARD if layer else Role.DATA
        fill, edge = f"#{CELL_FILLS[role]}", f"#{HEADER_FILLS[role]}"
        darkest = max(map(abs, self._pixels)) or 1.0
        names = naming.activations(layer)
        each = images.rows * images.columns
        for channel, y in self._layers[layer].items():
            for unit in range(channel * each, (channel + 1) * each):
                x, top = self._corner(layer, unit)
                shade = 1 - min(1.0, max(0.0, self._pixels[unit] / darkest)) if not layer else 0
                self._axes.add_patch(
                    Rectangle(
                        (x, top - side), side, side,
                        fc=fill if layer else str(shade), ec=edge, lw=0.5, zorder=3,
                    )
                )  # fmt: skip
            label = f"{names[channel * each]} … {names[(channel + 1) * each - 1]}"
            above = y + images.rows * side / 2 + 0.16
            self._text(layer * self._gap, above, label, 8)

    def _losses(self) -> None:
        naming = self._naming
        x = naming.layers[-1] * self._gap
        box_x, total_x = x + 1.1, x + 2.4
        fill, edge = f"#{CELL_FILLS[Role.LOSS]}", f"#{HEADER_FILLS[Role.LOSS]}"
        for unit, y in self._layers[-1].items():
            self._line((x, y), (box_x, y), edge)
            self._line((box_x, y), (total_x, 0), edge)
            corner, style = (box_x - 0.3, y - 0.26), "round,pad=0.05"
            box = FancyBboxPatch(corner, 0.6, 0.52, boxstyle=style, fc=fill, ec=edge, zorder=3)
            self._axes.add_patch(box)
            self._text(box_x, y + 0.12, naming.losses[unit], 9.5)
            self._text(box_x, y - 0.14, f"target {naming.targets[unit]}", 7.5, _MUTED)
        total = {"boxstyle": "round,pad=0.35", "fc": fill, "ec": edge}
        self._text(total_x, 0, TOTAL_LOSS, 10, box=total)
