"""Says what learns in a workbook, in whatever layout, and whether it is right."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from workbook_tools.differentiation.adjoints import NotDifferentiableError
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.judging.report import ModelReport
from workbook_tools.learning.described import described
from workbook_tools.learning.evidence.as_neighbours import as_neighbours, findings_of
from workbook_tools.learning.evidence.at_rest import TakenOver, as_read, at_rest
from workbook_tools.learning.evidence.fixed_time import with_fixed_time
from workbook_tools.learning.evidence.follow_ups import add_follow_ups
from workbook_tools.learning.evidence.taken_over import wrongly_taken_over
from workbook_tools.learning.found import Search
from workbook_tools.learning.meant.as_meant import as_meant, not_used
from workbook_tools.learning.meant.as_meant import findings_of as findings_of_meant
from workbook_tools.learning.meant.proposals import Proposal
from workbook_tools.learning.prepared.array_cells import ArrayCells
from workbook_tools.learning.prepared.fixed_numbers import with_fixed_numbers
from workbook_tools.learning.ranges import by_sheet, ranges
from workbook_tools.learning.reads import TooManyReadsError
from workbook_tools.learning.search.shown import is_too_large
from workbook_tools.notation.addresses import Cell, sheet_prefix
from workbook_tools.package.columns import Columns
from workbook_tools.package.workbook import Iterations
from workbook_tools.program.plain_formulas import plain_formulas

_MOST_FORMULAS = 1_000_000


@dataclass
class Learning:
    """What learns in a workbook."""

    models: list[ModelReport] = field(default_factory=list)
    why: str = ""  # why nothing was found


def learned(
    sheets: Sequence[Sheet],
    values: Columns,
    iterations: Iterations | None = None,
    loss: Cell | None = None,
    parameters: Sequence[Cell] = (),
) -> Learning:
    """Find what learns in a workbook, and judge it; ``values`` are those of a calculation.

    The ``loss`` and its ``parameters`` are found, or can be given.
    """
    formulas = sum(sheet.formula_count() for sheet in sheets)
    if not formulas:
        return Learning()
    if formulas > _MOST_FORMULAS:
        return Learning(why=f"{formulas:,} formulas are too many to be differentiated")
    arrays = ArrayCells(sheets)
    sheets = with_fixed_numbers(plain_formulas(sheets), may_be_circular=iterations is not None)
    search = Search(values, iterations, loss, parameters)
    try:
        found = search(sheets)
        taken_over: Sequence[TakenOver] = ()
        if (without_momentum := at_rest(found, sheets, search)) is not None:
            found, sheets, search, taken_over = without_momentum
        found, odd = as_neighbours(found, sheets, search)
        meant: Sequence[Proposal] = ()
        if not odd:
            found, meant = as_meant(found, sheets, search)
    except NotDifferentiableError as error:
        return Learning(why=f"its formulas cannot be differentiated: {error}")
    except TooManyReadsError:
        return Learning(why="its formulas read too many cells to be differentiated")
    reports = []
    for result, own in zip(found.results, found.findings, strict=True):
        more = [*findings_of(result, odd), *wrongly_taken_over(result, taken_over)]
        more += with_fixed_time(result) if not own else []
        more += findings_of_meant(result, meant)
        report = described(result, [*own, *more])
        report.updates += not_used(found, result)
        reports.append(report)
    add_follow_ups(found, reports, sheets, search)
    reports += [described(*own) for own in found.almost]
    space, left = found.space, found.left
    for report in reports:
        report.findings = [as_read(arrays.as_shown(one), space) for one in report.findings]
    why = ""
    if loss is not None:
        why = "it does not depend on the parameters; give a cell that is calculated from them"
    elif not reports and len(left.cells):
        cells = [space.layout.cell(place) for place in left.cells.tolist()]
        [(sheet, updates), *_] = by_sheet(cells).items()
        where = sheet_prefix(sheet) + ranges(updates).partition(",")[0]
        why = f"the updates in {where} are not those of a derivative: no loss explains them"
    elif not reports:
        why = (
            "no formula updates a parameter by a derivative, and no block of cells shows "
            "derivatives"
        )
        if is_too_large(space):
            why = (
                "no formula updates a parameter by a derivative; its formulas are too many to look "
                "for derivatives that are only shown"
            )
    return Learning(reports, why)
