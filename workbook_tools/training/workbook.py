"""A workbook in which the model of another one learns."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from openpyxl import Workbook

from workbook_tools.engines import recalculate
from workbook_tools.errors import InputError
from workbook_tools.gradients.model import Model, read_model
from workbook_tools.notation.addresses import MAX_ROWS, full_name
from workbook_tools.package.workbook import open_package
from workbook_tools.spec.training import Training
from workbook_tools.training.batches import in_batches
from workbook_tools.training.sheets import (
    RateSheet,
    write_constants,
    write_overview,
    write_table,
)
from workbook_tools.training.table import CONSTANTS, TrainingTable, training_table
from workbook_tools.writing.finishing import Fill
from workbook_tools.writing.layout import FIRST_ROW, OVERVIEW
from workbook_tools.writing.workbook import alternative_texts, describe, save_with_values

_SAME = 1e-12  # relative


@dataclass(frozen=True)
class Wanted:
    """A training that is to be written: of which cell, by which parameters, and how."""

    path: Path
    of: str
    by: tuple[str, ...]
    training: Training


@dataclass(frozen=True)
class Result:
    """The result of one learning rate."""

    sheet: str
    rate: float
    first: float
    last: float | str  # or the error that it ends in


@dataclass(frozen=True)
class Summary:
    """What was written."""

    file: Path  # which exists as long as the process that wrote it
    of: str
    parameters: int
    columns: int
    cells: int
    results: list[Result]


def trained(wanted: Wanted, folder: Path, on_step: Callable[[str], None]) -> Summary:
    """Write the workbook of a training into a folder, in a process of its own.

    Raises ``InputError``.
    """
    with open_package(wanted.path) as package:
        model = read_model(package, wanted.of, wanted.by)
    training, batched = wanted.training, None
    if training.batch is not None:
        batched = in_batches(model, training.batch)
        model = batched.model
    table = training_table(model, training, batched)
    if FIRST_ROW + training.iterations - 1 > MAX_ROWS:
        raise InputError(
            f"--iterations {training.iterations:,}: a sheet has {MAX_ROWS:,} rows; give at most "
            f"{MAX_ROWS - FIRST_ROW + 1:,}"
        )
    sheets = [
        RateSheet(f"LR {rate:.15g}", rate, table, training.iterations)
        for rate in training.learning_rates
    ]
    file = folder / "training.xlsx"
    cells = _save(model, training, table, sheets, file)
    return Summary(
        file,
        full_name(model.of),
        len(model.by),
        len(table.columns),
        cells,
        _results(model, table, sheets, file),
    )


def _save(
    model: Model, training: Training, table: TrainingTable, sheets: list[RateSheet], file: Path
) -> int:
    """Save the workbook with its values; return how many formulas it has."""
    workbook = Workbook()
    overview = workbook.active
    overview.title = OVERVIEW
    write_constants(workbook.create_sheet(CONSTANTS), table, model)
    shown: list[list[str]] = [[]]
    fills = {}
    for number, own in enumerate(sheets, start=3):  # the Overview and the numbers come before
        shown.append(write_table(workbook.create_sheet(own.name), own, model, training))
        fills[f"xl/worksheets/sheet{number}.xml"] = Fill(FIRST_ROW + 1, 1, own.last_row)
    shown.insert(0, write_overview(overview, sheets, model, training))
    workbook.calculation.fullCalcOnLoad = True
    title = f"{full_name(model.of)} of {model.path.name} learns"
    describe(workbook, title, "", str(training.optimizer))
    texts = alternative_texts(workbook, shown)
    return save_with_values(workbook, texts, fills, file, lambda step: None)


def _results(
    model: Model, table: TrainingTable, sheets: list[RateSheet], file: Path
) -> list[Result]:
    """Return the results; raises ``InputError`` unless the first rows show the model's values."""
    values = recalculate(file, "cached")
    found = []
    for own in sheets:
        for cell, column in table.places.items():
            here, right = values.value((own.name, FIRST_ROW, column)), model.values.value(cell)
            is_same = here == right or (
                isinstance(here, float)
                and isinstance(right, float)
                and abs(here - right) <= _SAME * max(abs(here), abs(right), 1e-9)
            )
            if not is_same:
                raise InputError(
                    f"{model.path}: in one row, {full_name(cell)} gives {here}, not {right}; "
                    "please report this"
                )
        first, last = (
            values.value((own.name, row, table.loss)) for row in (FIRST_ROW, own.last_row)
        )
        found.append(
            Result(
                own.name,
                own.rate,
                float(str(first)),
                last if isinstance(last, float) else getattr(last, "code", str(last)),
            )
        )
    return found
