"""The new values of a mended copy: those of the mended cells, and of cells that depend on them.

All other cells keep their cached value, and so does a cell for which the engine has no value. A
cell without a cached value gets the engine's, if something was mended on its sheet.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Set
from pathlib import Path
from tempfile import TemporaryDirectory

from workbook_tools.editing.calculation import forget_the_order
from workbook_tools.editing.cell_contents import SheetCells
from workbook_tools.editing.dependents import Dependencies, Sheets
from workbook_tools.engines import NOT_UNDERSTOOD, Calculation, libreoffice, recalculate
from workbook_tools.errors import InputError
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.workbook import open_package

_SAME = 1e-15  # relative; smaller differences come from another order of calculation
_WHOLE = 15  # digits of a number that is stored in full

_Values = dict[Cell, CellValue]


def new_values(copy: PackageCopy, sheets: Sheets, mended: Collection[Cell], engine: str) -> _Values:
    """Return the values of formula cells that differ from the cached ones.

    ``sheets`` are those of the copy, with the new formulas in place. Raises ``InputError`` if the
    engine cannot calculate the copy.
    """
    if not mended:
        return {}
    dependencies = Dependencies(copy, sheets)
    due = dependencies.on(mended).union(mended) & dependencies.cells
    carried = {cell for cell in dependencies.cells if sheets[cell[0]].has_value(*cell[1:])}
    on = {sheet for sheet, _, _ in mended}
    wanted = due | {cell for cell in dependencies.cells - carried if cell[0] in on}
    others = carried - due
    carries = recalculate(copy.package.path, "cached")
    stored = _values(carries, wanted | others)
    found, storage = _calculated_values(
        copy, engine, stored, wanted, others, others & dependencies.changing
    )
    values = {cell: _as_precise(value, carries.storage) for cell, value in found.items()}
    allowed = max(_SAME, storage)
    return {
        cell: value
        for cell, value in values.items()
        if _known(stored[cell], value)
        and (cell not in dependencies.changing or isinstance(value, float))
        and (_differs(stored[cell], value, allowed) if cell in carried else value not in (None, ""))
    }


def _calculated_values(
    copy: PackageCopy,
    engine: str,
    stored: _Values,
    wanted: Collection[Cell],
    others: Set[Cell],
    changing: Set[Cell],
) -> tuple[_Values, float]:
    """Return the engine's values of the wanted cells, and their relative error.

    Cells that change by themselves are set to their cached values. So are ``others`` that the
    engine cannot calculate, so that the cells that depend on them can be calculated.
    """
    source = copy.package.path
    with TemporaryDirectory() as folder:
        edited = Path(folder, f"workbook{source.suffix}")
        copy.save(edited)
        kept = changing
        try:
            try:
                calculation = _calculated(edited, kept, engine)
                found = _values(calculation, others - kept)
                lost = {cell for cell, value in found.items() if not _known(stored[cell], value)}
            except InputError:  # some engines fail altogether at a single formula
                lost = {*others - kept}
                if not lost:
                    raise
            if lost:
                kept = kept | lost
                calculation = _calculated(edited, kept, engine)
            found = _values(calculation, wanted)
            if engine == "embedded":
                found |= _by_libreoffice(edited, kept, stored, found)
        except InputError as error:
            said = str(error).replace(str(edited), str(source))
            raise InputError(said.replace(str(_with_kept(edited)), str(source))) from error
    return found, calculation.storage


def _by_libreoffice(
    edited: Path, kept: Collection[Cell], stored: _Values, found: _Values
) -> _Values:
    """Return LibreOffice's values of the cells that the engine did not understand."""
    unread = [
        cell for cell, v in found.items() if v in NOT_UNDERSTOOD and not _known(stored[cell], v)
    ]
    if not unread:
        return {}
    other = libreoffice.fallback(_keeping(edited, kept))
    return _values(other, unread) if other else {}  # without it the engine's values stay


def _calculated(path: Path, kept: Collection[Cell], engine: str) -> Calculation:
    """Calculate a workbook in which some cells hold their cached values instead of formulas."""
    return recalculate(_keeping(path, kept), engine)


def _keeping(path: Path, kept: Collection[Cell]) -> Path:
    """Return a workbook in which some cells hold their cached values instead of formulas."""
    if not kept:
        return path
    with open_package(path) as package:
        copy = PackageCopy(package)
        for sheet in copy.sheets:
            if places := [(row, column) for name, row, column in kept if name == sheet.name]:
                SheetCells(copy.xml(sheet.part)).keep_values(places)
                copy.changed(sheet.part)
        forget_the_order(copy)
        copy.save(_with_kept(path))
    return _with_kept(path)


def _with_kept(path: Path) -> Path:
    return path.with_stem(f"{path.stem}-kept")


def _values(calculation: Calculation, cells: Iterable[Cell]) -> _Values:
    rows: dict[tuple[str, int], list[int]] = defaultdict(list)
    for sheet, row, column in cells:
        rows[sheet, row].append(column)
    found: _Values = {}
    for (sheet, row), columns in rows.items():
        first = min(columns)
        (values,) = calculation.block(sheet, row, first, row, max(columns))
        found |= {(sheet, row, column): values[column - first] for column in columns}
    return found


def _as_precise(value: CellValue, storage: float) -> CellValue:
    """Round a number as the file's others are rounded: some programs store ten digits."""
    digits = round(-math.log10(storage / 5))
    if not isinstance(value, float) or digits >= _WHOLE:
        return value
    return float(f"{value:.{digits - 1}e}")


def _known(before: CellValue, value: CellValue) -> bool:
    """Tell whether a value may replace another: not an error, and not a text instead of a number.

    An error is accepted only if it is the same as before.
    """
    if _is_empty(before, value):
        return True
    if value is None or isinstance(value, CellError):
        return value == before
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(before, float)


def _differs(before: CellValue, value: CellValue, allowed: float) -> bool:
    if isinstance(before, float) and isinstance(value, float):
        return abs(before - value) > allowed * abs(before)
    return not _is_empty(before, value) and (type(before) is not type(value) or before != value)


def _is_empty(before: CellValue, value: CellValue) -> bool:
    """Tell whether both are empty; Excel shows 0 for a formula that reads an empty cell."""
    return before in (None, 0.0) and value in (None, "")
