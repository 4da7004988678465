"""The same work on a Dask cluster, for tens of thousands of workbooks.

Dask sees to it that the tasks of a worker that is lost are done by another. What a workbook does to
its check is kept from Dask: each of its workers has processes of its own for that, just like the
pool on one machine, with the same time-outs and limits. (To Dask itself a workbook that ends its
process looks like a broken machine: it is tried again elsewhere, together with all that ran
beside it; and a task that hangs stays.)

The workers read the workbooks by their paths, from a folder that all machines see.
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
from workbook_tools.checking.workers import limited, pool_of, was_spent
from workbook_tools.classroom.processes import Check, outcome_of
from workbook_tools.classroom.row import Verdict
from workbook_tools.classroom.task import Outcome, Task, without_verdict
from workbook_tools.errors import InputError

_PATIENCE = 10  # seconds to reach the scheduler, and for it to have a worker

_lock = Lock()
_pools: dict[None, ProcessPool] = {}  # of a Dask worker: one, made when it is first needed
_until_it_ends = ExitStack()  # the worker, and with it the pool's folder
atexit.register(_until_it_ends.close)


def outcomes_there(
    check: Check, tasks: Iterable[Task], scheduler: str, timeout: float
) -> Iterator[tuple[Task, Outcome]]:
    """Check workbooks on a cluster; yield each as it is done, once.

    Raises ``InputError`` if distributed is not installed, or the cluster is out of reach, without
    workers, or of another version.
    """
    try:
        from distributed import as_completed
    except ImportError as error:
        raise InputError(
            "--scheduler needs the package distributed; pip install 'workbook-tools[cluster]'"
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
                        f"{scheduler}: the scheduler was lost; start it, and give the same command "
                        "to go on"
                    ) from error
                why = f"the cluster gave it up: {type(error).__name__}: {error}"
                outcome = without_verdict(task, Verdict.CRASHED, why)
            yield task, outcome
    finally:
        client.cancel([future for future, _ in running.values()])
        client.close()


def _connected(scheduler: str) -> Any:
    """Return a client of a cluster that has workers."""
    from distributed import Client

    for name in ("distributed", "distributed.client"):  # what matters is said here
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(scheduler, timeout=_PATIENCE, set_as_default=False)
    except Exception as error:  # of many kinds, AssertionError among them
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
            f"{scheduler}: its workers need workbook-tools {__version__}, as there is here; "
            "install it there"
        )
    return client


def _version() -> str:
    return __version__


def _check_there(check: Check, task: Task, timeout: float) -> Outcome:
    """Check a workbook on a Dask worker, in a process of its own."""
    from distributed import get_worker

    with _lock:
        if None not in _pools:
            # Dask starts its workers so that they may not start processes; these need to, and
            # what they start ends with them.
            multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
            pool = pool_of(get_worker().state.nthreads)
            _pools[None] = _until_it_ends.enter_context(pool)
    while True:
        future = _pools[None].schedule(limited, (task.path, check, task), timeout=timeout)
        wait([future])
        if not was_spent(future):
            return outcome_of(future, task, timeout)
