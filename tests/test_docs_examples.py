"""What the pages of docs/ show as printed is printed; what they tell to add works."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from io import StringIO
from pathlib import Path

import openpyxl
import pytest
from rich.console import Console

from workbook_tools.checking.verify import verify
from workbook_tools.judging.findings import Kind
from workbook_tools.judging.report import Report
from workbook_tools.reporting.json_document import to_json
from workbook_tools.reporting.terminal import print_report

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
CLASSIC, MAZUR = (ROOT / "workbooks" / name for name in ("Back_Propogation.xlsx", "mazur.xlsx"))


def blocks(page: str, language: str) -> list[str]:
    """Return what blocks of code in a language hold; those without one hold what is printed."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for own, block in found if own == language]


def write_six_sheets_of_mistakes(path: Path) -> Path:
    """Write the classic workbook with a mistake or two on each sheet."""
    book = openpyxl.load_workbook(CLASSIC)
    values = openpyxl.load_workbook(CLASSIC, data_only=True)["LR 0.2"]
    for row in range(33, 100):
        book["LR 0.1"][f"E{row}"] = f"=E{row - 1}-G{row - 3}*X{row - 1}"
    for row in range(32, 100):
        wrong_target = book["LR 0.2"][f"U{row}"]
        wrong_target.value = wrong_target.value.replace("A", "B")
        book["LR 0.2"][f"W{row}"] = values[f"W{row}"].value
        wrong_unit = book["LR 0.5"][f"Z{row}"]
        wrong_unit.value = wrong_unit.value.replace(f"L{row}*(1-L{row})", f"J{row}*(1-J{row})")
        for column, number in zip("ABCD", (0.5, 0.5, 0.05, 0.1), strict=True):
            book["LR 0.8"][f"{column}{row}"] = number
    book["LR 0.2"]["W70"] = 0.0125
    book["LR 0.8"]["C70"] = 0.5
    book["LR 0.8"]["P50"] = "=P49-G30*AE49"
    book["LR 1"]["J40"] = 0.51
    book["LR 2"]["F60"] = "=F59-$G$30*#REF!"
    book.save(path)
    return path


def write_filled_down(path: Path, column: str, label: str | None, formula: str) -> Path:
    """Write Mazur's workbook with a formula filled down a column, perhaps a new one."""
    book = openpyxl.load_workbook(MAZUR)
    sheet = book["LR 0.5"]
    if label:
        sheet[f"{column}31"] = label
    for row in range(32 if label else 33, 132):
        sheet[f"{column}{row}"] = formula.format(row=row, above=row - 1)
    book.save(path)
    return path


def write_out_of_date(path: Path) -> Path:
    """Write Mazur's workbook with a stored value that its formula does not give."""
    with (
        zipfile.ZipFile(MAZUR) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in old.infolist():
            content = old.read(info)
            if info.filename == "xl/worksheets/sheet2.xml":
                content = re.sub(rb'(<c r="K40".*?<v>)[^<]*', rb"\g<1>0.6", content, count=1)
            new.writestr(info, content)
    return path


@pytest.fixture(scope="module")
def mistakes(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return verify(write_six_sheets_of_mistakes(tmp_path_factory.mktemp("docs") / "student.xlsx"))


def rounded(text: str) -> str:
    """Round numbers: their last digits differ from machine to machine."""
    return re.sub(r"\d\.\d{9,}(e-\d+)?", lambda number: f"{float(number[0]):.9e}", text)


def test_the_findings_on_the_pages_are_the_ones_that_are_printed(
    mistakes: Report, tmp_path: Path
) -> None:
    circular = write_filled_down(tmp_path / "c.xlsx", "E", None, "=E{above}-$G$30*Z{row}")
    incomplete = write_filled_down(tmp_path / "i.xlsx", "AH", "Δw1", "=-$G$30*Z{row}")
    book = openpyxl.load_workbook(MAZUR)
    book["LR 0.5"]["J31"] = "first"
    book.save(unchecked := tmp_path / "u.xlsx")
    out_of_date = write_out_of_date(tmp_path / "o.xlsx")
    others = map(verify, (circular, incomplete, unchecked, out_of_date))
    printed = StringIO()
    for report in (mistakes, *others):
        print_report(report, Console(file=printed, width=100, highlight=False))
    shown = blocks("findings.md", "") + blocks("checking.md", "")[1:3]
    assert len(shown) == len(Kind) + 5  # a circular reference, two other verdicts, two elsewhere
    for block in shown:
        assert rounded(block) in rounded(printed.getvalue())


def test_the_json_on_its_page_has_the_fields_that_are_written(mistakes: Report) -> None:
    [block] = blocks("json.md", "json")
    written = to_json(mistakes)

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
    block, _ = blocks("extending.md", "python")
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
    _, block = blocks("extending.md", "python")
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
