"""What a function takes, and how it is applied to values: one cell or, in arrays, each."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain, repeat
from typing import Any, NamedTuple

from workbook_tools.evaluator.values import (
    DIV0,
    MOST_CELLS,
    NA,
    NUM,
    VALUE,
    FailedError,
    Grid,
    UnknownFunctionError,
    Value,
    as_grid,
    finished,
    logical,
    number,
    text,
)
from workbook_tools.package.cell_values import CellError, CellValue


class Function(NamedTuple):
    """A function of values.

    Each argument has a letter that says how it is taken. One value: ``n`` a number, ``o`` a number
    or None where it is left out, ``t`` a text, ``b`` a condition, ``v`` any value but an error,
    ``e`` any value. In arrays, the function is applied to each of them. Many values: ``c`` a range,
    an array or one value, ``a`` the same but always as a grid, and calculated as an array, ``r`` a
    range as a grid.
    """

    takes: str
    call: Callable[..., Any]
    optional: str = ""
    repeated: str = ""  # letters of further arguments, any number of times

    def letters(self, count: int) -> str | None:
        """Return the letters of this many arguments; None if that is not how many it takes."""
        found = (self.takes + self.optional)[:count]
        while self.repeated and len(found) < count:
            found += self.repeated
        return found if len(found) == count >= len(self.takes) else None


def _any(value: Value) -> Value:
    if isinstance(value, CellError):
        raise FailedError(value)
    return value


_CONVERSIONS: dict[str, Callable[[Value], Any]] = {
    "n": number,
    "o": lambda value: None if value is None else number(value),
    "t": text,
    "b": logical,
    "v": _any,
    "e": lambda value: value,
}
ONE_VALUE = set(_CONVERSIONS)


def applied(function: Function, letters: str) -> Callable[[Sequence[Value]], Value]:
    """Return a function of values as its arguments are, whose single values may be arrays."""
    call = function.call
    conversions = [_CONVERSIONS.get(letter, _CONVERSIONS["e"]) for letter in letters]
    single = [k for k, letter in enumerate(letters) if letter in ONE_VALUE]

    def once(arguments: Sequence[Value]) -> Value:
        try:
            found = call(*[own(value) for own, value in zip(conversions, arguments, strict=True)])
        except FailedError as error:
            return error.value
        except ZeroDivisionError:
            return DIV0
        except (OverflowError, ValueError):  # from Python's functions: outside of their domain
            return NUM
        return finished(found)

    def lifted(arguments: Sequence[Value]) -> Value:
        if any(isinstance(arguments[k], Grid) for k in single):
            # A range that is taken as a whole is the same for every cell.
            whole = {k: value for k, value in enumerate(arguments) if k not in single}

            def at_cell(*cells: CellValue) -> Value:
                own: list[Value] = list(cells)
                for k, value in whole.items():
                    own.insert(k, value)
                return once(own)

            return each([arguments[k] for k in single], at_cell)
        return once(arguments)

    return lifted


def each(arguments: Sequence[Value], call: Callable[..., Value]) -> Value:
    """Apply a function to the cells of grids, whose single rows, columns and values are repeated.

    Where a grid has no cell, the result is ``#N/A``. Without a grid, the result is one value.
    """
    grids = [value for value in arguments if isinstance(value, Grid)]
    if not grids:
        return call(*arguments)
    height, width = max(grid.height for grid in grids), max(grid.width for grid in grids)
    own = [as_grid(value) for value in arguments]
    count = height
    if height > 1 and all((g.height, g.width) in ((height, width), (1, 1)) for g in own):
        # Cells that all ranges leave out are worked out once.
        count = max(len(g.rows) for g in own if g.height == height)
    if count * width > MOST_CELLS:
        raise UnknownFunctionError(f"an array of {height * width:,} cells")
    rest = _shown(call(*(g.rest if g.height > 1 else g.at(0, 0) for g in own)))
    columns = [_spread(grid, count, width) for grid in own]
    cells = [_shown(value) for value in map(call, *columns)]
    rows = [cells[k * width : (k + 1) * width] for k in range(count)]
    return Grid(rows, height, width, rest=rest if count < height else None)


def _spread(grid: Grid, height: int, width: int) -> Iterable[CellValue]:
    """Return the cells of a grid as one of this size has them, row by row."""
    if grid.height == grid.width == 1:
        return repeat(grid.at(0, 0), height * width)
    if grid.width == width and grid.height >= height:
        return grid.first(height)
    return [
        grid.at(row, column) if row < grid.height and column < grid.width else NA
        for i in range(height)
        for j in range(width)
        for row, column in [(i * (grid.height > 1), j * (grid.width > 1))]
    ]


def _shown(value: Value) -> CellValue:
    if isinstance(value, Grid):  # a function that returns arrays, for each cell of one
        value = value.at(0, 0) if value.height and value.width else VALUE
    return 0.0 if value is None else value


def numbers(arguments: Sequence[Value]) -> list[float]:
    """Return the numbers of ranges and arrays, and single values as numbers, in order.

    Other values of ranges are left out; an error anywhere raises ``FailedError``.
    """
    found: list[float] = []
    for value in arguments:
        if not isinstance(value, Grid):
            found.append(number(value))
            continue
        cells = list(value.flat())
        own = [cell for cell in cells if type(cell) is float]
        if len(own) < len(cells):
            raise_first(cells)
        found += own
    return found


def raise_first(cells: Sequence[CellValue]) -> None:
    """Raise ``FailedError`` for the first error value, if there is one."""
    for cell in cells:
        if isinstance(cell, CellError):
            raise FailedError(cell)


def cells(arguments: Sequence[Value]) -> list[CellValue]:
    """Return the values of all arguments in order."""
    return list(
        chain.from_iterable(
            value.flat() if isinstance(value, Grid) else (value,) for value in arguments
        )
    )
