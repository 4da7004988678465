"""A temporary folder, and programs that work in it, of which nothing is left behind.

A process that is killed cannot clean up. So another one, which is this file run as a program,
keeps the folder and starts the programs. Its standard input ends when we are done, and also when
we died, however that was: then it kills what still runs, and removes the folder.

Windows has no groups of processes; there we do it all ourselves.
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
_MOST_PRINTED = 1_000  # characters that are looked at
_START = 60  # seconds, at the most
_WHILE_DYING = 100  # times that a folder is removed into which dying programs may still write


class Workplace(Protocol):
    """A folder that programs work in."""

    folder: Path

    def run(self, command: Sequence[str], seconds: float) -> str:
        """Run a program; return what it printed, or the beginning of that.

        Raises ``TimeoutError`` if that takes longer; then no other can be run. Raises ``OSError``
        if it cannot be started.
        """
        ...


@contextmanager
def workplace() -> Iterator[Workplace]:
    """Yield a new folder; it and the programs that run in it are gone afterwards.

    Raises ``OSError`` if there can be none.
    """
    with _supervised() if _HAS_GROUPS else _own() as place:
        yield place


def _beginning(folder: Path) -> str:
    with (folder / _PRINTED).open(encoding="utf-8", errors="replace") as printed:
        return printed.read(_MOST_PRINTED)


class _Own:
    """A folder that this process keeps."""

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
    """A folder that another process keeps."""

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
            raise OSError(0, "the process that supervises it has ended")
        return json.loads(line)


@contextmanager
def _supervised() -> Iterator[_Supervised]:
    with subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C is for us, not for it
    ) as supervisor:  # in the end its standard input is closed, and its own end waited for
        yield _Supervised(supervisor)


def _started(command: Sequence[str], folder: Path) -> "subprocess.Popen[bytes]":
    with (folder / _PRINTED).open("wb") as printed:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=printed,  # no pipe, which a program that goes on would keep open
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # what it starts in turn is killed with it
        )


def _supervise() -> None:
    """Keep a folder and run programs as standard input says, until that ends."""
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
    _kill_group(program)  # what it may have left running
    running.discard(program)
    _say(None)


def _kill_group(program: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGKILL)


def _say(answer: object) -> None:
    with suppress(OSError):  # nobody listens any more
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _supervise()
