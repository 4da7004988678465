"""Tables with the same formulas, of which only one needs to be understood and tried.

A training is often repeated on several sheets, each with another learning rate. What the formulas
of one table mean, and whether they are right for random numbers, then holds for the others, too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from workbook_tools.formulas.families import Run
from workbook_tools.formulas.references import Area, areas
from workbook_tools.mathematics.reference import Reference
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.columns import Calculation
from workbook_tools.reading.described import reference_for
from workbook_tools.reading.table import Table

_MOST_OUTSIDE = 1_000  # cells outside two iterations that the formulas of a table read

_Relative = tuple[str | None, int, int]  # a cell; None: on the table's own sheet


# Which formulas are right for random numbers: by what those are drawn for, then by formula.
Right = dict[object, dict[object, bool]]


@dataclass
class Understanding:
    """What the formulas of a table, and of those that are like it, were found to mean."""

    reference: Reference
    signature: str = ""
    right: Right = field(default_factory=dict)


class AlikeTables:
    """The tables of a workbook that have been understood."""

    def __init__(self, calculation: Calculation) -> None:
        self._calculation = calculation
        self._known: list[tuple[Table, list[_Relative], Understanding]] = []

    def understanding(self, table: Table) -> Understanding:
        """Return what the formulas of a table mean; raises ``NotUnderstoodError``."""
        for other, read, known in self._known:
            if _have_the_same_formulas(table, other) and self._read_the_same(table, other, read):
                return known
        found = Understanding(reference_for(table, self._calculation))
        outside = _outside(table)
        if outside is not None and _is_told_by_formulas(table, found.reference):
            self._known.append((table, outside, found))
        return found

    def _read_the_same(self, one: Table, other: Table, cells: list[_Relative]) -> bool:
        """Tell whether cells of both sheets hold the same values; other sheets are the same."""
        own, theirs = one.sheet.name, other.sheet.name
        return all(
            sheet not in (own, theirs)
            if sheet
            else self._calculation.value((own, row, column))
            == self._calculation.value((theirs, row, column))
            for sheet, row, column in cells
        )


def _have_the_same_formulas(one: Table, other: Table) -> bool:
    """Tell whether all is the same on the sheets of two tables but their numbers."""
    return (
        one.naming == other.naming
        and one.columns == other.columns
        and one.block == other.block
        and one.header_row == other.header_row
        and np.array_equal(one.rows, other.rows)
        and one.words == other.words
        and one.contradiction == other.contradiction
        and relative(one, {**one.single, **one.settings})
        == relative(other, {**other.single, **other.settings})
        and _rate(one) == _rate(other)
        and one.sheet.runs == other.sheet.runs
        and one.sheet.arrays == other.sheet.arrays
    )


def relative(table: Table, cells: Mapping[str, Cell]) -> dict[str, _Relative]:
    """Return cells by their place on the table's own sheet, or on another one."""
    return {symbol: _relative(table, cell) for symbol, cell in cells.items()}


def _relative(table: Table, cell: Cell) -> _Relative:
    sheet, row, column = cell
    return None if sheet == table.sheet.name else sheet, row, column


def _rate(table: Table) -> _Relative | float:
    """Return where the learning rate stands; its number, if that is nowhere."""
    return _relative(table, table.rate_cell) if table.rate_cell else table.rate


def _is_told_by_formulas(table: Table, reference: Reference) -> bool:
    """Tell whether the mathematics of a table was found without its numbers.

    Where a column of results has no formulas, its numbers tell what they are.
    """
    results = table.columns.keys() - reference.from_above
    return all(table.usual_formula(symbol) for symbol in results)


def _outside(table: Table) -> list[_Relative] | None:
    """Return the cells that formulas read outside of their own row and the one before.

    The settings of the optimizer are among them, even if no formula reads them. If their values
    differ, the same formula may be right in one table and wrong in another. None if that cannot be
    told, or there are too many. For updates, a learning rate is any number.
    """
    if table.block > 1 or len(table.rows) != table.last_row - table.first_row + 1:
        return None
    parameters = {*table.naming.all_weights, *table.naming.all_biases}
    found = dict.fromkeys(relative(table, table.settings).values())
    for symbol, column in table.columns.items():
        for run in table.sheet.runs_between(column, table.first_row, table.last_row):
            for area in _read_by(run, [*table.columns.values()]):
                if area.cell_count > _MOST_OUTSIDE:
                    return None
                read = ((area.sheet, row, column) for _, row, column in area.cells(""))
                any_number = _rate(table) if symbol in parameters else None
                found |= dict.fromkeys(cell for cell in read if cell != any_number)
    return [*found] if len(found) <= _MOST_OUTSIDE else None


def _read_by(run: Run, columns: Sequence[int]) -> Iterator[Area]:
    """Yield what a run of formulas reads, except in these columns of each row and the one before.

    A range is that of all of its cells.
    """
    ends = run.first_row, run.last_row
    for first, last in zip(*(areas(run.formula.at(row)) for row in ends), strict=True):
        is_near = all(
            row - 1 <= area.first_row <= area.last_row <= row
            for row, area in zip(ends, (first, last), strict=True)
        )
        own = range(first.first_column, first.last_column + 1)
        if first.sheet is not None or not (is_near and all(column in columns for column in own)):
            yield first._replace(
                first_row=min(first.first_row, last.first_row),
                last_row=max(first.last_row, last.last_row),
            )
