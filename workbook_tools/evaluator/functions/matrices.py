"""Functions of whole arrays: products, inverses, and those that return arrays."""

import math
import operator
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import repeat
from typing import Any

import numpy as np

from workbook_tools.evaluator.functions.aggregates import total
from workbook_tools.evaluator.functions.function import Function, raise_first
from workbook_tools.evaluator.values import (
    MOST_CELLS,
    NA,
    NUM,
    VALUE,
    FailedError,
    Grid,
    UnknownFunctionError,
    Value,
    array,
    logical,
    rank,
)
from workbook_tools.package.cell_values import CellError, CellValue

_CALC = CellError("#CALC!")  # an array without a cell


def _sum_product(*grids: Grid) -> float:
    first = grids[0]
    if any((grid.height, grid.width) != (first.height, first.width) for grid in grids):
        raise FailedError(VALUE)
    count = max(len(grid.rows) for grid in grids)
    products = _factors(first.first(count))
    for grid in grids[1:]:
        products = [*map(operator.mul, products, _factors(grid.first(count)))]
    if count < first.height and all(grid.rest is not None for grid in grids):
        beyond = [_factors([grid.rest])[0] for grid in grids]
        left = (first.height - count) * first.width
        _refuse_many(left)
        products += repeat(reduce(operator.mul, beyond), left)
    return total(products)


def _factors(cells: Sequence[CellValue]) -> list[float]:
    """Return the numbers among some cells, and 0 for what is none."""
    raise_first(cells)
    return [cell if type(cell) is float else 0.0 for cell in cells]


def _matrix(grid: Grid) -> list[list[float]]:
    """Return a grid as a matrix; ``#VALUE!`` if not all of its cells are numbers."""
    rows = grid.full()
    for row in rows:
        raise_first(row)
        if not all(type(cell) is float for cell in row):
            raise FailedError(VALUE)
    return rows  # type: ignore[return-value]


def _multiplied(left: Grid, right: Grid) -> Grid:
    if left.width != right.height:
        raise FailedError(VALUE)
    if left.height * left.width * right.width > 16 * MOST_CELLS:
        raise UnknownFunctionError("a product of large matrices")
    rows, columns = _matrix(left), [*zip(*_matrix(right), strict=True)]
    return array(
        [[_shown(total(map(operator.mul, row, column))) for column in columns] for row in rows]
    )


def _shown(value: float) -> CellValue:
    return value + 0.0 if math.isfinite(value) else NUM


def _square(grid: Grid) -> np.ndarray[Any, np.dtype[np.float64]]:
    if grid.height != grid.width:
        raise FailedError(VALUE)
    return np.array(_matrix(grid))


def _transposed(grid: Grid) -> Grid:
    return array([*zip(*grid.full(), strict=True)])


def _refuse_many(cells: int) -> None:
    if cells > MOST_CELLS:
        raise UnknownFunctionError(f"an array of {cells:,} cells")


def _unit(size: float) -> Grid:
    if size < 1:
        raise FailedError(VALUE)
    _refuse_many(math.trunc(size) ** 2)
    return array(np.eye(math.trunc(size)).tolist())


def _sequence(
    rows: float,
    columns: float | None = None,
    start: float | None = None,
    step: float | None = None,
) -> Grid:
    height, width = math.trunc(rows), math.trunc(1.0 if columns is None else columns)
    if height < 1 or width < 1:
        raise FailedError(VALUE if min(height, width) < 0 else _CALC)
    _refuse_many(height * width)
    first, further = (1.0 if value is None else value for value in (start, step))
    return array([[first + further * (i * width + j) for j in range(width)] for i in range(height)])


def _filtered(grid: Grid, included: Grid, otherwise: Value = None) -> Value:
    rows = grid.full()
    by_columns = included.height == 1 and included.width == grid.width and grid.width > 1
    if by_columns:
        rows = [list(row) for row in zip(*rows, strict=True)]
    elif included.width != 1 or included.height != grid.height:
        raise FailedError(VALUE)
    flags = [flag for row in included.full() for flag in row]
    kept = [row for row, flag in zip(rows, flags, strict=True) if logical(flag)]
    if not kept:
        return _CALC if otherwise is None else otherwise
    return array([*zip(*kept, strict=True)] if by_columns else kept)


def _sorted(
    grid: Grid, index: float | None = None, order: float | None = None, by_column: bool = False
) -> Grid:
    rows = [list(row) for row in (zip(*grid.full(), strict=True) if by_column else grid.full())]
    place = math.trunc(1.0 if index is None else index) - 1
    if order not in (None, 1, -1) or not 0 <= place < len(rows[0]):
        raise FailedError(VALUE)
    found = sorted(rows, key=lambda row: _key(row[place]), reverse=order == -1)
    found.sort(key=lambda row: row[place] is None)  # in any order, empty cells are last
    return array([*zip(*found, strict=True)] if by_column else found)


def _key(value: CellValue) -> tuple[int, float | str]:
    """Return by what to sort: errors come after all values, and empty cells last."""
    if value is None or isinstance(value, CellError):
        return 4 if value is None else 3, 0.0
    return rank(value), value.lower() if isinstance(value, str) else value


def _unique(grid: Grid) -> Grid:
    rows: dict[tuple[object, ...], list[CellValue]] = {}
    for row in grid.full():
        key = ((type(v), v.lower() if isinstance(v, str) else v) for v in row)
        rows.setdefault(tuple(key), row)
    return array(list(rows.values()))


def _stacked(*grids: Grid) -> Grid:
    width = max(grid.width for grid in grids)
    return array([[*row, *repeat(NA, width - grid.width)] for grid in grids for row in grid.full()])


def _side_by_side(*grids: Grid) -> Grid:
    return _transposed(_stacked(*map(_transposed, grids)))


def _part(is_kept: bool) -> Callable[..., Grid]:
    """Return TAKE or DROP."""

    def cut(count: float | None, size: int) -> slice:
        if count is None:
            return slice(0, size)
        whole = math.trunc(count)
        if is_kept:
            return slice(0, whole) if whole >= 0 else slice(max(0, size + whole), size)
        return slice(whole, size) if whole >= 0 else slice(0, max(0, size + whole))

    def call(grid: Grid, rows: float | None, columns: float | None = None) -> Grid:
        across = cut(columns, grid.width)
        found = [row[across] for row in grid.full()[cut(rows, grid.height)]]
        if not found or not found[0]:
            raise FailedError(_CALC)
        return array(found)

    return call


FUNCTIONS: dict[str, Function] = {
    "DROP": Function("ao", _part(False), "o"),
    "FILTER": Function("aa", _filtered, "c"),
    "HSTACK": Function("a", _side_by_side, repeated="a"),
    "MDETERM": Function("a", lambda grid: float(np.linalg.det(_square(grid)))),
    "MINVERSE": Function("a", lambda grid: array(np.linalg.inv(_square(grid)).tolist())),
    "MMULT": Function("aa", _multiplied),
    "MUNIT": Function("n", _unit),
    "SEQUENCE": Function("n", _sequence, "ooo"),
    "SORT": Function("a", _sorted, "oob"),
    "SUMPRODUCT": Function("a", _sum_product, repeated="a"),
    "TAKE": Function("ao", _part(True), "o"),
    "TRANSPOSE": Function("a", _transposed),
    "UNIQUE": Function("a", _unique),
    "VSTACK": Function("a", _stacked, repeated="a"),
}
