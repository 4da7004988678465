"""The sheet Digits: the test digits to select from, as a list and as pictures."""

from openpyxl.worksheet.worksheet import Worksheet

from cnn.workbook import look
from cnn.workbook.plan import Plan
from cnn.workbook.planning.sheet import Part
from cnn.workbook.sections import links, title, write_section
from workbook_tools.notation.addresses import range_name
from workbook_tools.notation.convolutional import DIGIT, DIGITS_HEADS, DRAW, OVERVIEW
from workbook_tools.writing import styles

TABLE_COLUMN, TABLE_ROW = 2, 6  # of the first number
TRUTH_COLUMN = TABLE_COLUMN + DIGITS_HEADS.index("true digit")
WIDTHS = (10, 12, 12, 14)


def write_digits_sheet(sheet: Worksheet, plan: Plan) -> None:
    """Write the list of digits, and their pixels below each other."""
    title(sheet, "Digits to select from")
    links(sheet, [OVERVIEW, DIGIT], 1)
    sheet.column_dimensions["A"].width = 2
    for column, width in enumerate(WIDTHS, start=TABLE_COLUMN):
        look.widths(sheet, width, column, column)
    look.squares(sheet, look.PIXEL_SIDE, TABLE_COLUMN + len(WIDTHS))
    look.square_rows(sheet, look.PIXEL_SIDE, 3, plan.gallery.place.bottom)
    styles.write_head(sheet, TABLE_ROW - 1, TABLE_COLUMN, (*DIGITS_HEADS, "was read as"))
    digits = plan.digits
    rows: list[tuple[int | str | None, ...]] = [
        (number, image, truth, said if said == truth else f"{said} (wrong)")
        for number, (image, truth, said) in enumerate(
            zip(digits.numbers, digits.truth, digits.read_as, strict=True), start=1
        )
    ]
    rows.append((DRAW, None, None, f"see {DIGIT}"))
    for row, contents in enumerate(rows, start=TABLE_ROW):
        for column, content in enumerate(contents, start=TABLE_COLUMN):
            cell = sheet.cell(row, column, content)
            cell.font, cell.alignment, cell.border = styles.BODY, styles.CENTRED, styles.BOX
    write_section(sheet, plan.gallery, hidden=True)
    sheet.sheet_properties.tabColor = look.TAB_COLOURS[Part.START]
    sheet.freeze_panes = "A3"
    styles.set_up_page(sheet)
    # Only the list: the pictures below each other would take a page each.
    sheet.print_area = range_name(1, 1, TABLE_ROW + len(rows) - 1, TABLE_COLUMN + len(WIDTHS) - 1)
