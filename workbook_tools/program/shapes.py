"""The shape of a formula: what it computes, without the places that it reads.

``=B5*$C$2`` and ``=X9*Y9`` have the same shape, ``_0*_1``. So a shape is parsed and compiled once,
however many cells of a workbook have it. The places are the *slots* of each formula.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from workbook_tools.formulas.references import FilledFormula
from workbook_tools.notation.addresses import column_number

_CORNER = r"\$?[A-Za-z]{1,3}(?:\{\d+\}|\$[1-9]\d{0,6})"
_SLOT = re.compile(
    rf"""
    "[^"]*+"                                                        # a text
    | (?:(?P<sheet>'(?:[^']|''){{0,300}}+'|[^\W\d][\w.]*+)!)?
      (?<![\w.$])(?P<first>{_CORNER})(?::(?P<last>{_CORNER}))?(?![\w.(!:])
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


@dataclass(frozen=True)
class Shape:
    """A formula without its places, and these."""

    text: str  # with ``_0``, ``_1`` … for cells, and ``_2x3x1`` for ranges of 3 rows and 1 column
    slots: tuple[Slot, ...]
    is_complete: bool  # False: it may read cells that are no slots, such as growing ranges


@lru_cache(maxsize=20_000)
def shape_of(formula: FilledFormula) -> Shape:
    """Return the shape of a formula that is filled down."""
    slots: list[Slot] = []
    pieces: list[str] = []
    end, pattern, is_complete = 0, formula.pattern, True
    for match in _SLOT.finditer(pattern):
        if not match["first"]:
            if _LIKE_A_SLOT.match(match[0]):
                pieces += [pattern[end : match.start()], "_"]  # a name: _0 is no slot
                end, is_complete = match.start(), False
            continue
        slot = _slot(match["sheet"], match["first"], match["last"], formula.offsets)
        if slot is None:
            is_complete = False
            continue
        size = f"x{slot.height}x{slot.width}" if match["last"] else ""
        pieces += [_plain(pattern[end : match.start()]), f"_{len(slots)}{size}"]
        slots.append(slot)
        end = match.end()
    text = "".join([*pieces, _plain(pattern[end:])])
    return Shape(text, tuple(slots), is_complete)


def _slot(sheet: str | None, first: str, last: str | None, offsets: tuple[int, ...]) -> Slot | None:
    """Return a slot; None for a range that grows as the formula is filled down."""
    row, moves, column = _corner(first, offsets)
    other_row, other_moves, other_column = _corner(last, offsets) if last else (row, moves, column)
    if moves != other_moves:
        return None
    if sheet:
        sheet = _plain(sheet.strip("'").replace("''", "'"))
    height, width = abs(other_row - row) + 1, abs(other_column - column) + 1
    return Slot(sheet, min(row, other_row), moves, min(column, other_column), height, width)


def _corner(text: str, offsets: tuple[int, ...]) -> tuple[int, bool, int]:
    letters, _, row = text.lstrip("$").partition("{" if text[-1] == "}" else "$")
    if text[-1] == "}":
        return offsets[int(row[:-1])], True, column_number(letters)
    return int(row), False, column_number(letters)


def _plain(pattern: str) -> str:
    """Return a part of a pattern without fields as it reads in formulas."""
    return pattern.replace("{{", "{").replace("}}", "}")
