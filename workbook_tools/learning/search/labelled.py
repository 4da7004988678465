"""Finds gradients that are shown, by a heading that names their parameter, such as ∂SSE/∂b.

If all cells of such a column are wrong, their numbers do not tell what they should be. But the
column beside it, ∂SSE/∂a, may be right, and there is a number with the label b near that of a.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, takewhile
from typing import NamedTuple, TypeAlias

from workbook_tools.learning.applied import Shown
from workbook_tools.learning.search.shown import derivatives
from workbook_tools.learning.space import Space
from workbook_tools.notation.addresses import Cell

D = "[∂dδ𝛿𝜕∆]"  # how people write the sign of a derivative
_HEADING = re.compile(rf"{D}\s*\(?\s*(\w{{0,9}})\s*\)?\s*/\s*{D}\s*\(?\s*([^\W\d_]\w{{0,9}})")
_LONGEST = 60  # characters of a heading
_LEAST = 2  # columns, since one must tell what the others are

# The sheet, what is differentiated, whether cells go down, and the row or column where they begin.
Place: TypeAlias = tuple[str, str, bool, int]


class Column(NamedTuple):
    """Cells with formulas below a heading, or in a row to the right of it."""

    of: str  # what is differentiated
    by: str  # the label of a parameter
    heading: Cell
    cells: tuple[Cell, ...]
    is_down: bool

    @property
    def place(self) -> Place:
        """What columns that are alike have in common: also the row where they begin."""
        sheet, row, column = self.cells[0]
        return sheet, self.of, self.is_down, row if self.is_down else column


class _Right(NamedTuple):
    """A column that is what its heading says."""

    parameter: Cell
    length: int


def labelled(space: Space, names: frozenset[str], found: Sequence[Shown]) -> Iterator[Shown]:
    """Yield the gradients on some sheets that only headings tell, beside those that were ``found``.

    Of the columns that begin in the same row, one must be right, for some loss. Raises
    ``NotDifferentiableError`` and ``TooManyReadsError``.
    """
    taken = {one.cell for one in found}
    parameters = {
        column: labelled_so
        for column in columns(space, names)
        if (labelled_so := [*_labelled_so(space, column.by)])
    }
    if len(parameters) < _LEAST or all(taken.issuperset(column.cells) for column in parameters):
        return
    every = [_right(parameters, numbers_of) for numbers_of in derivatives(space, names)]
    right = max(every, key=lambda one: sum(map(len, one.values())), default={})
    groups = {one.cell: one.group for one in found}
    by_place: dict[Place, int] = {}  # all columns of a place are judged together
    for column in parameters:
        if own := [groups[cell] for cell in column.cells if cell in groups]:
            by_place.setdefault(column.place, own[0])
    new = count(max(groups.values(), default=-1) + 1)
    for column, labelled_so in parameters.items():
        beside = right.get(column.place)
        cells = column.cells[: max(one.length for one in beside)] if beside else ()
        if beside and groups.keys().isdisjoint(cells):
            parameter = min(
                labelled_so,
                key=lambda cell: min(_distance(cell, one.parameter) for one in beside),
            )
            if column.place not in by_place:
                by_place[column.place] = next(new)
            yield from (Shown(parameter, cell, by_place[column.place]) for cell in cells)


def _right(
    parameters: Mapping[Column, Sequence[Cell]], numbers_of: Mapping[Cell, set[Cell]]
) -> dict[Place, list[_Right]]:
    """Return the columns that are right, by their places.

    ``numbers_of`` has the numbers by which cells are the derivatives of a loss.
    """
    found: dict[Place, list[_Right]] = {}
    for column, labelled_so in parameters.items():
        for parameter in labelled_so:
            own = [parameter in numbers_of.get(cell, ()) for cell in column.cells]
            if length := len([*takewhile(bool, own)]):
                found.setdefault(column.place, []).append(_Right(parameter, length))
    return found


def _distance(one: Cell, other: Cell) -> float:
    return abs(one[1] - other[1]) + abs(one[2] - other[2]) if one[0] == other[0] else float("inf")


def columns(space: Space, names: Iterable[str]) -> Iterator[Column]:
    """Yield the columns, and rows, with such a heading."""

    def is_formula(cell: Cell) -> bool:
        return bool(space.is_formula[space.layout.place_of(cell)])

    for sheet in space.sheets:
        texts = sheet.texts.items() if sheet.name in names else ()
        for (row, column), text in texts:
            if len(text) > _LONGEST or not (heading := _HEADING.search(text)):
                continue
            below = ((sheet.name, row + k, column) for k in count(1))
            beside = ((sheet.name, row, column + k) for k in count(1))
            for is_down, cells in ((True, below), (False, beside)):
                own = tuple(takewhile(is_formula, cells))
                if own:
                    place = sheet.name, row, column
                    yield Column(heading[1], heading[2], place, own, is_down)
                    break


def _labelled_so(space: Space, label: str) -> Iterator[Cell]:
    """Yield the numbers with a label above them, or on their left."""
    for sheet in space.sheets:
        for (row, column), text in sheet.texts.items():
            if is_label(text, label):
                for cell in ((sheet.name, row, column + 1), (sheet.name, row + 1, column)):
                    if space.is_leaf[space.layout.place_of(cell)]:
                        yield cell
                        break


def is_label(text: str, label: str) -> bool:
    """Tell whether a text is this label, such as ``b =``."""
    return text.strip().rstrip(":=").rstrip() == label
