"""Checks of workbooks that do what a hostile workbook makes a check do, by the file's name."""

import os
import signal
import sys
import time
from pathlib import Path
from threading import Thread
from typing import Any

from workbook_tools.checking.alone import Checked, OnStep, Wish, all_of
from workbook_tools.checking.limits import ENGINE_THREAD
from workbook_tools.classroom.row import Row, Verdict
from workbook_tools.classroom.task import Outcome, Task, check

# Limits of time: what hangs takes all of it, and on a busy machine the others may take long, too.
SOON_OR_LATER = (4.0, 60.0)  # seconds


def hostile_check(task: Task) -> Outcome:
    """Check a workbook, or hang, die, take memory, raise or leave, as its name says."""
    match task.path.stem:
        case "hangs":
            time.sleep(600)
        case "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        case "greedy":
            return Outcome(Row(str(len(bytearray(6 << 30)))))
        case "raises":
            raise RuntimeError("something else")
        case "leaves":
            sys.exit(0)
        case "goes on":
            go_on()
    return check(task)


def slow_check(log: Path, seconds: float, task: Task) -> Outcome:
    """Take a while, and write down in a folder that it was done."""
    time.sleep(seconds)
    Path(log, f"{task.path.stem}-{time.time_ns()}").touch()
    return Outcome(Row(task.name, task.sha256, Verdict.PASS))


class PanicException(BaseException):
    """As an extension written in Rust raises it: no ``Exception``, and not to be pickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("cannot be pickled")


def hostile_work(wish: Wish, folder: Path, on_step: OnStep) -> Checked:
    """Check one workbook, or do what the name of its file says; leave a file behind."""
    Path(folder, "left behind").write_text(str(os.getpid()))
    match wish.path.stem:
        case "hangs":
            time.sleep(600)
        case "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        case "aborts":
            os.abort()
        case "greedy":
            bytearray(6 << 30)
        case "panics":
            raise PanicException("index out of bounds")
        case "leaves":
            sys.exit(1)
        case "talks":
            os.write(1, b"to the standard output\n")
            os.write(2, b"to the standard error\n")
    return all_of(wish, folder, on_step)


def limits() -> tuple[bool, int, str]:
    """Return, in a worker, its limits; first, whether what it was forked from has one thread."""
    import resource  # Windows has none

    above = Path(f"/proc/{os.getppid()}/environ").read_bytes().split(b"\0")
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    return b"OMP_NUM_THREADS=1" in above, limit, os.environ["OMP_NUM_THREADS"]


_kept: list[bytearray] = []


def keep(megabytes: int) -> None:
    """Take memory that is not given back."""
    _kept.append(bytearray(megabytes << 20))


def go_on() -> int:
    """Leave an engine that never ends; return the process."""
    Thread(target=time.sleep, args=(600,), name=ENGINE_THREAD, daemon=True).start()
    return os.getpid()
