"""Finds predictions that leave something out, where they are written inside the gradients.

The gradients of a sum ``w·x + v·z`` are its error times ``x`` and ``z``. So they tell which terms
the prediction has, and each must work with the same error.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

import numpy as np

from workbook_tools.formulas.replacing import bare, operation, replaced
from workbook_tools.formulas.tree import (
    Operation,
    Reference,
    Route,
    Tree,
    at,
    parts,
)
from workbook_tools.judging.faults import Kind
from workbook_tools.learning.found import Found
from workbook_tools.learning.meant.proposals import (
    Change,
    Proposal,
    backward,
    product_of,
    single,
    terms,
    tree_at,
)
from workbook_tools.learning.space import Space
from workbook_tools.notation.addresses import Cell, cell_name, sheet_prefix

_MOST = 300  # updates, and cells from which they are calculated
_LEAST = 2  # parameters
_ALONE = -1  # in the place of the input of a bias

_Term: TypeAlias = tuple[int, int]  # a parameter, and the input that it multiplies


@dataclass(frozen=True)
class _Error:
    """A prediction less a target, as one gradient has it."""

    cell: int
    parameter: int  # that is updated by the gradient
    factors: frozenset[int]  # numbers that multiply the error, such as the input
    tree: Tree  # the formula
    route: Route  # to the error in it
    target: Tree
    sign: int  # of the prediction
    terms: frozenset[_Term]
    names: Mapping[int, Tree]  # as the formula has them


def in_gradients(found: Found) -> Iterator[Proposal]:
    """Yield one proposal, with the same prediction in all gradients that have the same target."""
    space, own = found.space, found.space.updates
    if not len(found.left.cells) or not _LEAST <= len(own.cells) <= _MOST:
        return
    left = {*found.left.parameters.tolist()}
    by_target: dict[tuple[int, int], list[_Error]] = defaultdict(list)
    for update, parameter in zip(own.cells.tolist(), own.parameters.tolist(), strict=True):
        for target, error in _errors_of(space, update, parameter):
            by_target[target, space.iteration_of(parameter)].append(error)
    changes: dict[Cell, Change] = {}
    parameters: set[int] = set()
    for errors in by_target.values():
        whole = _whole(errors) if any(one.parameter in left for one in errors) else frozenset()
        for error in errors if whole else ():
            if error.terms != whole:
                cell = space.layout.cell(error.cell)
                changes[cell] = _change(space, error, sorted(whole), errors)
                parameters |= {one.parameter for one in errors}
    if changes:
        updates = own.cells[np.isin(own.parameters, [*parameters])]
        yield Proposal(changes, [space.layout.cell(place) for place in updates.tolist()])


def _whole(errors: Sequence[_Error]) -> frozenset[_Term]:
    """Return the terms that the gradients need together; none if that is not clear."""
    inputs = {read for error in errors for _, read in error.terms}
    by_parameter: dict[int, int] = {}
    for error in errors:
        own = error.factors & inputs
        if len(own) > 1 or error.parameter in by_parameter:
            return frozenset()
        by_parameter[error.parameter] = next(iter(own), _ALONE)
    whole = frozenset(by_parameter.items())
    used = {term for error in errors for term in error.terms}
    are_known = {*dict(used)} <= {*by_parameter} and inputs <= {*by_parameter.values()}
    is_clear = len(whole) >= _LEAST and are_known and not used.isdisjoint(whole)
    return whole if is_clear and len({*by_parameter.values()}) == len(whole) else frozenset()


def _change(
    space: Space, error: _Error, whole: Sequence[_Term], others: Sequence[_Error]
) -> Change:
    sheet, *_ = space.layout.cell(error.cell)
    names = {place: name for one in (*others, error) for place, name in one.names.items()}

    def name(place: int) -> Tree:
        own, row, column = space.layout.cell(place)
        prefix = "" if own == sheet else sheet_prefix(own)
        return names.get(place, Reference(prefix + cell_name(row, column)))

    products = [
        operation("*", name(p), name(read)) if read != _ALONE else name(p) for p, read in whole
    ]
    prediction = reduce(lambda one, other: operation("+", one, other), products)
    pair = (prediction, error.target) if error.sign > 0 else (error.target, prediction)
    symbol = cell_name(*space.layout.cell(error.parameter)[1:])
    what = f"needs the error of the prediction {prediction}, as the other gradients do"
    new = replaced(error.tree, error.route, operation("-", *pair))
    return Change(Kind.WRONG_GRADIENT, symbol, space.formula(error.cell) or "", f"={new}", what)


def _errors_of(space: Space, update: int, parameter: int) -> Iterator[tuple[int, _Error]]:
    """Yield the errors from which an update is calculated, each with the place of the target."""
    for cell in backward(space, np.array([update]))[:_MOST].tolist():
        tree = tree_at(space, cell)
        sheet, *_ = space.layout.cell(cell)
        routes = [r for r, part in parts(tree) if _is_sum(part)] if tree else []
        for route in routes:
            assert tree is not None
            around = [at(tree, route[:depth]) for depth in range(len(route))]
            known = _read(space, at(tree, route), sheet)
            if known is not None:
                target, name, sign, own, names = known
                factors = {
                    place
                    for part in around
                    if isinstance(part, Operation) and part.operator == "*"
                    for factor in product_of(part)
                    if (place := single(space, factor, sheet)) is not None and space.is_leaf[place]
                }
                yield (
                    target,
                    _Error(
                        cell, parameter, frozenset(factors), tree, route, name, sign, own, names
                    ),
                )


def _read(
    space: Space, tree: Tree, sheet: str
) -> tuple[int, Tree, int, frozenset[_Term], dict[int, Tree]] | None:
    """Return an error's target, the sign of its prediction, and its terms; None if it is none."""
    targets: list[tuple[int, int, Tree]] = []
    found: set[_Term] = set()
    names: dict[int, Tree] = {}
    signs: set[int] = set()
    for sign, term in terms(tree):
        factors = product_of(term)
        places = [single(space, factor, sheet) for factor in factors]
        if len(places) > 2 or any(
            p is None or not (space.is_leaf | space.is_parameter)[p] for p in places
        ):
            return None
        own = {
            int(space.reads.origin[p]): bare(f) for p, f in zip(places, factors, strict=True) if p
        }
        is_parameter = [place for place in own if space.is_parameter[place]]
        if not is_parameter:
            targets += [(sign, place, name) for place, name in own.items()]
            continue
        names |= own
        signs.add(sign)
        [by, *more] = is_parameter
        if more or len(own) != len(places):
            return None
        found.add((by, next((place for place in own if place != by), _ALONE)))
    if len(targets) != 1 or len(signs) != 1 or targets[0][0] in signs:
        return None
    [(_, target, name)] = targets
    return target, name, signs.pop(), frozenset(found), names


def _is_sum(tree: Tree) -> bool:
    return isinstance(tree, Operation) and tree.operator in "+-"
