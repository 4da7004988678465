"""The new values of a mended copy: those of the mended cells, and of cells that depend on them.

All other cells keep their cached value, and so does a cell whose formula is not understood, changes
by itself, reads cells that it does not name (OFFSET), or gives an error. A cell without a cached
value gets one if something was mended on its sheet.
"""

import math
import zipfile
from collections.abc import Collection, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from workbook_tools.engines import DEFAULT, recalculate
from workbook_tools.errors import InputError
from workbook_tools.formulas.sheets import Sheet, read_sheets
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.package.columns import Calculation, Columns
from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.workbook import WorkbookPackage
from workbook_tools.program.graph import Graph, Node
from workbook_tools.program.program import NotCompiledError, Program
from workbook_tools.program.understood import is_understood

_SAME = 1e-13  # relative; smaller differences come from another order of calculation
_WHOLE = 15  # digits of a number that is stored in full


def new_values(
    copy: PackageCopy, mended: Collection[Cell], engine: str = DEFAULT
) -> dict[Cell, CellValue]:
    """Return the values of formula cells that differ from those in the copy.

    The copy has the new formulas. Raises ``InputError`` if the engine cannot calculate it.
    """
    if not mended:
        return {}
    content = BytesIO()
    copy.save(content)
    with zipfile.ZipFile(content) as archive:
        sheets, stored = read_sheets(WorkbookPackage(copy.package.path, archive))
    graph = Graph([node for node in Graph.of(sheets).nodes if _is_known(node)])
    try:
        new = _calculated(graph, sheets, stored, mended)
        due = [cell for cell in _differing(stored, new) if graph.node_of(cell) is not None]
    except NotCompiledError:
        new = None
        due = [(node.sheet, row, node.column) for node in graph.nodes for row in node.run.rows]
    allowed = _SAME
    if new is None or engine != DEFAULT:
        new = _by_engine(copy, content.getvalue(), engine)
        allowed = max(allowed, new.storage)
    on = {sheet for sheet, _, _ in mended}
    found = {}
    for cell in due:
        before, value = stored.value(cell), _as_precise(new.value(cell), stored.storage)
        if (before is not None or cell[0] in on) and _is_better(before, value, allowed):
            found[cell] = value
    return found


def _is_known(node: Node) -> bool:
    """Tell whether a formula can be compiled, and which cells it reads is plain to see."""
    return is_understood(node) and "OFFSET(" not in node.run.formula.pattern.upper()


def _calculated(
    graph: Graph, sheets: Sequence[Sheet], stored: Columns, mended: Collection[Cell]
) -> Columns:
    """Return the values after calculating what was mended, what depends on it, and empty cells.

    Raises ``NotCompiledError``.
    """
    program = Program(graph, sheets, stored)
    memory = program.memory()
    begin = {number for cell in mended if (number := graph.node_of(cell)) is not None}
    begin |= {
        number
        for number, node in enumerate(graph.nodes)
        if not stored.has(node.sheet, node.column, node.run.rows)
    }
    program.run(memory, begin)
    return memory.columns()


def _differing(stored: Columns, new: Columns) -> Iterator[Cell]:
    """Yield the cells that may have another value; among them all that hold no number."""
    for sheet, columns in new.sheets.items():
        for number, column in columns.items():
            first, last = int(column.rows[0]), int(column.rows[-1])
            old = stored.numbers(sheet, first, last, [number]).values[:, 0]
            for row in np.flatnonzero(old != column.between(first, last)).tolist():
                yield sheet, first + row, number


def _by_engine(copy: PackageCopy, content: bytes, engine: str) -> Calculation:
    """Return what another engine calculates."""
    source = copy.package.path
    with TemporaryDirectory() as folder:
        path = Path(folder, f"workbook{source.suffix}")
        path.write_bytes(content)
        try:
            return recalculate(path, engine)
        except InputError as error:
            raise InputError(str(error).replace(str(path), str(source))) from error


def _as_precise(value: CellValue, storage: float) -> CellValue:
    """Round a number as the file's others are rounded: some programs store ten digits."""
    digits = round(-math.log10(storage / 5))
    if not isinstance(value, float) or digits >= _WHOLE:
        return value
    return float(f"{value:.{digits - 1}e}")


def _is_better(before: CellValue, value: CellValue, allowed: float) -> bool:
    """Tell whether a value may replace another: not an error, nor a text instead of a number."""
    if value in (None, "") and before in (None, 0.0):
        return False  # Excel shows 0 for a formula that reads an empty cell
    if value is None or isinstance(value, CellError):
        return False
    if isinstance(before, float):
        return (
            isinstance(value, float)
            and math.isfinite(value)
            and abs(before - value) > allowed * abs(before)
        )
    return type(before) is not type(value) or before != value
