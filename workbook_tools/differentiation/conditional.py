"""Sums and averages of the cells that meet criteria: SUMIF, AVERAGEIFS and their kin.

Which cells meet them has no derivative: it is worked out by Excel's rules. The result has that of
the cells that do.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation import tape
from workbook_tools.differentiation.errors import NoDerivativeError
from workbook_tools.differentiation.functions import OF_RANGES, Function
from workbook_tools.differentiation.tape import Traced, constant
from workbook_tools.evaluator.functions.conditional import criterion
from workbook_tools.evaluator.values import FailedError
from workbook_tools.formulas.tree import Tree

if TYPE_CHECKING:
    from workbook_tools.differentiation.formula import Site

_Own: TypeAlias = Callable[["Site", tuple[Tree, ...], bool], Traced]


def _of_one(whole: Function) -> _Own:
    """Return SUMIF or AVERAGEIF: a range, its criterion, and perhaps the range of the numbers."""

    def found(site: "Site", arguments: tuple[Tree, ...], lifts: bool) -> Traced:
        area, wanted, *values = arguments
        return _of_chosen(site, whole, values[0] if values else area, (area, wanted))

    return found


def _of_several(whole: Function) -> _Own:
    """Return SUMIFS or AVERAGEIFS: the range of the numbers, then ranges and their criteria."""

    def found(site: "Site", arguments: tuple[Tree, ...], lifts: bool) -> Traced:
        values, *criteria = arguments
        return _of_chosen(site, whole, values, criteria)

    return found


def _of_chosen(site: "Site", whole: Function, values: Tree, criteria: Sequence[Tree]) -> Traced:
    numbers = site.range(values, lifts=True)
    holds = np.ones((1, 1, 1, 1), dtype=bool)
    for area, wanted in zip(criteria[::2], criteria[1::2], strict=True):
        holds = holds & _where(site, area, wanted, numbers.value.shape[:2])
    kept = holds if numbers.filled is None else holds & numbers.filled
    chosen = tape.chosen(kept, numbers, constant(0.0))
    chosen.filled = np.broadcast_to(kept, chosen.value.shape)
    return whole(chosen)


def _where(site: "Site", area: Tree, wanted: Tree, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Tell where the cells of a range meet a criterion: (height, width, cells, draws)."""
    if site.range(area, lifts=True).value.shape[:2] != size:
        raise NoDerivativeError("ranges of different sizes")
    height, width = size
    found = np.zeros((*size, len(site.rows), site.memory.draws), dtype=bool)
    for k, row in enumerate(site.rows.tolist()):
        for draw in range(site.memory.draws):
            own, tested = (site.grid(part, row, draw) for part in (area, wanted))
            if (tested.height, tested.width) != (1, 1):
                raise NoDerivativeError("several criteria in the place of one")
            try:
                is_met = criterion(tested.at(0, 0))
            except FailedError as error:
                raise NoDerivativeError("a criterion that is an error") from error
            found[:, :, k, draw] = [
                [is_met(own.at(i, j)) for j in range(width)] for i in range(height)
            ]
    return found


CONDITIONAL: dict[str, _Own] = {
    "AVERAGEIF": _of_one(OF_RANGES["AVERAGE"]),
    "AVERAGEIFS": _of_several(OF_RANGES["AVERAGE"]),
    "SUMIF": _of_one(OF_RANGES["SUM"]),
    "SUMIFS": _of_several(OF_RANGES["SUM"]),
}
