"""Checks a class of workbooks: each one gets a row, whatever is wrong with it.

Results are saved at once, so that an interrupted run continues where it stopped.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbook_tools import __version__
from workbook_tools.classroom.cluster import outcomes_there
from workbook_tools.classroom.csv_table import write_csv
from workbook_tools.classroom.journal import Journal, key_of
from workbook_tools.classroom.outputs import Outputs, page_name
from workbook_tools.classroom.page import TEMPLATE, write_class_html
from workbook_tools.classroom.processes import Check, outcomes_here
from workbook_tools.classroom.row import Row, Verdict
from workbook_tools.classroom.submissions import Submission
from workbook_tools.classroom.task import Outcome, Task, check, without_verdict
from workbook_tools.engines import DEFAULT
from workbook_tools.errors import InputError
from workbook_tools.package.files import make_folder, printable, refuse_streams, write_text
from workbook_tools.reporting.json_document import json_text
from workbook_tools.reporting.pages import prepared


@dataclass(frozen=True)
class How:
    """How the workbooks of a class are checked."""

    engine: str = DEFAULT
    tolerance: float | None = None
    timeout: float = 60.0  # seconds per workbook
    jobs: int = 1  # processes on this machine
    scheduler: str | None = None  # of a Dask cluster, used instead of these
    strict: bool = False  # whether harmless findings fail a workbook, too


@dataclass(frozen=True)
class Result:
    """The rows of a class, and the JSON reports of the workbooks that could be read."""

    rows: list[Row]
    documents: list[dict[str, Any]]


class InterruptedRunError(Exception):
    """The user stopped the run; the message says what was saved, and how to continue."""


def check_class(
    submissions: Sequence[Submission],
    how: How,
    outputs: Outputs,
    on_done: Callable[[Row], None] = lambda row: None,
    check: Check = check,
) -> Result:
    """Check workbooks, write the reports, and return a row for each workbook.

    ``on_done`` is called for each workbook as it is done; ``check`` checks one. Raises
    ``InputError`` if a report cannot be written or the cluster fails, and ``InterruptedRunError``
    on Ctrl-C.
    """
    for path in outputs.files:
        if not path.parent.is_dir():
            raise InputError(
                f"{path}: its folder does not exist; create it, or choose another place"
            )
    if outputs.pages:
        make_folder(outputs.pages, "--html")
    if outputs.html:
        prepared(TEMPLATE)  # now, while the processes load their modules, and not at the end
    journal = Journal(outputs.journal) if outputs.journal else None
    run = _Run(submissions, how, outputs, journal, on_done)
    try:
        run.finish(check)
        rows = [run.done[submission.path][0] for submission in submissions]
        documents = [d for s in submissions if (d := run.done[s.path][1]) is not None]
        if outputs.csv:
            write_csv(rows, outputs.csv)
        if outputs.html:
            write_class_html(rows, outputs.html)
        if outputs.json and outputs.json in outputs.files and documents:
            write_text(outputs.json, json_text(documents))
        if journal:
            journal.remove()
        return Result(rows, documents)
    except KeyboardInterrupt:
        raise InterruptedRunError(run.kept()) from None
    finally:
        if journal:
            journal.close()


class _Run:
    """The state of a run: which workbooks are done, and which are left."""

    def __init__(
        self,
        submissions: Sequence[Submission],
        how: How,
        outputs: Outputs,
        journal: Journal | None,
        on_done: Callable[[Row], None],
    ) -> None:
        self._submissions = submissions
        self._how = how
        self._outputs = outputs
        self._journal = journal
        self._on_done = on_done
        self._keys: dict[Path, str] = {}
        self.done: dict[Path, tuple[Row, dict[str, Any] | None]] = {}

    def finish(self, check: Check) -> None:
        """Check the workbooks that are left."""
        # The largest first: at the end, no process should be left with one that takes long.
        how, tasks = self._how, sorted(self._left(), key=_size, reverse=True)
        if not tasks:
            return
        if how.scheduler:
            outcomes = outcomes_there(check, tasks, how.scheduler, how.timeout)
        else:
            outcomes = outcomes_here(check, tasks, min(how.jobs, len(tasks)), how.timeout)
        for task, outcome in outcomes:
            self._keep(task, outcome)

    def kept(self) -> str:
        """Return the message for an interruption: what was saved."""
        said = f"interrupted: {len(self.done):,} of {len(self._submissions):,} workbooks are done"
        if self._journal:
            return f"{said} and saved in {self._journal.path}; give the same command to continue"
        return f"{said}, but not saved; with --csv, --html or --json they would be"

    def _left(self) -> Iterator[Task]:
        """Yield the tasks that are left; results of an earlier run are taken from the journal."""
        for submission in self._submissions:
            task = Task(
                path=submission.path,
                name=submission.name,
                sha256="",
                engine=self._how.engine,
                tolerance=self._how.tolerance,
                strict=self._how.strict,
                html=self._outputs.pages is not None,
                json=self._outputs.json is not None,
            )
            try:
                task = replace(task, sha256=_sha256(submission.path))
            except InputError as error:
                self._keep(task, without_verdict(task, Verdict.UNREADABLE, str(error)))
                continue
            settings = replace(self._how, jobs=0, scheduler=None)  # these do not change the result
            key = key_of(
                __version__, submission.path.absolute(), replace(task, path=Path()), settings
            )
            self._keys[submission.path] = key
            found = self._journal.find(key) if self._journal else None
            if found and self._has_page(found[0]):
                self.done[submission.path] = found
                self._on_done(found[0])
            else:
                yield task

    def _has_page(self, row: Row) -> bool:
        return not row.page or bool(
            self._outputs.pages and (self._outputs.pages / row.page).exists()
        )

    def _keep(self, task: Task, outcome: Outcome) -> None:
        row, is_whole = outcome.row, True
        if outcome.html is not None and self._outputs.pages:
            page = page_name(task.path)
            try:
                write_text(self._outputs.pages / page, outcome.html)
                row = replace(row, page=page)
            except InputError as error:
                row, is_whole = replace(row, why=printable(str(error))), False
        self.done[task.path] = row, outcome.document
        # Without its page it is not finished, so that the next run checks it again.
        if self._journal and task.path in self._keys and is_whole:
            self._journal.add(self._keys[task.path], row, outcome.document)
        self._on_done(row)


def _size(task: Task) -> int:
    return task.path.stat().st_size if task.path.exists() else 0


def _sha256(path: Path) -> str:
    """Return the SHA-256 of a file; raises ``InputError`` if it cannot be read."""
    try:
        refuse_streams(path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); check its name and permissions"
        ) from error
