"""The default engine: formualizer, a Python package that needs no other program."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from workbook_tools.engines.formualizer_book import Book
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellValue
from workbook_tools.package.columns import Numbers, numbers_of_block


class FormualizerCalculation:
    """A workbook that formualizer has calculated."""

    engine = f"formualizer {version('formualizer')}"
    tolerance = 1e-12  # it calculates with doubles
    storage = 0.0
    zero = 0.0

    def __init__(self, book: Book) -> None:
        self.book = book

    def block(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> list[list[CellValue]]:
        """Return the values of a range, row by row; rows and columns count from 1."""
        return self.book.block(sheet, first_row, first_column, last_row, last_column)

    def numbers(self, sheet: str, first_row: int, last_row: int, columns: Sequence[int]) -> Numbers:
        """Return the numbers of some columns from one row to another, and what is no number."""
        left, right = min(columns), max(columns)
        block = self.block(sheet, first_row, left, last_row, right)
        return numbers_of_block(block, first_row, left, columns)


def recalculate(path: Path) -> FormualizerCalculation:
    """Recalculate a workbook; raises ``InputError`` if formualizer cannot read it."""
    return Rerun(path).with_inputs({})


class Rerun:
    """A workbook that is recalculated again and again with other inputs."""

    def __init__(self, path: Path) -> None:
        """Load the workbook; raises ``InputError`` if the engine cannot."""
        self._book = Book(path)

    def with_inputs(self, inputs: Mapping[Cell, float | str]) -> FormualizerCalculation:
        """Put numbers and texts into cells that hold no formula, and recalculate.

        They stay there for the next call. Raises ``InputError`` if the engine cannot calculate it.
        """
        self._book.put_values(inputs)
        self._book.calculate()
        return FormualizerCalculation(self._book)
