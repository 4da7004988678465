"""Evaluates a formula as Excel does, whatever its cells hold.

A formula is compiled once and evaluated for any cell of a run. In an ordinary formula, a range in
the place of one value means the cell in the formula's own row or column; in an array formula, and
in arguments that are arrays, all its cells are calculated.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from workbook_tools.evaluator.place import Arrays, At, Cells, Step
from workbook_tools.evaluator.values import Grid, UnknownFunctionError, as_grid
from workbook_tools.formulas.tree import Tree
from workbook_tools.package.cell_values import CellValue

__all__ = ["Cells", "Formula", "UnknownFunctionError", "evaluate_array", "evaluator", "is_known"]

Formula: TypeAlias = Callable[..., CellValue]
_TOO_DEEP = "a formula nested so deeply"


def is_known(function: str) -> bool:
    """Tell whether a function is known here, with or without the prefix of newer ones."""
    from workbook_tools.evaluator.compiler import plain_name
    from workbook_tools.evaluator.functions import FUNCTIONS
    from workbook_tools.evaluator.lazy import LAZY

    return plain_name(function) in FUNCTIONS or plain_name(function) in LAZY


def _step(tree: Tree, is_array: bool) -> Step:
    # Imported here, with all functions: most workbooks are checked without a single formula of it.
    from workbook_tools.evaluator.compiler import Compiler

    return Compiler(is_array).step(tree, lifts=is_array)


def evaluator(tree: Tree, is_array: bool = False) -> Formula:
    """Return a function ``(cells, sheet, row, column, shift=0, arrays=None)`` that evaluates it.

    The place is that of the cell whose value is wanted, ``shift`` rows below the one for which the
    references are written; an array formula gives its top left value. A formula that gives nothing
    (a reference to an empty cell) is 0; ``arrays`` are those of ``At``. Raises
    ``UnknownFunctionError``, now or when evaluated.
    """
    try:
        step = _step(tree, is_array)
    except RecursionError:
        raise UnknownFunctionError(_TOO_DEEP) from None

    def value(
        cells: Cells,
        sheet: str,
        row: int,
        column: int,
        shift: int = 0,
        arrays: Arrays | None = None,
    ) -> CellValue:
        at = At(cells, sheet, row, column, shift, {} if arrays is None else arrays)
        try:
            found = step(at)
        except RecursionError:
            raise UnknownFunctionError(_TOO_DEEP) from None
        shown = as_grid(at.values(found)).at(0, 0) if is_array else at.single(found)
        return 0.0 if shown is None else shown

    return value


@lru_cache(maxsize=1_000)
def _whole(tree: Tree) -> Callable[[At], Grid]:
    step = _step(tree, is_array=True)
    return lambda at: as_grid(at.values(step(at)))


def evaluate_array(
    tree: Tree, cells: Cells, sheet: str, row: int, column: int, shift: int = 0
) -> Grid:
    """Return the whole result of an array formula; its place is that of its first cell."""
    return _whole(tree)(At(cells, sheet, row, column, shift, {}))
