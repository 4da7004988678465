"""Checks of workbooks that do what a hostile workbook makes a check do, by the file's name."""

import os
import signal
import sys
import time
from pathlib import Path

from workbook_tools.checking.class_row import Row, Verdict
from workbook_tools.checking.class_task import Outcome, Task, check


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
    return check(task)


def slow_check(log: Path, seconds: float, task: Task) -> Outcome:
    """Take a while, and write down in a folder that it was done."""
    time.sleep(seconds)
    Path(log, f"{task.path.stem}-{time.time_ns()}").touch()
    return Outcome(Row(task.name, task.sha256, Verdict.PASS))
