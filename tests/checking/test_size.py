"""What would take an engine minutes is refused before anybody waits for it."""

import subprocess
import sys
from pathlib import Path

import pytest
from handmade import HandMade

from workbook_tools.checking.size import TooLargeError, refuse_too_large
from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.sheets import Sheet


def sheet(formula: str, last_row: int, last_column: int, count: int = 1, name: str = "S") -> Sheet:
    run = Run(5, 4 + count, FilledFormula.parse(formula, 5))
    return Sheet(name, last_row, {}, {3: [run]}, last_column)


@pytest.mark.parametrize(
    "formula",
    [
        "=SUM(A1:XFD1048576)",
        "=1+COUNTIF($D$1:XFC$1048575,1)",
        "=SUM(A:XFD)",
        "=SUM($XFD:$A)",
        "=SUM(1:1048576)",
        "=SUM(S!1:1048576)",
        "=SUM('S'!$A:$XFD)",
        "=SUM(E1:ALZ1048576)",
    ],
)
def test_a_range_to_the_sheets_end_is_refused_where_the_sheet_is_used_to_its_end(
    formula: str,
) -> None:
    with pytest.raises(TooLargeError, match=r"^b.xlsx: too large .* S!C5 reads 1[0-9,]+ cells; "):
        refuse_too_large(Path("b.xlsx"), [sheet(formula, 1_048_576, 16_384)])
    refuse_too_large(Path("b.xlsx"), [sheet(formula, 1_048_576, 30)])
    refuse_too_large(Path("b.xlsx"), [sheet(formula, 2_000, 16_384)])


@pytest.mark.parametrize(
    ("formula", "count"),
    [
        ("=SUM(A$1:A5)", 100_000),  # running sums
        ("=VLOOKUP(A5,$A$1:$Z$100000,2,0)", 100_000),
        ("=SUM(Small!A:XFD)", 1),
        ('=IF(A1="SUM(A:XFD)",1,2)', 1),
        ("=" + "A:XFD+" * 2_000, 1),  # which is too long to be read
    ],
)
def test_what_an_engine_calculates_is_not_refused(formula: str, count: int) -> None:
    small = sheet("=1", 100, 100, name="Small")
    refuse_too_large(Path("b.xlsx"), [sheet(formula, 1_048_576, 16_384, count), small])


def test_nobody_waits_for_a_sum_of_a_whole_sheet(tmp_path: Path) -> None:
    """In a process of its own, where the engine goes on for 100 s if it is let."""
    path = HandMade(cells={"XFD1048576": "=SUM(A1:XFC1048575)"}).save(tmp_path / "made.xlsx")
    command = [sys.executable, "-m", "workbook_tools", "verify", path]
    found = subprocess.run(command, capture_output=True, text=True, timeout=80, check=False)
    assert found.returncode == 2
    assert "My sheet!XFD1048576 reads 17,178,804,225 cells" in found.stderr
    assert found.stderr.count("\n") == 1
