"""One workbook's check, as a worker does it: a task goes in, an outcome comes out."""

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
    name: str  # in the reports
    sha256: str
    engine: str
    tolerance: float | None
    strict: bool  # whether harmless findings fail it, too
    html: bool  # whether its own page is wanted
    json: bool  # whether its JSON report is wanted


@dataclass(frozen=True)
class Outcome:
    """The result of a check."""

    row: Row
    html: str | None = None
    document: dict[str, Any] | None = None


def check(task: Task) -> Outcome:
    """Check a workbook; whatever goes wrong is reported in its row."""
    # Imported here: a worker must limit its threads before NumPy is loaded.
    from workbook_tools.checking.verify import verify
    from workbook_tools.reporting.html import to_html
    from workbook_tools.reporting.json_document import to_json

    began = time.perf_counter()
    try:
        report = verify(task.path, task.engine, task.tolerance)
        report.is_strict = task.strict
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
    except BaseException as error:  # a panic of an engine in Rust is no Exception
        verdict, why = Verdict.CRASHED, broken(error)
    return without_verdict(task, verdict, why, time.perf_counter() - began)


def without_verdict(task: Task, verdict: Verdict, why: str, seconds: float = 0.0) -> Outcome:
    """Return the outcome of a check without a result."""
    seconds = round(seconds, 3)
    return Outcome(Row(task.name, task.sha256, verdict, printable(why), seconds=seconds))
