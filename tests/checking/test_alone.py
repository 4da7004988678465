"""The check of one workbook ends in a result or in one line, whatever the workbook does to it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from checks import call, refused
from handmade import FORMULAS, HandMade
from hostile import hostile_work
from odd_places import full_device

from workbook_tools.checking.alone import Wish, checks, prepared
from workbook_tools.errors import BrokenError, InputError

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "workbook_tools"]


def run(*arguments: str | Path, **others: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=False, **others
    )  # type: ignore[call-overload, no-any-return]


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return HandMade().save(tmp_path / "sound.xlsx")


def test_whatever_happens_to_a_check_is_said_and_the_next_one_goes_on(
    sound: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = {
        "dies": "ended unexpectedly",
        "aborts": "needs more than 0.9 GiB of memory",
        "greedy": "needs more than 0.9 GiB of memory",
        "panics": "PanicException",
        "leaves": "SystemExit",
    }
    with checks(1.0, hostile_work) as check:
        path = Path(shutil.copy(sound, sound.with_name("hangs.xlsx")))
        with pytest.raises(InputError, match="not finished after 1 seconds"):
            check(Wish(path, "embedded"), lambda step: None)
    with checks(60.0, hostile_work) as check:
        for name, problem in said.items():
            path = Path(shutil.copy(sound, sound.with_name(f"{name}.xlsx")))
            with pytest.raises(InputError) as refusal:
                check(Wish(path, "embedded"), lambda step: None)
            message = str(refusal.value)
            assert message.startswith(f"{path}: ")
            assert problem in message
            assert isinstance(refusal.value, BrokenError) == (name in ("panics", "leaves"))
        steps: list[str] = []
        talking = Path(shutil.copy(sound, sound.with_name("talks.xlsx")))
        found = check(Wish(talking, "embedded", html=True, marked=path, mended=path), steps.append)
        assert found.report.verdict == "pass"
        assert found.html
        assert found.marked
        assert found.marked.exists()
        assert found.mended
        assert steps == ["reading and recalculating", "checking"]
    assert not found.marked.exists()
    assert capfd.readouterr() == ("", "")


def test_a_check_that_was_begun_early_is_used_only_if_it_is_the_one_that_is_wanted(
    sound: Path,
) -> None:
    other = Path(shutil.copy(sound, sound.with_name("other.xlsx")))
    for wanted, engine in ((sound, "compiled"), (other, "compiled"), (sound, "embedded")):
        with prepared([str(sound), "--timeout", "60"]), checks(60.0) as check:
            steps: list[str] = []
            report = check(Wish(wanted, engine), steps.append).report
        assert report.workbook == str(wanted)
        assert ("formualizer" in report.engine) == (engine == "embedded")
        assert steps == ["reading and recalculating", "checking"]


def test_an_unexpected_failure_is_one_line_with_its_place_and_debug_shows_more(
    sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("what nobody thought of")

    monkeypatch.setattr("workbook_tools.reporting.terminal.print_report", broken)
    line = refused("verify", sound)
    assert "KeyError in commands/verify.py, line" in line
    assert "what nobody thought of" in line
    result = call("verify", sound, "--debug")
    assert "Traceback" in result.stderr
    assert result.exit_code == 2


@pytest.mark.parametrize("command", ["verify", "explain"])
def test_one_workbook_has_a_time_limit(command: str, sound: Path) -> None:
    result = call(command, sound, "--timeout", "0.1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "not finished after 0.1 seconds; give a larger --timeout" in result.stderr


def started(folder: Path, sound: Path) -> "subprocess.Popen[bytes]":
    """Begin a check that hangs, with its temporary files in the folder."""
    path = shutil.copy(sound, sound.with_name("hangs.xlsx"))
    source = (
        "import signal, sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from hostile import hostile_work\n"
        "from workbook_tools.checking.alone import Wish, checks\n"
        "if __name__ == '__main__':\n"
        # What a shell starts in the background ignores SIGINT, and so would this.
        "    signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "    with checks(600.0, hostile_work) as check:\n"
        "        check(Wish(Path(sys.argv[2]), 'embedded'), lambda step: None)\n"
    )
    script = folder.with_name("started.py")
    script.write_text(source)
    helpers = Path(__file__).parent.parent / "helpers"
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(helpers) + os.pathsep
                   + os.environ.get("PYTHONPATH", "")}  # fmt: skip
    return subprocess.Popen(
        [sys.executable, str(script), str(helpers), str(path)],
        env=environment,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "temporary"
    made.mkdir()
    return made


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_check_that_is_stopped_or_killed_leaves_nothing_behind(
    how: signal.Signals, sound: Path, folder: Path
) -> None:
    with started(folder, sound) as process:
        worker = int(_soon(lambda: next(folder.glob("*/left behind")).read_text()))
        process.send_signal(how)
        try:
            process.wait(timeout=60)
        finally:
            process.kill()
    _soon(lambda: _require(not _lives(worker)))
    _soon(lambda: _require(not list(folder.iterdir())))


def _soon(what):  # type: ignore[no-untyped-def]
    """Return what a function does as soon as it does not fail: a busy machine takes its time."""
    for _ in range(600):
        try:
            return what()
        except (AssertionError, StopIteration, ValueError, OSError):
            time.sleep(0.1)
    return what()


def _require(holds: bool) -> None:
    assert holds


def _lives(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


@pytest.mark.parametrize("arguments", [["verify"], ["verify", "--json", "-"], ["explain"]])
def test_a_full_standard_output_is_one_line_and_no_difference(
    arguments: list[str], sound: Path, tmp_path: Path
) -> None:
    with full_device(tmp_path / "full").open("w") as output:
        done = subprocess.run(
            [*COMMAND, *arguments, str(sound)],
            stdout=output, stderr=subprocess.PIPE, text=True, check=False, env=BUFFERED,
        )  # fmt: skip
    assert done.returncode == 2
    said = done.stderr.splitlines()
    assert re.fullmatch("workbook-tools: standard output.*", said[-1])
    assert len(said) == 1 or "--json" in arguments  # then the report goes there
    assert "Traceback" not in done.stderr


def test_whoever_stops_reading_the_output_sees_no_traceback(sound: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "explain", *[str(sound)] * 3], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 2
    process.stderr.close()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
@pytest.mark.parametrize("arguments", [["verify"], ["verify", "--json", "-"], ["explain"]])
def test_an_output_that_is_no_utf_8_is_written_all_the_same(
    arguments: list[str], encoding: str, tmp_path: Path
) -> None:
    wrong = HandMade({**FORMULAS, "∂E/∂w5": "=(S6-B6)*S6*K6"}).save(tmp_path / "wrong.xlsx")
    done = subprocess.run(
        [*COMMAND, *arguments, str(wrong)], capture_output=True, check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
    )  # fmt: skip
    assert done.returncode == (0 if arguments == ["explain"] else 1)
    assert b"Traceback" not in done.stderr
    said = done.stdout.decode(encoding)
    if "--json" in arguments:
        [finding] = json.loads(said)["findings"]
        assert finding["quantities"] == ["∂E/∂w5"]


def test_an_empty_name_is_no_folder(tmp_path: Path) -> None:
    shutil.copy(HandMade().save(tmp_path / "a.xlsx"), tmp_path / "b.xlsx")
    for command in ("verify", "explain"):
        done = run(command, "", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert "an empty name" in done.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.xlsx")
    for command in ("verify", "explain"):
        done = run(command, tmp_path / "pipe.xlsx", timeout=60)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.endswith("pipe.xlsx: is not a file; give a workbook\n")
