"""The picture of a layered network: units, activations, numbered weights, biases, errors."""

from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch
from PIL import Image

from workbook_tools.experiment import Experiment
from workbook_tools.notation import TOTAL_LOSS
from workbook_tools.writing.formulas import Role
from workbook_tools.writing.styles import CELL_FILLS, HEADER_FILLS, INK, MUTED

MOST_UNITS_DRAWN = 6  # a larger layer is drawn as its first units, dots and its last
MOST_WEIGHTS_LABELLED = 12  # between two layers; more labels would hide the lines
_INK, _MUTED = f"#{INK}", f"#{MUTED}"
_RADIUS = 0.3
_LAYER_GAP = 2.0


def diagram_png(experiment: Experiment, width: int, height: int) -> bytes:
    """Draw the network as a PNG of ``width`` x ``height`` pixels at twice that resolution."""
    dpi = 100
    figure = Figure(figsize=(width / dpi, height / dpi), dpi=dpi)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_aspect("equal")
    axes.axis("off")
    _draw(axes, experiment)
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi=2 * dpi)
    # A palette makes the file a third as large, and every sheet carries a copy.
    stream = BytesIO()
    Image.open(drawn).convert("RGB").quantize(64).save(stream, format="png", optimize=True)
    return stream.getvalue()


def _positions(size: int) -> dict[int, float]:
    """Return the height of each drawn unit of a layer, by index."""
    drawn = list(range(size))
    slots = list(range(size))
    if size > MOST_UNITS_DRAWN:
        drawn = [*range(MOST_UNITS_DRAWN - 2), size - 1]
        slots = [*range(MOST_UNITS_DRAWN - 2), MOST_UNITS_DRAWN - 1]
    middle = slots[-1] / 2
    spacing = 2.2 if len(slots) < 3 else 1.3
    return {unit: (middle - slot) * spacing for unit, slot in zip(drawn, slots, strict=True)}


def _draw(axes: Axes, experiment: Experiment) -> None:
    naming = experiment.naming
    heights = [_positions(size) for size in naming.sizes]
    top = max(h for layer in heights for h in layer.values())
    lowest = min(h for layer in heights for h in layer.values())
    right = len(naming.layers) * _LAYER_GAP + 2.85
    axes.set_xlim(-_RADIUS - 0.15, right)
    axes.set_ylim(lowest - 1.1, top + (1.25 if naming.bias_count else 0.5))
    for layer in naming.layers:
        _weights(axes, heights, layer, naming.weights(layer))
    for layer, units in enumerate(heights):
        x = layer * _LAYER_GAP
        for unit, y in units.items():
            if layer == 0:
                _unit(axes, x, y, Role.DATA, naming.inputs[unit], None)
            else:
                z, a = naming.pre_activations(layer)[unit], naming.activations(layer)[unit]
                _unit(axes, x, y, Role.FORWARD, z, a)
        if len(units) < naming.sizes[layer]:
            ys = list(units.values())
            axes.text(
                x, (ys[-2] + ys[-1]) / 2, "⋮", ha="center", va="center", size=16, color=_MUTED
            )
        if layer == 0:
            caption = "inputs"
        elif layer == naming.layers[-1]:
            caption = f"outputs\n{experiment.network.activation} σ"
        else:
            caption = f"hidden\n{experiment.network.activation} σ"
        axes.text(x, lowest - 0.55, caption, ha="center", va="top", size=9, color=_MUTED)
        if layer and naming.bias_count:
            _bias(axes, x, top, units, sorted(set(naming.biases(layer)), key=len))
    _losses(axes, experiment, heights[-1], len(naming.layers) * _LAYER_GAP)


def _weights(
    axes: Axes, heights: list[dict[int, float]], layer: int, weights: list[list[str]]
) -> None:
    x0, x1 = (layer - 1) * _LAYER_GAP, layer * _LAYER_GAP
    labelled = len(weights) * len(weights[0]) <= MOST_WEIGHTS_LABELLED
    for unit, y1 in heights[layer].items():
        for source, y0 in heights[layer - 1].items():
            axes.plot([x0, x1], [y0, y1], color="#9AA5B1", lw=1.1, zorder=1)
            if labelled:  # near the unit that the weight leads into, clear of the crossings
                x, y = x0 + 0.66 * (x1 - x0), y0 + 0.66 * (y1 - y0)
                axes.text(
                    x, y, weights[unit][source], ha="center", va="center", size=9.5,
                    color=f"#{HEADER_FILLS[Role.PARAMETER]}", zorder=2,
                    bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"},
                )  # fmt: skip


def _unit(axes: Axes, x: float, y: float, role: Role, name: str, activation: str | None) -> None:
    axes.add_patch(
        Circle(
            (x, y),
            _RADIUS,
            fc=f"#{CELL_FILLS[role]}",
            ec=f"#{HEADER_FILLS[role]}",
            lw=1.6,
            zorder=3,
        )
    )
    if activation is None:
        axes.text(x, y, name, ha="center", va="center", size=11, color=_INK, zorder=4)
        return
    axes.plot([x - _RADIUS, x + _RADIUS], [y, y], color=f"#{HEADER_FILLS[role]}", lw=0.8, zorder=4)
    axes.text(x, y + 0.12, name, ha="center", va="center", size=9.5, color=_INK, zorder=5)
    axes.text(x, y - 0.13, activation, ha="center", va="center", size=9.5, color=_INK, zorder=5)


def _bias(axes: Axes, x: float, top: float, units: dict[int, float], names: list[str]) -> None:
    """Draw a layer's biases as one square above it, joined to the layer's units."""
    bx, by = x - 0.62 * _LAYER_GAP, top + 0.95
    label = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
    for y in units.values():
        axes.plot([bx, x], [by, y], color="#CBD2D9", lw=1.0, ls="--", zorder=1)
    axes.text(
        bx, by, label, ha="center", va="center", size=9.5, color=_INK, zorder=4,
        bbox={
            "boxstyle": "square,pad=0.4",
            "fc": f"#{CELL_FILLS[Role.PARAMETER]}",
            "ec": f"#{HEADER_FILLS[Role.PARAMETER]}",
        },
    )  # fmt: skip


def _losses(axes: Axes, experiment: Experiment, units: dict[int, float], x: float) -> None:
    naming = experiment.naming
    box_x, total_x = x + 1.1, x + 2.4
    ec, fc = f"#{HEADER_FILLS[Role.LOSS]}", f"#{CELL_FILLS[Role.LOSS]}"
    for unit, y in units.items():
        axes.plot([x, box_x], [y, y], color=ec, lw=1.1, zorder=1)
        axes.plot([box_x, total_x], [y, 0], color=ec, lw=1.1, zorder=1)
        axes.add_patch(
            FancyBboxPatch(
                (box_x - 0.3, y - 0.26),
                0.6,
                0.52,
                boxstyle="round,pad=0.05",
                fc=fc,
                ec=ec,
                zorder=3,
            )
        )
        axes.text(
            box_x, y + 0.12, naming.losses[unit], ha="center", va="center", size=9.5, zorder=4
        )
        axes.text(
            box_x, y - 0.14, f"target {naming.targets[unit]}", ha="center", va="center", size=7.5,
            color=_MUTED, zorder=4,
        )  # fmt: skip
    axes.text(
        total_x, 0, TOTAL_LOSS, ha="center", va="center", size=10, zorder=4,
        bbox={"boxstyle": "round,pad=0.35", "fc": fc, "ec": ec},
    )  # fmt: skip
