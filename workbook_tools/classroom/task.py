"""One workbook's check as a worker does it: the task goes in, what to report comes out."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbook_tools.checking.limits import out_of_memory
from workbook_tools.classroom.row import Row, Verdict, row_of
from workbook_tools.errors import InputError, broken
from workbook_tools.package.files import printable


@dataclass(frozen=True)
class Task:
    """A workbook to be checked, and how."""

    path: Path
    name: str  # what it is called in the reports
    sha256: str
    engine: str
    tolerance: float | None
    html: bool  # whether its own page is wanted
    json: bool


@dataclass(frozen=True)
class Outcome:
    """What a check came to."""

    row: Row
    html: str | None = None
    document: dict[str, Any] | None = None


def check(task: Task) -> Outcome:
    """Check a workbook; whatever goes wrong is said in the row."""
    # Here, not above: a worker limits its threads before NumPy is loaded.
    from workbook_tools.checking.verify import verify
    from workbook_tools.reporting.html import to_html
    from workbook_tools.reporting.reports import to_json

    began = time.perf_counter()
    try:
        report = verify(task.path, task.engine, task.tolerance)
        report.workbook = printable(report.workbook)
        seconds = time.perf_counter() - began
        return Outcome(
            row_of(report, task.name, task.sha256, round(seconds, 3)),
            to_html(report) if task.html else None,
            to_json(report) if task.json else None,
        )
    except (InputError, OSError) as error:
        verdict, why = Verdict.UNREADABLE, str(error)
    except MemoryError:
        verdict, why = Verdict.CRASHED, out_of_memory(task.path)
    except BaseException as error:  # what Rust panics with is no Exception
        verdict, why = Verdict.CRASHED, broken(error)
    return without_verdict(task, verdict, why, time.perf_counter() - began)


def without_verdict(task: Task, verdict: Verdict, why: str, seconds: float = 0.0) -> Outcome:
    """Return the outcome of a check that came to nothing."""
    seconds = round(seconds, 3)
    return Outcome(Row(task.name, task.sha256, verdict, printable(why), seconds=seconds))
