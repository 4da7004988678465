"""The check of one workbook in a process of its own, with limits of time and memory.

Whatever a workbook does to its check, it ends in a result or in one line. What the check writes it
writes into a temporary folder; the caller puts it into place.
"""

import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from workbook_tools.checking.limits import out_of_memory
from workbook_tools.checking.workers import limited, pool_of, was_spent, what_happened
from workbook_tools.errors import BrokenError, InputError, broken
from workbook_tools.judging.report import Report
from workbook_tools.package.files import refuse_streams

CHECK_STEPS = 2  # that a check says it has come to; of a convolutional network more
_A_MOMENT = 0.05  # seconds between looks at how far a check is


@dataclass(frozen=True)
class Wish:
    """A workbook to be checked, and what is wanted of it."""

    path: Path
    engine: str
    tolerance: float | None = None
    html: bool = False  # the report as a web page
    marked: Path | None = None  # where a copy with the mistakes marked is going to be
    mended: Path | None = None  # where one with the suggested formulas is going to be


@dataclass
class Checked:
    """What came of it; the copies are temporary files."""

    report: Report
    html: str | None = None
    marked: Path | None = None
    mended: Path | None = None
    summary: str = ""  # of what was mended, in words


@dataclass(frozen=True)
class _Failure:
    """Why nothing came of it."""

    message: str
    trace: str = ""  # of an unexpected one


Check = Callable[[Wish, Callable[[str], None]], Checked]
Work = Callable[[Wish, Path], Checked]


@contextmanager
def checks(timeout: float, work: Work | None = None) -> Iterator[Check]:
    """Yield a function that checks a workbook, in so many seconds, and says what it is doing.

    The copies last as long as the context. The function raises ``InputError`` for a workbook that
    cannot be checked, and ``BrokenError`` where the check itself broke. ``work`` does the check in
    the other process, by default ``all_of``.
    """
    steps = get_context("spawn").SimpleQueue()
    with pool_of(1, _hear, steps) as pool:

        def check(wish: Wish, on_step: Callable[[str], None]) -> Checked:
            refuse_streams(wish.path)
            args = (wish.path, _checked, work or all_of, wish)
            future = pool.schedule(limited, args, timeout=timeout)
            while not future.done():
                wait([future], timeout=_A_MOMENT)
                while not steps.empty():
                    on_step(steps.get())
                if future.done() and was_spent(future):
                    future = pool.schedule(limited, args, timeout=timeout)
            if error := future.exception():
                why = what_happened(error, wish.path, timeout)
                raise InputError(f"{wish.path}: {why}")
            result: Checked | _Failure = future.result()
            if isinstance(result, Checked):
                return result
            raise (
                BrokenError(result.message, result.trace)
                if result.trace
                else InputError(result.message)
            )

        yield check


_steps: list[Any] = []  # of a worker: the queue that hears what it is doing


def _hear(steps: Any) -> None:
    _steps[:] = [steps]


def _checked(work: Work, wish: Wish) -> Checked | _Failure:
    """Check a workbook, in a worker, whose folder for temporary files lasts as long as the pool."""
    try:
        return work(wish, Path(gettempdir()))
    except (InputError, OSError) as error:
        return _Failure(str(error))
    except MemoryError:
        return _Failure(f"{wish.path}: {out_of_memory(wish.path)}")
    except BaseException as error:  # what Rust panics with is no Exception
        return _Failure(f"{wish.path}: {broken(error)}", traceback.format_exc())


def all_of(wish: Wish, folder: Path) -> Checked:
    """Check a workbook and make all that is wanted of it; copies go into the folder.

    Raises ``InputError`` if it cannot be checked.
    """
    # Here, not above: a worker limits its threads before NumPy is loaded.
    from workbook_tools.checking.verify import verify
    from workbook_tools.reporting.copies import write_marked, write_mended
    from workbook_tools.reporting.html import to_html

    found = Checked(verify(wish.path, wish.engine, wish.tolerance, _steps[0].put))
    if wish.html:
        found.html = to_html(found.report)
    if wish.marked:
        found.marked = folder / f"marked{wish.path.suffix}"
        with _said_of(wish.marked, found.marked):
            write_marked(found.report, wish.path, found.marked)
    if wish.mended:
        found.mended = folder / f"mended{wish.path.suffix}"
        with _said_of(wish.mended, found.mended):
            summary = write_mended(found.report, wish.path, found.mended, wish.engine)
        found.summary = str(summary)
    return found


@contextmanager
def _said_of(path: Path, temporary: Path) -> Iterator[None]:
    """Say of a copy what goes wrong with the temporary file that becomes it."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error).replace(str(temporary), str(path))) from error
