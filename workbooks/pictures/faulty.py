"""Write the workbook whose mistake the documentation shows: the gradients of one sheet go wrong.

python workbooks/pictures/faulty.py build/faulty.xlsx
"""

import sys
from pathlib import Path

from openpyxl import load_workbook

from workbook_tools.checking.verify import verify
from workbook_tools.judging.report import Report

SOURCE = Path(__file__).parent.parent / "Back_Propogation.xlsx"


def write_faulty(path: Path) -> Report:
    """Let ∂E/∂w3 of the sheet LR 0.5 use the slope of the wrong unit, a_h1; check the workbook."""
    book = load_workbook(SOURCE)
    sheet = book["LR 0.5"]
    for row in range(32, 100):
        cell = sheet[f"Z{row}"]
        cell.value = cell.value.replace(f"L{row}*(1-L{row})", f"J{row}*(1-J{row})")
    book.save(path)
    return verify(path)


if __name__ == "__main__":
    write_faulty(Path(sys.argv[1]))
