"""The variants of one part of a formula: the values of all at once, and how each is written."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from workbook_tools.formulas.replacing import operation
from workbook_tools.formulas.tree import (
    Call,
    Name,
    Number,
    Operation,
    Parentheses,
    Reference,
    Route,
    Sign,
    Tree,
    children,
    parts,
)
from workbook_tools.mending import costs
from workbook_tools.mending.evaluation import (
    AGGREGATES,
    ELEMENTWISE,
    Array,
    Evaluation,
    NotEvaluatedError,
    called,
    is_range,
)
from workbook_tools.mending.problem import Candidate, Problem

_CONSTANTS = ("1", "2", "0.5", "0", "3", "4", "10")


@dataclass(frozen=True)
class Variants:
    """What may replace one part: values, and how each variant is written."""

    values: Array  # (variants, trials)
    written: Callable[[int], tuple[float, Tree]]  # cost and new part, by its number


def variants(
    evaluation: Evaluation, route: Route, part: Tree, problem: Problem
) -> Iterator[Variants]:
    """Yield what may replace a part that is not a range."""
    trials = len(problem.expected)
    value = flat(evaluation.of(route), trials)
    candidates, pool = problem.candidates, problem.pool
    if isinstance(part, Reference | Number | Name):
        yield Variants(
            pool, lambda k: (costs.LEAF + candidates[k].extra_cost, problem.reference(part, k))
        )
        constants = tuple(dict.fromkeys((*_CONSTANTS, *problem.constants)))
        numbers = np.array([[float(text)] * trials for text in constants])
        cost = costs.LEAF if isinstance(part, Number) else costs.CONSTANT
        yield Variants(numbers, lambda k: (cost, Number(constants[k])))
    changed = _changed(evaluation, route, part, value, problem.constants)
    yield Variants(np.array([found for found, _ in changed]), lambda k: changed[k][1]())
    for own_cost, values, write in [
        *_enlarged(part, value, pool),
        *_split(evaluation, route, part, pool),
    ]:
        yield Variants(
            values,
            lambda k, own_cost=own_cost, write=write: (  # type: ignore[misc]
                own_cost + candidates[k].extra_cost - _follows(part, own_cost, candidates[k]),
                write(Reference(candidates[k].text)),
            ),
        )


def flat(value: object, trials: int) -> Array:
    """Return a value that is not a range, as (trials,)."""
    array = np.asarray(value, dtype=float)
    if array.ndim == 2:
        array = array[0]
    return array if array.shape == (trials,) else np.broadcast_to(array, (trials,))


def _follows(part: Tree, cost: float, candidate: Candidate) -> float:
    """Return the discount for multiplying by (1 − x) right after x."""
    last = children(part)[-1] if isinstance(part, Operation) else part
    return costs.BESIDE if cost == costs.COMPLEMENT_FACTOR and str(last) == candidate.text else 0.0


_Change: TypeAlias = tuple[Array, Callable[[], tuple[float, Tree]]]  # values; cost and new part


def _changed(
    evaluation: Evaluation, route: Route, part: Tree, value: Array, constants: Sequence[str]
) -> list[_Change]:
    """Return what a part may become with no new reference in it."""
    one, half, two = Number("1"), Number("0.5"), Number("2")
    enclosed = Parentheses(part) if children(part) else part
    found: list[_Change] = [
        (-value, lambda: (costs.SIGN, Sign("-", enclosed))),
        (1 - value, lambda: (costs.COMPLEMENT, Parentheses(operation("-", one, part)))),
        (1 / value, lambda: (costs.WRAP, operation("/", one, part))),
        (0.5 * value, lambda: (costs.NUMBER_MORE, operation("*", half, part))),
        (np.sqrt(value), lambda: (costs.WRAP, operation("^", part, half))),
        (2 * value, lambda: (costs.NUMBER_MORE, operation("*", two, part))),
        (value * value, lambda: (costs.WRAP, operation("^", part, two))),
    ]
    for text in _CONSTANTS:
        found += [
            (value + float(text), partial(_joined, costs.NUMBER_MORE, "+", part, Number(text))),
            (value - float(text), partial(_joined, costs.NUMBER_MORE, "-", part, Number(text))),
        ]
    for text in sorted(set(constants) - {"0", "0.5", "1", "2"}):  # these are tried above
        found += [
            (value * float(text), partial(_joined, costs.NUMBER_MORE, "*", part, Number(text))),
            (value / float(text), partial(_joined, costs.NUMBER_MORE, "/", part, Number(text))),
        ]
    for name, apply in ELEMENTWISE.items():
        found.append((apply(value), partial(_called, costs.WRAP, name, (part,))))

    def own(k: int) -> Array:
        return flat(evaluation.of((*route, k)), len(value))

    match part:
        case Sign(_, inner):
            found.append((own(0), lambda: (costs.SIGN, inner)))
        case Operation(operator, left, right):
            a, b = own(0), own(1)
            others = {"+": a + b, "-": a - b, "*": a * b, "/": a / b, "^": a**b}
            found += [
                (result, partial(_joined, costs.OPERATOR, other, left, right))
                for other, result in others.items()
                if other != operator
            ]
            if operator in "-/^":
                result = {"-": b - a, "/": b / a, "^": b**a}[operator]
                found.append((result, partial(_joined, costs.SWAP, operator, right, left)))
            found.append((a, lambda: (costs.DROP + _size(right), left)))
            found.append((b, lambda: (costs.DROP + _size(left), right)))
        case Call(function, arguments):
            given = [evaluation.of((*route, k)) for k in range(len(arguments))]
            is_of_range = any(is_range(part) for part in given)
            for name in (*(() if is_of_range else ELEMENTWISE), *AGGREGATES):
                if name != function.upper():
                    try:
                        result = flat(called(name, arguments, given), len(value))
                    except NotEvaluatedError:
                        continue
                    found.append((result, partial(_called, costs.FUNCTION, name, arguments)))
            if len(given) == 1 and not is_of_range:
                found.append((own(0), lambda: (costs.DROP, arguments[0])))
    return found


def _called(cost: float, function: str, arguments: tuple[Tree, ...]) -> tuple[float, Tree]:
    return cost, Call(function, arguments)


def _joined(cost: float, operator: str, left: Tree, right: Tree) -> tuple[float, Tree]:
    return cost, operation(operator, left, right)


def _size(part: Tree) -> float:
    """Return the extra cost of leaving out a large part."""
    return 0.1 * (sum(1 for _ in parts(part)) - 1)


def _enlarged(
    part: Tree, value: Array, pool: Array
) -> list[tuple[float, Array, Callable[[Tree], Tree]]]:
    """Return what a part becomes with each candidate as an additional factor or term."""
    one = Number("1")

    def complement(x: Tree) -> Tree:
        return Parentheses(operation("-", one, x))

    return [
        (costs.FACTOR, value * pool, lambda x: operation("*", part, x)),
        (costs.FACTOR, value / pool, lambda x: operation("/", part, x)),
        (costs.FACTOR, value + pool, lambda x: operation("+", part, x)),
        (costs.FACTOR, value - pool, lambda x: operation("-", part, x)),
        (costs.FACTOR, pool - value, lambda x: operation("-", x, part)),
        (
            costs.COMPLEMENT_FACTOR,
            value * (1 - pool),
            lambda x: operation("*", part, complement(x)),
        ),
        (
            costs.SLOPE_FACTOR,
            value * pool * (1 - pool),
            lambda x: operation("*", operation("*", part, x), complement(x)),
        ),
    ]


def _split(
    evaluation: Evaluation, route: Route, part: Tree, pool: Array
) -> Iterator[tuple[float, Array, Callable[[Tree], Tree]]]:
    """Yield what a product becomes with a candidate inside it: a·b becomes a + x·b."""
    after: list[tuple[str, Tree]] = []  # the factors and divisors to the right of the candidate
    values = pool
    while isinstance(part, Operation) and part.operator in "*/":
        after.insert(0, (part.operator, part.right))
        factor = flat(evaluation.of((*route, 1)), pool.shape[1])
        values = values * factor if part.operator == "*" else values / factor
        route, part = (*route, 0), part.left
        value = flat(evaluation.of(route), pool.shape[1])
        yield costs.FACTOR, value + values, partial(_inside, "+", part, tuple(after))
        yield costs.FACTOR, value - values, partial(_inside, "-", part, tuple(after))


def _inside(sign: str, before: Tree, after: Sequence[tuple[str, Tree]], x: Tree) -> Tree:
    for operator, own in after:
        x = operation(operator, x, own)
    return operation(sign, before, x)
