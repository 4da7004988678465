"""Checks one workbook in its own process, with limits of time and memory.

Whatever a workbook does to its check, the check ends in a result or in a one-line error. It writes
only to a temporary folder; the caller moves the files into place.
"""

import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Protocol, TypeVar

from workbook_tools.checking.limits import out_of_memory
from workbook_tools.checking.worker import EndedError, Worker, what_happened
from workbook_tools.engines import DEFAULT
from workbook_tools.errors import BrokenError, InputError, broken
from workbook_tools.judging.report import Report
from workbook_tools.package.files import refuse_streams

_OF_NO_CHECK = {"--debug", "--json", "--timeout"}  # options that leave the check as it is
CHECK_STEPS = 2  # progress messages of a check; a convolutional network has more


@dataclass(frozen=True)
class Wish:
    """A workbook to be checked, and the outputs that are wanted."""

    path: Path
    engine: str
    tolerance: float | None = None
    html: bool = False  # the report as a web page
    marked: Path | None = None  # the final path of a copy with the mistakes marked
    mended: Path | None = None  # the final path of a copy with the suggested formulas
    strict: bool = False  # whether harmless findings fail it, too
    # What learns in it is always sought, also if all of its formulas are in training tables.
    explained: bool = False
    loss: str | None = None  # the cell of the loss, if the workbook does not say
    parameters: tuple[str, ...] = ()  # and those of the parameters


@dataclass
class Checked:
    """The result of a check; the copies are temporary files."""

    report: Report
    html: str | None = None
    marked: Path | None = None
    mended: Path | None = None
    summary: str = ""  # of what was mended, in words


@dataclass(frozen=True)
class _Failure:
    """Why a check has no result."""

    message: str
    trace: str = ""  # the traceback of an unexpected failure


class Request(Protocol):
    """What is asked of a workbook."""

    @property
    def path(self) -> Path:
        """Where the workbook is."""
        ...


RequestT = TypeVar("RequestT", bound=Request)
Done = TypeVar("Done")
OnStep = Callable[[str], None]
Check = Callable[[Wish, OnStep], Checked]
Work = Callable[[Wish, Path, OnStep], Checked]


_prepared: list[Worker] = []


@contextmanager
def prepared(arguments: Sequence[str]) -> Iterator[None]:
    """Start the worker that ``checks`` will need, and the check that these arguments begin with.

    It goes on while the command line is read here. If that asks for another check after all, the
    worker is replaced.
    """
    with suppress(OSError):  # said by ``checks``
        _prepared.append(_worker())
        options = {one.partition("=")[0] for one in arguments if one.startswith("-")}
        if options <= _OF_NO_CHECK and os.path.isfile(path := arguments[0] if arguments else ""):
            wish = Wish(Path(path), DEFAULT)
            _prepared[0].ask(wish.path, _tried, all_of, wish)
    try:
        yield
    finally:
        discard_prepared()


def discard_prepared() -> None:
    """End the worker that was started by ``prepared`` if it is not in use."""
    while _prepared:
        _prepared.pop().close()


def _worker() -> Worker:
    return Worker("workbook_tools.checking.verify")


@contextmanager
def checks(timeout: float, work: Work | None = None) -> Iterator[Check]:
    """Yield a function that checks a workbook within ``timeout`` seconds, and reports progress.

    The copies exist until the context ends. The function raises ``InputError`` for a workbook that
    cannot be checked, and ``BrokenError`` if the check itself fails. ``work`` does the check in
    the other process, by default ``all_of``.
    """
    with _started() as worker:
        yield lambda wish, on_step: _done(worker, timeout, on_step, work or all_of, wish)


def done_alone(
    timeout: float,
    work: Callable[[RequestT, Path, OnStep], Done],
    asked: RequestT,
    finish: Callable[[Done], None] = lambda done: None,
) -> Done:
    """Do other work on a workbook within ``timeout`` seconds, in a process of its own.

    ``finish`` is called with the result while files in the folder of this process exist. Raises
    ``InputError`` and ``BrokenError``, as ``checks`` does.
    """
    with _started() as worker:
        done = _done(worker, timeout, lambda step: None, work, asked)
        finish(done)
        return done


@contextmanager
def _started() -> Iterator[Worker]:
    """Yield a worker, the prepared one if there is one."""
    worker = _prepared.pop() if _prepared else _worker()
    try:
        yield worker
    finally:
        worker.close()


def _done(
    worker: Worker,
    timeout: float,
    on_step: OnStep,
    work: Callable[[RequestT, Path, OnStep], Done],
    asked: RequestT,
) -> Done:
    refuse_streams(asked.path)
    try:
        result: Done | _Failure = worker.do(asked.path, timeout, on_step, _tried, work, asked)
    except (TimeoutError, EndedError) as error:
        raise InputError(f"{asked.path}: {what_happened(error, asked.path, timeout)}") from error
    if isinstance(result, _Failure):
        raise (
            BrokenError(result.message, result.trace)
            if result.trace
            else InputError(result.message)
        )
    return result


def _tried(
    work: Callable[[RequestT, Path, OnStep], Done], wish: RequestT, on_step: OnStep
) -> Done | _Failure:
    """Work on a workbook in a worker; its temporary folder exists as long as the worker."""
    try:
        return work(wish, Path(gettempdir()), on_step)
    except (InputError, OSError) as error:
        return _Failure(str(error))
    except MemoryError:
        return _Failure(f"{wish.path}: {out_of_memory(wish.path)}")
    except BaseException as error:  # a panic of an engine in Rust is no Exception
        return _Failure(f"{wish.path}: {broken(error)}", traceback.format_exc())


def all_of(wish: Wish, folder: Path, on_step: OnStep) -> Checked:
    """Check a workbook and make the outputs that are wanted; copies go into the folder.

    Raises ``InputError`` if it cannot be checked.
    """
    # Imported here: a worker must limit its threads before NumPy is loaded, and loads no more than
    # it needs.
    from workbook_tools.checking.asked import Asked
    from workbook_tools.checking.verify import verify

    asked = Asked(wish.explained, wish.loss, wish.parameters)
    found = Checked(verify(wish.path, wish.engine, wish.tolerance, on_step, asked))
    found.report.is_strict = wish.strict
    if wish.html:
        from workbook_tools.reporting.html import to_html

        found.html = to_html(found.report)
    if wish.marked:
        from workbook_tools.reporting.copies import write_marked

        found.marked = folder / f"marked{wish.path.suffix}"
        with _said_of(wish.marked, found.marked):
            write_marked(found.report, wish.path, found.marked)
    if wish.mended:
        from workbook_tools.reporting.copies import write_mended

        found.mended = folder / f"mended{wish.path.suffix}"
        with _said_of(wish.mended, found.mended):
            summary = write_mended(found.report, wish.path, found.mended, wish.engine)
        found.summary = str(summary)
    return found


@contextmanager
def _said_of(path: Path, temporary: Path) -> Iterator[None]:
    """Name a copy by its final path in errors that name its temporary file."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error).replace(str(temporary), str(path))) from error
