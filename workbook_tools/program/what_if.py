"""What a cell would show if other cells had other contents."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.runs import runs_of
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellValue
from workbook_tools.package.columns import Columns
from workbook_tools.package.workbook import Iterations
from workbook_tools.program.graph import Graph, Node
from workbook_tools.program.program import NotCompiledError, Program
from workbook_tools.program.understood import understood_beside


class WhatIf:
    """A workbook in which some cells can have other contents for a moment."""

    def __init__(
        self,
        sheets: Sequence[Sheet],
        values: Columns,
        iterations: Iterations | None = None,
        is_up_to_date: bool = False,
    ) -> None:
        """Take the sheets and values; ``iterations`` are those of circles, if allowed.

        ``is_up_to_date`` says that no formula that is understood contradicts its value.
        """
        self._sheets, self._values, self._iterations = sheets, values, iterations
        self._is_up_to_date = is_up_to_date
        # The formulas that contradict their values to begin with, by the names of their sheets.
        self._stale: dict[tuple[str, ...], set[Cell]] = {}

    def value(self, contents: Mapping[Cell, str | float], wanted: Cell) -> CellValue:
        """Return what a cell would show if others had these formulas and numbers.

        None if a formula that cannot be compiled lies between these cells and that one.
        """
        # A number is written as a formula, so that the graph tells what depends on it.
        formulas = {
            cell: own if isinstance(own, str) else f"={own!r}".upper()
            for cell, own in contents.items()
        }
        sheets, graph = _read_from(with_formulas(self._sheets, formulas), wanted[0])
        changed = {(sheet, column) for sheet, _, column in contents}
        try:
            try:
                stale = self._stale_of(sheets)
                return self._calculated(graph, sheets, wanted, stale, changed)
            except NotCompiledError:
                known = understood_beside(graph, contents, wanted)
                return self._calculated(known, sheets, wanted)
        except NotCompiledError:
            return None

    def _stale_of(self, sheets: Sequence[Sheet]) -> set[Cell]:
        """Return the first cells of the formulas of some sheets that contradict their values."""
        if self._is_up_to_date:
            return set()
        names = tuple(sheet.name for sheet in sheets)
        if names not in self._stale:
            own = [sheet for sheet in self._sheets if sheet.name in names]
            program = Program(Graph.of(own), own, self._values, self._iterations)
            nodes = program.graph.nodes
            stale = program.stale(program.memory())
            self._stale[names] = {nodes[k].cell for k in stale}
        return self._stale[names]

    def _calculated(
        self,
        graph: Graph,
        sheets: Sequence[Sheet],
        wanted: Cell,
        stale: Collection[Cell] | None = None,
        changed: Collection[tuple[str, int]] = (),
    ) -> CellValue:
        """Calculate the sheets.

        If it is known which of their formulas were ``stale``, only these and those in ``changed``
        columns may be stale now.
        """
        program = Program(graph, sheets, self._values, self._iterations)
        memory = program.memory()
        among = None
        if stale is not None:
            among = [
                k
                for k, node in enumerate(program.graph.nodes)
                if node.cell in stale or (node.sheet, node.column) in changed
            ]
        program.recalculate(memory, among)
        return memory.get(program.layout.place_of(wanted))


def _read_from(sheets: Sequence[Sheet], wanted: str) -> tuple[list[Sheet], Graph]:
    """Return a sheet, and those that its formulas read, directly or by way of others.

    Also return the graph of their formulas.
    """
    by_name = {sheet.name.lower(): sheet for sheet in sheets}
    nodes: dict[str, Sequence[Node]] = {}
    waiting = [wanted.lower()]
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in nodes:
            nodes[name] = Graph.of([by_name[name]]).nodes
            for node in nodes[name]:
                waiting += [(slot.sheet or name).lower() for slot in node.shape.slots]
                if "!" in node.shape.text:  # a range that is no slot
                    waiting += by_name
    found = [sheet for sheet in sheets if sheet.name.lower() in nodes]
    return found, Graph([node for sheet in found for node in nodes[sheet.name.lower()]])


def with_formulas(sheets: Sequence[Sheet], formulas: Mapping[Cell, str]) -> list[Sheet]:
    """Return the sheets with other formulas in some cells."""
    by_sheet: dict[str, dict[int, dict[int, str]]] = {}
    for (sheet, row, column), formula in formulas.items():
        by_sheet.setdefault(sheet, {}).setdefault(column, {})[row] = formula
    return [
        replace(
            sheet,
            runs={
                **sheet.runs,
                **{
                    column: _with_rows(sheet.runs.get(column, []), own)
                    for column, own in by_sheet[sheet.name].items()
                },
            },
        )
        if sheet.name in by_sheet
        else sheet
        for sheet in sheets
    ]


def _with_rows(runs: Sequence[Run], own: Mapping[int, str]) -> list[Run]:
    """Return the runs of a column with other formulas in some rows."""
    formulas = [run.formula for run in runs]
    rows = [np.arange(r.first_row, r.last_row + 1, r.step) for r in runs]
    numbers = [np.full(len(every), k) for k, every in enumerate(rows)]
    number_of = {formula: k for k, formula in enumerate(formulas)}
    formula: FilledFormula | None = None
    others: list[int] = []
    for row, text in own.items():
        if formula is None or formula.at(row) != text:
            formula = FilledFormula.parse(text, row)
        number = number_of.setdefault(formula, len(formulas))
        if number == len(formulas):
            formulas.append(formula)
        others.append(number)
    rows.append(np.array([*own], dtype=np.int64))
    numbers.append(np.array(others, dtype=np.int64))
    # Of several entries for one row, the last one counts.
    every, first = np.unique(np.concatenate(rows)[::-1], return_index=True)
    return runs_of(every, np.concatenate(numbers)[::-1][first], formulas)
