"""Processes on this machine that check workbooks, apart from the one that asks for it.

A workbook may make its check hang, take all memory, or end the process. joblib's pool is no
match for that: when a worker dies, it gives up all tasks (``TerminatedWorkerError``), and when one
takes too long, ``timeout`` raises for the whole run. pebble's pool ends the one worker, says so of
the one task, and starts another worker.
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

_SPENT = 97  # the exit status of a worker that is of no more use
_ABORTED = getattr(signal, "SIGABRT", 6)
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")


@contextmanager
def pool_of(jobs: int, *began: Any) -> Iterator[ProcessPool]:
    """Yield a pool of processes that are limited, silent, and end with this one.

    Their temporary files are in a folder that is removed at the end, also if this process is
    killed. ``began`` are arguments of a function that each process calls first: the function, then
    its own.
    """
    with tempfile.TemporaryDirectory(prefix="workbook-tools-") as folder:
        # Not forked: engines and NumPy have threads, which a fork leaves in an unknown state.
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
    """Do work on a file, in a worker, with no more memory than the file's size allows.

    A worker in which an earlier check was given up, while an engine went on, ends instead.
    """
    if any(thread.name == ENGINE_THREAD for thread in threading.enumerate()):
        os._exit(_SPENT)
    limit_memory(path)
    return work(*given)


def was_spent(future: Any) -> bool:
    """Tell whether work that is done was not begun, for the worker had to end: it begins anew."""
    error = None if future.cancelled() else future.exception()
    return isinstance(error, ProcessExpired) and error.exitcode == _SPENT


def what_happened(error: BaseException, path: Path, timeout: float) -> str:
    """Say what became of a check that has no result."""
    if isinstance(error, TimeoutError):
        return f"not done after {timeout:g} seconds; give --timeout more"
    if isinstance(error, MemoryError):
        return out_of_memory(path)
    if isinstance(error, ProcessExpired):
        if error.exitcode == -_ABORTED:  # so Rust ends a program that gets no more memory
            return f"the engine broke down; most likely it {out_of_memory(path)}"
        how = f"exit status {error.exitcode}"
        return f"the process that checked it ended abruptly ({how})"
    return f"the check broke: {type(error).__name__}: {error}"


def _begin(folder: str, then: Callable[..., None] | None = None, *others: Any) -> None:
    """Limit a worker that has just begun: one thread, no output, and no longer than its parent."""
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    tempfile.tempdir = folder
    with open(os.devnull, "r+b") as nothing:  # engines and libraries print what they like
        for stream in (1, 2):
            os.dup2(nothing.fileno(), stream)
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    if then is not None:
        then(*others)


def _end_with_parent(folder: str) -> None:
    """Wait until the parent has ended, however it did; then end, and leave nothing behind."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)
