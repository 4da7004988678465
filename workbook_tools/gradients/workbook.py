"""A copy of a workbook with the derivatives of one of its cells, on sheets beside its own."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbook_tools.editing.cell_styles import CellStyles
from workbook_tools.editing.notes import add_notes
from workbook_tools.editing.placed_sheet import place_sheet
from workbook_tools.errors import InputError
from workbook_tools.formulas.references import MAX_FORMULA_LENGTH
from workbook_tools.gradients.anchored import anchored
from workbook_tools.gradients.calculated import calculate, refuse_differences
from workbook_tools.gradients.formulas import Formulas, derivative_formulas
from workbook_tools.gradients.mirrored_sheet import NewSheet, mirrored_sheet
from workbook_tools.gradients.model import Model, read_model
from workbook_tools.gradients.names import names_beside
from workbook_tools.gradients.side_cells import Area
from workbook_tools.gradients.step import add_step
from workbook_tools.notation.addresses import Cell, full_name, sheet_prefix
from workbook_tools.package.cell_values import CellValue
from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.workbook import open_package

_AUTHOR = "workbook-tools"
_PREFIX = "∂ "


@dataclass(frozen=True)
class Wanted:
    """Which derivatives are to be written: of which cell, and by which cells."""

    path: Path
    of: str
    by: tuple[str, ...]
    rate: float | None = None  # of a step against the gradient, which is shown, too


@dataclass(frozen=True)
class Parameter:
    """A parameter, and the cell with its derivative."""

    cell: Cell
    value: float
    written_in: Cell
    derivative: CellValue  # a number, or the error that the formula shows


@dataclass(frozen=True)
class Summary:
    """What was written."""

    file: Path  # which exists as long as the process that wrote it
    of: Cell
    value: float
    after: CellValue  # the result after a step; None if there is none
    parameters: list[Parameter]
    sheets: dict[str, str]  # the sheet of derivatives beside each sheet
    count: int  # of derivatives
    left_out: int  # cells without a derivative, which no parameter has an effect on
    why: str  # the reason of the first of them


def differentiated(wanted: Wanted, folder: Path, on_step: Callable[[str], None]) -> Summary:
    """Write a copy of a workbook with derivatives into a folder, in a process of its own.

    Raises ``InputError``.
    """
    if wanted.rate is not None and not math.isfinite(wanted.rate):
        raise InputError(f"--step {wanted.rate}: give a number, such as 0.1")
    with open_package(wanted.path) as package:
        model = read_model(package, wanted.of, wanted.by)
        formulas = derivative_formulas(model)
        copy = PackageCopy(package)
        names = names_beside(
            wanted.path, _PREFIX, dict.fromkeys(c[0] for c in formulas.by), package.sheet_names
        )
        _refuse_protection(copy, model, names)
        derivatives = _sheets_of_derivatives(model, formulas, names)
        sheets = [*derivatives.values()]
        result = None
        if wanted.rate is not None:
            taken = [*package.sheet_names, *names.values()]
            result = add_step(model, formulas.rule, derivatives, sheets, wanted.rate, taken)
        values = calculate(model, sheets)
        shown = {cell: values.value((names[cell[0]], *cell[1:])) for cell in formulas.by}
        refuse_differences(model, shown)
        _write(copy, sheets)
        file = folder / f"derivatives{wanted.path.suffix}"
        copy.save(file)
    return Summary(
        file,
        model.of,
        model.number(model.of),
        values.value(result) if result else None,
        [
            Parameter(cell, model.number(cell), (names[cell[0]], *cell[1:]), shown[cell])
            for cell in model.by
        ],
        names,
        len(formulas.by),
        len(formulas.left_out),
        next(iter(formulas.left_out.values()), ""),
    )


def _sheets_of_derivatives(
    model: Model, formulas: Formulas, names: Mapping[str, str]
) -> dict[str, NewSheet]:
    """Return the sheets of derivatives, by the sheet beside which they are."""
    found = {
        sheet.name: NewSheet(sheet, names[sheet.name], are_derivatives=True)
        for sheet in model.sheets
        if sheet.name in names
    }
    for (sheet, row, column), text in _texts(model, formulas, names).items():
        found[sheet].formulas[row, column] = text
    for (sheet, row, column), heading in formulas.headings.items():
        if (row, column) not in found[sheet].formulas:  # of cells in the first row
            found[sheet].texts[row, column] = heading
    for sheet, row, column in formulas.arrays():
        found[sheet].arrays.add((row, column))
    for cell in model.by:
        found[cell[0]].notes[cell[1:]] = _note(model, cell)
    found[model.of[0]].notes[model.of[1:]] = (
        f"∂{full_name(model.of)} / ∂{full_name(model.of)}\nAll derivatives are those of this cell."
    )
    return found


def _texts(model: Model, formulas: Formulas, names: Mapping[str, str]) -> dict[Cell, str]:
    """Return the formulas as texts, without the equals sign; raises ``InputError`` if too long."""

    def prefix(area: Area, sheet: str) -> str:
        if area.is_adjoint:
            return "" if area.sheet == sheet else sheet_prefix(names[area.sheet])
        return sheet_prefix(area.sheet)

    found = anchored({**formulas.by, **formulas.beside}, prefix)
    for cell, text in found.items():
        if len(text) >= MAX_FORMULA_LENGTH:
            raise InputError(
                f"{model.path}: {full_name(cell)} is read by too many formulas: its derivative "
                f"would have {len(text):,} characters, and a cell holds {MAX_FORMULA_LENGTH:,}"
            )
    return found


def _refuse_protection(copy: PackageCopy, model: Model, names: Mapping[str, str]) -> None:
    """Raise ``InputError`` if sheets cannot be added, or one that takes part is protected."""
    for locked in copy.workbook.iterfind("{*}workbookProtection"):
        if locked.get("lockStructure") in ("1", "true"):
            raise InputError(
                f"{model.path}: the workbook is protected, no sheet can be added; remove the "
                "protection of its structure"
            )
    for part in copy.sheets:
        locked = copy.xml(part.part).find("{*}sheetProtection")
        if part.name in names and locked is not None and locked.get("sheet") in ("1", "true"):
            raise InputError(
                f"{model.path}: the sheet {part.name!r} is protected; remove its protection"
            )


def _write(copy: PackageCopy, sheets: Sequence[NewSheet]) -> None:
    """Add sheets to a copy."""
    styles = CellStyles(copy)
    parts = {part.name: part for part in copy.sheets}
    last = {sheet.beside.name: sheet.beside.name for sheet in sheets}
    for sheet in sheets:
        xml = mirrored_sheet(copy, parts[sheet.beside.name], sheet, styles)
        part = place_sheet(copy, sheet.name, xml, after=last[sheet.beside.name])
        last[sheet.beside.name] = sheet.name
        add_notes(copy, part, _AUTHOR, sheet.notes)


def _note(model: Model, cell: Cell) -> str:
    of, by = full_name(model.of), full_name(cell)
    return (
        f"∂{of} / ∂{by}\nIf {by} grows by a small step, {of} grows by this many times the step. "
        "To make it smaller, step against the sign."
    )
