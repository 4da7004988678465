"""A training sheet: diagram, equations and loss chart above the table of iterations.

Only the first two iterations are written here; ``finishing.py`` fills the second one down. If an
iteration has several rows, all but the first can be folded away; so can groups of columns.
"""

from itertools import groupby

from openpyxl.cell import Cell
from openpyxl.comments import Comment
from openpyxl.drawing.image import Image
from openpyxl.drawing.spreadsheet_drawing import AnchorMarker, TwoCellAnchor
from openpyxl.styles import Alignment
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from workbook_tools.notation.addresses import cell_name, column_letter, range_name
from workbook_tools.notation.quantities import ACCURACY, LEARNING_RATE, SAMPLE
from workbook_tools.writing import styles
from workbook_tools.writing.charts import accuracy_chart, loss_chart
from workbook_tools.writing.diagram import described
from workbook_tools.writing.equations import Block, equation, equation_blocks, textbook
from workbook_tools.writing.layout import (
    FIRST_ROW,
    HEADER_ROW,
    OVERVIEW,
    RATE,
    SETTINGS_COLUMN,
    Layout,
)

COLUMN_WIDTH = 11.0  # characters
COLUMN_PIXELS = 82  # that width in Excel with Calibri 11
ROW_POINTS = 13.5  # the rows above the table
ROW_PIXELS = 18

TOP_ROW, BOTTOM_ROW = 3, 29  # diagram, equations and chart
DIAGRAM_COLUMNS = (1, 8)
EQUATION_COLUMNS = (10, 15)  # the left edges of two columns of text
CHART_COLUMNS = (24, 31)
CHARTS_MEET_ROW = 16  # if there are two charts, one above the other

MOST_COLUMNS_UNGROUPED = 40
MOST_COLUMNS_A_PAGE = 40
MOST_ROWS_UNFOLDED = 12  # of an iteration


def diagram_size() -> tuple[int, int]:
    """Return the pixels (width, height) that the diagram takes up on a sheet."""
    first, last = DIAGRAM_COLUMNS
    return (last - first + 1) * COLUMN_PIXELS, (BOTTOM_ROW - TOP_ROW + 1) * ROW_PIXELS


def write_training_sheet(sheet: Worksheet, layout: Layout, diagram: Image) -> list[str]:
    """Write one training's sheet, except for the rows from the third iteration on.

    Return descriptions of its charts, then of its pictures.
    """
    _columns_and_rows(sheet, layout)
    _title(sheet, layout)
    diagram.anchor = _anchor(DIAGRAM_COLUMNS)
    sheet.add_image(diagram)
    _equations(sheet, equation_blocks(layout.experiment))
    shown = _charts(sheet, layout)
    _rate(sheet, layout.run.rate)
    _settings(sheet, layout)
    _header(sheet, layout)
    _iterations(sheet, layout)
    _shades(sheet, layout)
    _print_setup(sheet, layout)
    return [*shown, described(layout.experiment)]


def _anchor(
    columns: tuple[int, int], first_row: int = TOP_ROW, last_row: int = BOTTOM_ROW
) -> TwoCellAnchor:
    """Anchor a picture to cells at both ends, so that it folds away with the rows."""
    first, last = columns
    return TwoCellAnchor(
        editAs="twoCell",
        _from=AnchorMarker(col=first - 1, row=first_row - 1),
        to=AnchorMarker(col=last, row=last_row),
    )


def _charts(sheet: Worksheet, layout: Layout) -> list[str]:
    """Draw loss and accuracy; return descriptions of the charts."""
    both = ACCURACY in layout.columns
    chart = loss_chart(layout)
    chart.anchor = _anchor(CHART_COLUMNS, last_row=CHARTS_MEET_ROW if both else BOTTOM_ROW)
    sheet.add_chart(chart)
    of_sheet = f"over the iterations of the sheet {layout.run.name}."
    shown = [f"Line chart of the loss {layout.loss} {of_sheet}"]
    if both:
        accuracy = accuracy_chart(layout)
        accuracy.anchor = _anchor(CHART_COLUMNS, first_row=CHARTS_MEET_ROW + 1)
        sheet.add_chart(accuracy)
        shown.append(f"Line chart of the accuracy {of_sheet}")
    return shown


def _columns_and_rows(sheet: Worksheet, layout: Layout) -> None:
    for column in range(1, max(len(layout.quantities), CHART_COLUMNS[1]) + 1):
        sheet.column_dimensions[column_letter(column)].width = COLUMN_WIDTH
    for row in range(2, BOTTOM_ROW + 1):
        sheet.row_dimensions[row].height = ROW_POINTS
        sheet.row_dimensions[row].outlineLevel = 1
    sheet.row_dimensions[1].height = 26
    sheet.row_dimensions[HEADER_ROW].height = 20
    sheet.sheet_format.outlineLevelRow = 1
    sheet.sheet_properties.outlinePr.summaryBelow = False
    sheet.sheet_view.showGridLines = False
    sheet.sheet_view.zoomScale = 85
    frozen = layout.columns.get(SAMPLE, 0)  # the columns that identify a row stay visible
    sheet.freeze_panes = cell_name(FIRST_ROW, frozen + 1)
    _group_columns(sheet, layout)
    _group_rows(sheet, layout)


def _group_columns(sheet: Worksheet, layout: Layout) -> None:
    """Make each group of columns of a wide table foldable, down to its first column."""
    if len(layout.quantities) <= MOST_COLUMNS_UNGROUPED:
        return
    sheet.sheet_properties.outlinePr.summaryRight = False
    sheet.sheet_format.outlineLevelCol = 1
    column = 1
    for _, columns in groupby(layout.quantities, key=lambda quantity: quantity.group):
        count = len(list(columns))
        if column > layout.columns.get(SAMPLE, 0):
            for later in range(column + 1, column + count):
                sheet.column_dimensions[column_letter(later)].outlineLevel = 1
        column += count


def _group_rows(sheet: Worksheet, layout: Layout) -> None:
    """Make the rows of an iteration foldable, down to the first one; many rows start out folded.

    So do those of networks on images, so that a kernel is right above its next value.
    """
    folded = layout.block > MOST_ROWS_UNFOLDED or layout.experiment.naming.on_images
    for row in range(FIRST_ROW, FIRST_ROW + 2 * layout.block):
        is_first = (row - FIRST_ROW) % layout.block == 0
        if not is_first:
            sheet.row_dimensions[row].outlineLevel = 1
        if folded and layout.block > 1:
            sheet.row_dimensions[row].hidden = not is_first
            sheet.row_dimensions[row].collapsed = is_first


def _title(sheet: Worksheet, layout: Layout) -> None:
    sheet["A1"] = layout.experiment.title
    sheet["A1"].font = styles.TITLE
    each = "Each row below is one iteration: forward pass, loss and gradients in its own row, new "
    above = "weights from the row above"
    if layout.block > 1:
        each = (
            f"Each iteration below has {layout.block} rows, one a sample. Gradients over them, "
            "loss and accuracy stand in the first, new "
        )
        above = "weights come from the iteration above"
    sheet["A2"] = f"{each}{above}. Fold these rows away with the − at the left."
    sheet["A2"].font = styles.SUBTITLE
    last = sheet.cell(2, CHART_COLUMNS[1], "back to the Overview")
    last.hyperlink = Hyperlink(ref=last.coordinate, location=f"{OVERVIEW}!A1")
    last.font = styles.LINK
    last.alignment = Alignment(horizontal="right")


def _equations(sheet: Worksheet, blocks: list[Block]) -> None:
    """Write the numbered blocks in two columns of text, shortened if they do not fit."""
    rows = BOTTOM_ROW - TOP_ROW + 1
    sides: list[list[tuple[int, Block]]] = [[], []]
    for number, block in enumerate(blocks, start=1):
        sides[0 if number <= 3 else 1].append((number, block))
    for column, side in zip(EQUATION_COLUMNS, sides, strict=True):
        row = TOP_ROW
        spare = rows - 2 * len(side)  # each block has a title and an empty row
        for k, (number, block) in enumerate(side):
            # Reserve some lines for later blocks; for a short one, such as the optimizer's, all.
            room = max(2, spare - sum(min(len(b.lines), 4) for _, b in side[k + 1 :]))
            lines = block.lines
            if len(lines) > room:
                lines = [*lines[: room - 1], f"… and {len(lines) - room + 1} more, alike"]
            spare -= len(lines)
            sheet.cell(row, column, f"{number}  {block.title}").font = styles.EQUATION_TITLE
            for line in lines:
                row += 1
                sheet.cell(row, column, line).font = styles.EQUATION
            row += 2


def _rate(sheet: Worksheet, rate: float) -> None:
    cell = _setting(sheet, LEARNING_RATE, RATE, rate)
    hint = sheet.cell(RATE[0], RATE[1] + 1, "← the learning rate: change it and watch the run")
    hint.font = styles.SUBTITLE
    validation = DataValidation(
        type="decimal",
        operator="greaterThan",
        formula1="0",
        showErrorMessage=True,
        errorTitle="Learning rate",
        error="Type a number above 0.",
    )
    validation.add(cell.coordinate)
    sheet.add_data_validation(validation)


def _setting(sheet: Worksheet, symbol: str, place: tuple[int, int], value: float) -> Cell:
    """Write a number that the formulas read, with its symbol to the left; return its cell."""
    row, column = place
    _label(sheet, (row, column - 1), f"{symbol} =")
    return styles.write_input(sheet, row, column, value)


def _label(sheet: Worksheet, place: tuple[int, int], text: str) -> None:
    label = sheet.cell(*place, text)
    label.font, label.alignment = styles.HEADING, Alignment(horizontal="right")


def _settings(sheet: Worksheet, layout: Layout) -> None:
    """Write the training's other settings: numbers that the formulas read, and words."""
    experiment = layout.experiment
    for symbol, value in experiment.settings.items():
        _setting(sheet, symbol, layout.setting_cells[symbol], value)
    column = SETTINGS_COLUMN + 2 * len(experiment.settings)
    for name, words in layout.words.items():
        _label(sheet, (RATE[0], column), f"{name}:")
        sheet.cell(RATE[0], column + 1, words).font = styles.BODY
        column += 2 + len(words) // 11


def _header(sheet: Worksheet, layout: Layout) -> None:
    for column, quantity in enumerate(layout.quantities, start=1):
        cell = sheet.cell(HEADER_ROW, column, quantity.symbol)
        styles.as_head(cell, styles.header_fill(quantity.role))
        text = equation(quantity)
        if quantity.once:
            text += "\nOnce an iteration, in its first row."
        if quantity.stated:
            text += "\nIn the first iteration: the initial value on the Overview."
        elif quantity.first is not None:
            text += f"\nIn the first iteration: {textbook(str(quantity.first))}"
        note = Comment(text, "workbook-tools")
        note.width = min(560, 60 + 7 * max(map(len, text.split("\n"))))
        note.height = 30 + 20 * (1 + len(text) // 75 + text.count("\n"))
        cell.comment = note


def _iterations(sheet: Worksheet, layout: Layout) -> None:
    for row in range(FIRST_ROW, FIRST_ROW + 2 * layout.block):
        begins = layout.block > 1 and (row - FIRST_ROW) % layout.block == 0
        for column, quantity in enumerate(layout.quantities, start=1):
            content = layout.content(quantity, row)
            if content is None:
                continue
            cell = sheet.cell(row, column, content)
            cell.font = styles.FIRST_NUMBER if begins and quantity.once else styles.NUMBER
            cell.fill = styles.cell_fill(quantity.role)
            cell.border = styles.BLOCK_BORDER if begins else styles.CELL_BORDER
            cell.number_format = styles.number_format(quantity)


def _shades(sheet: Worksheet, layout: Layout) -> None:
    """Shade the cells of images and kernels by their values."""
    naming, columns = layout.experiment.naming, layout.columns
    if not naming.on_images:
        return
    shaded = [(naming.inputs, styles.SHADES)]
    for layer in naming.layers:
        if naming.kinds[layer - 1].images:
            shaded.append((naming.activations(layer), styles.SHADES))
            kernels = [symbol for symbol in naming.parameters(layer) if symbol[0] == "w"]
            shaded.append((kernels, styles.SIGNED_SHADES))
    for own, rule in shaded:
        if own:
            ends = columns[own[0]], columns[own[-1]]
            place = range_name(FIRST_ROW, ends[0], layout.last_row, ends[1])
            sheet.conditional_formatting.add(place, rule)


def _print_setup(sheet: Worksheet, layout: Layout) -> None:
    styles.set_up_page(sheet)
    sheet.print_title_rows = f"{HEADER_ROW}:{HEADER_ROW}"
    width = max(len(layout.quantities), CHART_COLUMNS[1])
    sheet.print_area = range_name(1, 1, layout.last_row, width)
    if width > MOST_COLUMNS_A_PAGE:  # one page would be too small to read
        sheet.page_setup.fitToWidth = -(-width // MOST_COLUMNS_A_PAGE)
        if SAMPLE in layout.columns:
            sheet.print_title_cols = f"A:{column_letter(layout.columns[SAMPLE])}"
