"""A worker process, in which workbooks are checked.

A workbook may make its check hang, use up all memory, or kill the process. Then the worker ends,
that check is reported, and another worker goes on. A worker has one thread, no output, and ends
with its parent.
"""

import gc
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any, TypeVar

from workbook_tools.checking.limits import ENGINE_THREAD, limit_memory, out_of_memory

Result = TypeVar("Result")

SPENT = 97  # the exit status of a worker that can no longer be used
PREFIX = "workbook-tools-"  # of temporary folders
_ABORTED = getattr(signal, "SIGABRT", 6)
_LIBRARIES = ("OMP", "OPENBLAS", "MKL", "RAYON")
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in _LIBRARIES}  # environment


class EndedError(Exception):
    """A worker ended before its work was done."""

    def __init__(self, exitcode: int | None) -> None:
        super().__init__(exitcode)
        self.exitcode = exitcode


class Worker:
    """A process for one piece of work after the other; if it does not survive one, it is replaced.

    Its temporary files are in a folder that exists until it is closed, even if this process is
    killed. At the start it already imports a module that will be needed.
    """

    def __init__(self, imports: str) -> None:
        self._imports = imports
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
        self._asked: tuple[Any, ...] | None = None
        self._start()

    def _start(self) -> None:
        # A fork begins at once, but engines and NumPy have threads, which it leaves in an undefined
        # state. macOS has threads of its own.
        alone = sys.platform == "linux" and len(os.listdir("/proc/self/task")) == 1
        context = get_context("fork" if alone else "spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(  # type: ignore[attr-defined]
            target=_serve, args=(theirs, self._folder.name, self._imports), daemon=True
        )
        self._process.start()
        theirs.close()

    def ask(self, path: Path, work: Callable[..., Any], *given: Any) -> None:
        """Let work on a file begin, if it has not; ``do`` waits for its result.

        If other work has begun, whose result nobody wants, the process is replaced.
        """
        if self._asked == (path, work, given):
            return
        if self._asked is not None:
            self._stop()
            self._start()
        self._asked = path, work, given
        with suppress(OSError):  # ``do`` sees whether it has ended
            self._connection.send(self._asked)

    def do(
        self,
        path: Path,
        timeout: float,
        on_message: Callable[[str], None],
        work: Callable[..., Any],
        *given: Any,
    ) -> Any:
        """Return the result of work on a file; ``work`` is also given what sends a message here.

        Raises ``TimeoutError`` after ``timeout`` seconds, and ``EndedError``.
        """
        end = monotonic() + timeout
        self.ask(path, work, *given)
        self._asked = None
        while wait([self._connection], max(0.0, end - monotonic())):
            try:
                is_done, said = self._connection.recv()
            except (EOFError, OSError):
                self._process.join()
                exitcode = self._process.exitcode
                self._start()
                if exitcode == SPENT:
                    return self.do(path, timeout, on_message, work, *given)
                raise EndedError(exitcode) from None
            if is_done:
                return said
            on_message(said)
        self._stop()
        self._start()
        raise TimeoutError

    def _stop(self) -> None:
        self._process.kill()
        self._process.join()
        self._connection.close()

    def close(self) -> None:
        """End the process, and remove its folder."""
        self._stop()
        self._folder.cleanup()


def _serve(connection: Connection, folder: str, imports: str) -> None:
    """Do work in a worker until its parent has had enough."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    begin(folder)
    gc.disable()  # what is loaded stays: looking for garbage in it takes a tenth of the time
    with suppress(Exception):  # if it fails, the check fails with a message
        import_module(imports)
    gc.freeze()
    gc.enable()
    while True:
        path, work, given = connection.recv()
        said = limited(path, work, *given, lambda message: connection.send((False, message)))
        connection.send((True, said))


def begin(folder: str) -> None:
    """Set up a new worker: one thread, no output, and it ends when its parent does."""
    os.environ.update(ONE_THREAD)
    tempfile.tempdir = folder
    with open(os.devnull, "r+b") as nothing:  # engines and libraries may print anything
        for stream in (1, 2):
            os.dup2(nothing.fileno(), stream)
    with suppress(ImportError, ValueError, OSError):  # Windows has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Thread(target=_end_with_parent, args=(folder,), daemon=True).start()


def limited(path: Path, work: Callable[..., Result], *given: Any) -> Result:
    """Do work on a file in a worker, with memory limited by the file's size.

    If an engine is still running in this worker, from a check that was given up, the worker exits.
    """
    if any(thread.name == ENGINE_THREAD for thread in threading.enumerate()):
        os._exit(SPENT)
    limit_memory(path)
    return work(*given)


def what_happened(error: BaseException, path: Path, timeout: float) -> str:
    """Return the message for a check without a result."""
    if isinstance(error, TimeoutError):
        return f"not finished after {timeout:g} seconds; give a larger --timeout"
    if isinstance(error, MemoryError):
        return out_of_memory(path)
    exitcode = getattr(error, "exitcode", None)
    if exitcode == -_ABORTED:  # how Rust ends a program that runs out of memory
        return f"the engine crashed; most likely it {out_of_memory(path)}"
    if exitcode is not None:
        return f"the process that checked it ended unexpectedly (exit status {exitcode})"
    return f"the check failed: {type(error).__name__}: {error}"


def _end_with_parent(folder: str) -> None:
    """Wait until the parent has ended, in whatever way; then remove the folder and exit."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)
