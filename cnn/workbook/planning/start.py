"""The sheets Digit and Digits: stored digits, a grid to draw on, and the pixels that are read."""

from dataclasses import dataclass

from cnn.workbook import formulas
from cnn.workbook.digits import Digits
from cnn.workbook.layout import FIRST_SECTION, Area, Maps
from cnn.workbook.planning.draft import Draft
from cnn.workbook.planning.section_names import back_name
from cnn.workbook.planning.sheet import MapsSection, Palette, Part, SheetPlan
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.convolutional import (
    DIGIT,
    DIGITS,
    DRAWING,
    INPUT,
    PIXEL_GRADIENT,
    PIXELS,
    Heading,
    MapsShape,
    Operation,
)

# The sheet Digit: columns of the panel, the cell of the true digit, and where the grids begin.
PANEL_COLUMN, VALUE_COLUMN = 2, 3
TRUE_DIGIT_CELL = Area(DIGIT, (8, VALUE_COLUMN))
ROW_NUMBERS_COLUMN, GRID_COLUMN, GRID_TOP = 6, 7, 3


@dataclass(frozen=True)
class Start:
    """The sections that the workbook starts from."""

    digit: SheetPlan
    drawing: MapsSection
    gallery: MapsSection
    pixel_gradient: Maps  # gets its formulas from the backward pass


def plan_start(draft: Draft, digits: Digits) -> Start:
    """Plan the sheet Digit and the gallery of stored digits."""
    image = draft.network.image
    height, width = image.height, image.width
    gallery = Maps(
        Heading(DIGITS, Operation.STORED, MapsShape(len(digits.truth), height, width)),
        DIGITS, FIRST_SECTION, GRID_COLUMN, stacked=True,
    )  # fmt: skip
    below = GRID_TOP + height + 6
    heading = Heading(PIXELS, Operation.CHOSEN, image)
    draft.maps[PIXELS] = Maps(heading, DIGIT, GRID_TOP, GRID_COLUMN)
    drawing = Maps(Heading(DRAWING, Operation.DRAWN, image), DIGIT, below, GRID_COLUMN)
    pixel = formulas.chosen(gallery, drawing, draft.maps[PIXELS], ROW_NUMBERS_COLUMN)
    back = Maps(
        Heading(PIXEL_GRADIENT, Operation.BACK, image,
                {"layer": PIXELS, "consumer": INPUT, "source": back_name(INPUT)}),
        DIGIT, GRID_TOP, GRID_COLUMN + width + 2,
    )  # fmt: skip
    digit = SheetPlan(DIGIT, Part.START, "the digit")
    digit.sections = [MapsSection(draft.maps[PIXELS], pixel, Palette.GREY)]
    draft.sheets.append(digit)

    def stored(k: int, y: int, x: int) -> float:
        return float(digits.pixels[k, y, x])

    def drawn(k: int, y: int, x: int) -> float:
        return stored(0, y, x)  # the first digit, to begin with

    def label(index: int) -> str:
        return names.stored_label(index, digits.truth[index])

    return Start(
        digit,
        MapsSection(drawing, drawn, Palette.GREY),
        MapsSection(gallery, stored, Palette.GREY, label=label),
        back,
    )
