"""Searches a workbook for what learns, and judges it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from workbook_tools.formulas.sheets import Sheet
from workbook_tools.judging.findings import Finding
from workbook_tools.learning.evidence.almost import almost, shown_instead
from workbook_tools.learning.evidence.headed import headed
from workbook_tools.learning.evidence.irregular import is_doubtful, is_irregular
from workbook_tools.learning.judging.judged import judged
from workbook_tools.learning.judging.verdicts import Judged, Verdict
from workbook_tools.learning.mending.faults import findings
from workbook_tools.learning.search.models import model_by, models
from workbook_tools.learning.space import Space
from workbook_tools.learning.updates import Updates, joined
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.columns import Columns
from workbook_tools.package.workbook import Iterations


@dataclass
class Found:
    """What learns in a workbook."""

    results: list[Judged]
    almost: list[tuple[Judged, list[Finding]]]  # right but for what is found in it
    left: Updates  # that no loss explains
    space: Space

    @cached_property
    def findings(self) -> list[list[Finding]]:
        """The mistakes in each of the results."""
        return [findings(result) for result in self.results]

    @property
    def every_finding(self) -> Iterator[Finding]:
        """All mistakes."""
        for own in (*self.findings, *(own for _, own in self.almost)):
            yield from own

    @property
    def right(self) -> int:
        """How many updates are those of a derivative."""
        return sum(int(result.are(Verdict.RIGHT).sum()) for result in self.results)


@dataclass(frozen=True)
class Search:
    """What is known before: the values of a calculation, perhaps the loss and its parameters."""

    values: Columns
    iterations: Iterations | None = None
    loss: Cell | None = None
    parameters: Sequence[Cell] = ()

    def __call__(self, sheets: Sequence[Sheet]) -> Found:
        """Return what learns in some sheets.

        Raises ``NotDifferentiableError`` and ``TooManyReadsError``.
        """
        if self.loss is None:
            every, left, space = models(sheets, self.values, self.iterations)
        else:
            every, left, space = model_by(
                sheets, self.values, self.iterations, self.loss, self.parameters
            )
        results = []
        for result in map(judged, every):
            if is_irregular(result) or is_doubtful(result):
                own = result.model.updates
                left = joined([left, own.among(own.cells < space.layout.size)])
            else:
                results.append(result)
        if self.loss is not None:
            return Found(results, [], left, space)
        more: list[tuple[Judged, list[Finding]]] = []
        for result in [*results]:
            if (other := shown_instead(space, result)) is not None:
                results.remove(result)
                more.append(other)
        were_none = [result.are(Verdict.NONE).all() for result in results]
        more += almost(space, results, left)
        results = [
            result
            for result, was_none in zip(results, were_none, strict=True)
            if was_none or not result.are(Verdict.NONE).all()
        ]
        results, by_heading = _by_heading(space, results)
        return Found(results, more + by_heading, left, space)


def _by_heading(
    space: Space, results: Sequence[Judged]
) -> tuple[list[Judged], list[tuple[Judged, list[Finding]]]]:
    """Return what is wrong by headings, and the results that do not contradict these.

    Of gradients that were taken for those of other parameters, most must have such a heading.
    """
    found = [*headed(space, _without_updates(space, results), _known(results))]
    told = {cell for result, _ in found for cell in _gradients(result)}
    left = [one for one in results if not _are_most(_gradients(one), told)]
    kept = {cell for result in left for cell in _gradients(result)}
    return left, [one for one in found if kept.isdisjoint(_called_wrong(one[0]))]


def _without_updates(space: Space, results: Sequence[Judged]) -> frozenset[str]:
    """Return the sheets on which nothing is updated, as far as is known."""
    updated = {
        result.model.space.layout.cell(place)[0]
        for result in results
        for place in result.model.updates.cells.tolist()
    }
    return frozenset(sheet.name for sheet in space.sheets) - updated


def _gradients(result: Judged) -> list[Cell]:
    """Return the cells that only show gradients."""
    return [*map(result.model.space.layout.cell, result.model.space.gradients)]


def _called_wrong(result: Judged) -> list[Cell]:
    return [*map(result.model.space.layout.cell, result.culprits)]


def _are_most(cells: Sequence[Cell], told: set[Cell]) -> bool:
    return 2 * len(told.intersection(cells)) > len(cells)


def _known(results: Sequence[Judged]) -> set[tuple[Cell, Cell]]:
    """Return the cells that only show gradients, each with its parameter."""
    return {
        (result.model.space.layout.cell(cell), result.model.space.layout.cell(parameter))
        for result in results
        for cell, parameter in result.model.space.gradients.items()
    }
