"""The README does what it says: every command in it is run, every figure in it is looked up."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
import typer

from cnn.__main__ import app as cnn_app
from workbook_tools.checking.verify import verify
from workbook_tools.reporting.reports import to_json

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [
    line.split("  #")[0].strip() for block in BLOCKS for line in block.splitlines() if line.strip()
]
TOML_BLOCKS = re.findall(r"^```toml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a fresh clone, in which the README's commands run one after another."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "workbooks", folder / "workbooks")
    (folder / "submissions").mkdir()
    shutil.copy(ROOT / "workbooks" / "mazur.xlsx", folder / "submissions")
    (folder / "my.toml").write_text(TOML_BLOCKS[0], encoding="utf-8")
    return folder


def test_the_readme_shows_commands() -> None:
    assert "make" in COMMANDS
    assert "make test" in COMMANDS
    assert any(command.startswith("workbook-tools verify") for command in COMMANDS)


def test_the_commands_in_the_readme_succeed_one_after_another(folder: Path) -> None:
    for command in (c for c in COMMANDS if c.startswith("workbook-tools")):
        if "--engine libreoffice" in command and not shutil.which("soffice"):
            continue
        words = [sys.executable, "-m", "workbook_tools", *shlex.split(command)[1:]]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stderr)


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make")])
def test_a_make_target_in_the_readme_exists(command: str) -> None:
    dry_run = ["make", "--dry-run", *shlex.split(command)[1:]]
    done = subprocess.run(dry_run, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("python -m cnn")])
def test_a_command_of_the_network_in_the_readme_is_understood(command: str) -> None:
    words = shlex.split(command)[3:]
    commands = typer.main.get_command(cnn_app).commands  # type: ignore[attr-defined]
    commands[words[0]].make_context(words[0], words[1:])  # raises if an option is unknown


def test_every_command_in_the_readme_is_of_a_kind_that_is_tested() -> None:
    tested = ("make", "workbook-tools", "python -m cnn", "torchrun")
    assert [c for c in COMMANDS if not c.startswith(tested)] == []


def test_the_report_in_the_readme_is_the_one_that_is_printed(folder: Path) -> None:
    words = [sys.executable, "-m", "workbook_tools", "verify", "workbooks/Back_Propogation.xlsx"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    printed = "\n".join(line.rstrip() for line in done.stdout.splitlines())
    # The engine's version may be another, and so may the last bits, by the machine.
    varying = re.compile(r"formualizer [\d.]+|\d\.\de-1[5-7] +\d\.\de-1[5-7] +\d$", re.MULTILINE)
    assert varying.sub("", printed) in varying.sub("", README)


def test_the_json_in_the_readme_has_the_fields_that_are_written(folder: Path) -> None:
    shown = json.loads(re.findall(r"^```json\n(.*?)^```", README, re.MULTILINE | re.DOTALL)[0])
    book = openpyxl.load_workbook(folder / "workbooks" / "Back_Propogation.xlsx")
    book["LR 0.5"]["Z40"] = "=1"
    book.save(folder / "student.xlsx")
    written = to_json(verify(folder / "student.xlsx"))

    def fields(value: object) -> object:
        if isinstance(value, dict):
            open_keys = ("not_checked_because", "columns")  # by what is there
            return {key: fields(v) for key, v in value.items() if key not in open_keys}
        return [fields(v) for v in value[:1]] if isinstance(value, list) else type(value)

    table = next(table for table in written["tables"] if table["findings"])
    assert fields({**written, "tables": [table]}) == fields(shown)


def test_pictures_and_files_that_the_readme_links_to_exist() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    missing = [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert links
    assert missing == []


def test_the_activation_that_the_readme_adds_is_built_proven_and_pytorchs(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    shutil.copytree(ROOT / "workbook_tools", tmp_path / "workbook_tools")
    block = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)[0]
    pieces = re.findall(r"^# (\S+), in (\w+).*?\n(.*?)(?=^#|\Z)", block, re.MULTILINE | re.DOTALL)
    assert [place for _, place, _ in pieces] == [
        "Activation", "ACTIVATIONS", "ELEMENTWISE", "FUNCTIONS",
    ]  # fmt: skip
    for name, place, lines in pieces[:3]:
        path = tmp_path / name
        code = path.read_text(encoding="utf-8")
        begin = code.index(f"class {place}") if place == "Activation" else code.index(f"{place} = ")
        before = code.index(
            "    LINEAR =" if place == "Activation" else "    Activation.LINEAR", begin
        )
        path.write_text(code[:before] + lines + code[before:], encoding="utf-8")
    spec = (ROOT / "workbooks" / "xor.toml").read_text(encoding="utf-8")
    (tmp_path / "a.toml").write_text(spec.replace("tanh", "swish"), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for words in (["build", "a.toml"], ["verify", "a.xlsx"]):
        command = [sys.executable, "-m", "workbook_tools", *words]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr + done.stdout
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx", data_only=True)["LR 0.5"]
    header = [cell.value for cell in sheet[31]]
    z, a = (torch.tensor(sheet.cell(34, header.index(s) + 1).value) for s in ("h1", "a_h1"))
    assert a.item() == pytest.approx(torch.nn.functional.silu(z).item())
