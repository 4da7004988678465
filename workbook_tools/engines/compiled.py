"""The default engine: the workbook's own formulas, compiled (``program``)."""

from collections.abc import Sequence
from pathlib import Path

from workbook_tools import __version__
from workbook_tools.engines import recalculate as by_engine
from workbook_tools.formulas.sheets import Sheet, read_sheets
from workbook_tools.package.columns import Calculation
from workbook_tools.package.stored_values import CachedValues
from workbook_tools.package.workbook import Iterations, open_package
from workbook_tools.program.graph import Graph
from workbook_tools.program.program import NotCompiledError, Program


class CompiledCalculation(Calculation):
    """The values of a workbook that its compiled formulas give."""

    engine = f"workbook-tools {__version__}"


def recalculate(path: Path) -> Calculation:
    """Recalculate a workbook; raises ``InputError`` if no engine can."""
    with open_package(path) as package:
        sheets, stored = read_sheets(package)
        iterations = package.iterations
    return calculated(path, Graph.of(sheets), sheets, stored, iterations)


def calculated(
    path: Path,
    graph: Graph,
    sheets: Sequence[Sheet],
    stored: CachedValues,
    iterations: Iterations | None,
) -> Calculation:
    """Return what the formulas of a workbook give that has been read.

    If some formula cannot be compiled, the embedded engine calculates the workbook.
    Raises ``InputError`` if that cannot either.
    """
    try:
        found = Program(graph, sheets, stored, iterations).calculation()
    except NotCompiledError:
        return by_engine(path, "embedded")
    return CompiledCalculation(found.sheets)
