"""A copy of a workbook with the derivatives of one of its cells, on sheets beside its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from workbook_tools.editing.cell_styles import CellStyles
from workbook_tools.editing.notes import add_notes
from workbook_tools.editing.placed_sheet import place_sheet
from workbook_tools.errors import InputError
from workbook_tools.formulas.references import MAX_FORMULA_LENGTH
from workbook_tools.gradients.anchored import anchored
from workbook_tools.gradients.calculated import calculated, refuse_differences
from workbook_tools.gradients.formulas import Formulas, derivative_formulas
from workbook_tools.gradients.model import Model, read_model
from workbook_tools.gradients.names import names_beside
from workbook_tools.gradients.sheet_of_derivatives import Content, sheet_of_derivatives
from workbook_tools.gradients.terms import Area
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
    parameters: list[Parameter]
    sheets: dict[str, str]  # the sheet of derivatives beside each sheet
    count: int  # of derivatives
    left_out: int  # cells without a derivative, which no parameter has an effect on
    why: str  # the reason of the first of them


def differentiated(wanted: Wanted, folder: Path, on_step: Callable[[str], None]) -> Summary:
    """Write a copy of a workbook with derivatives into a folder, in a process of its own.

    Raises ``InputError``.
    """
    with open_package(wanted.path) as package:
        model = read_model(package, wanted.of, wanted.by)
        formulas = derivative_formulas(model)
        taking_part = dict.fromkeys(cell[0] for cell in formulas.by)
        names = names_beside(wanted.path, _PREFIX, taking_part, package.sheet_names)
        copy = PackageCopy(package)
        _refuse_protection(copy, model, names)
        texts = _texts(model, formulas, names)
        beside = {(names[cell[0]], *cell[1:]): f"={text}" for cell, text in texts.items()}
        arrays = {(names[cell[0]], *cell[1:]) for cell in formulas.arrays()}
        values = calculated(model, names.values(), beside, arrays)
        shown = {cell: values.value((names[cell[0]], *cell[1:])) for cell in texts}
        numbers = {c: v for c in formulas.by if isinstance(v := shown[c], float)}
        refuse_differences(model, numbers)
        _write(copy, model, formulas, names, texts, shown)
        file = folder / f"derivatives{wanted.path.suffix}"
        copy.save(file)
    parameters = [
        Parameter(cell, model.number(cell), (names[cell[0]], *cell[1:]), shown.get(cell, 0.0))
        for cell in model.by
    ]
    why = next(iter(formulas.left_out.values()), "")
    return Summary(
        file,
        model.of,
        model.number(model.of),
        parameters,
        names,
        len(formulas.by),
        len(formulas.left_out),
        why,
    )


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


def _write(
    copy: PackageCopy,
    model: Model,
    formulas: Formulas,
    names: Mapping[str, str],
    texts: Mapping[Cell, str],
    shown: Mapping[Cell, CellValue],
) -> None:
    """Add the sheets of derivatives to a copy."""
    styles = CellStyles(copy)
    parts = {part.name: part for part in copy.sheets}
    arrays = formulas.arrays()
    for sheet in model.sheets:
        if sheet.name not in names:
            continue
        content = Content()
        for (name, *place), text in texts.items():
            if name == sheet.name:
                content.formulas[place[0], place[1]] = text
                content.values[place[0], place[1]] = shown[name, place[0], place[1]]
        content.arrays = {(row, column) for name, row, column in arrays if name == sheet.name}
        own = [cell for cell in model.by if cell[0] == sheet.name]
        content.important = {(row, column) for _, row, column in own}
        xml = sheet_of_derivatives(copy, parts[sheet.name], sheet, content, styles)
        part = place_sheet(copy, names[sheet.name], xml, after=sheet.name)
        notes = {(row, column): _note(model, (name, row, column)) for name, row, column in own}
        if sheet.name == model.of[0]:
            notes[model.of[1], model.of[2]] = f"{full_name(model.of)}, of which the derivatives are"
        add_notes(copy, part, _AUTHOR, notes)


def _note(model: Model, cell: Cell) -> str:
    of, by = full_name(model.of), full_name(cell)
    return (
        f"∂{of} / ∂{by}\nIf {by} grows by a small step, {of} grows by this many times the step. "
        "To make it smaller, step against the sign."
    )
