"""The part of an array formula that depends on a cell in one of its ranges.

One element of ``A1:C3*E1:G3`` depends on a cell, two of ``A1:C1*E1:E2`` do, and of a product of
matrices a row or a column. This part is written in the place of the whole, with a mark on what is
differentiated: the cell itself, or the product of matrices, whose derivative is known.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from workbook_tools.differentiation.elements import Element, Line
from workbook_tools.formulas.references import Area, areas
from workbook_tools.formulas.replacing import bare, with_leaves
from workbook_tools.formulas.tree import (
    Call,
    Number,
    Operation,
    Parentheses,
    Reference,
    Sign,
    Tree,
    children,
    parts,
)

# Functions that give one number, also in an array formula.
_TOTALS = {
    "SUM", "AVERAGE", "SUMSQ", "DEVSQ", "PRODUCT", "VAR", "VAR.S", "VARP", "VAR.P", "STDEV",
    "STDEV.S", "STDEVP", "STDEV.P", "SUMPRODUCT", "SUMXMY2", "MAX", "MIN", "SMALL", "LARGE",
    "MEDIAN", "COUNT", "COUNTA", "COUNTIF", "COUNTIFS", "SUMIF", "SUMIFS", "AVERAGEIF",
    "AVERAGEIFS", "AND", "OR", "ROWS", "COLUMNS",
}  # fmt: skip
_FOUND = {"INDEX", "VLOOKUP", "HLOOKUP", "XLOOKUP", "_XLFN.XLOOKUP", "MATCH"}  # one cell, mostly


class NotWrittenError(Exception):
    """A formula has no derivative, or none that can be written; the message says what has none."""


@dataclass(frozen=True)
class Marked(Reference):
    """The part of a formula by which it is differentiated, with its own derivative."""

    part: Tree
    slope: Tree


class Beside:
    """The part of an array formula that is beside a cell in one of its ranges."""

    def __init__(self, element: Element, rows: Line, columns: Line) -> None:
        self._element, self._rows, self._columns = element, rows, columns
        self.is_array = False  # whether it is an array, too

    def part(self, tree: Tree, crossed: bool = False) -> Tree:
        """Return the part of a tree; in the place of the range is the cell, which is marked."""
        match tree:
            case Reference():
                return self._reference(tree, crossed)
            case Call(function, (inner,)) if function.upper() == "TRANSPOSE":
                return self.part(inner, not crossed)
            case Call(function, (left, right)) if function.upper() == "MMULT":
                return self._matrix_product(left, right, crossed)
            case Call(function) if function.upper() in _TOTALS:
                return tree
            case Call(function, arguments):
                return Call(function, tuple(self.part(part, crossed) for part in arguments))
            case Parentheses(inner):
                return Parentheses(self.part(inner, crossed))
            case Sign(sign, inner):
                return Sign(sign, self.part(inner, crossed))
            case Operation(operator, left, right):
                return Operation(operator, self.part(left, crossed), self.part(right, crossed))
        return tree

    def _reference(self, tree: Reference, crossed: bool) -> Tree:
        lines = (self._columns, self._rows) if crossed else (self._rows, self._columns)
        if tree.text == self._element.reference and lines in lines_with(tree.text, tree):
            own = self._element.itself()
            return Marked(own.text, own, Number("1"))
        self._note_size(tree, *lines)
        return _crossed(self._element.beside(tree.text, *lines), crossed)

    def _note_size(self, tree: Reference, rows: Line, columns: Line) -> None:
        area = area_of(tree)
        self.is_array |= rows is Line.ALL and area.height > 1
        self.is_array |= columns is Line.ALL and area.width > 1

    def _matrix_product(self, left: Tree, right: Tree, crossed: bool) -> Tree:
        """Return a row or column of a product of matrices, marked if the cell is in one of them."""
        (one, one_turned), (other, other_turned) = _matrix(left), _matrix(right)
        own = self._element.reference
        rows, columns = (self._columns, self._rows) if crossed else (self._rows, self._columns)
        first = self._turned(one, one_turned, rows, Line.ALL)
        second = self._turned(other, other_turned, Line.ALL, columns)
        self._note_size(*_turned(one, one_turned, rows, Line.ROW))
        self._note_size(*_turned(other, other_turned, Line.ROW, columns))
        value: Tree = Call("MMULT", (first, second))
        if one.text == own and (rows, columns) == _lines_of_product(True, one_turned):
            line = Line.ROW if one_turned else Line.COLUMN
            slope = self._turned(other, other_turned, line, columns)
        elif other.text == own and (rows, columns) == _lines_of_product(False, other_turned):
            line = Line.COLUMN if other_turned else Line.ROW
            slope = self._turned(one, one_turned, rows, line)
        else:
            return _crossed(value, crossed)
        value = _crossed(value, crossed)
        return Marked(str(value), value, _crossed(slope, crossed))

    def _turned(self, tree: Reference, is_turned: bool, rows: Line, columns: Line) -> Tree:
        own, *lines = _turned(tree, is_turned, rows, columns)
        found = self._element.beside(own.text, *lines)
        return Call("TRANSPOSE", (found,)) if is_turned else found


def _crossed(tree: Tree, crossed: bool) -> Tree:
    """Return a part of an array formula with rows as columns, where it has several cells."""
    is_single = isinstance(tree, Reference) and area_of(tree).cell_count == 1
    return Call("TRANSPOSE", (tree,)) if crossed and not is_single else tree


def _lines_of_product(is_left: bool, is_turned: bool) -> tuple[Line, Line]:
    """Return which rows and columns of a product depend on a cell of one of its matrices."""
    line = Line.COLUMN if is_turned == is_left else Line.ROW
    return (line, Line.ALL) if is_left else (Line.ALL, line)


def _turned(
    tree: Reference, is_turned: bool, rows: Line, columns: Line
) -> tuple[Reference, Line, Line]:
    """Return a range with its rows and columns, given those of what may be its transpose."""
    return (tree, columns, rows) if is_turned else (tree, rows, columns)


def area_of(tree: Reference) -> Area:
    """Return the area of a reference; raises ``NotWrittenError`` if it is none."""
    found = areas(f"={tree.text}")
    if len(found) != 1:
        raise NotWrittenError(f"{tree} has no derivative that is known")
    return found[0]


def _matrix(tree: Tree) -> tuple[Reference, bool]:
    """Return the range of a matrix, and whether it is transposed."""
    tree, is_turned = bare(tree), False
    while isinstance(tree, Call) and tree.function.upper() == "TRANSPOSE":
        tree, is_turned = bare(tree.arguments[0]), not is_turned
    if not isinstance(tree, Reference):
        raise NotWrittenError(f"MMULT of {tree} has no derivative that is known")
    return tree, is_turned


def has_several_cells(tree: Call) -> bool:
    """Tell whether a product of matrices is more than that of a row and a column."""
    (one, one_turned), (other, other_turned) = map(_matrix, tree.arguments)
    first, second = area_of(one), area_of(other)
    rows = first.width if one_turned else first.height
    return rows > 1 or (second.height if other_turned else second.width) > 1


def lines_with(own: str, tree: Tree, crossed: bool = False) -> Iterable[tuple[Line, Line]]:
    """Yield which rows and columns of an array a cell in one of its ranges has an effect on."""
    if isinstance(tree, Reference) and tree.text == own:
        [area] = areas(f"={own}")
        rows = Line.ROW if area.height > 1 else Line.ALL
        columns = Line.COLUMN if area.width > 1 else Line.ALL
        yield (columns, rows) if crossed else (rows, columns)
    elif isinstance(tree, Call) and tree.function.upper() == "TRANSPOSE":
        yield from lines_with(own, tree.arguments[0], not crossed)
    elif isinstance(tree, Call) and tree.function.upper() == "MMULT":
        for k, part in enumerate(tree.arguments):
            matrix, is_turned = _matrix(part)
            if matrix.text == own:
                found = _lines_of_product(k == 0, is_turned)
                yield found[::-1] if crossed else found
    elif not isinstance(tree, Call) or tree.function.upper() not in _TOTALS:
        for part in children(tree):
            yield from lines_with(own, part, crossed)


def totals_with(own: str, tree: Tree) -> Iterable[Call]:
    """Yield the sums and the like in an array formula that read a range."""
    if isinstance(tree, Call) and tree.function.upper() in _TOTALS:
        if any(isinstance(p, Reference) and p.text == own for _, p in parts(tree)):
            yield tree
        return
    for part in children(tree):
        yield from totals_with(own, part)


def gives_array(tree: Tree) -> bool:
    """Tell whether a part of a formula is a range, or is worked out from one as an array."""
    if isinstance(tree, Reference):
        return any(area.cell_count > 1 for area in areas(f"={tree.text}"))
    if isinstance(tree, Call) and tree.function.upper() in _TOTALS | _FOUND:
        return False
    return any(map(gives_array, children(tree)))


def with_marked(tree: Tree, inner: Call) -> Tree:
    """Return a formula with a mark on a part."""
    return with_leaves(
        tree, lambda part: Marked(str(inner), inner, Number("1")) if part == inner else None
    )


def unmarked(tree: Tree) -> Tree:
    """Return a formula without marks."""
    return with_leaves(tree, lambda part: part.part if isinstance(part, Marked) else None)
