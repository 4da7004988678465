"""The names of sheets that are written beside those of a workbook."""

from collections.abc import Iterable
from pathlib import Path

from workbook_tools.errors import InputError
from workbook_tools.notation.addresses import MAX_SHEET_NAME_LENGTH


def names_beside(
    path: Path, prefix: str, sheets: Iterable[str], taken: Iterable[str]
) -> dict[str, str]:
    """Return a name for a sheet beside each sheet: the ``prefix`` and its own, cut if too long.

    Raises ``InputError`` if the workbook has a sheet of this name already.
    """
    known = {name.casefold() for name in taken}
    found: dict[str, str] = {}
    for sheet in sheets:
        name = prefix + sheet
        if name.casefold() in known:
            raise InputError(
                f"{path}: has a sheet {name!r} already; remove or rename it, or give the workbook "
                "without it"
            )
        used = known | {own.casefold() for own in found.values()}
        if len(name) > MAX_SHEET_NAME_LENGTH:
            shorter = (
                f"{name[: MAX_SHEET_NAME_LENGTH - len(end)]}{end}"
                for end in ("…", *(f"…{k}" for k in range(2, 1000)))
            )
            name = next(own for own in shorter if own.casefold() not in used)
        found[sheet] = name
    return found
