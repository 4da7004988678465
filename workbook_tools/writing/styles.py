"""The look of the workbooks in one place: colours, fonts, number formats, the printed page."""

from collections.abc import Iterable

from openpyxl.cell import Cell
from openpyxl.formatting.rule import ColorScaleRule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet.worksheet import Worksheet

from workbook_tools.notation.quantities import ACCURACY, CORRECT, ITERATION, SAMPLE
from workbook_tools.writing.quantity import Quantity, Role

FONT = "Calibri"
INK = "1F2933"
MUTED = "616E7C"
ACCENT = "1F4E79"
INPUT_BLUE = "0000FF"  # typed numbers are blue, the convention of financial models

HEADER_FILLS = {
    Role.DATA: "44546A",
    Role.PARAMETER: "1F4E79",
    Role.FORWARD: "2E7D6B",
    Role.LOSS: "B45309",
    Role.DELTA: "8E4585",
    Role.GRADIENT: "6B4E9B",
    Role.STATE: "7A5C3E",
}
CELL_FILLS = {
    Role.DATA: "F3F4F6",
    Role.PARAMETER: "E8F0F8",
    Role.FORWARD: "E9F5F1",
    Role.LOSS: "FDF1E3",
    Role.DELTA: "F6EAF4",
    Role.GRADIENT: "F0ECF7",
    Role.STATE: "F5EFE8",
}
NUMBER_FORMATS = {
    Role.DATA: "0.00####",
    Role.PARAMETER: "0.000000",
    Role.FORWARD: "0.000000",
    Role.LOSS: "0.00000000",
    Role.DELTA: "0.00000000",
    Role.GRADIENT: "0.00000000",
    Role.STATE: "0.00000000",
}
# The curves of the loss chart: distinguishable in print and for colour-blind people (Okabe & Ito).
CURVE_COLOURS = ["0072B2", "E69F00", "009E73", "CC79A7", "56B4E9", "D55E00", "000000"]

TITLE = Font(name=FONT, size=18, bold=True, color=ACCENT)
SUBTITLE = Font(name=FONT, size=11, color=MUTED)
HEADING = Font(name=FONT, size=12, bold=True, color=ACCENT)
BODY = Font(name=FONT, size=11, color=INK)
EQUATION = Font(name=FONT, size=10, color=INK)
EQUATION_TITLE = Font(name=FONT, size=10, bold=True, color=ACCENT)
HEADER = Font(name=FONT, size=11, bold=True, color="FFFFFF")
FIRST_NUMBER = Font(name=FONT, size=10, bold=True, color=INK)
NUMBER = Font(name=FONT, size=10, color=INK)
TYPED_NUMBER = Font(name=FONT, size=10, color=INPUT_BLUE)
INPUT = Font(name=FONT, size=11, color=INPUT_BLUE)
LINK = Font(name=FONT, size=11, color="0563C1", underline="single")

# White for 0; the colours of both signs are distinguishable for colour-blind people.
SHADES = ColorScaleRule(
    start_type="num", start_value=0, start_color="FFFFFF", end_type="max", end_color="7B8794"
)
SIGNED_SHADES = ColorScaleRule(
    start_type="min", start_color="F2A65A",
    mid_type="num", mid_value=0, mid_color="FFFFFF",
    end_type="max", end_color="6FA8DC",
)  # fmt: skip

CENTRED = Alignment(horizontal="center", vertical="center")

_HAIRLINE = Side(style="hair", color="CBD2D9")
_LINE = Side(style="thin", color="9AA5B1")
CELL_BORDER = Border(bottom=_HAIRLINE)
BLOCK_BORDER = Border(top=_LINE, bottom=_HAIRLINE)
BOX = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
INPUT_FILL = PatternFill("solid", fgColor="FFFBE6")


def header_fill(role: Role) -> PatternFill:
    """Return the header colour of a group of columns."""
    return PatternFill("solid", fgColor=HEADER_FILLS[role])


def as_head(cell: Cell, fill: PatternFill) -> None:
    """Make a cell the head of a column."""
    cell.font, cell.fill, cell.alignment = HEADER, fill, CENTRED


def write_head(sheet: Worksheet, row: int, first_column: int, texts: Iterable[str]) -> None:
    """Write the heads of a table's columns."""
    for column, text in enumerate(texts, start=first_column):
        as_head(sheet.cell(row, column, text), header_fill(Role.DATA))


def write_input(sheet: Worksheet, row: int, column: int, value: float) -> Cell:
    """Write a number that readers may change; return its cell."""
    cell: Cell = sheet.cell(row, column, value)
    cell.font, cell.fill, cell.border, cell.alignment = INPUT, INPUT_FILL, BOX, CENTRED
    return cell


def number_format(quantity: Quantity) -> str:
    """Return the number format of a quantity."""
    if quantity.symbol in (ITERATION, SAMPLE, CORRECT):
        return "0"
    return "0.0%" if quantity.symbol == ACCURACY else NUMBER_FORMATS[quantity.role]


def cell_fill(role: Role) -> PatternFill:
    """Return the body colour of a group of columns."""
    return PatternFill("solid", fgColor=CELL_FILLS[role])


def set_up_page(sheet: Worksheet) -> None:
    """Print a sheet in landscape, one page wide, with the file, sheet and page at the foot."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    margins = sheet.page_margins
    margins.left = margins.right = 0.4
    margins.top, margins.bottom, margins.header, margins.footer = 0.4, 0.6, 0.2, 0.3
    sheet.oddFooter.left.text = "&F"
    sheet.oddFooter.center.text = "&A"
    sheet.oddFooter.right.text = "&P / &N"
