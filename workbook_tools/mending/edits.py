"""Finds small edits of a formula that make it give the right values.

Every part is tried with another reference, number, operator, function or sign, with an additional
or missing factor or term, and with parentheses elsewhere. Each kind of edit is evaluated for all
variants at once, on the numbers of a few random trials. An edit found here is only likely to be
right: it has to be proven (``proof.py``) before it is shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from operator import itemgetter
from typing import Any

import numpy as np

from workbook_tools.formulas.references import areas
from workbook_tools.formulas.replacing import replaced, replaced_in
from workbook_tools.formulas.tree import (
    Parentheses,
    Reference,
    Route,
    Tree,
    parts,
)
from workbook_tools.judging.probe import agree
from workbook_tools.mending import costs
from workbook_tools.mending.evaluation import (
    Array,
    Evaluation,
    NotEvaluatedError,
    is_range,
)
from workbook_tools.mending.grouping import regrouped
from workbook_tools.mending.problem import Problem
from workbook_tools.mending.variants import flat, variants
from workbook_tools.notation.addresses import column_letter

_MOST_PARTS = 400  # of a formula; for a longer one, no edit is tried
_MOST_PAIRS = 300_000  # of references, tried in one formula; wide layers have more
_MOST_KEPT = 500  # formulas, with the edits that were found for them
_NEAR = 1e-6  # relative; a variant this near to the value that a part needs is evaluated in full


@dataclass(frozen=True)
class Edit:
    """A formula after a small edit."""

    cost: float
    tree: Tree


_found: dict[tuple[Tree, bytes], list[Edit]] = {}  # a class makes the same mistakes


def edits(tree: Tree, problem: Problem) -> list[Edit]:
    """Return the edits that make a formula right in all trials, the cheapest first."""
    if sum(1 for _ in parts(tree)) > _MOST_PARTS:
        return []
    key = tree, problem.digest
    if key not in _found:
        if len(_found) >= _MOST_KEPT:
            _found.clear()
        _found[key] = _edits(tree, problem)
    return _found[key]


def _edits(tree: Tree, problem: Problem) -> list[Edit]:
    try:
        with np.errstate(all="ignore"):  # a wrong formula may divide by 0
            evaluation = Evaluation(tree, problem.sheet, problem.numbers)
            found = [*_of_one_part(evaluation, problem), *_of_repeated(evaluation, problem)]
            found += _regrouped(tree, problem)
            found = found or [*_of_pairs(evaluation, problem)]
    except NotEvaluatedError:
        return []
    return sorted(found, key=lambda edit: (edit.cost, len(str(edit.tree))))


def _of_one_part(evaluation: Evaluation, problem: Problem) -> Iterator[Edit]:
    """Try to replace one part, at every place."""
    tree = evaluation.tree
    needed = evaluation.needed(problem.expected)
    telling = _telling(problem)
    for route, part in parts(tree):
        if isinstance(part, Parentheses):
            continue  # their content is tried
        value = evaluation.of(route)
        if is_range(value):
            yield from _of_range(evaluation, route, part, problem)
            continue
        need = flat(needed[route], len(problem.expected))[telling] if route in needed else None
        for own in variants(evaluation, route, part, problem):
            likely = np.full(len(own.values), True)
            if need is not None:
                likely = _is_near(own.values[:, telling], need)
            if not likely.any():
                continue
            right = agree(evaluation.with_parts({route: own.values[likely]}), problem.expected)
            likely[likely] = right
            for k in np.flatnonzero(likely):
                cost, new = own.written(int(k))
                yield Edit(cost, replaced(tree, route, new))


def _of_range(evaluation: Evaluation, route: Route, part: Tree, problem: Problem) -> Iterator[Edit]:
    """Try to move a range to other columns."""
    if not isinstance(part, Reference) or "!" in part.text:
        return
    [area] = areas(part.text)
    names = part.text.split(":")
    if area.first_column != area.last_column or len(names) != 2:
        return
    columns = {column for sheet, _, column in problem.numbers if sheet == problem.sheet}
    for column in sorted(columns - {area.first_column}):
        cells = [(sheet, row, column) for sheet, row, _ in area.cells(problem.sheet)]
        if not all(cell in problem.numbers for cell in cells):
            continue
        values = np.stack([problem.numbers[cell] for cell in cells])[:, None, None, :]
        if agree(evaluation.with_parts({route: values}), problem.expected).all():
            text = ":".join(_in_column(name, column) for name in names)
            yield Edit(costs.LEAF, replaced(evaluation.tree, route, Reference(text)))


def _in_column(name: str, column: int) -> str:
    letters = name.replace("$", "").rstrip("0123456789")
    return name.replace(letters, column_letter(column), 1)


def _of_repeated(evaluation: Evaluation, problem: Problem) -> Iterator[Edit]:
    """Try to replace a reference that occurs more than once, in all its places."""
    for text, routes in _places(evaluation).items():
        if len(routes) < 2:
            continue
        right = agree(evaluation.with_parts(dict.fromkeys(routes, problem.pool)), problem.expected)
        for k in np.flatnonzero(np.broadcast_to(right, (len(problem.pool),))):
            cost = costs.LEAF + costs.REPEATED * (len(routes) - 1)
            cost += problem.candidates[k].extra_cost
            new = problem.reference(Reference(text), int(k))
            yield Edit(cost, replaced_in(evaluation.tree, routes, new))


def _of_pairs(evaluation: Evaluation, problem: Problem) -> Iterator[Edit]:
    """Try to replace two references at once, in all their places, each by one of its own kind."""
    places = _places(evaluation)
    by_kind: dict[str, list[int]] = {}
    for k, candidate in enumerate(problem.candidates):
        by_kind.setdefault(candidate.kind, []).append(k)
    tried = 0
    for one, other in combinations(places, 2):
        pools = [by_kind.get(problem.kinds.get(text, ""), []) for text in (one, other)]
        tried += len(pools[0]) * len(pools[1])
        if tried > _MOST_PAIRS:
            return
        pairs = [(a, b) for a in pools[0] for b in pools[1]]
        if not pairs:
            continue
        changed: dict[Route, Array] = {}
        for k, text in enumerate((one, other)):
            values = problem.pool[[pair[k] for pair in pairs]]
            changed |= dict.fromkeys(places[text], values)
        for found in np.flatnonzero(agree(evaluation.with_parts(changed), problem.expected)):
            tree = evaluation.tree
            cost = costs.OTHER_PAIR
            for k, text in enumerate((one, other)):
                number = pairs[found][k]
                cost += problem.candidates[number].extra_cost
                tree = replaced_in(tree, places[text], problem.reference(Reference(text), number))
            yield Edit(cost, tree)


def _places(evaluation: Evaluation) -> dict[str, list[Route]]:
    """Return the places of each reference to a single cell."""
    found: dict[str, list[Route]] = {}
    for route, part in parts(evaluation.tree):
        if isinstance(part, Reference) and not is_range(evaluation.of(route)):
            found.setdefault(part.text, []).append(route)
    return found


def _regrouped(tree: Tree, problem: Problem) -> Iterator[Edit]:
    """Try the same parts with other parentheses or operators."""
    evaluation = Evaluation(tree, problem.sheet, problem.numbers, missing=0.0)
    needed = evaluation.needed(problem.expected)
    telling = _telling(problem)
    found: dict[str, tuple[tuple[int, ...], Edit]] = {}
    for new in regrouped(evaluation, telling):
        if new.route in needed and (number := new.number()) is not None:
            need = flat(needed[new.route], len(problem.expected))[telling]
            if not _is_near(number, need):
                continue
        try:
            part, value = new.part()
            right = agree(evaluation.with_parts({new.route: value}), problem.expected)
        except NotEvaluatedError:
            continue
        if right.all():
            edit = Edit(costs.PARENTHESES, replaced(tree, new.route, part))
            found.setdefault(str(edit.tree), (new.order, edit))
    for _, edit in sorted(found.values(), key=itemgetter(0)):
        yield edit


def _telling(problem: Problem) -> int:
    """Return the trial that rules out most variants.

    It has the largest value expected: where ReLU has turned a unit off, everything is 0 and nothing
    can be ruled out.
    """
    return int(np.nan_to_num(np.abs(problem.expected)).argmax())


def _is_near(values: Any, need: Any) -> Any:
    """Tell whether values are near to the one that a part needs."""
    return np.abs(values - need) <= _NEAR * (abs(need) + _NEAR)
