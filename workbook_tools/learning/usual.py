"""What most cells of a column have, so that all should have it."""

from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias, TypeVar

from workbook_tools.program.memory import Indexes, Layout

LEAST_ALIKE, ALIKE = 4, 0.8  # cells of a column, so that all should be alike
Column: TypeAlias = tuple[int, int]  # sheet and column
Move: TypeAlias = tuple[int, int, int]  # to a sheet, down, to the right
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


def moves_to(others: Indexes, cells: Indexes, layout: Layout) -> tuple[list[Column], list[Move]]:
    """Return the columns of some cells, and how far it is from each to another one."""
    sheets, rows, columns = layout.cells(cells)
    other_sheets, other_rows, other_columns = layout.cells(others)
    moves = other_sheets, other_rows - rows, other_columns - columns
    return (
        [*zip(sheets.tolist(), columns.tolist(), strict=True)],
        [*zip(*(part.tolist() for part in moves), strict=True)],
    )
