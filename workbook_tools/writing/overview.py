"""The Overview sheet: what this is, the input cells, the losses of all learning rates."""

from openpyxl.drawing.image import Image
from openpyxl.drawing.spreadsheet_drawing import AnchorMarker, OneCellAnchor
from openpyxl.drawing.xdr import XDRPositiveSize2D
from openpyxl.styles import Alignment
from openpyxl.utils.units import pixels_to_EMU
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from workbook_tools.notation import TOTAL_LOSS
from workbook_tools.references import cell_name, sheet_prefix
from workbook_tools.writing import styles
from workbook_tools.writing.charts import comparison_chart
from workbook_tools.writing.formulas import Role
from workbook_tools.writing.layout import (
    PARAMETER_COLUMN,
    PARAMETER_HEADER_ROW,
    RATE,
    Layout,
)

WIDTHS = {"A": 3, "B": 10, "C": 12, "D": 36, "E": 4, "F": 15, "G": 12, "H": 21, "I": 21, "J": 4}
SUMMARY_COLUMN = 6  # F
PICTURE_COLUMN = 11  # K
PICTURE_PIXELS = 560  # the diagram's width
CHART_PIXELS = (502, 380)  # as wide as the summary table


def write_overview(
    sheet: Worksheet, layout: Layout, training_sheets: list[Worksheet], diagram: Image
) -> None:
    """Write the whole sheet; ``training_sheets`` are in the order of the learning rates."""
    for letter, width in WIDTHS.items():
        sheet.column_dimensions[letter].width = width
    sheet.sheet_view.showGridLines = False
    _introduction(sheet, layout)
    _parameters(sheet, layout)
    names = _summary(sheet, layout)
    height = round(PICTURE_PIXELS * diagram.height / diagram.width)
    diagram.anchor = _anchor(PARAMETER_HEADER_ROW - 1, PICTURE_COLUMN, PICTURE_PIXELS, height)
    sheet.add_image(diagram)
    chart = comparison_chart(layout, training_sheets, names)
    below_summary = PARAMETER_HEADER_ROW + len(training_sheets) + 2
    chart.anchor = _anchor(below_summary, SUMMARY_COLUMN, *CHART_PIXELS)
    sheet.add_chart(chart)
    styles.set_up_page(sheet)


def _anchor(row: int, column: int, width: int, height: int) -> OneCellAnchor:
    return OneCellAnchor(
        _from=AnchorMarker(col=column - 1, row=row - 1),
        ext=XDRPositiveSize2D(pixels_to_EMU(width), pixels_to_EMU(height)),
    )


def _introduction(sheet: Worksheet, layout: Layout) -> None:
    experiment = layout.experiment
    sheet["B1"] = experiment.title
    sheet["B1"].font = styles.TITLE
    sheet.row_dimensions[1].height = 28
    if experiment.description:
        sheet["B2"] = experiment.description
        sheet["B2"].font = styles.SUBTITLE
    sheet["B4"] = "How to use this workbook"
    sheet["B4"].font = styles.HEADING
    steps = [
        "Every number on the other sheets is a live formula. Click a cell to see its mathematics; "
        "rest the pointer on a column's header to read its equation.",
        "Change a blue number below, or the learning rate in cell "
        f"{cell_name(*RATE)} of a sheet: every iteration, loss and chart follows.",
        "To train for longer, select the last row of a sheet's table and drag it down.",
        "One row is one iteration: forward pass, loss and gradients stand in the row itself, "
        f"its weights come from the row above ({_update(layout)}).",
        "The names: i input, t target, w weight, h and o weighted sum of a hidden and an output "
        "unit, a_h and a_o their activations, E loss, ∂E/∂w gradient.",
    ]
    for row, step in enumerate(steps, start=5):
        sheet.cell(row, 2, f"{row - 4}.  {step}").font = styles.BODY
    sheet.cell(11, 2, "Colours").font = styles.HEADING
    roles = list(dict.fromkeys(quantity.role for quantity in layout.quantities))
    for column, role in zip((3, 4, 6, 7, 8, 9), roles, strict=False):
        cell = sheet.cell(11, column, role.value)
        cell.font, cell.fill, cell.alignment = (
            styles.HEADER,
            styles.header_fill(role),
            styles.CENTRED,
        )


def _update(layout: Layout) -> str:
    training = layout.experiment.training
    if training.is_plain:
        return "weight − η · gradient"
    return f"moved as {training.optimizer} does it; the table's last columns are what it remembers"


def _table_header(sheet: Worksheet, column: int, labels: list[str]) -> None:
    for k, label in enumerate(labels):
        cell = sheet.cell(PARAMETER_HEADER_ROW, column + k, label)
        cell.font = styles.HEADER
        cell.fill = styles.header_fill(Role.DATA)
        cell.alignment = styles.CENTRED


def _parameters(sheet: Worksheet, layout: Layout) -> None:
    title = sheet.cell(PARAMETER_HEADER_ROW - 1, PARAMETER_COLUMN, "Inputs, targets and the start")
    title.font = styles.HEADING
    _table_header(sheet, PARAMETER_COLUMN, ["Symbol", "Value", "What it is"])
    meanings = _meanings(layout)
    validation = DataValidation(
        type="decimal",
        operator="between",
        formula1="-1000000",
        formula2="1000000",
        showErrorMessage=True,
        errorTitle="Not a number",
        error="Type a number between −1,000,000 and 1,000,000.",
        showInputMessage=True,
        promptTitle="An input cell",
        prompt="All sheets read this number.",
    )
    sheet.add_data_validation(validation)
    for symbol, value in layout.experiment.initial_values.items():
        row, column = layout.parameter_cells[symbol]
        name = sheet.cell(row, column - 1, symbol)
        cell = sheet.cell(row, column, value)
        meaning = sheet.cell(row, column + 1, meanings[symbol])
        name.font, name.alignment, name.border = styles.BODY, styles.CENTRED, styles.BOX
        cell.font, cell.fill, cell.border = styles.INPUT, styles.INPUT_FILL, styles.BOX
        cell.number_format = "0.00####"
        meaning.font, meaning.border = styles.SUBTITLE, styles.BOX
        meaning.alignment = Alignment(horizontal="left", indent=1)
        cell.alignment = styles.CENTRED
        validation.add(cell.coordinate)


def _meanings(layout: Layout) -> dict[str, str]:
    """Say in words what each initial value is."""
    naming = layout.experiment.naming
    meanings = {symbol: f"input {k}" for k, symbol in enumerate(naming.inputs, start=1)}
    for target, output in zip(naming.targets, naming.activations(naming.layers[-1]), strict=True):
        meanings[target] = f"target for {output}"
    for layer in naming.layers:
        units, sources = naming.pre_activations(layer), naming.activations(layer - 1)
        for unit, row in zip(units, naming.weights(layer), strict=True):
            for symbol, source in zip(row, sources, strict=True):
                meanings[symbol] = (
                    f"weight from {source.removeprefix('a_')} to {unit}, at the start"
                )
        suffix = ", at the start" if layout.experiment.network.biases == "trained" else ", fixed"
        for symbol in dict.fromkeys(naming.biases(layer)):
            fed = [u for u, b in zip(units, naming.biases(layer), strict=True) if b == symbol]
            names = ", ".join(fed) if len(fed) < 4 else f"{fed[0]} … {fed[-1]}"
            meanings[symbol] = f"bias of {names}{suffix}"
    return meanings


def _summary(sheet: Worksheet, layout: Layout) -> list[tuple[Worksheet, int, int]]:
    """Write the table of losses; return the cells with the learning rates."""
    title = sheet.cell(PARAMETER_HEADER_ROW - 1, SUMMARY_COLUMN, "What each learning rate achieves")
    title.font = styles.HEADING
    iterations = layout.experiment.training.iterations
    _table_header(
        sheet,
        SUMMARY_COLUMN,
        [
            "Learning rate",
            "Sheet",
            f"{TOTAL_LOSS} at iteration 1",
            f"{TOTAL_LOSS} at iteration {iterations}",
        ],
    )
    rates = []
    for row, (rate, name) in enumerate(layout.sheet_names.items(), start=PARAMETER_HEADER_ROW + 1):
        rate_cell = sheet.cell(row, SUMMARY_COLUMN)
        rate_cell.value = f"={sheet_prefix(name)}{cell_name(*RATE, absolute=True)}"
        link = sheet.cell(row, SUMMARY_COLUMN + 1, name)
        link.hyperlink = Hyperlink(ref=link.coordinate, location=f"{sheet_prefix(name)}A1")
        first = sheet.cell(row, SUMMARY_COLUMN + 2, f"={layout.loss_cell(rate, layout.first_row)}")
        last = sheet.cell(row, SUMMARY_COLUMN + 3, f"={layout.loss_cell(rate, layout.last_row)}")
        for cell in (rate_cell, link, first, last):
            cell.font = styles.LINK if cell is link else styles.BODY
            cell.border = styles.BOX
            cell.alignment = Alignment(horizontal="center")
        first.number_format = last.number_format = "0.0000000000"
        rates.append((sheet, row, SUMMARY_COLUMN))
    return rates
