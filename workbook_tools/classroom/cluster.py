"""Checks the workbooks of a class on a Dask cluster, for tens of thousands of them.

If a worker is lost, Dask gives its tasks to another one. But Dask cannot handle workbooks that
crash or hang their check: a crash looks like a broken machine, so that the task is tried again
elsewhere, with all tasks that ran beside it, and a task that hangs is never ended. So each Dask
worker has its own pool of processes, as on a single machine, with the same time-outs and limits.

The workers read the workbooks by their paths, from a folder that all machines share.
"""

import atexit
import logging
import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import wait
from contextlib import ExitStack
from threading import Lock
from typing import Any

from pebble import ProcessPool

from workbook_tools import __version__
from workbook_tools.checking.worker import limited
from workbook_tools.checking.workers import pool_of, was_spent
from workbook_tools.classroom.processes import Check, outcome_of
from workbook_tools.classroom.row import Verdict
from workbook_tools.classroom.task import Outcome, Task, without_verdict
from workbook_tools.errors import InputError

_PATIENCE = 10  # seconds to reach the scheduler, and for it to have a worker

_lock = Lock()
_pools: dict[None, ProcessPool] = {}  # in a Dask worker: one pool, made when it is first needed
_until_it_ends = ExitStack()  # closes the pool, and removes its folder, when the worker ends
atexit.register(_until_it_ends.close)


def outcomes_there(
    check: Check, tasks: Iterable[Task], scheduler: str, timeout: float
) -> Iterator[tuple[Task, Outcome]]:
    """Check workbooks on a cluster; yield each one once, as soon as it is done.

    Raises ``InputError`` if distributed is not installed, or if the cluster cannot be reached, has
    no workers, or has another version of this package.
    """
    try:
        from distributed import as_completed
    except ImportError as error:
        raise InputError(
            "--scheduler needs the package distributed: pip install 'workbook-tools[cluster]'"
        ) from error
    client = _connected(scheduler)
    try:
        running = {}
        for task in tasks:
            future = client.submit(_check_there, check, task, timeout, pure=False)
            running[future.key] = future, task
        done = as_completed([future for future, _ in running.values()], loop=client.loop)
        for future in done:
            task = running.pop(future.key)[1]
            try:
                outcome = future.result()
            except Exception as error:
                if client.status != "running":
                    raise InputError(
                        f"{scheduler}: the connection to the scheduler was lost; start it again, "
                        "and give the same command to continue"
                    ) from error
                why = f"the cluster could not check it: {type(error).__name__}: {error}"
                outcome = without_verdict(task, Verdict.CRASHED, why)
            yield task, outcome
    finally:
        client.cancel([future for future, _ in running.values()])
        client.close()


def _connected(scheduler: str) -> Any:
    """Return a client of a cluster that has workers."""
    from distributed import Client

    for name in ("distributed", "distributed.client"):  # errors are reported below
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(scheduler, timeout=_PATIENCE, set_as_default=False)
    except Exception as error:  # of many types, even AssertionError
        raise InputError(
            f"{scheduler}: no Dask scheduler answers there; start one with `dask scheduler`, and "
            "give its address (tcp://HOST:8786)"
        ) from error
    try:
        client.wait_for_workers(1, timeout=_PATIENCE)
        versions = set(client.run(_version, on_error="return").values())
    except TimeoutError as error:
        client.close()
        raise InputError(
            f"{scheduler}: the cluster has no workers; start some with `dask worker {scheduler}`"
        ) from error
    if versions != {__version__}:
        client.close()
        raise InputError(
            f"{scheduler}: its workers need the same version of workbook-tools as this machine; "
            f"install {__version__} there"
        )
    return client


def _version() -> str:
    return __version__


def _check_there(check: Check, task: Task, timeout: float) -> Outcome:
    """Check a workbook on a Dask worker, in a separate process."""
    from distributed import get_worker

    with _lock:
        if None not in _pools:
            # Dask's workers are daemons, which must not start processes. This one has to; its
            # processes end when it does.
            multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
            pool = pool_of(get_worker().state.nthreads)
            _pools[None] = _until_it_ends.enter_context(pool)
    while True:
        future = _pools[None].schedule(limited, (task.path, check, task), timeout=timeout)
        wait([future])
        if not was_spent(future):
            return outcome_of(future, task, timeout)
