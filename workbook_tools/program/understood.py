"""Which formulas can be compiled, and what remains of a workbook without the others."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from workbook_tools.evaluator.formula import UnknownFunctionError, evaluator
from workbook_tools.formulas.tree import SyntaxProblemError, parse_long
from workbook_tools.notation.addresses import Cell
from workbook_tools.program.edges import with_readers
from workbook_tools.program.graph import Graph, Node
from workbook_tools.program.program import NotCompiledError


def is_understood(node: Node) -> bool:
    """Tell whether a formula can be compiled; those that change by themselves cannot."""
    try:
        evaluator(parse_long(node.run.formula.at(node.run.first_row)))
    except (UnknownFunctionError, SyntaxProblemError, RecursionError):
        return False
    return True


def understood(graph: Graph) -> Graph:
    """Return the graph without the formulas that cannot be compiled.

    Raises ``NotCompiledError`` if one that can depends on one that cannot.
    """
    known = _known(graph)
    if (_dependent(graph, np.flatnonzero(~known).tolist()) & known).any():
        raise NotCompiledError("others depend on a formula that is not understood")
    return _of(graph, known)


def understood_beside(graph: Graph, changed: Iterable[Cell], wanted: Cell) -> Graph:
    """Return the graph without the formulas that cannot be compiled, which keep their values.

    Raises ``NotCompiledError`` if one of them depends on the changed cells, and the wanted one on
    it.
    """
    known = _known(graph)
    begin = {number for cell in changed if (number := graph.node_of(cell)) is not None}
    between = np.flatnonzero(_dependent(graph, begin) & ~known).tolist()
    if graph.node_of(wanted) in np.flatnonzero(_dependent(graph, between)).tolist():
        raise NotCompiledError("a formula between the changed cells and the wanted one")
    return _of(graph, known)


def _known(graph: Graph) -> NDArray[np.bool_]:
    return np.array([is_understood(node) for node in graph.nodes], dtype=bool)


def _dependent(graph: Graph, begin: Iterable[int]) -> NDArray[np.bool_]:
    if graph.edges is None:
        raise NotCompiledError("too many references between formulas")
    return with_readers(len(graph.nodes), graph.edges, begin)


def _of(graph: Graph, kept: NDArray[np.bool_]) -> Graph:
    return Graph([graph.nodes[k] for k in np.flatnonzero(kept).tolist()])
