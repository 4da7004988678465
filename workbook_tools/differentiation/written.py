"""Writes the derivative of a formula by a cell as a formula.

The rules are those of any calculus book; the result is short, not normalised: factors of 1 and
terms of 0 are left out. Of equal numbers the first is the largest, and a constant comes before
cells, so that ``MAX(0,z)`` has no derivative at 0, as in PyTorch. Conditions, counts and lookups
follow what they find; functions that go in steps, such as ``ROUND``, have no derivative.

A formula is differentiated by a cell *in one of its references*, which may be a range. If a cell is
in several, its derivative is the sum of these.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import reduce

from workbook_tools.differentiation.array_parts import (
    Beside,
    Marked,
    NotWrittenError,
    area_of,
    gives_array,
    has_several_cells,
    lines_with,
    totals_with,
    unmarked,
    with_marked,
)
from workbook_tools.differentiation.closed_forms import closed_form
from workbook_tools.differentiation.elements import CellInRange, Element, Line
from workbook_tools.differentiation.functions import COMPARISONS, COUNTS, STEPS
from workbook_tools.differentiation.simplified import negative, product, quotient, total
from workbook_tools.formulas.references import areas
from workbook_tools.formulas.replacing import bare, operation
from workbook_tools.formulas.tree import (
    Call,
    Name,
    Number,
    Operation,
    Parentheses,
    Reference,
    Sign,
    Single,
    Tree,
    parts,
)
from workbook_tools.notation.addresses import MAX_COLUMNS, Cell

_ZERO, _ONE, _TWO = Number("0"), Number("1"), Number("2")
Slope = Callable[[Tree], Tree]
_CORNER = re.compile(r"(\$?[A-Za-z]+)(\$?\d+)")


def derivative(
    tree: Tree, by: Cell, sheet: str, own: Reference | None = None, is_array: bool = False
) -> Tree | None:
    """Return the derivative of a formula on a sheet by a cell; None if it is 0.

    ``own`` is the reference to the cell that has the formula: what is calculated there need not be
    calculated again. ``is_array`` tells whether ranges are worked out as arrays wherever they
    stand. Raises ``NotWrittenError``.
    """
    references = dict.fromkeys(
        part.text
        for _, part in parts(tree)
        if isinstance(part, Reference)
        and any(area.covers(by, sheet) for area in areas(f"={part.text}"))
    )
    elements = (CellInRange(by, sheet, text) for text in references)
    return reduce(
        total, (derivative_in(tree, element, own, is_array) for element in elements), None
    )


def derivative_in(
    tree: Tree, element: Element, own: Reference | None = None, is_array: bool = False
) -> Tree | None:
    """Return the derivative of a formula by a cell in one of its references; None if it is 0.

    ``own`` is the reference to the cell that has the formula. ``is_array`` tells whether ranges are
    worked out as arrays wherever they stand. Raises ``NotWrittenError``.
    """
    found = _Rules(element, is_array, is_smooth=_has_absolute(tree)).of(bare(tree), own)
    condition = None if found is None else bare(found)
    if isinstance(condition, Operation) and condition.operator in COMPARISONS:
        return _chosen(condition, _ONE)  # a number, not TRUE
    return found


class _Rules:
    """The rules of differentiation, by one cell in one reference, or by what is marked."""

    def __init__(
        self, element: Element, is_array: bool, is_marked: bool = False, is_smooth: bool = False
    ) -> None:
        self._element, self._is_array, self._is_marked = element, is_array, is_marked
        # The derivative of ABS at 0 is midway between those on both sides: so must be MAX's.
        self._is_smooth = is_smooth

    def of(self, tree: Tree, own: Tree | None = None) -> Tree | None:
        """Return the derivative of a part of the formula; None if it is 0."""
        if not self._depends(tree):
            return None
        match tree:
            case Marked():
                return tree.slope
            case Reference():
                if gives_array(tree):
                    raise NotWrittenError(f"{tree} in the place of one number has no derivative")
                return _ONE
            case Parentheses(part):
                return self.of(part, own)
            case Single(part) | Sign("+", part):
                return self.of(part)
            case Sign("-", part):
                return negative(self.of(part))
            case Sign("%", part):
                return quotient(self.of(part), Number("100"))
            case Operation(operator, left, right):
                return self._operation(operator, left, right, own)
            case Call(function, arguments):
                return self._call(function.upper().removeprefix("_XLFN."), arguments, own)
        raise NotWrittenError(f"{tree} has no derivative")

    def _operation(self, operator: str, left: Tree, right: Tree, own: Tree | None) -> Tree | None:
        if own is not None and (inner := _of_sigmoid(operator, left, right)) is not None:
            slope = operation("*", own, Parentheses(operation("-", _ONE, own)))
            return product(slope, self.of(inner))
        if operator == "+":
            return total(self.of(left), self.of(right))
        if operator == "-":
            return total(self.of(left), negative(self.of(right)))
        if operator == "*":
            return total(product(self.of(left), right), product(left, self.of(right)))
        if operator == "/":
            return self._quotient(left, right, own)
        if operator == "^":
            return self._power(left, right)
        if operator in COMPARISONS or operator == "&":
            return None
        raise NotWrittenError(f"{left}{operator}{right} has no derivative")

    def _quotient(self, left: Tree, right: Tree, own: Tree | None) -> Tree | None:
        first = quotient(self.of(left), right)
        if own is not None:
            return total(first, negative(quotient(product(own, self.of(right)), right)))
        square = operation("^", right, _TWO)
        return total(first, negative(quotient(product(left, self.of(right)), square)))

    def _power(self, base: Tree, exponent: Tree) -> Tree | None:
        slope = self.of(base)
        first = None
        if slope is not None:
            number = exponent.text if isinstance(exponent, Number) else ""
            if number == "2":
                first = product(product(_TWO, base), slope)
            else:
                less = operation("-", exponent, _ONE)
                if number:
                    less = Number(f"{float(number) - 1:.15g}")
                power = operation("^", base, less if number else Parentheses(less))
                first = product(product(exponent, power), slope)
        logarithm = operation("*", operation("^", base, exponent), Call("LN", (base,)))
        return total(first, product(logarithm, self.of(exponent)))

    def _call(self, name: str, arguments: tuple[Tree, ...], own: Tree | None) -> Tree | None:
        if name in COUNTS:
            return None
        if name in STEPS:
            raise NotWrittenError(f"{name} has no derivative")
        value = own if own is not None else Call(name, arguments)
        if name in _OF_ONE and len(arguments) == 1:
            [u] = arguments
            return product(_OF_ONE[name](u, value), self.of(u))
        if name in _OPERATORS and len(arguments) == 2:
            left, right = map(Parentheses, arguments)
            return self._operation(_OPERATORS[name], left, right, None)
        if name in _OF_ALL:
            return self._of_all(arguments, _OF_ALL[name](arguments, value))
        if (form := closed_form(name, arguments)) is not None:
            return self.of(form)
        if name not in _RULES:
            raise NotWrittenError(f"{name} has no derivative that is known")
        try:
            return _RULES[name](self, arguments, value)
        except (IndexError, ValueError, TypeError):
            raise NotWrittenError(f"{name} with such arguments has no known derivative") from None

    # Sums, and other functions of all numbers in their arguments

    def _of_all(self, arguments: Iterable[Tree], slope: Slope) -> Tree | None:
        """Return the sum, over all numbers, of the derivative by a number times its own."""
        return reduce(total, (self._of_each(bare(part), slope) for part in arguments), None)

    def _of_each(self, tree: Tree, slope: Slope) -> Tree | None:
        if not self._depends(tree):
            return None
        if isinstance(tree, Reference) and not self._is_marked:
            return slope(self._element.itself())
        if not gives_array(tree):
            return product(slope(tree), self.of(tree))
        if not self._is_array:
            raise NotWrittenError(f"{tree} in the place of one number has no derivative")
        return self._elementwise(tree, slope)

    def _elementwise(self, tree: Tree, slope: Slope = lambda _: _ONE) -> Tree | None:
        """Return the derivative of the sum of an array: that of what is beside the cell."""
        found: Tree | None = None
        lines = dict.fromkeys(lines_with(self._element.reference, tree))
        for rows, columns in lines:
            own = Beside(self._element, rows, columns)
            beside = own.part(tree)
            part = product(slope(unmarked(beside)), self._by_marked(beside))
            found = total(found, _summed(part) if own.is_array else part)
        for inner in totals_with(self._element.reference, tree):
            marked = with_marked(tree, inner)
            outer = product(slope(tree), self._by_marked(marked))
            found = total(found, product(_summed(outer), self.of(inner)))
        return found

    def _by_marked(self, tree: Tree) -> Tree | None:
        found = _Rules(self._element, True, True, self._is_smooth).of(tree)
        return None if found is None else unmarked(found)

    def _products(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        return self._elementwise(reduce(lambda a, b: operation("*", a, b), arguments))

    def _squared_differences(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        left, right = arguments
        return self._elementwise(operation("^", Parentheses(operation("-", left, right)), _TWO))

    def _matrix_product(self, arguments: tuple[Tree, ...], value: Tree) -> Tree | None:
        """Return the derivative of ``MMULT`` of a row and a column, which is one number."""
        if has_several_cells(Call("MMULT", arguments)):
            raise TypeError
        return self._elementwise(Call("MMULT", arguments))

    def _transposed(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        [part] = arguments
        if gives_array(part):
            raise TypeError
        return self.of(part)

    # Functions that choose

    def _if(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        condition, *branches = arguments
        slopes = [self.of(part) or _ZERO for part in branches]
        return None if {*slopes} == {_ZERO} else _chosen(condition, *slopes)

    def _ifs(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        found = []
        for condition, value in zip(arguments[::2], arguments[1::2], strict=True):
            found += [condition, self.of(value) or _ZERO]
        return Call("_xlfn.IFS", tuple(found))

    def _if_error(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        value, other = arguments
        return _chosen(Call("ISERROR", (value,)), self.of(other) or _ZERO, self.of(value) or _ZERO)

    def _if_missing(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        value, other = arguments
        return _chosen(Call("ISNA", (value,)), self.of(other) or _ZERO, self.of(value) or _ZERO)

    def _choose(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        number, *values = arguments
        return Call("CHOOSE", (number, *(self.of(value) or _ZERO for value in values)))

    def _maximum(self, arguments: tuple[Tree, ...], value: Tree) -> Tree | None:
        return self._extreme(">", arguments, value)

    def _minimum(self, arguments: tuple[Tree, ...], value: Tree) -> Tree | None:
        return self._extreme("<", arguments, value)

    def _extreme(self, sign: str, arguments: tuple[Tree, ...], value: Tree) -> Tree | None:
        """Return the derivative of the largest number, or of the least."""
        ordered = sorted(map(bare, arguments), key=_has_cells)
        if len(ordered) == 2 and not any(map(gives_array, ordered)):
            other, one = ordered
            if self._is_smooth:
                return self._shared(sign, one, other)
            is_one = operation(sign, value if isinstance(value, Reference) else one, other)
            return _chosen(is_one, self.of(one) or _ZERO, self.of(other) or _ZERO)
        if any(
            self._depends(p) and gives_array(p) and not isinstance(p, Reference) for p in ordered
        ):
            return self._of_all(ordered, lambda x: _chosen(operation("=", x, value), _ONE))
        found: Tree = _ZERO
        for part in reversed(ordered):
            if self._depends(part) and isinstance(part, Reference) and gives_array(part):
                own = self._chosen_in(part, value)
                is_own = operation("=", own, _ONE)
                found = own if found == _ZERO else _chosen(is_own, _ONE, found)
            elif self._depends(part) or not gives_array(part):
                found = _chosen(operation("=", part, value), self.of(part) or _ZERO, found)
        return found

    def _shared(self, sign: str, one: Tree, other: Tree) -> Tree | None:
        """Return the derivative of the larger of two numbers, or of the lesser; half at a kink."""
        above = one if other == _ZERO else operation("-", one, other)
        steps = {">": ("+", "-"), "<": ("-", "+")}[sign]
        shares = (operation(step, _ONE, Call("SIGN", (above,))) for step in steps)
        halves = [operation("/", Parentheses(share), _TWO) for share in shares]
        slopes = [self.of(one), self.of(other)]
        return reduce(total, map(product, halves, slopes), None)

    def _chosen_in(self, part: Reference, value: Tree) -> Tree:
        """Return 1 if the cell is the first in its range that has a value, else 0."""
        area = area_of(part)
        if area.height > 1 and area.width > 1:
            own = self._element.itself()
            is_before = operation("<", _in_reading_order(part), _in_reading_order(own))
            equal = operation("=", part, value)
            before = operation("*", Parentheses(equal), Parentheses(is_before))
            is_first = operation("=", Call("SUMPRODUCT", (before,)), _ZERO)
            return _chosen(operation("=", own, value), _chosen(is_first, _ONE, _ZERO), _ZERO)
        place = Call("MATCH", (value, part, _ZERO))
        return _chosen(operation("=", place, self._number(part, area.height > 1)), _ONE, _ZERO)

    def _number(self, part: Reference, of_row: bool) -> Tree:
        """Return the number of the row, or column, of the cell in a range, as a formula."""
        function = "ROW" if of_row else "COLUMN"
        first = Reference(part.text.partition(":")[0])
        before = operation("-", Call(function, (self._element.itself(),)), Call(function, (first,)))
        return operation("+", before, _ONE)

    def _smallest(self, arguments: tuple[Tree, ...], value: Tree) -> Tree | None:
        part = bare(arguments[0])
        if not self._depends(part):
            return None
        if not isinstance(part, Reference):
            raise TypeError
        return self._chosen_in(part, value)

    def _median(self, arguments: tuple[Tree, ...], value: Tree) -> Tree | None:
        [part] = map(bare, arguments)
        if not isinstance(part, Reference):
            raise TypeError
        count = Call("COUNT", (part,))
        middle = (operation("+", count, _ONE), operation("+", count, _TWO))
        halves = [Call("INT", (operation("/", Parentheses(own), _TWO),)) for own in middle]
        found = [self._chosen_in(part, Call("SMALL", (part, half))) for half in halves]
        return operation("/", Parentheses(operation("+", *found)), _TWO)

    # Lookups: 1 for the cell that is found, 0 for the others

    def _index(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        part, *places = arguments
        part = bare(part)
        if not self._depends(part):
            return None  # which cell is found has no derivative
        if not isinstance(part, Reference):
            raise TypeError
        area = area_of(part)
        if len(places) == 1:
            places = [*places, _ONE] if area.height > 1 else [_ONE, *places]
        row, column = places
        checks = [
            operation("=", wanted, self._number(part, of_row))
            for wanted, of_row, size in ((row, True, area.height), (column, False, area.width))
            if size > 1
        ]
        return _all_of(checks)

    def _vertical_lookup(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        return self._lookup(arguments, across=False)

    def _horizontal_lookup(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        return self._lookup(arguments, across=True)

    def _lookup(self, arguments: tuple[Tree, ...], across: bool) -> Tree | None:
        wanted, table, other, *kind = arguments
        table = bare(table)
        if not self._depends(table):
            return None
        if not isinstance(table, Reference):
            raise TypeError
        exact = kind and str(bare(kind[0])).upper() in ("0", "FALSE", "")
        place = Call("MATCH", (wanted, _first_line(table.text, across), _ZERO if exact else _ONE))
        along = operation("=", place, self._number(table, not across))
        return _all_of([along, operation("=", other, self._number(table, across))])

    def _found(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        """Return the derivative of ``XLOOKUP``."""
        wanted, keys, values = arguments
        place = Call("MATCH", (wanted, keys, _ZERO))
        return self._index((values, place), place)

    # Sums of the cells for which a condition holds

    def _sum_if(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        tested, condition, *summed = arguments
        [summed_one] = summed or [tested]
        return self._counted("COUNTIF", summed_one, tested, condition)

    def _sum_ifs(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        summed, *conditions = arguments
        return self._counted("COUNTIFS", summed, *conditions)

    def _average_if(self, arguments: tuple[Tree, ...], value: Tree) -> Tree | None:
        tested, condition, *_rest = arguments
        return quotient(self._sum_if(arguments, value), Call("COUNTIF", (tested, condition)))

    def _average_ifs(self, arguments: tuple[Tree, ...], value: Tree) -> Tree | None:
        _, *conditions = arguments
        return quotient(self._sum_ifs(arguments, value), Call("COUNTIFS", tuple(conditions)))

    def _counted(self, function: str, summed: Tree, *conditions: Tree) -> Tree | None:
        """Return 1 if the conditions hold for the cells beside this one, else 0."""
        if bare(summed) != Reference(self._element.reference):
            return None  # whether a condition holds has no derivative
        own = [
            self._element.beside(str(bare(part)), Line.ROW, Line.COLUMN) if k % 2 == 0 else part
            for k, part in enumerate(conditions)
        ]
        return Call(function, tuple(own))

    def _logarithm(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        number, base = arguments
        if not self._depends(base):
            return quotient(self.of(number), operation("*", number, Call("LN", (base,))))
        return self._quotient(Call("LN", (number,)), Call("LN", (base,)), None)

    def _modulo(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        number, divisor = map(Parentheses, arguments)
        whole = Call("INT", (operation("/", number, divisor),))
        return total(self.of(number), negative(product(whole, self.of(divisor))))

    def _normal(self, arguments: tuple[Tree, ...], value: Tree) -> Tree | None:
        """Return the derivative of ``NORM.S.DIST``, of the distribution or of its density."""
        z, kind = arguments
        if str(kind).upper() in ("TRUE", "1"):
            return product(Call("_xlfn.NORM.S.DIST", (z, Name("FALSE"))), self.of(z))
        return negative(product(product(z, value), self.of(z)))

    def _angle(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        """Return the derivative of ``ATAN2``."""
        x, y = map(_enclosed_argument, arguments)
        above = total(product(x, self.of(y)), negative(product(y, self.of(x))))
        return quotient(above, Parentheses(operation("+", _square(x), _square(y))))

    def _net_present(self, arguments: tuple[Tree, ...], _: Tree) -> Tree | None:
        """Return the derivative of ``NPV`` of one range, or of single values."""
        rate, *values = arguments
        growth = Parentheses(operation("+", _ONE, rate))
        if not any(map(gives_array, values)):
            terms = (
                operation("/", _enclosed_argument(value), operation("^", growth, Number(str(k))))
                for k, value in enumerate(values, start=1)
            )
            return self.of(reduce(lambda one, other: operation("+", one, other), terms))
        [part] = map(bare, values)
        if not isinstance(part, Reference):
            raise TypeError
        area = area_of(part)
        of_row = area.height > 1
        if of_row and area.width > 1:
            raise TypeError
        if part.text == self._element.reference:
            periods = Parentheses(self._number(part, of_row))
            return operation("/", _ONE, operation("^", growth, periods))
        first = Call("ROW" if of_row else "COLUMN", (Reference(part.text.partition(":")[0]),))
        number = operation("-", Call("ROW" if of_row else "COLUMN", (part,)), first)
        after = operation("^", growth, Parentheses(operation("+", number, _TWO)))
        weighted = operation("*", part, Parentheses(operation("+", number, _ONE)))
        found = Call("SUMPRODUCT", (operation("/", weighted, after),))
        return negative(product(found, self.of(rate)))

    def _depends(self, tree: Tree) -> bool:
        if self._is_marked:
            return any(isinstance(part, Marked) for _, part in parts(tree))
        own = self._element.reference
        return any(isinstance(p, Reference) and p.text == own for _, p in parts(tree))


def _summed(tree: Tree | None) -> Tree | None:
    if tree is None:
        return None
    own = bare(tree)
    if isinstance(own, Operation) and own.operator in COMPARISONS:
        tree = operation("*", tree, _ONE)  # SUMPRODUCT takes TRUE for 0
    return Call("SUMPRODUCT", (tree,))


def _chosen(condition: Tree, one: Tree, other: Tree = _ZERO) -> Tree:
    return Call("IF", (condition, one, other))


def _all_of(conditions: Sequence[Tree]) -> Tree | None:
    if not conditions:
        return _ONE
    first, *others = conditions
    return _chosen(Call("AND", tuple(conditions)) if others else first, _ONE)


def _enclosed_argument(tree: Tree) -> Tree:
    return tree if isinstance(tree, Reference | Number | Call) else Parentheses(tree)


def _has_absolute(tree: Tree) -> bool:
    return any(isinstance(p, Call) and p.function.upper() == "ABS" for _, p in parts(tree))


def _has_cells(tree: Tree) -> bool:
    return any(isinstance(part, Reference) for _, part in parts(tree))


def _in_reading_order(part: Reference) -> Tree:
    """Return numbers of cells that grow to the right and, by more, from row to row."""
    rows = operation("*", Call("ROW", (part,)), Number(str(MAX_COLUMNS)))
    return operation("+", rows, Call("COLUMN", (part,)))


def _first_line(reference: str, across: bool) -> Reference:
    """Return the first row, or column, of a range, with the signs for what is fixed."""
    sheet, _, cells = reference.rpartition("!")
    (one, other) = (_CORNER.fullmatch(corner) for corner in cells.split(":"))
    if one is None or other is None:
        raise TypeError
    last = other[1] + one[2] if across else one[1] + other[2]
    return Reference(f"{sheet}!{one[0]}:{last}" if sheet else f"{one[0]}:{last}")


def _of_sigmoid(operator: str, left: Tree, right: Tree) -> Tree | None:
    """Return u if a formula is 1/(1+EXP(-u))."""
    right = bare(right)
    if operator != "/" or left != _ONE or not isinstance(right, Operation):
        return None
    one, power = sorted((bare(right.left), bare(right.right)), key=lambda p: p != _ONE)
    if right.operator != "+" or one != _ONE or not isinstance(power, Call):
        return None
    if power.function.upper() != "EXP" or len(power.arguments) != 1:
        return None
    inner = bare(power.arguments[0])
    return inner.part if isinstance(inner, Sign) and inner.sign == "-" else None


def _square(tree: Tree) -> Tree:
    return operation("^", tree, _TWO)


def _less(one: Tree, other: Tree) -> Tree:
    return Parentheses(operation("-", one, other))


def _off(arguments: tuple[Tree, ...], number: Tree) -> Tree:
    """Return how far a number is off the average."""
    return _less(number, Call("AVERAGE", arguments))


def _count_less(arguments: tuple[Tree, ...], less: str) -> Tree:
    count = Call("COUNT", arguments)
    return count if less == "0" else _less(count, Number(less))


def _variance(less: str) -> Callable[[tuple[Tree, ...], Tree], Slope]:
    return lambda a, _: (
        lambda x: operation("/", operation("*", _TWO, _off(a, x)), _count_less(a, less))
    )


def _deviation(less: str) -> Callable[[tuple[Tree, ...], Tree], Slope]:
    return lambda a, y: (
        lambda x: operation("/", _off(a, x), Parentheses(operation("*", _count_less(a, less), y)))
    )


def _one_over(tree: Tree) -> Tree:
    return operation("/", _ONE, tree)


# The slope of functions of one number, by the number and the value.
_OF_ONE: dict[str, Callable[[Tree, Tree], Tree]] = {
    "EXP": lambda u, y: y,
    "LN": lambda u, y: _one_over(u),
    "LOG10": lambda u, y: _one_over(operation("*", u, Call("LN", (Number("10"),)))),
    "LOG": lambda u, y: _one_over(operation("*", u, Call("LN", (Number("10"),)))),
    "SQRT": lambda u, y: _one_over(Parentheses(operation("*", _TWO, y))),
    "TANH": lambda u, y: _less(_ONE, _square(y)),
    "SINH": lambda u, y: Call("COSH", (u,)),
    "COSH": lambda u, y: Call("SINH", (u,)),
    "SIN": lambda u, y: Call("COS", (u,)),
    "COS": lambda u, y: Sign("-", Call("SIN", (u,))),
    "TAN": lambda u, y: Parentheses(operation("+", _ONE, _square(y))),
    "ASIN": lambda u, y: _one_over(Call("SQRT", (operation("-", _ONE, _square(u)),))),
    "ACOS": lambda u, y: Sign("-", _one_over(Call("SQRT", (operation("-", _ONE, _square(u)),)))),
    "ATAN": lambda u, y: _one_over(Parentheses(operation("+", _ONE, _square(u)))),
    "ABS": lambda u, y: Call("SIGN", (u,)),
    "ASINH": lambda u, y: _one_over(Call("SQRT", (operation("+", _square(u), _ONE),))),
    "ACOSH": lambda u, y: _one_over(Call("SQRT", (operation("-", _square(u), _ONE),))),
    "ATANH": lambda u, y: _one_over(_less(_ONE, _square(u))),
    "NORM.S.INV": lambda u, y: _one_over(Call("_xlfn.NORM.S.DIST", (y, Name("FALSE")))),
}  # fmt: skip
# The slope of functions of all numbers in their arguments: by these, the value and a number.
_OF_ALL: dict[str, Callable[[tuple[Tree, ...], Tree], Slope]] = {
    "SUM": lambda a, y: lambda x: _ONE,
    "AVERAGE": lambda a, y: lambda x: _one_over(Call("COUNT", a)),
    "SUMSQ": lambda a, y: lambda x: operation("*", _TWO, x),
    "DEVSQ": lambda a, y: lambda x: operation("*", _TWO, _off(a, x)),
    "PRODUCT": lambda a, y: lambda x: operation("/", y, x),
    **dict.fromkeys(("VAR", "VAR.S"), _variance("1")),
    **dict.fromkeys(("VARP", "VAR.P"), _variance("0")),
    **dict.fromkeys(("STDEV", "STDEV.S"), _deviation("1")),
    **dict.fromkeys(("STDEVP", "STDEV.P"), _deviation("0")),
}
_OPERATORS = {"ADD": "+", "MINUS": "-", "MULTIPLY": "*", "DIVIDE": "/", "POWER": "^", "POW": "^"}
_RULES: dict[str, Callable[[_Rules, tuple[Tree, ...], Tree], Tree | None]] = {
    "SUMPRODUCT": _Rules._products,
    "SUMXMY2": _Rules._squared_differences,
    "MMULT": _Rules._matrix_product,
    "TRANSPOSE": _Rules._transposed,
    "IF": _Rules._if,
    "IFS": _Rules._ifs,
    "IFERROR": _Rules._if_error,
    "IFNA": _Rules._if_missing,
    "CHOOSE": _Rules._choose,
    "MAX": _Rules._maximum,
    "MIN": _Rules._minimum,
    "SMALL": _Rules._smallest,
    "LARGE": _Rules._smallest,
    "MEDIAN": _Rules._median,
    "INDEX": _Rules._index,
    "VLOOKUP": _Rules._vertical_lookup,
    "HLOOKUP": _Rules._horizontal_lookup,
    "XLOOKUP": _Rules._found,
    "SUMIF": _Rules._sum_if,
    "SUMIFS": _Rules._sum_ifs,
    "AVERAGEIF": _Rules._average_if,
    "AVERAGEIFS": _Rules._average_ifs,
    "LOG": _Rules._logarithm,
    "MOD": _Rules._modulo,
    "NORM.S.DIST": _Rules._normal,
    "ATAN2": _Rules._angle,
    "NPV": _Rules._net_present,
}
