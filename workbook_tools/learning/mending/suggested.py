"""Finds what a wrong cell of the backward half should hold: right on all numbers that are tried."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.tree import SyntaxProblemError, Tree, parse
from workbook_tools.learning.given import cells_of, given_by, numbers_in, references_in
from workbook_tools.learning.judging.verdicts import Culprit, Expected, Judged
from workbook_tools.learning.mending.chained import chained
from workbook_tools.learning.mending.expected import Meant
from workbook_tools.learning.moved import moved
from workbook_tools.mending import costs
from workbook_tools.mending.edits import edits
from workbook_tools.mending.evaluation import Array, NotEvaluatedError
from workbook_tools.mending.problem import Candidate, Problem
from workbook_tools.notation.addresses import Cell, cell_name, sheet_prefix
from workbook_tools.program.graph import Node

_CLEAR = 1e-6  # relative
_TINY = 1e-9  # of the largest number expected
_MOST_NEIGHBOURS = 40  # formulas, or updates
_MOST_CANDIDATES = 150  # cells
_NEAR = 80  # rows and columns together, in which cells may be meant
_AS_THE_OTHERS, _AS_A_NEIGHBOUR, _NO_RATE = 0.0, 0.5, 0.6  # costs
_ANCHORED = re.compile(r"(?<![\w.!$:])\$?([A-Za-z]{1,3})\$\d+(?![\w.(:])")
_OF_A_RANGE = re.compile(r"=\+?([A-Za-z.]+)(\([^()]+\))")


class Proposed(NamedTuple):
    """A formula for a cell, and what it gives."""

    cost: float
    formula: str
    expected: Expected


def proposed(result: Judged, culprit: Culprit, expectations: Meant) -> Proposed | None:
    """Return a formula for a cell that gives what it should be; None if none is found."""
    space = result.model.space
    own, old = space.layout.cell(culprit.cell), space.formula(culprit.cell)
    if old is None:
        return None
    best: Proposed | None = None
    for right in expectations.every(culprit):
        if not right.drawn.any():
            continue  # many formulas are 0
        extra = _NO_RATE if right.factor is not None and abs(right.factor) == 1.0 else 0.0
        for cost, new in _proposals(result, culprit, old, right):
            if best is not None and cost + extra >= best.cost:
                continue
            if new != old and is_right(result, own, new, right):
                best = Proposed(cost + extra, new, right)
                break
    return best


def written(result: Judged, culprit: Culprit, expectations: Meant) -> Proposed | None:
    """Return the formula by the chain rule for a cell, if that gives what the cell should be."""
    own = result.model.space.layout.cell(culprit.cell)
    for right in expectations.every(culprit):
        for formula in chained(result, culprit, right) if right.drawn.any() else ():
            if is_right(result, own, formula, right):
                return Proposed(0.0, formula, right)
    return None


def filled(
    result: Judged, culprit: Culprit, expectations: Meant, like: Proposed, at: Cell
) -> tuple[str, Expected | None] | None:
    """Return the formula that was proposed for another cell, ``at``, as it reads in this one.

    Also return what this one should show, if that is known. None if the formula is wrong here.
    """
    space = result.model.space
    own = space.layout.cell(culprit.cell)
    move = own[1] - at[1], own[2] - at[2]
    formula = moved(like.formula, *move)
    if formula is None:
        return None
    old = space.formula(space.layout.place_of(at))
    if not culprit.updates and space.formula(culprit.cell) == moved(old or "", *move):
        # It is a copy, of which nothing is calculated.
        first = result.culprits[space.layout.place_of(at)]
        right = expectations.as_copy(culprit, first, like.expected)
        is_wrong = right is not None and not is_right(result, own, formula, right)
        return None if is_wrong else (formula, None)
    right = expectations.like(culprit, like.expected)
    if right is not None and not is_right(result, own, formula, right):
        return None
    return formula, right


def is_right(result: Judged, own: Cell, formula: str, right: Expected) -> bool:
    """Tell whether a formula gives what it should, on the sheet's numbers and on random ones."""
    found = given_by(result, own, formula)
    if found is None:
        return False
    wanted = _with_stored(right)
    return bool(np.allclose(found, wanted, rtol=_CLEAR, atol=_TINY * np.abs(wanted).max()))


def _proposals(
    result: Judged, culprit: Culprit, old: str, right: Expected
) -> Iterator[tuple[float, str]]:
    """Yield formulas that may be meant, the most likely first, each with a cost."""
    own = result.model.space.layout.cell(culprit.cell)
    if culprit.reads >= 0 and culprit.should_read >= 0:
        for formula in _reading(result, old, own, culprit.reads, culprit.should_read):
            yield _AS_THE_OTHERS, formula
    for formula in _of_neighbours(result, own):
        yield _AS_A_NEIGHBOUR, formula
    for formula in without_anchors(old, own[1]):
        yield _AS_A_NEIGHBOUR, formula
    if match := _OF_A_RANGE.fullmatch(old):
        for name in ("SUM", "AVERAGE"):
            yield costs.FUNCTION, f"={name}{match[2]}"
    try:
        tree = parse(old)
        for edit in edits(tree, _problem(result, culprit, tree, right)):
            yield edit.cost, f"={edit.tree}"
    except (SyntaxProblemError, NotEvaluatedError, RecursionError):
        return


def _reading(result: Judged, old: str, own: Cell, reads: int, should: int) -> Iterator[str]:
    """Yield the formula with another cell in the place of the one that it reads."""
    layout = result.model.space.layout
    before, after = layout.cell(reads), layout.cell(should)
    name = cell_name(*before[1:])
    for prefix in ("", sheet_prefix(before[0])):
        if (before[0] == own[0]) == (not prefix) and prefix + name in old:
            yield old.replace(prefix + name, prefix + cell_name(*after[1:]))


def without_anchors(formula: str, row: int) -> Iterator[str]:
    """Yield the formula with a reference to another row, which is anchored, moved to its own."""
    for match in _ANCHORED.finditer(formula):
        yield f"{formula[: match.start()]}{match[1]}{row}{formula[match.end() :]}"


def _of_neighbours(result: Judged, own: Cell) -> Iterator[str]:
    """Yield the formulas of other cells as they read in this one, the nearest first."""
    sheet, row, column = own

    def distance(node: Node) -> tuple[bool, int]:
        rows = min(abs(node.run.first_row - row), abs(node.run.last_row - row))
        return node.column != column, rows + abs(node.column - column)

    nodes = [
        node
        for node in result.model.space.whole.nodes
        if node.sheet == sheet and (node.column == column or row in node.run.rows)
    ]
    for node in sorted(nodes, key=distance)[:_MOST_NEIGHBOURS]:
        begin = row if row in node.run.rows else node.run.first_row
        if (begin, node.column) != (row, column):
            formula = moved(node.run.formula.at(begin), row - begin, column - node.column)
            if formula is not None:
                yield formula


def _problem(result: Judged, culprit: Culprit, tree: Tree, right: Expected) -> Problem:
    """Return what an edit of the formula has to solve."""
    space = result.model.space
    sheet, row, column = space.layout.cell(culprit.cell)
    read = [cell for text in references_in(tree) for cell in cells_of(text, sheet)]
    numbers = {cell: numbers_in(result, cell) for cell in read}
    meant = _of_the_iteration(result, culprit.parameter)
    meant[_read_by_others(result, culprit)] = True
    near = []
    for place in np.flatnonzero(meant).tolist():
        other = space.layout.cell(place)
        away = abs(other[1] - row), abs(other[2] - column)
        if other[0] == sheet and sum(away) <= _NEAR:
            near.append((min(away) > 0, sum(away), other))  # first those in the row or column
    candidates = []
    for *_, other in sorted(near)[:_MOST_CANDIDATES]:
        numbers[other] = numbers_in(result, other)
        candidates.append(Candidate(cell_name(*other[1:]), "", numbers[other], strange=False))
    return Problem(
        sheet, numbers, _with_stored(right), candidates, dict.fromkeys(references_in(tree), "")
    )


def _of_the_iteration(result: Judged, parameter: int) -> NDArray[np.bool_]:
    """Tell which cells have to do with the loss that depends on a parameter."""
    model, flow = result.model, result.model.space.flow
    losses = model.losses[flow.downstream(np.array([parameter]))[model.losses]]
    used = flow.upstream(losses)
    return used | flow.downstream(np.flatnonzero(used & model.space.is_parameter))


def _read_by_others(result: Judged, culprit: Culprit) -> list[int]:
    """Return the cells that updates like those of a culprit name, such as the learning rate."""
    own = result.model.updates
    if not culprit.updates:
        return []
    group = own.groups[culprit.updates[0]]
    return [
        cell
        for update in own.cells[own.groups == group][:_MOST_NEIGHBOURS].tolist()
        for cell in result.model.space.named_by(update)
    ]


def _with_stored(right: Expected) -> Array:
    return np.append(right.drawn, right.value)
