"""The sheet Digit: the selected digit, the network's answer, and a grid to draw on."""

from openpyxl.chart import BarChart, Reference, Series
from openpyxl.chart.data_source import StrRef
from openpyxl.chart.series import SeriesLabel
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.styles import Alignment
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from cnn.workbook import look
from cnn.workbook.digits_sheet import TABLE_COLUMN, TABLE_ROW, TRUTH_COLUMN
from cnn.workbook.layout import Area, Maps
from cnn.workbook.plan import Plan
from cnn.workbook.planning.sheet import SheetPlan
from cnn.workbook.planning.start import (
    PANEL_COLUMN,
    ROW_NUMBERS_COLUMN,
    TRUE_DIGIT_CELL,
    VALUE_COLUMN,
)
from cnn.workbook.sections import links, title, write_section
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.addresses import cell_name, range_name
from workbook_tools.notation.convolutional import (
    AFTERWARDS,
    DIGIT,
    DIGITS,
    LOSS,
    OVERVIEW,
    PIXEL_GRADIENT,
    PIXELS,
    SOFTMAX,
)
from workbook_tools.writing import styles
from workbook_tools.writing.charts import chart_title
from workbook_tools.writing.pictures import anchored

SELECTED_CELL = Area(DIGIT, (4, VALUE_COLUMN))
DRAWN_DIGIT_CELL = Area(DIGIT, (5, VALUE_COLUMN))
ETA_CELL = Area(DIGIT, (6, VALUE_COLUMN))
TABLE_TOP = 14
LARGEST_RATE = 1000
WIDTHS = (24, 13, 15)  # of the panel's columns, in characters
CHART_PIXELS = (378, 280)
_HEADING_BEYOND = 8  # columns that the heading of the last grid may extend beyond it
_FIRST_RESULT = TRUE_DIGIT_CELL.first[0]


def write_digit_sheet(
    sheet: Worksheet, plan: Plan, of: SheetPlan, selected: int, rate: float
) -> list[str]:
    """Write the sheet, with ``selected`` counted from 1; return a description of the chart."""
    title(sheet, "The digit, and what the network makes of it")
    links(sheet, [OVERVIEW, DIGITS], 1)
    _shape_cells(sheet, plan)
    _inputs(sheet, plan, selected, rate)
    _results(sheet, plan)
    _table(sheet, plan)
    for section in of.sections:
        write_section(sheet, section, hidden=True)
    write_section(sheet, plan.drawing, hidden=True)
    _explain(sheet, plan)
    _number_rows(sheet, plan.maps(PIXELS))
    _validate_pixels(sheet, plan.drawing.place)
    sheet.sheet_properties.tabColor = look.TAB_COLOURS[of.part]
    sheet.freeze_panes = "A3"
    styles.set_up_page(sheet)
    sheet.page_setup.fitToHeight = 1
    right = plan.maps(PIXEL_GRADIENT).right + _HEADING_BEYOND
    sheet.print_area = range_name(1, 1, plan.drawing.place.bottom + 1, right)
    return [_chart(sheet, plan)]


def _shape_cells(sheet: Worksheet, plan: Plan) -> None:
    sheet.column_dimensions["A"].width = 2
    for column, width in enumerate(WIDTHS, start=PANEL_COLUMN):
        look.widths(sheet, width, column, column)
    look.widths(sheet, 2, PANEL_COLUMN + len(WIDTHS), ROW_NUMBERS_COLUMN - 1)
    look.squares(sheet, look.PIXEL_SIDE, ROW_NUMBERS_COLUMN)
    look.square_rows(sheet, look.PIXEL_SIDE, 3, plan.drawing.place.bottom)


def _inputs(sheet: Worksheet, plan: Plan, selected: int, rate: float) -> None:
    classes = len(_probabilities(plan))
    stored = len(plan.digits.truth)
    choices = Area(DIGITS, (TABLE_ROW, TABLE_COLUMN), stored + 1)
    selected_from = DataValidation(
        type="list",
        formula1=choices.on(DIGIT, absolute=True),
        errorTitle="No such digit",
        error=f"Choose a number from 1 to {stored}, or {names.DRAW}.",
        promptTitle="Which digit",
        prompt=f"1 to {stored}: the digits of the sheet {DIGITS}. {names.DRAW}: the grid below.",
    )
    drawn = _between("whole", classes - 1, "a digit")
    drawn.promptTitle = "The digit you draw"
    drawn.prompt = f"What it is meant to be; read only while the selected digit is {names.DRAW}."
    size = _between("decimal", LARGEST_RATE, "a rate")
    size.promptTitle = "The learning rate"
    size.prompt = "How far the one step goes: w − η · ∂loss/∂w."
    for area, label, value, validation in (
        (SELECTED_CELL, "Selected digit", selected, selected_from),
        (DRAWN_DIGIT_CELL, "The digit you draw", plan.digits.truth[0], drawn),
        (ETA_CELL, "Learning rate η", rate, size),
    ):
        validation.showInputMessage = validation.showErrorMessage = True
        sheet.add_data_validation(validation)
        validation.add(cell_name(*area.first))
        _label(sheet, area, label)
        styles.write_input(sheet, *area.first, value)


def _between(kind: str, largest: int, what: str) -> DataValidation:
    """Return a validation that only allows numbers of a kind from 0 to ``largest``."""
    return DataValidation(
        type=kind,
        operator="between",
        formula1="0",
        formula2=str(largest),
        showErrorMessage=True,
        errorTitle=f"Not {what}",
        error=f"Type {what} from 0 to {largest:,}.",
    )


def _label(sheet: Worksheet, area: Area, text: str) -> None:
    row, column = area.first
    cell = sheet.cell(row, column - 1, text)
    cell.font, cell.border, cell.alignment = styles.BODY, styles.BOX, look.LEFT


def _results(sheet: Worksheet, plan: Plan) -> None:
    """Write the cells with the network's result."""
    truth = range_name(
        TABLE_ROW, TRUTH_COLUMN, TABLE_ROW + len(plan.digits.truth) - 1, TRUTH_COLUMN
    )
    row = plan.maps(SOFTMAX).row().on(DIGIT, absolute=True)
    true_digit, read_as = (_result(k).on(DIGIT) for k in range(2))
    formulas = {
        names.TRUE_DIGIT: (
            f'=IF({names.SELECTED}="{names.DRAW}",{names.DRAWN_DIGIT},'
            f"INDEX({DIGITS}!{truth},{names.SELECTED}))",
            "0",
        ),
        names.READ_AS: (f"=MATCH(MAX({row}),{row},0)-1", "0"),
        names.VERDICT: (
            f'=IF({read_as}={true_digit},"{names.RIGHT}","{names.WRONG}")',
            "General",
        ),
        names.LOSS_NOW: (f"={plan.maps(LOSS).cell(0).on(DIGIT)}", "0.000000"),
        names.LOSS_AFTER: (f"={plan.maps(LOSS + AFTERWARDS).cell(0).on(DIGIT)}", "0.000000"),
    }
    for number, (label, (formula, number_format)) in enumerate(formulas.items()):
        area = _result(number)
        _label(sheet, area, label)
        cell = sheet.cell(*area.first, formula)
        cell.font, cell.border, cell.alignment = styles.BODY, styles.BOX, styles.CENTRED
        cell.number_format = number_format


def _result(number: int) -> Area:
    return Area(DIGIT, (_FIRST_RESULT + number, VALUE_COLUMN))


def _probabilities(plan: Plan) -> list[str]:
    place = plan.maps(SOFTMAX)
    return [place.cell(k).on(DIGIT) for k in range(place.shape.count)]


def _table(sheet: Worksheet, plan: Plan) -> None:
    """Write the probability of each digit, before and after the step."""
    styles.write_head(sheet, TABLE_TOP, PANEL_COLUMN, names.PROBABILITY_HEADS)
    after = plan.maps(SOFTMAX + AFTERWARDS)
    for digit, now in enumerate(_probabilities(plan)):
        row = TABLE_TOP + 1 + digit
        contents = (digit, f"={now}", f"={after.cell(digit).on(DIGIT)}")
        for column, content in enumerate(contents, start=PANEL_COLUMN):
            cell = sheet.cell(row, column, content)
            cell.font, cell.border, cell.alignment = styles.BODY, styles.BOX, styles.CENTRED
            cell.number_format = "0" if column == PANEL_COLUMN else "0.0000%"


def _chart(sheet: Worksheet, plan: Plan) -> str:
    """Draw the probabilities as bars; return a description of the chart."""
    classes = plan.maps(SOFTMAX).shape.count
    rows = TABLE_TOP + 1, TABLE_TOP + classes
    chart = BarChart()
    chart.title = chart_title("Probability of each digit", points=12)
    chart.y_axis.scaling.min, chart.y_axis.scaling.max = 0, 1
    chart.y_axis.number_format = "0%"
    chart.y_axis.majorUnit = 0.25
    chart.x_axis.delete = chart.y_axis.delete = False
    chart.gapWidth, chart.overlap = 60, 0
    chart.legend.position = "b"
    for column, colour in ((VALUE_COLUMN, "1F4E79"), (VALUE_COLUMN + 1, "E69F00")):
        values = Reference(sheet, min_col=column, min_row=rows[0], max_row=rows[1])
        head = Area(DIGIT, (TABLE_TOP, column)).on("", absolute=True)
        bars = Series(values)
        bars.tx = SeriesLabel(strRef=StrRef(head))
        bars.graphicalProperties = GraphicalProperties(solidFill=colour)
        chart.series.append(bars)
    chart.set_categories(Reference(sheet, min_col=PANEL_COLUMN, min_row=rows[0], max_row=rows[1]))
    chart.anchor = anchored(rows[1] + 2, PANEL_COLUMN, *CHART_PIXELS)
    sheet.add_chart(chart)
    return (
        "Bar chart of the probability that the network gives each digit, now and after one step "
        "of gradient descent."
    )


def _explain(sheet: Worksheet, plan: Plan) -> None:
    gradient = plan.maps(PIXEL_GRADIENT)
    for place, text in (
        (plan.maps(PIXELS), f"Choose another with the selector in {SELECTED_CELL.on(DIGIT)}."),
        (gradient, "Purple: more ink there makes the loss larger; green: smaller."),
        (
            plan.drawing.place,
            f"Type numbers from 0 (paper) to 255 (ink), and set the selector to {names.DRAW}. "
            "It begins as a copy of the first stored digit.",
        ),
    ):
        sheet.cell(place.top + 1, place.left, text).font = styles.SUBTITLE


def _number_rows(sheet: Worksheet, place: Maps) -> None:
    """Write row numbers beside the grid; its formulas use them to look up their pixels."""
    row, _ = place.corner(0)
    for y in range(place.shape.height):
        cell = sheet.cell(row + y, ROW_NUMBERS_COLUMN, y + 1)
        cell.font, cell.alignment = look.FAINT, Alignment(horizontal="right", vertical="center")


def _validate_pixels(sheet: Worksheet, place: Maps) -> None:
    validation = _between("decimal", names.GREYS, "a pixel")
    sheet.add_data_validation(validation)
    validation.add(place.area(0).on(DIGIT))
