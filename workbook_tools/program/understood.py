"""Which formulas can be compiled, and what remains of a workbook without the others."""

import numpy as np

from workbook_tools.formulas.tree import SyntaxProblemError, parse_long
from workbook_tools.program.edges import with_readers
from workbook_tools.program.graph import Graph, Node
from workbook_tools.program.program import NotCompiledError
from workbook_tools.program.strict import UnknownFunctionError, compiled


def is_understood(node: Node) -> bool:
    """Tell whether a formula can be compiled; those that change by themselves cannot."""
    try:
        compiled(parse_long(node.run.formula.at(node.run.first_row)))
    except (UnknownFunctionError, SyntaxProblemError, RecursionError):
        return False
    return True


def understood(graph: Graph) -> Graph:
    """Return the graph without the formulas that cannot be compiled.

    Raises ``NotCompiledError`` if one that can depends on one that cannot.
    """
    known = np.array([is_understood(node) for node in graph.nodes], dtype=bool)
    if graph.edges is None:
        raise NotCompiledError("too many references between formulas")
    unknown = np.flatnonzero(~known).tolist()
    if (with_readers(len(known), graph.edges, unknown) & known).any():
        raise NotCompiledError("others depend on a formula that is not understood")
    return Graph([graph.nodes[k] for k in np.flatnonzero(known).tolist()])
