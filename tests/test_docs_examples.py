"""What the pages of docs/ show as printed is printed; what they tell to add works."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from doc_examples import EXAMPLES, report_of, with_examples
from doc_pages import PAGES, ROOT, Page, page_of

from workbook_tools.reporting.json_document import to_json

pytestmark = pytest.mark.slow


def rounded(text: str) -> str:
    """Round numbers: their last digits differ from machine to machine."""
    return re.sub(r"\d\.\d{9,}(e-\d+)?", lambda number: f"{float(number[0]):.9e}", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_of_mistakes_is_what_is_printed(page: Page) -> None:
    if page.examples or page.name in EXAMPLES:
        assert rounded(page.text) == rounded(with_examples(page))


def test_the_json_on_its_page_has_the_fields_that_are_written() -> None:
    [block] = page_of("json.md").blocks("json")
    written = to_json(report_of("two columns"))

    def fields(value: object) -> object:
        if isinstance(value, dict):
            open_keys = ("not_checked_because", "columns")  # by what is there
            return {key: fields(v) for key, v in value.items() if key not in open_keys}
        return [fields(v) for v in value[:1]] if isinstance(value, list) else type(value)

    table = next(table for table in written["tables"] if table["sheet"] == "LR 0.5")
    assert fields({**written, "tables": [table]}) == fields(json.loads(block))


def test_the_activation_that_a_page_adds_is_built_proven_and_pytorchs(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    shutil.copytree(ROOT / "workbook_tools", tmp_path / "workbook_tools")
    block, _ = page_of("extending.md").blocks("python")
    pieces = re.findall(r"^# (\S+), in (\w+).*?\n(.*?)(?=^#|\Z)", block, re.MULTILINE | re.DOTALL)
    assert [place for _, place, _ in pieces] == [
        "Activation", "ACTIVATIONS", "ELEMENTWISE", "FUNCTIONS",
    ]  # fmt: skip
    assert (ROOT / pieces[3][0]).exists()
    for name, place, lines in pieces[:3]:
        path = tmp_path / name
        code = path.read_text(encoding="utf-8")
        begin = code.index(f"class {place}") if place == "Activation" else code.index(f"{place} = ")
        before = code.index(
            "    LINEAR =" if place == "Activation" else "    Activation.LINEAR", begin
        )
        path.write_text(code[:before] + lines + code[before:], encoding="utf-8")
    spec = (ROOT / "workbooks" / "xor.toml").read_text(encoding="utf-8")
    for old, new in (("tanh", "swish"), ("[0.1, 0.5, 1]", "[0.5]"), ("= 100", "= 10")):
        assert old in spec
        spec = spec.replace(old, new)
    (tmp_path / "a.toml").write_text(spec, encoding="utf-8")
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


def test_the_function_that_a_page_adds_gives_what_the_page_says(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "workbook_tools", tmp_path / "workbook_tools")
    _, block = page_of("extending.md").blocks("python")
    [(name, place, line), (test, _, example)] = re.findall(
        r"^# (\S+), in (\w+).*?\n {4}(.*)", block, re.MULTILINE
    )
    assert (ROOT / test).exists()
    path = tmp_path / name
    code = path.read_text(encoding="utf-8")
    begin = code.index("\n", code.index(f"{place}: "))
    path.write_text(f"{code[:begin]}\n{line}{code[begin:]}", encoding="utf-8")
    source = (
        "from workbook_tools.evaluator.formula import evaluator\n"
        "from workbook_tools.formulas.tree import parse\n"
        f"for formula, value in {{{example}}}.items():\n"
        "    print(evaluator(parse('=' + formula))(None, '', 1, 1), value)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", source],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    given, value = map(float, done.stdout.split())
    assert given == pytest.approx(value, rel=1e-3, abs=0)


def test_the_derivatives_on_their_page_are_what_is_printed(tmp_path: Path) -> None:
    page = page_of("derivatives.md")
    [command] = page.commands
    out = subprocess.run(
        ["bash", "-c", f"{command} --json {tmp_path / 'out.json'}"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    printed = [line.rstrip() for line in out.splitlines()]
    assert printed == page.shown[command].splitlines()
    [block] = page.blocks("json")
    example = json.loads(block)
    written = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    shortened = json.dumps({**written, "derivatives": written["derivatives"][:1]})
    assert rounded(shortened) == rounded(json.dumps(example))
