"""The values that the file already carries: what the last program to save it saw."""

from pathlib import Path

from workbook_tools.package.stored_values import CachedValues


def recalculate(path: Path) -> CachedValues:
    """Return the values the file carries; raises ``InputError`` if they cannot be read."""
    return CachedValues.of(path)
