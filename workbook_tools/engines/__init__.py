"""Spreadsheet engines: each recalculates a workbook and hands out its cells' values.

An engine is one module with one function ``recalculate(path) -> Calculation``. Which engine
ran, and its version, is part of every report.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class CellError:
    """An error value in a cell: ``#DIV/0!``, ``#REF!`` …"""

    code: str


type CellValue = float | str | bool | CellError | None


class Calculation(Protocol):
    """A recalculated workbook."""

    engine: str  # name and version of what calculated: "formualizer 0.13.0"
    tolerance: float  # the relative error this engine's arithmetic and storage may leave

    def block(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> list[list[CellValue]]:
        """Return the values of a range, row by row; rows and columns count from 1."""
        ...
