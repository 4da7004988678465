"""Processes on this machine that check workbooks, and survive what these do to them.

A workbook may make its check hang, take all memory, or end the process. joblib's pool is no
match for that: when a worker dies, it gives up all tasks (``TerminatedWorkerError``), and when one
takes too long, ``timeout`` raises for the whole run. pebble's pool ends the one worker, says so of
the one task, and starts another worker.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, as_completed
from contextlib import suppress
from multiprocessing import get_context
from typing import Any

from pebble import ProcessExpired, ProcessPool

from workbook_tools.checking.class_row import Verdict
from workbook_tools.checking.class_task import (
    MEMORY_LIMIT,
    Outcome,
    Task,
    out_of_memory,
    without_verdict,
)

Check = Callable[[Task], Outcome]

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")


def outcomes_here(
    check: Check, tasks: Iterable[Task], jobs: int, timeout: float
) -> Iterator[tuple[Task, Outcome]]:
    """Check workbooks in so many processes; yield each as it is done, whatever happens to it."""
    pool = pool_of(jobs)
    try:
        running: dict[Any, Task] = {
            pool.schedule(check, (task,), timeout=timeout): task for task in tasks
        }
        for future in as_completed(running):
            task = running.pop(future)
            yield task, outcome_of(future, task, timeout)
    finally:
        pool.stop()
        pool.join()


def pool_of(jobs: int) -> ProcessPool:
    """Return a pool of processes that are limited in threads and memory."""
    # Not forked: engines and NumPy have threads, which a fork leaves in an unknown state.
    return ProcessPool(max_workers=jobs, initializer=_limit, context=get_context("spawn"))


def outcome_of(future: Any, task: Task, timeout: float) -> Outcome:
    """Wait for a task; return what came out, or what happened to it."""
    began = time.monotonic()
    try:
        # Not ``result``: what a check raises, SystemExit for one, must not be raised here.
        error = future.exception()
    except CancelledError as cancelled:
        error = cancelled
    seconds = time.monotonic() - began
    if error is None:
        outcome: Outcome = future.result()
        return outcome
    if isinstance(error, TimeoutError):
        why = f"not done after {timeout:g} seconds; check it by itself, or give --timeout more"
        return without_verdict(task, Verdict.TIMED_OUT, why, timeout)
    if isinstance(error, MemoryError):
        return without_verdict(task, Verdict.CRASHED, out_of_memory(), seconds)
    if isinstance(error, ProcessExpired):
        why = f"the process that checked it ended abruptly (exit status {error.exitcode})"
        return without_verdict(task, Verdict.CRASHED, why, seconds)
    why = f"the check broke: {type(error).__name__}: {error}"
    return without_verdict(task, Verdict.CRASHED, why, seconds)


def _limit() -> None:
    """Limit a worker that has just begun: one thread, and no more memory than a check needs."""
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    # Windows has no such limits, and macOS none for memory.
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
