"""The engine that calculates nothing: it returns the values cached in the file."""

from pathlib import Path

from workbook_tools.package.stored_values import CachedValues


def recalculate(path: Path) -> CachedValues:
    """Return the file's cached values; raises ``InputError`` if they cannot be read."""
    return CachedValues.of(path)
