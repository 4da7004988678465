"""From a spec to a finished workbook: sheets written, recalculated, values cached, saved whole."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from openpyxl import Workbook
from openpyxl.drawing.image import Image

from workbook_tools.engines import recalculate
from workbook_tools.engines.cached_values import fill
from workbook_tools.errors import InputError
from workbook_tools.experiment import load_experiment
from workbook_tools.files import replacing
from workbook_tools.notation import TOTAL_LOSS
from workbook_tools.writing.diagram import diagram_png
from workbook_tools.writing.finishing import Fill, finish, same_content
from workbook_tools.writing.layout import OVERVIEW, Layout
from workbook_tools.writing.overview import write_overview
from workbook_tools.writing.training_sheet import diagram_size, write_training_sheet

BUILD_STEPS = 3


def build(
    spec: Path, workbook: Path, on_step: Callable[[str], None] = lambda description: None
) -> int:
    """Make the workbook of a spec; return how many formula cells it has.

    Every formula cell carries the value that the embedded engine calculates for it. The file
    at ``workbook`` is replaced only when the new one is whole, and left as it is when its
    content would stay the same. ``on_step`` hears what is being done, ``BUILD_STEPS`` times.

    Raises ``InputError`` for a spec that cannot be built and for a place that cannot be
    written to.
    """
    experiment = load_experiment(spec)
    layout = Layout(experiment)
    try:
        layout.check_limits()
    except InputError as error:
        raise InputError(f"{spec}: {error}") from error
    with replacing(workbook, unless_same=same_content) as new, TemporaryDirectory() as folder:
        saved, filled = Path(folder, "saved.xlsx"), Path(folder, "filled.xlsx")
        on_step("writing")
        openpyxl_workbook(layout).save(saved)
        with filled.open("wb") as file:
            finish(saved, file, _fills(layout), _alternative_texts(layout))
        on_step("recalculating")
        calculation = recalculate(filled, "embedded")
        on_step("caching values")
        return fill(filled, new, calculation)


def openpyxl_workbook(layout: Layout) -> Workbook:
    """Return the workbook with the first two iterations of every table, without values."""
    experiment = layout.experiment
    workbook = Workbook()
    overview = workbook.active
    overview.title = OVERVIEW
    picture = diagram_png(experiment, *diagram_size())
    sheets = []
    for rate, name in layout.sheet_names.items():
        sheet = workbook.create_sheet(name)
        write_training_sheet(sheet, layout, rate, Image(BytesIO(picture)))
        sheets.append(sheet)
    write_overview(overview, layout, sheets, Image(BytesIO(picture)))
    # Excel works everything out afresh on opening, whatever the cached values say.
    workbook.calculation.fullCalcOnLoad = True
    properties = workbook.properties
    properties.title = experiment.title
    properties.description = experiment.description
    properties.creator = properties.lastModifiedBy = "workbook_tools"
    properties.keywords = "backpropagation, neural network, gradient descent"
    return workbook


def _sheet_part(number: int) -> str:
    return f"xl/worksheets/sheet{number}.xml"


def _fills(layout: Layout) -> dict[str, Fill]:
    fill_down = Fill(layout.first_row + 1, layout.last_row)
    count = len(layout.sheet_names)
    return {_sheet_part(number): fill_down for number in range(2, count + 2)}


def _alternative_texts(layout: Layout) -> dict[str, str]:
    """Describe each chart and picture, by the part and the name that openpyxl gives it."""
    naming = layout.experiment.naming
    diagram = (
        f"Diagram of the {naming.network} network: {naming.sizes[0]} inputs, "
        + "".join(f"a hidden layer of {size} units, " for size in naming.sizes[1:-1])
        + f"{naming.sizes[-1]} outputs with their losses, and the weights between them."
    )
    texts = {
        "xl/drawings/drawing1.xml#Chart 1": f"Line chart of the loss {TOTAL_LOSS} over the "
        "iterations, one curve for each learning rate, on a logarithmic axis.",
        "xl/drawings/drawing1.xml#Image 2": diagram,
    }
    for number, name in enumerate(layout.sheet_names.values(), start=2):
        part = f"xl/drawings/drawing{number}.xml"
        texts[f"{part}#Chart 1"] = (
            f"Line chart of the loss {TOTAL_LOSS} over the iterations of the sheet {name}."
        )
        texts[f"{part}#Image 2"] = diagram
    return texts
