"""Finds the workbooks of a class: in folders and their subfolders, or named one by one."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbook_tools.errors import InputError
from workbook_tools.package.files import printable

# Files that students hand in; those in other formats get a row that says what to do.
_SUFFIXES = (".xlsx", ".xlsm", ".xltx", ".xls", ".xlsb", ".ods")
_TEMPORARY = ("~$", ".")  # prefixes of files that spreadsheet programs or systems leave behind


@dataclass(frozen=True)
class Submission:
    """A file that was handed in, and its name in the reports."""

    path: Path
    name: str


def find_submissions(places: Sequence[Path]) -> list[Submission]:
    """Return the workbooks in folders, sorted by name, and those named one by one, each once.

    Raises ``InputError`` if a folder cannot be read or has no workbooks.
    """
    found: dict[Path, Path] = {}  # as given, by absolute path
    for place in places:
        paths = sorted(_workbooks(place)) if os.path.isdir(place) else [place]
        if not paths:
            raise InputError(f"{place}: no workbook in this folder (.xlsx); check the name")
        for path in paths:
            found.setdefault(path.absolute(), path)
    # The folder that all have in common is left out of their names.
    roots = [
        place.absolute() if os.path.isdir(place) else place.absolute().parent for place in places
    ]
    try:
        common = os.path.commonpath(roots)
    except ValueError:  # on Windows they may be on several drives
        return [Submission(path, printable(str(whole))) for whole, path in found.items()]
    return [
        Submission(path, printable(os.path.relpath(whole, common))) for whole, path in found.items()
    ]


def _workbooks(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise InputError(
            f"{error.filename}: the folder cannot be read ({error.strerror}); check its permissions"
        )

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(_TEMPORARY)]
        for name in names:
            if name.lower().endswith(_SUFFIXES) and not name.startswith(_TEMPORARY):
                yield Path(parent, name)
