"""The values that cells can have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeVar


@dataclass(frozen=True)
class CellError:
    """An error value in a cell, such as ``#DIV/0!``."""

    code: str


# What Excel shows for a reference to a sheet that does not exist.
MISSING_SHEET = CellError("#REF!")
CellValue: TypeAlias = float | str | bool | CellError | None
_Found = TypeVar("_Found")


def of_sheet(sheets: Mapping[str, _Found], name: str) -> _Found | None:
    """Return the entry of a sheet, None if it has none; as in Excel, case is ignored."""
    if name in sheets:
        return sheets[name]
    return next((found for own, found in sheets.items() if own.lower() == name.lower()), None)


def missing(
    first_row: int, first_column: int, last_row: int, last_column: int
) -> list[list[CellValue]]:
    """Return what the cells of a range show if their sheet does not exist."""
    columns = last_column - first_column + 1
    return [[MISSING_SHEET] * columns for _ in range(first_row, last_row + 1)]
