"""What a cell would show if other cells had other contents."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from workbook_tools.engines import Calculation
from workbook_tools.errors import InputError
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellValue

if TYPE_CHECKING:  # at run time only when it is needed: few workbooks have mistakes
    from workbook_tools.engines.formualizer_book import Book


class WhatIf:
    """A workbook in which some cells can have other contents for a moment."""

    def __init__(self, path: Path, calculation: Calculation | None = None) -> None:
        """Take over the ``calculation`` of the file if it was made by this engine.

        The caller must not read it after ``value`` has been called.
        """
        self._path = path
        self._calculation = calculation

    @cached_property
    def _book(self) -> "Book | None":
        from workbook_tools.engines.embedded import FormualizerCalculation
        from workbook_tools.engines.formualizer_book import Book

        # Changes are cheap only in a workbook that has been calculated as a whole.
        if isinstance(self._calculation, FormualizerCalculation):
            return self._calculation.book
        try:
            book = Book(self._path)
            book.calculate()
        except InputError:
            return None
        return book

    def value(self, contents: Mapping[Cell, str | float], wanted: Cell) -> CellValue:
        """Return what a cell would show if others had these formulas and numbers.

        None if this engine cannot calculate the workbook; the check may use another engine.
        """
        if self._book is None:
            return None
        try:
            return self._value(self._book, contents, wanted)
        except InputError:
            return None

    def _value(self, book: "Book", contents: Mapping[Cell, str | float], wanted: Cell) -> CellValue:
        formulas = {place: c for place, c in contents.items() if isinstance(c, str)}
        before = {place: book.formula(place) for place in contents}
        if len(formulas) == len(contents) and all(before.values()):
            return self._with_other_formulas(book, formulas, before, wanted)
        # In a calculated workbook, a formula that reads a range is not recalculated when a number
        # in the range becomes a formula.
        other = type(book)(self._path)
        other.put_formulas(formulas)
        other.put_values({place: c for place, c in contents.items() if not isinstance(c, str)})
        other.calculate()
        return other.value(wanted)

    @staticmethod
    def _with_other_formulas(
        book: "Book",
        formulas: Mapping[Cell, str],
        before: Mapping[Cell, str | None],
        wanted: Cell,
    ) -> CellValue:
        try:
            book.replace_formulas(formulas)
            # This recalculates only what depends on the changed cells; asking for the wanted cell
            # alone takes twice as long.
            book.calculate()
            return book.value(wanted)
        finally:
            book.replace_formulas({place: text for place, text in before.items() if text})
