"""The look of a network's workbook: square cells, colour scales, tabs, and shared styles.

A sheet has thousands of cells of a few kinds. Setting a style is slow in openpyxl, so each kind is
set on one cell and then shared.
"""

from copy import copy
from dataclasses import dataclass
from typing import Any

from openpyxl.cell import Cell
from openpyxl.formatting.rule import ColorScaleRule, Rule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils.cell import range_boundaries
from openpyxl.worksheet.worksheet import Worksheet

from cnn.workbook.planning.sheet import Palette, Part
from workbook_tools.notation.addresses import column_letter
from workbook_tools.notation.convolutional import GREYS
from workbook_tools.writing import styles
from workbook_tools.writing.styles import FONT, INK, INPUT_BLUE, INPUT_FILL, MUTED

TAB_COLOURS = {
    Part.START: "1F4E79",
    Part.FORWARD: "2E7D6B",
    Part.WEIGHTS: "B45309",
    Part.BACKWARD: "6B4E9B",
    Part.STEP: "7A5C3E",
}
PIXEL_SIDE, MAP_SIDE = 20, 30  # screen pixels of a square cell
NUMBER_WIDTH = 11  # characters, of columns of numbers in a row
MOST_ROWS_A_COLUMN = 1.5  # rows per column of a sheet that is printed on one page
_LAST_COLUMN = 200
_WHITE = "FFFFFF"
_TINY = "1E-12"  # so that a scale extends to both sides of 0 for any numbers
_POSITIVE = "1E8C76"
_BOTH_SIDES = {Palette.SIGNED: ("3B6FB6", "D9822B"), Palette.GRADIENT: ("2A9D8F", "8E4585")}
_LINE = Side(style="thin", color="9AA5B1")


@dataclass(frozen=True)
class Stamp:
    """A style that many cells share."""

    style: Any

    @classmethod
    def of(
        cls, sheet: Worksheet, font: Font, fill: PatternFill | None = None,
        border: Border | None = None, number_format: str = "General",
    ) -> "Stamp":  # fmt: skip
        """Make a style for cells of ``sheet``."""
        cell = Cell(sheet, row=1, column=1)
        cell.font, cell.number_format = font, number_format
        if fill:
            cell.fill = fill
        if border:
            cell.border = border
        cell.alignment = styles.CENTRED
        return cls(copy(cell._style))

    def on(self, cell: Any) -> None:
        """Give a cell the style."""
        cell._style = self.style


LEFT = Alignment(horizontal="left", vertical="center", indent=1)
SMALL = Font(name=FONT, size=7, color=INK)
SMALL_INPUT = Font(name=FONT, size=7, color=INPUT_BLUE)
NUMBER = Font(name=FONT, size=10, color=INK)
NUMBER_INPUT = Font(name=FONT, size=10, color=INPUT_BLUE)
LABEL = Font(name=FONT, size=9, color=MUTED)
FAINT = Font(name=FONT, size=7, color="9AA5B1")
PADDING_FILL = PatternFill("lightUp", fgColor="CBD2D9", bgColor=_WHITE)
UNREAD_FILL = PatternFill("lightTrellis", fgColor="E4E7EB", bgColor=_WHITE)
SHOWN_AS_COLOUR = ";;;"  # the number format of cells that show no number
PIXEL_INPUT_FILL = INPUT_FILL


def colour_scale(palette: Palette, area: str) -> Rule | None:
    """Return the rule that colours cells by their values; None if they stay plain.

    ``area`` is an absolute range with all of the cells. 0 is always white, and x is as dark as −x.
    The ends of the scale are always a little away from 0.
    """
    high = f"MAX({area},{_TINY})"
    if palette is Palette.GREY:
        return ColorScaleRule(
            start_type="num", start_value=0, start_color=_WHITE,
            end_type="num", end_value=GREYS, end_color="111111",
        )  # fmt: skip
    if palette is Palette.POSITIVE:
        return ColorScaleRule(
            start_type="num", start_value=0, start_color=_WHITE,
            end_type="formula", end_value=high, end_color=_POSITIVE,
        )  # fmt: skip
    if palette in _BOTH_SIDES:
        negative, positive = _BOTH_SIDES[palette]
        return ColorScaleRule(
            start_type="formula", start_value=f"-MAX({area},-MIN({area}),{_TINY})",
            start_color=negative,
            mid_type="num", mid_value=0, mid_color=_WHITE,
            end_type="formula", end_value=f"MAX({area},-MIN({area}),{_TINY})",
            end_color=positive,
        )  # fmt: skip
    return None


def squares(sheet: Worksheet, side: int, first_column: int) -> None:
    """Make columns as wide as a square of ``side`` pixels."""
    widths(sheet, (side - 5) / 7, first_column)


def square_rows(sheet: Worksheet, side: int, first: int, last: int) -> None:
    """Make rows as high as a square of ``side`` pixels."""
    for row in range(first, last + 1):
        sheet.row_dimensions[row].height = side * 0.75  # points


def widths(sheet: Worksheet, width: float, first: int, last: int = _LAST_COLUMN) -> None:
    """Give columns a width, in characters."""
    dimension = sheet.column_dimensions[column_letter(first)]
    dimension.min, dimension.max, dimension.width = first, last, width


def frame(top: bool, bottom: bool, left: bool, right: bool) -> Border:
    """Return a border with lines at these sides."""
    sides = {"top": top, "bottom": bottom, "left": left, "right": right}
    return Border(**{side: _LINE for side, there in sides.items() if there})


def set_up_page(sheet: Worksheet) -> None:
    """Print a sheet on one page, or one page wide if it is much higher than wide."""
    styles.set_up_page(sheet)
    area = sheet.calculate_dimension()
    first_column, first_row, last_column, last_row = range_boundaries(area)
    if last_row - first_row <= MOST_ROWS_A_COLUMN * (last_column - first_column):
        sheet.page_setup.fitToHeight = 1


def enlarged(font: Font, zoom: int) -> Font:
    """Return a font that looks as large at a zoom, in per cent, as this one at 100 %."""
    return Font(
        name=font.name, size=round(font.size * 100 / zoom), bold=font.bold, color=font.color,
        underline=font.underline,
    )  # fmt: skip


def solid(colour: str) -> PatternFill:
    """Return a fill of one colour."""
    return PatternFill("solid", fgColor=colour)
