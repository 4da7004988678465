"""The made workbooks, cell by cell and part by part, and the committed ones against them."""

import re
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from cases import THOROUGH
from openpyxl.worksheet.worksheet import Worksheet
from openxml_audit import OpenXmlValidator
from parts import Change, assert_same_workbook, rewritten

from workbook_tools.errors import InputError
from workbook_tools.formulas.references import FilledFormula
from workbook_tools.writing.workbook import build

pytestmark = pytest.mark.slow

NAMES = [
    "Back_Propogation", "mazur", "xor", "iris", "optimizers", "deep", "vanishing", "tiny_cnn"
]  # fmt: skip
SMALLER = [name for name in NAMES if THOROUGH or name not in ("iris", "vanishing")]
RATES = {"LR 0.1": 0.1, "LR 0.2": 0.2, "LR 0.5": 0.5, "LR 0.8": 0.8, "LR 1": 1, "LR 2": 2}
FIRST_LOSS = 0.014181377937891659
LAST_LOSS = {
    "LR 0.1": 0.009572139465504795,
    "LR 0.2": 0.00636996967865649,
    "LR 0.5": 0.0017820220654992426,
    "LR 0.8": 0.0004786492206066037,
    "LR 1": 0.00019683752612304454,
    "LR 2": 2.0923623350964516e-06,
}


@pytest.fixture(scope="module")
def made(workbooks: Path) -> dict[str, Path]:
    """The committed workbooks, which are what their specs make, as the first test says."""
    return {name: workbooks / f"{name}.xlsx" for name in NAMES}


@pytest.fixture(scope="module")
def formulas(made: dict[str, Path]) -> openpyxl.Workbook:
    return openpyxl.load_workbook(made["Back_Propogation"])


@pytest.fixture(scope="module")
def values(made: dict[str, Path]) -> openpyxl.Workbook:
    return openpyxl.load_workbook(made["Back_Propogation"], data_only=True)


# make builds the large ones, and git then shows a difference.
@pytest.mark.parametrize("name", SMALLER)
def test_the_committed_workbook_is_what_its_spec_makes(
    workbooks: Path, tmp_path: Path, name: str
) -> None:
    build(workbooks / f"{name}.toml", tmp_path / "anew.xlsx")
    assert_same_workbook(tmp_path / "anew.xlsx", workbooks / f"{name}.xlsx")


def test_building_again_changes_nothing(workbooks: Path, tmp_path: Path) -> None:
    path = tmp_path / "mazur.xlsx"
    build(workbooks / "mazur.toml", path)
    before = path.stat()
    build(workbooks / "mazur.toml", path)
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("ending", [b">", b" ", b"> "])
def test_only_a_workbook_whose_parts_differ_is_written_anew(
    workbooks: Path, tmp_path: Path, ending: bytes
) -> None:
    """Compression libraries differ, and so may the bytes of two files of the same content."""
    path = tmp_path / "mazur.xlsx"
    ended: Change = lambda content: content[:-1] + ending
    rewritten(workbooks / "mazur.xlsx", path, {"xl/worksheets/sheet2.xml": ended})
    before = path.stat().st_ino
    build(workbooks / "mazur.toml", path)
    assert (path.stat().st_ino == before) == (ending == b">")


def test_two_builds_are_the_same_byte_for_byte(workbooks: Path, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        build(workbooks / "mazur.toml", tmp_path / folder / "mazur.xlsx")
    one, two = (tmp_path / folder / "mazur.xlsx" for folder in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_an_older_workbook_is_replaced_by_the_new_one(workbooks: Path, tmp_path: Path) -> None:
    path = tmp_path / "mazur.xlsx"
    path.write_bytes(b"old")
    build(workbooks / "mazur.toml", path)
    assert openpyxl.load_workbook(path).sheetnames == ["Overview", "LR 0.5"]
    assert list(tmp_path.iterdir()) == [path]


def test_every_sheet_shows_the_right_losses(values: openpyxl.Workbook) -> None:
    assert values.sheetnames == ["Overview", *RATES]
    for name, last in LAST_LOSS.items():
        assert values[name]["W32"].value == pytest.approx(FIRST_LOSS, rel=1e-14)
        assert values[name]["W99"].value == pytest.approx(last, rel=1e-12)
        assert values[name]["G30"].value == RATES[name]
        assert values[name]["F30"].value == "η ="
        assert values[name]["A100"].value is None


def test_pandas_and_every_reader_of_cached_values_shows_numbers(made: dict[str, Path]) -> None:
    frame = pd.read_excel(
        made["Back_Propogation"], sheet_name="LR 0.5", header=30, engine="openpyxl"
    )
    assert list(frame.columns[:5]) == ["t1", "t2", "i1", "i2", "w1"]
    assert frame["E_tot"].iloc[-1] == pytest.approx(LAST_LOSS["LR 0.5"], rel=1e-12)
    assert not frame.isna().to_numpy().any()


def table(sheet: Worksheet) -> list[list[str]]:
    return [[cell.value for cell in row] for row in sheet["A32:AE99"]]


def test_from_the_second_iteration_on_every_column_is_one_formula_filled_down(
    formulas: openpyxl.Workbook,
) -> None:
    for name in RATES:
        rows = table(formulas[name])
        for column in range(31):
            filled = {FilledFormula.parse(rows[k][column], 32 + k) for k in range(1, 68)}
            assert len(filled) == 1, (name, column)


def test_every_update_reads_the_rate_cell(formulas: openpyxl.Workbook) -> None:
    for name in RATES:
        assert formulas[name]["E33"].value == "=E32-$G$30*X32"
        assert formulas[name]["P99"].value == "=P98-$G$30*AE98"


def test_inputs_targets_and_weights_are_typed_once_on_the_overview(
    formulas: openpyxl.Workbook,
) -> None:
    for name in RATES:
        first_row = [cell.value for cell in formulas[name]["A32:AE32"][0]]
        assert all(str(value).startswith("=") for value in first_row)
        assert formulas[name]["A32"].value == "=Overview!$C$17"
    overview = formulas["Overview"]
    typed = [overview.cell(row, 3).value for row in range(15, 27)]
    assert typed == [0.05, 0.10, 0.5, 0.5, 0.15, 0.20, 0.25, 0.30, 0.40, 0.45, 0.50, 0.55]
    validated = {str(rule.sqref) for rule in overview.data_validations.dataValidation}
    assert any("C15" in ranges for ranges in validated)


def test_the_overview_links_to_each_sheet_and_shows_its_losses(
    formulas: openpyxl.Workbook, values: openpyxl.Workbook
) -> None:
    for row, name in enumerate(RATES, start=15):
        assert formulas["Overview"][f"G{row}"].hyperlink.location == f"'{name}'!A1"
        assert formulas["Overview"][f"I{row}"].value == f"='{name}'!$W$99"
        assert values["Overview"][f"F{row}"].value == RATES[name]
        assert values["Overview"][f"H{row}"].value == pytest.approx(FIRST_LOSS, rel=1e-14)
        assert values["Overview"][f"I{row}"].value == pytest.approx(LAST_LOSS[name], rel=1e-12)


def test_every_formula_cell_has_its_value(made: dict[str, Path]) -> None:
    for path in made.values():
        with zipfile.ZipFile(path) as package:
            sheets = [p for p in package.namelist() if p.startswith("xl/worksheets/sheet")]
            counts = [
                (xml.count(b"<f>"), len(re.findall(rb"</f><v>[-0-9.e]+</v>", xml)))
                for xml in map(package.read, sheets)
            ]
        assert all(formulas == values for formulas, values in counts)
        assert sum(formulas > 0 for formulas, _ in counts) >= 2  # samples may all be typed


def test_the_workbook_asks_for_a_full_calculation_on_load(made: dict[str, Path]) -> None:
    with zipfile.ZipFile(made["mazur"]) as package:
        assert b'fullCalcOnLoad="1"' in package.read("xl/workbook.xml")


def test_charts_and_pictures_have_alternative_text(made: dict[str, Path]) -> None:
    with zipfile.ZipFile(made["Back_Propogation"]) as package:
        drawings = [p for p in package.namelist() if p.startswith("xl/drawings/drawing")]
        assert len(drawings) == 7
        for drawing in drawings:
            described = re.findall(r'descr="([^"]*)"', package.read(drawing).decode())
            assert len(described) == 2
            assert all(len(text) > 40 for text in described)


def test_headers_are_frozen_repeated_in_print_and_explained(formulas: openpyxl.Workbook) -> None:
    sheet = formulas["LR 2"]
    assert sheet.freeze_panes == "A32"
    assert sheet.print_title_rows == "$31:$31"
    assert sheet.page_setup.orientation == "landscape"
    notes = [cell.comment.text for cell in sheet["A31:AE31"][0]]
    assert notes[8].startswith("h1 = w1·i1 + w2·i2")


def test_there_are_no_macros_external_links_volatile_or_new_functions(
    made: dict[str, Path], formulas: openpyxl.Workbook
) -> None:
    with zipfile.ZipFile(made["Back_Propogation"]) as package:
        assert not [p for p in package.namelist() if "vba" in p or "externalLink" in p]
    functions = {
        function
        for sheet in formulas
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, str) and cell.value.startswith("=")
        for function in re.findall(r"([A-Z][A-Z.]*)\(", cell.value)
    }
    assert functions == {"EXP"}


# The others are made of the same parts.
@pytest.mark.parametrize("name", NAMES if THOROUGH else ["Back_Propogation", "xor"])
def test_the_workbook_follows_the_open_xml_schema(made: dict[str, Path], name: str) -> None:
    result = OpenXmlValidator(max_errors=0).validate(made[name])
    assert [str(error) for error in result.errors] == []


def test_a_long_run_is_filled_to_its_last_row(workbooks: Path, tmp_path: Path) -> None:
    """Mazur's example, as published: after 10,000 updates the loss is about 0.0000351."""
    spec = (workbooks / "mazur.toml").read_text(encoding="utf-8")
    long = tmp_path / "long.toml"
    long.write_text(spec.replace("iterations = 100", "iterations = 10001"), encoding="utf-8")
    build(long, tmp_path / "long.xlsx")
    frame = pd.read_excel(tmp_path / "long.xlsx", sheet_name="LR 0.5", header=30, engine="calamine")
    assert len(frame) == 10_001
    assert frame["E_tot"].iloc[-1] == pytest.approx(0.0000351, abs=5e-8)


PUBLISHED = {
    "w1": 0.149780716,
    "w2": 0.19956143,
    "w3": 0.24975114,
    "w4": 0.29950229,
    "w5": 0.35891648,
    "w6": 0.408666186,
    "w7": 0.511301270,
    "w8": 0.561370121,
}


def test_the_worked_example_gives_its_published_figures(made: dict[str, Path]) -> None:
    frame = pd.read_excel(made["mazur"], sheet_name="LR 0.5", header=30, engine="openpyxl")
    assert frame["E_tot"][0] == pytest.approx(0.298371109, abs=5e-10)
    for symbol, published in PUBLISHED.items():
        digits = len(str(published).split(".")[1])
        assert frame[symbol][1] == pytest.approx(published, abs=0.6 * 10**-digits), symbol
    # Published as 0.291027924; the published weights themselves give 0.2910277737.
    assert frame["E_tot"][1] == pytest.approx(0.2910277737, abs=1e-10)


def test_a_folder_that_cannot_be_written_to_is_said_and_the_old_file_stays(
    workbooks: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"mazur\.xlsx: cannot be written"):
        build(workbooks / "mazur.toml", tmp_path / "nowhere" / "mazur.xlsx")


def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    workbooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mazur.xlsx"
    path.write_bytes(b"old")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("workbook_tools.writing.workbook.fill", full)
    with pytest.raises(InputError, match="No space left on device"):
        build(workbooks / "mazur.toml", path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_run_that_no_workbook_can_hold_is_refused_before_it_is_written(
    workbooks: Path, tmp_path: Path
) -> None:
    spec = (workbooks / "mazur.toml").read_text(encoding="utf-8")
    huge = tmp_path / "huge.toml"
    huge.write_text(spec.replace("iterations = 100", "iterations = 1000000"), encoding="utf-8")
    with pytest.raises(InputError, match=r"training\.iterations: .* give at most \d+,\d+ iter"):
        build(huge, tmp_path / "huge.xlsx")
    assert list(tmp_path.iterdir()) == [huge]
