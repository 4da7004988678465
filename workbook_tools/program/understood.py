"""Which formulas can be compiled."""

from workbook_tools.formulas.tree import SyntaxProblemError, parse
from workbook_tools.program.graph import Node
from workbook_tools.program.strict import UnknownFunctionError, compiled


def is_understood(node: Node) -> bool:
    """Tell whether a formula can be compiled; those that change by themselves cannot."""
    try:
        compiled(parse(node.run.formula.at(node.run.first_row)))
    except (UnknownFunctionError, SyntaxProblemError, RecursionError):
        return False
    return True
