"""Spreadsheet engines: each recalculates a workbook and returns the values of its cells.

An engine is a module with a function ``recalculate(path) -> Calculation``. Every report names the
engine that was used, and its version.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from workbook_tools.package.cell_values import CellError, CellValue

if TYPE_CHECKING:  # the command line needs the names of the engines, and no NumPy
    from workbook_tools.package.columns import Numbers

DEFAULT = "compiled"
ENGINES = (DEFAULT, "embedded", "ironcalc", "libreoffice", "cached")


# What an engine shows if it does not know a function, or cannot parse a formula.
NOT_UNDERSTOOD = (CellError("#NAME?"), CellError("#ERROR!"))


class Calculation(Protocol):
    """A recalculated workbook."""

    engine: str  # name and version: "formualizer 0.13.0"
    tolerance: float  # the relative error that the engine's arithmetic may have
    zero: float  # comparisons in formulas treat a number nearer to 0 than this as 0

    @property
    def storage(self) -> float:
        """The relative rounding error of the values it returns; 0 for full doubles."""
        ...

    def block(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> list[list[CellValue]]:
        """Return the values of a range, row by row; rows and columns count from 1.

        If the workbook has no such sheet, every cell shows ``MISSING_SHEET``.
        """
        ...

    def numbers(
        self, sheet: str, first_row: int, last_row: int, columns: Sequence[int]
    ) -> "Numbers":
        """Return the numbers of some columns from one row to another, and what is no number."""
        ...


def is_panic(error: BaseException) -> bool:
    """Tell whether an engine written in Rust panicked, which raises no ``Exception``."""
    return type(error).__name__ == "PanicException"


def recalculate(path: Path, engine: str) -> Calculation:
    """Recalculate a workbook with one of ``ENGINES``; raises ``InputError`` if that fails."""
    # Imported here, so that engines that are not used cost no start-up time.
    module = import_module(f"workbook_tools.engines.{engine}")
    calculation: Calculation = module.recalculate(path)
    return calculation
