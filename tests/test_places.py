"""No command writes over what it reads: each output against each input, by all their names."""

import os
import subprocess
import sys
import tomllib
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from cases import cases
from checks import call, refused
from handmade import HandMade
from hypothesis import event, given
from hypothesis import strategies as st
from odd_places import read_pipe

from workbook_tools.checking import alone
from workbook_tools.checking.alone import Checked, Wish
from workbook_tools.classroom import run as class_run
from workbook_tools.classroom.outputs import page_name
from workbook_tools.classroom.row import Row, Verdict
from workbook_tools.classroom.task import Outcome, Task
from workbook_tools.errors import InputError
from workbook_tools.judging.report import Cells, Report, SummaryReport
from workbook_tools.package.files import write_text
from workbook_tools.package.places import refuse_conflicts
from workbook_tools.writing import workbook

pytestmark = pytest.mark.slow


def contents(folder: Path) -> dict[Path, bytes]:
    """Return what is in a folder, links by where they lead to."""
    return {
        path: os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with a file ``a`` of many names."""
    monkeypatch.chdir(tmp_path)
    Path("a").write_text("mine")
    Path("folder").mkdir()
    Path("link").symlink_to("a")
    Path("link to link").symlink_to("link")
    Path("up").symlink_to("folder")
    Path("dangling").symlink_to("new")
    os.link("a", "hard")
    return tmp_path


NAMES_OF_A = ["a", "./a", "folder/../a", "missing/../a", "up/../a", "link", "link to link", "hard"]


@pytest.mark.parametrize("output", NAMES_OF_A)
@pytest.mark.parametrize("read", NAMES_OF_A)
def test_an_input_is_known_by_any_name(here: Path, read: str, output: str) -> None:
    for name in (output, here / output):
        with pytest.raises(InputError, match=r"is an input.* not written over"):
            refuse_conflicts([Path(read)], [Path(name)])
    with pytest.raises(InputError, match="two outputs would be the same file"):
        refuse_conflicts([], [Path(read), here / output])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("new", "new"),
        ("new", "./new"),
        ("new", "missing/../new"),
        ("new", "dangling"),
        ("folder/new", "up/new"),
        ("new", "NEW"),  # which is one file on many systems
        ("straße", "STRASSE"),
        ("ä", unicodedata.normalize("NFD", "Ä")),
        ("missing/new", "Missing/new"),
    ],
)
def test_two_new_files_are_not_one(here: Path, one: str, other: str) -> None:
    with pytest.raises(InputError, match="two outputs would be the same file"):
        refuse_conflicts([], [Path(one), Path(other)])
    with pytest.raises(InputError, match="is an input"):  # a missing input stays missing
        refuse_conflicts([Path(one)], [Path(other)])


def test_names_that_differ_in_capitals_are_two_files_where_they_are(here: Path) -> None:
    Path("A").write_text("another")
    if Path("a").samefile("A"):
        pytest.skip("the file system takes capitals and small letters for the same")
    refuse_conflicts([Path("a")], [Path("A")])
    refuse_conflicts([], [Path("a"), Path("A"), Path("a.new"), Path("b.new")])


def test_where_capitals_make_no_difference_they_make_none(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = os.stat

    def stat(path: Any, **how: Any) -> os.stat_result:
        """Find a file as such a file system does."""
        path = Path(path)
        names = {name.casefold(): name for name in os.listdir(path.parent)}
        return found(path.with_name(names.get(path.name.casefold(), path.name)), **how)

    monkeypatch.setattr(os, "stat", stat)
    with pytest.raises(InputError, match=r"A: is an input \(as a\)"):
        refuse_conflicts([Path("a")], [Path("A")])


def test_an_output_is_not_the_folder_of_another(here: Path) -> None:
    with pytest.raises(InputError, match="is also the folder of Pages/one"):
        refuse_conflicts([], [Path("pages"), Path("Pages/one")])


@pytest.mark.parametrize(("name", "said"), [("folder", "is a folder"), ("loop", "too many|Too")])
def test_what_is_no_place_for_a_file_is_said_before_anything_is_read(
    here: Path, name: str, said: str
) -> None:
    Path("loop").symlink_to("loop")
    with pytest.raises(InputError, match=said):
        refuse_conflicts([Path("a")], [Path(name)])


def run(words: str, stdout: Path | None = None, stderr: Path | None = None) -> tuple[int, str]:
    """Run the command with what it prints appended to files; return its status and its words."""
    with (stdout or Path("out")).open("ab") as out, (stderr or Path("err")).open("ab") as err:
        command = [sys.executable, "-m", "workbook_tools", *words.split()]
        status = subprocess.run(command, stdout=out, stderr=err, check=False).returncode
    return status, (stderr or Path("err")).read_text(errors="replace")


def test_what_is_printed_is_an_output_too(here: Path) -> None:
    Path("class").mkdir()
    book = HandMade().save(Path("class/a.xlsx"))
    before = book.read_bytes()
    Path("data.csv").write_text("x,y\n1,2\n")
    for words, stdout in {
        "verify class": book,
        f"verify {book} --json /dev/stdout": Path("r.json"),
        "new 1-1 --data data.csv": Path("data.csv"),
        f"explain {book}": book,
    }.items():
        Path("err").unlink(missing_ok=True)
        status, said = run(words, stdout)
        assert (status, said.count("\n")) == (2, 1), said
        assert "the printed output goes to this file" in said
    assert book.read_bytes() == before
    assert Path("data.csv").read_text() == "x,y\n1,2\n"


def test_a_report_may_go_to_a_pipe(here: Path) -> None:
    book = HandMade().save(Path("a.xlsx"))
    for words in ([str(book)], [str(book), "--csv", "g.csv", "--jobs", "1"]):
        with read_pipe(Path("pipe")) as content:
            result = call("verify", *words, "--html", "pipe")
        assert result.exit_code == 0, result.output
        assert content[0].startswith(b"<!DOCTYPE html>")
        Path("pipe").unlink()
    assert not Path("pipe_files").exists()  # a pipe has no pages beside it
    assert not Path(".pipe.unfinished").exists()


@pytest.mark.parametrize("name", ["n" * 256, "n" * 5_000, "n" * 256 + "/x", "loop", "loop/x"])
def test_a_name_that_no_file_can_have_is_one_line(here: Path, name: str) -> None:
    Path("loop").symlink_to("loop")
    HandMade().save(Path("a.xlsx"))
    Path("one.toml").write_text(SPEC.format(data="a"))
    before = contents(here)
    asked = [
        ["verify", name],
        ["explain", name],
        ["build", name],
        ["build", "one.toml", "-o", name],
        ["build", "one.toml", "-o", f"{name}.xlsx"],
        *(
            ["verify", "a.xlsx", option, name]
            for option in ("--csv", "--html", "--json", "--annotate", "--fix")
        ),
    ]
    for words in asked:
        refused(*words)
    assert contents(here) == before


@pytest.mark.parametrize("words", ["build", "verify a.xlsx --csv", "verify a.xlsx --html"])
def test_no_name_at_all_is_one_line(here: Path, words: str) -> None:
    for name in ("", "."):
        assert "is a folder" in refused(*words.split(), name)


@pytest.mark.parametrize("option", ["--csv", "--html", "--json"])
def test_a_workbook_found_in_a_folder_is_not_written_over(here: Path, option: str) -> None:
    Path("folder/sub").mkdir()
    for name in ("a.xlsx", "sub/b.XLSM", "old.xls"):
        Path("folder", name).write_text(f"of a student: {name}")
    os.link("folder/old.xls", "elsewhere.html")
    Path("folder/c.xlsx").symlink_to("../a")
    before = contents(here)
    for name in ("folder/a.xlsx", "up/a.xlsx", "folder/sub/b.XLSM", "elsewhere.html", "a", "link"):
        for places in (["folder"], ["up"], ["a", "folder/sub", "folder"]):
            assert f"{name}: is an input" in refused("verify", *places, option, name)
    assert contents(here) == before


def test_what_is_written_beside_a_report_is_no_input_either(here: Path) -> None:
    book = HandMade().save(Path("a.xlsx"))
    os.link(book, ".g.csv.unfinished")
    assert ".g.csv.unfinished: is an input" in refused("verify", book, "--csv", "g.csv")
    Path("c_files").mkdir()
    page = Path("c_files", page_name(book))
    os.link(book, page)
    assert f"{page}: is an input" in refused("verify", book, "--csv", "h.csv", "--html", "c.html")
    assert sorted(os.listdir("c_files")) == [page.name]


def test_a_file_that_is_no_journal_is_neither_changed_nor_removed(here: Path) -> None:
    HandMade().save(Path("a.xlsx"))
    for content in (b"mine", b"\n{}", b"\xff", b"[]\n"):
        Path(".g.csv.unfinished").write_bytes(content)
        assert "this is something else" in refused("verify", "a.xlsx", "--csv", "g.csv")
        assert Path(".g.csv.unfinished").read_bytes() == content
    Path(".g.csv.unfinished").unlink()
    os.mkfifo(".g.csv.unfinished")
    result = call("verify", "a.xlsx", "--csv", "g.csv")
    assert "this is something else" in result.stderr


SPEC = """
[network]
layers = [1, 1]
[data]
file = "{data}"
inputs = ["x"]
targets = ["y"]
[training]
learning_rates = [0.5]
iterations = 2
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("one.toml -o data.xlsx", "data.xlsx: is an input"),
        ("one.toml -o sub/../hard.xlsx", "hard.xlsx: is an input (as data.xlsx)"),
        ("data.xlsx", "data.xlsx: is an input"),
        ("one.toml two.toml -o new", "new/one.xlsx: is an input (as sub/linked.xlsx)"),
        ("one.toml sub/one.toml -o made", "two outputs would be the same file"),
        ("one.toml ONE.toml -o made", "two outputs would be the same file"),
        ("one.toml -o link.xlsx", "link.xlsx: is an input (as data.xlsx)"),
    ],
)
def test_no_workbook_is_built_over_a_spec_or_its_data(here: Path, words: str, said: str) -> None:
    Path("sub").mkdir()
    Path("new").mkdir()
    Path("new/one.xlsx").write_text("x,y\n1,2\n")
    Path("sub/linked.xlsx").symlink_to("../new/one.xlsx")
    Path("data.xlsx").write_text("x,y\n1,2\n")
    Path("link.xlsx").symlink_to("data.xlsx")
    os.link("data.xlsx", "hard.xlsx")
    for name in ("one.toml", "ONE.toml", "sub/one.toml"):
        Path(name).write_text(SPEC.format(data="data.xlsx"))
    Path("two.toml").write_text(SPEC.format(data="sub/linked.xlsx"))
    before = contents(here)
    assert said in refused("build", *words.split())
    assert contents(here) == before
    assert not Path("made").exists()


@dataclass
class Stub:
    """Stands for the check of a workbook and the making of copies; counts what is read."""

    reads: int = 0

    @contextmanager
    def checks(self, *_: object) -> Iterator[Callable[..., Checked]]:
        with TemporaryDirectory() as folder:

            def check(wish: Wish, *_: object) -> Checked:
                self.reads += 1
                copy = Path(folder, "copy.xlsx")
                copy.write_text("a copy")
                summaries = [SummaryReport("Sheet", Cells(), [])]
                report = Report(str(wish.path), "no engine", [], summaries, {})
                return Checked(report, "page", copy, copy, "mended")

            yield check

    def outcomes(self, _: object, tasks: list[Task], *__: object) -> Iterator[tuple[Task, Outcome]]:
        for task in tasks:
            self.reads += 1
            row = Row(task.name, task.sha256, Verdict.PASS)
            yield task, Outcome(row, "page" if task.html else None, {} if task.json else None)


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Stub:
    """Nothing is checked: what is tried here is where things are written."""
    stub = Stub()
    monkeypatch.setattr(alone, "checks", stub.checks)
    monkeypatch.setattr(class_run, "outcomes_here", stub.outcomes)
    return stub


FILES = ["class/a.xlsx", "class/b.xlsm", "class/sub/c.xls", "class/notes.txt", "class/~$a.xlsx"]
FILES += ["other/x.xlsx", "other/report.html", "other/.r.csv.unfinished"]
LINKS = {
    "linked.xlsx": "class/a.xlsx",
    "class/linked.xlsx": "../other/x.xlsx",
    "dangling": "other/new",
    "loop.xlsx": "loop.xlsx",
    "class of links": "class",
    "other/r.csv": "report.html",
}
HARD_LINKS = {"hard.xlsx": "class/a.xlsx", "other/hard.html": "class/sub/c.xls"}
NEW = ["new.csv", "NEW.csv", "class/new.xlsx", "other/new", "missing/new", "r.csv", "r_files"]
FOLDERS = ["class", "class/sub", "other", "class of links", "."]
PLACES = [*FILES, *LINKS, *HARD_LINKS, *FOLDERS, "missing"]
OUTPUTS = [*FILES, *LINKS, *HARD_LINKS, *NEW, "class"]


WAYS: list[Callable[[str], str]] = [
    lambda name: name,
    lambda name: f"./{name}",
    lambda name: f"class/../{name}",
    lambda name: f"missing/../{name}",
    os.path.abspath,
    lambda name: name.replace("class/", "class of links/"),
    str.swapcase,
]
Spelled = tuple[Callable[[str], str], str]  # a way to write a name, and the name


def spelled(names: list[str]) -> st.SearchStrategy[Spelled]:
    return st.tuples(st.sampled_from(WAYS), st.sampled_from(names))


def made(folder: Path) -> None:
    for name in ("class/sub", "other"):
        (folder / name).mkdir(parents=True)
    for name in FILES:
        (folder / name).write_text(f"old {name}")
    for name, target in LINKS.items():
        (folder / name).symlink_to(target)
    for name, target in HARD_LINKS.items():
        os.link(folder / target, folder / name)


def same(one: Path, other: Path) -> bool:
    """Tell whether two names are of one file, without the help of what is tested."""
    one, other = (Path(os.path.realpath(path)) for path in (one, other))
    if one.exists() or other.exists():
        return one.exists() and other.exists() and one.samefile(other)
    return one.name.lower() == other.name.lower() and same(one.parent, other.parent)


def files_of(places: list[str]) -> list[Path]:
    """Return what is read, without the help of what is tested."""
    found = []
    for place in map(Path, places):
        within = [path for path in place.rglob("*.xl*") if "~$" not in path.name]
        found += within if place.is_dir() else [place]
    return found


def options(*names: str) -> st.SearchStrategy[dict[str, Spelled]]:
    return st.dictionaries(st.sampled_from(names), spelled(OUTPUTS), min_size=1)


@given(
    asked=st.one_of(
        st.tuples(
            st.lists(spelled(PLACES), min_size=1, max_size=2), options("--csv", "--html", "--json")
        ),
        st.tuples(
            st.lists(spelled([*FILES, *HARD_LINKS]), min_size=1, max_size=1),
            options("--html", "--json", "--annotate", "--fix"),
        ),
    )
)
@cases(750)
def test_whatever_is_asked_for_no_other_file_is_changed(
    asked: tuple[list[Spelled], dict[str, Spelled]],
    stub: Stub,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("files")
    made(folder)
    before = contents(folder)
    stub.reads = 0
    with chdir(folder):
        places = [way(name) for way, name in asked[0]]
        outputs = {option: way(name) for option, (way, name) in asked[1].items()}
        words = [word for pair in outputs.items() for word in pair]
        read = files_of(places)
        named = [Path(name) for name in outputs.values()]
        conflict = any(same(path, other) for path in named for other in read) or any(
            same(path, other) for k, path in enumerate(named) for other in named[:k]
        )
        result = call("verify", *places, *words)
        may_change = [] if conflict else [Path(os.path.realpath(path)) for path in named]
    assert result.exception is None or isinstance(result.exception, SystemExit)
    if conflict:
        assert (result.exit_code, result.stderr.count("\n"), stub.reads) == (2, 1, 0)
    after = contents(folder)
    changed = [path for path, content in before.items() if after.get(path) != content]
    event(f"{conflict=}, exit status {result.exit_code}, {changed != []=}")
    assert all(any(same(path, output) for output in may_change) for path in changed)


@given(
    specs=st.lists(
        spelled(["one.toml", "class/two.toml", "linked.toml", "one.xlsx", "missing"]),
        min_size=1,
        max_size=3,
    ),
    output=st.none() | spelled(["class", "data.xlsx", "class/data.xlsx", "one.xlsx", "new.xlsx"]),
)
@cases(400)
def test_whatever_is_built_no_spec_and_no_data_are_changed(
    specs: list[Spelled],
    output: Spelled | None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    def stub(spec: Path, target: Path, *_: object) -> int:
        write_text(target, "a workbook")
        return 1

    monkeypatch.setattr(workbook, "build", stub)
    folder = tmp_path_factory.mktemp("specs")
    (folder / "class").mkdir()
    (folder / "one.toml").write_text(SPEC.format(data="class/data.xlsx"))
    (folder / "class" / "two.toml").write_text(SPEC.format(data="../data.xlsx"))
    (folder / "one.xlsx").write_text(SPEC.format(data="one.toml"))
    (folder / "linked.toml").symlink_to("class/two.toml")
    (folder / "class of links").symlink_to("class")
    (folder / "class" / "data.xlsx").write_text("old data")
    os.link(folder / "class" / "data.xlsx", folder / "class" / "two.xlsx")
    (folder / "data.xlsx").symlink_to("class/one.xlsx")
    (folder / "class" / "one.xlsx").write_text("other data")
    before = contents(folder)
    with chdir(folder):
        named = [way(name) for way, name in specs]
        words = [*named, *(["-o", output[0](output[1])] if output else [])]
        result = call("build", *words)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    after = contents(folder)
    given = [path for name in named if (path := folder / name).is_file()]
    data = [
        path.parent / tomllib.loads(before[path.resolve()].decode())["data"]["file"]
        for path in given
    ]
    read = {path.resolve() for path in given + data} & before.keys()
    assert [path for path in read if after[path] != before[path]] == []
    event(f"exit status {result.exit_code}, {after != before=}")
