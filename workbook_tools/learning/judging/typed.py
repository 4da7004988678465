"""Finds numbers that were typed or pasted into the place of an update."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from workbook_tools.learning.judging.verdicts import Judged, Verdict
from workbook_tools.learning.moved import moved
from workbook_tools.notation.addresses import Cell, cell_name

_LEAST_ALIKE = 2  # updates in the column
_LEAST_IN_SERIES = 4  # numbers of which each is an equal step from the one before
_CLEAR = 1e-6  # relative to a step


class Typed(NamedTuple):
    """A number where an update belongs."""

    cell: Cell
    parameter: int  # that is not updated
    formula: str  # of the update, or that shows it
    is_series: bool = False  # one of numbers that go on by equal steps


def typed(result: Judged) -> Iterator[Typed]:
    """Yield the numbers that stand in the place of updates, or of the parameters after them."""
    yield from _in_place_of_updates(result)
    yield from _continued_as_series(result)


def _continued_as_series(result: Judged) -> Iterator[Typed]:
    """Yield the parameters of a column that the fill handle has continued as a series.

    The second number is what the first one is updated to; from there on, the numbers go on by equal
    steps, and not by the updates beside them.
    """
    space, own = result.model.space, result.model.updates
    layout, values = space.layout, space.stored.numbers[:, 0]
    sheets, rows, columns = layout.cells(own.parameters)
    is_typed = space.is_leaf[own.parameters]
    lines: dict[tuple[int, int, int], dict[int, tuple[int, int]]] = defaultdict(dict)
    places = own.parameters, own.cells, sheets, rows, columns, layout.cells(own.cells)[2]
    parts = (part[is_typed].tolist() for part in places)
    for parameter, cell, sheet, row, column, beside in zip(*parts, strict=True):
        lines[sheet, column, beside][row] = parameter, cell
    for line in lines.values():
        first = min(line)
        if len(line) < _LEAST_IN_SERIES or max(line) - first >= len(line):
            continue
        parameters, updates = np.array([line[row] for row in sorted(line)]).T
        steps, off = np.diff(values[parameters]), values[parameters[1:]] - values[updates[:-1]]
        is_equal = np.abs(off) <= _CLEAR * np.abs(steps[0])
        is_series = (np.abs(steps - steps[0]) <= _CLEAR * np.abs(steps[0])).all()
        if is_series and is_equal[0] and not is_equal.all():
            for parameter, update, place in zip(parameters, updates, parameters[1:], strict=False):
                formula = f"={cell_name(*layout.cell(int(update))[1:])}"
                yield Typed(layout.cell(int(place)), int(parameter), formula, is_series=True)


def _in_place_of_updates(result: Judged) -> Iterator[Typed]:
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
