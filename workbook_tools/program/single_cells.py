"""Calculates single cells by Excel's full rules, however a run of formulas was filled down."""

from collections.abc import Callable, Sequence
from typing import Any

from workbook_tools.evaluator.formula import evaluator
from workbook_tools.evaluator.place import Arrays
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.tree import parse_long
from workbook_tools.package.cell_values import CellValue
from workbook_tools.program.graph import Node
from workbook_tools.program.memory import Layout
from workbook_tools.program.view import View


class SingleCells:
    """The formulas of nodes, each compiled when it is first needed."""

    def __init__(self, layout: Layout, nodes: Sequence[Node], sheets: Sequence[Sheet]) -> None:
        self._layout, self._nodes = layout, nodes
        self._arrays = {sheet.name: sheet.arrays for sheet in sheets}
        self._compiled: dict[int, Callable[..., CellValue]] = {}

    def value(
        self,
        node: int,
        row: int,
        get: Callable[[int], CellValue],
        arrays: Arrays | None = None,
    ) -> CellValue:
        """Return what the formula of a node gives in a row; ``get`` returns a place's value.

        Calls between which no value changes may share ``arrays``.
        Raises ``UnknownFunctionError`` or ``SyntaxProblemError`` for a formula that is not
        understood.
        """
        own = self._nodes[node]
        first = own.run.first_row
        calculate = self._compiled.get(node)
        if calculate is None:
            is_array = (first, own.column) in self._arrays[own.sheet]
            calculate = evaluator(parse_long(own.run.formula.at(first)), is_array)
            self._compiled[node] = calculate
        view: Any = View(self._layout, get)
        return calculate(view, own.sheet, row, own.column, row - first, arrays)
