"""One workbook's row in the reports of a class."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from workbook_tools.judging.faults import Kind
from workbook_tools.judging.findings import Finding, in_short
from workbook_tools.judging.report import Report
from workbook_tools.texts import shortened

_LONGEST = 300  # characters of a message, or of a formula in symbols


class Verdict(StrEnum):
    """The result of checking a workbook."""

    PASS = "pass"
    FAIL = "fail"
    INCOMPLETE = "incomplete"  # no mistake found, but not every formula cell was checked
    UNCHECKED = "unchecked"  # nothing to check in it
    UNREADABLE = "unreadable"  # refused: not a workbook, damaged, encrypted …
    TIMED_OUT = "timed out"
    CRASHED = "crashed"  # the check itself failed, or its process ended


@dataclass(frozen=True)
class Mistake:
    """One mistake, in words without cells and numbers: the same in every workbook that has it."""

    words: str
    kind: str
    is_mild: bool = False  # harmless, or perhaps intended

    @classmethod
    def of(cls, finding: Finding) -> "Mistake":
        """Return the mistake of a finding."""
        words = shortened(in_short(finding, _LONGEST), _LONGEST)
        return cls(words, finding.kind.value, finding.is_mild)


@dataclass(frozen=True)
class Row:
    """One workbook of a class."""

    file: str
    sha256: str = ""  # of the file
    verdict: str = Verdict.UNREADABLE
    why: str = ""  # the reason if there is no verdict, or no page
    tables: int = 0
    iterations: int = 0  # of all tables
    counts: dict[str, int] = field(default_factory=dict)  # of findings, by kind
    first: str = ""  # finding, in words
    mistakes: list[Mistake] = field(default_factory=list)  # each once
    signature: str = ""  # of the formulas in all tables; empty without tables
    seconds: float = 0.0
    page: str = ""  # the file of its own report

    def __post_init__(self) -> None:
        """Cut long messages: a report of a class has one line for each workbook."""
        for said in ("why", "first"):
            object.__setattr__(self, said, shortened(getattr(self, said), _LONGEST))


def row_of(report: Report, file: str, sha256: str, seconds: float) -> Row:
    """Return the row of a report."""
    findings = report.findings
    counts = {kind.value: sum(f.kind is kind for f in findings) for kind in Kind}
    why = ""
    if report.verdict in (Verdict.INCOMPLETE, Verdict.UNCHECKED):
        why = report.not_checked
    return Row(
        file=file,
        sha256=sha256,
        verdict=report.verdict,
        why=why,
        tables=len(report.tables),
        iterations=sum(table.iterations for table in report.tables),
        counts={kind: count for kind, count in counts.items() if count},
        first=in_short(findings[0]) if findings else "",
        mistakes=list(dict.fromkeys(map(Mistake.of, findings))),
        signature=_together([table.signature for table in report.tables]),
        seconds=seconds,
    )


def _together(signatures: Sequence[str]) -> str:
    """Return one signature for several tables; their order, and copies of them, do not matter."""
    if not any(signatures):
        return ""
    return hashlib.sha256("\n".join(sorted(set(signatures))).encode()).hexdigest()[:16]
