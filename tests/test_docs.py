"""The README and the pages of docs/ are right: commands run, links lead somewhere.

What they show as printed, the program prints: see also ``test_docs_examples.py``.
"""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer
from checks import call
from doc_pages import PAGES, README, ROOT, Page, page_of

from cnn.__main__ import app as cnn_app
from workbook_tools.classroom.row import Verdict
from workbook_tools.cli import app
from workbook_tools.engines import ENGINES
from workbook_tools.judging.faults import Kind
from workbook_tools.notation.vocabulary import Activation, Loss, Optimizer, Schedule
from workbook_tools.reporting.kinds import EXPLAINED

pytestmark = pytest.mark.slow

MOST_LINES_OF_README = 149
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like a fresh clone, in which the commands of a page run one after another."""
    folder = tmp_path / "clone"
    no_pictures = shutil.ignore_patterns("pictures", "mnist_cnn.xlsx")
    shutil.copytree(ROOT / "workbooks", folder / "workbooks", ignore=no_pictures)
    (folder / "submissions").mkdir()
    for place in ("submissions/mazur.xlsx", "student.xlsx"):
        shutil.copy(folder / "workbooks" / "mazur.xlsx", folder / place)
    spec = page_of("specs.md").blocks("toml")[0]
    (folder / "my.toml").write_text(spec, encoding="utf-8")
    monkeypatch.chdir(folder)
    return folder


def without_what_varies(printed: str) -> str:
    """Leave out versions of engines, last bits, and spaces at the ends of lines."""
    printed = re.sub(r"formualizer [\d.]+", "formualizer", printed)
    printed = re.sub(r"\d\.\de-1[5-7] +\d\.\de-1[5-7] +\d+ *$", "", printed, flags=re.MULTILINE)
    printed = re.sub(r"\d\.\d{9,}(e-\d+)?", lambda n: f"{float(n[0]):.9e}", printed)
    return "\n".join(line.rstrip() for line in printed.strip().splitlines())


@every_page
def test_the_commands_of_a_page_succeed_one_after_another(page: Page, folder: Path) -> None:
    commands = [command for command in page.commands if command.startswith("workbook-tools")]
    shown = page.shown
    for command in commands:
        done = call(*shlex.split(command)[1:])
        assert done.exit_code == 0, (command, done.output)
        if command in shown:
            assert without_what_varies(done.stdout) == without_what_varies(shown.pop(command))
    assert shown == {}


def test_every_make_target_on_the_pages_exists() -> None:
    said = {c for page in PAGES for c in (*page.commands, *page.said) if c.split()[0] == "make"}
    assert {"make", "make test", "make cnn"} <= said
    for command in said:
        words = ["make", "--dry-run", *shlex.split(command)[1:]]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stderr)


def understand(command: str) -> None:
    """Raise an error if a command line is wrong as far as can be told without running it."""
    words = shlex.split(re.sub(r"^[A-Z]+=\S+ ", "", command))
    of_cnn = words[:3] == ["python", "-m", "cnn"] or words[0] == "torchrun"
    if words[0] == "workbook-tools" or of_cnn:
        program = typer.main.get_command(cnn_app if of_cnn else app)
        name, *arguments = words[words.index("cnn") + 1 :] if of_cnn else words[1:]
        known = program.commands[name]  # type: ignore[attr-defined]
        if arguments:  # else the command is only named
            known.make_context(name, arguments)  # raises if an option is unknown
    elif words[0] in ("python", ".venv/bin/python"):
        script = (ROOT / words[1]).read_text(encoding="utf-8")
        assert all(f'"{word}"' in script for word in words if word.startswith("--")), command
    elif words[0] == ".venv/bin/pytest":
        assert all((ROOT / word).exists() for word in words if "/" in word), command
        if "-k" in words:
            tests = [path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py")]
            assert any(words[words.index("-k") + 1] in text for text in tests), command
    else:
        assert words[0] == "make" or command == "source .venv/bin/activate", command


@every_page
def test_every_command_of_a_page_is_understood(page: Page) -> None:
    for command in (*page.commands, *page.said):
        understand(command)


@every_page
def test_every_link_of_a_page_leads_somewhere(page: Page) -> None:
    for link in page.links:
        place, _, anchor = link.partition("#")
        target = (page.path.parent / place).resolve() if place else page.path
        assert target.exists(), link
        if anchor:
            [linked] = [other for other in PAGES if other.path == target]
            assert anchor in linked.anchors, link


def test_the_readme_is_short_and_leads_to_every_page() -> None:
    assert README.text.count("\n") <= MOST_LINES_OF_README
    linked = {link.partition("#")[0] for link in README.links}
    assert {page.name for page in PAGES[1:] if page.path.parent.name == "docs"} <= linked


def test_every_package_is_on_the_page_about_them() -> None:
    folders = {path.parent.name for path in (ROOT / "workbook_tools").glob("*/__init__.py")}
    assert "writing" in folders
    text = page_of("how-it-works.md").text
    listed = re.findall(r"^\| \[`(\w+)/`\]", text, re.MULTILINE)
    assert sorted(listed) == sorted(folders)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_finding_has_a_page_with_an_example(kind: Kind) -> None:
    page = page_of(f"findings/{kind}.md")
    assert page.text.startswith(f"# {kind}\n")
    assert any(f"  {kind}  " in example[2] for example in page.examples)
    for heading in ("example", "why-it-matters", "how-to-mend-it"):
        assert heading in page.anchors
    prose = " ".join(page.prose.replace("`", "").split())
    for sentences in EXPLAINED[kind]:
        assert sentences in prose
    assert f"| [`{kind}`](findings/{kind}.md) |" in page_of("findings.md").text


def test_every_page_about_a_kind_of_finding_has_a_kind() -> None:
    assert {path.stem for path in (ROOT / "docs" / "findings").iterdir()} == {*Kind}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("specs.md", [*Activation, *Loss, *Optimizer, *Schedule]),
        ("classes.md", [*Verdict]),
        ("engines-and-speed.md", [*ENGINES]),
    ],
)
def test_a_page_has_all_words_there_are(name: str, words: list[str]) -> None:
    text = page_of(name).text
    assert [word for word in words if f'`"{word}"`' not in text and f"`{word}`" not in text] == []


def test_every_option_is_on_some_page() -> None:
    every = "\n".join(page.text for page in PAGES)
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    options = {tuple(p.opts) for c in commands.values() for p in c.params if p.opts[0][0] == "-"}
    missing = [names for names in options if not any(re.search(rf"{n}[ `]", every) for n in names)]
    assert missing == []
