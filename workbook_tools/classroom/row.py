"""What the reports of a class say of one workbook."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from workbook_tools.judging.findings import Finding, Kind, in_short
from workbook_tools.judging.report import Report
from workbook_tools.shortening import shortened, shortened_inside

_LONGEST = 300  # letters of what is said of a workbook, of a formula in symbols
_LONGEST_NAME = 60  # letters of a sheet's name, of a quantity


class Verdict(StrEnum):
    """What became of a workbook."""

    PASS = "pass"
    FAIL = "fail"
    INCOMPLETE = "incomplete"  # no mistake found, but not every formula cell was checked
    UNCHECKED = "unchecked"  # nothing to check in it
    UNREADABLE = "unreadable"  # refused: no workbook, damaged, encrypted …
    TIMED_OUT = "timed out"
    CRASHED = "crashed"  # the check itself broke, or its process was ended


@dataclass(frozen=True)
class Mistake:
    """One kind of mistake in one quantity, however many cells and sheets it is in."""

    quantity: str
    kind: str
    uses: str = ""  # in symbols, where it is known
    should_use: str = ""

    @classmethod
    def of(cls, finding: Finding) -> "Mistake":
        """Return the mistake that a finding is of."""
        suggestion = finding.suggestion
        symbols = (suggestion.symbols if suggestion else None) or ("", "")
        uses, should_use = (shortened_inside(text, _LONGEST) for text in symbols)
        return cls(shortened(finding.quantity, _LONGEST_NAME), finding.kind.value, uses, should_use)


@dataclass(frozen=True)
class Row:
    """One workbook of a class."""

    file: str
    sha256: str = ""  # of the file
    verdict: str = Verdict.UNREADABLE
    why: str = ""  # there is no verdict, or no page, if so
    tables: int = 0
    iterations: int = 0  # of all tables
    counts: dict[str, int] = field(default_factory=dict)  # of findings, by kind
    first: str = ""  # finding, in words
    mistakes: list[Mistake] = field(default_factory=list)  # each once
    signature: str = ""  # of the formulas in all tables; empty without tables
    seconds: float = 0.0
    page: str = ""  # the file of its own report

    def __post_init__(self) -> None:
        """Cut what is said: a report of a class has a line for each workbook."""
        for said in ("why", "first"):
            object.__setattr__(self, said, shortened(getattr(self, said), _LONGEST))


def row_of(report: Report, file: str, sha256: str, seconds: float) -> Row:
    """Return what a report comes to."""
    findings = report.findings
    counts = {kind.value: sum(f.kind is kind for f in findings) for kind in Kind}
    first = ""
    if findings:
        sheet = shortened(findings[0].sheet, _LONGEST_NAME)
        first = f"{sheet}!{findings[0].cells}: {in_short(findings[0])}"
    why = ""
    if report.verdict in (Verdict.INCOMPLETE, Verdict.UNCHECKED):
        why = report.not_checked or "no training table found"
    return Row(
        file=file,
        sha256=sha256,
        verdict=report.verdict,
        why=why,
        tables=len(report.tables),
        iterations=sum(table.iterations for table in report.tables),
        counts={kind: count for kind, count in counts.items() if count},
        first=first,
        mistakes=list(dict.fromkeys(map(Mistake.of, findings))),
        signature=_together([table.signature for table in report.tables]),
        seconds=seconds,
    )


def _together(signatures: Sequence[str]) -> str:
    """Return one signature for several tables, in whatever order; a copied table adds nothing."""
    if not any(signatures):
        return ""
    return hashlib.sha256("\n".join(sorted(set(signatures))).encode()).hexdigest()[:16]
