"""However a check ends, no program that it started and no folder is left."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import openpyxl
import pytest
from pebble import ProcessExpired

from workbook_tools.checking.workers import pool_of
from workbook_tools.engines import recalculate, workplace

pytestmark = pytest.mark.slow

SOON = 10.0  # seconds
# It starts another program, as LibreOffice does, and writes into its folder as long as it runs.
SLOW = """#!/bin/sh
echo $$ >> "$STARTED"
out="${*#*--outdir }"; out="${out%% *}"
(echo $(exec sh -c 'echo $PPID') >> "$STARTED"
 while true; do mkdir -p "$out/more"; date > "$out/more/$(date +%N)"; sleep 0.01; done) &
sleep 600 &
echo $! >> "$STARTED"
wait
"""


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workbook; what stands for LibreOffice takes for ever."""
    programs, folders = tmp_path / "programs", tmp_path / "folders"
    programs.mkdir()
    folders.mkdir()
    (programs / "soffice").write_text(SLOW)
    (programs / "soffice").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("STARTED", str(tmp_path / "started"))
    monkeypatch.setenv("TMPDIR", str(folders))
    book = openpyxl.Workbook()
    book.active.append([1, "=A1*2"])
    book.save(tmp_path / "book.xlsx")
    return tmp_path / "book.xlsx"


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def started(book: Path) -> list[int]:
    """Return the processes that were started in LibreOffice's place."""
    with suppress(FileNotFoundError):
        return [int(line) for line in (book.parent / "started").read_text().split()]
    return []


def alive(process: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    return False


def assert_nothing_is_left(book: Path) -> None:
    assert within(SOON, lambda: not any(map(alive, started(book))))
    folders = book.parent / "folders"
    assert within(SOON, lambda: not any(folders.iterdir())), list(folders.rglob("*"))


# A shell may have it ignore what would end it, and nohup does.
CHECK = """
import signal, sys, pathlib
from workbook_tools.engines import recalculate
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
recalculate(pathlib.Path(sys.argv[1]), "libreoffice")
"""
linux = pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are asked of Linux")


@linux
@pytest.mark.parametrize("ends", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_check_that_is_killed_leaves_nothing(slow: Path, ends: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", CHECK, slow], stderr=subprocess.DEVNULL) as check:
        assert within(30, lambda: len(started(slow)) == 3)
        assert all(map(alive, started(slow)))
        check.send_signal(ends)
    assert check.returncode != 0
    assert_nothing_is_left(slow)


@linux
@pytest.mark.parametrize("how", ["timeout", "stop"])
def test_a_check_that_its_pool_ends_leaves_nothing(slow: Path, how: str) -> None:
    with pool_of(1) as pool:
        for seconds in (3, 60):  # a busy machine may take long to start a process
            limit = seconds if how == "timeout" else None
            future = pool.schedule(recalculate, (slow, "libreoffice"), timeout=limit)
            if within(seconds, lambda: len(started(slow)) == 3):
                break
            (slow.parent / "started").unlink(missing_ok=True)
        assert len(started(slow)) == 3
        if how == "timeout":
            with pytest.raises((TimeoutError, ProcessExpired)):
                future.result()
            assert_nothing_is_left(slow)
    assert_nothing_is_left(slow)


@pytest.mark.parametrize("system", [os.name, "nt"])
def test_a_program_that_is_done_or_slow_leaves_nothing(
    slow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    monkeypatch.setattr(workplace, "_HAS_GROUPS", system == "posix")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "folders"))
    with workplace.workplace() as place:
        assert place.folder.parent == tmp_path / "folders"
        (place.folder / "own").write_text("x")
        assert place.run(["sh", "-c", "echo yes; sleep 4 &"], 30) == "yes\n"
        assert place.run(["sh", "-c", "echo no >&2; exit 3"], 30) == ""
        with pytest.raises(FileNotFoundError):
            place.run([str(tmp_path / "nowhere")], 30)
        assert place.run(["sh", "-c", "printf '\\377%5000s'"], 30)[:2] == "\ufffd "
    assert not any((tmp_path / "folders").iterdir())
    with pytest.raises(TimeoutError), workplace.workplace() as place:
        place.run(["sleep", "600"], 0.3)
    assert not any((tmp_path / "folders").iterdir())


def test_a_supervisor_that_is_gone_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(OSError, match="supervising"), workplace.workplace():
        pass
