"""Finds gradients by their heading, such as ∂E/∂w, if all of a block are wrong.

No right one tells then which cells are gradients. The block lies like the weights, in as many rows
and columns. Or the rows are iterations: then the parameter b of a column ∂E/∂b stands in the column
b. What the formulas read is a derivative of the loss; they themselves are none, but a formula can
be suggested for each.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import count, product, takewhile

import numpy as np
from numpy.typing import NDArray

from workbook_tools.judging.findings import Finding
from workbook_tools.learning.applied import Shown
from workbook_tools.learning.evidence.almost import with_loss
from workbook_tools.learning.judging.verdicts import Judged
from workbook_tools.learning.search.assumed import SHEET
from workbook_tools.learning.search.labelled import Column, D, Place, columns, is_label
from workbook_tools.learning.search.losses import candidates
from workbook_tools.learning.search.shown import assumed_in
from workbook_tools.learning.space import Space
from workbook_tools.notation.addresses import Cell

_BY = r"\s*\(?\s*(?:w|θ|weight|peso|gewicht|poid)"
_HEADING = re.compile(
    rf"{D}\s*\w{{0,6}}\s*/\s*{D}{_BY}|(?:∇|\bgrad\w*(?:\s+(?:of|de|of the))?){_BY}", re.IGNORECASE
)
_LONGEST = 40  # characters of a heading
_LEAST = 2  # cells of a block


def headed(
    space: Space, names: frozenset[str], known: set[tuple[Cell, Cell]]
) -> Iterator[tuple[Judged, list[Finding]]]:
    """Yield the blocks with such a heading on some sheets, and what is wrong in them.

    Not if one of their cells is ``known`` as the derivative by its weight.
    """
    blocks = [
        (gradients, parameters)
        for sheet in space.sheets
        if sheet.name in names
        for (row, column), text in sheet.texts.items()
        if len(text) <= _LONGEST and _HEADING.search(text)
        for gradients in _blocks(space, (sheet.name, row, column))
        for parameters in _weights(space, gradients)
        if known.isdisjoint(zip(gradients, parameters, strict=True))
    ]
    blocks += [
        (gradients, parameters)
        for gradients, parameters in _of_iterations(space, names)
        if not known.issuperset(zip(gradients, parameters, strict=True))
    ]
    if not blocks:
        return
    assumed = assumed_in(space, names)
    sheets = [sheet for sheet in space.sheets if sheet.name != SHEET]
    if assumed.names:
        sheets.append(assumed.sheet)
    for gradients, parameters in blocks:
        shown = [Shown(by, cell, 0) for by, cell in zip(parameters, gradients, strict=True)]
        own = Space(sheets, space.values, space.iterations, shown=shown)
        every = [*candidates(own), *(candidates(own, assumed) if assumed.names else ())]
        every = [one for one in every if one.upstream[own.updates.parameters].all()]
        for candidate, keeps_whole in product(every, (False, True)):
            found = with_loss(own, candidate, own.updates, keeps_whole)
            if found is not None:
                yield found
                break


def _of_iterations(space: Space, names: frozenset[str]) -> Iterator[tuple[list[Cell], list[Cell]]]:
    """Yield gradients, and their parameters, where both have columns with headings.

    Each row is an iteration: the parameter of a gradient stands in its own row.
    """
    found: dict[Place, tuple[list[Cell], list[Cell]]] = {}
    for column in columns(space, names):
        gradients, parameters = found.setdefault(column.place, ([], []))
        for cell, parameter in _with_parameters(space, column):
            gradients.append(cell)
            parameters.append(parameter)
    yield from (one for one in found.values() if one[0])


def _with_parameters(space: Space, column: Column) -> Iterator[tuple[Cell, Cell]]:
    """Yield the gradients of a column, with the parameters in the column with its label."""
    name, *heading = column.heading
    along = 0 if column.is_down else 1
    [sheet] = [sheet for sheet in space.sheets if sheet.name == name]
    labels = (
        where
        for where, text in sheet.texts.items()
        if where[along] == heading[along] and is_label(text, column.by)
    )
    label = next(labels, None)
    if label is None:
        return
    for cell in column.cells:
        at = (name, cell[1], label[1]) if column.is_down else (name, label[0], cell[2])
        place = int(space.reads.origin[space.layout.place_of(at)])
        if space.is_parameter[place]:
            yield cell, space.layout.cell(place)


def _blocks(space: Space, heading: Cell) -> Iterator[list[Cell]]:
    """Yield the cells with formulas below a heading, or else right of it, row by row."""
    sheet, row, column = heading
    for top, left in ((row + 1, column), (row, column + 1)):
        if found := _rectangle(space, (sheet, top, left), space.is_formula):
            yield found
            return


def _rectangle(space: Space, corner: Cell, kept: NDArray[np.bool_]) -> list[Cell]:
    sheet, top, left = corner

    def is_kept(row: int, column: int) -> bool:
        place = space.layout.place_of((sheet, row, column))
        return place > 1 and bool(kept[place])

    width = len([*takewhile(lambda k: is_kept(top, left + k), count())])
    height = len([*takewhile(lambda k: is_kept(top + k, left), count())])
    every = [(sheet, top + i, left + j) for i in range(height) for j in range(width)]
    is_full = all(is_kept(row, column) for _, row, column in every)
    return every if is_full and len(every) >= _LEAST else []


def _weights(space: Space, gradients: Sequence[Cell]) -> Iterator[list[Cell]]:
    """Yield the numbers that lie in the same rows, or columns, in a block of the same size."""
    sheet, top, left = gradients[0]
    last_row, last_column = gradients[-1][1:]
    numbers = np.flatnonzero(space.is_leaf)
    sheets, rows, columns = space.layout.cells(numbers)
    on_sheet = sheets == space.layout.sheets.index(sheet)
    for is_aligned in (rows == top, columns == left):
        for k in np.flatnonzero(on_sheet & is_aligned).tolist():
            corner = sheet, int(rows[k]), int(columns[k])
            found = _rectangle(space, corner, space.is_leaf)
            size = last_row - top, last_column - left
            ends = (found[-1][1] - corner[1], found[-1][2] - corner[2]) if found else None
            if ends == size and not _goes_on(space, corner):
                yield found
                return


def _goes_on(space: Space, corner: Cell) -> bool:
    """Tell whether there are numbers above a block, or left of it."""
    sheet, row, column = corner
    beside = [(sheet, row - 1, column)] * (row > 1) + [(sheet, row, column - 1)] * (column > 1)
    places = np.array([space.layout.place_of(cell) for cell in beside], dtype=np.int64)
    return bool((space.is_leaf[places] & (places > 1)).any())
