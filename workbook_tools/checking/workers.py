"""A pool of worker processes on this machine, in which workbooks are checked.

A workbook may make its check hang, use up all memory, or kill the process. joblib's pool cannot
handle that: if a worker dies, all tasks are lost (``TerminatedWorkerError``), and if one takes too
long, ``timeout`` raises for the whole run. pebble's pool ends that worker, reports that task, and
starts another worker.
"""

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from workbook_tools.checking.limits import ENGINE_THREAD, limit_memory, out_of_memory

Result = TypeVar("Result")

_SPENT = 97  # the exit status of a worker that can no longer be used
_ABORTED = getattr(signal, "SIGABRT", 6)
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")


@contextmanager
def pool_of(jobs: int, *began: Any) -> Iterator[ProcessPool]:
    """Yield a pool of processes with limits, without output, that end with this one.

    Their temporary files are in a folder that is removed at the end, even if this process is
    killed. ``began`` is a function that each process calls first, followed by its arguments.
    """
    with tempfile.TemporaryDirectory(prefix="workbook-tools-") as folder:
        # Not fork: engines and NumPy have threads, which a fork leaves in an undefined state.
        pool = ProcessPool(
            max_workers=jobs,
            initializer=_begin,
            initargs=(folder, *began),
            context=get_context("spawn"),
        )
        try:
            yield pool
        finally:
            pool.stop()
            pool.join()


def limited(path: Path, work: Callable[..., Result], *given: Any) -> Result:
    """Do work on a file in a worker, with memory limited by the file's size.

    If an engine is still running in this worker, from a check that was given up, the worker exits.
    """
    if any(thread.name == ENGINE_THREAD for thread in threading.enumerate()):
        os._exit(_SPENT)
    limit_memory(path)
    return work(*given)


def was_spent(future: Any) -> bool:
    """Tell whether a task was not begun because its worker had to exit; then submit it again."""
    error = None if future.cancelled() else future.exception()
    return isinstance(error, ProcessExpired) and error.exitcode == _SPENT


def what_happened(error: BaseException, path: Path, timeout: float) -> str:
    """Return the message for a check without a result."""
    if isinstance(error, TimeoutError):
        return f"not finished after {timeout:g} seconds; give a larger --timeout"
    if isinstance(error, MemoryError):
        return out_of_memory(path)
    if isinstance(error, ProcessExpired):
        if error.exitcode == -_ABORTED:  # how Rust ends a program that runs out of memory
            return f"the engine crashed; most likely it {out_of_memory(path)}"
        how = f"exit status {error.exitcode}"
        return f"the process that checked it ended unexpectedly ({how})"
    return f"the check failed: {type(error).__name__}: {error}"


def _begin(folder: str, then: Callable[..., None] | None = None, *others: Any) -> None:
    """Set up a new worker: one thread, no output, and it ends when its parent does."""
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    tempfile.tempdir = folder
    with open(os.devnull, "r+b") as nothing:  # engines and libraries may print anything
        for stream in (1, 2):
            os.dup2(nothing.fileno(), stream)
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    if then is not None:
        then(*others)


def _end_with_parent(folder: str) -> None:
    """Wait until the parent has ended, in whatever way; then remove the folder and exit."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)
