"""Writes Python source for the shape of a formula, in one of two dialects (see ``kernels.py``)."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Protocol

from workbook_tools.formulas.tree import SyntaxProblemError, parse_long
from workbook_tools.program.dialect import Dialect, NotPlainError, Range

_NESTS = {"(": 1, "[": 1, ")": -1, "]": -1}
_ESCAPED = {ord(sign): f"\\x{ord(sign):x}" for sign in _NESTS}  # in texts, they do not nest
_DEEPEST = 90  # parentheses in each other; Python allows 200


class _OnLanes(Dialect):
    """Code for many lanes at once: a function of a ``Lanes`` called ``s``."""

    checks = "s.sure"
    apart = "s.apart"
    reads_are_sure = False

    def one(self, slot: int) -> str:
        return f"s.one({slot})"

    def every(self, place: Range, filled: bool) -> str:
        return f"s.{'filled' if filled else 'every'}({place.slot})"

    def element(self, place: Range) -> str:
        return self.every(place, filled=False)  # all elements at once

    def added(self, product: str, places: Sequence[Range]) -> str:
        return f"total({product})"

    def pick(self, place: Range, number: str) -> str:
        return f"s.pick({place.slot}, {number})"

    def line(self, slot: int, of_row: bool) -> str:
        return f"s.line({slot}, {of_row})"

    def constant(self, value: bool) -> str:
        return f"np.bool_({value})"

    def as_number(self, condition: str) -> str:
        return f"({condition} * 1.0)"

    def choice(self, condition: str, one: str, other: str) -> str:
        return f"s.chosen({condition}, lambda: {one}, lambda: {other})"

    def negation(self, condition: str) -> str:
        return f"np.logical_not({condition})"

    def says(self, slot: int, text: str) -> str:
        return f"s.says({slot}, {_quoted(text)})"

    def alike(self, one: int, other: int) -> str:
        return f"s.alike({one}, {other})"

    def joined(self, parts: Sequence[tuple[str, bool]]) -> str:
        return ", ".join(source if is_range else f"alone({source})" for source, is_range in parts)


class Reads(Protocol):
    """How scalar code reads its slots."""

    def one(self, slot: int) -> str:
        """Return the source of a cell's value."""
        ...

    def every(self, slot: int) -> str:
        """Return the source of a list of the values of a range, row by row."""
        ...

    def held(self, slot: int) -> str:
        """Return the source of what a cell holds, whatever it is."""
        ...


class _Scalar(Dialect):
    """Code for one cell. On anything but finite numbers it raises an exception.

    Where it reads a slot there is a mark: NULs around the name of a method of ``Reads`` and the
    slot's number.
    """

    checks = "sure"
    apart = "apart"
    reads_are_sure = True

    def one(self, slot: int) -> str:
        return f"\0one {slot}\0"

    def every(self, place: Range, filled: bool) -> str:
        return f"\0every {place.slot}\0"

    def element(self, place: Range) -> str:
        return f"e{place.slot}"

    def added(self, product: str, places: Sequence[Range]) -> str:
        names = "".join(f"{self.element(place)}, " for place in places)
        every = ", ".join(self.every(place, filled=False) for place in places)
        return f"total([{product} for {names}in zip({every})])"

    def pick(self, place: Range, number: str) -> str:
        return f"picked({self.every(place, filled=False)}, {number})"

    def line(self, slot: int, of_row: bool) -> str:
        raise NotPlainError  # one cell knows no places

    def constant(self, value: bool) -> str:
        return str(value)

    def as_number(self, condition: str) -> str:
        return f"float({condition})"

    def choice(self, condition: str, one: str, other: str) -> str:
        return f"({one} if {condition} else {other})"

    def negation(self, condition: str) -> str:
        return f"(not {condition})"

    def says(self, slot: int, text: str) -> str:
        return f"says(\0held {slot}\0, {_quoted(text)})"

    def alike(self, one: int, other: int) -> str:
        return f"(apart({self.one(one)}, {self.one(other)}) == 0.0)"

    def joined(self, parts: Sequence[tuple[str, bool]]) -> str:
        if len(parts) == 1 and parts[0][1]:
            return parts[0][0]
        return f"[{', '.join('*' * is_range + source for source, is_range in parts)}]"


def _quoted(text: str) -> str:
    """Return a text as Python source, in which no parentheses are counted."""
    return repr(text).translate(_ESCAPED)


def scalar_source(shape: str, reads: Reads) -> str:
    """Return Python source for a formula of this shape; its result is a float.

    Raises ``NotPlainError``. The source needs the names of ``SCALAR``.
    """
    pieces = list(_scalar_pieces(shape))
    for k in range(1, len(pieces), 2):
        how, _, slot = pieces[k].partition(" ")
        pieces[k] = getattr(reads, how)(int(slot))
    return "".join(pieces)


@lru_cache(maxsize=20_000)
def _scalar_pieces(shape: str) -> tuple[str, ...]:
    """Return the source of a shape; every second piece is what a mark says."""
    return tuple(_source(shape, _Scalar()).split("\0"))


@lru_cache(maxsize=20_000)
def lanes_source(shape: str) -> str:
    """Return the source of a function of ``Lanes`` for a formula of this shape.

    Raises ``NotPlainError``.
    """
    return f"lambda s: {_source(shape, _OnLanes())}"


def _source(shape: str, dialect: Dialect) -> str:
    try:
        found = dialect.of(parse_long(shape))
    except (SyntaxProblemError, RecursionError) as error:
        raise NotPlainError(shape) from error
    if not found.is_number:
        raise NotPlainError(shape)  # a boolean as the result
    if max(accumulate(_NESTS.get(sign, 0) for sign in found.source), default=0) > _DEEPEST:
        raise NotPlainError(shape)
    return found.source
