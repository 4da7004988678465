"""Many cells as a few ranges."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from workbook_tools.notation.addresses import MAX_COLUMNS, Cell, range_name
from workbook_tools.program.memory import Indexes, Layout


def by_sheet(cells: Iterable[Cell]) -> dict[str, list[Cell]]:
    """Return cells by their sheets, in order."""
    found: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        found[cell[0]].append(cell)
    return {sheet: sorted(own) for sheet, own in found.items()}


def ranges(cells: Sequence[Cell]) -> str:
    """Return the ranges of the cells of one sheet, from the top: ``B2:C4, E7``."""
    return _joined(rectangles(cells))


def rectangles(cells: Sequence[Cell]) -> list[tuple[int, ...]]:
    """Return the corners of rectangles that cells of one sheet fill: rows alike, joined."""
    rows, columns = np.array([cell[1:] for cell in cells], dtype=np.int64).reshape(-1, 2).T
    return _rectangles(rows, columns)


def ranges_of(places: Indexes, layout: Layout) -> Iterator[tuple[str, str]]:
    """Yield the sheets on which cells are, and the ranges of these."""
    sheets, rows, columns = layout.cells(places)
    for sheet in dict.fromkeys(sheets.tolist()):
        own = sheets == sheet
        yield layout.sheets[sheet], _joined(_rectangles(rows[own], columns[own]))


def _joined(every: Iterable[tuple[int, ...]]) -> str:
    return ", ".join(range_name(*corners) for corners in every)


def _rectangles(rows: Indexes, columns: Indexes) -> list[tuple[int, ...]]:
    width = MAX_COLUMNS + 2  # so that the last cell of a row and the first of the next are apart
    cells = np.unique(rows * width + columns)
    is_first = np.diff(cells, prepend=-1) > 1
    first, last = cells[is_first], cells[np.roll(is_first, -1)]
    spans = np.stack([first % width, last % width, first // width])
    spans = spans[:, np.lexsort(spans[::-1])]
    is_top = (np.diff(spans, prepend=-1) != [[0], [0], [1]]).any(axis=0)
    left, right, top = spans[:, is_top].tolist()
    bottom = spans[2, np.roll(is_top, -1)].tolist()
    return sorted(zip(top, left, bottom, right, strict=True))
