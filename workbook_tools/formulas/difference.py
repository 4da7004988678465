"""Where two formulas differ, token by token: a changed reference counts as one change."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import takewhile
from typing import NamedTuple

from workbook_tools.texts import shortened_inside

_MOST_PAIRS = 100_000  # of tokens; beyond, all from the first to the last difference is marked
_LONGEST = 1_000  # characters of a formula in a report for people
# A text, a quoted sheet, a name or reference with its $ signs, a number, space, or any other sign.
_TOKEN = re.compile(
    r"""
    "(?:[^"]|"")*+" | '(?:[^']|'')*+'!? | \$?[^\W\d][\w.]*(?:\$\d+)?!? | \$?\d+(?:\.\d*)?
    | \.\d+ | \s+ | .
    """,
    re.VERBOSE,
)


class Span(NamedTuple):
    """A piece of a formula, and whether the other formula lacks it."""

    text: str
    changed: bool


def difference(was: str, should: str) -> tuple[list[Span], list[Span]]:
    """Return both formulas in pieces, with a mark on those that differ."""
    before, after = _TOKEN.findall(was), _TOKEN.findall(should)
    if len(before) * len(after) > _MOST_PAIRS:
        begin, end = _alike(before, after), _alike(before[::-1], after[::-1])
        end = min(end, len(before) - begin, len(after) - begin)
        return _whole(before, begin, end), _whole(after, begin, end)
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return (
        list(_spans(before, [(i, j, step != "equal") for step, i, j, _, _ in steps])),
        list(_spans(after, [(i, j, step != "equal") for step, _, _, i, j in steps])),
    )


def difference_in_short(was: str, should: str) -> tuple[list[Span], list[Span]]:
    """Return ``difference`` for formulas that are shown: long ones lose their middle."""
    return difference(shortened_inside(was, _LONGEST), shortened_inside(should, _LONGEST))


def _alike(one: list[str], other: list[str]) -> int:
    """Return the number of tokens at the beginning that are the same."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in same)


def _whole(tokens: list[str], begin: int, end: int) -> list[Span]:
    """Return a formula with all tokens marked, except ``begin`` first and ``end`` last ones."""
    last = len(tokens) - end
    parts = [(0, begin, False), (begin, last, True), (last, len(tokens), False)]
    return list(_spans(tokens, parts))


def _spans(tokens: list[str], parts: list[tuple[int, int, bool]]) -> Iterator[Span]:
    for begin, end, changed in parts:
        if begin < end:
            yield Span("".join(tokens[begin:end]), changed)
