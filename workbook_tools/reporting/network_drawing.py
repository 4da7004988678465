"""A small drawing of a network as an SVG picture, with the quantities of a finding highlighted."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from lxml import etree
from lxml.builder import E

from workbook_tools.judging.findings import quantities_in_short
from workbook_tools.notation.layers import Images
from workbook_tools.notation.quantities import Naming

_WIDTH, _TALLEST = 300, 230
_SIDE, _EDGE = 20, 24
_LARGEST_SPACE, _LARGEST_RADIUS, _SMALLEST_LABELLED = 70.0, 16.0, 9.5
_LARGEST_CELL, _SMALLEST_CELL, _IMAGES_WIDTH = 9.0, 2.0, 165.0  # for units drawn as pixels
_LABEL_AT = 0.4  # fraction of a line's length: in the middle, lines cross
_MOST_WEIGHTS = 1_500  # with more, nothing could be made out
_DIGITS = str.maketrans("0123456789_", "₀₁₂₃₄₅₆₇₈₉,")


@dataclass
class _Lit:
    """What is highlighted: units by their pre-activation or input, weights and targets by name."""

    units: set[str] = field(default_factory=set)
    weights: set[str] = field(default_factory=set)
    targets: set[str] = field(default_factory=set)

    @property
    def is_nothing(self) -> bool:
        return not (self.units or self.weights or self.targets)


def draw_network(naming: Naming, quantities: Sequence[str]) -> str | None:
    """Return the picture; None if no quantity has a place in a network, or that is too large.

    For a weight, its gradient and an optimizer's state of it, the line of the weight is
    highlighted; for what belongs to a unit, its bias included, the unit; for a loss, the output
    and its target. Units of images are drawn as pixels. Of the lines that lead to them, only those
    are drawn that are highlighted or lead to the highlighted unit.
    Colours are set by the CSS classes ``lit``, ``weight``, ``unit`` and ``target``.
    """
    lit = _Lit()
    for quantity in quantities:
        own = _lit(naming, quantity)
        lit.units |= own.units
        lit.weights |= own.weights
        lit.targets |= own.targets
    cell = _cell(naming)
    if lit.is_nothing or naming.weight_count > _MOST_WEIGHTS or cell < _SMALLEST_CELL:
        return None
    svg = E.svg(
        E.title(f"The network {naming.network}; highlighted: {quantities_in_short(quantities)}"),
        {
            "viewBox": f"0 0 {_WIDTH} {_height(naming):.0f}",
            "role": "img",
            "class": "network on-images" if any(naming.images) else "network",
        },
    )
    places = _places(naming, cell)
    below, above, labels = _lines(naming, lit, places)
    svg.extend(below)
    pixels = _pixels(naming)
    for name in pixels:
        svg.append(E.g(_square(*places[name], cell), {"class": _class("unit", name in lit.units)}))
    svg.extend(above)
    radius = _radius(naming, cell)
    for name, (x, y) in places.items():
        if name not in pixels:
            is_lit = name in lit.units or name in lit.targets
            svg.append(_node(name, x, y, radius, is_lit, name in naming.targets))
    svg.extend(labels)
    return str(etree.tostring(svg, encoding="unicode"))


def _lines(
    naming: Naming, lit: _Lit, places: Mapping[str, tuple[float, float]]
) -> tuple[list[Any], list[Any], list[Any]]:
    """Return the lines drawn below the pixels, those drawn above them, and the labels.

    Lines above show which pixels a unit reads.
    """
    below, above, labels = list[Any](), list[Any](), list[Any]()
    for layer in naming.layers:
        sources = naming.inputs if layer == 1 else naming.pre_activations(layer - 1)
        weights = naming.weights(layer)
        for number, unit in enumerate(naming.pre_activations(layer)):
            reads = naming.kinds[layer - 1].reads(number)
            for source, weight in zip_longest(reads, weights[number]):  # pooling has no weights
                (x1, y1), (x2, y2) = places[sources[source]], places[unit]
                is_lit = weight in lit.weights
                if naming.images[layer] and not (is_lit or lit.units == {unit}):
                    continue
                line = E.line({"class": _class("weight", is_lit), **_ends(x1, y1, x2, y2)})
                (above if is_lit or naming.images[layer] else below).append(line)
                if is_lit and len(lit.weights) == 1 and not any(naming.images):
                    x, y = x1 + _LABEL_AT * (x2 - x1), y1 + _LABEL_AT * (y2 - y1) - 7
                    at = {"x": f"{x:.1f}", "y": f"{y:.1f}", "class": "name"}
                    labels.append(E.text(_typeset(weight), at))
    outputs = naming.pre_activations(len(naming.sizes) - 1)
    for output, target in zip(outputs, naming.targets, strict=True):
        is_lit = target in lit.targets
        ends = _ends(*places[output], *places[target])
        below.append(E.line({"class": _class("target", is_lit), **ends}))
    return below, above, labels


def _lit(naming: Naming, quantity: str) -> _Lit:
    units = {z for layer in naming.layers for z in naming.pre_activations(layer)}
    outputs = naming.pre_activations(len(naming.sizes) - 1)
    name = re.sub(r"^(∂E/∂|[mv]_(?=[wb])|a_|δ_|e_)", "", quantity)
    if name in naming.all_weights:
        return _Lit(weights={name})
    if name in naming.all_biases:
        having = {
            unit
            for layer in naming.layers
            for unit, bias in zip(naming.pre_activations(layer), naming.biases(layer), strict=False)
            if bias == name
        }
        return _Lit(units=having)
    if name in units or name in naming.inputs:
        return _Lit(units={name})
    if name in naming.targets:
        return _Lit(targets={name})
    if match := re.fullmatch(r"E(\d+)", name):
        number = int(match[1]) - 1
        if number < len(outputs):
            return _Lit(units={outputs[number]}, targets={naming.targets[number]})
    if re.fullmatch(r"E_(tot|mean|sum)|max_o", name):
        targets = set(naming.targets) if name.startswith("E") else set()
        return _Lit(units=set(outputs), targets=targets)
    match = re.fullmatch(r"g_(\d+)", name)
    if match and (layer := int(match[1])) in naming.layers:
        return _Lit(weights={weight for row in naming.weights(layer) for weight in row})
    return _Lit()


def _space(units: int) -> float:
    return min(_LARGEST_SPACE, (_TALLEST - 2 * _EDGE) / max(units - 1, 1))


def _columns(naming: Naming) -> list[list[str]]:
    """Return the columns of the drawing: the inputs, each layer's units, the targets."""
    return [naming.inputs, *map(naming.pre_activations, naming.layers), naming.targets]


def _pixels(naming: Naming) -> dict[str, None]:
    """Return the units that are pixels of images, in order."""
    columns = zip(_columns(naming), naming.images, strict=False)  # targets never are
    return dict.fromkeys(name for column, images in columns if images for name in column)


def _cell(naming: Naming) -> float:
    """Return the side length of a pixel."""
    images = [own for own in naming.images if own]
    if not images:
        return _LARGEST_CELL
    tallest = max(own.channels * (own.rows + 1) - 1 for own in images)
    widest = sum(own.columns for own in images)
    return min(_LARGEST_CELL, (_TALLEST - 2 * _EDGE) / tallest, _IMAGES_WIDTH / widest)


def _height(naming: Naming) -> float:
    cell, heights = _cell(naming), []
    for size, images in zip(naming.sizes, naming.images, strict=True):
        if images:
            heights.append((images.channels * (images.rows + 1) - 1) * cell)
        else:
            heights.append((size - 1) * _space(size))
    return max(heights) + 2 * _EDGE


def _places(naming: Naming, cell: float) -> dict[str, tuple[float, float]]:
    """Return the positions of the inputs, units and targets.

    The channels of an image stand one below the other.
    """
    columns, middle = _columns(naming), _height(naming) / 2
    images, apart = [*naming.images, None], _apart(naming, cell)
    places, left = {}, float(_SIDE)
    for number, (column, own) in enumerate(zip(columns, images, strict=True)):
        if own:
            top = middle - (own.channels * (own.rows + 1) - 2) / 2 * cell
            for name, (channel, row, pixel) in zip(column, own.places, strict=True):
                down = channel * (own.rows + 1) + row
                places[name] = (left + pixel * cell, top + down * cell)
        else:
            space = _space(len(column))
            for k, name in enumerate(column):
                places[name] = (left, middle + (k - (len(column) - 1) / 2) * space)
        # A target stands close to its output.
        left += _width(own, cell) + (apart if number < len(columns) - 2 else 0.6 * apart)
    return places


def _width(images: Images | None, cell: float) -> float:
    return (images.columns - 1) * cell if images else 0.0


def _apart(naming: Naming, cell: float) -> float:
    """Return how much room there is between one layer and the next."""
    widths = sum(_width(images, cell) for images in naming.images)
    return (_WIDTH - 2 * _SIDE - widths) / (len(naming.sizes) - 0.4)


def _radius(naming: Naming, cell: float) -> float:
    """Return the radius of a unit that is no pixel."""
    units = max(
        size for size, images in zip(naming.sizes, naming.images, strict=True) if not images
    )
    return min(_LARGEST_RADIUS, 0.4 * _space(units), 0.28 * _apart(naming, cell))


def _square(x: float, y: float, side: float) -> object:
    at = {"x": f"{x - side / 2:.1f}", "y": f"{y - side / 2:.1f}"}
    return E.rect(at | {"width": f"{side:.1f}", "height": f"{side:.1f}"})


def _node(name: str, x: float, y: float, radius: float, is_lit: bool, is_target: bool) -> object:
    circle = E.circle({"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": f"{radius:.1f}"})
    shape = _square(x, y, 1.6 * radius) if is_target else circle
    node = E.g(shape, {"class": _class("target" if is_target else "unit", is_lit)})
    if radius >= _SMALLEST_LABELLED:
        middle = {"x": f"{x:.1f}", "y": f"{y:.1f}", "dy": ".35em", "text-anchor": "middle"}
        node.append(E.text(_typeset(name), middle))
    return node


def _ends(x1: float, y1: float, x2: float, y2: float) -> dict[str, str]:
    return {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"}


def _class(kind: str, is_lit: bool) -> str:
    return f"{kind} lit" if is_lit else kind


def _typeset(symbol: str) -> str:
    """Return a symbol with its number as a subscript: ``∂E/∂w₃``."""
    return re.sub(r"(?<=\w)(?<!\d)\d++(_\d+)?$", lambda match: match[0].translate(_DIGITS), symbol)
