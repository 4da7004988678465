"""The Overview sheet: an introduction, the input cells, the losses of all learning rates."""

from itertools import groupby, product

from openpyxl.drawing.image import Image
from openpyxl.styles import Alignment
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from workbook_tools.notation.addresses import cell_name, column_letter, sheet_prefix
from workbook_tools.notation.layers import Convolution
from workbook_tools.writing import styles
from workbook_tools.writing.charts import comparison_chart, sizes_chart
from workbook_tools.writing.diagram import described
from workbook_tools.writing.layout import (
    DATA,
    OVERVIEW,
    PARAMETER_COLUMN,
    PARAMETER_HEADER_ROW,
    RATE,
    Book,
    Layout,
)
from workbook_tools.writing.pictures import anchored

WIDTHS = {"A": 3, "B": 10, "C": 12, "D": 36, "E": 4, "F": 15, "G": 12, "H": 21, "I": 21, "J": 4}
SUMMARY_COLUMN = 6  # F
PICTURE_COLUMN = 11  # K
PICTURE_PIXELS = 560  # the diagram's width
CHART_PIXELS = (502, 380)  # as wide as the summary table
ROW_PIXELS = 20
MOST_COLUMNS_UNEXPLAINED = 40


def write_overview(sheet: Worksheet, book: Book, diagram: Image) -> list[str]:
    """Write the whole sheet; return descriptions of its charts, then of its pictures."""
    for letter, width in WIDTHS.items():
        sheet.column_dimensions[letter].width = width
    sheet.sheet_view.showGridLines = False
    _introduction(sheet, book)
    _parameters(sheet, book)
    _summary(sheet, book)
    height = round(PICTURE_PIXELS * diagram.height / diagram.width)
    diagram.anchor = anchored(PARAMETER_HEADER_ROW - 1, PICTURE_COLUMN, PICTURE_PIXELS, height)
    sheet.add_image(diagram)
    shown = _charts(sheet, book)
    widest = max(book.sheets, key=lambda layout: len(layout.quantities))
    if len(widest.quantities) > MOST_COLUMNS_UNEXPLAINED:
        alike = all(layout.columns == widest.columns for layout in book.sheets)
        what = "a training" if alike else f"the sheet {widest.run.name}"
        title = f"What the columns of {what} hold"
        _columns(sheet, widest, title, PARAMETER_HEADER_ROW + height // ROW_PIXELS + 1)
    styles.set_up_page(sheet)
    return [*shown, described(book.experiment)]


def _charts(sheet: Worksheet, book: Book) -> list[str]:
    """Draw the loss of all trainings and, if wanted, the norms of the gradients."""
    first = book.sheets[0]
    row = PARAMETER_HEADER_ROW + len(book.sheets) + 2
    named_by = SUMMARY_COLUMN + 1 if book.experiment.variants else SUMMARY_COLUMN
    names = [(OVERVIEW, PARAMETER_HEADER_ROW + k, named_by) for k in range(1, len(book.sheets) + 1)]
    by = "by sheet" if book.experiment.variants else "by learning rate η"
    title = f"Loss over iterations, {by}"
    charts = [comparison_chart(book.sheets, first.loss, title, names)]
    one_for = "sheet" if book.experiment.variants else "learning rate"
    shown = [
        f"Line chart of the loss {first.loss} over the iterations, one curve for each {one_for}, "
        "on a logarithmic axis."
    ]
    for layout in book.sheets:
        if sizes := [q.symbol for q in layout.quantities if q.symbol.startswith("g_")]:
            charts.append(sizes_chart(layout, sizes))
            shown.append(
                f"Line chart of the size of each layer's gradient on the sheet {layout.run.name}, "
                "on a logarithmic axis."
            )
    for chart in charts:
        chart.anchor = anchored(row, SUMMARY_COLUMN, *CHART_PIXELS)
        sheet.add_chart(chart)
        row += CHART_PIXELS[1] // ROW_PIXELS + 1
    return shown


def _columns(sheet: Worksheet, layout: Layout, title: str, row: int) -> None:
    """List the contents of the columns of a wide table."""
    sheet.cell(row, PICTURE_COLUMN, title).font = styles.HEADING
    column = 1
    for group, quantities in groupby(layout.quantities, key=lambda quantity: quantity.group):
        own = list(quantities)
        row += 1
        first, last = column_letter(column), column_letter(column + len(own) - 1)
        names = own[0].symbol if len(own) == 1 else f"{own[0].symbol} … {own[-1].symbol}"
        place = sheet.cell(row, PICTURE_COLUMN, first if first == last else f"{first} – {last}")
        styles.as_head(place, styles.header_fill(own[0].role))
        sheet.cell(row, PICTURE_COLUMN + 1, group).font = styles.BODY
        sheet.cell(row, PICTURE_COLUMN + 4, names).font = styles.SUBTITLE
        column += len(own)


def _introduction(sheet: Worksheet, book: Book) -> None:
    experiment, layout = book.experiment, book.sheets[0]
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
        f"Change a blue number below{f' or on the sheet {DATA}' if book.data else ''}, or the "
        f"learning rate in cell {cell_name(*RATE)} of a sheet: every iteration, loss and chart "
        "follows.",
        f"To train for longer, select the last {_rows(layout)} of a sheet's table and drag it "
        "down.",
        _one_iteration(layout, _update(book)),
        "The names: i input, t target, w weight, h and o weighted sum of a hidden and an output "
        "unit, a_h and a_o their activations, E loss, ∂E/∂w gradient.",
    ]
    for row, step in enumerate(steps, start=5):
        sheet.cell(row, 2, f"{row - 4}.  {step}").font = styles.BODY
    sheet.cell(11, 2, "Colours").font = styles.HEADING
    roles = list(dict.fromkeys(q.role for own in book.sheets for q in own.quantities))
    for column, role in zip((3, 4, 6, 7, 8, 9, 10), roles, strict=False):
        styles.as_head(sheet.cell(11, column, role.value), styles.header_fill(role))


def _rows(layout: Layout) -> str:
    return "row" if layout.block == 1 else f"{layout.block} rows (one iteration)"


def _one_iteration(layout: Layout, update: str) -> str:
    if layout.block == 1:
        return (
            "One row is one iteration: forward pass, loss and gradients stand in the row itself, "
            f"its weights come from the row above ({update})."
        )
    return (
        f"An iteration is {layout.block} rows, one a sample: forward pass, loss and errors δ in "
        "each; weights, gradients over all of them, loss and accuracy in the first. The next "
        f"iteration's weights come from there ({update})."
    )


def _update(book: Book) -> str:
    """Return the update rule of a weight in words."""
    trainings = [layout.experiment.training for layout in book.sheets]
    if all(training.is_plain for training in trainings):
        return "weight − η · gradient"
    optimizers = {str(training.optimizer) for training in trainings}
    by = optimizers.pop() if len(optimizers) == 1 else "the sheet's optimizer"
    return f"moved as {by} does it; the table's last columns are what it remembers"


def _parameters(sheet: Worksheet, book: Book) -> None:
    what = "Weights at the start" if book.data else "Inputs, targets and the start"
    title = sheet.cell(PARAMETER_HEADER_ROW - 1, PARAMETER_COLUMN, what)
    title.font = styles.HEADING
    heads = ("Symbol", "Value", "What it is")
    styles.write_head(sheet, PARAMETER_HEADER_ROW, PARAMETER_COLUMN, heads)
    meanings = _meanings(book)
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
    places = book.parameters.cells
    for symbol, value in book.experiment.initial_values.items():
        row, column = places[symbol]
        name = sheet.cell(row, column - 1, symbol)
        name.font, name.alignment, name.border = styles.BODY, styles.CENTRED, styles.BOX
        cell = styles.write_input(sheet, row, column, value)
        cell.number_format = "0.00####"
        validation.add(cell.coordinate)
        meaning = sheet.cell(row, column + 1, meanings[symbol])
        meaning.font, meaning.border = styles.SUBTITLE, styles.BOX
        meaning.alignment = Alignment(horizontal="left", indent=1)


def _meanings(book: Book) -> dict[str, str]:
    """Return the meaning of each initial value in words."""
    experiment = book.experiment
    naming = experiment.naming
    meanings = {symbol: f"input {k}" for k, symbol in enumerate(naming.inputs, start=1)}
    for target, output in zip(naming.targets, naming.activations(naming.layers[-1]), strict=True):
        meanings[target] = f"target for {output}"
    for layer in naming.weighted_layers:
        units = naming.pre_activations(layer)
        kind = naming.kinds[layer - 1]
        if isinstance(kind, Convolution):
            weights = dict.fromkeys(weight for row in naming.weights(layer) for weight in row)
            places = product(range(1, kind.after.channels + 1), kind.kernel.places)
            for symbol, (channel, (of, row, column)) in zip(weights, places, strict=True):
                source = f" on channel {of + 1}" if kind.kernel.channels > 1 else ""
                place = f"row {row + 1}, column {column + 1}, at the start"
                meanings[symbol] = f"kernel {channel}{source}: {place}"
        else:
            for unit, symbol, source in naming.connections(layer):
                came_from = source.removeprefix("a_")
                meanings[symbol] = f"weight from {came_from} to {units[unit]}, at the start"
        trained = experiment.network.biases_of(layer) == "trained"
        suffix = ", at the start" if trained else ", fixed"
        for symbol in dict.fromkeys(naming.biases(layer)):
            fed = [u for u, b in zip(units, naming.biases(layer), strict=True) if b == symbol]
            names = ", ".join(fed) if len(fed) < 4 else f"{fed[0]} … {fed[-1]}"
            meanings[symbol] = f"bias of {names}{suffix}"
    return meanings


def _summary(sheet: Worksheet, book: Book) -> None:
    """Write the table of each training's results."""
    title = sheet.cell(PARAMETER_HEADER_ROW - 1, SUMMARY_COLUMN, "What each learning rate achieves")
    if book.experiment.variants:
        title.value = "What each sheet achieves"
    title.font = styles.HEADING
    longest = max(len(layout.run.name) for layout in book.sheets)
    names = sheet.column_dimensions[column_letter(SUMMARY_COLUMN + 1)]
    names.width = max(names.width, longest + 2)
    iterations = book.experiment.training.iterations
    every = [layout.results for layout in book.sheets]
    loss, *accuracy = min(every, key=len)
    stated = [(loss, 1), (loss, iterations), *((symbol, iterations) for symbol in accuracy)]
    labels = [f"{symbol} at iteration {iteration}" for symbol, iteration in stated]
    heads = ("Learning rate", "Sheet", *labels)
    styles.write_head(sheet, PARAMETER_HEADER_ROW, SUMMARY_COLUMN, heads)
    for row, layout in enumerate(book.sheets, start=PARAMETER_HEADER_ROW + 1):
        name = layout.run.name
        rate = sheet.cell(row, SUMMARY_COLUMN)
        rate.value = f"={sheet_prefix(name)}{cell_name(*RATE, absolute=True)}"
        link = sheet.cell(row, SUMMARY_COLUMN + 1, name)
        link.hyperlink = Hyperlink(ref=link.coordinate, location=f"{sheet_prefix(name)}A1")
        results = []
        for column, (symbol, iteration) in enumerate(stated, start=SUMMARY_COLUMN + 2):
            cell = sheet.cell(row, column, f"={layout.result_cell(symbol, iteration)}")
            cell.number_format = "0.0%" if symbol in accuracy else "0.0000000000"
            results.append(cell)
        for cell in (rate, link, *results):
            cell.font = styles.LINK if cell is link else styles.BODY
            cell.border = styles.BOX
            cell.alignment = Alignment(horizontal="center")
    if accuracy:
        sheet.column_dimensions[column_letter(SUMMARY_COLUMN + 1 + len(stated))].width = 21
