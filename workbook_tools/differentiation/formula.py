"""Works out one formula on traced arrays, in all cells that hold it and in all draws at once.

Conditions, and which cell a lookup finds, have no derivative: they are worked out by Excel's rules
(``evaluator``), and the branch that is taken is followed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation import tape
from workbook_tools.differentiation.closed_forms import FINANCIAL, closed_form
from workbook_tools.differentiation.conditional import CONDITIONAL
from workbook_tools.differentiation.errors import NoDerivativeError, UnevenError
from workbook_tools.differentiation.functions import (
    COMPARISONS,
    COUNTS,
    OF_ARRAYS,
    OF_RANGES,
    OF_VALUES,
    OPERATORS,
    STEPS,
    WITH_KINKS,
)
from workbook_tools.differentiation.tape import Array, Traced, constant
from workbook_tools.evaluator.compiler import plain_name
from workbook_tools.evaluator.formula import UnknownFunctionError, evaluate_array
from workbook_tools.evaluator.references import Relative, joined, relative
from workbook_tools.evaluator.values import FailedError, Grid, number
from workbook_tools.formulas.references import Area
from workbook_tools.formulas.replacing import bare
from workbook_tools.formulas.tree import (
    Call,
    Lines,
    Missing,
    Name,
    Number,
    Operation,
    Parentheses,
    Reference,
    Sign,
    Single,
    Span,
    Tree,
    chain,
    children,
)
from workbook_tools.notation.addresses import (
    MAX_COLUMNS,
    MAX_ROWS,
    cell_name,
    full_name,
    sheet_prefix,
)
from workbook_tools.package.cell_values import CellValue
from workbook_tools.program.memory import NUMBER, OTHER, Memory
from workbook_tools.program.view import View

_NEARLY = 1e-14  # relative
_MOST_CELLS = 20_000_000  # that a formula reads, in all of its cells and draws


@dataclass
class Site:
    """Cells of a column that hold one formula, and what they read."""

    memory: Memory
    depends: NDArray[np.bool_]  # by place: which cells depend on those that are asked
    sheet: str
    column: int
    rows: NDArray[np.int64]
    first_row: int  # for which the formula is written
    is_array: bool
    is_smooth: bool  # whether kinks cancel each other, as in MAX(x,0)+LN(1+EXP(-ABS(x)))
    is_apart: bool = False  # whether a cell that all formulas read is read once for each
    # By reference: the places, (height, width, cells), if the cells have several formulas, of one
    # shape.
    known_places: Mapping[str, NDArray[np.int64]] | None = None
    # If given, functions without a derivative are added to it, and their derivative is NaN.
    gaps: list[str] | None = None
    # What was read: the places, by the ``id`` of the array; and the array of each reference.
    places: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    _known: dict[tuple[str, bool], Traced] = field(default_factory=dict)

    def traced(self, tree: Tree, lifts: bool = False) -> Traced:
        """Work out a part; raises ``NoDerivativeError`` and ``UnevenError``.

        ``lifts`` says whether ranges are worked out as arrays, not as one of their cells.
        """
        match tree:
            case Number(digits):
                return constant(float(digits))
            case Name(name) if name.upper() in ("TRUE", "FALSE"):
                return constant(float(name.upper() == "TRUE"))
            case Parentheses(part):
                return self.traced(part, lifts)
            case Single(part):
                return self.traced(part, lifts=False)
            case Reference(text):
                return self._cells(text, whole=lifts)
            case Sign("-", part):
                return tape.negative(self.traced(part, lifts))
            case Sign("%", part):
                return tape.divide(self.traced(part, lifts), constant(100.0))
            case Sign(_, part):
                return self.traced(part, lifts)
            case Operation(operator) if operator in OPERATORS:
                return self._chain(tree, lifts)
            case Call(name, arguments):
                return self._call(name, arguments, tree, lifts)
            case Span(left, right):
                return self._span(left, right)
        # A comparison, or a text that is put together, follows what it reads in steps.
        if self.matters(tree) and not isinstance(tree, Operation):
            raise NoDerivativeError(f"{tree} has no derivative")
        return self._constant(tree)

    def _chain(self, tree: Tree, lifts: bool) -> Traced:
        first, links = chain(tree)
        found = self.traced(first, lifts)
        for operator, right in links:
            if operator not in OPERATORS:
                return self._constant(tree)
            found = OPERATORS[operator](found, self.traced(right, lifts))
        return found

    def _call(self, written: str, arguments: tuple[Tree, ...], tree: Tree, lifts: bool) -> Traced:
        name = plain_name(written)
        if not self.matters(tree) or name in COUNTS:
            return self._constant(tree)
        if name in FINANCIAL and (form := closed_form(name, arguments)) is not None:
            return self.traced(form, lifts)
        if name in OF_VALUES:
            return OF_VALUES[name](*(self.traced(part, lifts) for part in arguments))
        if name in OF_RANGES:
            return OF_RANGES[name](*(self.range(part, self.is_array) for part in arguments))
        if name in WITH_KINKS:
            parts = [self.range(part, self.is_array) for part in arguments]
            return WITH_KINKS[name](*parts, shares=self.is_smooth)
        if name in OF_ARRAYS:
            return OF_ARRAYS[name](*(self.range(part, True) for part in arguments))
        own: Callable[..., Traced] | None = _OWN.get(name)
        if own is None or name in STEPS:
            what = f"{written} has no derivative" if name in STEPS else written
            if self.gaps is None:
                raise NoDerivativeError(what)
            return self._gap(tree, what, self.gaps)
        return own(self, arguments, lifts)

    def range(self, part: Tree, lifts: bool) -> Traced:
        """Work out an argument that may be a range, which is read as a whole."""
        part = bare(part)
        if isinstance(part, Reference | Lines):
            return self._cells(part.text, whole=True)
        return self.traced(part, lifts)

    # Cells

    def _cells(self, text: str, whole: bool) -> Traced:
        """Read the cells of a reference; if not as a ``whole``, the one that a range stands for."""
        if (text, whole) not in self._known:
            self._known[text, whole] = self._read(text, whole)
        return self._known[text, whole]

    def _read(self, text: str, whole: bool) -> Traced:
        places = self._places(text, whole)
        values, kinds = self.memory.numbers[places], self.memory.kinds[places]
        is_other = kinds == OTHER
        if is_other.any():
            distinct, which = np.unique(places[is_other], return_inverse=True)
            rows = np.empty((len(distinct), self.memory.draws))
            for k, place in enumerate(distinct.tolist()):
                rows[k] = [_as_number(value) for value in self.memory.others[place]]
            values[is_other] = rows[which]
        filled = (kinds == NUMBER)[..., None]
        found = Traced(
            values,
            is_asked=bool(self.depends[places].any()),
            filled=None if filled.all() else filled,
        )
        if found.is_asked:
            self.places[id(found)] = places
        return found

    def _places(self, text: str, whole: bool) -> NDArray[np.int64]:
        """Return the places of what is read, (height, width, cells)."""
        if self.known_places is not None:
            places = self.known_places.get(text)  # there is none for whole columns
            if places is None or (not whole and places.shape[:2] != (1, 1)):
                raise UnevenError
            return places
        area = relative(text)
        rows, columns = self._rows_of(area), self._columns_of(area)
        if not whole and not area.is_cell:
            rows, columns = self._in_own_line(area, rows, columns)
        if len(rows) * len(columns) * self.memory.draws > _MOST_CELLS:
            raise NoDerivativeError(f"{text}: too many cells")
        if self.is_apart:
            rows = np.broadcast_to(rows, (len(rows), len(self.rows)))
        sheet = np.array(self._sheet_of(area))
        return self.memory.layout.places(sheet, rows[:, None, :], columns[None, :, None])

    def _span(self, left: Tree, right: Tree) -> Traced:
        """Read the smallest range that contains two others: ``A1:B2:C3``."""
        if len(self.rows) > 1:
            raise UnevenError
        ends = []
        for part in map(bare, (left, right)):
            if not isinstance(part, Reference):
                raise NoDerivativeError(f"{left}:{right} is not known")
            ends.append(relative(part.text).at(int(self.rows[0]) - self.first_row))
        one, other = ends
        area = joined(one, other) if isinstance(one, Area) and isinstance(other, Area) else None
        if not isinstance(area, Area):
            raise NoDerivativeError(f"{left}:{right} is no range")
        first = cell_name(area.first_row, area.first_column, absolute=True)
        last = cell_name(area.last_row, area.last_column, absolute=True)
        return self._cells(f"{sheet_prefix(area.sheet or self.sheet)}{first}:{last}", whole=True)

    def _rows_of(self, area: Relative) -> NDArray[np.int64]:
        """Return the rows of an area, (height, cells)."""
        shift = self.rows - self.first_row
        if area.rows == (1, MAX_ROWS):
            return self._filled_rows(area)[:, None]
        if area.fixed[0] != area.fixed[1] and len(self.rows) > 1:
            raise UnevenError
        top, bottom = (row + (0 if fixed else shift) for row, fixed in zip(*area[1:3], strict=True))
        low, high = np.minimum(top, bottom), np.maximum(top, bottom)
        height = int(np.max(high - low)) + 1
        rows = np.atleast_1d(low)[None, :] + np.arange(height)[:, None]
        if rows.min() < 1 or rows.max() > MAX_ROWS:
            raise NoDerivativeError("a reference beyond the sheet")
        return rows

    def _columns_of(self, area: Relative) -> NDArray[np.int64]:
        last = area.columns[1]
        if area.columns == (1, MAX_COLUMNS):
            last = max(self.memory.layout.columns(self._sheet_of(area)), default=1)
        return np.arange(area.columns[0], last + 1)

    def _filled_rows(self, area: Relative) -> NDArray[np.int64]:
        """Return the rows of whole columns, to the last one of the sheet that has cells."""
        layout, sheet = self.memory.layout, self._sheet_of(area)
        last = max((layout.column(sheet, c)[2] for c in layout.columns(sheet)), default=1)
        return np.arange(1, last + 1)

    def _sheet_of(self, area: Relative) -> int:
        sheet = self.memory.layout.sheet(area.sheet or self.sheet)
        if sheet == len(self.memory.layout.sheets):
            raise NoDerivativeError("a reference to a sheet that does not exist")
        return sheet

    def _in_own_line(
        self, area: Relative, rows: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the cell of a range that is in the formula's own row or column."""
        if len(columns) == 1 and (rows.min(axis=0) <= self.rows).all():
            return self.rows[None, :], columns
        if len(rows) == 1 and self.column in columns:
            return rows, np.array([self.column])
        raise NoDerivativeError("a range in the place of one value")

    def matters(self, tree: Tree) -> bool:
        """Tell whether a part reads cells that depend on those that are asked."""
        return next(self._read_by(tree), None) is not None

    # What has no derivative

    def _constant(self, tree: Tree) -> Traced:
        """Work out a part by Excel's rules, as numbers without a derivative; NaN for others."""
        return constant(self._evaluated(tree))

    def _gap(self, tree: Tree, what: str, gaps: list[str]) -> Traced:
        """Work out a part by Excel's rules; its derivative by all that it reads is NaN."""
        where = full_name((self.sheet, int(self.rows[0]), self.column))
        return tape.unknown(
            self._evaluated(tree), [*self._read_by(tree)], lambda: gaps.append(f"{where}: {what}")
        )

    def _read_by(self, tree: Tree) -> Iterator[Traced]:
        """Yield what a part reads that matters."""
        waiting = [tree]
        while waiting:
            part = waiting.pop()
            found: Traced | None = None
            if isinstance(part, Span):
                found = self._span(part.left, part.right)
            elif isinstance(part, Reference | Lines):
                found = self._cells(part.text, True)
            else:
                waiting += children(part)
            if found is not None and found.matters:
                yield found

    def _evaluated(self, tree: Tree) -> Array:
        tree = bare(tree)
        if isinstance(tree, Reference):
            read = self._cells(tree.text, whole=True).value
            if read.shape[:2] == (1, 1) and np.isfinite(read).all():
                return read
        draws = self.memory.draws
        grids = [[self.grid(tree, int(row), draw) for draw in range(draws)] for row in self.rows]
        shape = max(g.height for own in grids for g in own), max(g.width for o in grids for g in o)
        values = [
            [
                [[_as_number(grid.at(i, j)) for grid in own] for own in grids]
                for j in range(shape[1])
            ]
            for i in range(shape[0])
        ]
        return np.array(values, dtype=float)

    def grid(self, tree: Tree, row: int, draw: int) -> Grid:
        """Work out a part by Excel's rules, in the cell of one row and in one draw."""
        if self.known_places is not None:
            raise UnevenError
        view: Any = View(self.memory.layout, self.memory.in_draw(draw))
        try:
            return evaluate_array(tree, view, self.sheet, row, self.column, row - self.first_row)
        except (UnknownFunctionError, RecursionError) as error:
            raise NoDerivativeError(f"{error} is not known") from error

    def _condition(self, tree: Tree, lifts: bool) -> NDArray[np.bool_]:
        """Tell where a condition holds."""
        tree = bare(tree)
        if isinstance(tree, Operation) and tree.operator in COMPARISONS:
            one, other = (self.traced(part, lifts) for part in (tree.left, tree.right))
            apart = np.abs(one.value - other.value)
            is_near = (apart != 0) & (apart <= _NEARLY * np.abs(one.value))
            # Excel compares 15 digits: of numbers that nearly are the same, ``evaluator`` tells.
            if np.isfinite(apart).all() and not is_near.any():
                return np.asarray(COMPARISONS[tree.operator](one.value, other.value))
        return np.asarray(self._evaluated(tree) != 0)

    # Functions that follow a branch, or find a cell

    def _if(self, arguments: tuple[Tree, ...], lifts: bool) -> Traced:
        condition = self._condition(arguments[0], lifts)
        one, other = [*arguments[1:], Number("0"), Number("0")][:2]
        if condition.all() or not condition.any():  # the other one may not have a derivative
            taken = self.traced(one if condition.all() else other, lifts)
            shape = np.broadcast_shapes(condition.shape[:2], taken.value.shape[:2])
            is_whole = taken.value.shape[:2] == shape  # else a number stands for several
            return taken if is_whole else tape.chosen(np.ones((*shape, 1), bool), taken, taken)
        return tape.chosen(condition, self.traced(one, lifts), self.traced(other, lifts))

    def _ifs(self, arguments: tuple[Tree, ...], lifts: bool) -> Traced:
        found = constant(np.nan)
        for condition, value in reversed([*zip(arguments[::2], arguments[1::2], strict=False)]):
            found = tape.chosen(self._condition(condition, lifts), self.traced(value, lifts), found)
        return found

    def _if_error(self, arguments: tuple[Tree, ...], lifts: bool) -> Traced:
        value = self.traced(arguments[0], lifts)
        return tape.chosen(np.isfinite(value.value), value, self.traced(arguments[1], lifts))

    def _choose(self, arguments: tuple[Tree, ...], lifts: bool) -> Traced:
        number = np.floor(self._evaluated(arguments[0]))
        found = constant(np.nan)
        for k, part in enumerate(arguments[1:], start=1):
            if (number == k).any():
                found = tape.chosen(number == k, self.traced(part, lifts), found)
        return found

    def _index(self, arguments: tuple[Tree, ...], lifts: bool) -> Traced:
        cells = self.range(arguments[0], True)
        numbers = [self._evaluated(part)[0, 0] for part in arguments[1:]]
        height, width = cells.value.shape[:2]
        if len(numbers) == 1:
            numbers = (
                [np.ones_like(numbers[0]), *numbers]
                if height == 1
                else [*numbers, np.ones_like(numbers[0])]
            )
        if len(numbers) != 2 or any((own < 1).any() or np.isnan(own).any() for own in numbers):
            raise NoDerivativeError("INDEX of a whole row or column")
        rows, columns = (own.astype(np.int64) - 1 for own in numbers)
        if (rows >= height).any() or (columns >= width).any():
            raise NoDerivativeError("INDEX beyond its range")
        return tape.picked(cells, rows, columns)

    def _lookup_exactly(self, arguments: tuple[Tree, ...], lifts: bool) -> Traced:
        """Find the place of XLOOKUP by MATCH; without its further arguments."""
        if len(arguments) != 3:
            raise NoDerivativeError("XLOOKUP with so many arguments")
        wanted, keys, values = arguments
        return self._index((values, Call("MATCH", (wanted, keys, Number("0")))), lifts)

    def _element(self, arguments: tuple[Tree, ...], lifts: bool) -> Traced:
        """Return one value of an array formula that fills several cells: its body, row, column."""
        body, *place = arguments
        was_array, self.is_array = self.is_array, True
        try:
            every = self.traced(body, lifts=True)
        finally:
            self.is_array = was_array
        row, column = (np.full((1, 1), int(str(part)) - 1) for part in place)
        return tape.picked(every, row, column)


def _lookup(is_across: bool) -> Callable[[Site, tuple[Tree, ...], bool], Traced]:
    """Return what VLOOKUP does, or HLOOKUP: find by MATCH in the first column, or row."""

    def found(site: Site, arguments: tuple[Tree, ...], lifts: bool) -> Traced:
        wanted, table, other, *rest = arguments
        line = (Number("1"), Number("0")) if is_across else (Number("0"), Number("1"))
        at = Call("MATCH", (wanted, Call("INDEX", (table, *line)), _kind_of_match(rest)))
        return site._index((table, other, at) if is_across else (table, at, other), lifts)

    return found


_OWN: dict[str, Callable[[Site, tuple[Tree, ...], bool], Traced]] = {
    "IF": Site._if,
    "IFS": Site._ifs,
    "IFERROR": Site._if_error,
    "IFNA": Site._if_error,
    "CHOOSE": Site._choose,
    "INDEX": Site._index,
    "VLOOKUP": _lookup(is_across=False),
    "HLOOKUP": _lookup(is_across=True),
    "XLOOKUP": Site._lookup_exactly,
    "ARRAYFORMULA": Site._element,
    **CONDITIONAL,
}


def _kind_of_match(rest: Sequence[Tree]) -> Tree:
    """Return the last argument of MATCH that does what that of a lookup asks for."""
    is_exact = rest and bare(rest[0]) in (Number("0"), Name("FALSE"), Missing())
    return Number("0" if is_exact else "1")


def _as_number(value: CellValue) -> float:
    """Return what a value is in arithmetic; NaN for an error, and for a text that is no number."""
    try:
        return number(value)
    except (FailedError, UnknownFunctionError):
        return np.nan
