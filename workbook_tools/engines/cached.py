"""The engine that calculates nothing: it returns the values cached in the file."""

from pathlib import Path

from workbook_tools.formulas.sheets import read_sheets
from workbook_tools.package.stored_values import CachedValues
from workbook_tools.package.workbook import open_package


def recalculate(path: Path) -> CachedValues:
    """Return the file's cached values; raises ``InputError`` if they cannot be read."""
    with open_package(path) as package:
        return read_sheets(package)[1]
