"""What the bytes of a sheet's row look like, whichever rows it reads and however it is styled."""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import compress, count
from operator import itemgetter
from typing import Literal

from workbook_tools.notation.addresses import MAX_ROWS

LONGEST_ROW = len(str(MAX_ROWS))  # digits
HOLE = b"\0"  # where a value was; XML cannot contain it
# Marks stand in a pattern for row numbers; XML cannot contain them, either.
_MARK_OR_HOLE = re.compile(rb"(\x01..|\0)", re.DOTALL)
_NUMBERS = re.compile(rb"[0-9]+|\x01..", re.DOTALL)

# A number in a row, and what it is: a style, a row, or how far down a row is that the row reads.
Mark = tuple[Literal["style", "row", "distance"], int]


class Pattern:
    """A row with holes for values, and with marks, at least two, in place of numbers."""

    def __init__(self, text: bytes, marks: Mapping[Mark, bytes]) -> None:
        self.text = text
        self.moves = [what == "distance" for what, _ in marks]
        self.is_row = [what == "row" for what, _ in marks]
        self._marks = marks.values()
        self._pieces = _MARK_OR_HOLE.split(text)
        self.holes = text.count(HOLE)
        of_marks = {mark: k for k, mark in enumerate(self._marks)}
        of_holes = count(len(of_marks))
        order = (of_marks.get(piece) for piece in self._pieces[1::2])
        self._in_order = itemgetter(*(next(of_holes) if k is None else k for k in order))

    @cached_property
    def _places(self) -> list[int]:
        """Where each mark comes first, among all marks and numbers."""
        found = _NUMBERS.findall(self.text)
        first = dict(zip(reversed(found), reversed(range(len(found))), strict=True))
        return [first[mark] for mark in self._marks]

    def at(self, row: int, reads: Sequence[int], values: Sequence[bytes]) -> bytes:
        """Return the row that has these numbers instead of the marks, and a value in each hole."""
        both = zip(reads, self.moves, strict=True)
        numbers = [b"%d" % (row + number if moves else number) for number, moves in both]
        self._pieces[1::2] = self._in_order([*numbers, *values])
        return b"".join(self._pieces)

    def read(self, skeleton: bytes, row: int) -> tuple[int, ...] | None:
        """Return what a row with holes reads, as in ``at``; None if it has not this pattern."""
        found = _NUMBERS.findall(skeleton)
        if len(found) <= max(self._places):
            return None
        texts = [found[place] for place in self._places]
        if max(map(len, texts)) > LONGEST_ROW:
            return None
        numbers = list(map(int, texts))
        if not 1 <= min(numbers) <= max(numbers) <= MAX_ROWS:
            return None
        both = zip(numbers, self.moves, strict=True)
        reads = tuple(number - row if moves else number for number, moves in both)
        distances = [*compress(reads, self.moves)]
        if len({*distances}) < len(distances):
            return None
        return reads if self.at(row, reads, [HOLE] * self.holes) == skeleton else None
