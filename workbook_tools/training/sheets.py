"""The sheets of a training of a model: an Overview, the model's numbers, a table for each rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openpyxl.comments import Comment
from openpyxl.drawing.spreadsheet_drawing import AnchorMarker, TwoCellAnchor
from openpyxl.styles import Alignment
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from workbook_tools.gradients.model import Model
from workbook_tools.notation.addresses import cell_name, column_letter, full_name, sheet_prefix
from workbook_tools.notation.quantities import LEARNING_RATE
from workbook_tools.notation.vocabulary import Schedule
from workbook_tools.spec.training import Training
from workbook_tools.training.table import (
    ABOVE,
    CONSTANTS,
    CONSTANTS_ROW,
    FIRST_COLUMN,
    ROW,
    START_ROW,
    Column,
    Constant,
    TrainingTable,
    setting_places,
)
from workbook_tools.writing import styles
from workbook_tools.writing.charts import comparison_chart, loss_chart
from workbook_tools.writing.layout import FIRST_ROW, HEADER_ROW, OVERVIEW, RATE

_WIDTH = 13.0  # characters of a column
_SUMMARY_ROW = 7  # the headings of the losses of all rates, on the Overview
_CHART = (3, 29, 1, 9)  # first and last row, first and last column
_COLUMNS_A_PAGE = 14
_MOST_NOTE = 600  # characters


@dataclass(frozen=True)
class RateSheet:
    """The sheet of one learning rate."""

    name: str
    rate: float
    table: TrainingTable
    iterations: int
    block: int = 1  # rows of an iteration

    @property
    def columns(self) -> Mapping[str, int]:
        """The columns, counted from 1, by their headings."""
        return {column.heading: k for k, column in enumerate(self.table.columns, start=1)}

    @property
    def last_row(self) -> int:
        """The row of the last iteration."""
        return FIRST_ROW + self.iterations - 1

    @property
    def loss(self) -> str:
        """The heading of the column of the result."""
        return self.table.columns[self.table.loss - 1].heading

    def loss_in(self, row: int) -> str:
        """Return the reference to the result in a row, from another sheet."""
        return sheet_prefix(self.name) + cell_name(row, self.table.loss, absolute=True)


def write_table(sheet: Worksheet, own: RateSheet, model: Model, training: Training) -> list[str]:
    """Write the first two iterations of one rate; return descriptions of its charts."""
    sheet.sheet_view.showGridLines = False
    sheet.freeze_panes = cell_name(FIRST_ROW, 1)
    for k in range(1, len(own.table.columns) + 1):
        sheet.column_dimensions[column_letter(k)].width = _WIDTH
    sheet["A1"] = f"{full_name(model.of)} of {model.path.name}"
    sheet["A1"].font = styles.TITLE
    sheet.row_dimensions[1].height = 26
    sheet["A2"] = (
        "Each row below is one iteration: the model, its derivatives, and new parameters from the "
        "row above. The note of each heading shows where it comes from."
    )
    sheet["A2"].font = styles.SUBTITLE
    chart = loss_chart(own)
    chart.anchor = _anchor()
    sheet.add_chart(chart)
    settings = {LEARNING_RATE: own.rate, **training.settings}
    for symbol, (row, place) in setting_places(training).items():
        label = sheet.cell(row, place - 1, f"{symbol} =")
        label.font, label.alignment = styles.HEADING, Alignment(horizontal="right")
        styles.write_input(sheet, row, place, settings[symbol])
    _words(sheet, training)
    for k, column in enumerate(own.table.columns, start=1):
        _head(sheet, HEADER_ROW, k, column)
        for row in (FIRST_ROW, FIRST_ROW + 1):
            cell = sheet.cell(row, k, _content(column, row))
            cell.font, cell.border = styles.NUMBER, styles.CELL_BORDER
            cell.fill = styles.cell_fill(column.role)
            cell.number_format = styles.NUMBER_FORMATS[column.role]
    _set_up_pages(sheet, len(own.table.columns))
    sheet.print_title_rows = f"{HEADER_ROW}:{HEADER_ROW}"
    return [f"Line chart of {own.loss} over the iterations of the sheet {own.name}."]


def _words(sheet: Worksheet, training: Training) -> None:
    """Write what is not a number of the training: the optimizer and the schedule."""
    words = {} if training.is_plain else {"optimizer": str(training.optimizer)}
    if training.schedule is not Schedule.CONSTANT:
        words["schedule"] = str(training.schedule)
    last = max(column for _, column in setting_places(training).values())
    for column, (name, word) in enumerate(words.items()):
        place = last + 2 + 2 * column
        label = sheet.cell(RATE[0], place, f"{name}:")
        label.font, label.alignment = styles.HEADING, Alignment(horizontal="right")
        sheet.cell(RATE[0], place + 1, word).font = styles.BODY


def _content(column: Column, row: int) -> str | int:
    formula = column.first if row == FIRST_ROW and column.first is not None else column.formula
    if row == FIRST_ROW and formula.isdigit():
        return int(formula)
    return "=" + formula.replace(ROW, str(row)).replace(ABOVE, str(row - 1))


def _anchor() -> TwoCellAnchor:
    top, bottom, left, right = _CHART
    return TwoCellAnchor(
        editAs="twoCell",
        _from=AnchorMarker(col=left - 1, row=top - 1),
        to=AnchorMarker(col=right, row=bottom),
    )


def _head(sheet: Worksheet, row: int, number: int, column: Column) -> None:
    cell = sheet.cell(row, number, column.heading)
    styles.as_head(cell, styles.header_fill(column.role))
    cell.comment = _note(column.note)


def _note(text: str) -> Comment:
    shown = text if len(text) <= _MOST_NOTE else text[:_MOST_NOTE] + "…"
    return Comment(shown, "workbook-tools", width=360, height=40 + 20 * (1 + len(shown) // 55))


def write_constants(sheet: Worksheet, table: TrainingTable, model: Model) -> None:
    """Write the numbers of the model that no step changes, and the parameters at the start."""
    sheet.sheet_view.showGridLines = False
    sheet.column_dimensions["A"].width = 22
    for column in range(FIRST_COLUMN, FIRST_COLUMN + max(len(table.constants), len(table.start))):
        sheet.column_dimensions[column_letter(column)].width = _WIDTH
    sheet["A1"] = f"The numbers of {model.path.name}"
    sheet["A1"].font = styles.TITLE
    sheet.row_dimensions[1].height = 26
    sheet["A2"] = "All trainings read them. Change a blue number, and every iteration follows."
    sheet["A2"].font = styles.SUBTITLE
    _strip(sheet, CONSTANTS_ROW, "What no step changes", table.constants)
    _strip(sheet, START_ROW, "The parameters at the start", table.start)
    _set_up_pages(sheet, max(len(table.constants), len(table.start)))


def _set_up_pages(sheet: Worksheet, width: int) -> None:
    """Print a sheet on as many pages side by side as can be read."""
    styles.set_up_page(sheet)
    sheet.page_setup.fitToWidth = -(-width // _COLUMNS_A_PAGE)


def _strip(sheet: Worksheet, row: int, title: str, constants: Sequence[Constant]) -> None:
    """Write numbers in a row, with their labels and their addresses above."""
    sheet.cell(row - 3, 1, title).font = styles.HEADING
    for above, text in ((2, "called"), (1, "in the model"), (0, "value")):
        sheet.cell(row - above, 1, text).font = styles.SUBTITLE
    for column, constant in enumerate(constants, start=FIRST_COLUMN):
        label = sheet.cell(row - 2, column, constant.label)
        label.font, label.alignment = styles.BODY, styles.CENTRED
        address = sheet.cell(row - 1, column, full_name(constant.cell))
        address.font, address.alignment = styles.SUBTITLE, styles.CENTRED
        cell = sheet.cell(row, column, constant.content)
        is_formula = isinstance(constant.content, str) and constant.content.startswith("=")
        cell.font = styles.NUMBER if is_formula else styles.TYPED_NUMBER
        cell.border, cell.alignment = styles.BOX, styles.CENTRED
        cell.fill = styles.INPUT_FILL


def write_overview(
    sheet: Worksheet, sheets: Sequence[RateSheet], model: Model, training: Training
) -> list[str]:
    """Write what each learning rate achieves; return descriptions of the chart."""
    sheet.sheet_view.showGridLines = False
    for letter, width in {"A": 3, "B": 16, "C": 18, "D": 24, "E": 24}.items():
        sheet.column_dimensions[letter].width = width
    sheet["B1"] = f"How {full_name(model.of)} of {model.path.name} learns"
    sheet["B1"].font = styles.TITLE
    sheet.row_dimensions[1].height = 26
    count = f"{len(model.by):,} parameter" + ("s" if len(model.by) > 1 else "")
    sheet["B2"] = f"{count}, {training.optimizer}, {training.iterations:,} iterations"
    sheet["B2"].font = styles.SUBTITLE
    link = sheet["B4"]
    link.value = "the numbers of the model, and the parameters at the start"
    link.hyperlink = Hyperlink(ref="B4", location=f"{CONSTANTS}!A1")
    link.font = styles.LINK
    loss = sheets[0].loss
    heads = (
        "Learning rate",
        "Sheet",
        f"{loss} at iteration 1",
        f"{loss} at iteration {training.iterations}",
    )
    styles.write_head(sheet, _SUMMARY_ROW, 2, heads)
    for row, own in enumerate(sheets, start=_SUMMARY_ROW + 1):
        sheet.cell(row, 2, f"={sheet_prefix(own.name)}{cell_name(*RATE, absolute=True)}")
        name = sheet.cell(row, 3, own.name)
        name.hyperlink = Hyperlink(ref=name.coordinate, location=f"{sheet_prefix(own.name)}A1")
        for column, of in ((4, FIRST_ROW), (5, own.last_row)):
            sheet.cell(row, column, f"={own.loss_in(of)}").number_format = "0.0000000000"
        for column in range(2, 6):
            cell = sheet.cell(row, column)
            cell.font = styles.LINK if column == 3 else styles.BODY
            cell.border, cell.alignment = styles.BOX, styles.CENTRED
    names = [(OVERVIEW, row, 2) for row in range(_SUMMARY_ROW + 1, _SUMMARY_ROW + 1 + len(sheets))]
    chart = comparison_chart(sheets, loss, f"{loss} over the iterations", names)
    chart.anchor = "G3"
    chart.width, chart.height = 18, 10
    sheet.add_chart(chart)
    styles.set_up_page(sheet)
    return [f"Line chart of {loss} over the iterations, for each learning rate."]
