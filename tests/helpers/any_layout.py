"""Workbooks of any layout, made cell by cell, and what is called wrong in them."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

from openpyxl import Workbook

from workbook_tools.checking.verify import verify
from workbook_tools.judging.report import Report
from workbook_tools.notation.addresses import cell_name


def checked(cells: Mapping[str, object], path: Path) -> Report:
    """Write a workbook of one sheet, and check it."""
    workbook = Workbook()
    for name, value in cells.items():
        workbook.active[name] = value
    workbook.save(path)
    return verify(path)


def called_wrong(report: Report) -> set[str]:
    """Return the cells that are called wrong."""
    return {
        cell_name(row, place.column)
        for finding in report.findings
        for place in finding.places
        for row in place.rows
    }


def classifier(samples: int = 4, last: str = "", iterations: int = 8) -> dict[str, object]:
    """Return a logistic unit in blocks, an iteration each: its loss is shown, squared errors.

    The formula of the ``last`` error may be another one.
    """
    data = [(0.2, 0.4, 0.0), (0.3, 0.9, 1.0), (0.8, 0.1, 0.0), (0.7, 0.8, 1.0)][:samples]
    cells: dict[str, object] = {"N1": 0.5, "A2": 0.1, "B2": -0.2, "C2": 0.3}
    cells |= {f"{'LMN'[k]}{3 + j}": v for j, own in enumerate(data) for k, v in enumerate(own)}
    for top in range(2, 2 + 6 * iterations, 6):
        for j in range(samples):
            row, own = top + j, 3 + j
            cells |= {
                f"D{row}": f"=1/(1+EXP(-($A${top}*$L${own}+$B${top}*$M${own}+$C${top})))",
                f"E{row}": f"=($N${own}-D{row})^2",
                f"F{row}": f"=2*(D{row}-$N${own})",
                f"G{row}": f"=D{row}*(1-D{row})",
                f"H{row}": f"=F{row}*G{row}*$L${own}",
                f"I{row}": f"=F{row}*G{row}*$M${own}",
                f"J{row}": f"=F{row}*G{row}",
            }
            if j == samples - 1 and last:
                cells[f"F{row}"] = last.format(row=row, own=own)
        for letter in "EHIJ":
            average = "SUM" if letter == "E" else "AVERAGE"
            cells[f"{letter}{top + 4}"] = f"={average}({letter}{top}:{letter}{top + samples - 1})"
        for letter, gradient in zip("ABC", "HIJ", strict=True):
            cells[f"{letter}{top + 6}"] = f"={letter}{top}-$N$1*{gradient}{top + 4}"
    return cells


def momentum(by_a: str, headings: Sequence[str] = ("de/db", "de/da")) -> dict[str, object]:
    """Return a line that is trained with momentum, a sample in each row; its parameters, too."""
    chance = random.Random(2)
    cells: dict[str, object] = {"A3": "x", "B3": "y", "C3": "b", "D3": "a", "E3": "pred"}
    cells |= {"F3": headings[0], "G3": headings[1], "H3": "new b", "I3": "new a", "J3": 0, "K3": 0}
    cells |= {"A1": 0.3, "B1": 0.7, "D1": 0.1, "J1": 0.9}
    for row in range(4, 12):
        cells[f"A{row}"] = round(chance.uniform(0.1, 0.9), 2)
        cells[f"B{row}"] = round(chance.uniform(0.1, 0.9), 2)
        cells[f"C{row}"] = "=A1" if row == 4 else f"=H{row - 1}"
        cells[f"D{row}"] = "=B1" if row == 4 else f"=I{row - 1}"
        cells[f"E{row}"] = f"=C{row}+D{row}*A{row}"
        cells[f"F{row}"] = f"=2*(E{row}-B{row})"
        cells[f"G{row}"] = by_a.format(r=row)
        cells[f"H{row}"] = f"=C{row}-J{row}*$D$1"
        cells[f"I{row}"] = f"=D{row}-K{row}*$D$1"
        cells[f"J{row}"] = f"=J{row - 1}*$J$1+(1-$J$1)*F{row}"
        cells[f"K{row}"] = f"=K{row - 1}*$J$1+(1-$J$1)*G{row}"
    return cells
