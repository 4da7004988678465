"""LibreOffice is asked where the embedded engine does not know; that may fail, and then is no harm.

And asked for by name, it says in one line what it cannot do.
"""

from contextlib import suppress
from pathlib import Path

import openpyxl
import pytest
from handmade import FORMULAS, HandMade
from parts import BOOK, replaced, rewritten

from workbook_tools.checking.verify import verify
from workbook_tools.engines import libreoffice, recalculate
from workbook_tools.errors import InputError
from workbook_tools.package.cell_values import CellError
from workbook_tools.reporting.copies import write_mended
from workbook_tools.reporting.json_document import to_json

pytestmark = pytest.mark.slow

TOOLS = "/usr/bin:/bin"  # for the scripts, after what stands for LibreOffice
OUT = 'out="${*#*--outdir }"; out="${out%% *}"; mkdir -p "$out"; '
BROKEN = {
    "fails": "exit 1",
    "lacks a library": "echo 'soffice: error while loading shared libraries: x.so' >&2; exit 127",
    "crashes": "kill -SEGV $$",
    "is killed": "kill -KILL $$",
    "hangs": "sleep 600",
    "leaves something running": "sleep 600 & exit 0",
    "prints what is no text": r"printf '\377\376\000'; exit 0",
    "writes no workbook": OUT + 'echo nothing > "$out/0.xlsx"',
    "writes another workbook": OUT + 'cp "$OTHER" "$out/0.xlsx"',
}


@pytest.fixture
def lacking(tmp_path: Path) -> Path:
    """A workbook with a mistake, and with a function that our own engines do not know."""
    formulas = {
        **FORMULAS,
        "E1": "=(B6-S6)^2/2*PROB({1},{1},1)",
        "∂E/∂w3": FORMULAS["∂E/∂w3"].replace("Q6", "P6"),
    }
    return HandMade(formulas).save(tmp_path / "lacking.xlsx")


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str | bytes | None) -> None:
    """Have a script stand for LibreOffice, or nothing."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    program = programs / "soffice"
    if isinstance(script, bytes):
        program.write_bytes(script)
    elif script is not None:
        program.write_text(f"#!/bin/sh\n{script}\n")
    if script is not None:
        program.chmod(0o755)
    other = openpyxl.Workbook()
    other.active.title = "Another"
    other.create_sheet("And one more")
    other.save(folder / "other.xlsx")
    monkeypatch.setenv("OTHER", str(folder / "other.xlsx"))
    monkeypatch.setenv("PATH", f"{programs}:{TOOLS}" if script is not None else str(programs))
    monkeypatch.setattr(libreoffice, "FALLBACK_TIMEOUT", 1.0)


@pytest.mark.parametrize("script", [*BROKEN.values(), b"\x7fELF"], ids=[*BROKEN, "is no program"])
def test_a_broken_libreoffice_leaves_the_embedded_engines_answer_as_it_was(
    lacking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | bytes
) -> None:
    install(tmp_path, monkeypatch, None)
    without = verify(lacking, "embedded")
    write_mended(without, lacking, tmp_path / "without.xlsx")
    install(tmp_path, monkeypatch, script)
    report = verify(lacking)
    assert to_json(report) == to_json(without)
    assert [finding.quantity for finding in report.faults] == ["∂E/∂w3"]
    write_mended(report, lacking, tmp_path / "with.xlsx")
    assert (tmp_path / "with.xlsx").read_bytes() == (tmp_path / "without.xlsx").read_bytes()
    monkeypatch.setattr(libreoffice, "TIMEOUT", 1.0)
    with pytest.raises(InputError, match=r"^\S*lacking\.xlsx: .*; use another --engine$"):
        recalculate(lacking, "libreoffice")


@pytest.mark.libreoffice
def test_a_libreoffice_that_knows_the_function_is_asked(lacking: Path) -> None:
    report = verify(lacking, "embedded")
    assert report.engine.startswith("LibreOffice")
    assert [finding.quantity for finding in report.faults] == ["∂E/∂w3"]


READING = {
    "a sheet that is not there": "=Nope!A1*0+F6*D6+G6*E6",
    "another workbook": "=[1]Sheet1!$A$1*0+F6*D6+G6*E6",
}


@pytest.mark.libreoffice
@pytest.mark.parametrize("formula", READING.values(), ids=[*READING])
@pytest.mark.parametrize("engine", ["libreoffice", "embedded", "ironcalc", "cached"])
def test_a_formula_that_reads_what_is_not_there_has_a_verdict_or_one_line(
    tmp_path: Path, formula: str, engine: str
) -> None:
    path = HandMade({**FORMULAS, "h1": formula}).save(tmp_path / "made.xlsx")
    with suppress(InputError):
        assert verify(path, engine).verdict != "pass"


# Names that Excel does not allow, but other programs write.
@pytest.mark.libreoffice
@pytest.mark.parametrize("name", ["x" * 40, "a:b", "a[b]", "'quoted'", "a/b"])
def test_sheets_that_libreoffice_renames_are_checked(tmp_path: Path, name: str) -> None:
    path = HandMade({**FORMULAS, "E2": "=(C6-U6)^2"}).save(tmp_path / "made.xlsx")
    named = rewritten(path, tmp_path / "named.xlsx", {BOOK: replaced(b"My sheet", name.encode())})
    for engine in ("libreoffice", "embedded"):
        [finding] = verify(named, engine).faults
        assert (finding.sheet, finding.quantity) == (name, "E2")


@pytest.mark.libreoffice
def test_files_of_the_same_name_are_calculated_together(tmp_path: Path) -> None:
    paths = []
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        book = openpyxl.Workbook()
        book.active.append([number, "=A1*2"])
        # Long, not UTF-8, with what a shell would read.
        paths.append(folder / ("-o ünï \udcff $(x);" + "y" * 200 + ".xlsx"))
        book.save(paths[-1])
    found = [c.block("Sheet", 1, 2, 1, 2) for c in libreoffice.recalculate_all(paths)]
    assert found == [[[0.0]], [[2.0]], [[4.0]]]


def test_sheets_that_libreoffice_renames_are_told_by_their_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = openpyxl.Workbook()
    book.active.append([1])
    book.create_sheet("Two").append([2])
    book.save(tmp_path / "book.xlsx")
    install(tmp_path, monkeypatch, OUT + 'cp "$OTHER" "$out/0.xlsx"')
    book["Sheet"].title, book["Two"].title = "Two -1", "Sheet"
    book.save(tmp_path / "other.xlsx")
    calculation = recalculate(tmp_path / "book.xlsx", "libreoffice")
    found = [calculation.block(name, 1, 1, 1, 1) for name in ("Sheet", "Two")]
    assert found == [[[1.0]], [[2.0]]]


@pytest.mark.libreoffice
def test_a_chart_sheet_does_not_move_the_others(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append([1, "=A1*2"])
    book.create_chartsheet("Chart")
    book.create_sheet("sheet1").append([5, "=A1*2"])
    book.save(tmp_path / "book.xlsx")
    calculation = recalculate(tmp_path / "book.xlsx", "libreoffice")
    assert calculation.block("sheet1", 1, 1, 1, 2) == [[5.0, 10.0]]
    assert calculation.block("Chart", 1, 1, 1, 1) == [[CellError("#REF!")]]
