"""The small edits of a formula: those of them that make it give what it should.

Every part of a formula is tried with another reference, number, operator, function or sign, with a
factor or term more or less, and with parentheses put elsewhere; all at once, on the numbers of
a few trials. What is found here is only likely: whoever shows it must prove it.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import combinations, pairwise
from typing import TypeAlias

import numpy as np

from workbook_tools.formulas.references import areas
from workbook_tools.formulas.tree import (
    BINDS,
    Call,
    Name,
    Number,
    Operation,
    Parentheses,
    Reference,
    Route,
    Sign,
    SyntaxProblemError,
    Tree,
    children,
    operation,
    parse,
    parts,
    replaced,
    replaced_in,
)
from workbook_tools.formulas.values import (
    AGGREGATES,
    ELEMENTWISE,
    Array,
    Evaluation,
    NotEvaluatedError,
    called,
    is_range,
    value_of,
)
from workbook_tools.judging.probe import agree
from workbook_tools.notation.addresses import Cell, column_letter

_CONSTANTS = ("1", "2", "0.5", "0", "3", "4", "10")
_MOST_PARTS = 400  # of a formula; a longer one is written anew
_MOST_PARENTHESES = 60  # places where one may stand
_MOST_PAIRS = 300_000  # of two references, that are tried in one formula; a wide layer has more

# What an edit costs; of several that help, the cheapest is meant.
_SWAP, _LEAF, _OPERATOR, _FUNCTION, _SIGN = 0.9, 1.0, 1.0, 1.0, 1.05
_PARENTHESES, _DROP, _CONSTANT, _COMPLEMENT = 1.0, 1.1, 1.2, 1.3
_NUMBER_MORE = 1.4
_FACTOR, _COMPLEMENT_FACTOR, _SLOPE_FACTOR, _WRAP = 1.5, 1.8, 2.1, 1.6
_OTHER_PAIR = 2.0
_BESIDE = 0.2  # less, for 1 − x right of x
_STRANGE = 0.5  # more, for a reference that the formula written from scratch does not have
_NEAR = 1e-6  # to what a part would have to give: worth a closer look
_REPEATED = 0.05  # more, for each further place where the same reference is replaced


@dataclass(frozen=True)
class Edit:
    """A formula after a small edit."""

    cost: float
    tree: Tree


@dataclass(frozen=True)
class Candidate:
    """A cell that a formula may mean: how it is written, what kind it is of, and its numbers."""

    text: str
    kind: str  # of quantity: weights are of one, activations of another
    values: Array  # (trials,)
    strange: bool


@dataclass(frozen=True)
class Ground:
    """What a formula is tried on."""

    sheet: str
    numbers: Mapping[Cell, Array]  # (trials,)
    expected: Array  # (trials,)
    candidates: list[Candidate]
    kinds: Mapping[str, str]  # of the references that the formula has, by their text
    constants: tuple[str, ...] = ()  # that may be meant, besides the usual ones

    @cached_property
    def pool(self) -> Array:
        """The numbers of the candidates, (candidates, trials)."""
        values = [candidate.values for candidate in self.candidates]
        return np.array(values).reshape(len(values), len(self.expected))


def edits(tree: Tree, ground: Ground) -> list[Edit]:
    """Return the edits that make a formula right in all trials, the smallest first."""
    if sum(1 for _ in parts(tree)) > _MOST_PARTS:
        return []
    try:
        with np.errstate(all="ignore"):  # a wrong formula may divide by 0
            evaluation = Evaluation(tree, ground.sheet, ground.numbers)
            found = [*_of_one_part(evaluation, ground), *_of_repeated(evaluation, ground)]
            found += _respelled(tree, ground)
            found = found or [*_of_pairs(evaluation, ground)]
    except NotEvaluatedError:
        return []
    return sorted(found, key=lambda edit: (edit.cost, len(str(edit.tree))))


@dataclass(frozen=True)
class _Variants:
    """What may stand in the place of one part: numbers, and how each is written."""

    values: Array  # (variants, trials)
    written: Callable[[int], tuple[float, Tree]]  # cost and part, by number


def _of_one_part(evaluation: Evaluation, ground: Ground) -> Iterator[Edit]:
    tree = evaluation.tree
    needed = evaluation.needed(ground.expected)
    # Most variants are told off by one trial: not by one of a unit that ReLU has turned off.
    telling = int(np.nan_to_num(np.abs(ground.expected)).argmax())
    for route, part in parts(tree):
        if isinstance(part, Parentheses):
            continue  # what is in them is tried
        value = evaluation.of(route)
        if is_range(value):
            yield from _of_range(evaluation, route, part, ground)
            continue
        need = _flat(needed[route], len(ground.expected))[telling] if route in needed else None
        for variants in _variants(evaluation, route, part, ground):
            likely = np.arange(len(variants.values))
            if need is not None:
                off = np.abs(variants.values[:, telling] - need)
                likely = np.flatnonzero(off <= _NEAR * (abs(need) + _NEAR))
            if not len(likely):
                continue
            right = agree(evaluation.with_parts({route: variants.values[likely]}), ground.expected)
            for k in likely[np.broadcast_to(right, likely.shape)]:
                cost, new = variants.written(int(k))
                yield Edit(cost, replaced(tree, route, new))


def _variants(
    evaluation: Evaluation, route: Route, part: Tree, ground: Ground
) -> Iterator[_Variants]:
    trials = len(ground.expected)
    value = _flat(evaluation.of(route), trials)
    candidates, pool = ground.candidates, ground.pool
    if isinstance(part, Reference | Number | Name):
        yield _Variants(pool, lambda k: (_LEAF + _extra(candidates[k]), _leaf(part, k, ground)))
        constants = tuple(dict.fromkeys((*_CONSTANTS, *ground.constants)))
        numbers = np.array([[float(text)] * trials for text in constants])
        cost = _LEAF if isinstance(part, Number) else _CONSTANT
        yield _Variants(numbers, lambda k: (cost, Number(constants[k])))
    changed = _changed(evaluation, route, part, value, ground.constants)
    yield _Variants(np.array([found for found, _ in changed]), lambda k: changed[k][1]())
    for own_cost, values, write in [
        *_enlarged(part, value, pool),
        *_parted(evaluation, route, part, pool),
    ]:
        yield _Variants(
            values,
            lambda k, own_cost=own_cost, write=write: (  # type: ignore[misc]
                own_cost + _extra(candidates[k]) - _follows(part, own_cost, candidates[k]),
                write(Reference(candidates[k].text)),
            ),
        )


def _flat(value: object, trials: int) -> Array:
    """Return the value of a part that has no variants, (trials,)."""
    array = np.asarray(value, dtype=float)
    return np.broadcast_to(array[0] if array.ndim == 2 else array, (trials,))


def _extra(candidate: Candidate) -> float:
    return _STRANGE if candidate.strange else 0.0


def _follows(part: Tree, cost: float, candidate: Candidate) -> float:
    """Return what it costs less to put 1 − x where x stands."""
    last = children(part)[-1] if isinstance(part, Operation) else part
    return _BESIDE if cost == _COMPLEMENT_FACTOR and str(last) == candidate.text else 0.0


def _leaf(old: Tree, k: int, ground: Ground) -> Tree:
    """Return a reference as the old one is anchored: ``$J33`` becomes ``$L33``."""
    text = ground.candidates[k].text
    fixed = isinstance(old, Reference) and old.text.startswith("$") and text[0].isalpha()
    return Reference(f"${text}" if fixed and "!" not in text else text)


_Change: TypeAlias = tuple[Array, Callable[[], tuple[float, Tree]]]  # its value; cost and part


def _changed(
    evaluation: Evaluation, route: Route, part: Tree, value: Array, constants: Sequence[str]
) -> list[_Change]:
    """Return what a part may become without anything new in it but numbers."""
    one, half, two = Number("1"), Number("0.5"), Number("2")
    enclosed = Parentheses(part) if children(part) else part
    found: list[_Change] = [
        (-value, lambda: (_SIGN, Sign("-", enclosed))),
        (1 - value, lambda: (_COMPLEMENT, Parentheses(operation("-", one, part)))),
        (1 / value, lambda: (_WRAP, operation("/", one, part))),
        (0.5 * value, lambda: (_NUMBER_MORE, operation("*", half, part))),
        (np.sqrt(value), lambda: (_WRAP, operation("^", part, half))),
        (2 * value, lambda: (_NUMBER_MORE, operation("*", two, part))),
        (value * value, lambda: (_WRAP, operation("^", part, two))),
    ]
    for text in _CONSTANTS:
        found += [
            (value + float(text), partial(_joined, _NUMBER_MORE, "+", part, Number(text))),
            (value - float(text), partial(_joined, _NUMBER_MORE, "-", part, Number(text))),
        ]
    for text in sorted(set(constants) - {"0", "0.5", "1", "2"}):  # which are tried as it is
        found += [
            (value * float(text), partial(_joined, _NUMBER_MORE, "*", part, Number(text))),
            (value / float(text), partial(_joined, _NUMBER_MORE, "/", part, Number(text))),
        ]
    for name, apply in ELEMENTWISE.items():
        found.append((apply(value), partial(_called, _WRAP, name, (part,))))

    def own(k: int) -> Array:
        return _flat(evaluation.of((*route, k)), len(value))

    match part:
        case Sign(_, inner):
            found.append((own(0), lambda: (_SIGN, inner)))
        case Operation(operator, left, right):
            a, b = own(0), own(1)
            others = {"+": a + b, "-": a - b, "*": a * b, "/": a / b, "^": a**b}
            found += [
                (result, partial(_joined, _OPERATOR, other, left, right))
                for other, result in others.items()
                if other != operator
            ]
            if operator in "-/^":
                result = {"-": b - a, "/": b / a, "^": b**a}[operator]
                found.append((result, partial(_joined, _SWAP, operator, right, left)))
            found.append((a, lambda: (_DROP + _size(right), left)))
            found.append((b, lambda: (_DROP + _size(left), right)))
        case Call(function, arguments):
            given = [evaluation.of((*route, k)) for k in range(len(arguments))]
            is_of_range = any(is_range(part) for part in given)
            for name in (*(() if is_of_range else ELEMENTWISE), *AGGREGATES):
                if name != function.upper():
                    try:
                        result = _flat(called(name, arguments, given), len(value))
                    except NotEvaluatedError:
                        continue
                    found.append((result, partial(_called, _FUNCTION, name, arguments)))
            if len(given) == 1 and not is_of_range:
                found.append((own(0), lambda: (_DROP, arguments[0])))
    return found


def _called(cost: float, function: str, arguments: tuple[Tree, ...]) -> tuple[float, Tree]:
    return cost, Call(function, arguments)


def _joined(cost: float, operator: str, left: Tree, right: Tree) -> tuple[float, Tree]:
    return cost, operation(operator, left, right)


def _size(part: Tree) -> float:
    """Return what it costs more to leave out something large."""
    return 0.1 * (sum(1 for _ in parts(part)) - 1)


def _enlarged(
    part: Tree, value: Array, pool: Array
) -> list[tuple[float, Array, Callable[[Tree], Tree]]]:
    """Return what a part becomes with each candidate as a factor or term more."""
    one = Number("1")

    def complement(x: Tree) -> Tree:
        return Parentheses(operation("-", one, x))

    return [
        (_FACTOR, value * pool, lambda x: operation("*", part, x)),
        (_FACTOR, value / pool, lambda x: operation("/", part, x)),
        (_FACTOR, value + pool, lambda x: operation("+", part, x)),
        (_FACTOR, value - pool, lambda x: operation("-", part, x)),
        (_FACTOR, pool - value, lambda x: operation("-", x, part)),
        (_COMPLEMENT_FACTOR, value * (1 - pool), lambda x: operation("*", part, complement(x))),
        (
            _SLOPE_FACTOR,
            value * pool * (1 - pool),
            lambda x: operation("*", operation("*", part, x), complement(x)),
        ),
    ]


def _parted(
    evaluation: Evaluation, route: Route, part: Tree, pool: Array
) -> Iterator[tuple[float, Array, Callable[[Tree], Tree]]]:
    """Yield what a product becomes with a candidate amid it: a·b as a + x·b."""
    after: list[tuple[str, Tree]] = []  # what the candidate is multiplied or divided by
    values = pool
    while isinstance(part, Operation) and part.operator in "*/":
        after.insert(0, (part.operator, part.right))
        factor = _flat(evaluation.of((*route, 1)), pool.shape[1])
        values = values * factor if part.operator == "*" else values / factor
        route, part = (*route, 0), part.left
        value = _flat(evaluation.of(route), pool.shape[1])
        yield _FACTOR, value + values, partial(_amid, "+", part, tuple(after))
        yield _FACTOR, value - values, partial(_amid, "-", part, tuple(after))


def _amid(sign: str, before: Tree, after: Sequence[tuple[str, Tree]], x: Tree) -> Tree:
    for operator, own in after:
        x = operation(operator, x, own)
    return operation(sign, before, x)


def _of_range(evaluation: Evaluation, route: Route, part: Tree, ground: Ground) -> Iterator[Edit]:
    """Try a range in other columns."""
    if not isinstance(part, Reference) or "!" in part.text:
        return
    [area] = areas(part.text)
    names = part.text.split(":")
    if area.first_column != area.last_column or len(names) != 2:
        return
    columns = {column for sheet, _, column in ground.numbers if sheet == ground.sheet}
    for column in sorted(columns - {area.first_column}):
        cells = [(sheet, row, column) for sheet, row, _ in area.cells(ground.sheet)]
        if not all(cell in ground.numbers for cell in cells):
            continue
        values = np.stack([ground.numbers[cell] for cell in cells])[:, None, None, :]
        if agree(evaluation.with_parts({route: values}), ground.expected).all():
            text = ":".join(_in_column(name, column) for name in names)
            yield Edit(_LEAF, replaced(evaluation.tree, route, Reference(text)))


def _in_column(name: str, column: int) -> str:
    letters = name.replace("$", "").rstrip("0123456789")
    return name.replace(letters, column_letter(column), 1)


def _of_repeated(evaluation: Evaluation, ground: Ground) -> Iterator[Edit]:
    """Try another reference in all the places of one that stands there more than once."""
    for text, routes in _places(evaluation).items():
        if len(routes) < 2:
            continue
        right = agree(evaluation.with_parts(dict.fromkeys(routes, ground.pool)), ground.expected)
        for k in np.flatnonzero(np.broadcast_to(right, (len(ground.pool),))):
            cost = _LEAF + _REPEATED * (len(routes) - 1) + _extra(ground.candidates[k])
            new = _leaf(Reference(text), int(k), ground)
            yield Edit(cost, replaced_in(evaluation.tree, routes, new))


def _of_pairs(evaluation: Evaluation, ground: Ground) -> Iterator[Edit]:
    """Try two references at once, in all their places, each with others of its own kind."""
    places = _places(evaluation)
    by_kind: dict[str, list[int]] = {}
    for k, candidate in enumerate(ground.candidates):
        by_kind.setdefault(candidate.kind, []).append(k)
    tried = 0
    for one, other in combinations(places, 2):
        pools = [by_kind.get(ground.kinds.get(text, ""), []) for text in (one, other)]
        tried += len(pools[0]) * len(pools[1])
        if tried > _MOST_PAIRS:
            return
        pairs = [(a, b) for a in pools[0] for b in pools[1]]
        if not pairs:
            continue
        changed: dict[Route, Array] = {}
        for k, text in enumerate((one, other)):
            values = ground.pool[[pair[k] for pair in pairs]]
            changed |= dict.fromkeys(places[text], values)
        for found in np.flatnonzero(agree(evaluation.with_parts(changed), ground.expected)):
            tree = evaluation.tree
            cost = _OTHER_PAIR
            for k, text in enumerate((one, other)):
                number = pairs[found][k]
                cost += _extra(ground.candidates[number])
                tree = replaced_in(tree, places[text], _leaf(Reference(text), number, ground))
            yield Edit(cost, tree)


def _places(evaluation: Evaluation) -> dict[str, list[Route]]:
    """Return where each reference to a single cell stands in a formula."""
    found: dict[str, list[Route]] = {}
    for route, part in parts(evaluation.tree):
        if isinstance(part, Reference) and not is_range(evaluation.of(route)):
            found.setdefault(part.text, []).append(route)
    return found


def _respelled(tree: Tree, ground: Ground) -> Iterator[Edit]:
    """Try a pair of parentheses more or less, or an operator that binds less, or more."""
    text = str(tree)
    tried = {text}
    for other in [*_without_a_pair(text), *_with_a_pair(text), *_with_an_operator(text)]:
        if other in tried:
            continue
        tried.add(other)
        try:
            new = parse(other)
            value = value_of(new, ground.sheet, ground.numbers)
        except (SyntaxProblemError, NotEvaluatedError):
            continue
        if agree(value, ground.expected):
            yield Edit(_PARENTHESES, new)


def _with_an_operator(text: str) -> Iterator[str]:
    """Yield the formula with each operator replaced by those that bind otherwise."""
    for place, letter in enumerate(text):
        if letter in "+-*/^" and place and (text[place - 1].isalnum() or text[place - 1] == ")"):
            for other in "+-*/^":
                if BINDS[other] != BINDS[letter]:
                    yield text[:place] + other + text[place + 1 :]


def _without_a_pair(text: str) -> Iterator[str]:
    opened: list[int] = []
    for place, letter in enumerate(text):
        if letter == "(":
            opened.append(place)
        elif letter == ")" and opened:
            begin = opened.pop()
            if not begin or not text[begin - 1].isalnum():  # no call of a function
                yield text[:begin] + text[begin + 1 : place] + text[place + 1 :]


def _with_a_pair(text: str) -> Iterator[str]:
    """Yield the formula with parentheses around what may stand for itself."""
    operators = [k for k, letter in enumerate(text) if letter in "+-*/^," and k]
    begins = [0, *(k + 1 for k in operators), *(k + 1 for k, c in enumerate(text) if c == "(")]
    ends = [*operators, *(k for k, c in enumerate(text) if c == ")"), len(text)]
    if len(begins) > _MOST_PARENTHESES:
        return
    for begin in sorted(begins):
        for end in sorted(ends):
            inner = text[begin:end]
            if _is_balanced(inner) and _say_something(text[:begin], inner, text[end:]):
                yield f"{text[:begin]}({inner}){text[end:]}"


def _say_something(before: str, inner: str, after: str) -> bool:
    """Tell whether parentheses change what is worked out first."""
    loosest, depth = math.inf, 0
    for before_it, letter in pairwise(inner):
        depth += (before_it == "(") - (letter == ")")
        if not depth and letter in "+-*/^" and before_it not in "+-*/^":
            loosest = min(loosest, BINDS[letter])
    left, right = BINDS.get(before[-1:], 0), BINDS.get(after[:1], 0)
    return loosest < right or loosest < left or (loosest == left and before[-1:] in "-/^")


def _is_balanced(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            return False
    return not depth
