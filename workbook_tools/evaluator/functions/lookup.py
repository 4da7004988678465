"""Functions that find a value in a row or column."""

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cmp_to_key

from workbook_tools.evaluator.functions.conditional import pattern
from workbook_tools.evaluator.functions.function import Function
from workbook_tools.evaluator.values import (
    NA,
    REF,
    VALUE,
    FailedError,
    Grid,
    Value,
    array,
    ordered,
    rank,
)
from workbook_tools.package.cell_values import CellError, CellValue

_KEY = cmp_to_key(ordered)


def _line(grid: Grid) -> Sequence[CellValue]:
    """Return the cells of a single row or column; empty ones at its end may be left out."""
    if min(grid.height, grid.width) != 1:
        raise FailedError(NA)
    return list(grid.flat())


def _equal(wanted: CellValue, cells: Sequence[CellValue], wildcards: bool) -> int:
    """Return the first place of a value; raises ``FailedError`` (#N/A) if there is none."""
    if wildcards and isinstance(wanted, str) and re.search(r"[*?~]", wanted):
        matches = re.compile(pattern(wanted), re.IGNORECASE | re.DOTALL).fullmatch
        found = (k for k, cell in enumerate(cells) if isinstance(cell, str) and matches(cell))
    else:
        found = (
            k
            for k, cell in enumerate(cells)
            if _is_like(cell, wanted) and ordered(cell, wanted) == 0
        )
    place = next(found, None)
    if place is None:
        raise FailedError(NA)
    return place


def _is_like(cell: CellValue, wanted: CellValue) -> bool:
    """Tell whether two values are of one type: only such are ordered in a lookup."""
    return cell is not None and not isinstance(cell, CellError) and rank(cell) == rank(wanted)


def _up_to(wanted: CellValue, cells: Sequence[CellValue]) -> int:
    """Return the last place of the values up to one, in ascending order, by bisection."""
    like = [k for k, cell in enumerate(cells) if _is_like(cell, wanted)]
    begin = bisect_right([_KEY(cells[k]) for k in like], _KEY(wanted))
    if not begin:
        raise FailedError(NA)
    return like[begin - 1]


def _down_to(wanted: CellValue, cells: Sequence[CellValue]) -> int:
    """Return the last place of the values down to one, in descending order; the first if equal."""
    found = None
    for k, cell in enumerate(cells):
        if _is_like(cell, wanted):
            order = ordered(cell, wanted)
            if order <= 0:
                found = k if order == 0 else found
                break
            found = k
    if found is None:
        raise FailedError(NA)
    return found


def _place(wanted: CellValue, cells: Sequence[CellValue], kind: float) -> int:
    wanted = 0.0 if wanted is None else wanted
    if kind == 0:
        return _equal(wanted, cells, wildcards=True)
    return _up_to(wanted, cells) if kind > 0 else _down_to(wanted, cells)


def _match(wanted: CellValue, area: Grid, kind: float = 1.0) -> float:
    return float(_place(wanted, _line(area), kind) + 1)


def _keys(area: Grid, in_a_row: bool) -> list[CellValue]:
    """Return the first row or column of a table."""
    if in_a_row:
        return [area.at(0, j) for j in range(area.width)]
    return [area.at(i, 0) for i in range(len(area.rows))]


def _in_table(in_a_row: bool) -> Callable[..., CellValue]:
    """Return HLOOKUP or VLOOKUP."""

    def call(wanted: CellValue, area: Grid, index: float, is_near: bool = True) -> CellValue:
        k = math.trunc(index) - 1
        if k < 0:
            raise FailedError(VALUE)
        if k >= (area.height if in_a_row else area.width):
            raise FailedError(REF)
        place = _place(wanted, _keys(area, in_a_row), is_near)
        return area.at(k, place) if in_a_row else area.at(place, k)

    return call


def _lookup(wanted: CellValue, area: Grid, results: Grid | None = None) -> CellValue:
    """Look up in the first row or column, whichever is longer; the result is in the last."""
    is_row = area.width > area.height
    place = _place(wanted, _keys(area, is_row), 1)
    if results is None:
        return area.at(area.height - 1, place) if is_row else area.at(place, area.width - 1)
    return results.at(0, place) if results.height == 1 else results.at(place, 0)


def _further(wanted: CellValue, cells: Sequence[CellValue], mode: float, search: float) -> int:
    """Return the place that XLOOKUP and XMATCH find."""
    if mode not in (-1, 0, 1, 2) or search not in (-2, -1, 1, 2):
        raise FailedError(VALUE)
    wanted = 0.0 if wanted is None else wanted
    own = cells if search > 0 else cells[::-1]
    try:
        place = _equal(wanted, own, wildcards=mode == 2)
    except FailedError:
        if mode not in (-1, 1):
            raise
        sign = int(mode)
        near = [k for k, c in enumerate(own) if _is_like(c, wanted) and ordered(c, wanted) == sign]
        if not near:
            raise
        nearest = min if sign > 0 else max
        place = nearest(near, key=lambda k: _KEY(own[k]))
    return place if search > 0 else len(cells) - 1 - place


def _xlookup(
    wanted: CellValue,
    keys: Grid,
    results: Grid,
    otherwise: Value = None,
    mode: float | None = None,
    search: float | None = None,
) -> Value:
    if keys.height != results.height if keys.width == 1 else keys.width != results.width:
        raise FailedError(VALUE)
    try:
        place = _further(wanted, _line(keys), mode or 0.0, search or 1.0)
    except FailedError as error:
        if otherwise is None or error.value != NA:
            raise
        return otherwise
    if keys.width == 1:
        found = [[results.at(place, j) for j in range(results.width)]]
    else:
        found = [[results.at(i, place)] for i in range(results.height)]
    return found[0][0] if len(found) == len(found[0]) == 1 else array(found)


def _xmatch(
    wanted: CellValue, keys: Grid, mode: float | None = None, search: float | None = None
) -> float:
    return float(_further(wanted, _line(keys), mode or 0.0, search or 1.0) + 1)


FUNCTIONS: dict[str, Function] = {
    "HLOOKUP": Function("van", _in_table(True), "b"),
    "LOOKUP": Function("va", _lookup, "a"),
    "MATCH": Function("va", _match, "n"),
    "VLOOKUP": Function("van", _in_table(False), "b"),
    "XLOOKUP": Function("vaa", _xlookup, "eoo"),
    "XMATCH": Function("va", _xmatch, "oo"),
}
