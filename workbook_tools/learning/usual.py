"""What most cells of a column have, so that all should have it."""

from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

LEAST_ALIKE, ALIKE = 4, 0.8  # cells of a column, so that all should be alike
_Line = TypeVar("_Line")
_Own = TypeVar("_Own")


def usual_in(
    lines: Sequence[_Line], every: Sequence[_Own], most: float = ALIKE
) -> dict[_Line, tuple[_Own, int]]:
    """Return what ``most`` members of each line have, and how many, if it is enough of them."""
    totals = Counter(lines)
    found = {
        line: (own, count)
        for (line, own), count in Counter(zip(lines, every, strict=True)).items()
        if count >= LEAST_ALIKE and count >= most * totals[line]
    }
    return {line: found[line] for line in totals if line in found}
