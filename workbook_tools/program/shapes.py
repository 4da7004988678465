"""The shape of a formula: what it computes, without the places that it reads.

``=B5*$C$2`` and ``=X9*Y9`` have the same shape, ``_0*_1``. So a shape is parsed and compiled once,
however many cells of a workbook have it. The places are the *slots* of each formula.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
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


class _Corner(NamedTuple):
    """A cell in a pattern."""

    field: int | None  # of its row; None if that is fixed
    row: int
    column: int


class _Place(NamedTuple):
    """A cell or range in a pattern."""

    sheet: str | None
    first: _Corner
    last: _Corner | None  # None: it is a cell


@lru_cache(maxsize=20_000)
def shape_of(formula: FilledFormula) -> Shape:
    """Return the shape of a formula that is filled down."""
    pieces, places, is_complete = _read(formula.pattern)
    slots = tuple(_slot(place, formula.offsets) for place in places)
    names = [
        f"_{k}x{slot.height}x{slot.width}" if place.last else f"_{k}"
        for k, (slot, place) in enumerate(zip(slots, places, strict=True))
    ]
    text = "".join(chain.from_iterable(zip(pieces, [*names, ""], strict=True)))
    return Shape(text, slots, is_complete)


@lru_cache(maxsize=20_000)
def _read(pattern: str) -> tuple[list[str], list[_Place], bool]:
    """Return the places in a pattern, the text around them, and whether they are all it reads."""
    places: list[_Place] = []
    pieces: list[str] = []
    text, end, is_complete = "", 0, True
    for match in _SLOT.finditer(pattern):
        if not match["first"]:
            if _LIKE_A_SLOT.match(match[0]):
                text += pattern[end : match.start()] + "_"  # a name: _0 is no slot
                end, is_complete = match.start(), False
            continue
        first, last = _corner(match["first"]), _corner(match["last"]) if match["last"] else None
        if last and (first.field is None) != (last.field is None):  # it grows when filled down
            is_complete = False
            continue
        sheet = match["sheet"] and _plain(match["sheet"].strip("'").replace("''", "'"))
        places.append(_Place(sheet, first, last))
        pieces.append(text + _plain(pattern[end : match.start()]))
        text, end = "", match.end()
    return [*pieces, text + _plain(pattern[end:])], places, is_complete


def _slot(place: _Place, offsets: tuple[int, ...]) -> Slot:
    sheet, (field, row, column), last = place
    moves = field is not None
    row = row if field is None else offsets[field]
    if last is None:
        return Slot(sheet, row, moves, column, 1, 1)
    other_row = last.row if last.field is None else offsets[last.field]
    height, width = abs(other_row - row) + 1, abs(last.column - column) + 1
    return Slot(sheet, min(row, other_row), moves, min(column, last.column), height, width)


def _corner(text: str) -> _Corner:
    letters, _, row = text.lstrip("$").partition("{" if text[-1] == "}" else "$")
    if text[-1] == "}":
        return _Corner(int(row[:-1]), 0, column_number(letters))
    return _Corner(None, int(row), column_number(letters))


def _plain(pattern: str) -> str:
    """Return a part of a pattern without fields as it reads in formulas."""
    return pattern.replace("{{", "{").replace("}}", "}")
