"""Many cells as a few ranges."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from workbook_tools.notation.addresses import Cell, range_name


def by_sheet(cells: Iterable[Cell]) -> dict[str, list[Cell]]:
    """Return cells by their sheets, in order."""
    found: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        found[cell[0]].append(cell)
    return {sheet: sorted(own) for sheet, own in found.items()}


def ranges(cells: Sequence[Cell]) -> str:
    """Return the ranges of the cells of one sheet, from the top: ``B2:C4, E7``."""
    return ", ".join(range_name(*corners) for corners in rectangles(cells))


def rectangles(cells: Sequence[Cell]) -> Iterator[tuple[int, int, int, int]]:
    """Yield the corners of rectangles that cells of one sheet fill: rows that are alike, joined."""
    rows: dict[int, list[tuple[int, int]]] = {}
    for _, row, column in sorted(set(cells)):
        spans = rows.setdefault(row, [])
        if spans and spans[-1][1] == column - 1:
            spans[-1] = spans[-1][0], column
        else:
            spans.append((column, column))
    growing: dict[tuple[int, int], tuple[int, int]] = {}
    found = []
    for row, spans in rows.items():
        for span in [
            own for own, (_, last) in growing.items() if last != row - 1 or own not in spans
        ]:
            first, last = growing.pop(span)
            found.append((first, span[0], last, span[1]))
        for span in spans:
            growing[span] = growing.get(span, (row, row))[0], row
    found += [(first, span[0], last, span[1]) for span, (first, last) in growing.items()]
    yield from sorted(found)
