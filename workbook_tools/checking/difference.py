"""Where two formulas differ: token by token, so that a cell's name is one thing that changed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from workbook_tools.shortening import shortened_inside

_LONGEST = 1_000  # letters of a formula in a report for people
# A text, a quoted sheet, a name or reference with its anchors, a number, a space, or any one sign.
_TOKEN = re.compile(
    r"""
    "(?:[^"]|"")*+" | '(?:[^']|'')*+'!? | \$?[^\W\d][\w.]*(?:\$\d+)?!? | \$?\d+(?:\.\d*)?
    | \.\d+ | \s+ | .
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Span:
    """A piece of a formula, and whether the other formula lacks it."""

    text: str
    changed: bool


def difference(was: str, should: str) -> tuple[list[Span], list[Span]]:
    """Return both formulas in pieces, those that differ marked; joined they are what was given."""
    before, after = _TOKEN.findall(was), _TOKEN.findall(should)
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return (
        list(_spans(before, [(i, j, step != "equal") for step, i, j, _, _ in steps])),
        list(_spans(after, [(i, j, step != "equal") for step, _, _, i, j in steps])),
    )


def difference_in_short(was: str, should: str) -> tuple[list[Span], list[Span]]:
    """Return the same of formulas that are shown: long ones without their middle."""
    return difference(shortened_inside(was, _LONGEST), shortened_inside(should, _LONGEST))


def _spans(tokens: list[str], parts: list[tuple[int, int, bool]]) -> Iterator[Span]:
    for begin, end, changed in parts:
        if begin < end:
            yield Span("".join(tokens[begin:end]), changed)
