"""Checks the workbooks of a class in processes on this machine."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from queue import SimpleQueue
from typing import Any

from workbook_tools.checking.worker import limited, what_happened
from workbook_tools.checking.workers import pool_of, was_spent
from workbook_tools.classroom.row import Verdict
from workbook_tools.classroom.task import Outcome, Task, without_verdict

Check = Callable[[Task], Outcome]


def outcomes_here(
    check: Check, tasks: Iterable[Task], jobs: int, timeout: float
) -> Iterator[tuple[Task, Outcome]]:
    """Check workbooks in ``jobs`` processes; yield each as soon as it is done or has failed."""
    with pool_of(jobs) as pool:
        done: SimpleQueue[Any] = SimpleQueue()
        running: dict[Any, Task] = {}

        def begin(task: Task) -> None:
            future = pool.schedule(limited, (task.path, check, task), timeout=timeout)
            running[future] = task
            future.add_done_callback(done.put)

        for task in tasks:
            begin(task)
        while running:
            future = done.get()
            task = running.pop(future)
            if was_spent(future):
                begin(task)
            else:
                yield task, outcome_of(future, task, timeout)


def outcome_of(future: Any, task: Task, timeout: float) -> Outcome:
    """Wait for a task; return its outcome, or one that says what happened to it."""
    began = time.monotonic()
    try:
        # Not ``result``: an exception of the check, such as SystemExit, must not be raised here.
        error = future.exception()
    except CancelledError as cancelled:
        error = cancelled
    seconds = time.monotonic() - began
    if error is None:
        outcome: Outcome = future.result()
        return outcome
    why = what_happened(error, task.path, timeout)
    if isinstance(error, TimeoutError):
        return without_verdict(task, Verdict.TIMED_OUT, why, timeout)
    return without_verdict(task, Verdict.CRASHED, why, seconds)
