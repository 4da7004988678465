"""Reads the sheets of a workbook: their texts, and their formulas as runs filled down.

Sheets are read row by row. A formula filled down 100,000 rows is stored once, so a sheet of any
length fits in memory. The same holds for a block of several rows that was filled down, where a
formula recurs every few rows.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any, TypeVar

from workbook_tools.formulas.budget import Budget
from workbook_tools.formulas.families import Run
from workbook_tools.formulas.names import Names
from workbook_tools.formulas.references import LARGEST_ARRAY, FilledFormula, areas, without_spaces
from workbook_tools.formulas.words import moved
from workbook_tools.notation.addresses import cell_name
from workbook_tools.package.stored_cells import StoredFormula
from workbook_tools.package.stored_values import CachedValues
from workbook_tools.package.workbook import SheetPart, WorkbookPackage

_Read = TypeVar("_Read")

_MOST_ELEMENTS = 50_000_000  # characters of the formulas of such cells, in a workbook


@dataclass
class Sheet:
    """One worksheet, without its numbers, which come from an engine."""

    name: str
    last_row: int = 0
    texts: dict[tuple[int, int], str] = field(default_factory=dict)  # by (row, column)
    runs: dict[int, list[Run]] = field(default_factory=dict)  # by column, from the top
    last_column: int = 0
    _ends: dict[int, list[int]] = field(default_factory=dict, repr=False, compare=False)
    _labels: dict[Callable[[str], Any], dict[tuple[int, int], Any]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def runs_between(self, column: int, first_row: int, last_row: int) -> list[Run]:
        """Return a column's runs, cut to these rows."""
        found = []
        runs = self.runs.get(column, [])
        if runs and column not in self._ends:
            self._ends[column] = list(accumulate((run.last_row for run in runs), max))
        begin = bisect_left(self._ends.get(column, []), first_row)  # all before it end further up
        end = bisect_right(runs, last_row, key=lambda run: run.first_row)
        for run in runs[begin:end]:
            if rows := run.between(first_row, last_row):
                found.append(Run(rows[0], rows[-1], run.formula, run.step))
        return found

    @cached_property
    def rows_of_texts(self) -> dict[int, dict[int, str]]:
        """The texts by row, then by column."""
        rows: dict[int, dict[int, str]] = {}
        for (row, column), text in self.texts.items():
            rows.setdefault(row, {})[column] = text
        return rows

    def labels(self, read: Callable[[str], _Read | None]) -> dict[tuple[int, int], _Read]:
        """Return the results of ``read`` for the texts that it understands, by row and column.

        The texts are read once, in the order of the rows, however many tables ask for them.
        """
        if read not in self._labels:
            found = ((place, read(text)) for place, text in sorted(self.texts.items()))
            self._labels[read] = {place: label for place, label in found if label}
        return self._labels[read]

    def usual_formula(self, column: int, first_row: int, last_row: int) -> tuple[int, str] | None:
        """Return the first row of a column's most frequent formula, and its text; None if none."""
        runs = self.runs_between(column, first_row, last_row)
        if not runs:
            return None
        run = max(runs, key=lambda run: len(run.rows))
        return run.first_row, run.formula.at(run.first_row)

    def formula_at(self, row: int, column: int) -> str | None:
        """Return the formula in a cell, or None."""
        runs = self.runs_between(column, row, row)
        return runs[0].formula.at(row) if runs else None

    def formula_count(self) -> int:
        """How many formula cells the sheet has."""
        return sum(len(run.rows) for runs in self.runs.values() for run in runs)


def read_sheets(package: WorkbookPackage) -> tuple[list[Sheet], CachedValues]:
    """Read every worksheet, and the file's cached values, in one pass.

    Raises ``InputError`` if a worksheet cannot be read.
    """
    values = CachedValues(package)
    names = Names.read(package)
    elements = Budget(_MOST_ELEMENTS)
    return [_read(package, part, values, names, elements) for part in package.sheets], values


def _read(
    package: WorkbookPackage,
    part: SheetPart,
    values: CachedValues,
    names: Names,
    elements: Budget,
) -> Sheet:
    sheet = Sheet(part.name)
    shared: dict[str, _SharedFormula] = {}
    readers: dict[int, _Column] = {}
    spilled: dict[tuple[int, int], str] = {}  # by row and column
    for row, column, cell in package.cells(part):
        sheet.last_row = row
        if column > sheet.last_column:
            sheet.last_column = column
        values.add(part, row, column, cell)
        formula: str | FilledFormula | None = None
        if cell.formula is not None:
            try:
                formula = _formula(cell.formula, row, column, shared)
            except KeyError as error:
                what = f"the shared formula of {cell_name(row, column)} is defined in no cell"
                raise package.damaged(part, what) from error
            if names.any and formula:
                formula = names.put_into(_text(formula, row), part.name)
            if cell.formula.attributes.get("t") == "array" and formula:
                reference = cell.formula.attributes.get("ref", "")
                spilled |= _elements(_text(formula, row), reference, elements)
        formula = spilled.pop((row, column), formula)
        if formula is not None:
            if column not in readers:
                readers[column] = _Column(sheet.runs.setdefault(column, []))
            readers[column].add(row, formula)
            continue
        if cell.kind != "n" and (text := package.text(part, cell, values.strings)) is not None:
            sheet.texts[row, column] = text
    return sheet


def _text(formula: str | FilledFormula, row: int) -> str:
    return formula if isinstance(formula, str) else formula.at(row)


def _elements(formula: str, reference: str, budget: Budget) -> dict[tuple[int, int], str]:
    """Return a formula for each cell of an array formula of several cells, within a ``budget``.

    It calls a function that no engine knows, so that these cells are judged only by their values.
    """
    found = areas(reference)
    if len(found) != 1 or not 1 < found[0].cell_count <= LARGEST_ARRAY:
        return {}
    area = found[0]
    letters = area.cell_count * len(formula)
    if letters > _MOST_ELEMENTS or not budget.begins():
        return {}
    budget.spend(letters)
    return {
        (row, column): f"=ARRAYFORMULA({formula[1:]},{row - area.first_row + 1},"
        f"{column - area.first_column + 1})"
        for _, row, column in area.cells("")
    }


class _Column:
    """Collects the formulas of one column into runs, from the top."""

    def __init__(self, runs: list[Run]) -> None:
        self._runs = runs
        self._by_last_row: dict[int, Run] = {}
        self._latest: dict[FilledFormula, Run] = {}
        self._step = 1  # distance at which the last formula recurred

    def add(self, row: int, formula: str | FilledFormula) -> None:
        """Add the next formula: to the run that it continues, or as a new run."""
        for step in (1,) if self._step == 1 else (1, self._step):
            run = self._by_last_row.get(row - step)
            if run and self._goes_on(run, row) and self._is_same(run.formula, row, formula):
                self._extend(run, row)
                return
        parsed = FilledFormula.parse(formula, row) if isinstance(formula, str) else formula
        latest = self._latest.get(parsed)
        if latest and self._goes_on(latest, row):
            self._step = row - latest.last_row
            self._extend(latest, row)
            return
        self._latest[parsed] = self._by_last_row[row] = Run(row, row, parsed)
        self._runs.append(self._by_last_row[row])

    @staticmethod
    def _is_same(one: FilledFormula, row: int, other: str | FilledFormula) -> bool:
        return one.at(row) == other if isinstance(other, str) else one == other

    def _goes_on(self, run: Run, row: int) -> bool:
        return run.first_row == run.last_row or row - run.last_row == run.step

    def _extend(self, run: Run, row: int) -> None:
        del self._by_last_row[run.last_row]
        run.step, run.last_row = row - run.last_row, row
        self._by_last_row[row] = run


@dataclass
class _SharedFormula:
    """A formula that the file holds once for a range of cells."""

    formula: FilledFormula
    column: int

    def in_column(self, column: int) -> FilledFormula:
        """Return the formula as it reads in another column of the range."""
        return _moved(self.formula, self.column, column)


@lru_cache(maxsize=10_000)  # each row that was filled to the right has its own shared formula
def _moved(formula: FilledFormula, column: int, other: int) -> FilledFormula:
    row = 1 - min((0, *formula.offsets))  # the first row in which no reference leaves the sheet
    return FilledFormula.parse(moved(formula.at(row), 0, other - column), row)


def _formula(
    stored: StoredFormula, row: int, column: int, shared: dict[str, _SharedFormula]
) -> str | FilledFormula | None:
    """Return a cell's formula with its equals sign; None if the cell only belongs to an array.

    Raises ``KeyError`` for a shared formula that was not defined before.
    """
    text = without_spaces(f"={stored.text}") if stored.text else None
    if stored.attributes.get("t") != "shared":
        return text
    number = stored.attributes.get("si", "")
    if text:
        shared[number] = _SharedFormula(FilledFormula.parse(text, row), column)
        return text
    return shared[number].in_column(column)
