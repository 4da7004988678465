"""The command: what it prints and writes, and what it refuses in one line."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from checks import call, refused
from doc_pages import page_of
from openpyxl import Workbook
from sensitivities import written

CELLS: dict[str, object] = {
    "A1": "Price", "B1": 24.5, "A2": "=1+1", "B2": 12000, "A3": "Rounded", "B3": 1.04,
    "A4": "Nothing", "B4": 0, "A6": "Sales", "B6": "=B1*B2*ROUND(B3,1)+B4",
    "D1": "a text", "D2": "=1/0", "D3": "=2+3", "D4": "=RAND()*B1", "D5": "=D5+D6", "D6": 1,
    "D7": "=BAHTTEXT(B1)+1",
}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "a.xlsx", CELLS)


def test_a_line_is_printed_for_each_number_the_strongest_first(path: Path) -> None:
    result = call("sensitivity", path, "--of", "Sheet!B6")
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    [heading] = [k for k, line in enumerate(lines) if line[:2] == ["cell", "label"]]
    assert "Sheet!B6 Sales = 294000" in result.stdout
    assert lines[heading + 1] == [
        "B1", "Price", "24.5", "12,000", "1",
        "-29,400", "-2,940", "+2,940", "+29,400", "±100", "%",
    ]  # fmt: skip
    assert [line[0] for line in lines[heading + 1 : heading + 5]] == ["B1", "B2", "B3", "B4"]
    assert (
        "No derivative (–) by what is read in Sheet!B6: ROUND has no derivative." in result.stdout
    )


def test_the_first_20_are_printed_and_the_others_are_counted(tmp_path: Path) -> None:
    cells: dict[str, object] = {f"A{row}": row for row in range(1, 31)}
    path = written(tmp_path / "a.xlsx", {**cells, "C1": "=SUM(A1:A28)+IF(A29>999,A30,0)"})
    result = call("sensitivity", path, "--of", "C1", "--json", tmp_path / "a.json")
    assert "\nA28 " in result.stdout
    assert "\nA9 " in result.stdout
    assert "\nA8 " not in result.stdout
    assert "And 8 more numbers that move it; --csv writes them all." in result.stdout
    assert "A29, A30 do not move it, each changed alone." in result.stdout
    assert len(json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["cells"]) == 30


def test_labels_give_way_to_numbers_where_a_line_is_narrow(tmp_path: Path) -> None:
    cells = {"A1": "What a very long name this is" * 2, "B1": 1 / 3, "B2": "=EXP(B1)"}
    result = call("sensitivity", written(tmp_path / "a.xlsx", cells), "--of", "B2")
    [line] = [line for line in result.stdout.splitlines() if line.startswith("B1")]
    assert len(line) <= 100
    assert "What a very" in line
    assert line.split()[-1] == "%"


def test_json_has_all_effects_and_nothing_else_is_printed_with_it(path: Path) -> None:
    result = call("sensitivity", path, "--of", "B6", "--by", "B1:B3", "--json", "-")
    document = json.loads(result.stdout)
    assert document["of"] == {"sheet": "Sheet", "cell": "B6", "label": "Sales", "value": 294000.0}
    first = document["cells"][0]
    assert (first["cell"], first["label"], first["derivative"]) == ("B1", "Price", 12000.0)
    assert [effect["percent"] for effect in first["effects"]] == sorted(
        [-100, -50, -20, -10, -5, -2, -1, 1, 2, 5, 10, 20, 50, 100]
    )
    assert {effect["shows"] for effect in first["effects"]} == {None}
    assert document["cells"][-1]["derivative"] is None
    assert document["no_derivative_in"] == ["Sheet!B6: ROUND has no derivative"]


def test_csv_has_all_digits_and_no_formulas(path: Path, tmp_path: Path) -> None:
    assert call("sensitivity", path, "--of", "B6", "--csv", tmp_path / "a.csv").exit_code == 0
    text = (tmp_path / "a.csv").read_text(encoding="utf-8-sig")
    price, units, rounded, nothing = csv.DictReader(StringIO(text))
    assert (price["sheet"], price["cell"], price["label"]) == ("Sheet", "B1", "Price")
    assert float(price["change at +1 %"]) == pytest.approx(2940, rel=1e-12)
    assert units["derivative"] == "24.5"
    assert (rounded["derivative"], rounded["straight up to %"]) == ("", "")
    assert (nothing["value"], nothing["change at +10 %"]) == ("0.0", "")
    made = written(tmp_path / "b.xlsx", {"A1": "-1+1 of it", "B1": 2, "B2": "=B1"})
    call("sensitivity", made, "--of", "B2", "--csv", tmp_path / "b.csv")
    assert ",'-1+1 of it," in (tmp_path / "b.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("of", "by", "said"),
    [
        ("A1", [], "--of Sheet!A1 holds 'Price'; give cells with numbers"),
        ("Z9", [], "--of Sheet!Z9 is empty"),
        ("D2", [], "--of Sheet!D2 shows #DIV/0!"),
        ("D5", [], "is in a circle of formulas"),
        ("D3", [], "Sheet!D3 depends on no typed number; give --of a cell with a formula"),
        ("B1", [], "Sheet!B1 depends on no typed number"),
        ("D4", [], "Sheet!D4 cannot be calculated with other numbers: Sheet!D4 changes by itself"),
        ("B6", ["B6"], "--by Sheet!B6 is the cell of --of; leave it out"),
        ("B6", ["D3"], "Sheet!B6 does not depend on D3; give --by cells"),
        ("B6", ["D1"], "--by Sheet!D1 holds 'a text'"),
        ("B6", ["F1:G9"], "--by Sheet!F1 is empty"),
        ("B6", ["B1", "B2+1"], "--by B2+1: no cell"),
        ("Other!B6", [], "no such sheet; there is Sheet"),
        ("B6:B7", [], "2 cells; give one cell"),
        ("B6", ["A1:XFD1048576"], "at most 100,000 cells"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(
    of: str, by: list[str], said: str, path: Path
) -> None:
    options = [word for one in by for word in ("--by", one)]
    line = refused("sensitivity", path, "--of", of, *options)
    assert said in line
    assert line.startswith(f"workbook-tools: {path}: ")


def test_more_numbers_than_can_be_tried_are_refused(tmp_path: Path) -> None:
    book = Workbook()
    for row in range(1, 102):
        for column in range(1, 101):
            book.active.cell(row, column, 1)
    book.active["A200"] = "=SUM(A1:CV101)"
    book.save(tmp_path / "a.xlsx")
    said = refused("sensitivity", tmp_path / "a.xlsx", "--of", "A200")
    assert "depends on more than 10,000 numbers; name some of them with --by" in said
    said = refused("sensitivity", tmp_path / "a.xlsx", "--of", "A200", "--by", "A1:CV101")
    assert "--by names more than 10,000 numbers; name fewer" in said
    assert call("sensitivity", tmp_path / "a.xlsx", "--of", "A200", "--by", "A1:B9").exit_code == 0


def test_a_file_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_text("nothing")
    assert "a.xlsx: " in refused("sensitivity", tmp_path / "a.xlsx", "--of", "A1")
    assert "b.xlsx: " in refused("sensitivity", tmp_path / "b.xlsx", "--of", "A1")


@pytest.mark.parametrize("option", ["--html", "--csv", "--json"])
def test_the_workbook_is_not_written_over(option: str, path: Path) -> None:
    before = path.read_bytes()
    assert "is an input" in refused("sensitivity", path, "--of", "B6", option, path)
    assert path.read_bytes() == before


def test_two_outputs_are_not_the_same_file(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = refused("sensitivity", path, "--of", "B6", "--html", out, "--csv", out)
    assert "two outputs would be the same file" in said
    assert not out.exists()


def test_nothing_is_written_if_there_is_no_answer(path: Path, tmp_path: Path) -> None:
    refused("sensitivity", path, "--of", "A1", "--html", tmp_path / "a.html")
    assert not (tmp_path / "a.html").exists()


def test_every_field_of_the_json_is_on_its_page(path: Path) -> None:
    document = json.loads(call("sensitivity", path, "--of", "B6", "--json", "-").stdout)

    def keys(value: object) -> set[str]:
        if isinstance(value, dict):
            return {*value}.union(*map(keys, value.values()))
        return set[str]().union(*map(keys, value)) if isinstance(value, list) else set()

    _, _, said = page_of("json.md").text.partition("\n## Sensitivity\n")
    assert [key for key in keys(document) if f"`{key}`" not in said] == []
