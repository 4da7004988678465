"""A class of workbooks: everyone gets a row, whatever one of them does; nothing is done twice."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from multiprocessing import forkserver
from pathlib import Path

import openpyxl
import pytest
from browser import PHONE, Page, opened
from checks import call, refused
from handmade import FORMULAS, HandMade, copy_of_the_table
from hostile import SOON_OR_LATER, go_on, hostile_check, keep, limits, slow_check
from parts import rewritten
from pebble import ProcessExpired

from workbook_tools.checking.limits import memory_limit
from workbook_tools.checking.verify import verify
from workbook_tools.checking.worker import ONE_THREAD, limited
from workbook_tools.checking.workers import pool_of, was_spent
from workbook_tools.classroom.csv_table import write_csv
from workbook_tools.classroom.outputs import Outputs, page_name
from workbook_tools.classroom.page import alike, commonest, write_class_html
from workbook_tools.classroom.row import Mistake, Row, Verdict
from workbook_tools.classroom.run import How, InterruptedRunError, check_class
from workbook_tools.classroom.submissions import Submission, find_submissions
from workbook_tools.errors import InputError
from workbook_tools.reporting.csv_file import harmless

pytestmark = pytest.mark.slow


W3 = FORMULAS["∂E/∂w3"].replace("M6", "K6")


def wrong(path: Path) -> Path:
    return HandMade(formulas=FORMULAS | {"∂E/∂w3": W3}).save(path)


def class_of(folder: Path, *names: str) -> list[Submission]:
    """Write files that are never opened."""
    for name in names:
        (folder / f"{name}.xlsx").write_text(name)
    return find_submissions([folder])


def verdicts(rows: list[Row]) -> dict[str, str]:
    return {row.file: row.verdict for row in rows}


def test_one_bad_file_never_stops_the_others(workbooks: Path, tmp_path: Path) -> None:
    folder = tmp_path / "class"
    (folder / "Ann").mkdir(parents=True)
    good = HandMade().save(folder / "good.xlsx")
    wrong(folder / "Ann" / "wrong.xlsx")
    openpyxl.Workbook().save(folder / "empty.xlsx")
    (folder / "cut.xlsx").write_bytes(good.read_bytes()[:3000])
    rewritten(good, folder / "bomb.xlsx", added={"xl/media/image9.png": bytes(100 << 20)})
    for name in ("hangs", "dies", "greedy", "raises", "leaves", "~$good"):
        shutil.copy(good, folder / f"{name}.xlsx")
    os.mkfifo(folder / "pipe.xlsx")
    outputs = Outputs(csv=tmp_path / "grades.csv", html=tmp_path / "class.html")
    for seconds in SOON_OR_LATER:
        how = How(jobs=2, timeout=seconds)
        result = check_class(find_submissions([folder]), how, outputs, check=hostile_check)
        if [*verdicts(result.rows).values()].count(Verdict.TIMED_OUT) == 1:
            break
    assert verdicts(result.rows) == {
        "Ann/wrong.xlsx": Verdict.FAIL,
        "bomb.xlsx": Verdict.UNREADABLE,
        "cut.xlsx": Verdict.UNREADABLE,
        "dies.xlsx": Verdict.CRASHED,
        "empty.xlsx": Verdict.UNCHECKED,
        "good.xlsx": Verdict.PASS,
        "greedy.xlsx": Verdict.CRASHED,
        "hangs.xlsx": Verdict.TIMED_OUT,
        "leaves.xlsx": Verdict.CRASHED,
        "pipe.xlsx": Verdict.UNREADABLE,
        "raises.xlsx": Verdict.CRASHED,
    }
    why = {row.file: row.why for row in result.rows}
    for file, said in {
        "bomb.xlsx": "250 times its size",
        "cut.xlsx": "cut short",
        "dies.xlsx": "ended unexpectedly",
        "empty.xlsx": "no training table",
        "good.xlsx": "",
        "greedy.xlsx": "more than 0.9 GiB of memory",
        "hangs.xlsx": f"not finished after {seconds:g} seconds",
        "pipe.xlsx": "is not a file",
        "raises.xlsx": "RuntimeError: something else",
    }.items():
        assert said in why[file]
    page = Page((tmp_path / "class.html").read_text(encoding="utf-8"))
    assert page.unclosed == []
    assert "1 of 11 workbooks has mistakes" in page.text
    own = [link for link in page.links if not link.startswith("#")]
    assert len(set(own)) == 3  # those that could be read
    assert all((tmp_path / link).exists() for link in own)
    table = (tmp_path / "grades.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(table.splitlines()))
    assert [row["file"] for row in rows] == [row.file for row in result.rows]
    assert rows[0]["wrong-formula"] == "1"
    assert rows[0]["first finding"] == "∂E/∂w3 uses a_h1 where a_h2 belongs"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "class", "class.html", "class_files", "grades.csv",
    ]  # fmt: skip


def test_a_folder_is_checked_with_one_command(tmp_path: Path) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    HandMade().save(folder / "a.xlsx")
    options = ["--csv", str(tmp_path / "g.csv"), "--html", str(tmp_path / "c.html"), "--jobs", "1"]
    result = call("verify", folder, *options)
    assert result.exit_code == 0, result.output
    assert "1 workbook: 1 pass." in result.output
    wrong(folder / "b.xlsx")
    result = call("verify", folder, *options, "--json", "-")
    assert result.exit_code == 1
    assert [one["verdict"] for one in json.loads(result.stdout)] == ["pass", "fail"]
    openpyxl.Workbook().save(folder / "c.xlsx")
    result = call("verify", folder, *options)
    assert result.exit_code == 2
    assert "3 workbooks: 1 pass, 1 fail, 1 unchecked." in result.output


def test_harmless_findings_fail_a_class_only_if_strict(tmp_path: Path) -> None:
    folder, table = tmp_path / "class", tmp_path / "g.csv"
    folder.mkdir()
    HandMade(cells={"F12": "=F11-D2*Y11"}).save(folder / "a.xlsx")
    options = ["--csv", table, "--html", tmp_path / "c.html", "--jobs", "1"]
    for strict, status, verdict, headline in (
        ([], 0, Verdict.PASS, "No mistakes, but 1 harmless finding"),
        (["--strict"], 1, Verdict.FAIL, "1 harmless finding, which fails with --strict"),
    ):
        assert call("verify", folder, *options, *strict).exit_code == status
        [row] = csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines())
        assert (row["verdict"], row["broken-pattern"]) == (verdict, "1")
        page = tmp_path / "c_files" / page_name(folder / "a.xlsx")
        assert headline in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("names", [[], ["notes.txt"], ["~$open.xlsx", "._a.xlsx"]])
def test_a_folder_without_workbooks_is_one_line(names: list[str], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert "no workbook in this folder" in refused("verify", tmp_path)


def test_a_folder_that_cannot_be_read_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: str) -> None:  # root may read everything
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match=r"cannot be read \(Permission denied\)"):
        find_submissions([tmp_path])


def test_files_are_called_what_tells_them_apart(tmp_path: Path) -> None:
    for name in ("a/x.xlsx", "b/x.XLSX", "b/old.xls"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_submissions([tmp_path / "b", tmp_path / "a", tmp_path / "a" / "x.xlsx"])
    assert [one.name for one in found] == ["b/old.xls", "b/x.XLSX", "a/x.xlsx"]
    assert [one.name for one in find_submissions([tmp_path / "a"])] == ["x.xlsx"]


def test_files_on_several_disks_are_called_by_their_whole_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(paths: list[Path]) -> str:  # as on Windows
        raise ValueError("Paths don't have the same drive")

    monkeypatch.setattr(os.path, "commonpath", refuse)
    places = [tmp_path / "a.xlsx", tmp_path / "b.xlsx"]
    assert [one.name for one in find_submissions(places)] == [str(place) for place in places]


@pytest.mark.parametrize("engine", ["embedded", "ironcalc"])
def test_a_name_that_is_no_text_is_no_obstacle(engine: str, tmp_path: Path) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    HandMade().save(tmp_path / "a.xlsx").rename(folder / os.fsdecode(b"\xff.xlsx"))
    outputs = Outputs(tmp_path / "g.csv", tmp_path / "c.html", tmp_path / "j.json")
    result = check_class(find_submissions([folder]), How(engine), outputs)
    assert verdicts(result.rows) == {"?.xlsx": Verdict.PASS}
    json.dumps(result.documents, ensure_ascii=False).encode()


def test_reports_that_cannot_be_written_are_refused_before_anything_is_checked(
    tmp_path: Path,
) -> None:
    submissions = class_of(tmp_path, "a")
    done: list[Row] = []
    with pytest.raises(InputError, match="its folder does not exist"):
        check_class(submissions, How(), Outputs(csv=tmp_path / "no" / "g.csv"), done.append)
    assert done == []


class Stopper:
    """Presses Ctrl-C after so many workbooks."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __call__(self, row: Row) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def checked(log: Path) -> list[str]:
    return sorted(path.name.split("-")[0] for path in log.iterdir())


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    folder, log = tmp_path / "class", tmp_path / "log"
    folder.mkdir()
    log.mkdir()
    submissions = class_of(folder, *"abcdef")
    outputs, how = Outputs(csv=tmp_path / "g.csv"), How(jobs=1)
    check = partial(slow_check, log, 0.05)
    with pytest.raises(InterruptedRunError, match=r"3 of 6 .* give the same command to continue"):
        check_class(submissions, how, outputs, Stopper(3), check)
    journal = tmp_path / ".g.csv.unfinished"
    finished = [
        json.loads(line)["row"]["file"] for line in journal.read_text().splitlines() if line
    ]
    assert finished == ["a.xlsx", "b.xlsx", "c.xlsx"]
    (folder / "b.xlsx").write_text("handed in anew")
    with journal.open("a") as file:
        file.write('\n{"key": "cut sho')  # by a crash
    for path in log.iterdir():
        path.unlink()
    result = check_class(submissions, how, outputs, check=check)
    assert checked(log) == ["b", "d", "e", "f"]
    assert len(verdicts(result.rows)) == 6
    assert not journal.exists()


@pytest.mark.parametrize(
    "other", [How(tolerance=0.5), How(timeout=7), How(engine="cached"), How(strict=True)]
)
def test_what_was_checked_in_another_way_is_checked_again(other: How, tmp_path: Path) -> None:
    folder, log = tmp_path / "class", tmp_path / "log"
    folder.mkdir()
    log.mkdir()
    submissions = class_of(folder, "a", "b")
    outputs, check = Outputs(csv=tmp_path / "g.csv"), partial(slow_check, log, 0.0)
    with pytest.raises(InterruptedRunError):
        check_class(submissions, How(), outputs, Stopper(1), check)
    check_class(submissions, other, outputs, check=check)
    assert checked(log).count("a") == 2


def test_ctrl_c_says_how_to_go_on(workbooks: Path, tmp_path: Path) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    for number in range(12):
        shutil.copy(workbooks / "mazur.xlsx", folder / f"{number}.xlsx")
    words = ["verify", "class", "--csv", "g.csv", "--html", "c.html", "--jobs", "1"]
    command = [sys.executable, "-m", "workbook_tools", *words]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        # Where the tests run in the background, a shell has told them to ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as run:
        journal = tmp_path / ".g.csv.unfinished"
        until = time.monotonic() + 60
        while not (journal.exists() and journal.stat().st_size) and time.monotonic() < until:
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        said = run.communicate(timeout=60)[1]
    assert run.returncode == 130
    assert said.count("\n") == 1
    assert "of 12 workbooks are done and saved in .g.csv.unfinished" in said
    assert not (tmp_path / "g.csv").exists()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "12 workbooks: 12 pass." in done.stdout


def test_a_terminal_sees_how_far_a_class_is(workbooks: Path, tmp_path: Path) -> None:
    words = f"verify {workbooks / 'mazur.xlsx'} --csv {tmp_path / 'g.csv'} --jobs 1"
    done = subprocess.run(
        ["script", "-qec", f"{sys.executable} -m workbook_tools {words}", "/dev/null"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "0/1" in done.stdout


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "\tx", "\rx", "\x01=1", "\n=1"])
def test_text_that_a_spreadsheet_would_compute_is_neutralised(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "∂E/∂w3", "1-2", "Sheet1!A1: =1"])
def test_other_text_is_left_alone(text: str) -> None:
    assert harmless(text) == text


def test_the_table_of_a_class_is_neutralised(tmp_path: Path) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    wrong(folder / "=cmd.xlsx")
    check_class(find_submissions([folder]), How(), Outputs(csv=tmp_path / "g.csv"))
    content = (tmp_path / "g.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(content.decode("utf-8-sig").splitlines())
    assert row["file"] == "'=cmd.xlsx"
    write_csv([Row("a", first="=HYPERLINK(")], tmp_path / "other.csv")
    assert "'=HYPERLINK(" in (tmp_path / "other.csv").read_text(encoding="utf-8")


def row(file: str, signature: str = "", sha256: str = "", *mistakes: Mistake) -> Row:
    return Row(file, sha256, Verdict.FAIL, signature=signature, mistakes=list(mistakes))


def test_the_commonest_mistakes_come_first() -> None:
    one = Mistake("w1: wrong formula", "wrong-formula")
    other = Mistake("∂E/∂w3 uses a_h1 where a_h2 belongs", "wrong-formula")
    rows = [row("a", "", "", one, other), row("b", "", "", other)]
    assert [(c.mistake, [r.file for r in c.rows]) for c in commonest(rows)] == [
        (other, ["a", "b"]),
        (one, ["a"]),
    ]


def test_workbooks_with_the_same_formulas_are_named_together() -> None:
    mistake = Mistake("w1", "latent")
    rows = [
        row("a", "s1", "f1"), row("b", "s1", "f1"), row("c", "s1", "f2"),
        row("d", "s2", "f3", mistake), row("e", "s2", "f3", mistake),
        row("alone", "s3", "f4"), row("unreadable", "", "f5"), row("unreadable too", "", "f5"),
    ]  # fmt: skip
    assert [([r.file for r in g.rows], g.same_file, g.mistakes) for g in alike(rows)] == [
        (["d", "e"], True, 1),
        (["a", "b", "c"], False, 0),
    ]


def test_the_page_of_a_class_is_careful_and_escaped(tmp_path: Path) -> None:
    mistake = Mistake("∂E/∂w3 uses a_h1<b> where a_h2 belongs", "wrong-formula")
    name = "<script>alert(1)</script>"
    rows = [row(f"{name}{n}", "s", "f", mistake) for n in range(2)]
    rows.append(Row("bad", "", Verdict.CRASHED, why=f"{name}"))
    write_class_html(rows, tmp_path / "c.html")
    source = (tmp_path / "c.html").read_text(encoding="utf-8")
    page = Page(source)
    assert page.unclosed == []
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert "Right formulas are often the same" in page.text
    assert "The same file, byte for byte, with the same mistake" in page.text
    assert "2 of 3 workbooks have mistakes" in page.text
    assert name in page.text


def test_a_mistake_of_several_workbooks_is_said_once_with_all_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    sheets = HandMade(formulas=FORMULAS | {"∂E/∂w3": W3}).save(folder / "a.xlsx")
    copy_of_the_table(sheets, down=30, right=3)  # two places, of one mistake
    wrong(folder / "b.xlsx")
    HandMade().save(folder / "c.xlsx")
    outputs = Outputs(csv=tmp_path / "g.csv", html=tmp_path / "class.html")
    rows = check_class(find_submissions([folder]), How(jobs=1), outputs).rows
    assert [(c.mistake.words, [r.file for r in c.rows]) for c in commonest(rows)] == [
        ("∂E/∂w3 uses a_h1 where a_h2 belongs", ["a.xlsx", "b.xlsx"]),
    ]
    assert [row.counts for row in rows] == [{"wrong-formula": 1}] * 2 + [{}]
    source = (tmp_path / "class.html").read_text(encoding="utf-8")
    common = source[source.index("The most common") : source.index("Every workbook")]
    assert Page(common[common.index("<ol") :]).text.count("where ah2 belongs") == 1
    table = csv.DictReader((tmp_path / "g.csv").read_text(encoding="utf-8-sig").splitlines())
    assert [line["wrong-formula"] for line in table] == ["1", "1", "0"]


def test_what_is_harmless_in_a_class_is_no_mistake(tmp_path: Path) -> None:
    mild = Mistake("w1…w8 read the learning rate without $", "broken-pattern", is_mild=True)
    rows = [row("a", "s", "f", mild), row("b", "s", "f", mild)]
    write_class_html(rows, tmp_path / "c.html")
    text = Page((tmp_path / "c.html").read_text(encoding="utf-8")).text
    assert "No mistakes were found." in text
    assert text.index("No mistakes were found.") < text.index("Harmless, or perhaps intended")
    assert alike(rows)[0].mistakes == 0


def test_of_very_many_mistakes_the_most_common_are_listed(tmp_path: Path) -> None:
    rows = [row(f"{n}", "", "", Mistake(f"mistake {n}", "latent")) for n in range(60)]
    write_class_html(rows, tmp_path / "c.html")
    text = Page((tmp_path / "c.html").read_text(encoding="utf-8")).text
    assert "And 10 more, each in 1 workbook at most." in text


@pytest.mark.chromium
def test_the_page_of_a_class_fits_a_phone(tmp_path: Path) -> None:
    write_class_html([row("a" * 60, "s", "f", Mistake("∂E/∂w3", "latent"))], tmp_path / "c.html")
    assert opened(tmp_path / "c.html", PHONE).needs == PHONE


def test_pages_of_files_of_one_name_are_told_apart() -> None:
    names = {page_name(Path(place)) for place in ("a/x.xlsx", "b/x.xlsx", "a/X.xlsx", "a/ä.xlsx")}
    assert len({name.lower() for name in names}) == 4
    assert all(name.isascii() and "/" not in name and " " not in name for name in names)
    assert len(page_name(Path("long" * 100))) < 100


def test_a_signature_tells_formulas_not_where_they_stand(tmp_path: Path) -> None:
    first = verify(HandMade().save(tmp_path / "a.xlsx")).tables[0].signature
    moved = HandMade().save(tmp_path / "moved.xlsx")
    copy_of_the_table(moved, down=30, right=3)
    assert {table.signature for table in verify(moved).tables} == {first}
    short = HandMade(rows=list(range(6, 14))).save(tmp_path / "short.xlsx")
    assert verify(short).tables[0].signature == first
    spaced = HandMade(formulas=FORMULAS | {"E_tot": "= V6 + w6"}).save(tmp_path / "spaced.xlsx")
    assert verify(spaced).tables[0].signature == first
    other = HandMade(formulas=FORMULAS | {"E_tot": "=W6+V6"}).save(tmp_path / "other.xlsx")
    assert verify(other).tables[0].signature != first
    assert len(first) == 16


def test_a_check_that_is_given_up_costs_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    large = {"XFD1048576": 1} | {f"A{row}": f"=SUM(B{row}:XFD1048576)" for row in range(40, 60)}
    HandMade(cells=dict(large)).save(folder / "a.xlsx")
    for name in ("b", "c"):
        HandMade().save(folder / f"{name}.xlsx")
    result = check_class(find_submissions([folder]), How(jobs=1), Outputs())
    assert verdicts(result.rows) == {
        "a.xlsx": Verdict.UNREADABLE, "b.xlsx": Verdict.PASS, "c.xlsx": Verdict.PASS,
    }  # fmt: skip
    assert "too large to be calculated" in result.rows[0].why


def test_a_worker_in_which_an_engine_goes_on_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    for name in ("a", "goes on", "h", "i"):
        path = HandMade().save(folder / f"{name}.xlsx")
    result = check_class(find_submissions([folder]), How(jobs=1), Outputs(), check=hostile_check)
    assert set(verdicts(result.rows).values()) == {Verdict.PASS}
    with pool_of(1) as pool:
        first = pool.schedule(limited, (path, go_on)).result()
        second = pool.schedule(limited, (path, os.getpid))
        with pytest.raises(ProcessExpired):
            second.result()
        assert was_spent(second)
        assert pool.schedule(limited, (path, os.getpid)).result() != first


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
def test_what_an_earlier_check_has_not_given_back_is_not_held_against_the_next(
    workbooks: Path,
) -> None:
    with pool_of(1) as pool:
        for megabytes in (300, 300, 300):
            pool.schedule(limited, (workbooks / "mazur.xlsx", keep, megabytes)).result()
        with pytest.raises(MemoryError):
            pool.schedule(limited, (workbooks / "mazur.xlsx", keep, 1200)).result()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is on Linux only")
def test_a_worker_limits_its_threads_and_its_memory(
    workbooks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ONE_THREAD:
        monkeypatch.delenv(name, raising=False)
    forkserver._forkserver._stop()  # another test has begun it, in another environment
    small, large = workbooks / "mazur.xlsx", workbooks / "iris.xlsx"
    with pool_of(1) as pool:
        found = [
            pool.schedule(limited, (path, limits), timeout=60).result() for path in (small, large)
        ]
    assert [(is_one, threads) for is_one, _, threads in found] == [(True, "1")] * 2
    for (_, limit, _), path in zip(found, (small, large), strict=True):
        assert memory_limit(path) <= limit < memory_limit(path) + (64 << 20)
    assert 600 << 20 < memory_limit(small) < memory_limit(large) < 2 << 30
