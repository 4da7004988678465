"""Reads the formulas of a sheet's cells as they are stored, one after the other.

Spaces are left out, names replaced, shared formulas filled in. Cells that hold the same
formula, relative to their own places, get the same number.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from workbook_tools.formulas.budget import Budget
from workbook_tools.formulas.names import Names
from workbook_tools.formulas.references import LARGEST_ARRAY, FilledFormula, areas, without_spaces
from workbook_tools.formulas.words import moved
from workbook_tools.package.stored_cells import StoredFormula

MOST_ELEMENTS = 50_000_000  # characters of the formulas of such cells, in a workbook
_FURTHER_DOWN = 1_000  # rows; an arbitrary other place
_SPACE = re.compile(r"\s")


class _SharedFormula(NamedTuple):
    """A formula that the file holds once for a range of cells."""

    formula: FilledFormula
    column: int


@lru_cache(maxsize=10_000)  # each row that was filled to the right has its own shared formula
def _moved(formula: FilledFormula, column: int, other: int) -> FilledFormula:
    row = 1 - min((0, *formula.offsets))  # the first row in which no reference leaves the sheet
    return FilledFormula.parse(moved(formula.at(row), 0, other - column), row)


class StoredFormulas:
    """The formulas of a sheet."""

    def __init__(self, names: Names, sheet: str) -> None:
        self.distinct: list[FilledFormula] = []  # by their numbers
        self.redefined = 0  # how often a shared formula was defined again, or a name changed
        self.alike_until = names.tables.alike_until(0)  # row; the names of tables then change
        self._names = names
        self._sheet = sheet
        self._numbers: dict[FilledFormula, int] = {}
        self._shared: dict[str, _SharedFormula] = {}
        self._above: dict[int, FilledFormula] = {}  # by column, as it was written last
        self._without_spaces: dict[FilledFormula, FilledFormula | None] = {}
        self._without_names: dict[tuple[FilledFormula, int], FilledFormula] = {}  # and by column

    def read(
        self, stored: StoredFormula, row: int, column: int
    ) -> tuple[FilledFormula | None, FilledFormula | None]:
        """Return a cell's formula, and how it is written.

        The formula is None if the cell only belongs to an array. How it is written is None if that
        is nowhere, or does not tell what the same text would mean in another row. Raises
        ``KeyError`` for a shared formula that was not defined before.
        """
        is_shared = stored.attributes.get("t") == "shared"
        number = stored.attributes.get("si", "")
        if not stored.text:
            if not is_shared:
                return None, None
            shared = self._shared[number]
            formula = _moved(shared.formula, shared.column, column)
            return self._with_names(formula, row, column), None
        written = self._written(f"={stored.text}", row, column)
        plain = self._plain(written, row)
        formula = plain or FilledFormula.parse(without_spaces(f"={stored.text}"), row)
        if is_shared:
            self.redefined += number in self._shared
            self._shared[number] = _SharedFormula(formula, column)
        return self._with_names(formula, row, column), written if plain else None

    def reach(self, row: int) -> None:
        """Notice that the names of tables mean something else from a row on."""
        if row > self.alike_until:
            self.alike_until = self._names.tables.alike_until(row)
            self._without_names.clear()
            self.redefined += 1

    def number(self, formula: FilledFormula) -> int:
        """Return the number of a formula, that of its cells."""
        number = self._numbers.setdefault(formula, len(self.distinct))
        if number == len(self.distinct):
            self.distinct.append(formula)
        return number

    def number_written(self, written: FilledFormula, row: int, column: int) -> int | None:
        """Return the number of a formula that is written so; None if its text must be read."""
        plain = self._plain(written, row)
        return None if plain is None else self.number(self._with_names(plain, row, column))

    def _written(self, text: str, row: int, column: int) -> FilledFormula:
        above = self._above.get(column)
        if above is None or above.at(row) != text:
            above = self._above[column] = FilledFormula.parse(text, row)
        return above

    def _plain(self, written: FilledFormula, row: int) -> FilledFormula | None:
        """Return a formula without spaces; None if that must be asked for each row."""
        if not _SPACE.search(written.pattern):
            return written
        if written not in self._without_spaces:
            here, below = (
                FilledFormula.parse(without_spaces(written.at(place)), place)
                for place in (row, row + _FURTHER_DOWN)
            )
            self._without_spaces[written] = here if here == below else None
        return self._without_spaces[written]

    def _with_names(self, formula: FilledFormula, row: int, column: int) -> FilledFormula:
        """Return a formula in which names are replaced by what they stand for."""
        if not self._names.any:
            return formula
        self.reach(row)
        if not self._names.are_apart:
            return self._replaced(formula, row, column)
        key = formula, column
        if key not in self._without_names:
            self._without_names[key] = self._replaced(formula, row, column)
        return self._without_names[key]

    def _replaced(self, formula: FilledFormula, row: int, column: int) -> FilledFormula:
        text = formula.at(row)
        without = self._names.put_into(text, (self._sheet, row, column))
        return formula if without == text else FilledFormula.parse(without, row)


def elements_of(formula: str, reference: str, budget: Budget) -> Mapping[tuple[int, int], str]:
    """Return a formula for each cell of an array formula of several cells, within a ``budget``.

    It calls a function that no engine knows, so that these cells are judged only by their values.
    """
    found = areas(reference)
    if len(found) != 1 or not 1 < found[0].cell_count <= LARGEST_ARRAY:
        return {}
    area = found[0]
    letters = area.cell_count * len(formula)
    if letters > MOST_ELEMENTS or not budget.begins():
        return {}
    budget.spend(letters)
    return {
        (row, column): f"=ARRAYFORMULA({formula[1:]},{row - area.first_row + 1},"
        f"{column - area.first_column + 1})"
        for _, row, column in area.cells("")
    }
