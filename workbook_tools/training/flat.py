"""Formulas of a model in a table with one row an iteration, where each cell is a column.

A range of the model is a range of columns if its cells are beside each other there; if not, its
cells are named one by one, and products are written out.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import NamedTuple, TypeAlias

from workbook_tools.differentiation.array_parts import gives_array
from workbook_tools.formulas.array_elements import NotPlainError, element
from workbook_tools.formulas.references import areas
from workbook_tools.formulas.replacing import bare, operation
from workbook_tools.formulas.tree import (
    Call,
    Missing,
    Name,
    Number,
    Operation,
    Parentheses,
    Reference,
    Sign,
    Single,
    Text,
    Tree,
    parts,
)
from workbook_tools.notation.addresses import Cell

_TWO = Number("2")
# Of all numbers in their arguments, in whatever order.
_OF_ALL = set(
    "SUM AVERAGE COUNT MAX MIN SUMSQ PRODUCT DEVSQ MEDIAN VAR VARP STDEV STDEVP AND OR".split()
) | {"VAR.S", "VAR.P", "STDEV.S", "STDEV.P"}
_MOST_TERMS = 250  # arguments of a function


class Key(NamedTuple):
    """A cell of a model, or the derivative by it."""

    is_adjoint: bool
    cell: Cell


class NotFlatError(Exception):
    """A formula that cannot be written in one row; the message says why."""


Named: TypeAlias = Callable[[Sequence[Key]], Sequence[str | None]]
# From the cells of a range to names of ranges of columns that hold them; None for an empty cell.


class Flat:
    """Writes formulas of a model, or of its derivatives, for one row."""

    def __init__(self, named: Named, adjoints: Callable[[str], str | None]) -> None:
        """Take what names cells, and what tells the sheet of a sheet of derivatives."""
        self._named, self._adjoints = named, adjoints

    def formula(self, tree: Tree, sheet: str) -> str:
        """Return a formula of a sheet for a row; raises ``NotFlatError``."""
        return str(_OneFormula(self, sheet).of(tree))

    def names(self, keys: Sequence[Key]) -> Sequence[str | None]:
        """Return names of ranges of columns that hold some cells, in their order."""
        return self._named(keys)

    def keys(self, reference: str, sheet: str) -> list[list[Key]]:
        """Return the cells of a reference in a formula of a sheet, row by row."""
        [area] = areas(f"={reference}")
        name = area.sheet or sheet
        of = self._adjoints(name)
        cells = area._replace(sheet=of or name).cells("")
        found = [Key(of is not None, cell) for cell in cells]
        return [found[k : k + area.width] for k in range(0, len(found), area.width)]


class _OneFormula:
    def __init__(self, flat: Flat, sheet: str) -> None:
        self._flat, self._sheet = flat, sheet

    def of(self, tree: Tree) -> Tree:
        """Return a part that gives one number."""
        match tree:
            case Reference(text):
                return self._cell(text)
            case Number() | Text() | Missing() | Name():
                return tree
            case Parentheses(part):
                return Parentheses(self.of(part))
            case Sign(sign, part):
                return Sign(sign, self.of(part))
            case Single(part):
                return self.of(part)
            case Operation(operator, left, right):
                return Operation(operator, self.of(left), self.of(right))
            case Call(function, arguments):
                return self._call(function, function.upper().removeprefix("_XLFN."), arguments)
        raise NotFlatError(f"{tree} cannot be written in one row")

    def _cell(self, text: str) -> Tree:
        [row, *others] = self._flat.keys(text, self._sheet)
        if others or len(row) > 1:
            raise NotFlatError(f"{text} in the place of one number cannot be written in one row")
        [name] = self._flat.names(row)
        return Number("0") if name is None else Reference(name)

    def _call(self, written: str, name: str, arguments: tuple[Tree, ...]) -> Tree:
        if name in ("ROW", "COLUMN") and len(arguments) == 1:
            [area] = areas(f"={arguments[0]}")
            return Number(str(area.first_row if name == "ROW" else area.first_column))
        if name in ("ROWS", "COLUMNS"):
            [area] = areas(f"={arguments[0]}")
            return Number(str(area.height if name == "ROWS" else area.width))
        if name in _OF_ALL:
            every = [part for argument in arguments for part in self._each(argument)]
            if len(every) > _MOST_TERMS:
                raise NotFlatError(f"{written} of {len(every)} cells that are not side by side")
            return Call(written, tuple(every))
        if name in ("SUMPRODUCT", "SUMXMY2", "MMULT"):
            return self._products(name, arguments)
        return Call(written, tuple(map(self._argument, arguments)))

    def _argument(self, tree: Tree) -> Tree:
        """Return an argument of a function that may take ranges, in the order of their cells."""
        own = bare(tree)
        if not isinstance(own, Reference) or not gives_array(own):
            return self.of(tree)
        keys = self._flat.keys(own.text, self._sheet)
        if len(keys) > 1 and len(keys[0]) > 1:
            raise NotFlatError(f"{tree} has rows and columns and cannot be written in one row")
        name = self._range(own)
        if name is None:
            raise NotFlatError(f"the cells of {tree} cannot be side by side")
        return name

    def _each(self, tree: Tree) -> Iterator[Tree]:
        """Yield the numbers, or ranges of them, that an argument stands for."""
        own = bare(tree)
        if isinstance(own, Reference):
            keys = [key for row in self._flat.keys(own.text, self._sheet) for key in row]
            yield from (Reference(name) for name in self._flat.names(keys) if name is not None)
        elif gives_array(own):
            yield from map(self.of, self._elements(own))
        else:
            yield self.of(tree)

    def _range(self, reference: Reference) -> Reference | None:
        """Return a range of columns that holds all cells of a range; None if there is none."""
        keys = [key for row in self._flat.keys(reference.text, self._sheet) for key in row]
        names = self._flat.names(keys)
        return Reference(names[0]) if len(names) == 1 and names[0] is not None else None

    def _products(self, name: str, arguments: tuple[Tree, ...]) -> Tree:
        direct = None if name == "MMULT" else self._side_by_side(arguments)
        if direct is not None:
            return Call(name, direct)
        if name == "MMULT":
            terms = self._of_vectors(*arguments)
        else:
            whole = reduce(lambda a, b: operation("*", a, b), arguments)
            if name == "SUMXMY2":
                whole = operation("^", Parentheses(operation("-", *arguments)), _TWO)
            terms = [self.of(part) for part in self._elements(whole)]
        added = "+".join(
            f"({term})" if isinstance(term, Operation) and term.operator in "+-=<>" else str(term)
            for term in terms
        )
        return Parentheses(Reference(added))

    def _side_by_side(self, arguments: tuple[Tree, ...]) -> tuple[Tree, ...] | None:
        """Return arguments with ranges of columns in place of ranges of one shape, if possible."""
        read = [p for a in arguments for _, p in parts(a) if isinstance(p, Reference)]
        shapes = {_shape(part) for part in read if gives_array(part)}
        has_calls = any(isinstance(p, Call) for a in arguments for _, p in parts(a))
        if len(shapes) != 1 or has_calls:
            return None
        found = [_RangesIn(self).of(argument) for argument in arguments]
        return None if None in found else tuple(own for own in found if own is not None)

    def ranged(self, part: Reference) -> Tree | None:
        """Return a cell, or a range of columns; None if the cells are not side by side."""
        return self._range(part) if gives_array(part) else self.of(part)

    def _of_vectors(self, left: Tree, right: Tree) -> list[Tree]:
        """Return the products that are added up in the product of a row and a column."""
        pairs = [[*self._vector(part)] for part in (left, right)]
        if len(pairs[0]) != len(pairs[1]):
            raise NotFlatError(f"MMULT({left},{right}) is not one number")
        return [operation("*", one, other) for one, other in zip(*pairs, strict=True)]

    def _vector(self, tree: Tree) -> Iterator[Tree]:
        own = bare(tree)
        if isinstance(own, Call) and own.function.upper() == "TRANSPOSE":
            own = bare(own.arguments[0])
        if not isinstance(own, Reference):
            raise NotFlatError(f"MMULT of {tree} cannot be written in one row")
        for row in self._flat.keys(own.text, self._sheet):
            for key in row:
                [name] = self._flat.names([key])
                yield Number("0") if name is None else Reference(name)

    def _elements(self, tree: Tree) -> Iterator[Tree]:
        """Yield the elements of what a part gives as an array, row by row."""
        height, width = _size(tree)
        try:
            for i in range(1, height + 1):
                for j in range(1, width + 1):
                    yield element(tree, i, j)
        except NotPlainError:
            raise NotFlatError(f"the array {tree} cannot be written in one row") from None


class _RangesIn:
    """Writes an expression of ranges with ranges of columns."""

    def __init__(self, formula: _OneFormula) -> None:
        self._formula = formula

    def of(self, tree: Tree) -> Tree | None:
        match tree:
            case Reference():
                return self._formula.ranged(tree)
            case Parentheses(part):
                own = self.of(part)
                return None if own is None else Parentheses(own)
            case Sign(sign, part):
                own = self.of(part)
                return None if own is None else Sign(sign, own)
            case Operation(operator, left, right):
                one, other = self.of(left), self.of(right)
                return None if one is None or other is None else Operation(operator, one, other)
        return tree


def _shape(reference: Reference) -> tuple[int, int]:
    [area] = areas(f"={reference.text}")
    return area.height, area.width


def _size(tree: Tree) -> tuple[int, int]:
    """Return the rows and columns of what a part gives as an array."""
    match tree:
        case Reference():
            return _shape(tree)
        case Call(function, (part,)) if function.upper() == "TRANSPOSE":
            height, width = _size(part)
            return width, height
        case Call(function, (left, right)) if function.upper() == "MMULT":
            return _size(left)[0], _size(right)[1]
        case Call() if not gives_array(tree):
            return 1, 1
        case Call(_, arguments):
            sizes = [*map(_size, arguments)]
        case Operation(_, left, right):
            sizes = [_size(left), _size(right)]
        case Parentheses(part) | Sign(_, part) | Single(part):
            return _size(part)
        case _:
            return 1, 1
    heights, widths = zip(*sizes, strict=True)
    return max(heights), max(widths)
