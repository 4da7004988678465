"""What cannot be differentiated, or written: one line, and no file."""

from collections.abc import Callable
from pathlib import Path

import pytest
from checks import call, refused
from openpyxl import Workbook
from openpyxl.workbook.protection import WorkbookProtection

CELLS: dict[str, object] = {
    "A1": 2, "A2": 3, "A3": 4, "B1": "a text", "C1": "=A1*A2", "C2": "=5*3", "C3": "=B1",
    "C4": "=A1/0", "C5": "=ROUND(C1*1.3,1)", "C6": "=C5*2", "D1": "=D2+A1", "D2": "=D1*0.5",
    "E1": "=A1*RAND()", "E2": "=E1+A2", "E3": "=IF(A1>1,5,6)", "E4": "=A1>1",
    "E5": "=SUM(A1:INDEX(A1:A3,2))",
}  # fmt: skip


def written(path: Path, change: Callable[[Workbook], object] = lambda book: None) -> Path:
    book = Workbook()
    book.active.title = "Sheet1"
    for name, content in CELLS.items():
        book.active[name] = content
    change(book)
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("of", "by", "said"),
    [
        ("C3", "A1", "--of Sheet1!C3 holds 'a text'"),
        ("C4", "A1", "--of Sheet1!C4 shows #DIV/0!"),
        ("D9", "A1", "--of Sheet1!D9 is empty"),
        ("A1", "A2", "--of Sheet1!A1 is a number without a formula"),
        ("C2", "A1", "Sheet1!C2 does not depend on Sheet1!A1"),
        ("C1", "A3", "Sheet1!C1 does not depend on Sheet1!A3"),
        ("D1", "A1", "--of Sheet1!D1 is in a circle of formulas"),
        ("C6", "A1", "Sheet1!C6 cannot be differentiated: Sheet1!C5: ROUND has no derivative"),
        ("E2", "A1", "Sheet1!E2 cannot be differentiated: Sheet1!E1: RAND changes by itself"),
        ("E3", "A1", "only through conditions, counts or places"),
        ("E4", "A1", "--of Sheet1!E4 holds 'True'"),
        ("C1", "C2", "--by Sheet1!C2 is calculated (=5*3)"),
        ("C1", "B1", "--by Sheet1!B1 holds 'a text'"),
        ("C1", "A9", "--by Sheet1!A9 is empty"),
        ("C1", "Nope!A1", "--by Nope!A1: no such sheet; there is Sheet1"),
        ("Nope!C1", "A1", "--of Nope!C1: no such sheet"),
        ("C1:C2", "A1", "2 cells; give one cell"),
        ("C1", "A1:XFD1048576", "at most 100,000 cells"),
        ("", "A1", "no cell"),
    ],
)
def test_a_result_or_parameter_that_is_none_is_named(
    of: str, by: str, said: str, tmp_path: Path
) -> None:
    path, to = written(tmp_path / "a.xlsx"), tmp_path / "copy.xlsx"
    assert said in refused("differentiate", path, "--of", of, "--by", by, "-o", to)
    assert [*tmp_path.iterdir()] == [path]


def _iterates(book: Workbook) -> None:
    book.calculation.iterate = True


def _protected(book: Workbook) -> None:
    book.active.protection.enable()


def _locked(book: Workbook) -> None:
    book.security = WorkbookProtection(lockStructure=True)


@pytest.mark.parametrize(
    ("change", "words", "said"),
    [
        (_protected, (), "the sheet 'Sheet1' is protected; remove its protection"),
        (_locked, (), "the workbook is protected, no sheet can be added"),
        (lambda book: book.create_sheet("∂ Sheet1"), (), "has a sheet '∂ Sheet1' already"),
        (lambda book: book.create_sheet("→ sheet1"), ("--step", 1), "'→ Sheet1' already"),
        (_iterates, ("--of", "Sheet1!D1"), "Sheet1!D1 is in a circle"),
        (lambda book: None, ("--step", "nan"), "--step nan: give a number, such as 0.1"),
        (lambda book: None, ("--step", "inf"), "--step inf: give a number"),
    ],
)
def test_a_workbook_without_room_is_left_alone(
    change: Callable[[Workbook], object], words: tuple[object, ...], said: str, tmp_path: Path
) -> None:
    path, to = written(tmp_path / "a.xlsx", change), tmp_path / "copy.xlsx"
    common = ("--of", "Sheet1!C1", "--by", "Sheet1!A1", "-o", to)
    assert said in refused("differentiate", path, *common, *words)
    assert [*tmp_path.iterdir()] == [path]


def test_a_workbook_is_never_written_over(tmp_path: Path) -> None:
    path = written(tmp_path / "a.xlsx")
    before = path.read_bytes()
    said = refused("differentiate", path, "--of", "C1", "--by", "A1", "-o", path)
    assert "is an input, and not written over" in said
    assert path.read_bytes() == before


def test_a_copy_has_the_suffix_of_its_workbook(tmp_path: Path) -> None:
    path = written(tmp_path / "a.xlsx").rename(tmp_path / "a.xlsm")
    common = ("--of", "C1", "--by", "A1")
    assert refused("differentiate", path, *common, "-o", tmp_path / "copy.xlsx")
    assert [*tmp_path.iterdir()] == [path]
    assert call("differentiate", path, *common).exit_code == 0
    assert (tmp_path / "a_gradients.xlsm").exists()


@pytest.mark.parametrize("length", [28, 29, 30, 31])
def test_names_that_are_too_long_are_cut_and_said(length: int, tmp_path: Path) -> None:
    name = "x" * length
    other = "x" * 30 + "y"

    def change(book: Workbook) -> None:
        book.active.title = name
        book.create_sheet(other)["A1"] = f"={name}!C1+{name}!A2"

    path, to = written(tmp_path / "a.xlsx", change), tmp_path / "copy.xlsx"
    words = ("--of", f"{other}!A1", "--by", f"{name}!A1", "--step", 0.1, "-o", to)
    result = call("differentiate", path, *words)
    assert result.exit_code == 0, result.output
    first = f"∂ {name}" if length < 30 else f"∂ {'x' * 28}…"
    second = f"∂ {'x' * 28}…" if length < 30 else f"∂ {'x' * 27}…2"
    printed = "".join(result.output.split())
    assert "".join(f"{first!r}, {second!r}".split()) in printed


def test_a_circle_beside_the_model_does_no_harm(tmp_path: Path) -> None:
    path, to = written(tmp_path / "a.xlsx"), tmp_path / "copy.xlsx"
    result = call("differentiate", path, "--of", "C1", "--by", "A1:A2", "-o", to)
    assert result.exit_code == 0
    lines = [line.split() for line in result.output.splitlines()]
    assert ["Sheet1!A1", "2", "3", "'∂", "Sheet1'!A1"] in lines
    assert ["Sheet1!A2", "3", "2", "'∂", "Sheet1'!A2"] in lines
