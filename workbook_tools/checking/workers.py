"""A pool of worker processes on this machine, for the workbooks of a class.

joblib's pool cannot handle what a workbook may do to its check: if a worker dies, all tasks are
lost (``TerminatedWorkerError``), and if one takes too long, ``timeout`` raises for the whole run.
pebble's pool ends that worker, reports that task, and starts another worker.
"""

import gc
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pebble import ProcessExpired, ProcessPool

from workbook_tools.checking.fork_server import begin_fork_server
from workbook_tools.checking.worker import PREFIX, SPENT, begin


@contextmanager
def pool_of(jobs: int) -> Iterator[ProcessPool]:
    """Yield a pool of processes with limits, without output, that end with this one.

    Their temporary files are in a folder that is removed at the end, even if this process is
    killed.
    """
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        context = begin_fork_server()
        pool = ProcessPool(
            max_workers=jobs,
            initializer=_begin,
            initargs=(folder, dict(os.environ)),
            context=context,
        )
        try:
            yield pool
        finally:
            pool.stop()
            pool.join()


def _begin(folder: str, environment: dict[str, str]) -> None:
    os.environ.update(environment)  # the fork server may have been started with another one
    begin(folder)
    gc.freeze()  # what is loaded stays


def was_spent(future: Any) -> bool:
    """Tell whether a task was not begun because its worker had to exit; then submit it again."""
    error = None if future.cancelled() else future.exception()
    return isinstance(error, ProcessExpired) and error.exitcode == SPENT
