"""The updates that a workbook does not have, but for which its gradients are shown.

They are written as formulas, each a parameter plus its gradient, on sheets of their own. So a
gradient that is only shown is judged as one that is used.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation.addresses import Cell, full_name

_PREFIX = "assumed updates "  # before the name of the sheet of the gradients


class Shown(NamedTuple):
    """A cell that shows the derivative by a parameter, or should."""

    parameter: Cell
    cell: Cell
    group: int  # cells that lie in the same way have the same number

    @property
    def update(self) -> Cell:
        """The cell of the update: it lies as the gradient does."""
        sheet, row, column = self.cell
        return _PREFIX + sheet, row, column


def gradient_of(update: Cell) -> Cell | None:
    """Return the cell that shows the gradient, if an update is only assumed for it."""
    sheet, row, column = update
    return (sheet.removeprefix(_PREFIX), row, column) if sheet.startswith(_PREFIX) else None


def assumed_updates(every: Iterable[Shown]) -> Sequence[Sheet]:
    """Return the sheets of the updates for some gradients."""
    columns: dict[tuple[str, int], dict[int, str]] = defaultdict(dict)
    for one in every:
        sheet, row, column = one.update
        columns[sheet, column][row] = f"={full_name(one.parameter)}+{full_name(one.cell)}"
    found: dict[str, Sheet] = {}
    for (name, column), formulas in columns.items():
        own = found.setdefault(name, Sheet(name))
        own.runs[column] = [
            Run(row, row, FilledFormula.parse(formulas[row], row)) for row in sorted(formulas)
        ]
        own.last_row = max(own.last_row, *formulas)
        own.last_column = max(own.last_column, column)
    return [*found.values()]
