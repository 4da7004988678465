"""The report of a workbook: counts and findings, what was not checked, a verdict."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workbook_tools.judging.faults import Fault
from workbook_tools.judging.findings import Finding
from workbook_tools.notation.quantities import Naming
from workbook_tools.reading.understood import Understood, UnreadTable
from workbook_tools.texts import counted

if TYPE_CHECKING:  # not at run time: a worker limits NumPy's threads before it imports NumPy
    from workbook_tools.judging.comparison import Comparison

NO_NUMBER = "a cell that it depends on has no number"  # the cause is elsewhere
_MOST_REASONS, _MOST_PLACES = 4, 2  # in one sentence


@dataclass
class Cells:
    """How many formula cells there are, and what became of them."""

    formulas: int = 0
    checked: int = 0
    agreeing: int = 0
    numbers: int = 0  # checked numbers in cells where other tables have formulas
    reasons: dict[str, int] = field(default_factory=dict)  # why cells were not checked: how many
    places: dict[str, list[str]] = field(default_factory=dict)  # their ranges, by reason
    harmless: dict[str, int] = field(default_factory=dict)  # why cells need not be checked

    @property
    def not_checked(self) -> int:
        """How many formula cells may be wrong without having been checked."""
        return self.formulas - self.checked - sum(self.harmless.values())

    def leave_out(self, count: int, reason: str, place: str = "") -> None:
        """Record why formula cells, already counted, cannot be checked, and where they are."""
        self.reasons[reason] = self.reasons.get(reason, 0) + count
        if place:
            self.places.setdefault(reason, []).append(place)

    def excuse(self, count: int, reason: str) -> None:
        """Record why formula cells, already counted, need not be checked."""
        self.harmless[reason] = self.harmless.get(reason, 0) + count


@dataclass
class Differences:
    """The largest differences between the sheet and the reference."""

    absolute: float = 0.0
    relative: float = 0.0
    ulps: int = 0  # units in the last place


@dataclass
class LossCurve:
    """The loss of every iteration; NaN where there is no number."""

    built: list[float]  # on the sheet
    right: list[float]  # of the same training in NumPy, from the first row on


@dataclass
class TableReport:
    """The report of one training table."""

    sheet: str
    range: str
    understood: Understood
    network: str
    learning_rate: float | None
    iterations: int
    cells: Cells
    differences: Differences
    naming: Naming
    losses: LossCurve
    signature: str  # of its formulas; empty if nothing can be checked
    faults: list[Fault]

    @property
    def last_loss(self) -> float:
        """The loss of the last iteration on the sheet."""
        return self.losses.built[-1] if self.losses.built else math.nan

    @property
    def last_loss_of_run(self) -> float:
        """The loss of the last iteration of a training in NumPy from the first row on."""
        return self.losses.right[-1] if self.losses.right else math.nan


@dataclass
class SummaryReport:
    """The report of a sheet of a convolutional network, or of formulas beside training tables.

    Such formulas list the results of several sheets, or compute samples from measurements.
    """

    sheet: str
    cells: Cells
    faults: list[Fault]
    what: str = "losses"
    differences: Differences | None = None  # where they were measured


@dataclass
class NetworkReport:
    """The report of a convolutional network as a whole; its sheets have ``SummaryReport``."""

    network: str  # in words
    moments: dict[str, int]  # how often it was checked, by kind of input: its own, or others
    whole: "Comparison"  # with runs of the whole network, all inputs together


@dataclass
class Learned:
    """Cells that are derivatives of a loss, or update parameters, with one verdict."""

    sheet: str
    cells: str  # their ranges
    count: int
    what: str  # of the first of them: "∂Sheet1!Q5/∂Sheet1!K5:M5", or the parameters
    factor: float | None  # they are, or add, this times the derivative
    verdict: str  # "right", "estimated", "wrong", "latent" or "not checked"
    why: str = ""


@dataclass
class ModelReport:
    """What learns in a workbook by one loss, in whatever layout."""

    losses: list[tuple[str, str]]  # sheets and ranges; empty if no cell shows the loss
    assumed_loss: str | None  # what it was taken for, then
    parameters: list[tuple[str, str]]
    claims: list[Learned]
    updates: list[Learned]
    findings: list[Finding]
    helpers: list[Learned] = field(default_factory=list)  # from which gradients are calculated

    def count(self, verdict: str | None = None) -> tuple[int, int]:
        """Return how many gradients and updates there are, with one verdict or in all.

        Those that are estimated only count by their own verdict.
        """
        gradients, updates = (
            sum(
                one.count for one in every
                if (one.verdict == verdict if verdict else one.verdict != "estimated")
            )
            for every in (self.claims, self.updates)
        )  # fmt: skip
        return gradients, updates


@dataclass
class Report:
    """The report of one workbook."""

    workbook: str
    engine: str
    tables: list[TableReport]
    summaries: list[SummaryReport]
    other_formulas: dict[str, int]  # by sheet: formula cells that belong to no table
    findings: list[Finding] = field(default_factory=list)  # what the faults of all parts are
    network: NetworkReport | None = None
    models: list[ModelReport] = field(default_factory=list)  # what was found by differentiation
    unread: list[UnreadTable] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)  # what was not done, and why
    is_strict: bool = False  # whether harmless findings fail a workbook, too
    unchecked_because: str = ""  # why nothing was checked, and what to do, if not for its parts

    @property
    def parts(self) -> list[TableReport | SummaryReport]:
        """The tables, then the summaries."""
        return [*self.tables, *self.summaries]

    @property
    def faults(self) -> list[Fault]:
        """The faults of all parts: of the tables, then of the summaries."""
        return [fault for part in self.parts for fault in part.faults]

    @property
    def mistakes(self) -> list[Finding]:
        """The findings because of which the workbook fails."""
        return [
            finding
            for finding in self.findings
            if not finding.kind.is_warning and (self.is_strict or not finding.is_harmless)
        ]

    @property
    def verdict(self) -> str:
        """``pass``, ``fail``, ``incomplete``, or ``unchecked`` if nothing at all was checked.

        A workbook passes if every formula cell of every table was checked or is harmless, and none
        has a finding other than harmless ones and warnings.
        """
        if self.mistakes:
            return "fail"
        if self.network and self.network.whole.off:
            return "fail"
        counts = [part.cells for part in (self.summaries if self.network else self.tables)]
        learned = [model.count("right") for model in self.models]
        if not any(cells.checked + cells.numbers for cells in counts) and not any(
            map(sum, learned)
        ):
            return "unchecked"
        if self.network and not self.network.whole.compared:
            return "unchecked"
        return "incomplete" if self.not_checked else "pass"

    @property
    def not_checked(self) -> str:
        """How many formula cells were not checked, where and why; empty if all were.

        Cells outside of tables do not count, nor do harmless ones. If nothing was checked at all,
        ``unchecked_because`` may say more.
        """
        if self.unchecked_because:
            return self.unchecked_because
        reasons = self._reasons()
        if self.models and not self.tables and not self.unread:
            return self._not_explained
        in_unread = sum(unread.formulas for unread in self.unread)
        left = in_unread + sum(part.cells.not_checked for part in self.parts)
        every = in_unread + sum(part.cells.formulas for part in self.parts)
        if not left and not reasons:
            return ""
        causes_first = sorted(reasons.items(), key=lambda reason: reason[0] == NO_NUMBER)
        said = [f"{reason} ({_few(places)})" for reason, places in causes_first]
        more = f"; and {counted(len(said) - _MOST_REASONS, 'reason')} more"
        return (
            f"{left:,} of {counted(every, 'formula cell')} not checked: "
            f"{'; '.join(said[:_MOST_REASONS])}{more if len(said) > _MOST_REASONS else ''}"
        )

    @property
    def _not_explained(self) -> str:
        """How many gradients and updates were not checked, and why; empty if all were."""
        left = [
            one
            for model in self.models
            for one in (*model.claims, *model.updates)
            if one.verdict == "not checked"
        ]
        said = dict.fromkeys(
            f"{one.why} ({one.sheet}!{_few(one.cells.split(', '))})" for one in left
        )
        count = counted(sum(one.count for one in left), "update")
        return f"{count} not checked: {'; '.join([*said][:_MOST_REASONS])}" if left else ""

    def _reasons(self) -> dict[str, list[str]]:
        """Return why formula cells were not checked, and where these are."""
        reasons: dict[str, list[str]] = {}
        for part in self.parts:
            for reason in part.cells.reasons:
                places = part.cells.places.get(reason, [])
                named = [f"{part.sheet}!{place}" for place in places] or [part.sheet]
                reasons.setdefault(reason, []).extend(named)
        for table in self.tables:
            if not table.cells.reasons and not table.cells.checked + table.cells.numbers:
                reasons.setdefault("nothing in this table can be checked", []).append(table.sheet)
        for unread in self.unread:
            row = f"{unread.sheet}, row {unread.header_row}"
            reasons.setdefault(unread.why, []).append(row)
        return reasons


def _few(places: Sequence[str]) -> str:
    """Return the first places, and how many more there are."""
    shown = ", ".join(places[:_MOST_PLACES])
    return (
        f"{shown} and {len(places) - _MOST_PLACES:,} more" if len(places) > _MOST_PLACES else shown
    )
