"""Cells that draw a random number, such as the first weights: they count as numbers."""

import re
from collections.abc import Sequence

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

_RANDOM = re.compile(r"\bRAND(?:BETWEEN)?\(", re.IGNORECASE)
# Their arguments say from which numbers is drawn.
_DRAWN = {"NORM.INV", "NORMINV", "RANDBETWEEN", "LOGNORM.INV", "LOGINV", "BETA.INV", "GAMMA.INV"}


def drawn_as_numbers(sheets: Sequence[Sheet]) -> list[Sheet]:
    """Return sheets without the formulas that draw a random number, and do nothing else.

    In ``=IF(RAND()<0.5,0,A1)``, a cell is dropped at random: that is another formula.
    """
    found = []
    for sheet in sheets:
        if any(_is_drawn(run) for runs in sheet.runs.values() for run in runs):
            kept = {
                column: [run for run in runs if not _is_drawn(run)]
                for column, runs in sheet.runs.items()
            }
            runs = {column: own for column, own in kept.items() if own}
            sheet = Sheet(
                sheet.name, sheet.last_row, sheet.texts, runs, sheet.last_column, sheet.arrays
            )
        found.append(sheet)
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
