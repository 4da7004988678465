"""A sheet with values of every kind, and what this project and other engines make of formulas."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import formualizer as fz
import ironcalc
import openpyxl

from workbook_tools.engines.embedded import config, prepare, value_of
from workbook_tools.evaluator.formula import evaluator
from workbook_tools.evaluator.values import DIV0, REF, Grid
from workbook_tools.formulas.tree import parse
from workbook_tools.notation.addresses import column_letter
from workbook_tools.package.cell_values import CellError, CellValue

ROWS: list[list[CellValue]] = [
    # A     B     C    D     E     F    G     H    I      J
    [None, "ab", "3", True, DIV0, 2.5, -3.0, 0.0, 100.0, "B?"],
    [1.0, 2.0, 3.0, 4.0, 5.0, -1.5, 0.25, 0.125, 7.0, 7.0],
    [2.0, None, "x", False, 3.0, 2.0, 4.0, 4.0, -2.0, 0.5],
    [3.0, 1.0, -1.0, 2.0, 0.5, 3.0, -0.5, 6.0, None, "3"],
]
CELLS = {(r, c): value for r, own in enumerate(ROWS, 1) for c, value in enumerate(own, 1)}
FIRST = 10  # the row of the first formula
COLUMN = 12


class Operands:
    """The cells of that sheet."""

    def value(self, sheet: str, row: int, column: int) -> CellValue:
        return CELLS.get((row, column)) if sheet == "S" else REF

    def grid(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> Grid:
        rows = [
            [
                self.value(sheet, row, column)
                for column in range(first_column, min(last_column, 10) + 1)
            ]
            for row in range(first_row, min(last_row, 4) + 1)
        ]
        height, width = last_row - first_row + 1, last_column - first_column + 1
        return Grid(rows, height, width, (sheet, first_row, first_column))


def ours(formulas: Sequence[str], is_array: bool = False) -> list[CellValue]:
    """Return the values of formulas in column L, from row 10 down."""
    cells = Operands()
    return [
        evaluator(parse(formula), is_array)(cells, "S", row, COLUMN)
        for row, formula in enumerate(formulas, FIRST)
    ]


def of_formualizer(
    formulas: Sequence[str], cells: Mapping[tuple[int, int], CellValue] = CELLS
) -> list[CellValue]:
    """Return what formualizer makes of them."""
    book = fz.Workbook(config=config())
    prepare(book)
    book.add_sheet("S")
    for place, value in cells.items():
        if isinstance(value, CellError):
            book.set_formula("S", *place, "=1/0")
        elif value is not None:
            book.set_value("S", *place, value)
    for row, formula in enumerate(formulas, FIRST):
        book.set_formula("S", row, COLUMN, f"={formula}")
    book.evaluate_all()
    rows = range(FIRST, FIRST + len(formulas))
    return [value_of(book.get_value("S", row, COLUMN)) for row in rows]


def of_ironcalc(formulas: Sequence[str]) -> list[CellValue]:
    """Return what IronCalc makes of them."""
    model = ironcalc.create("operands", "en", "UTC")
    model.rename_sheet(0, "S")
    for place, value in CELLS.items():
        if isinstance(value, CellError):
            model.set_user_input(0, *place, "=1/0")
        elif isinstance(value, bool):
            model.update_cell_with_bool(0, *place, value)
        elif isinstance(value, float):
            model.update_cell_with_number(0, *place, value)
        elif value is not None:
            model.update_cell_with_text(0, *place, value)
    for row, formula in enumerate(formulas, FIRST):
        model.set_user_input(0, row, COLUMN, f"={formula}")
    model.evaluate()
    found: list[CellValue] = []
    for row in range(FIRST, FIRST + len(formulas)):
        value = model.get_cell_value(0, row, COLUMN)
        is_error = model.get_cell_type(0, row, COLUMN) == ironcalc.CellType.ErrorValue
        found.append(CellError(value) if is_error else value)
    return found


def workbook(path: Path, formulas: Sequence[str]) -> None:
    """Write the sheet and the formulas into a workbook file."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "S"
    for place, value in CELLS.items():
        cell = sheet.cell(*place, "=1/0" if isinstance(value, CellError) else value)
        if isinstance(value, str):
            cell.data_type = "s"
    for row, formula in enumerate(formulas, FIRST):
        sheet[f"{column_letter(COLUMN)}{row}"] = f"={formula}"
    book.save(path)


def agree(one: CellValue, other: CellValue) -> bool:
    """Tell whether two values are the same, except for the rounding of numbers."""
    if isinstance(one, float) and isinstance(other, float):
        return (
            abs(one - other) <= 1e-9 * max(abs(one), abs(other))
            or max(abs(one), abs(other)) < 1e-290
        )
    return type(one) is type(other) and one == other
