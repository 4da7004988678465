"""Finds cells that pass a derivative by an activation on as the one by its pre-activation.

The slope of the activation is left out: the mask of a ReLU, for example.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from workbook_tools.differentiation.tape import Array
from workbook_tools.learning.judging.verdicts import Culprit, Judged
from workbook_tools.notation.addresses import Cell, cell_name, sheet_prefix

_CLEAR = 1e-9  # relative

# The slopes of activations by their value: as numbers, and as a formula.
BY_VALUE: Sequence[tuple[Callable[[Array], Array], str]] = (
    (lambda y: y * (1 - y), "{y}*(1-{y})"),
    (lambda y: 1 - y**2, "(1-{y}^2)"),
)


def without_slopes(result: Judged, culprit: Culprit) -> dict[Cell, str]:
    """Return the formulas that a wrong cell reads and that leave out a slope, as they should be."""
    return dict(_without_slopes(result, culprit))


def _without_slopes(result: Judged, culprit: Culprit) -> Iterator[tuple[Cell, str]]:
    model, space = result.model, result.model.space
    used, layout = model.candidate.upstream, space.layout
    cells = np.unique(space.reads.by(np.array([culprit.cell])).cells)  # copies among them
    for place in cells[space.is_formula[cells]].tolist():
        formula, cell = space.formula(place), layout.cell(place)
        claims = result.claims.others.get(int(space.reads.origin[place]), ())
        activations = [one.by for one in claims if one.through < 0]
        if not formula or not activations or used[place] or _is_array(result, cell):
            continue
        y = activations[0]
        read = np.unique(space.reads.by(np.array([y])).read)
        read = read[used[read] & (space.depends | space.is_parameter)[read]]
        if len(read) != 1:
            continue
        z = int(read[0])
        body = formula.lstrip("=+")
        with np.errstate(all="ignore"):
            slope = model.adjoints[z] / model.adjoints[y]
        numbers = model.memory.numbers
        is_on = (numbers[z] > 0).astype(float)  # as of a ReLU
        slopes = [(is_on, "IF({z}>0,{d},0)")]
        slopes += [(slope_of(numbers[y]), f"({{d}})*{text}") for slope_of, text in BY_VALUE]
        for values, text in slopes:
            if np.allclose(slope, values, rtol=_CLEAR, atol=_CLEAR):
                names = {
                    name: _name(layout.cell(other), cell[0]) for name, other in (("y", y), ("z", z))
                }
                simple = body if body.replace("$", "").isalnum() else f"({body})"
                yield cell, "=" + text.replace("({d})", simple).format(d=body, **names)
                break


def _is_array(result: Judged, cell: Cell) -> bool:
    sheet = next(one for one in result.model.space.sheets if one.name == cell[0])
    return cell[1:] in sheet.arrays


def _name(cell: Cell, sheet: str) -> str:
    return ("" if cell[0] == sheet else sheet_prefix(cell[0])) + cell_name(*cell[1:])
