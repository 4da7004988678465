"""The shape of a formula: what it computes, without the places that it reads.

``=B5*$C$2`` and ``=X9*Y9`` have the same shape, ``_0*_1``. So a shape is parsed and compiled once,
however many cells of a workbook have it. The places are the *slots* of each formula.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from workbook_tools.formulas.references import FilledFormula
from workbook_tools.notation.addresses import column_number

_CORNER = r"\$?([A-Za-z]{1,3})(?:\{(\d+)\}|\$([1-9]\d{0,6}))"
_SLOT = re.compile(
    rf"""
    "[^"]*+"                                                        # a text
    | (?:('(?!')(?:[^']|''){{0,300}}+'|[^\W\d][\w.]*+)!)?
      (?<![\w.$]){_CORNER}(?::{_CORNER})?(?![\w.(!:])
    | \w[\w.]*+                                                     # another word
    """,
    re.VERBOSE,
)
_LIKE_A_SLOT = re.compile(r"_\d")


class Slot(NamedTuple):
    """A cell or range that a formula reads, relative to the row of the formula or fixed."""

    sheet: str | None  # None: the formula's own
    row: int  # a distance down from the formula's row if it ``moves``, else a row
    moves: bool
    column: int
    height: int
    width: int

    def first_row(self, row: int) -> int:
        """Return the first row that a formula in ``row`` reads."""
        return row + self.row if self.moves else self.row


class Shape(NamedTuple):
    """A formula without its places, and these."""

    text: str  # with ``_0``, ``_1`` … for cells, and ``_2x3x1`` for ranges of 3 rows and 1 column
    slots: tuple[Slot, ...]
    is_complete: bool  # False: it may read cells that are no slots, such as growing ranges


class _Pattern(NamedTuple):
    """What the pattern of a formula tells of its shape."""

    pieces: list[str]  # of the text; every second one is a slot
    slots: list[Slot]  # those that move have a row of 0
    moving: list[tuple[int, int, int | None]]  # slot, field of its first row, field of the other
    is_complete: bool


@lru_cache(maxsize=20_000)
def shape_of(formula: FilledFormula) -> Shape:
    """Return the shape of a formula that is filled down."""
    pattern, offsets = _read(formula.pattern), formula.offsets
    pieces, slots = pattern.pieces.copy(), pattern.slots.copy()
    for number, field, other_field in pattern.moving:
        sheet, _, _, column, height, width = slots[number]
        row = offsets[field]
        if other_field is not None:
            other = offsets[other_field]
            row, height = min(row, other), abs(other - row) + 1
            pieces[2 * number + 1] = f"_{number}x{height}x{width}"
        slots[number] = Slot(sheet, row, True, column, height, width)
    return Shape("".join(pieces), tuple(slots), pattern.is_complete)


@lru_cache(maxsize=20_000)
def _read(pattern: str) -> _Pattern:
    found = _Pattern([], [], [], True)
    end, is_complete, before = 0, True, ""
    for match in _SLOT.finditer(pattern):
        sheet, letters, field, row, other_letters, other_field, other_row = match.groups()
        if not letters:
            if _LIKE_A_SLOT.match(match[0]):
                before += pattern[end : match.start()] + "_"  # a name: _0 is no slot
                end, is_complete = match.start(), False
            continue
        if other_letters and (field is None) != (other_field is None):
            is_complete = False  # a range that grows when it is filled down
            continue
        number, column, height, width = len(found.slots), column_number(letters), 1, 1
        top = int(row or 0)
        name = f"_{number}"
        if other_letters:
            other, bottom = column_number(other_letters), int(other_row or 0)
            column, width = min(column, other), abs(column - other) + 1
            top, height = min(top, bottom), abs(top - bottom) + 1
            name += f"x{height}x{width}"
        if field:
            found.moving.append((number, int(field), int(other_field) if other_field else None))
        if sheet:
            sheet = _plain(sheet.strip("'").replace("''", "'"))
        found.slots.append(Slot(sheet, top, field is not None, column, height, width))
        found.pieces.extend((before + _plain(pattern[end : match.start()]), name))
        before, end = "", match.end()
    found.pieces.append(before + _plain(pattern[end:]))
    return found._replace(is_complete=is_complete)


def _plain(pattern: str) -> str:
    """Return a part of a pattern without fields as it reads in formulas."""
    return pattern.replace("{{", "{").replace("}}", "}")
