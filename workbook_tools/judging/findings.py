"""What the checker has to say: findings, reports of tables, the verdict."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from workbook_tools.notation.addresses import Cell, cell_name, range_name
from workbook_tools.notation.quantities import Naming
from workbook_tools.reading.understood import Understood, UnreadTable

if TYPE_CHECKING:  # it needs NumPy, whose threads a worker limits before it loads it
    from workbook_tools.judging.comparison import Comparison


class Kind(StrEnum):
    """The kinds of finding; their names are stable."""

    WRONG_FORMULA = "wrong-formula"
    WRONG_REFERENCE_RATE = "wrong-reference-rate"
    LATENT = "latent"
    BROKEN_PATTERN = "broken-pattern"
    TYPED_VALUE = "typed-value"
    WRONG_VALUE = "wrong-value"
    ERROR_VALUE = "error-value"
    STALE_VALUE = "stale-value"
    ODD_START = "odd-start"

    @property
    def is_warning(self) -> bool:
        """Whether it is worth a look, but may well be meant."""
        return self is Kind.ODD_START

    @property
    def in_words(self) -> str:
        """What people call it."""
        return _IN_WORDS[self]


NO_NUMBER = "what it depends on is no number"  # why a cell is not checked; no reason of its own
_MOST_REASONS, _MOST_PLACES = 4, 2  # that are said in one sentence

_IN_WORDS = {
    Kind.WRONG_FORMULA: "wrong formula",
    Kind.WRONG_REFERENCE_RATE: "wrong reference to the learning rate",
    Kind.LATENT: "wrong formula that happens to give the right value",
    Kind.BROKEN_PATTERN: "formula unlike the rest of its column",
    Kind.TYPED_VALUE: "typed number where a formula belongs",
    Kind.WRONG_VALUE: "wrong value",
    Kind.ERROR_VALUE: "error value",
    Kind.STALE_VALUE: "value out of date",
    Kind.ODD_START: "odd start (a warning)",
}


@dataclass(frozen=True)
class Suggestion:
    """What a finding's cells should hold; checked before it is shown."""

    formulas: Mapping[int, str]  # by row, of every cell of the finding
    edit: str  # the change in words: "replace J33 by L33"
    symbols: tuple[str, str] | None  # the part that changes in symbols: as it is, as it should be
    rows: int  # on which it was checked, with the sheet's own numbers
    trials: int  # with random numbers on which it was checked
    helpers: Mapping[Cell, str] = field(default_factory=dict)
    # Of cells that those read: if the mistake is in them, these are better put right.

    @property
    def formula(self) -> str:
        """The formula of the first cell."""
        return next(iter(self.formulas.values()))


@dataclass(frozen=True)
class Finding:
    """One mistake, however many cells it was filled into."""

    kind: Kind
    quantity: str  # canonical symbol
    sheet: str
    column: int
    rows: tuple[int, ...]  # from the top
    formula: str | None  # as it reads in the first cell
    value: float | str | None  # where it is furthest off
    expected: float | None
    max_rel_error: float | None
    message: str
    effect: float | None = None  # what the last loss would be without it
    suggestion: Suggestion | None = None

    @property
    def cells(self) -> str:
        """From the first cell to the last: ``Z32:Z99``."""
        return range_name(self.rows[0], self.column, self.rows[-1], self.column)

    @property
    def count(self) -> int:
        """How many cells it is in."""
        return len(self.rows)

    @property
    def put_right(self) -> dict[Cell, str]:
        """The formulas that mend it, by cell; none without a suggestion."""
        if self.suggestion is None:
            return {}
        own = self.suggestion.formulas.items()
        return dict(self.suggestion.helpers) or {
            (self.sheet, row, self.column): formula for row, formula in own
        }


def advice(finding: Finding) -> str | None:
    """Say in one sentence what to do: ``∂E/∂w3 uses a_h1·(1 − a_h1); it should be …``."""
    suggestion = finding.suggestion
    if suggestion is None:
        return None
    if suggestion.symbols is None:
        return f"{suggestion.edit[:1].upper()}{suggestion.edit[1:]}."
    uses, should = suggestion.symbols
    return f"{finding.quantity} uses {uses}; it should be {should}: {suggestion.edit}."


def in_short(finding: Finding) -> str:
    """Say a finding in a line: what it uses and should use, if symbols tell, else what is shown."""
    told = finding.suggestion is not None and finding.suggestion.symbols is not None
    return (advice(finding) if told else None) or finding.message


def counted(number: int, noun: str) -> str:
    """Return a number with what is counted: ``1 cell``, ``2,108 cells``."""
    return f"{number:,} {plural(number, noun)}"


def plural(number: int, noun: str) -> str:
    """Return a noun as it stands behind a number."""
    return noun if number == 1 else f"{noun}s"


def plain(number: float) -> float | None:
    """Return a number as JSON knows it: None for NaN and infinity."""
    return float(number) if math.isfinite(number) else None


def message(
    kind: Kind,
    symbol: str,
    cell: str,
    value: float | str | None,
    expected: float | None,
    wrong: bool,
) -> str:
    """Say a finding in one sentence; ``cell`` is where ``value`` and ``expected`` differ most."""
    compared = f"{cell} shows {value!r}, {symbol} is {expected!r} there"
    if kind is Kind.WRONG_FORMULA:
        return f"The formula of {symbol} is not the mathematics: {compared}."
    if kind is Kind.WRONG_REFERENCE_RATE:
        return (
            f"The update of {symbol} reads another cell than that of the learning rate (a $ may be "
            f"missing): {compared}."
        )
    if kind is Kind.ODD_START:
        return f"{symbol} is {value!r} here and {expected!r} elsewhere; perhaps that is meant."
    if kind is Kind.LATENT:
        return (
            f"The formula of {symbol} is not the mathematics, though it gives the right value on "
            "these numbers; on others it does not."
        )
    if kind is Kind.BROKEN_PATTERN:
        return (
            f"The formula of {symbol} gives the right value, but it is unlike those beside it: "
            "filled down or copied it goes wrong, or it hides a change."
        )
    if kind is Kind.TYPED_VALUE and value is None:
        return f"{cell} holds no number where a formula of {symbol} belongs."
    if kind is Kind.TYPED_VALUE:
        judged = f"and it is wrong: {compared}" if wrong else "and it happens to be right"
        return f"A number is typed where a formula of {symbol} belongs, {judged}."
    if kind is Kind.STALE_VALUE:
        return (
            f"The value of {symbol} that the file carries is out of date: {cell} shows {value!r}, "
            f"its formula gives {expected!r}."
        )
    if kind is Kind.ERROR_VALUE:
        return f"The formula of {symbol} gives an error value: {compared}."
    return f"The value of {symbol} is not what the mathematics gives: {compared}."


def finding_of_value(
    kind: Kind,
    quantity: str,
    sheet: str,
    column: int,
    rows: Sequence[int],
    formula: str | None,
    worst_row: int,
    value: float,
    expected: float,
    wrong: bool,
    effect: float | None,
) -> Finding:
    """Return a finding about cells, of which that in ``worst_row`` is furthest off."""
    shown, should = plain(value), plain(expected)
    worst = cell_name(worst_row, column)
    return Finding(
        kind=kind,
        quantity=quantity,
        sheet=sheet,
        column=column,
        rows=tuple(rows),
        formula=formula,
        value=shown,
        expected=should,
        max_rel_error=plain(abs(value - expected) / abs(expected)) if expected else None,
        message=message(kind, quantity, worst, shown, should, wrong),
        effect=effect,
    )


@dataclass
class Cells:
    """How many formula cells there are, and what became of them."""

    formulas: int = 0
    checked: int = 0
    agreeing: int = 0
    numbers: int = 0  # that stand where other tables have formulas, and were checked as well
    reasons: dict[str, int] = field(default_factory=dict)  # why cells were not checked
    places: dict[str, list[str]] = field(default_factory=dict)  # where these are, by reason
    harmless: dict[str, int] = field(default_factory=dict)  # why others need not be checked

    @property
    def not_checked(self) -> int:
        """Formula cells about which nothing could be said, though they may be mistaken."""
        return self.formulas - self.checked - sum(self.harmless.values())

    def leave_out(self, count: int, reason: str, place: str = "") -> None:
        """Say of formula cells, already counted, why they cannot be checked, and where they are."""
        self.reasons[reason] = self.reasons.get(reason, 0) + count
        if place:
            self.places.setdefault(reason, []).append(place)

    def excuse(self, count: int, reason: str) -> None:
        """Say of formula cells, already counted, why they need not be checked."""
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

    built: list[float]  # as the sheet has it
    right: list[float]  # by the whole run in pandas, from the first row


@dataclass
class TableReport:
    """One training table."""

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
    signature: str  # of its formulas; empty where nothing can be checked
    findings: list[Finding]

    @property
    def last_loss(self) -> float:
        """The loss of the last iteration on the sheet."""
        return self.losses.built[-1] if self.losses.built else math.nan

    @property
    def last_loss_of_run(self) -> float:
        """The loss of the last iteration by the whole run in pandas."""
        return self.losses.right[-1] if self.losses.right else math.nan


@dataclass
class SummaryReport:
    """Formulas beside trainings, or a sheet of a convolutional network.

    Beside trainings stand results listed by sheet, and what samples are made from.
    """

    sheet: str
    cells: Cells
    findings: list[Finding]
    what: str = "losses"
    differences: Differences | None = None  # where they were measured


@dataclass
class NetworkReport:
    """A convolutional network that a workbook holds, as a whole; its sheets are summaries."""

    network: str  # in words
    moments: dict[str, int]  # how often it was looked at: as it is, with which other inputs
    whole: "Comparison"  # with runs of the whole network, all moments together


@dataclass
class Report:
    """One workbook."""

    workbook: str
    engine: str
    tables: list[TableReport]
    summaries: list[SummaryReport]
    other_formulas: dict[str, int]  # by sheet: formula cells that belong to no table
    network: NetworkReport | None = None
    unread: list[UnreadTable] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)  # what was not done, and why

    @property
    def parts(self) -> list[TableReport | SummaryReport]:
        """The tables, then the summaries."""
        return [*self.tables, *self.summaries]

    @property
    def findings(self) -> list[Finding]:
        """Every finding, in the order of the sheets."""
        return [finding for part in self.parts for finding in part.findings]

    @property
    def verdict(self) -> str:
        """``pass``, ``fail``, ``incomplete``, or ``unchecked`` where nothing at all was checked.

        A workbook passes if every formula cell of every table was checked, or is harmless. Warnings
        do not make it fail.
        """
        if any(not finding.kind.is_warning for finding in self.findings):
            return "fail"
        if self.network and self.network.whole.off:
            return "fail"
        counts = [part.cells for part in (self.summaries if self.network else self.tables)]
        if not any(cells.checked + cells.numbers for cells in counts):
            return "unchecked"
        if self.network and not self.network.whole.compared:
            return "unchecked"
        return "incomplete" if self.not_checked else "pass"

    @property
    def not_checked(self) -> str:
        """How many formula cells were not checked, where and why; empty if all were.

        Those outside of tables are not meant, nor those that are harmless.
        """
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
        left = sum(part.cells.not_checked for part in self.parts)
        left += sum(unread.formulas for unread in self.unread)
        every = sum(part.cells.formulas for part in self.parts)
        every += sum(unread.formulas for unread in self.unread)
        if not left and not reasons:
            return ""
        causes_first = sorted(reasons.items(), key=lambda reason: reason[0] == NO_NUMBER)
        said = [f"{reason} ({_few(places)})" for reason, places in causes_first]
        more = f"; and {counted(len(said) - _MOST_REASONS, 'reason')} more"
        return (
            f"{left:,} of {counted(every, 'formula cell')} not checked: "
            f"{'; '.join(said[:_MOST_REASONS])}{more if len(said) > _MOST_REASONS else ''}"
        )


def _few(places: Sequence[str]) -> str:
    """Return places in a few words."""
    shown = ", ".join(places[:_MOST_PLACES])
    return (
        f"{shown} and {len(places) - _MOST_PLACES:,} more" if len(places) > _MOST_PLACES else shown
    )
