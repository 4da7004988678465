"""Small models cell by cell, as one finds them in lessons."""

from pathlib import Path

from openpyxl import Workbook
from openpyxl.worksheet.formula import ArrayFormula

ROWS = range(2, 6)
DATA: dict[str, object] = {
    "A2": 0.13, "B2": 0.85, "A3": 0.76, "B3": 0.26, "A4": 0.5, "B4": 0.45, "A5": 0.65, "B5": 0.79,
}  # fmt: skip
WEIGHTS: dict[str, object] = {
    "A10": 0.3, "B10": -0.37, "C10": 0.04, "A11": 0.44, "B11": 0.36, "C11": -0.3,
}  # fmt: skip
LINEAR: dict[str, object] = {
    f"{letter}{row}": f"=SUMPRODUCT($A{row}:$B{row},$A${unit}:$B${unit})+$C${unit}"
    for row in ROWS
    for letter, unit in (("D", 10), ("E", 11))
}


def _filled(formulas: dict[str, str]) -> dict[str, object]:
    return {f"{letter}{row}": text.format(row) for letter, text in formulas.items() for row in ROWS}


RELU = DATA | WEIGHTS | LINEAR | _filled({"F": "=MAX(0,D{0})", "G": "=MAX(0,E{0})"})
RELU["I2"] = "=SUMXMY2(F2:F5,A2:A5)/COUNT(A2:A5)+SUMSQ(G2:G5)"
SIGMOID = DATA | WEIGHTS | LINEAR
SIGMOID |= _filled({"F": "=1/(1+EXP(-D{0}))", "H": "=(F{0}-A{0})^2"}) | {"I2": "=AVERAGE(H2:H5)"}
SOFTMAX = DATA | WEIGHTS | LINEAR
SOFTMAX |= _filled(
    {
        "F": "=EXP(D{0})", "G": "=EXP(E{0})", "H": "=SUM(F{0}:G{0})",
        "J": "=F{0}/$H{0}", "K": "=G{0}/$H{0}", "L": "=-(A{0}*LN(J{0})+B{0}*LN(K{0}))",
    }
) | {"I2": "=AVERAGE(L2:L5)"}  # fmt: skip
SOFTMAX_AT_ONCE = DATA | WEIGHTS | LINEAR
SOFTMAX_AT_ONCE |= _filled(
    {
        "F": "=EXP(D{0})/SUMPRODUCT(EXP($D{0}:$E{0}))",
        "G": "=EXP(E{0})/SUMPRODUCT(EXP($D{0}:$E{0}))",
        "H": "=-A{0}*LN(F{0})-B{0}*LN(G{0})",
    }
) | {"I2": "=SUM(H2:H5)"}
MATRIX: dict[str, object] = DATA | WEIGHTS
MATRIX |= {f"{letter}{row}": 0 for row in ROWS for letter in "DE"}
MATRIX |= {"D2": ArrayFormula("D2:E5", "=MMULT(A2:B5,A10:B11)"), "I2": "=SUMSQ(D2:E5)"}
LABELS = SOFTMAX | {f"M{row}": f"=-LN(INDEX(J{row}:K{row},{1 + row % 2}))" for row in ROWS}
LABELS["I2"] = "=AVERAGE(M2:M5)"
POOL = DATA | WEIGHTS | {"D2": "=MAX(A2:B3)*A10", "D4": "=MAX(A4:B5)*B10", "I2": "=D2^2-D4"}
RECURRENT = DATA | WEIGHTS | {f"D{r}": f"=TANH($A$10*A{r}+$B$10*D{r - 1})" for r in ROWS}
RECURRENT |= {"D1": 0.2, "I2": "=D5^2+SUM(D2:D4)"}
GROWING = DATA | WEIGHTS | {f"D{r}": f"=SUM(A$2:A{r})*$A$10" for r in ROWS}
GROWING |= {f"E{r}": f"=MAX(D$2:D{r})-$C$11" for r in ROWS} | {"I2": "=SUMPRODUCT(D2:D5,E2:E5)"}
CHOSEN = DATA | WEIGHTS | LINEAR | _filled({"F": "=IF(D{0}>0.2,D{0}*$B$10,ABS(E{0}))"})
CHOSEN["I2"] = "=SUM(F2:F5)+VLOOKUP(0.76,A2:B5,2,FALSE)*A11"
LINE: dict[str, object] = {f"A{r}": r / 3 for r in ROWS} | {f"B{r}": r / 2 - 1 for r in ROWS}
LINE |= {"A10": 0.4, "B10": 0.1, "C10": 1, "A11": 1, "B11": 1, "C11": 1}
LINE |= {f"D{r}": f"=(B{r}-($A$10*A{r}+$B$10))^2" for r in ROWS} | {"I2": "=SUM(D2:D5)/4"}
COLUMNS = LINE | {"I2": "=SUM(D:D)/COUNT(B2:B5)", "D1": "error"}

EXAMPLES = {
    "relu": RELU, "sigmoid": SIGMOID, "softmax": SOFTMAX, "softmax at once": SOFTMAX_AT_ONCE,
    "matrix": MATRIX, "labels": LABELS, "pool": POOL, "recurrent": RECURRENT, "growing": GROWING,
    "chosen": CHOSEN, "line": LINE, "columns": COLUMNS,
}  # fmt: skip
BY = ("A10:C11",)


def saved(cells: dict[str, object], path: Path, sheet: str = "Sheet") -> Path:
    book = Workbook()
    book.active.title = sheet
    for name, content in cells.items():
        book.active[name] = content
    book.save(path)
    return path
