"""Spreadsheet engines: each recalculates a workbook and hands out its cells' values.

An engine is one module with one function ``recalculate(path) -> Calculation``. Which engine
ran, and its version, is part of every report.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

ENGINES = ("embedded", "ironcalc", "libreoffice", "cached")


@dataclass(frozen=True)
class CellError:
    """An error value in a cell, such as ``#DIV/0!``."""

    code: str


# What an engine shows where it does not know a function, or cannot read a formula.
NOT_UNDERSTOOD = (CellError("#NAME?"), CellError("#ERROR!"))

# What Excel makes of a reference to a sheet that is not there.
MISSING_SHEET = CellError("#REF!")

CellValue: TypeAlias = float | str | bool | CellError | None


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


_Found = TypeVar("_Found")


def of_sheet(sheets: Mapping[str, _Found], name: str) -> _Found | None:
    """Return what there is for a sheet, None without; Excel takes no notice of case in names."""
    if name in sheets:
        return sheets[name]
    return next((found for own, found in sheets.items() if own.lower() == name.lower()), None)


def missing(
    first_row: int, first_column: int, last_row: int, last_column: int
) -> list[list[CellValue]]:
    """Return what the cells of a range show if their sheet is not there."""
    columns = last_column - first_column + 1
    return [[MISSING_SHEET] * columns for _ in range(first_row, last_row + 1)]


def is_panic(error: BaseException) -> bool:
    """Tell whether an engine written in Rust broke: what it raises then is no ``Exception``."""
    return type(error).__name__ == "PanicException"


def recalculate(path: Path, engine: str) -> Calculation:
    """Recalculate a workbook with one of ``ENGINES``; raises ``InputError`` if that fails."""
    # Imported here, since an engine that is not asked for should cost no start-up time.
    module = import_module(f"workbook_tools.engines.{engine}")
    calculation: Calculation = module.recalculate(path)
    return calculation
