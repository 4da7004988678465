"""Gives formulas ``$`` signs, so that those of cells beside each other are one formula filled in.

``=B2*Data!A5`` and, below it, ``=B3*Data!A5`` become ``=B2*Data!A$5`` and ``=B3*Data!A$5``.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from workbook_tools.gradients.side_cells import Area, Written
from workbook_tools.notation.addresses import Cell, column_letter

Moves: TypeAlias = tuple[bool, ...]  # whether each row, or column, that is named moves
Place: TypeAlias = tuple[int, int]
_BOTH = (True, True)  # of a cell that is alone


class _Last(NamedTuple):
    """The last one of the cells in a line that may have one formula filled in."""

    place: int  # its row, or column
    named: tuple[int, ...]  # the rows, or columns, that it names
    group: int


class _Groups(NamedTuple):
    """Cells that have one formula filled in, in one direction."""

    of: dict[Place, int]
    moves: dict[int, Moves]  # of groups of more than one cell


def anchored(
    formulas: Mapping[Cell, Written], prefix: Callable[[Area, str], str]
) -> dict[Cell, str]:
    """Return the formulas as texts, without the equals sign.

    ``prefix`` returns what a reference to an area begins with on a sheet.
    """
    by_sheet: dict[str, dict[Place, Written]] = defaultdict(dict)
    for (sheet, row, column), written in formulas.items():
        by_sheet[sheet][row, column] = written
    found = {}
    for sheet, own in by_sheet.items():
        down, right = _groups(own, 0), _groups(own, 1)
        rows, columns = _settled(down, right), _settled(right, down)
        for place, written in own.items():
            pieces = [written.pieces[0]]
            for k, (area, piece) in enumerate(zip(written.areas, written.pieces[1:], strict=True)):
                ends = slice(2 * k, 2 * k + 2)
                name = _named(area, rows[place][ends] or _BOTH, columns[place][ends] or _BOTH)
                pieces += (prefix(area, sheet), name, piece)
            found[sheet, *place] = "".join(pieces)
    return found


def _groups(formulas: Mapping[Place, Written], axis: int) -> _Groups:
    """Group the cells of each column (axis 0), or of each row (axis 1)."""
    found = _Groups({}, {})
    last: dict[tuple[Any, ...], _Last] = {}
    for place in sorted(formulas, key=lambda own: own[axis]):
        written = formulas[place]
        sheets = tuple(area[:2] for area in written.areas)
        key = place[1 - axis], written.pieces, sheets, written.is_array
        named = tuple(n for a in written.areas for n in a.ends(axis))
        group = len(found.of)  # a new one
        if (before := last.get(key)) is not None:
            moves = _moves(before.named, named, place[axis] - before.place)
            if moves is not None and found.moves.get(before.group, moves) == moves:
                group = before.group
                found.moves[group] = moves
        found.of[place] = group
        last[key] = _Last(place[axis], named, group)
    return found


def _moves(before: tuple[int, ...], named: tuple[int, ...], step: int) -> Moves | None:
    """Return which of the rows, or columns, that two cells name move; None if they differ else."""
    apart = [own - other for own, other in zip(named, before, strict=True)]
    if any(own not in (0, step) for own in apart):
        return None
    return tuple([own != 0 for own in apart])


def _settled(own: _Groups, across: _Groups) -> dict[Place, Moves]:
    """Return what moves in each cell: as in its group, or in those of the cells beside it."""
    beside = {
        across.of[place]: own.moves[group] for place, group in own.of.items() if group in own.moves
    }
    return {
        place: own.moves.get(group) or beside.get(across.of[place], ())
        for place, group in own.of.items()
    }


def _named(area: Area, rows: Moves, columns: Moves) -> str:
    if area.first_row == area.last_row and area.first_column == area.last_column:
        across, down = "" if columns[0] else "$", "" if rows[0] else "$"
        return f"{across}{column_letter(area.first_column)}{down}{area.first_row}"
    corners = (
        f"{'' if is_across else '$'}{column_letter(column)}{'' if is_down else '$'}{row}"
        for row, column, is_down, is_across in zip(
            area[2::2], area[3::2], rows, columns, strict=True
        )
    )
    first, last = corners
    return first if area[2:4] == area[4:6] and first == last else f"{first}:{last}"
