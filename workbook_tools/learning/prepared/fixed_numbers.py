"""Cells that count as numbers, whatever their formulas: random numbers, and copies in a circle."""

import re
from collections.abc import Sequence, Set
from dataclasses import replace

from workbook_tools.formulas.families import Run
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.tree import (
    Call,
    Reference,
    SyntaxProblemError,
    Tree,
    children,
    parse,
)
from workbook_tools.learning.reads import COPIES
from workbook_tools.notation.addresses import Cell
from workbook_tools.program.graph import Graph

_RANDOM = re.compile(r"\bRAND(?:BETWEEN)?\(", re.IGNORECASE)
# Their arguments say from which numbers is drawn.
_DRAWN = {"NORM.INV", "NORMINV", "RANDBETWEEN", "LOGNORM.INV", "LOGINV", "BETA.INV", "GAMMA.INV"}


def with_fixed_numbers(sheets: Sequence[Sheet], may_be_circular: bool) -> list[Sheet]:
    """Return sheets without the formulas that draw a random number, and do nothing else.

    In ``=IF(RAND()<0.5,0,A1)``, a cell is dropped at random: that is another formula. If a workbook
    ``may_be_circular``, parameters may be copies of their updates, which closes a circle: then
    these copies are left out, too.
    """
    drawn = {
        (sheet.name, run.first_row, column)
        for sheet in sheets
        for column, runs in sheet.runs.items()
        for run in runs
        if _is_drawn(run)
    }
    found = _without(sheets, drawn)
    if may_be_circular:
        graph = Graph.of(found)
        copies = {
            node.cell
            for node, is_in_circle in zip(graph.nodes, graph.suspects.tolist(), strict=True)
            if is_in_circle and node.shape.text in COPIES
        }
        open_ones = _without(found, copies)
        # A counter of iterations, =B1+1 in B1, may be left.
        if 2 * int(Graph.of(open_ones).suspects.sum()) < int(graph.suspects.sum()):
            return open_ones
    return found


def _without(sheets: Sequence[Sheet], left_out: Set[Cell]) -> list[Sheet]:
    """Return sheets without the formulas that begin in some cells."""
    if not left_out:
        return [*sheets]
    found = []
    for sheet in sheets:
        kept = {
            column: [run for run in own if (sheet.name, run.first_row, column) not in left_out]
            for column, own in sheet.runs.items()
        }
        runs = {column: own for column, own in kept.items() if own}
        found.append(replace(sheet, runs=runs))
    return found


def _is_drawn(run: Run) -> bool:
    formula = run.formula.at(run.first_row) if _RANDOM.search(run.formula.pattern) else ""
    try:
        return bool(formula) and not _reads(parse(formula))
    except SyntaxProblemError:
        return False


def _reads(tree: Tree) -> bool:
    """Tell whether a formula reads cells other than to say from which numbers is drawn."""
    if isinstance(tree, Call) and tree.function.upper().removeprefix("_XLFN.") in _DRAWN:
        return False
    return isinstance(tree, Reference) or any(map(_reads, children(tree)))
