"""Finds powers such as β^t whose t stays at the first step where they were filled down.

The exponent is the number of the step in Adam's corrections of the first steps. With its row
anchored, each step is corrected as if it were the first one, perhaps for all parameters alike.
"""

import re
from collections.abc import Iterator

import numpy as np

from workbook_tools.formulas.references import Area, areas
from workbook_tools.formulas.replacing import bare, replaced_in
from workbook_tools.formulas.tree import (
    Operation,
    Reference,
    Route,
    SyntaxProblemError,
    Tree,
    parse,
    parts,
)
from workbook_tools.formulas.wording import change_in_words
from workbook_tools.judging.faults import Fault, Kind, Suggestion
from workbook_tools.judging.findings import Finding
from workbook_tools.learning.judging.verdicts import Judged, Verdict
from workbook_tools.learning.space import Space
from workbook_tools.notation.addresses import cell_name
from workbook_tools.program.graph import Node

_LEAST = 3  # rows
_ANCHORED = re.compile(r"(\$?[A-Z]{1,3})\$(\d+)", re.IGNORECASE)


def with_fixed_time(result: Judged) -> list[Finding]:
    """Return the formulas of a model with such powers, as one finding; their updates are wrong."""
    judged = result if result.indirect is None else result.indirect
    space = judged.model.space
    relevant = space.depends & space.needed
    relevant[judged.model.updates.cells] = True
    places: list[Fault] = []
    for node, own in space.nodes():
        if len(own) >= _LEAST and 2 * relevant[own].sum() > len(own):
            places += _faults(judged, node)
    return [Finding(tuple(places))] if places else []


def _faults(result: Judged, node: Node) -> Iterator[Fault]:
    space, rows = result.model.space, node.run.rows
    first_formula = node.run.formula.at(rows[0])
    try:
        fixed = [*_fixed_times(space, node, parse(first_formula))] if "^" in first_formula else []
    except SyntaxProblemError:
        return
    updates = result.updates_by(space.whole.places_of(node)[1:]) if fixed else []
    if not updates:
        return
    formulas: dict[int, str] = {}
    for row in rows[1:]:
        tree = parse(node.run.formula.at(row))
        for route, column, first in fixed:
            moved = Reference(f"{column}{first + row - rows[0]}")
            tree = replaced_in(tree, [route], moved)
        formulas[row] = f"={tree}"
    for k in updates:
        result.verdicts[k] = Verdict.WRONG
    parameter = int(result.model.updates.parameters[updates[0]])
    name = cell_name(*space.layout.cell(parameter)[1:])
    _, column, first = fixed[0]
    cell, old = cell_name(rows[1], node.column), node.run.formula.at(rows[1])
    yield Fault(
        kind=Kind.WRONG_UPDATE, quantity=name, sheet=node.sheet, column=node.column,
        rows=tuple(formulas), formula=old, value=None, expected=None, max_rel_error=None,
        message=f"{cell}, for the update of {name}, has the exponent {column}${first} as all rows "
        f"have, but the number of its own step is in {column}{first + 1}.",
        suggestion=Suggestion(
            formulas, change_in_words(old, formulas[rows[1]], True), None, 0, 0
        ),
    )  # fmt: skip


def _fixed_times(space: Space, node: Node, tree: Tree) -> Iterator[tuple[Route, str, int]]:
    """Yield the exponents that stay at the first number of a column that counts the steps."""
    for route, part in parts(tree):
        if isinstance(part, Operation) and part.operator == "^":
            exponent, base = bare(part.right), bare(part.left)
            match = _ANCHORED.fullmatch(str(exponent))
            if match and not _depends(space, node, base):
                [area] = areas(f"={exponent}")
                if _counts(space, node, area):
                    inside = (1,) if exponent is part.right else (1, 0)
                    yield (*route, *inside), match[1], area.first_row


def _counts(space: Space, node: Node, area: Area) -> bool:
    """Tell whether the numbers from a cell down are those of the steps, beside a formula."""
    rows = range(area.first_row, area.first_row + _LEAST)
    values = [space.values.value((node.sheet, row, area.first_column)) for row in rows]
    numbers = [value for value in values if isinstance(value, float)]
    is_near = abs(area.first_row - node.run.first_row) <= 1
    return is_near and len(numbers) == _LEAST and bool((np.diff(numbers) == 1).all())


def _depends(space: Space, node: Node, tree: Tree) -> bool:
    read = [
        space.layout.place_of(cell)
        for _, part in parts(tree)
        if isinstance(part, Reference)
        for area in areas(f"={part.text}")
        for cell in area.cells(node.sheet)
    ]
    return bool((space.depends | space.is_parameter)[read].any())
