"""What the bytes of a sheet's row look like, whichever rows it reads and however it is styled."""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import compress
from typing import Literal

from workbook_tools.notation.addresses import MAX_ROWS

LONGEST_ROW = len(str(MAX_ROWS))  # digits
# Marks stand in a pattern for row numbers; XML cannot contain them.
_WRITTEN_MARK = re.compile(rb"(\x01..)", re.DOTALL)
_NUMBERS = re.compile(rb"[0-9]+|\x01..", re.DOTALL)

# A number in a row, and what it is: a style, a row, or how far down a row is that the row reads.
Mark = tuple[Literal["style", "row", "distance"], int]


class Pattern:
    """A row with holes where values were, and with marks in place of numbers."""

    def __init__(self, text: bytes, marks: Mapping[Mark, bytes]) -> None:
        self.text = text
        self.moves = [what == "distance" for what, _ in marks]
        self.is_row = [what == "row" for what, _ in marks]
        order = {mark: k for k, mark in enumerate(marks.values())}
        self._marks = marks.values()
        self._pieces = _WRITTEN_MARK.split(text)
        self._order = [order[mark] for mark in self._pieces[1::2]]

    @cached_property
    def _places(self) -> list[int]:
        """Where each mark comes first, among all marks and numbers."""
        found = _NUMBERS.findall(self.text)
        first = dict(zip(reversed(found), reversed(range(len(found))), strict=True))
        return [first[mark] for mark in self._marks]

    def at(self, row: int, reads: Sequence[int]) -> bytes:
        """Return the row that has these numbers instead of the marks."""
        both = zip(reads, self.moves, strict=True)
        numbers = [b"%d" % (row + number if moves else number) for number, moves in both]
        self._pieces[1::2] = [numbers[k] for k in self._order]
        return b"".join(self._pieces)

    def read(self, skeleton: bytes, row: int) -> tuple[int, ...] | None:
        """Return what a row reads, as in ``at``; None if it has not this pattern."""
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
        is_read = len({*distances}) == len(distances) and self.at(row, reads) == skeleton
        return reads if is_read else None
