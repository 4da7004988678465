"""Write a model without derivatives: a small network over eight samples, and its loss.

python workbooks/models/forward.py workbooks/models/forward.xlsx
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from openpyxl import Workbook
from openpyxl.styles import Font

from workbook_tools.engines import DEFAULT, recalculate
from workbook_tools.engines.cached_values import fill

_TYPED = Font(name="Calibri", size=11, color="0000FF")
_LABEL = Font(name="Calibri", size=11, bold=True, color="666666")
_SAMPLES = [
    (1.0, 0.2, 0), (0.7, 0.7, 0), (0.0, 1.0, 0), (-0.7, 0.6, 0),
    (0.1, 0.1, 1), (0.5, -0.4, 1), (1.0, -0.5, 1), (1.8, 0.2, 1),
]  # fmt: skip
_PARAMETERS = {
    "J2": 0.4, "K2": -0.3, "J3": 0.2, "K3": 0.6, "J4": 0.1, "K4": -0.1,
    "J6": 0.5, "J7": -0.4, "J8": 0.1,
}  # fmt: skip
_LABELS = {
    "J1": "to h1", "K1": "to h2", "I2": "w1", "I3": "w2", "I4": "b",
    "I6": "v1", "I7": "v2", "I8": "c", "I10": "mean loss",
}  # fmt: skip


def forward_model() -> Workbook:
    """Return the model: two hidden units, a probability, and its cross-entropy."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Model"
    sheet.append(["x1", "x2", "t", "h1", "h2", "p", "loss"])
    for row, sample in enumerate(_SAMPLES, start=2):
        h1, h2 = (f"=TANH(A{row}*{c}$2+B{row}*{c}$3+{c}$4)" for c in ("$J", "$K"))
        p = f"=1/(1+EXP(-(D{row}*$J$6+E{row}*$J$7+$J$8)))"
        sheet.append([*sample, h1, h2, p, f"=-(C{row}*LN(F{row})+(1-C{row})*LN(1-F{row}))"])
    for cell, number in _PARAMETERS.items():
        sheet[cell], sheet[cell].font = number, _TYPED
    for cell, label in _LABELS.items():
        sheet[cell], sheet[cell].font = label, _LABEL
    for cell in sheet[1]:
        cell.font = _LABEL
    sheet["J10"] = "=AVERAGE(G2:G9)"
    sheet.freeze_panes = "A2"
    sheet.column_dimensions["I"].width = 11
    return book


def main(path: Path) -> None:
    """Write the model with the values of its formulas."""
    with TemporaryDirectory() as folder:
        plain = Path(folder, "plain.xlsx")
        forward_model().save(plain)
        fill(plain, path, recalculate(plain, DEFAULT))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
