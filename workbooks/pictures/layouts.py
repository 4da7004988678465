"""Write three workbooks of other layouts than ours, each with a usual mistake in its gradients.

python workbooks/pictures/layouts.py build/layouts
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

_TYPED, _LABEL = Font(color="0000FF"), Font(bold=True, color="666666")
_LINE = Side(color="BBBBBB", style="thin")
_FILL = PatternFill("solid", start_color="F7F4EC")


def write_matrices(path: Path) -> None:
    """Matrices: the mask of the hidden layer is left out when its gradient is passed back."""
    book, sheet = _sheet("Network")
    _block(sheet, "A1", "W1, b1", [[0.6, -0.4, 0.5], [-0.7, 0.9, 0.1], [0.2, 0.8, 0.1]])
    _block(sheet, "E1", "X", [[0.9, 0.4], [0.3, 0.8], [1, 1]])
    _block(sheet, "H1", "Z1", _products("$A{r}:$C{r}", "{c}$2:{c}$4", "H2:I4", "EF"))
    _block(sheet, "K1", "H = ReLU(Z1)", [[f"=MAX({c}{r},0)" for c in "HI"] for r in (2, 3, 4)])
    _block(sheet, "K5", "", [[1, 1]])
    _block(sheet, "A8", "W2, b2", [[0.5, -0.6, 0.4, 0.1], [-0.3, 0.7, 0.2, -0.1]])
    _block(sheet, "F8", "Z2", _products("$A{r}:$D{r}", "{c}$2:{c}$5", "F9:G10", "KL"))
    softmax = [[f"=EXP({c}{r})/SUM(EXP({c}$9),EXP({c}$10))" for c in "FG"] for r in (9, 10)]
    _block(sheet, "I8", "softmax P", softmax)
    _block(sheet, "L8", "targets T", [[1, 0], [0, 1]])
    _block(
        sheet,
        "A13",
        "∂E/∂Z2 = P − T",
        [[f"={p}{r}-{t}{r}" for p, t in ("IL", "JM")] for r in (9, 10)],
    )
    outer = [[f"=SUMPRODUCT($A{r}:$B{r},$K{k}:$L{k})" for k in range(2, 6)] for r in (14, 15)]
    _block(sheet, "D13", "∂E/∂W2", outer)
    back = [[f"={w}$9*{d}$14+{w}$10*{d}$15" for d in "AB"] for w in "ABC"]
    _block(sheet, "A17", "∂E/∂H", back)
    _block(sheet, "D17", "∂E/∂Z1", [[f"={c}{r}" for c in "AB"] for r in (18, 19, 20)])
    inner = [[f"=SUMPRODUCT($D{r}:$E{r},$E{k}:$F{k})" for k in (2, 3, 4)] for r in (18, 19, 20)]
    _block(sheet, "G17", "∂E/∂W1", inner)
    book.save(path)


def write_samples(path: Path) -> None:
    """One sample a row, averages below: one of the averages is of the next column."""
    book, sheet = _sheet("Regression")
    _row(sheet, 1, ["w1", "w2", "b", "", "η"])
    _row(sheet, 2, [0.2, -0.3, 0.1, None, 0.5])
    _row(sheet, 4, ["x1", "x2", "t", "p", "E", "∂E/∂w1", "∂E/∂w2", "∂E/∂b"])
    data = [
        (0.2, 0.9, 1),
        (0.8, 0.3, 0),
        (0.5, 0.7, 1),
        (0.9, 0.1, 0),
        (0.4, 0.6, 1),
        (0.7, 0.2, 0),
    ]
    for row, own in enumerate(data, start=5):
        p = f"=1/(1+EXP(-(A{row}*A$2+B{row}*B$2+C$2)))"
        loss = f"=-C{row}*LN(D{row})-(1-C{row})*LN(1-D{row})"
        error = f"(D{row}-C{row})"
        _row(sheet, row, [*own, p, loss, f"={error}*A{row}", f"={error}*B{row}", f"={error}"])
    averages = [f"=AVERAGE({c}5:{c}10)" for c in "EFGH"]
    averages[2] = averages[3]  # as if the column had been dragged
    _row(sheet, 11, ["", "", "", "average", *averages])
    _row(sheet, 13, ["new w1", "new w2", "new b"])
    _row(sheet, 14, [f"={w}2-$E$2*{g}11" for w, g in zip("ABC", "FGH", strict=True)])
    book.save(path)


def write_blocks(path: Path) -> None:
    """Blocks that were copied to the right: some formulas go on reading the first block."""
    book, sheet = _sheet("Steps")
    _row(sheet, 1, ["", *(f"step {k}" for k in range(1, 6))])
    names = ["w", "b", "x", "t", "z", "y", "E", "∂E/∂z", "∂E/∂w", "∂E/∂b", "η"]
    for row, name in enumerate(names, start=2):
        sheet.cell(row, 1, name).font = _LABEL
    for k in range(5):
        c, before = get_column_letter(2 + k), get_column_letter(1 + k)
        anchored = "$B$7" if k else "B7"
        column: list[object] = [
            0.4 if not k else f"={before}2-$B$12*{before}10",
            -0.1 if not k else f"={before}3-$B$12*{before}11",
            0.8 if not k else f"={before}4",
            0.9 if not k else f"={before}5",
            f"={c}2*{c}4+{c}3",
            f"=1/(1+EXP(-{c}6))",
            f"=0.5*({c}7-{c}5)^2",
            f"=({c}7-{c}5)*{c}7*(1-{anchored})",
            f"={c}9*{c}4",
            f"={c}9",
        ]
        for row, value in enumerate(column, start=2):
            _put(sheet, row, 2 + k, value)
    _put(sheet, 12, 2, 0.5)
    book.save(path)


def _sheet(name: str) -> tuple[Workbook, Worksheet]:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = name
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_options.headings = True
    for column in range(1, 15):
        sheet.column_dimensions[get_column_letter(column)].width = 9.5
    return book, sheet


def _products(left: str, right: str, place: str, columns: str) -> list[list[object]]:
    """Return the elements of a product of matrices: an array formula in each cell."""
    first, last = place.split(":")
    rows = range(int(first[1:]), int(last[1:]) + 1)
    return [
        [
            ArrayFormula(
                f"{chr(ord(first[0]) + k)}{r}",
                f"=MMULT({left.format(r=r)},{right.format(c=c)})",
            )
            for k, c in enumerate(columns)
        ]
        for r in rows
    ]


def _block(sheet: Worksheet, corner: str, label: str, rows: Sequence[Sequence[object]]) -> None:
    """Write a matrix below its label."""
    first = sheet[corner]
    if label:
        first.value, first.font = label, _LABEL
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            _put(sheet, first.row + i + bool(label), first.column + j, value)


def _row(sheet: Worksheet, row: int, values: Iterable[object]) -> None:
    for column, value in enumerate(values, start=1):
        if isinstance(value, str) and not value.startswith("="):
            sheet.cell(row, column, value).font = _LABEL
        elif value is not None:
            _put(sheet, row, column, value)


def _put(sheet: Worksheet, row: int, column: int, value: object) -> None:
    cell = sheet.cell(row, column, value)  # type: ignore[arg-type]
    cell.number_format, cell.fill = "0.0000", _FILL
    cell.border = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
    if isinstance(value, int | float):
        cell.font, cell.number_format = _TYPED, "General"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    write_matrices(folder / "matrices.xlsx")
    write_samples(folder / "samples.xlsx")
    write_blocks(folder / "blocks.xlsx")
