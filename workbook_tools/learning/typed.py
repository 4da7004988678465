"""Finds numbers that were typed or pasted into the place of an update."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from workbook_tools.learning.moved import moved
from workbook_tools.learning.verdicts import Judged, Verdict
from workbook_tools.notation.addresses import Cell

_LEAST_ALIKE = 2  # updates in the column


class Typed(NamedTuple):
    """A number where an update belongs."""

    cell: Cell
    parameter: int  # that is not updated
    formula: str  # of the update, as the others of the column


def typed(result: Judged) -> Iterator[Typed]:
    """Yield the numbers with which a training goes on, in a column that has updates otherwise.

    What stands where such an update would read its parameter is a parameter, and has no update.
    """
    model, space = result.model, result.model.space
    layout, own = space.layout, model.updates
    used = model.candidate.upstream
    updated = {*space.updates.parameters.tolist()}
    if updated.issuperset(np.flatnonzero(space.is_parameter & used).tolist()):
        return
    columns: dict[tuple[str, int], Counter[int]] = defaultdict(Counter)
    rows: dict[tuple[str, int], list[int]] = defaultdict(list)
    for k, verdict in enumerate(result.verdicts):
        if verdict in (Verdict.UNKNOWN, Verdict.NONE):
            continue
        sheet, row, column = layout.cell(int(own.cells[k]))
        for named in space.named_by(int(own.cells[k]), copies_too=True):
            other, other_row, other_column = layout.cell(named)
            is_parameter = space.reads.origin[named] == own.parameters[k]
            if is_parameter and (other, other_column) == (sheet, column):
                columns[sheet, column][row - other_row] += 1
                rows[sheet, column].append(row)
    known = space.is_parameter.copy()
    for place in np.flatnonzero(space.is_leaf & used).tolist():
        sheet, row, column = layout.cell(place)
        if len(rows[sheet, column]) < _LEAST_ALIKE:
            continue
        distance = columns[sheet, column].most_common(1)[0][0]
        if row - distance < 1:
            continue
        before = layout.place_of((sheet, row - distance, column))
        origin = int(space.reads.origin[before])
        if before > 1 and known[origin] and origin not in updated and used[origin]:
            known[place] = True
            like = min(rows[sheet, column], key=lambda other: abs(other - row))
            formula = space.formula(layout.place_of((sheet, like, column)))
            new = moved(formula or "", row - like, 0)
            if new:
                yield Typed((sheet, row, column), origin, new)
