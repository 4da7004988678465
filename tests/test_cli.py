import json
import shutil
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from checks import call, refused
from handmade import HandMade


@pytest.fixture
def mazur(workbooks: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(workbooks / "mazur.xlsx", tmp_path))


def changed(workbook: Path, sheet: str, cell: str, content: str | float) -> Path:
    """Change one cell, as a person would in a spreadsheet program."""
    book = openpyxl.load_workbook(workbook)
    book[sheet][cell] = content
    book.save(workbook)
    return workbook


def test_a_right_workbook_passes_with_status_0(mazur: Path) -> None:
    result = call("verify", mazur)
    assert result.exit_code == 0, result.output
    assert "LR 0.5" in result.output


def test_a_wrong_formula_fails_with_status_1_and_is_named(mazur: Path) -> None:
    changed(mazur, "LR 0.5", "AC40", "=(T40-A40)*T40*(1-T40)*J40")
    result = call("verify", mazur)
    assert result.exit_code == 1
    assert "AC40" in result.output


def test_a_harmless_finding_fails_a_workbook_only_if_strict(mazur: Path, tmp_path: Path) -> None:
    changed(mazur, "LR 0.5", "E50", "=E49-G30*Z49")
    page, report = tmp_path / "page.html", tmp_path / "report.json"
    outputs = ["--html", page, "--json", report]
    for options, status, verdict, headline in (
        ([], 0, "PASS", "No mistakes, but 1 harmless finding"),
        (["--strict"], 1, "FAIL: 1 mistake in 1 cell", "1 harmless finding, which fails"),
    ):
        result = call("verify", mazur, *outputs, *options)
        assert result.exit_code == status
        assert verdict in result.output
        assert headline in page.read_text(encoding="utf-8")
        document = json.loads(report.read_text(encoding="utf-8"))
        assert document["verdict"] == verdict[:4].lower()
        [finding] = document["findings"]
        assert (finding["kind"], finding["harmless"]) == ("broken-pattern", True)


def test_a_warning_fails_no_workbook_even_if_strict(tmp_path: Path) -> None:
    path = HandMade(cells={"D12": 0.5}).save(tmp_path / "odd.xlsx")
    result = call("verify", path, "--strict")
    assert "odd-start" in result.output
    assert result.exit_code == 0


def test_explain_says_how_a_table_was_read(mazur: Path, tmp_path: Path) -> None:
    result = call("explain", mazur)
    assert result.exit_code == 0
    for said in ("LR 0.5!A31:AG131", "G30 = 0.5 (labelled)", "h1 = w1·i1 + w2·i2", "a_h1 K"):
        assert said in result.output
    book = openpyxl.Workbook()
    book.save(tmp_path / "empty.xlsx")
    result = call("explain", tmp_path / "empty.xlsx")
    assert result.exit_code == 2
    assert "no training table" in result.output


def test_json_to_standard_output_is_nothing_but_the_report(mazur: Path) -> None:
    result = call("verify", mazur, "--json", "-")
    report = json.loads(result.stdout)
    assert report["schema"] == 2
    assert report["verdict"] == "pass"
    assert [t["network"] for t in report["tables"]] == ["2-2-2"]


def test_json_of_several_workbooks_is_a_list(mazur: Path, workbooks: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    both = [str(mazur), str(workbooks / "Back_Propogation.xlsx")]
    assert call("verify", *both, "--json", out).exit_code == 0
    assert [report["verdict"] for report in json.loads(out.read_text())] == ["pass", "pass"]


def test_a_workbook_without_a_training_table_is_unchecked_with_status_2(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "nothing to see"
    book.save(tmp_path / "plain.xlsx")
    result = call("verify", tmp_path / "plain.xlsx", "--json", "-")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["verdict"] == "unchecked"


def test_bad_input_is_one_line_on_standard_error_with_status_2(tmp_path: Path) -> None:
    path = tmp_path / "no.xlsx"
    path.write_text("not a workbook")
    assert "no.xlsx" in refused("verify", path)


def test_bad_input_does_not_keep_the_other_workbooks_from_being_checked(
    mazur: Path, tmp_path: Path
) -> None:
    result = call("verify", tmp_path / "none.xlsx", mazur)
    assert result.exit_code == 2
    assert "LR 0.5" in result.stdout


def test_a_spec_builds_beside_itself_and_into_a_folder(workbooks: Path, tmp_path: Path) -> None:
    spec = shutil.copy(workbooks / "mazur.toml", tmp_path)
    assert call("build", spec).exit_code == 0
    assert call("build", spec, "-o", tmp_path / "new" / "folder").exit_code == 0
    assert call("build", spec, "-o", tmp_path / "x.xlsx").exit_code == 0
    made = [tmp_path / "mazur.xlsx", tmp_path / "new/folder/mazur.xlsx", tmp_path / "x.xlsx"]
    assert len({path.read_bytes() for path in made}) == 1


def test_two_specs_into_one_file_is_refused(workbooks: Path, tmp_path: Path) -> None:
    specs = [str(workbooks / "mazur.toml")] * 2
    result = call("build", *specs, "-o", tmp_path / "x.xlsx")
    assert result.exit_code == 2
    assert "folder" in result.stderr


def test_a_bad_spec_writes_nothing_and_ends_with_status_2(tmp_path: Path) -> None:
    spec = tmp_path / "bad.toml"
    spec.write_text('title = "x"\n')
    result = call("build", spec)
    assert result.exit_code == 2
    assert "bad.toml: network: missing" in result.stderr
    assert list(tmp_path.iterdir()) == [spec]


@pytest.mark.parametrize("command", ["build", "verify"])
def test_every_command_has_help(command: str) -> None:
    result = call(command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_nothing_is_drawn_on_a_pipe(mazur: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "workbook_tools", "verify", mazur.name],
        capture_output=True,
        text=True,
        check=True,
        cwd=mazur.parent,
    )
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_no_report_is_written_when_nothing_could_be_read(tmp_path: Path) -> None:
    result = call("verify", tmp_path / "none.xlsx", "--json", "-")
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_report_that_cannot_be_written_is_said_with_status_2(mazur: Path) -> None:
    result = call("verify", mazur, "--json", "/nowhere/report.json")
    assert result.exit_code == 2
    assert "/nowhere/report.json: cannot be written" in result.stderr


@pytest.mark.parametrize("tolerance", ["-1", "nan", "inf", "much"])
def test_a_tolerance_that_is_none_is_refused(mazur: Path, tolerance: str) -> None:
    assert call("verify", mazur, "--tolerance", tolerance).exit_code == 2


def test_a_terminal_sees_a_progress_bar(workbooks: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m workbook_tools verify {workbooks / 'mazur.xlsx'}"
    done = subprocess.run(
        ["script", "-qec", command, str(tmp_path / "typescript")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "mazur.xlsx: checking" in done.stdout
    assert "PASS" in done.stdout
