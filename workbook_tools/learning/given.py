"""What a formula would give in a cell: on the random numbers of a model, and on its own."""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from workbook_tools.formulas.references import areas
from workbook_tools.formulas.tree import Reference, SyntaxProblemError, Tree, parse, parts
from workbook_tools.learning.judging.verdicts import Judged
from workbook_tools.mending.evaluation import Array, Evaluation, NotEvaluatedError
from workbook_tools.notation.addresses import Cell

_MOST_READ = 1_001  # cells of one range
_DRAWS = 4


def given_by(result: Judged, own: Cell, formula: str) -> Array | None:
    """Return what a formula gives in a cell, (draws + 1,); the last is of the sheet's numbers.

    None if it cannot be worked out.
    """
    try:
        tree = parse(formula)
        read = {cell for text in references_in(tree) for cell in cells_of(text, own[0])}
        numbers = {cell: numbers_in(result, cell) for cell in read}
        found = Evaluation(tree, own[0], numbers, missing=0.0).value[0]
        return np.broadcast_to(found, (result.model.memory.draws + 1,))
    except (SyntaxProblemError, NotEvaluatedError, RecursionError):
        return None


def are_equal(own: Cell, *formulas: str) -> bool:
    """Tell whether formulas give the same in a cell, whatever numbers are in those that they read.

    Also if one of them cannot be worked out.
    """
    try:
        trees = [parse(formula) for formula in formulas]
        read = {c for tree in trees for text in references_in(tree) for c in cells_of(text, own[0])}
        chance = np.random.default_rng(0)
        numbers = {cell: chance.uniform(0.1, 0.9, _DRAWS) for cell in sorted(read)}
        first, *others = (Evaluation(tree, own[0], numbers).value[0] for tree in trees)
        return all(np.allclose(first, other, equal_nan=True) for other in others)
    except (SyntaxProblemError, NotEvaluatedError, RecursionError):
        return True


def references_in(tree: Tree) -> list[str]:
    """Return the cells and ranges that a formula names."""
    return [part.text for _, part in parts(tree) if isinstance(part, Reference)]


def cells_of(text: str, sheet: str) -> Iterator[Cell]:
    """Yield what a formula on a sheet, or a reference in it, names; of a long range a part."""
    for area in areas(text):
        yield from islice(area.cells(sheet), _MOST_READ)


def numbers_in(result: Judged, cell: Cell) -> Array:
    """Return the random numbers in a cell, and the one that it has, (draws + 1,)."""
    space = result.model.space
    place = space.layout.place_of(cell)
    return np.append(result.model.memory.numbers[place], space.stored.numbers[place, 0])
