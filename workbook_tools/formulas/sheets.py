"""Reads the sheets of a workbook: their texts, and their formulas as runs filled down.

Sheets are read row by row. A formula filled down 100,000 rows is stored once, so a sheet of any
length fits in memory. The same holds for a block of several rows that was filled down, where a
formula recurs every few rows.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from operator import attrgetter
from typing import Any, TypeVar

from workbook_tools.errors import InputError
from workbook_tools.formulas.budget import Budget
from workbook_tools.formulas.families import Run
from workbook_tools.formulas.names import Names
from workbook_tools.formulas.one_pass import Content, OnePass
from workbook_tools.formulas.row_templates import Learnt
from workbook_tools.formulas.stored_formulas import MOST_ELEMENTS
from workbook_tools.package.stored_values import CachedValues
from workbook_tools.package.workbook import WorkbookPackage

_Read = TypeVar("_Read")
_first_row = attrgetter("first_row")
_FEW = 5  # runs of a column, which are all looked at


@dataclass
class Sheet:
    """One worksheet, without its numbers, which come from an engine."""

    name: str
    last_row: int = 0
    texts: dict[tuple[int, int], str] = field(default_factory=dict)  # by (row, column)
    runs: dict[int, list[Run]] = field(default_factory=dict)  # by column, from the top
    last_column: int = 0
    arrays: dict[tuple[int, int], str] = field(default_factory=dict)  # their ranges, by first cell
    # Not of a copy with other runs (``dataclasses.replace``).
    _ends: dict[int, list[int]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _labels: dict[Callable[[str], Any], dict[tuple[int, int], Any]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def runs_between(self, column: int, first_row: int, last_row: int) -> list[Run]:
        """Return a column's runs, cut to these rows."""
        found = []
        runs = self.runs.get(column, [])
        if len(runs) > _FEW:
            if column not in self._ends:
                self._ends[column] = list(accumulate((run.last_row for run in runs), max))
            begin = bisect_left(self._ends[column], first_row)  # all before it end further up
            runs = runs[begin : bisect_right(runs, last_row, begin, key=_first_row)]
        for run in runs:
            if first_row <= run.first_row and run.last_row <= last_row:
                found.append(run)
            elif rows := run.between(first_row, last_row):
                found.append(Run(rows[0], rows[-1], run.formula, run.step))
        return found

    @cached_property
    def rows_of_texts(self) -> dict[int, dict[int, str]]:
        """The texts by row, then by column."""
        rows: dict[int, dict[int, str]] = {}
        for (row, column), text in self.texts.items():
            rows.setdefault(row, {})[column] = text
        return rows

    @cached_property
    def columns_of_texts(self) -> dict[int, list[int]]:
        """The rows of the texts of each column, ascending."""
        columns: dict[int, list[int]] = {}
        for row, column in sorted(self.texts):
            columns.setdefault(column, []).append(row)
        return columns

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
    found = read_contents(package)
    sheets = [
        Sheet(name, own.last_row, own.texts, own.runs, own.last_column, own.arrays)
        for name, own in found.items()
    ]
    return sheets, CachedValues({name: own.columns for name, own in found.items()})


def read_contents(package: WorkbookPackage) -> dict[str, Content]:
    """Read every worksheet, by name; raises ``InputError`` if that fails."""
    strings, names, elements = package.shared_strings(), Names.read(package), Budget(MOST_ELEMENTS)
    found = {}
    learnt: Learnt = {}
    for part in package.sheets:
        try:
            one = OnePass(package, part, strings, names, elements, learnt)
            content = one.read()
            learnt = one.learnt
        except InputError:
            content = OnePass(package, part, strings, names, elements).parsed()
        found[part.name] = content
    return found
