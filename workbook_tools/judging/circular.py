"""Finds circular references, names the cells of the cycle and the formula that closed it."""

from collections.abc import Sequence
from dataclasses import replace

from workbook_tools.judging.faults import Fault, Kind
from workbook_tools.judging.report import TableReport
from workbook_tools.notation.addresses import Cell, cell_name
from workbook_tools.package.cell_values import CellError
from workbook_tools.package.columns import Calculation
from workbook_tools.program.cycles import Formulas, shown
from workbook_tools.program.graph import Graph, Node
from workbook_tools.reading.table import Table

_MOST_NAMED = 100  # cycles; whoever mends these sees the others in the next check
_MOST_TRIED = 200  # suspected formulas that are followed to find a cycle


def name_cycles(
    graph: Graph,
    tables: Sequence[Table],
    reports: Sequence[TableReport],
    calculation: Calculation,
    is_calculated: bool,
) -> None:
    """Add circular references to the faults of the tables.

    A cycle is blamed on a wrong formula of a table that lies on it. If there is none, the formula
    that stands in the fewest cells is blamed. Other cells on the cycle get no fault. If an engine
    has calculated the workbook and gives a number there, there is no cycle.
    """
    if not tables:
        return
    formulas = Formulas(graph)
    blamed: list[Node] = []
    for report in reports:
        for k, fault in enumerate(report.faults if formulas.suspects else []):
            cell = _first_cell(fault)
            node, cycle = formulas.node(cell), formulas.cycle(cell)
            if fault.formula and node and any(formulas.node(on) is node for on in cycle):
                text = _message(fault.quantity, cycle)
                suggestion = fault.suggestion
                if suggestion and suggestion.formula == fault.formula and not suggestion.helpers:
                    suggestion = None  # its formula gives the right value, but not in this cell
                if suggestion and suggestion.cause:  # that it is circular says more
                    suggestion = replace(suggestion, cause=suggestion.cause._replace(words=""))
                report.faults[k] = replace(
                    fault, kind=_kind(cycle, tables), message=text, suggestion=suggestion
                )
                blamed.append(node)
    formulas.without(blamed)
    for _ in range(_MOST_NAMED):
        found = _shortest_on_a_cycle(formulas, tables)
        if found is None:
            break
        node, cycle = found
        formulas.without([node])
        value, sheet = calculation.value(node.cell), node.sheet
        if is_calculated and isinstance(value, float):
            continue
        own = [k for k, table in enumerate(tables) if table.sheet.name == sheet]
        reports[own[0] if own else 0].faults.append(_fault(node, cycle, tables, _plain(value)))


def _shortest_on_a_cycle(
    formulas: Formulas, tables: Sequence[Table]
) -> tuple[Node, list[Cell]] | None:
    """Return a cycle and the formula to blame for it: outside of tables, and in few cells."""

    def blame(node: Node) -> tuple[bool, int]:
        return bool(_symbol(node, tables)), len(node.run.rows)

    for candidate in sorted(formulas.suspects, key=blame)[:_MOST_TRIED]:
        if cycle := formulas.cycle(candidate.cell):
            node = min(filter(None, map(formulas.node, cycle)), key=blame)
            begin = next(k for k, cell in enumerate(cycle) if formulas.node(cell) is node)
            return node, cycle[begin:] + cycle[:begin]
    return None


def _symbol(node: Node, tables: Sequence[Table]) -> str | None:
    """Return the quantity that a formula in a table computes; None outside of tables."""
    for table in tables:
        inside = table.first_row <= node.run.first_row and node.run.last_row <= table.last_row
        if inside and table.sheet.name == node.sheet:
            for symbol, column in table.columns.items():
                if column == node.column:
                    return symbol
    return None


def _name(node: Node, tables: Sequence[Table]) -> str:
    """Return what a formula computes: a quantity, η, or else the name of its cell."""
    if symbol := _symbol(node, tables):
        return symbol
    is_rate = any(table.rate_cell == node.cell for table in tables)
    return "η" if is_rate else cell_name(node.run.first_row, node.column)


def _first_cell(fault: Fault) -> Cell:
    return fault.sheet, fault.rows[0], fault.column


def _kind(cycle: list[Cell], tables: Sequence[Table]) -> Kind:
    """Return the kind of mistake that makes a cycle: a learning rate on it makes a difference."""
    through_rate = any(table.rate_cell in cycle for table in tables)
    return Kind.WRONG_REFERENCE_RATE if through_rate else Kind.WRONG_FORMULA


def _fault(
    node: Node, cycle: list[Cell], tables: Sequence[Table], value: float | str | None
) -> Fault:
    run, name = node.run, _name(node, tables)
    return Fault(
        kind=_kind(cycle, tables),
        quantity=name,
        sheet=node.sheet,
        column=node.column,
        rows=tuple(run.rows),
        formula=run.formula.at(run.first_row),
        value=value,
        expected=None,
        max_rel_error=None,
        message=_message(name, cycle),
    )


def _message(name: str, cycle: list[Cell]) -> str:
    return f"The formula of {name} reads itself, a circular reference: {shown(cycle)}."


def _plain(value: object) -> float | str | None:
    if isinstance(value, CellError):
        return value.code
    return value if isinstance(value, float | str) else None
