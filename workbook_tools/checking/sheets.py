"""What stands on a sheet: its texts, and its formulas as runs that were filled down.

Sheets are read row by row. A column of 100,000 formulas that are one formula filled down is
kept as that one formula, so a sheet of any length fits in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from openpyxl.formula.translate import Translator

from workbook_tools.package import SheetPart, WorkbookPackage
from workbook_tools.references import FilledFormula, cell_name, column_number


@dataclass
class Run:
    """Cells of one column, row under row, that hold one formula filled down."""

    first_row: int
    last_row: int
    formula: FilledFormula


@dataclass
class Sheet:
    """One worksheet, without its numbers: those come from an engine."""

    name: str
    last_row: int = 0
    texts: dict[tuple[int, int], str] = field(default_factory=dict)  # by (row, column)
    runs: dict[int, list[Run]] = field(default_factory=dict)  # by column, from the top

    def runs_between(self, column: int, first_row: int, last_row: int) -> list[Run]:
        """Return a column's runs, cut to these rows."""
        return [
            Run(max(run.first_row, first_row), min(run.last_row, last_row), run.formula)
            for run in self.runs.get(column, [])
            if run.first_row <= last_row and run.last_row >= first_row
        ]

    def formula_count(self) -> int:
        """How many formula cells the sheet has."""
        return sum(r.last_row - r.first_row + 1 for runs in self.runs.values() for r in runs)


def read_sheets(package: WorkbookPackage) -> list[Sheet]:
    """Read every worksheet; raises ``InputError`` if one cannot be read."""
    strings = package.shared_strings()
    return [_read(package, part, strings) for part in package.sheets]


def _read(package: WorkbookPackage, part: SheetPart, strings: list[str]) -> Sheet:
    sheet = Sheet(part.name)
    shared: dict[str, _SharedFormula] = {}
    for row, column, cell in _cells(package, part):
        sheet.last_row = row
        formula = None
        if len(cell) and cell[0].tag.endswith("}f"):  # in a cell the formula comes first
            formula = _formula_text(cell[0], row, column, shared)
        if formula is not None:
            _append(sheet.runs.setdefault(column, []), row, formula)
            continue
        kind = cell.get("t")
        if kind == "s":
            sheet.texts[row, column] = _shared_string(cell, strings)
        elif kind in ("str", "inlineStr"):
            sheet.texts[row, column] = "".join(cell.itertext())
    return sheet


def _cells(package: WorkbookPackage, part: SheetPart) -> Iterator[tuple[int, int, Any]]:
    """Yield row, column and element of each cell; cells may leave out where they stand."""
    row = 0
    columns: dict[str, int] = {}
    for row_element in package.iterate(part.part, "row"):
        row = int(row_element.get("r") or row + 1)
        column = 0
        for cell in row_element:
            name = cell.get("r")
            if name is None:
                column += 1
            else:
                letters = name.rstrip("0123456789")
                column = columns.get(letters) or columns.setdefault(letters, column_number(letters))
            yield row, column, cell


def _append(runs: list[Run], row: int, formula: str) -> None:
    """Add a formula below a column's runs: to the last one, if it is that one filled down."""
    if runs and runs[-1].last_row == row - 1 and runs[-1].formula.at(row) == formula:
        runs[-1].last_row = row
    else:
        runs.append(Run(row, row, FilledFormula.parse(formula, row)))


def _shared_string(cell: Any, strings: list[str]) -> str:
    number = int(cell.findtext("{*}v") or -1)
    return strings[number] if 0 <= number < len(strings) else ""


@dataclass
class _SharedFormula:
    """A formula that Excel wrote once for a range of cells."""

    text: str
    row: int
    column: int
    by_column: dict[int, FilledFormula] = field(default_factory=dict)

    def at(self, row: int, column: int) -> str:
        """Return the formula as it reads in another cell of the range."""
        if column not in self.by_column:
            here = Translator(self.text, origin=cell_name(self.row, self.column))
            text = here.translate_formula(cell_name(row, column))
            self.by_column[column] = FilledFormula.parse(text, row)
        return self.by_column[column].at(row)


def _formula_text(
    element: Any, row: int, column: int, shared: dict[str, _SharedFormula]
) -> str | None:
    """Return a cell's formula with its equals sign; None if the cell only belongs to an array."""
    text = f"={element.text}" if element.text else None
    if element.get("t") != "shared":
        return text
    if text:
        shared[element.get("si")] = _SharedFormula(text, row, column)
        return text
    master = shared.get(element.get("si"))
    return master.at(row, column) if master else None
