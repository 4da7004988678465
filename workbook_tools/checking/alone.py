"""Checks one workbook in its own process, with limits of time and memory.

Whatever a workbook does to its check, the check ends in a result or in a one-line error. It writes
only to a temporary folder; the caller moves the files into place.
"""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

from workbook_tools.checking.limits import out_of_memory
from workbook_tools.checking.worker import EndedError, Worker, what_happened
from workbook_tools.errors import BrokenError, InputError, broken
from workbook_tools.judging.report import Report
from workbook_tools.package.files import refuse_streams

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


OnStep = Callable[[str], None]
Check = Callable[[Wish, OnStep], Checked]
Work = Callable[[Wish, Path, OnStep], Checked]


_prepared: list[Worker] = []


@contextmanager
def prepared() -> Iterator[None]:
    """Start the worker that ``checks`` will need; it loads its modules while others go on here."""
    with suppress(OSError):  # said by ``checks``
        _prepared.append(_worker())
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
    worker = _prepared.pop() if _prepared else _worker()

    def check(wish: Wish, on_step: OnStep) -> Checked:
        refuse_streams(wish.path)
        try:
            result = worker.do(wish.path, timeout, on_step, _checked, work or all_of, wish)
        except (TimeoutError, EndedError) as error:
            raise InputError(f"{wish.path}: {what_happened(error, wish.path, timeout)}") from error
        if isinstance(result, Checked):
            return result
        raise (
            BrokenError(result.message, result.trace)
            if result.trace
            else InputError(result.message)
        )

    try:
        yield check
    finally:
        worker.close()


def _checked(work: Work, wish: Wish, on_step: OnStep) -> Checked | _Failure:
    """Check a workbook in a worker; its temporary folder exists as long as the worker."""
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
    from workbook_tools.checking.verify import verify

    found = Checked(verify(wish.path, wish.engine, wish.tolerance, on_step))
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
