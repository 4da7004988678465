"""Answers which typed numbers move a cell of a workbook, and how much."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from workbook_tools.differentiation.adjoints import Derivatives, NotDifferentiableError
from workbook_tools.differentiation.asked import cells_named, number_in
from workbook_tools.engines import compiled
from workbook_tools.errors import InputError
from workbook_tools.formulas.labels_beside import label_of
from workbook_tools.formulas.sheets import Sheet, read_sheets
from workbook_tools.notation.addresses import Cell, full_name
from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.package.columns import Calculation, Columns
from workbook_tools.package.workbook import open_package
from workbook_tools.program.graph import Graph
from workbook_tools.sensitivity.changed import results
from workbook_tools.sensitivity.influence import LADDER, PERCENTS, Effect, Influence, reach
from workbook_tools.sensitivity.typed_numbers import typed_numbers

MOST_CELLS = 10_000  # whose influence is worked out
_MOST_COMPARED = 1_000  # of them, those that are compared with a straight line
_FURTHER = tuple(k for step in LADDER for k in (-step, step) if k not in PERCENTS)
_LONGEST = 40  # characters of a text that the result shows


@dataclass(frozen=True)
class Question:
    """Which numbers move a cell, ``Sheet1!F20``; by which cells that is asked, perhaps."""

    path: Path
    of: str
    by: tuple[str, ...] = ()  # ``Sheet1!B2:C4``; empty for all typed numbers


@dataclass
class Sensitivity:
    """How much the numbers of a workbook move one of its results."""

    workbook: str
    engine: str
    of: Cell
    label: str | None
    value: float
    influences: list[Influence]  # the largest first
    gaps: list[
        str
    ]  # why some derivatives do not exist: formulas without one, or one reason for all


def answered(question: Question, folder: Path, on_step: Callable[[str], None]) -> Sensitivity:
    """Answer a question in a process of its own (see ``checking.alone``)."""
    return sensitivity(question)


def sensitivity(question: Question) -> Sensitivity:
    """Work out how much a cell is moved by others, or by all typed numbers that it depends on.

    The cells of ``by`` count as numbers, even if they hold formulas; in a range, cells without a
    number are left out. Raises ``InputError``.
    """
    path = question.path
    with open_package(path) as package:
        sheets, stored = read_sheets(package)
        iterations = package.iterations
    graph = Graph.of(sheets)
    calculation = compiled.calculated(path, graph, sheets, stored, iterations)
    [of] = cells_named(path, "--of", question.of, sheets)
    value = number_in(path, "--of", of, calculation)
    if question.by:
        cells = _numbers_named(question, sheets, calculation)
    else:
        cells = typed_numbers(sheets, graph, calculation, of, MOST_CELLS)
    if of in cells:
        raise InputError(f"{path}: --by {full_name(of)} is the cell of --of; leave it out")
    if not cells:
        raise InputError(
            f"{path}: {full_name(of)} depends on no typed number; give --of a cell with a formula "
            "that does"
        )
    if len(cells) > MOST_CELLS:
        raise InputError(
            f"{path}: {full_name(of)} depends on more than {MOST_CELLS:,} numbers; "
            "name some of them with --by"
            if not question.by
            else f"{path}: --by names more than {MOST_CELLS:,} numbers; name fewer"
        )
    try:
        derivatives = Derivatives(sheets, calculation, cells, iterations)
        derivatives.refuse_changing([of])
        if not derivatives.depends(of):
            raise InputError(
                f"{path}: {full_name(of)} does not depend on {', '.join(question.by) or 'them'}; "
                "give --by cells that it is calculated from"
            )
        effects = _effects(derivatives, of, cells)
    except NotDifferentiableError as error:
        raise InputError(
            f"{path}: {full_name(of)} cannot be calculated with other numbers: {error}; "
            "with --by, name numbers that it depends on in another way"
        ) from error
    slopes, gaps = _slopes(derivatives, of, cells)
    label = partial(_label, {sheet.name: sheet for sheet in sheets}, calculation)
    influences = [
        Influence(cell, label(cell), number_in(path, "--by", cell, calculation), value, slope, own)
        for cell, slope, own in zip(cells, slopes, effects, strict=True)
    ]
    influences.sort(key=lambda one: (one.reach, abs(one.derivative or 0.0)), reverse=True)
    return Sensitivity(str(path), calculation.engine, of, label(of), value, influences, gaps)


def _label(sheets: Mapping[str, Sheet], values: Columns, cell: Cell) -> str | None:
    name, row, column = cell

    def is_filled(row: int, column: int) -> bool:
        return values.value((name, row, column)) is not None

    return label_of(sheets[name], row, column, is_filled)


def _numbers_named(
    question: Question, sheets: Sequence[Sheet], calculation: Calculation
) -> list[Cell]:
    """Return the cells of ``--by`` that hold numbers."""
    found: dict[Cell, None] = {}
    for text in question.by:
        cells = cells_named(question.path, "--by", text, sheets)
        numbers = [cell for cell in cells if isinstance(calculation.value(cell), float)]
        if not numbers:
            number_in(question.path, "--by", cells[0], calculation)  # says what it holds
        found |= dict.fromkeys(numbers)
    return [*found]


def _effects(derivatives: Derivatives, of: Cell, cells: Sequence[Cell]) -> list[dict[int, Effect]]:
    """Return the effects of changes of each cell; none for a cell with a 0.

    The cells that move the result most are changed by all of ``LADDER``.
    """
    memory = derivatives.memory
    moved = [cell for cell in cells if memory.numbers[derivatives.place(cell), 0] != 0]
    found: dict[Cell, dict[int, Effect]] = {cell: {} for cell in cells}
    for percents, many in ((PERCENTS, len(moved)), (_FURTHER, _MOST_COMPARED)):
        moved = sorted(moved, key=lambda cell: reach(found[cell]), reverse=True)[:many]
        every = results(derivatives, of, moved, percents)
        for cell, (unchanged, shown) in zip(moved, every, strict=True):
            if not isinstance(unchanged, float):
                raise NotDifferentiableError(f"it is {_said(unchanged)} if it is calculated again")
            for percent, own in zip(percents, shown, strict=True):
                found[cell][percent] = _effect(own, unchanged)
    return [found[cell] for cell in cells]


def _effect(value: CellValue, unchanged: float) -> Effect:
    return Effect(value - unchanged) if isinstance(value, float) else Effect(None, _said(value))


def _said(value: CellValue) -> str:
    if isinstance(value, CellError):
        return value.code
    return "empty" if value is None else str(value)[:_LONGEST]


def _slopes(
    derivatives: Derivatives, of: Cell, cells: Sequence[Cell]
) -> tuple[list[float | None], list[str]]:
    """Return the derivatives by some cells, and why some do not exist."""
    gaps: list[str] = []
    try:
        found = derivatives.adjoints([of], derivatives.memory, gaps=gaps)
    except NotDifferentiableError as error:
        return [None for _ in cells], [str(error)]
    own = found[[derivatives.place(cell) for cell in cells], 0].tolist()
    return [slope if math.isfinite(slope) else None for slope in own], [*dict.fromkeys(gaps)]
