"""Workbooks with several samples an iteration: blocks of rows, folding, charts, sheets of data."""

import zipfile
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet
from openxml_audit import OpenXmlValidator

from workbook_tools.engines import recalculate
from workbook_tools.writing.workbook import build

SPEC = """
title = "test"
[network]
layers = [2, 3, 1]
activation = ["tanh", "sigmoid"]
loss = "binary-cross-entropy"
biases = ["trained", "none"]
gradient_sizes = true
[data]
inputs = [[0, 0], [0, 1], [1, 0], [1, 1], [2, 1]]
classes = ["no", "yes", "yes", "no", "no"]
[start]
draw = "xavier"
[training]
learning_rates = [0.5]
iterations = 4
batch = 3
optimizer = "momentum"
"""
HEADER = (
    "iteration sample E_mean accuracy t1 i1 i2 w1 w2 w3 w4 w5 w6 b1 b2 b3 h1 a_h1 h2 a_h2 h3 a_h3 "
    "w7 w8 w9 o1 a_o1 E1 E_tot correct δ_o1 δ_h1 δ_h2 δ_h3 ∂E/∂w1 ∂E/∂w2 ∂E/∂w3 ∂E/∂w4 ∂E/∂w5 "
    "∂E/∂w6 ∂E/∂w7 ∂E/∂w8 ∂E/∂w9 ∂E/∂b1 ∂E/∂b2 ∂E/∂b3 g_1 g_2 m_w1 m_w2 m_w3 m_w4 m_w5 m_w6 m_w7 "
    "m_w8 m_w9 m_b1 m_b2 m_b3"
).split()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    (folder / "a.toml").write_text(SPEC, encoding="utf-8")
    build(folder / "a.toml", folder / "a.xlsx")
    return folder / "a.xlsx"


@pytest.fixture(scope="module")
def sheet(made: Path) -> Worksheet:
    return openpyxl.load_workbook(made)["LR 0.5"]


def column(sheet: Worksheet, symbol: str) -> str:
    return next(cell.column_letter for cell in sheet[31] if cell.value == symbol)


def test_the_columns_begin_with_what_tells_the_rows_apart(sheet: Worksheet) -> None:
    assert [cell.value for cell in sheet[31]] == HEADER
    assert sheet.freeze_panes == "C32"


def test_every_sample_has_a_row_and_an_iteration_a_block(sheet: Worksheet, made: Path) -> None:
    values = openpyxl.load_workbook(made, data_only=True)["LR 0.5"]
    rows = list(values.iter_rows(min_row=32, max_row=44, max_col=2, values_only=True))
    # 5 samples, 3 an iteration, in the order of the data: after the last comes the first.
    samples = [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2]
    iterations = [1, None, None, 2, None, None, 3, None, None, 4, None, None]
    assert rows == [*zip(iterations, samples, strict=True), (None, None)]


@pytest.mark.parametrize(
    ("symbol", "row", "formula"),
    [
        ("sample", 33, "=MOD(B32,$P$30)+1"),
        ("sample", 35, "=MOD(B34,$P$30)+1"),
        ("iteration", 38, "=A35+1"),
        ("i2", 36, "=INDEX(Data!$D$8:$D$12,B36)"),
        ("w1", 32, "=Overview!$C$15"),
        ("w1", 35, "=H32-$G$30*AW32"),
        ("w1", 36, None),
        ("h1", 35, "=H35*F35+I35*G35+N35"),
        ("h1", 37, "=H35*F37+I35*G37+N35"),  # the iteration's own weights
        ("E_mean", 38, "=AVERAGE(AC38:AC40)"),
        ("accuracy", 38, "=AVERAGE(AD38:AD40)"),
        ("∂E/∂w1", 38, "=SUMPRODUCT(AF38:AF40,F38:F40)/3"),
        ("∂E/∂b1", 38, "=SUM(AF38:AF40)/3"),
        ("g_2", 38, "=SQRT(SUMSQ(AO38,AP38,AQ38))"),
        ("m_w1", 38, "=$N$30*AW35+AI38"),
    ],
)
def test_a_formula_reads_its_own_row_or_the_first_of_its_iteration(
    sheet: Worksheet, symbol: str, row: int, formula: str | None
) -> None:
    assert sheet[f"{column(sheet, symbol)}{row}"].value == formula


def test_what_there_is_once_an_iteration_stands_in_its_first_row_only(sheet: Worksheet) -> None:
    once = [s for s in HEADER if s[0] in "wbmg∂" or s in ("iteration", "E_mean", "accuracy")]
    for symbol in HEADER:
        filled = [
            r for r in range(32, 44) if sheet[f"{column(sheet, symbol)}{r}"].value is not None
        ]
        assert filled == (list(range(32, 44, 3)) if symbol in once else list(range(32, 44)))


def test_rows_and_columns_can_be_folded_to_what_heads_them(sheet: Worksheet) -> None:
    levels = [sheet.row_dimensions[row].outlineLevel for row in range(32, 44)]
    assert levels == [0, 1, 1] * 4
    assert not sheet.row_dimensions[33].hidden
    # Groups are written as ranges of columns; the first column of each stays in sight.
    heads = {"w1", "h1", "w7", "o1", "E1", "δ_h1", "∂E/∂w1", "∂E/∂w7", "∂E/∂b1", "g_1", "m_w1"}
    grouped = {
        number
        for dimension in sheet.column_dimensions.values()
        if dimension.outlineLevel
        for number in range(dimension.min, dimension.max + 1)
    }
    open_columns = {symbol for k, symbol in enumerate(HEADER, start=1) if k not in grouped}
    assert heads <= open_columns
    assert {"w2", "a_h3", "∂E/∂w2", "m_b3"}.isdisjoint(open_columns)


def test_many_rows_are_folded_to_begin_with(tmp_path: Path) -> None:
    many = [[k % 3, k % 5] for k in range(15)]
    spec = SPEC.replace("batch = 3", "").replace(
        'classes = ["no", "yes", "yes", "no", "no"]', f"targets = {[[k % 2] for k in range(15)]}"
    )
    start = spec.index("inputs = ")
    spec = spec[:start] + f"inputs = {many}" + spec[spec.index("\n", start) :]
    (tmp_path / "a.toml").write_text(spec, encoding="utf-8")
    build(tmp_path / "a.toml", tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["LR 0.5"]
    hidden = [sheet.row_dimensions[row].hidden for row in range(32, 32 + 60)]
    assert hidden == ([False] + [True] * 14) * 4


def test_charts_join_the_iterations_over_the_rows_between_them(made: Path) -> None:
    with zipfile.ZipFile(made) as package:
        charts = [
            package.read(name).decode()
            for name in package.namelist()
            if name.startswith("xl/charts/chart")
        ]
    assert len(charts) == 4  # loss and accuracy; on the Overview loss and gradients' sizes
    for chart in charts:
        assert "<scatterChart>" in chart
        assert '<dispBlanksAs val="span"' in chart
        assert '<plotVisOnly val="0"' in chart
        assert "'LR 0.5'!$A$32:$A$43" in chart


def test_the_summary_states_loss_and_accuracy(made: Path) -> None:
    overview = openpyxl.load_workbook(made)["Overview"]
    header = [overview.cell(14, c).value for c in range(6, 11)]
    assert header[2:] == [
        "E_mean at iteration 1",
        "E_mean at iteration 4",
        "accuracy at iteration 4",
    ]
    assert overview["J15"].value == "='LR 0.5'!$D$41"


def test_a_changed_sample_changes_the_run(made: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(made)
    book["Data"]["C9"] = 3.5  # input 1 of sample 2
    book.save(tmp_path / "changed.xlsx")
    changed = recalculate(tmp_path / "changed.xlsx", "embedded")
    before = recalculate(made, "embedded")
    assert changed.block("LR 0.5", 33, 6, 33, 6) == [[3.5]]
    last = ("LR 0.5", 41, 3, 41, 3)
    assert changed.block(*last) != before.block(*last)


def test_the_file_keeps_to_the_open_xml_schema(made: Path) -> None:
    findings = OpenXmlValidator().validate(str(made))
    assert [str(finding) for finding in findings.errors] == []


@pytest.mark.libreoffice
def test_libreoffice_calculates_the_same(made: Path) -> None:
    cached, office = (recalculate(made, engine) for engine in ("cached", "libreoffice"))
    area = ("LR 0.5", 32, 1, 43, len(HEADER))
    for ours, theirs in zip(cached.block(*area), office.block(*area), strict=True):
        assert [v is None for v in ours] == [v is None for v in theirs]
        numbers = [(a, b) for a, b in zip(ours, theirs, strict=True) if a is not None]
        for a, b in numbers:
            assert a == pytest.approx(b, rel=1e-9, abs=1e-12)
