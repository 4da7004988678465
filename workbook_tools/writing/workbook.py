"""From a spec to a finished workbook: writes its sheets, recalculates, caches values, saves it."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from openpyxl import Workbook
from openpyxl.drawing.image import Image

from workbook_tools.engines import DEFAULT, recalculate
from workbook_tools.engines.cached_values import fill
from workbook_tools.errors import InputError
from workbook_tools.package.files import replacing
from workbook_tools.spec.experiment import Experiment
from workbook_tools.spec.load import load_experiment
from workbook_tools.writing.data_sheet import write_data_sheet
from workbook_tools.writing.diagram import diagram_png
from workbook_tools.writing.finishing import Fill, finish, same_content
from workbook_tools.writing.layout import DATA, OVERVIEW, Book
from workbook_tools.writing.limits import check_limits
from workbook_tools.writing.overview import write_overview
from workbook_tools.writing.training_sheet import diagram_size, write_training_sheet

BUILD_STEPS = 3


def build(
    spec: Path,
    workbook: Path,
    on_step: Callable[[str], None] = lambda description: None,
    on_plan: Callable[[str], None] = lambda description: None,
) -> int:
    """Build the workbook of a spec; return how many formula cells it has.

    Every formula cell gets the value that the default engine calculates. The file at ``workbook``
    is replaced only when the new one is complete, and is not touched if its content would stay the
    same. ``on_step`` is called ``BUILD_STEPS`` times with the progress in words; before that,
    ``on_plan`` is called once with the amount to be written, in words.

    Raises ``InputError`` for a spec that cannot be built, or a path that cannot be written.
    """
    experiment = load_experiment(spec)
    book = Book(experiment)
    try:
        check_limits(book)
    except InputError as error:
        raise InputError(f"{spec}: {error}") from error
    on_plan(book.described)
    on_step("writing")
    workbook_of_two_iterations, texts = openpyxl_workbook(book)
    return save_with_values(workbook_of_two_iterations, texts, _fills(book), workbook, on_step)


def save_with_values(
    workbook: Workbook,
    texts: dict[str, str],
    fills: dict[str, Fill],
    path: Path,
    on_step: Callable[[str], None],
) -> int:
    """Save a workbook with the values of its formula cells; return how many there are.

    ``texts`` and ``fills`` are those of ``finishing``. The old file is not touched if its content
    would stay the same. Raises ``InputError`` for a path that cannot be written.
    """
    with replacing(path, unless_same=same_content) as new, TemporaryDirectory() as folder:
        saved, filled = Path(folder, "saved.xlsx"), Path(folder, "filled.xlsx")
        workbook.save(saved)
        with filled.open("wb") as file:
            finish(saved, file, fills, texts)
        on_step("recalculating")
        calculation = recalculate(filled, DEFAULT)
        on_step("caching values")
        return fill(filled, new, calculation)


def openpyxl_workbook(book: Book) -> tuple[Workbook, dict[str, str]]:
    """Return the workbook with the first two iterations of every table, without values.

    Also return the descriptions of its charts and pictures, by drawing part and openpyxl's name.
    """
    experiment = book.experiment
    workbook = Workbook()
    overview = workbook.active
    overview.title = OVERVIEW
    shown: list[list[str]] = []
    drawn: dict[str, bytes] = {}  # sheets with the same network show the same picture

    def diagram(of: Experiment) -> Image:
        look = ", ".join(of.network.activations)
        if look not in drawn:
            drawn[look] = diagram_png(of, *diagram_size())
        return Image(BytesIO(drawn[look]))

    if book.data:
        shown.append(write_data_sheet(workbook.create_sheet(DATA), book.data))
    for layout in book.sheets:
        sheet = workbook.create_sheet(layout.run.name)
        shown.append(write_training_sheet(sheet, layout, diagram(layout.experiment)))
    shown.insert(0, write_overview(overview, book, diagram(experiment)))
    # Excel recalculates everything on opening, whatever the cached values are.
    workbook.calculation.fullCalcOnLoad = True
    describe(workbook, experiment.title, experiment.description, "gradient descent")
    return workbook, alternative_texts(workbook, shown)


def describe(workbook: Workbook, title: str, description: str, keyword: str) -> None:
    """Set the file's properties: title, description, author, keywords."""
    properties = workbook.properties
    properties.title, properties.description = title, description
    properties.creator = properties.lastModifiedBy = "workbook_tools"
    properties.keywords = f"backpropagation, neural network, {keyword}"


def alternative_texts(workbook: Workbook, shown: list[list[str]]) -> dict[str, str]:
    """Return the texts by part and name; only sheets with a drawing count in its number.

    ``shown`` has for each sheet the descriptions of its charts, then of its pictures.
    """
    texts: dict[str, str] = {}
    drawn = [(sheet, own) for sheet, own in zip(workbook, shown, strict=True) if own]
    for number, (sheet, own) in enumerate(drawn, start=1):
        kinds = ["Chart"] * len(sheet._charts) + ["Image"] * len(sheet._images)
        for place, (kind, text) in enumerate(zip(kinds, own, strict=True), start=1):
            texts[f"xl/drawings/drawing{number}.xml#{kind} {place}"] = text
    return texts


def _fills(book: Book) -> dict[str, Fill]:
    before = 2 if book.data else 1  # Overview and Data come before the trainings
    return {
        f"xl/worksheets/sheet{number}.xml": Fill(
            layout.iteration_row(2), layout.block, layout.last_row
        )
        for number, layout in enumerate(book.sheets, start=before + 1)
    }
