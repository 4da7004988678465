"""What a plan consists of: sheets, their sections and colours, and the parts of the workbook."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from cnn.workbook.formulas import BiasFormula, MapsFormula, WeightsFormula
from cnn.workbook.layout import FIRST_SECTION, SECTION_GAP, Maps, Weights
from workbook_tools.notation import convolutional as names


class Palette(StrEnum):
    """How the cells of a section are coloured."""

    GREY = "grey"  # paper and ink
    POSITIVE = "positive"  # no value is below 0
    SIGNED = "signed"  # values on both sides of 0
    GRADIENT = "gradient"  # both sides of 0, in the colours of the backward pass
    NONE = "none"


class Part(StrEnum):
    """The parts of the workbook, in order; each has its own tab colour."""

    START = "Start"
    FORWARD = "Forward"
    WEIGHTS = "Weights"
    BACKWARD = "Backward"
    STEP = "One step"


@dataclass(frozen=True)
class MapsSection:
    """Maps, or numbers in a row."""

    place: Maps
    formula: MapsFormula
    palette: Palette
    note: str = ""
    label: Callable[[int], str] = names.map_label


@dataclass(frozen=True)
class WeightsSection:
    """A grid of kernels, with the biases if there are any."""

    place: Weights
    formula: WeightsFormula
    bias: BiasFormula | None
    palette: Palette
    note: str = ""


Section: TypeAlias = MapsSection | WeightsSection


@dataclass
class SheetPlan:
    """One sheet: its sections from the top."""

    name: str
    part: Part
    title: str
    sections: list[Section] = field(default_factory=list)
    wide: bool = False  # whether columns are wide: numbers in a row need more room than maps

    @property
    def next_top(self) -> int:
        """The row of the next section's heading."""
        if not self.sections:
            return FIRST_SECTION
        return self.sections[-1].place.bottom + SECTION_GAP + 1
