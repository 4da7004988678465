"""Spreadsheet engines: each recalculates a workbook and hands out its cells' values.

An engine is one module with one function ``recalculate(path) -> Calculation``. Which engine
ran, and its version, is part of every report.
"""

from importlib import import_module
from pathlib import Path
from typing import Protocol

from workbook_tools.package.cell_values import CellError, CellValue

ENGINES = ("embedded", "ironcalc", "libreoffice", "cached")


# What an engine shows where it does not know a function, or cannot read a formula.
NOT_UNDERSTOOD = (CellError("#NAME?"), CellError("#ERROR!"))


class Calculation(Protocol):
    """A recalculated workbook."""

    engine: str  # name and version of what calculated: "formualizer 0.13.0"
    tolerance: float  # the relative error this engine's arithmetic may leave
    zero: float  # a comparison takes a number nearer to 0 than this for 0

    @property
    def storage(self) -> float:
        """The relative error of a value that is handed out, 0 for whole doubles."""
        ...

    def block(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> list[list[CellValue]]:
        """Return the values of a range, row by row; rows and columns count from 1.

        Every cell of a sheet that the workbook lacks shows ``MISSING_SHEET``.
        """
        ...


def is_panic(error: BaseException) -> bool:
    """Tell whether an engine written in Rust broke: what it raises then is no ``Exception``."""
    return type(error).__name__ == "PanicException"


def recalculate(path: Path, engine: str) -> Calculation:
    """Recalculate a workbook with one of ``ENGINES``; raises ``InputError`` if that fails."""
    # Imported here, since an engine that is not asked for should cost no start-up time.
    module = import_module(f"workbook_tools.engines.{engine}")
    calculation: Calculation = module.recalculate(path)
    return calculation
