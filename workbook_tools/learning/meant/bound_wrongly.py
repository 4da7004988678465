"""Finds steps in which the gradient multiplies the parameter, too: (w − η)·g for w − η·g."""

from collections.abc import Iterator

import numpy as np

from workbook_tools.formulas.replacing import bare, operation
from workbook_tools.formulas.tree import Operation, Reference, Tree
from workbook_tools.judging.faults import Kind
from workbook_tools.learning.found import Found
from workbook_tools.learning.meant.proposals import Change, Proposal, names_any, single, tree_at
from workbook_tools.learning.space import Space
from workbook_tools.notation.addresses import cell_name

_MOST = 1_000  # cells of a formula that was filled down


def bound_wrongly(found: Found) -> Iterator[Proposal]:
    """Yield one proposal, to mend all such steps, if there are any."""
    space = found.space
    explained = {
        result.model.space.layout.cell(place)
        for result in found.results
        for place in result.model.updates.cells.tolist()
    }
    steps: dict[int, _Step] = {}
    for node, places in space.nodes():
        if "*" not in node.shape.text or _step(space, int(places[0])) is None:
            continue
        for place in places[:_MOST].tolist():
            step = _step(space, place)
            if step is not None and space.layout.cell(place) not in explained:
                steps[place] = step
    parameters = {parameter for parameter, *_ in steps.values()}
    is_parameter = np.array([*parameters], dtype=np.int64)
    depends = space.flow_of_all.downstream(is_parameter) if steps else np.zeros(0, dtype=bool)

    changes = {}
    for place, (parameter, sign, name, rate, gradient) in steps.items():
        sheet, *_ = cell = space.layout.cell(place)
        varies, rate_varies = (names_any(space, own, sheet, depends) for own in (gradient, rate))
        if varies and not rate_varies:
            meant = operation(sign, name, operation("*", rate, gradient))
            symbol = cell_name(*space.layout.cell(parameter)[1:])
            what = (
                f"multiplies {name}{sign}{bare(rate)} by the gradient, so it is no step from "
                f"{name}: only {bare(rate)} should be multiplied by it"
            )
            old = space.formula(place) or ""
            changes[cell] = Change(Kind.WRONG_UPDATE, symbol, old, f"={meant}", what)
    if changes:
        yield Proposal(changes, [*changes])


_Step = tuple[int, str, Tree, Tree, Tree]  # parameter, sign, its name, rate, gradient


def _step(space: Space, place: int) -> _Step | None:
    tree = bare(tree_at(space, place) or Reference(""))
    if not isinstance(tree, Operation) or tree.operator != "*":
        return None
    sheet, *_ = space.layout.cell(place)
    for one, gradient in ((tree.left, tree.right), (tree.right, tree.left)):
        shifted = bare(one)
        at = single(space, shifted, sheet)
        if at is not None and space.layout.cell(at)[0] == sheet:  # the difference has its own cell
            shifted = bare(tree_at(space, at) or shifted)
        if isinstance(shifted, Operation) and shifted.operator in "+-":
            parameter = single(space, shifted.left, sheet)
            if parameter is None or parameter < 2:
                continue
            if space.is_leaf[parameter] or space.shape_at[parameter] == space.shape_at[place]:
                return parameter, shifted.operator, shifted.left, shifted.right, gradient
    return None
