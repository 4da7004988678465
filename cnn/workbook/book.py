"""From a trained network to a finished workbook: writes its sheets, recalculates, saves it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from openpyxl import Workbook
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.worksheet import Worksheet
from torch import nn

from cnn.data import DEVIATION, MEAN
from cnn.workbook.digit_sheet import DRAWN_DIGIT_CELL, ETA_CELL, SELECTED_CELL, write_digit_sheet
from cnn.workbook.digits import Digits
from cnn.workbook.digits_sheet import write_digits_sheet
from cnn.workbook.drawing import described, drawing
from cnn.workbook.layout import FIRST_SECTION, Area
from cnn.workbook.network import network_of
from cnn.workbook.overview import Story, write_overview
from cnn.workbook.plan import Plan
from cnn.workbook.sections import write_sheet
from workbook_tools.errors import InputError
from workbook_tools.notation import convolutional as names
from workbook_tools.notation.convolutional import DIGIT, DIGITS, INPUT, OVERVIEW
from workbook_tools.writing import styles
from workbook_tools.writing.workbook import alternative_texts, describe, save_with_values

BUILD_STEPS = 3
RATE = 0.01  # the initial η
MEAN_CELL, DEVIATION_CELL = (Area(INPUT, (FIRST_SECTION + k, 8)) for k in range(2))


@dataclass(frozen=True)
class Look:
    """The workbook's title, and what it shows at first."""

    title: str
    subtitle: str
    selected: int = 1  # the number of a stored digit
    rate: float = RATE

    @classmethod
    def of(cls, name: str, digits: Digits, selected: int | None) -> Self:
        """Return the look of the network ``name``; by default the worst mistake is selected."""
        mistakes = [n for n, truth in enumerate(digits.truth) if digits.read_as[n] != truth]
        first = mistakes[0] + 1 if mistakes else 1
        return cls(
            "MNIST in cells: a convolutional network that reads digits",
            f"The trained network “{name}”: forward, backward and one step of training. Every "
            "number but the pixels and the weights is a formula that you can click on.",
            first if selected is None else selected,
        )


def build(
    model: nn.Sequential, digits: Digits, look: Look, path: Path,
    on_step: Callable[[str], None] = lambda description: None,
) -> int:  # fmt: skip
    """Write the workbook of a network; return how many formula cells it has.

    ``on_step`` is called ``BUILD_STEPS`` times with the progress in words. Raises ``InputError``
    for a network that is not supported, a digit that is not stored, or a path that cannot be
    written.
    """
    stored = len(digits.truth)
    if not 1 <= look.selected <= stored:
        raise InputError(f"digit {look.selected}: give a number from 1 to {stored}")
    on_step("writing")
    plan = Plan(network_of(model, *digits.pixels.shape[1:]), digits)
    classes = plan.network.layers[-1].output.count
    if max(digits.truth) >= classes:
        raise InputError(
            f"one of the digits is a {max(digits.truth)}, but the network only knows 0 to "
            f"{classes - 1}; give another network"
        )
    workbook, texts = _openpyxl_workbook(plan, look)
    return save_with_values(workbook, texts, {}, path, on_step)


def _openpyxl_workbook(plan: Plan, look: Look) -> tuple[Workbook, dict[str, str]]:
    """Return the workbook without values, and descriptions of its charts and pictures."""
    workbook = Workbook()
    overview = workbook.active
    overview.title = OVERVIEW
    story = Story(look.title, look.subtitle, drawing(plan.network), described(plan.network))
    shown = [write_overview(overview, plan, story)]
    digit, *others = plan.sheets
    shown.append(
        write_digit_sheet(workbook.create_sheet(DIGIT), plan, digit, look.selected, look.rate)
    )
    write_digits_sheet(workbook.create_sheet(DIGITS), plan)
    shown.append([])
    every = [DIGITS, *(of.name for of in others)]
    for number, of in enumerate(others, start=1):
        sheet = workbook.create_sheet(of.name)
        write_sheet(
            sheet, of, [DIGIT, *every[number - 1 : number], *every[number + 1 : number + 2]]
        )
        shown.append([])
        if of.name == INPUT:
            _constants(sheet)
    for name, area in (
        (names.SELECTED, SELECTED_CELL),
        (names.DRAWN_DIGIT, DRAWN_DIGIT_CELL),
        (names.ETA, ETA_CELL),
        (names.PIXEL_MEAN, MEAN_CELL),
        (names.PIXEL_DEVIATION, DEVIATION_CELL),
    ):
        place = area.on("", absolute=True)
        workbook.defined_names[name] = DefinedName(name, attr_text=place)
    # Excel recalculates everything on opening, whatever the cached values are.
    workbook.calculation.fullCalcOnLoad = True
    describe(workbook, look.title, look.subtitle, "convolution")
    workbook.active = workbook.sheetnames.index(OVERVIEW)
    return workbook, alternative_texts(workbook, shown)


def _constants(sheet: Worksheet) -> None:
    """Write mean and deviation, by which the pixels are normalised."""
    for area, label, value in (
        (MEAN_CELL, "mean", MEAN),
        (DEVIATION_CELL, "deviation", DEVIATION),
    ):
        row, column = area.first
        sheet.cell(row, 2, label).font = styles.BODY
        sheet.merge_cells(start_row=row, end_row=row, start_column=column, end_column=column + 2)
        styles.write_input(sheet, row, column, value)
