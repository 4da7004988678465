"""Finds numbers that were typed or pasted into the place of an update."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from workbook_tools.learning.judging.verdicts import Judged, Verdict
from workbook_tools.learning.moved import moved
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
    is_update = ~(result.are(Verdict.UNKNOWN) | result.are(Verdict.NONE))
    cells, parameters = own.cells[is_update], own.parameters[is_update]
    number, named = space.named(cells, copies_too=True)
    kept = space.reads.origin[named] == parameters[number]
    sheets, rows, columns = layout.cells(cells[number[kept]])
    others, other_rows, other_columns = layout.cells(named[kept])
    near = (others == sheets) & (other_columns == columns)
    distances: dict[tuple[int, int], Counter[int]] = defaultdict(Counter)
    updated_rows: dict[tuple[int, int], list[int]] = defaultdict(list)
    parts = (part[near].tolist() for part in (sheets, columns, rows, rows - other_rows))
    for sheet, column, row, distance in zip(*parts, strict=True):
        distances[sheet, column][distance] += 1
        updated_rows[sheet, column].append(row)
    used = model.candidate.upstream
    updated = {*space.updates.parameters.tolist()}
    known = space.is_parameter.copy()
    leaves = np.flatnonzero(space.is_leaf & used)
    parts = (part.tolist() for part in (leaves, *layout.cells(leaves)))
    for place, sheet, row, column in zip(*parts, strict=True):
        if len(updated_rows[sheet, column]) < _LEAST_ALIKE:
            continue
        distance = distances[sheet, column].most_common(1)[0][0]
        if row - distance < 1:
            continue
        before = layout.place(sheet, row - distance, column)
        origin = int(space.reads.origin[before])
        if before > 1 and known[origin] and origin not in updated and used[origin]:
            known[place] = True
            like = min(updated_rows[sheet, column], key=lambda other: abs(other - row))
            formula = space.formula(layout.place(sheet, like, column))
            new = moved(formula or "", row - like, 0)
            if new:
                yield Typed(layout.cell(place), origin, new)
