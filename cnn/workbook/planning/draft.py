"""A plan in the making: what has been placed so far, and how layers are connected."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cnn.workbook.layout import Maps, Weights
from cnn.workbook.network import Convolution, Layer, Linear, Network, ReLU
from cnn.workbook.planning.sheet import MapsSection, Palette, SheetPlan
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.convolutional import INPUT


@dataclass
class Draft:
    """What has been placed so far: sections by name, and sheets."""

    network: Network
    maps: dict[str, Maps] = field(default_factory=dict)
    palettes: dict[str, Palette] = field(default_factory=dict)
    weights: dict[str, Weights] = field(default_factory=dict)
    sheets: list[SheetPlan] = field(default_factory=list)

    def source(self, number: int) -> Maps:
        """Return the maps that layer ``number`` reads."""
        return self.maps[self.network.layers[number - 1].name if number else INPUT]

    def padding(self, number: int) -> tuple[int, int]:
        """Return the padding that layer ``number`` needs around its input: rows, columns."""
        match self.network.layers[number : number + 1]:
            case [Layer(operation=Convolution(_, _, padding))]:
                return padding
        return (0, 0)

    def reach(self, number: int) -> tuple[int, int]:
        """Return the padding around the gradient at the output of layer ``number - 1``."""
        match self.network.layers[number - 1] if number else None:
            case Layer(operation=Convolution(kernels, _, (above, beside))):
                height, width = kernels.shape[2:]
                return height - 1 - above, width - 1 - beside
        return (0, 0)

    def label(self, number: int, place: Maps) -> Callable[[int], str]:
        """Return the labels of layer ``number``: maps or units; digits in the last layer."""
        if number + 1 == len(self.network.layers):
            return names.digit_label
        return names.unit_label if place.in_a_row else names.map_label

    def palette(self, layer: Layer, source: Maps) -> Palette:
        """Return the colours of a layer's output; pooling keeps those of the input."""
        match layer.operation:
            case ReLU():
                return Palette.POSITIVE
            case Convolution() | Linear():
                return Palette.SIGNED
        return self.palettes[source.heading.name]

    def add(self, sheet: SheetPlan, section: MapsSection) -> None:
        """Add a section to a sheet and register it by its name."""
        sheet.sections.append(section)
        self.palettes[section.place.heading.name] = section.palette
        self.maps[section.place.heading.name] = section.place
