"""Describes a change of a formula in words, and shows the changed part in symbols."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import NamedTuple

from workbook_tools.formulas.difference import difference
from workbook_tools.formulas.replacing import bare
from workbook_tools.formulas.tree import (
    BINDS,
    Call,
    Number,
    Operation,
    Parentheses,
    Reference,
    Sign,
    SyntaxProblemError,
    Tree,
    children,
    parse,
)
from workbook_tools.texts import shortened

Namer = Callable[[str], str]  # returns the symbol of a reference: "J33" -> "a_h1"

_TIMES = {1: "", 2: " (twice)"}
_MOST_CHANGES = 2  # that are described one by one
_SIGNS = {"*": "·", "-": " − ", "+": " + "}
_POWERS = {"2": "²", "3": "³"}
_LONGEST = 60  # characters of a part that is quoted
_READABLE = 30  # characters of a product that is named in full
_ELLIPSIS = Number("…")
_TERM = re.compile(r"[-+*/^][^-+*/^(),]+|[^-+*/^(),]+[-+*/^]")


PUT_IN, ANEW = "enter the formula", "rewrite the formula"
BESIDE = "as in the cells beside it"


def change_in_words(old: str | None, new: str, filled: bool = False) -> str:
    """Return how to change a cell that holds ``old``, a formula or nothing: ``replace J by L``.

    If ``filled``, the formula was filled down, and columns are named instead of cells.
    """
    if old is None:
        return PUT_IN
    try:
        return _in_words(parse(old), parse(new), filled)
    except SyntaxProblemError:
        return ANEW


def _in_words(before: Tree, after: Tree, columns_only: bool) -> str:
    """Return how to change a formula; with ``columns_only``, columns are named, not cells."""
    if before == after:
        return "leave it as it is"
    if _without_parentheses(before) == _without_parentheses(after):
        return _about_parentheses(before, after)
    pairs = list(changed_parts(before, after))
    changes = Counter(_one(old, new, columns_only) for old, new in pairs)
    is_whole = pairs == [(before, after)] and len(children(bare(before))) > 1
    is_another = is_whole and next(iter(changes)).startswith("replace")
    if (is_another or len(changes) > 1) and (words := _as_written(before, after)):
        return words
    if is_another or len(changes) > _MOST_CHANGES:
        return ANEW
    return ", and ".join(words + _TIMES.get(n, f" ({n} times)") for words, n in changes.items())


def _as_written(before: Tree, after: Tree) -> str | None:
    """Describe a change of one operator or one term, which may regroup the rest of the formula."""
    pieces = difference(str(before), str(after))
    old, new = ([piece.text for piece in own if piece.changed] for own in pieces)
    match old, new:
        case [a], [b] if a in BINDS and b in BINDS:
            return f"change {a} to {b}: {_quoted(after)}"
        case [], [added] if _TERM.fullmatch(added):
            return f"insert {added}: {_quoted(after)}"
        case [gone], [] if _TERM.fullmatch(gone):
            return f"remove {gone}: {_quoted(after)}"
    return None


def in_symbols(before: Tree, after: Tree, name: Namer) -> tuple[str, str] | None:
    """Return the part that changes, as it is and as it should be; None if both look the same.

    Of a product only the factors that change are shown, and those between them.
    """
    old, new = changed_context(before, after)
    texts = symbols(old, name), symbols(new, name)
    return None if texts[0] == texts[1] else texts


def symbols(tree: Tree, name: Namer) -> str:
    """Return a formula in mathematical notation: ``a_h1·(1 − a_h1)``."""
    match tree:
        case Reference(text):
            return name(text)
        case Sign("%", part):
            return f"{symbols(part, name)}%"
        case Sign(sign, part):
            return f"{'−' if sign == '-' else sign}{symbols(part, name)}"
        case Parentheses(part):
            return f"({symbols(part, name)})"
        case Operation("^", left, right) if str(right) in _POWERS:
            return symbols(left, name) + _POWERS[str(right)]
        case Operation(operator, left, right):
            between = _SIGNS.get(operator, operator)
            return f"{symbols(left, name)}{between}{symbols(right, name)}"
        case Call(function, arguments):
            return f"{function}({', '.join(symbols(part, name) for part in arguments)})"
    return str(tree)


def changed_parts(before: Tree, after: Tree) -> Iterator[tuple[Tree, Tree]]:
    """Yield the smallest parts of two formulas that differ, side by side."""
    if before == after:
        return
    one, other = bare(before), bare(after)
    if one == other or not _alike(one, other):
        yield before, after
        return
    for old, new in zip(children(one), children(other), strict=True):
        yield from changed_parts(old, new)


def _alike(one: Tree, other: Tree) -> bool:
    """Tell whether two parts have the same operator or function, so that children are compared."""
    match one, other:
        case (Operation(a), Operation(b)):
            if a != b or _swapped(one, other):
                return False
            # If a factor was added or dropped, the children do not correspond to each other.
            grown = any(bare(part) == bare(other) for part in children(one))
            return not grown and not any(bare(part) == bare(one) for part in children(other))
        case (Call(f, old), Call(g, new)):
            return f == g and len(old) == len(new)
        case (Sign(a), Sign(b)):
            return a == b
    return False


def _swapped(one: Operation, other: Operation) -> bool:
    return (bare(one.left), bare(one.right)) == (bare(other.right), bare(other.left))


def _one(old: Tree, new: Tree, columns_only: bool) -> str:
    """Describe one change."""
    if isinstance(old, Reference) and isinstance(new, Reference):
        if old.text.replace("$", "") == new.text.replace("$", ""):
            return f"change {old.text} to {new.text}"
        if columns_only:
            letters = [_letters(part.text) for part in (old, new)]
            rows = [part.text.lstrip("$").lstrip(_LETTERS) for part in (old, new)]
            if None not in letters and rows[0] == rows[1]:
                return f"replace {letters[0]} by {letters[1]}"
        return f"replace {old} by {new}"
    old, new = bare(old), bare(new)
    match old, new:
        case (Operation(operator, left, right), part) if part in (bare(left), bare(right)):
            gone = right if part == bare(left) else left
            return _dropped(operator, str(gone))
        case (part, Operation(operator, left, right)) if part in (bare(left), bare(right)):
            added = right if part == bare(left) else left
            is_first, factors = added is left, _Factors(part).parts
            if not is_first and len(factors) > 1 and len(str(part)) > _READABLE:
                return f"insert {operator}{_quoted(added)} after {_quoted(factors[-1])}"
            return _added(operator, _quoted(part), str(added), is_first)
        case (part, Sign("-", inner)) if bare(inner) == part:
            return f"change the sign of {_quoted(part)}"
        case (Sign("-", inner), part) if bare(inner) == part:
            return f"remove the minus before {_quoted(part)}"
        case (Operation(a, l1, r1), Operation(b, l2, r2)):
            if a == b and _swapped(old, new):
                return f"swap {_quoted(l1)} and {_quoted(r1)}: {_quoted(new)}"
            if (bare(l1), bare(r1)) == (bare(l2), bare(r2)):
                return f"change {a} to {b}: {_quoted(new)}"
        case (Call(f, a1), Call(g, a2)) if a1 == a2:
            return f"change {f} to {g}"
        case (Call(function, arguments), part) if arguments and bare(arguments[0]) == part:
            return f"remove {function}"
        case (Number(), _):
            return f"replace the number {old} by {_quoted(new)}"
    return f"replace {_quoted(old)} by {_quoted(new)}"


def _dropped(operator: str, gone: str) -> str:
    kind = {"*": "factor", "/": "divisor", "^": "exponent"}.get(operator, "term")
    return f"remove the {kind} {_shortened(gone)}"


def _added(operator: str, part: str, added: str, is_first: bool) -> str:
    added = _shortened(added)
    if operator == "*":
        return f"multiply {part} by {added}"
    if operator == "+":
        return f"add {added} to {part}"
    if operator == "-":
        return f"subtract {part} from {added}" if is_first else f"subtract {added} from {part}"
    if operator == "/":
        return f"divide {added} by {part}" if is_first else f"divide {part} by {added}"
    base, exponent = (added, part) if is_first else (part, added)
    return f"raise {base} to the power {exponent}"


def _about_parentheses(before: Tree, after: Tree) -> str:
    old, new = _inside(before), _inside(after)
    gained = [text for text in new if text not in old]
    lost = [text for text in old if text not in new]
    if gained and not lost:
        return f"put parentheses around {_shortened(gained[0])}"
    if lost and not gained:
        return f"remove the parentheses around {_shortened(lost[0])}"
    return "move the parentheses"


def _inside(tree: Tree) -> list[str]:
    own = [str(tree.part)] if isinstance(tree, Parentheses) else []
    return own + [text for child in children(tree) for text in _inside(child)]


def _without_parentheses(tree: Tree) -> str:
    return str(tree).replace("(", "").replace(")", "")


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _letters(text: str) -> str | None:
    """Return the column of a reference, without ``$``; None if it names another sheet."""
    return None if "!" in text else text.replace("$", "").rstrip("0123456789")


def _quoted(tree: Tree) -> str:
    return _shortened(str(tree))


def _shortened(text: str) -> str:
    return shortened(text, _LONGEST)


def changed_context(before: Tree, after: Tree) -> tuple[Tree, Tree]:
    """Return the smallest parts that contain all differences; of products, only some factors."""
    one, other = bare(before), bare(after)
    if _alike(one, other):
        pairs = zip(children(one), children(other), strict=True)
        changed = [(old, new) for old, new in pairs if old != new]
        if len(changed) == 1:
            return changed_context(*changed[0])
        factors = _Factors(one), _Factors(other)
        if len(factors[0].parts) == len(factors[1].parts) > 1:
            return _cut(factors[0], factors[1])
        return one, other
    parts = _Factors(one).parts, _Factors(other).parts
    is_long = max(len(str(one)), len(str(other))) > _READABLE
    if is_long and min(map(len, parts)) > 1 and len(parts[0]) != len(parts[1]):
        return _beside_the_gap(*parts)
    return one, other


class _Factors(NamedTuple):
    """The factors of a product, from left to right."""

    tree: Tree

    @property
    def parts(self) -> list[Tree]:
        """The factors; a tree that is no product is its own only factor."""
        tree, found = self.tree, []
        while isinstance(tree, Operation) and tree.operator == "*":
            found.append(tree.right)
            tree = tree.left
        return [tree, *reversed(found)]


def _cut(one: _Factors, other: _Factors) -> tuple[Tree, Tree]:
    """Leave out the factors before the first and after the last that changes."""
    pairs = zip(one.parts, other.parts, strict=True)
    changed = [k for k, (old, new) in enumerate(pairs) if old != new]
    if not changed:  # the order of the factors is the same, only their grouping differs
        return one.tree, other.tree
    first, last = changed[0], changed[-1] + 1
    return _product(one.parts[first:last]), _product(other.parts[first:last])


def _beside_the_gap(one: list[Tree], other: list[Tree]) -> tuple[Tree, Tree]:
    """Return two products, one of which lacks factors, from the factor beside the gap on."""
    before = _alike_from_left(one, other)
    after = _alike_from_left(one[before:][::-1], other[before:][::-1])
    first, rest = max(0, before - 1), after if before else max(0, after - 1)

    def cut(factors: list[Tree]) -> Tree:
        kept = factors[first : len(factors) - rest]
        return _product([*[_ELLIPSIS] * (first > 0), *kept, *[_ELLIPSIS] * (rest > 0)])

    return cut(one), cut(other)


def _alike_from_left(one: list[Tree], other: list[Tree]) -> int:
    """Count the factors with which two products begin alike."""
    pairs = zip(one, other, strict=False)
    return len([*takewhile(lambda pair: pair[0] == pair[1], pairs)])


def _product(factors: list[Tree]) -> Tree:
    tree = factors[0]
    for factor in factors[1:]:
        tree = Operation("*", tree, factor)
    return tree
