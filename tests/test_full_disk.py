"""A full disk: old reports and the journal survive, and one line names what cannot be written."""

import errno
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from checks import call, refused
from handmade import FORMULAS, HandMade
from odd_places import full_device, null_device, small_disk
from suggested import report_of

from workbook_tools.checking.verify import verify
from workbook_tools.classroom import run as class_run
from workbook_tools.classroom.outputs import Outputs, page_name
from workbook_tools.classroom.row import Row, Verdict
from workbook_tools.classroom.run import How, check_class
from workbook_tools.classroom.submissions import Submission, find_submissions
from workbook_tools.classroom.task import Outcome, Task
from workbook_tools.errors import InputError
from workbook_tools.judging.faults import Fault, Kind
from workbook_tools.reporting.copies import write_marked, write_mended

pytestmark = pytest.mark.slow


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
SAID = r"cannot be written \(No space left on device\)"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    with small_disk(tmp_path / "disk", "64k") as disk:
        yield disk


def class_of(folder: Path, count: int) -> list[Submission]:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.xlsx").write_text(str(number))
    return find_submissions([folder])


def outcomes(pages: dict[str, str], documents: str = "") -> class_run.Check:
    """Return what stands for a check: of each workbook its page, by name, and a long document."""

    def check(task: Task) -> Outcome:
        page = pages.get(task.path.name, "page") if task.html else None
        return Outcome(Row(task.name, task.sha256, Verdict.PASS), page, {"long": documents})

    return check


@pytest.fixture(autouse=True)
def one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check in this process: what is tried here is what becomes of the reports."""

    def here(check: class_run.Check, tasks: list[Task], *_: object) -> Iterator[object]:
        for task in tasks:
            yield task, check(task)

    monkeypatch.setattr(class_run, "outcomes_here", here)


@pytest.mark.parametrize("report", ["csv", "html", "json"])
def test_old_reports_of_a_class_and_its_journal_survive(
    report: str, tmp_path: Path, disk: Path
) -> None:
    submissions = class_of(tmp_path / "class", 3)
    old = disk / "report"
    old.write_text("old")
    outputs = replace(Outputs(), **{report: old})
    filler = (disk / "filler").open("wb", buffering=0)

    def fill(row: Row) -> None:
        if row.file == "2.xlsx":  # the last one: the journal is written, nothing else can be
            while True:
                try:
                    filler.write(b"x" * 100)
                except OSError:
                    return

    with pytest.raises(InputError, match=f"report: {SAID}"):
        check_class(submissions, How(), outputs, fill, outcomes({}))
    assert old.read_text() == "old"
    kept = (disk / ".report.unfinished").read_text().strip().split("\n")
    assert len(kept) == 3
    filler.truncate(0)
    filler.close()

    def fail(task: Task) -> Outcome:
        raise AssertionError("all are finished")

    check_class(submissions, How(), outputs, check=fail)
    assert old.read_text() != "old"
    assert not (disk / ".report.unfinished").exists()


def test_a_journal_that_has_no_more_room_is_said_and_kept(tmp_path: Path, disk: Path) -> None:
    submissions = class_of(tmp_path / "class", 8)
    (disk / "g.csv").write_text("old")
    (disk / "filler").write_bytes(bytes(10_000))
    outputs = Outputs(csv=disk / "g.csv")
    long = outcomes({}, "x" * 16_000)
    with pytest.raises(InputError, match=r"\.g\.csv\.unfinished: .*\(No space left on device\)"):
        check_class(submissions, How(), outputs, check=long)
    assert (disk / "g.csv").read_text() == "old"
    (disk / "filler").unlink()
    done: list[str] = []

    def check(task: Task) -> Outcome:
        done.append(task.name)
        return Outcome(Row(task.name, task.sha256, Verdict.PASS))

    check_class(submissions, How(), outputs, check=check)
    assert done == [f"{number}.xlsx" for number in range(3, 8)]  # the cut line is done again
    assert (disk / "g.csv").read_text() != "old"


def test_a_journal_that_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        """A file on a full disk: what is written into it stays in its memory."""

        def __init__(self, file: object) -> None:
            self.file = file

        def __getattr__(self, name: str) -> object:
            return getattr(self.file, name)

        def flush(self) -> None:
            raise FULL

        def close(self) -> None:
            self.file.close()  # type: ignore[attr-defined]
            raise FULL

    class_of(tmp_path / "class", 2)
    opened = Path.open

    def full(path: Path, *how: object, **more: object) -> object:
        file = opened(path, *how, **more)  # type: ignore[call-overload]
        return Full(file) if path.name.endswith(".unfinished") else file

    monkeypatch.setattr(Path, "open", full)
    monkeypatch.chdir(tmp_path)
    line = refused("verify", "class", "--csv", "g.csv")
    assert ".g.csv.unfinished: the results so far cannot be saved there (No space" in line
    assert not (tmp_path / "g.csv").exists()


def test_a_page_that_cannot_be_written_costs_its_own_row(tmp_path: Path, disk: Path) -> None:
    submissions = class_of(tmp_path / "class", 3)
    outputs = Outputs(html=disk / "c.html", csv=tmp_path / "g.csv")
    check = outcomes({"1.xlsx": "x" * 70_000})
    result = check_class(submissions, How(), outputs, check=check)
    pages = [row.page for row in result.rows]
    assert pages == [page_name(submissions[0].path), "", page_name(submissions[2].path)]
    assert [row.verdict for row in result.rows] == ["pass"] * 3
    assert [bool(row.why) for row in result.rows] == [False, True, False]
    said = f"{page_name(submissions[1].path)}: cannot be written (No space left on device)"
    assert said in result.rows[1].why
    assert said in (tmp_path / "g.csv").read_text(encoding="utf-8-sig")
    assert "No space left on device" in (disk / "c.html").read_text()
    assert sorted(os.listdir(disk / "c_files")) == sorted(page for page in pages if page)


def test_a_page_that_could_not_be_written_is_made_when_the_run_goes_on(tmp_path: Path) -> None:
    submissions = class_of(tmp_path / "class", 3)
    outputs = Outputs(html=tmp_path / "c.html")
    page = tmp_path / "c_files" / page_name(submissions[0].path)
    page.mkdir(parents=True)  # in its way

    def stop(row: Row) -> None:
        if row.file == "1.xlsx":
            raise KeyboardInterrupt

    with pytest.raises(class_run.InterruptedRunError, match="2 of 3"):
        check_class(submissions, How(), outputs, stop, outcomes({}))
    page.rmdir()
    result = check_class(submissions, How(), outputs, check=outcomes({}))
    assert [row.why for row in result.rows] == [""] * 3
    assert page.read_text() == "page"


def test_the_command_says_that_a_page_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submissions = class_of(tmp_path / "class", 2)
    monkeypatch.setattr(class_run.check_class, "__defaults__", (lambda row: None, outcomes({})))
    monkeypatch.chdir(tmp_path)
    words = ["verify", "class", "--html", "c.html"]
    assert call(*words).exit_code == 0
    page = Path("c_files", page_name(submissions[0].path))

    def full(path: Path, text: str) -> None:
        raise InputError(f"{path}: cannot be written")

    monkeypatch.setattr(class_run, "write_text", full)
    result = call(*words)
    assert result.exit_code == 2
    assert f"{page}: cannot be written" in result.stdout.replace("\n", "")


WRONG = FORMULAS | {"∂E/∂w3": FORMULAS["∂E/∂w3"].replace("M6", "K6")}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return HandMade(formulas=WRONG).save(tmp_path / "002.xlsx")


FAULT = Fault(Kind.WRONG_FORMULA, "h1", "Sheet", 2, (6,), "=A1", 1.0, 2.0, 0.5, "It is wrong.")


@pytest.mark.parametrize("write", [write_marked, write_mended])
def test_a_copy_that_has_no_room_is_what_is_named(
    write: object, book: Path, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "tiny", "8k") as disk:
        (disk / "copy.xlsx").write_text("old")
        with pytest.raises(InputError, match=rf"tiny/copy\.xlsx: {SAID}") as caught:
            write(report_of(FAULT), book, disk / "copy.xlsx")  # type: ignore[operator]
        assert "002.xlsx" not in str(caught.value)
        assert (disk / "copy.xlsx").read_text() == "old"
        assert os.listdir(disk) == ["copy.xlsx"]


@pytest.mark.parametrize("make", [write_marked, write_mended])
def test_an_error_of_writing_a_copy_is_not_one_of_reading(
    make: Callable[..., object], book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = verify(book)
    write = zipfile._ZipWriteFile.write  # type: ignore[attr-defined]

    def full(file: object, data: bytes) -> int:
        write(file, data[:10])
        raise FULL

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(zipfile._ZipWriteFile, "write", full)  # type: ignore[attr-defined]
    with pytest.raises(InputError) as refusal:
        make(report, book, Path("copy.xlsx"))
    assert str(refusal.value) == (
        "copy.xlsx: cannot be written (No space left on device); an old file there "
        "is untouched; choose another place, or make room"
    )
    assert os.listdir(tmp_path) == ["002.xlsx"]


@pytest.mark.parametrize("option", ["--json", "--html", "--csv", "--annotate", "--fix"])
def test_a_device_is_written_to_and_stays(option: str, book: Path, tmp_path: Path) -> None:
    nothing, full = null_device(tmp_path / "nothing"), full_device(tmp_path / "full")
    before = sorted(os.listdir(tmp_path))
    result = call("verify", book, option, nothing)
    assert (result.exit_code, result.stderr) == (1, "")
    result = call("verify", book, option, full)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert f"{full}: cannot be written (No space left on device)" in result.stderr
    assert all(stat.S_ISCHR(path.lstat().st_mode) for path in (nothing, full))
    assert sorted(os.listdir(tmp_path)) == before
