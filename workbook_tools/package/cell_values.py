"""The values that cells can have, and how Excel writes them."""

import math
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


def written(value: CellValue) -> tuple[str, str]:
    """Return a calculated value's type (``""`` for a number) and its text as Excel writes them."""
    if isinstance(value, bool):
        return "b", "1" if value else "0"
    if isinstance(value, CellError):
        return "e", value.code
    if isinstance(value, float):
        return ("", number_text(value)) if math.isfinite(value) else ("e", "#NUM!")
    return "str", value or ""


def number_text(value: float) -> str:
    """Return the shortest text of a number that keeps all its digits."""
    return str(int(value)) if value % 1 == 0 and abs(value) < 1e15 else repr(value)
