"""What the formulas of derivatives look like."""

from pathlib import Path

import pytest
from differentiated_copies import copy_of, sheets_of
from small_models import BY, EXAMPLES, saved

from workbook_tools.notation.addresses import column_letter


def formulas(cells: dict[str, object], path: Path) -> dict[str, str]:
    """Return the formulas of the derivatives, each once, by the cells that it is filled into."""
    _, sheet = sheets_of(copy_of(saved(cells, path), "I2", BY).file)
    return {
        f"{column_letter(column)}{run.first_row}:{run.last_row}": run.formula.at(run.first_row)
        for column, runs in sheet.runs.items()
        for run in runs
    }


TEXTS = {
    "relu": {
        "D2:5": "=F2*IF(Sheet!F2>0,1,0)",
        "F2:5": "=I$2*(2*(Sheet!F2-Sheet!A2)/COUNT(Sheet!A$2:A$5))",
        "G2:5": "=I$2*2*Sheet!G2",
        "A10:10": "=SUMPRODUCT($D$2:$D$5,Sheet!A$2:A$5)",
        "C10:10": "=SUM(D$2:D$5)",
        "B2:5": "=D2*Sheet!B$10+E2*Sheet!B$11",
    },
    "sigmoid": {
        "D2:5": "=F2*Sheet!F2*(1-Sheet!F2)",
        "F2:5": "=H2*2*(Sheet!F2-Sheet!A2)",
        "H2:5": "=I$2/COUNT(Sheet!H$2:H$5)",
    },
    "softmax": {
        "J2:5": "=-Sheet!A2/Sheet!J2*$L2",
        "H2:5": "=-SUMPRODUCT(J2:K2,Sheet!J2:K2)/Sheet!H2",
        "F2:5": "=$H2+J2/Sheet!$H2",
        "D2:5": "=F2*Sheet!F2",
    },
    "matrix": {
        "D2:5": "=$I$2*2*Sheet!D2",
        "A2:5": "=SUMPRODUCT($D2:$E2,Sheet!$A$10:$B$10)",
        "A10:10": "=SUMPRODUCT(D$2:D$5,Sheet!$A$2:$A$5)",
    },
    "recurrent": {"D2:4": "=D3*(1-Sheet!D3^2)*Sheet!B$10+I$2"},
    "line": {
        "A10:10": (
            "=-SUMPRODUCT(D2:D5,Sheet!A2:A5*(Sheet!B2:B5-(Sheet!A10*Sheet!A2:A5+Sheet!B10)))*2"
        ),
    },
}


@pytest.mark.parametrize("name", TEXTS)
def test_formulas_are_those_of_a_lesson(name: str, tmp_path: Path) -> None:
    found = formulas(EXAMPLES[name], tmp_path / "a.xlsx")
    assert {cells: found.get(cells, "") for cells in TEXTS[name]} == TEXTS[name]


@pytest.mark.parametrize("name", EXAMPLES)
def test_formulas_are_short(name: str, tmp_path: Path) -> None:
    longest = max(formulas(EXAMPLES[name], tmp_path / "a.xlsx").values(), key=len)
    assert len(longest) < 300, longest


def test_a_mean_of_many_cells_is_counted_once_for_all_of_them(tmp_path: Path) -> None:
    cells: dict[str, object] = {f"A{row}": row / 7 for row in range(1, 301)}
    cells |= {f"B{row}": f"=A{row}*$D$1" for row in range(1, 301)}
    cells |= {"D1": 0.5, "I2": "=AVERAGE(B1:B300)", "A10": 0.1, "B10": 1, "C10": 1}
    path = saved({**cells, "B10": "=A10*$D$1"}, tmp_path / "a.xlsx")
    summary = copy_of(path, "I2", ["D1"])
    _, sheet = sheets_of(summary.file)
    every = [run.formula.at(run.first_row) for runs in sheet.runs.values() for run in runs]
    assert [text for text in every if "COUNT" in text] == ["=COUNT(Sheet!B1:B300)"]
