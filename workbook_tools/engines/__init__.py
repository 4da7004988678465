"""Spreadsheet engines: each recalculates a workbook and returns the values of its cells.

An engine is a module with a function ``recalculate(path) -> Calculation``. Every report names the
engine that was used, and its version.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from workbook_tools.package.cell_values import CellError

if TYPE_CHECKING:  # the command line needs the names of the engines, and no NumPy
    from workbook_tools.package.columns import Calculation

DEFAULT = "compiled"
ENGINES = (DEFAULT, "embedded", "ironcalc", "libreoffice", "cached")


# What an engine shows if it does not know a function, or cannot parse a formula.
NOT_UNDERSTOOD = (CellError("#NAME?"), CellError("#ERROR!"))


def is_panic(error: BaseException) -> bool:
    """Tell whether an engine written in Rust panicked, which raises no ``Exception``."""
    return type(error).__name__ == "PanicException"


def recalculate(path: Path, engine: str) -> "Calculation":
    """Recalculate a workbook with one of ``ENGINES``; raises ``InputError`` if that fails."""
    # Imported here, so that engines that are not used cost no start-up time.
    module = import_module(f"workbook_tools.engines.{engine}")
    calculation: Calculation = module.recalculate(path)
    return calculation
