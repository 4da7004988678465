"""Says a change of a formula in words, and the part that changes in symbols."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from workbook_tools.formulas.difference import difference
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
    bare,
    children,
    parse,
)
from workbook_tools.shortening import shortened

Namer = Callable[[str], str]  # of what a reference means: "J33" -> "a_h1"

_TIMES = {1: "", 2: " (twice)"}
_MOST_CHANGES = 2  # that are said one by one
_SIGNS = {"*": "·", "-": " − ", "+": " + "}
_POWERS = {"2": "²", "3": "³"}
_LONGEST = 60  # letters of a part that is quoted
_TERM = re.compile(r"[-+*/^][^-+*/^(),]+|[^-+*/^(),]+[-+*/^]")


PUT_IN, ANEW = "put in the formula", "write the formula anew"
BESIDE = "as the cells beside it have it"


def change_in_words(old: str | None, new: str, filled: bool = False) -> str:
    """Return what to do where ``old`` stands, a formula or none: ``replace J by L``.

    ``filled`` is for formulas that were filled down.
    """
    if old is None:
        return PUT_IN
    try:
        return _in_words(parse(old), parse(new), filled)
    except SyntaxProblemError:
        return ANEW


def _in_words(before: Tree, after: Tree, columns_only: bool) -> str:
    """Return what to do: ``replace J by L``.

    ``columns_only`` is for cells of a formula that was filled down.
    """
    if before == after:
        return "leave it as it is"
    if _without_parentheses(before) == _without_parentheses(after):
        return _about_parentheses(before, after)
    pairs = list(_different(before, after))
    changes = Counter(_one(old, new, columns_only) for old, new in pairs)
    is_whole = pairs == [(before, after)] and len(children(bare(before))) > 1
    is_another = is_whole and next(iter(changes)).startswith("replace")
    if (is_another or len(changes) > 1) and (words := _as_written(before, after)):
        return words
    if is_another or len(changes) > _MOST_CHANGES:
        return ANEW
    return ", and ".join(words + _TIMES.get(n, f" ({n} times)") for words, n in changes.items())


def _as_written(before: Tree, after: Tree) -> str | None:
    """Say a change that makes parts belong together otherwise: one operator, or one term more."""
    pieces = difference(str(before), str(after))
    old, new = ([piece.text for piece in own if piece.changed] for own in pieces)
    match old, new:
        case [a], [b] if a in BINDS and b in BINDS:
            return f"write {b} for {a}: {_quoted(after)}"
        case [], [added] if _TERM.fullmatch(added):
            return f"put in {added}: {_quoted(after)}"
        case [gone], [] if _TERM.fullmatch(gone):
            return f"leave out {gone}: {_quoted(after)}"
    return None


def in_symbols(before: Tree, after: Tree, name: Namer) -> tuple[str, str] | None:
    """Return the part that changes, as it is and as it should be; None if symbols do not tell.

    Of a product only the factors that change are shown, with those that stay between them.
    """
    old, new = _context(before, after)
    texts = symbols(old, name), symbols(new, name)
    return None if texts[0] == texts[1] else texts


def symbols(tree: Tree, name: Namer) -> str:
    """Write a formula as people do: ``a_h1·(1 − a_h1)``."""
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


def _different(before: Tree, after: Tree) -> Iterator[tuple[Tree, Tree]]:
    """Yield the smallest parts that differ, side by side."""
    if before == after:
        return
    one, other = bare(before), bare(after)
    if one == other or not _alike(one, other):
        yield before, after
        return
    for old, new in zip(children(one), children(other), strict=True):
        yield from _different(old, new)


def _alike(one: Tree, other: Tree) -> bool:
    """Tell whether two parts do the same with parts of theirs of which some are the same."""
    match one, other:
        case (Operation(a), Operation(b)):
            if a != b or _swapped(one, other):
                return False
            # A formula that gained or lost a factor is no pair of factors that changed.
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
    """Say one change."""
    if isinstance(old, Reference) and isinstance(new, Reference):
        if old.text.replace("$", "") == new.text.replace("$", ""):
            return f"write {new.text} for {old.text}"
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
            is_first = added is left
            return _added(operator, _quoted(part), str(added), is_first)
        case (part, Sign("-", inner)) if bare(inner) == part:
            return f"change the sign of {_quoted(part)}"
        case (Sign("-", inner), part) if bare(inner) == part:
            return f"leave out the minus before {_quoted(part)}"
        case (Operation(a, l1, r1), Operation(b, l2, r2)):
            if a == b and _swapped(old, new):
                return f"swap {_quoted(l1)} and {_quoted(r1)}: {_quoted(new)}"
            if (bare(l1), bare(r1)) == (bare(l2), bare(r2)):
                return f"write {b} for {a}: {_quoted(new)}"
        case (Call(f, a1), Call(g, a2)) if a1 == a2:
            return f"write {g} for {f}"
        case (Number(), _):
            return f"replace the number {old} by {_quoted(new)}"
    return f"replace {_quoted(old)} by {_quoted(new)}"


def _dropped(operator: str, gone: str) -> str:
    kind = {"*": "factor", "/": "divisor", "^": "exponent"}.get(operator, "term")
    return f"leave out the {kind} {_shortened(gone)}"


def _added(operator: str, part: str, added: str, is_first: bool) -> str:
    added = _shortened(added)
    if operator == "*":
        return f"multiply {part} by {added}"
    if operator == "+":
        return f"add {added} to {part}"
    if operator == "-":
        return f"take {part} from {added}" if is_first else f"take {added} from {part}"
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
        return f"take the parentheses away from {_shortened(lost[0])}"
    return "move the parentheses"


def _inside(tree: Tree) -> list[str]:
    own = [str(tree.part)] if isinstance(tree, Parentheses) else []
    return own + [text for child in children(tree) for text in _inside(child)]


def _without_parentheses(tree: Tree) -> str:
    return str(tree).replace("(", "").replace(")", "")


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _letters(text: str) -> str | None:
    """Return a cell's column, as it is written without ``$``; None on another sheet."""
    return None if "!" in text else text.replace("$", "").rstrip("0123456789")


def _quoted(tree: Tree) -> str:
    return _shortened(str(tree))


def _shortened(text: str) -> str:
    return shortened(text, _LONGEST)


def _context(before: Tree, after: Tree) -> tuple[Tree, Tree]:
    """Return the smallest parts that hold all that differs; of products, what changes in them."""
    one, other = bare(before), bare(after)
    if _alike(one, other):
        pairs = zip(children(one), children(other), strict=True)
        changed = [(old, new) for old, new in pairs if old != new]
        if len(changed) == 1:
            return _context(*changed[0])
        factors = _Factors(one), _Factors(other)
        if len(factors[0].parts) == len(factors[1].parts) > 1:
            return _cut(factors[0], factors[1])
    return one, other


@dataclass(frozen=True)
class _Factors:
    """The factors of a product, from left to right."""

    tree: Tree

    @property
    def parts(self) -> list[Tree]:
        """Return them; a tree that is no product is its own only factor."""
        tree, found = self.tree, []
        while isinstance(tree, Operation) and tree.operator == "*":
            found.append(tree.right)
            tree = tree.left
        return [tree, *reversed(found)]


def _cut(one: _Factors, other: _Factors) -> tuple[Tree, Tree]:
    """Leave out the factors before the first and after the last that changes."""
    pairs = zip(one.parts, other.parts, strict=True)
    changed = [k for k, (old, new) in enumerate(pairs) if old != new]
    if not changed:  # they are multiplied in another order
        return one.tree, other.tree
    first, last = changed[0], changed[-1] + 1
    return _product(one.parts[first:last]), _product(other.parts[first:last])


def _product(factors: list[Tree]) -> Tree:
    tree = factors[0]
    for factor in factors[1:]:
        tree = Operation("*", tree, factor)
    return tree
