"""Functions of references: INDEX and OFFSET return some, ROW and COLUMNS read no cell at all."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from workbook_tools.evaluator.functions import FUNCTIONS
from workbook_tools.evaluator.functions.function import applied, each
from workbook_tools.evaluator.lazy.call import Lazy, checked, numbers
from workbook_tools.evaluator.place import At, Found, Step
from workbook_tools.evaluator.values import (
    NA,
    REF,
    VALUE,
    FailedError,
    Grid,
    Value,
    array,
    as_grid,
    number,
)
from workbook_tools.formulas.references import Area
from workbook_tools.formulas.tree import Missing, Tree
from workbook_tools.notation.addresses import MAX_COLUMNS, MAX_ROWS
from workbook_tools.package.cell_values import CellError

if TYPE_CHECKING:
    from workbook_tools.evaluator.compiler import Compiler


def _index(compiler: "Compiler", arguments: Sequence[Tree], lifts: bool) -> Step:
    base = compiler.step(arguments[0], True)
    indices = [numbers(compiler, part, lifts) for part in arguments[1:]]

    def found(at: At) -> Found:
        own = base(at)
        if isinstance(own, CellError):
            return own
        places = [index(at) for index in indices]
        if any(isinstance(place, Grid) for place in places):
            return each(places, lambda *single: at.single(_element(own, single)))
        return _element(own, places)

    return found


def _element(found: Found, places: Sequence[Value]) -> Found:
    """Return one cell of an area or array, or a whole row or column of it where a place is 0."""
    try:
        wanted = [math.trunc(number(place)) for place in places]
    except FailedError as error:
        return error.value
    own = found if isinstance(found, Area) else as_grid(found)
    tall, wide = own.height, own.width
    if len(wanted) == 1:
        wanted = [1, *wanted] if tall == 1 and wide > 1 else [*wanted, 0 if wide > 1 else 1]
    row, column = wanted
    if row < 0 or column < 0:
        return VALUE
    if row > tall or column > wide:
        return REF
    rows = (row, row) if row else (1, tall)
    columns = (column, column) if column else (1, wide)
    if isinstance(own, Area):
        return own._replace(
            first_row=own.first_row + rows[0] - 1,
            last_row=own.first_row + rows[1] - 1,
            first_column=own.first_column + columns[0] - 1,
            last_column=own.first_column + columns[1] - 1,
        )
    if row and column:
        return own.at(row - 1, column - 1)
    return array([line[columns[0] - 1 : columns[1]] for line in own.full()[rows[0] - 1 : rows[1]]])


def _offset(compiler: "Compiler", arguments: Sequence[Tree], lifts: bool) -> Step:
    base = compiler.step(arguments[0], False)
    further = [compiler.one(part) for part in arguments[1:]]
    is_given = [not isinstance(part, Missing) for part in arguments[1:]]

    def moved(at: At) -> Found:
        area = base(at)
        if not isinstance(area, Area):
            return area if isinstance(area, CellError) else VALUE
        try:
            given = [math.trunc(number(step(at))) for step in further]
        except FailedError as error:
            return error.value
        sizes = [area.height, area.width]
        for k in (2, 3):
            if len(given) > k and is_given[k]:
                sizes[k - 2] = given[k]
        if 0 in sizes:
            return REF
        first = area.first_row + given[0], area.first_column + given[1]
        last = [
            start + size - 1 if size > 0 else start + size + 1
            for start, size in zip(first, sizes, strict=True)
        ]
        rows, columns = sorted((first[0], last[0])), sorted((first[1], last[1]))
        if rows[0] < 1 or columns[0] < 1 or rows[1] > MAX_ROWS or columns[1] > MAX_COLUMNS:
            return REF
        return Area(area.sheet, rows[0], columns[0], rows[1], columns[1])

    return moved


def _place(of_cell: Callable[[At], int], first: Callable[[Area], int], is_row: bool) -> Lazy:
    """Return ROW or COLUMN."""

    def compiled(compiler: "Compiler", arguments: Sequence[Tree], lifts: bool) -> Step:
        if not arguments:
            return lambda at: float(of_cell(at))
        base = compiler.step(arguments[0], lifts)

        def found(at: At) -> Found:
            area = base(at)
            if not isinstance(area, Area):
                return area if isinstance(area, CellError) else VALUE
            begin, count = first(area), area.height if is_row else area.width
            if not lifts or count == 1:
                return float(begin)
            numbers = [float(k) for k in range(begin, begin + count)]
            return array([[k] for k in numbers]) if is_row else array([numbers])

        return found

    return compiled


def _size(of: Callable[[Area | Grid], int]) -> Lazy:
    """Return ROWS or COLUMNS."""

    def compiled(compiler: "Compiler", arguments: Sequence[Tree], lifts: bool) -> Step:
        base = compiler.step(arguments[0], True)

        def found(at: At) -> Found:
            own = base(at)
            if isinstance(own, CellError):
                return own
            return float(of(own if isinstance(own, Area) else as_grid(own)))

        return found

    return compiled


def _conditional(name: str) -> Lazy:
    """Return SUMIF or AVERAGEIF, whose third range is made as large as the first."""

    def compiled(compiler: "Compiler", arguments: Sequence[Tree], lifts: bool) -> Step:
        area_of, values_of = (compiler.step(arguments[k], False) for k in (0, -1))
        call = applied(FUNCTIONS[name], "rer"[: len(arguments)])
        wanted_of = numbers(compiler, arguments[1], lifts)

        def found(at: At) -> Found:
            area, values = area_of(at), values_of(at) if len(arguments) > 2 else None
            for own in (area, values):
                if isinstance(own, CellError):
                    return own
            if not isinstance(area, Area) or not isinstance(values, Area | None):
                return VALUE
            grids = [at.grid(area)]
            if values:
                rows, columns = area.height - 1, area.width - 1
                last = values.first_row + rows, values.first_column + columns
                values = values._replace(last_row=last[0], last_column=last[1])
                grids.append(at.grid(values))
            return call([grids[0], wanted_of(at), *grids[1:]])

        return found

    return compiled


def _single(compiler: "Compiler", arguments: Sequence[Tree], lifts: bool) -> Step:
    return compiler.single(arguments[0])


def _element_of_array(compiler: "Compiler", arguments: Sequence[Tree], lifts: bool) -> Step:
    """Return one value of an array formula that fills several cells: ARRAYFORMULA(body,row,column).

    A single row, column or value is repeated; beyond others, the cells show ``#N/A``.
    """
    body = type(compiler)(is_array=True).step(arguments[0], True)
    places = [int(str(part)) - 1 for part in arguments[1:]] or [0, 0]

    def found(at: At) -> Found:
        first = at.sheet, at.row - places[0], at.column - places[1]
        own = at.arrays.get(first)
        if own is None:
            own = at.arrays[first] = as_grid(at.values(body(at)))
        row, column = (
            k * (size > 1) for k, size in zip(places, (own.height, own.width), strict=True)
        )
        return own.at(row, column) if row < own.height and column < own.width else NA

    return found


CALLS: dict[str, Lazy] = {
    "ARRAYFORMULA": checked(1, 3, _element_of_array),
    "AVERAGEIF": checked(2, 3, _conditional("AVERAGEIF")),
    "COLUMN": checked(0, 1, _place(lambda at: at.column, lambda a: a.first_column, False)),
    "COLUMNS": checked(1, 1, _size(lambda area: area.width)),
    "INDEX": checked(2, 3, _index),
    "OFFSET": checked(3, 5, _offset),
    "ROW": checked(0, 1, _place(lambda at: at.row, lambda a: a.first_row, True)),
    "ROWS": checked(1, 1, _size(lambda area: area.height)),
    "SINGLE": checked(1, 1, _single),
    "SUMIF": checked(2, 3, _conditional("SUMIF")),
}
