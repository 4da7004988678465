"""The sheet Overview: an introduction, the layers, how to read the workbook, what is checked."""

from collections.abc import Iterator
from dataclasses import dataclass

from openpyxl.drawing.image import Image
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from cnn.workbook import look
from cnn.workbook.network import AveragePool, Convolution, Layer, MaxPool, Network
from cnn.workbook.notes import TITLES
from cnn.workbook.plan import Plan
from cnn.workbook.planning.section_names import back_name, step_name, weights_name
from cnn.workbook.planning.sheet import Part
from cnn.workbook.sections import title
from workbook_tools.notation.addresses import sheet_prefix
from workbook_tools.notation.convolutional import AFTER, DIGIT, INPUT, SOFTMAX, times
from workbook_tools.writing import styles
from workbook_tools.writing.pictures import anchored

WIDTHS = (13, 27, 20, 12, 17, 17, 17, 17)
PICTURE_ROW, PICTURE_WIDTH = 4, 1130
ROW_PIXELS = 20


@dataclass(frozen=True)
class Story:
    """What the Overview shows besides the layers."""

    title: str
    subtitle: str
    drawing: Image
    drawn: str  # a description of the drawing


def write_overview(sheet: Worksheet, plan: Plan, story: Story) -> list[str]:
    """Write the whole sheet; return a description of its picture."""
    title(sheet, story.title)
    sheet["B2"] = story.subtitle
    sheet["B2"].font = styles.SUBTITLE
    sheet.column_dimensions["A"].width = 2
    for column, width in enumerate(WIDTHS, start=2):
        look.widths(sheet, width, column, column)
    height = round(PICTURE_WIDTH * story.drawing.height / story.drawing.width)
    story.drawing.anchor = anchored(PICTURE_ROW, 2, PICTURE_WIDTH, height)
    sheet.add_image(story.drawing)
    row = PICTURE_ROW + height // ROW_PIXELS + 2
    row = _text(sheet, row, "How to read this workbook", _steps(plan))
    row = _tabs(sheet, row)
    row = _layers(sheet, row, plan)
    _text(sheet, row, "What is checked", _checked(plan))
    sheet.sheet_properties.tabColor = look.TAB_COLOURS[Part.START]
    styles.set_up_page(sheet)
    sheet.page_setup.fitToHeight = 1
    return [story.drawn]


def _text(sheet: Worksheet, row: int, heading: str, lines: list[str]) -> int:
    """Write a heading and numbered lines; return the row after them."""
    sheet.cell(row, 2, heading).font = styles.HEADING
    for number, line in enumerate(lines, start=1):
        sheet.cell(row + number, 2, f"{number}.  {line}").font = styles.BODY
    return row + len(lines) + 2


def _steps(plan: Plan) -> list[str]:
    count = len(plan.digits.truth)
    return [
        f"Go to {DIGIT} and choose one of {count} test digits, or draw: type over pixels and watch "
        "the probabilities move. Everything follows, on every sheet.",
        "Click any cell of any map: its formula is the mathematics of that cell, and the same all "
        "over the map. The colours are the numbers: white is 0.",
        "The heading of each section says in a sentence what stands below it, and which sections "
        "it comes from. Hatched cells are zeros around a map.",
        "The Backward sheets run from the loss back to the pixels: how much the loss grows with "
        "each number. On the Step sheets every weight moves against its gradient.",
        f"{AFTER} works out the loss once more with those weights: on {DIGIT}, change the "
        "learning rate η and see it fall, or jump up where the step is too long.",
    ]


def _tabs(sheet: Worksheet, row: int) -> int:
    """Write the legend of the tab colours."""
    sheet.cell(row, 2, "Tabs").font = styles.HEADING
    for column, part in enumerate(Part, start=3):
        styles.as_head(sheet.cell(row, column, part.value), look.solid(look.TAB_COLOURS[part]))
    return row + 2


def _layers(sheet: Worksheet, row: int, plan: Plan) -> int:
    """Write the table of layers with links to their sheets; return the row after it."""
    heads = ("layer", "what it does", "what comes out", "parameters",
             "forward", "weights", "gradient", "one step")  # fmt: skip
    styles.write_head(sheet, row, 2, heads)
    there = {of.name for of in plan.sheets}
    network = plan.network
    for name, what, output, parameters in _rows(network):
        row += 1
        contents: list[str | int | None] = [name, what, output, parameters]
        contents += [own if own in there else None for own in _sheets_of(name)]
        for column, content in enumerate(contents, start=2):
            cell = sheet.cell(row, column, content)
            cell.font, cell.border = styles.BODY, styles.BOX
            cell.alignment = look.LEFT if column == 3 else styles.CENTRED
            if column > 5 and content:
                cell.font = styles.LINK
                cell.hyperlink = Hyperlink(
                    ref=cell.coordinate, location=f"{sheet_prefix(str(content))}A1"
                )
            if column == 5:
                cell.number_format = "#,##0;;"
    row += 1
    total = sheet.cell(row, 5, network.parameters)
    total.number_format, total.alignment = "#,##0", styles.CENTRED
    sheet.cell(row, 4, "together").alignment = styles.CENTRED
    for column in (4, 5):
        sheet.cell(row, column).font = styles.FIRST_NUMBER
    for line in _remarks(network):
        row += 1
        sheet.cell(row, 2, line).font = styles.SUBTITLE
    return row + 2


def _rows(network: Network) -> Iterator[tuple[str, str, str, int]]:
    image = network.image
    yield INPUT, "pixels, scaled", str(image), 0
    for layer in network.layers:
        yield layer.name, _what(layer), str(layer.output), layer.parameters
    yield SOFTMAX, "probabilities and loss", str(network.layers[-1].output), 0


def _what(layer: Layer) -> str:
    said = TITLES[type(layer.operation)]
    match layer.operation:
        case Convolution(kernels, _, _):
            return f"{said}, {times(*kernels.shape[2:])}"
        case MaxPool(window) | AveragePool(window):
            return f"{said}, {times(*window)}"
    return said


def _sheets_of(name: str) -> tuple[str, str, str, str]:
    return name, weights_name(name), back_name(name), step_name(name)


def _remarks(network: Network) -> list[str]:
    remarks = []
    if network.folded:
        remarks.append(
            f"Batch normalisation ({', '.join(network.folded)}) is folded into the weights before "
            "it: after training it only scales and shifts."
        )
    if network.dropouts:
        remarks.append(
            f"Dropout ({', '.join(network.dropouts)}) is only at work in training; here it does "
            "nothing."
        )
    return remarks


def _checked(plan: Plan) -> list[str]:
    return [
        "Every formula cell is compared with PyTorch (double precision, gradients by autograd), "
        "from the numbers of the cells that it reads: workbook-tools verify FILE does so.",
        "So it is for every stored digit, by selecting one after another, and with weights and "
        "pixels drawn at random: a wrong formula is found even where its value is right by chance.",
        "When the file is made it is compared with the trained network as well, from pixel to "
        "probability and back to every weight.",
    ]
