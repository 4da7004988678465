"""The sheet with the samples, one row each: as measured, and as the network reads them."""

from io import BytesIO

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from openpyxl.comments import Comment
from openpyxl.drawing.image import Image
from openpyxl.styles import Alignment
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from workbook_tools.notation.addresses import cell_name, column_letter, range_name
from workbook_tools.notation.layers import Images
from workbook_tools.notation.quantities import CLASS, DEVIATION, MEAN, SAMPLE
from workbook_tools.writing import styles
from workbook_tools.writing.layout import DATA_HEADER_ROW, OVERVIEW, DataLayout
from workbook_tools.writing.pictures import png
from workbook_tools.writing.quantity import Role
from workbook_tools.writing.styles import CURVE_COLOURS, INK, MUTED

MEAN_ROW, DEVIATION_ROW, NAME_ROW = 4, 5, 6
COLUMN_WIDTH = 12.0
PICTURE_PIXELS = (480, 400)
PIXEL_WIDTH = 7.5
MOST_PIXELS_A_PAGE = 40
IMAGE_PIXELS = (110, 124)  # width and height of each sample's image, with its title
MOST_IMAGES = 12


def write_data_sheet(sheet: Worksheet, layout: DataLayout) -> list[str]:
    """Write the whole sheet; return a description of its picture, if it has one."""
    for column in layout.columns.values():
        sheet.column_dimensions[column_letter(column)].width = COLUMN_WIDTH
    sheet.sheet_view.showGridLines = False
    sheet.freeze_panes = cell_name(layout.first_row, 2)
    _title(sheet, layout)
    _names(sheet, layout)
    _header(sheet, layout)
    if layout.experiment.data.standardise:
        _spread(sheet, layout)
    _samples(sheet, layout)
    styles.set_up_page(sheet)
    sheet.print_title_rows = f"{DATA_HEADER_ROW}:{DATA_HEADER_ROW}"
    if images := layout.experiment.naming.input_images:
        return _images(sheet, layout, images)
    return _picture(sheet, layout)


def _title(sheet: Worksheet, layout: DataLayout) -> None:
    data = layout.experiment.data
    sheet["A1"] = f"Data: {data.count} samples"
    sheet["A1"].font = styles.TITLE
    sheet.row_dimensions[1].height = 26
    sheet["A2"] = "The trainings read columns i and t, by the number of the sample. " + (
        "Inputs are standardised: the measurement minus its mean, over its standard deviation."
        if data.standardise
        else "Change a blue number, and every iteration follows."
    )
    sheet["A2"].font = styles.SUBTITLE
    link = sheet.cell(3, 1, "back to the Overview")
    link.hyperlink = Hyperlink(ref=link.coordinate, location=f"{OVERVIEW}!A1")
    link.font = styles.LINK


def _names(sheet: Worksheet, layout: DataLayout) -> None:
    """Write the names of inputs and outputs above their symbols."""
    experiment = layout.experiment
    letter = "x" if experiment.data.standardise else "i"
    names = {f"{letter}{k}": n for k, n in enumerate(experiment.data.input_names or (), start=1)}
    told = (
        experiment.data.output_classes(experiment.naming.sizes[-1])
        if experiment.data.classes
        else []
    )
    names |= dict(zip(experiment.naming.targets, told, strict=False))
    for symbol, name in names.items():
        cell = sheet.cell(NAME_ROW, layout.columns[symbol], name)
        cell.font = styles.SUBTITLE
        cell.alignment = Alignment(horizontal="center", vertical="bottom", wrap_text=True)
        width = sheet.column_dimensions[column_letter(layout.columns[symbol])]
        width.width = max(width.width, min(30.0, 1.2 * len(name) + 2))


def _header(sheet: Worksheet, layout: DataLayout) -> None:
    for symbol, column in layout.columns.items():
        cell = sheet.cell(DATA_HEADER_ROW, column, symbol)
        role = Role.FORWARD if symbol[0] in "it" else Role.DATA
        styles.as_head(cell, styles.header_fill(role))
        if note := _equation(layout, symbol):
            cell.comment = Comment(note, "workbook-tools", width=360, height=60)
    sheet.row_dimensions[DATA_HEADER_ROW].height = 20


def _equation(layout: DataLayout, symbol: str) -> str | None:
    """Return what a column of formulas computes, in words."""
    if symbol[0] == "i" and layout.experiment.data.standardise:
        x = f"x{symbol[1:]}"
        return f"{symbol} = ({x} − {MEAN} of {x}) / {DEVIATION} of {x}"
    if symbol[0] == "t" and layout.experiment.data.classes:
        return f"{symbol} = 1 where the class is the one named above, else 0"
    return None


def _spread(sheet: Worksheet, layout: DataLayout) -> None:
    """Write mean and standard deviation of the measurements, over all samples (divided by N).

    STDEVP is the older name of STDEV.P; all spreadsheets since 2007 know it.
    """
    for row, label, function in (
        (MEAN_ROW, MEAN, "AVERAGE"),
        (DEVIATION_ROW, DEVIATION, "STDEVP"),
    ):
        name = sheet.cell(row, 1, label)
        name.font, name.alignment = styles.HEADING, Alignment(horizontal="right")
        for symbol, column in layout.columns.items():
            if symbol[0] != "x":
                continue
            first = cell_name(layout.first_row, column)
            cell = sheet.cell(row, column)
            cell.value = f"={function}({first}:{cell_name(layout.last_row, column)})"
            cell.font, cell.border = styles.NUMBER, styles.BOX
            cell.fill = styles.cell_fill(Role.DATA)
            cell.number_format = "0.0000"


def _samples(sheet: Worksheet, layout: DataLayout) -> None:
    experiment = layout.experiment
    data, naming, columns = experiment.data, experiment.naming, layout.columns
    targets = data.target_rows(naming.sizes[-1])
    for number, (measured, wanted) in enumerate(zip(data.inputs, targets, strict=True), start=1):
        row = DATA_HEADER_ROW + number
        values: dict[str, object] = {SAMPLE: number}
        for k, (symbol, value) in enumerate(zip(naming.inputs, measured, strict=True), start=1):
            values[symbol] = value
            if data.standardise:
                column = columns[f"x{k}"]
                values[f"x{k}"] = value
                letter = column_letter(column)
                values[symbol] = f"=({letter}{row}-{letter}${MEAN_ROW})/{letter}${DEVIATION_ROW}"
        for symbol, value in zip(naming.targets, wanted, strict=True):
            values[symbol] = value
            if data.classes:
                own = f"${column_letter(columns[CLASS])}{row}"
                values[symbol] = f"=IF({own}={column_letter(columns[symbol])}${NAME_ROW},1,0)"
        if data.classes:
            values[CLASS] = data.classes[number - 1]
        for symbol, column in columns.items():
            _cell(sheet, row, column, symbol, values[symbol])


def _cell(sheet: Worksheet, row: int, column: int, symbol: str, value: object) -> None:
    cell = sheet.cell(row, column, value)
    typed = symbol != SAMPLE and not (isinstance(value, str) and value.startswith("="))
    cell.font = styles.TYPED_NUMBER if typed else styles.NUMBER
    cell.border = styles.CELL_BORDER
    centred = symbol in (SAMPLE, CLASS) or symbol[0] == "t"
    cell.alignment = Alignment(horizontal="center" if centred else "right")
    cell.fill = styles.cell_fill(Role.FORWARD if symbol[0] in "it" else Role.DATA)
    is_formula = cell.data_type == "f"
    cell.number_format = "0.0000" if is_formula and symbol[0] == "i" else "General"


def _images(sheet: Worksheet, layout: DataLayout, images: Images) -> list[str]:
    """Shade the cells of pixels by their values, and draw the first samples as images below."""
    data, inputs = layout.experiment.data, layout.experiment.naming.inputs
    columns = [layout.columns[symbol] for symbol in inputs]
    place = range_name(layout.first_row, columns[0], layout.last_row, columns[-1])
    sheet.conditional_formatting.add(place, styles.SHADES)
    sheet.page_setup.fitToWidth = -(-len(layout.columns) // MOST_PIXELS_A_PAGE)
    for column in columns:
        sheet.column_dimensions[column_letter(column)].width = PIXEL_WIDTH
    drawn = data.inputs[:MOST_IMAGES]
    titles = [f"{n}: {k}" for n, k in enumerate(data.classes or (), start=1)]
    titles = titles or [str(number) for number in range(1, data.count + 1)]
    picture = Image(BytesIO(_side_by_side(drawn, titles, images)))
    picture.width, picture.height = IMAGE_PIXELS[0] * len(drawn), IMAGE_PIXELS[1]
    picture.anchor = cell_name(layout.last_row + 2, 1)
    sheet.add_image(picture)
    which = f"The {data.count}" if data.count == len(drawn) else f"The first {len(drawn)}"
    return [f"{which} samples as images of {images.rows} × {images.columns} pixels."]


def _side_by_side(samples: list[list[float]], titles: list[str], images: Images) -> bytes:
    width, height = IMAGE_PIXELS
    figure = Figure(figsize=(width * len(samples) / 100, height / 100), dpi=100)
    FigureCanvasAgg(figure)
    for axes, pixels, title in zip(
        figure.subplots(1, len(samples), squeeze=False)[0], samples, titles, strict=False
    ):
        rows = [pixels[k * images.columns :][: images.columns] for k in range(images.rows)]
        axes.imshow(rows, cmap="Greys")
        axes.set_title(title, size=9, color=f"#{INK}")
        axes.set_xticks([])
        axes.set_yticks([])
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.04, top=0.84, wspace=0.15)
    return png(figure, 200)


def _picture(sheet: Worksheet, layout: DataLayout) -> list[str]:
    """Draw samples of two inputs as points, coloured by class or first target."""
    experiment = layout.experiment
    data = experiment.data
    if experiment.naming.sizes[0] != 2:
        return []
    targets = data.target_rows(experiment.naming.sizes[-1])
    labels = data.classes or ["target " + ", ".join(f"{t:g}" for t in row) for row in targets]
    kinds = list(dict.fromkeys(labels))
    if len(kinds) > len(CURVE_COLOURS):
        return []
    image = Image(BytesIO(_scatter(data.inputs, labels, kinds, data.input_names)))
    image.width, image.height = PICTURE_PIXELS
    # Below the header, which is printed again on every page.
    image.anchor = cell_name(layout.first_row, max(layout.columns.values()) + 2)
    sheet.add_image(image)
    kind = "class" if data.classes else "target"
    return [f"The {data.count} samples as points in their two inputs, coloured by {kind}."]


def _scatter(
    inputs: list[list[float]], labels: list[str], kinds: list[str], names: list[str] | None
) -> bytes:
    width, height = PICTURE_PIXELS
    figure = Figure(figsize=(width / 100, height / 100), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for kind, colour in zip(kinds, CURVE_COLOURS, strict=False):
        points = [point for point, label in zip(inputs, labels, strict=True) if label == kind]
        x, y = zip(*points, strict=True)
        size = max(24, min(90, 2000 / len(inputs)))
        axes.scatter(
            x, y, s=size, color=f"#{colour}", edgecolors="white", linewidths=0.5, label=kind
        )
    first, second = names or ("i1", "i2")
    axes.set_xlabel(first, color=f"#{INK}")
    axes.set_ylabel(second, color=f"#{INK}")
    axes.tick_params(colors=f"#{MUTED}")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.legend(loc="outside upper center", ncols=len(kinds), frameon=False)
    return png(figure, 200)
