"""Gradients that are wrong only because they are calculated from what is wrong.

If all of a block are, no right one tells that they are gradients. With the formulas that were
meant, they are the derivatives by parameters.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from workbook_tools.differentiation.adjoints import NotDifferentiableError
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.judging.report import Learned, ModelReport
from workbook_tools.learning.described import described
from workbook_tools.learning.found import Found, Search
from workbook_tools.learning.judging.verdicts import Judged, Verdict
from workbook_tools.learning.ranges import by_sheet, ranges
from workbook_tools.learning.reads import TooManyReadsError
from workbook_tools.notation.addresses import Cell
from workbook_tools.program.what_if import with_formulas

_WHY = "it is calculated from what is wrong"


def add_follow_ups(
    found: Found, reports: Sequence[ModelReport], sheets: Sequence[Sheet], search: Search
) -> None:
    """Add such gradients to the reports of their models, with their parameters."""
    shown = [one for result in found.results for one in _shown(result)]
    places = [place for one in found.every_finding for place in one.places]
    mended = {cell: formula for place in places for cell, formula in place.put_right.items()}
    if not shown or not mended:
        return
    try:
        again = search(with_formulas(sheets, mended))
    except (NotDifferentiableError, TooManyReadsError):
        return
    for result in again.results:
        left = dict(_shown(result))
        following = [*_following(result, mended, left.keys() - dict(shown).keys())]
        own = described(result, []) if following else None
        for report in reports:
            is_it = own and (report.losses, report.assumed_loss) == (own.losses, own.assumed_loss)
            if own and is_it and report.findings:
                report.parameters = own.parameters
                report.claims += following


def _shown(result: Judged) -> Iterator[tuple[Cell, int]]:
    """Yield the cells that only show gradients, or should, each with its parameter."""
    layout = result.model.space.layout
    for cell, parameter in result.model.space.gradients.items():
        yield layout.cell(cell), parameter


def _following(result: Judged, mended: dict[Cell, str], cells: set[Cell]) -> Iterator[Learned]:
    """Yield those of some cells that are right now, and depend on what was mended."""
    space = result.model.space
    begin = np.array([space.layout.place_of(cell) for cell in mended], dtype=np.int64)
    depends = space.flow_of_all.downstream(begin)
    right = result.are(Verdict.RIGHT)
    shown = [space.shows(update) for update in result.model.updates.cells[right].tolist()]
    every = {space.layout.cell(place) for place in shown if place and depends[place]}
    for sheet, own in by_sheet(every & cells - mended.keys()).items():
        yield Learned(sheet, ranges(own), len(own), "", None, "wrong", _WHY)
