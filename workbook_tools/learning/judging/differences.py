"""Finds derivatives that are estimated by differences: (f(w + h) − f(w))/h.

They are compared with the exact derivative, to tell how good they are. None is called wrong.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from workbook_tools.formulas.replacing import bare
from workbook_tools.formulas.tree import Operation, SyntaxProblemError, parse
from workbook_tools.learning.judging.verdicts import Judged
from workbook_tools.learning.search.models import Model

_CLOSE = 0.1  # of the largest derivative in the draws
_ROUGHLY = 0.5
_MOST = 20_000_000  # pairs of a cell and a parameter, times draws


class Difference(NamedTuple):
    """A cell that is nearly the derivative by a parameter."""

    cell: int
    parameter: int
    off: float  # by how much at most, as a part of the largest derivative


def differences(result: Judged) -> Iterator[Difference]:
    """Yield the cells that are a difference, divided by a step, and nearly a derivative."""
    model, space = result.model, result.model.space
    used = model.candidate.upstream
    backward = space.depends & space.is_formula & ~used & ~space.is_parameter
    backward[[*result.claims.are().tolist(), *result.wrong]] = False
    quotients: dict[int, bool] = {}
    cells = []
    for cell in np.flatnonzero(backward).tolist():
        shape = int(space.shape_at[cell])
        if shape not in quotients:
            quotients[shape] = _is_quotient(space.formula(cell) or "")
        if quotients[shape]:
            cells.append(cell)
    parameters = np.flatnonzero(used & space.is_parameter)
    exact = model.adjoints[parameters]
    if len(cells) * exact.size > _MOST:
        return
    with np.errstate(all="ignore"):
        largest = np.abs(exact).max(axis=1)
        for cell in cells:
            off = np.abs(exact - model.memory.numbers[cell]).max(axis=1) / largest
            if len(off) and (best := float(np.nanmin(off, initial=np.inf))) <= _CLOSE:
                yield Difference(cell, int(parameters[np.nanargmin(off)]), best)


def is_estimate(model: Model, cell: int, parameter: int) -> bool:
    """Tell whether a cell is a difference, divided by a step, and roughly this derivative."""
    exact, numbers = model.adjoints[parameter], model.memory.numbers[cell]
    is_near = np.abs(numbers - exact).max() <= _ROUGHLY * np.abs(exact).max()
    return bool(is_near) and _is_quotient(model.space.formula(cell) or "")


def _is_quotient(formula: str) -> bool:
    """Tell whether a formula is a difference, divided by something."""
    try:
        tree = bare(parse(formula))
    except SyntaxProblemError:
        return False
    if not isinstance(tree, Operation) or tree.operator != "/":
        return False
    top = bare(tree.left)
    return isinstance(top, Operation) and top.operator == "-"
