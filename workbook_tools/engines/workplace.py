"""A temporary folder, and programs that run in it; neither outlives this process.

A process that is killed cannot clean up. So a supervisor process, which is this file run as a
program, makes the folder and starts the programs. Its standard input ends when this process is done
or dies, in whatever way. Then it kills the programs that still run, and removes the folder.

Windows has no process groups; there this process does it all itself.
"""

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any, Protocol

_HAS_GROUPS = os.name == "posix"  # of processes
_PRINTED = "printed"  # a file in the folder
_MOST_PRINTED = 1_000  # characters that are read
_START = 60  # seconds, at most
_WHILE_DYING = 100  # attempts to remove the folder, into which dying programs may still write


class Workplace(Protocol):
    """A folder that programs work in."""

    folder: Path

    def run(self, command: Sequence[str], seconds: float) -> str:
        """Run a program; return the beginning of its output.

        Raises ``TimeoutError`` if it takes longer; then no other program can be run. Raises
        ``OSError`` if it cannot be started.
        """
        ...


@contextmanager
def workplace() -> Iterator[Workplace]:
    """Yield a new folder; afterwards it and the programs that ran in it are gone.

    Raises ``OSError`` if it cannot be made.
    """
    with _supervised() if _HAS_GROUPS else _own() as place:
        yield place


def _beginning(folder: Path) -> str:
    with (folder / _PRINTED).open(encoding="utf-8", errors="replace") as printed:
        return printed.read(_MOST_PRINTED)


class _Own:
    """A folder that this process makes and removes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, command: Sequence[str], seconds: float) -> str:
        started = _started(command, self.folder)
        try:
            started.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError from error
        finally:
            started.kill()
            started.wait()
        return _beginning(self.folder)


@contextmanager
def _own() -> Iterator[_Own]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield _Own(Path(folder))


class _Supervised:
    """A folder that the supervisor makes and removes."""

    def __init__(self, supervisor: "subprocess.Popen[str]") -> None:
        self._supervisor = supervisor
        self.folder = Path(self._answer(_START))

    def run(self, command: Sequence[str], seconds: float) -> str:
        assert self._supervisor.stdin is not None
        print(json.dumps(command), file=self._supervisor.stdin, flush=True)
        if (error := self._answer(seconds)) is not None:
            raise OSError(*error)
        return _beginning(self.folder)

    def _answer(self, seconds: float) -> Any:
        assert self._supervisor.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._supervisor.stdout, selectors.EVENT_READ)
            if not selector.select(seconds):
                raise TimeoutError
        line = self._supervisor.stdout.readline()
        if not line:
            raise OSError(0, "its supervising process has ended")
        return json.loads(line)


@contextmanager
def _supervised() -> Iterator[_Supervised]:
    with subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # so that Ctrl-C does not reach it
    ) as supervisor:  # at the end its standard input is closed, and its end awaited
        yield _Supervised(supervisor)


def _started(command: Sequence[str], folder: Path) -> "subprocess.Popen[bytes]":
    with (folder / _PRINTED).open("wb") as printed:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=printed,  # not a pipe, which a child that goes on would keep open
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # so that its own children are killed with it
        )


def _supervise() -> None:
    """Make a folder, and run the programs that standard input names, until it ends."""
    for ends in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ends, lambda *_: None)  # not SIG_IGN, which programs would inherit
    folder = Path(tempfile.mkdtemp())
    running: set[subprocess.Popen[bytes]] = set()
    try:
        _say(str(folder))
        for line in sys.stdin:
            try:
                program = _started(json.loads(line), folder)
            except OSError as error:
                _say([error.errno, error.strerror])
                continue
            running.add(program)
            Thread(target=_wait, args=(program, running), daemon=True).start()
    finally:
        for program in [*running]:
            _kill_group(program)
        for _ in range(_WHILE_DYING):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
            time.sleep(0.05)


def _wait(program: "subprocess.Popen[bytes]", running: "set[subprocess.Popen[bytes]]") -> None:
    program.wait()
    _kill_group(program)  # children that it may have left running
    running.discard(program)
    _say(None)


def _kill_group(program: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)


def _say(answer: object) -> None:
    with suppress(OSError):  # there may be no reader any more
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _supervise()
