"""The default engine: the workbook's own formulas, compiled (``program``)."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from workbook_tools import __version__
from workbook_tools.engines import recalculate as by_engine
from workbook_tools.errors import InputError
from workbook_tools.formulas.sheets import Sheet, read_sheets
from workbook_tools.package.columns import Calculation
from workbook_tools.package.stored_values import CachedValues
from workbook_tools.package.workbook import Iterations, open_package
from workbook_tools.program.graph import Graph
from workbook_tools.program.program import NotCompiledError, Program
from workbook_tools.program.understood import understood


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

    Formulas that cannot be compiled, and on which no others depend, keep their stored values. If
    they have none, or if others depend on them, the embedded engine calculates the workbook.
    Raises ``InputError`` if that cannot either.
    """

    def of(some: Graph) -> Calculation:
        return CompiledCalculation(Program(some, sheets, stored, iterations).calculation().sheets)

    with suppress(NotCompiledError):
        return of(graph)
    alone: Graph | None = None
    with suppress(NotCompiledError):
        alone = understood(graph)
        kept = set(graph.nodes) - set(alone.nodes)
        if all(stored.has(node.sheet, node.column, node.run.rows) for node in kept):
            return of(alone)
    try:
        return by_engine(path, "embedded")
    except InputError:
        if alone is None:
            raise
        with suppress(NotCompiledError):
            return of(alone)
        raise
