"""No output of a command is one of its inputs, whatever it is called, and no two are one file."""

import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from workbook_tools.errors import InputError
from workbook_tools.package.files import is_stream

# The number of a file; of one that is yet to be made, that of the folder, and the names below it.
_Identity = tuple[int, int, tuple[str, ...]]


def refuse_conflicts(inputs: Iterable[Path], outputs: Sequence[Path]) -> None:
    """Raise ``InputError`` if what is written would destroy what is read, or written as well.

    ``inputs`` are all files that a command reads, also those found in a folder; ``outputs`` all
    that it writes. Links are followed; of names that differ in nothing but capitals, two new files
    would be one on many file systems. Where standard output goes to a file, that is an output, too.
    """
    standard = set(_standard_files())
    read = {_identity(path): path for path in inputs}
    written: dict[_Identity, Path] = {}
    for path in outputs:
        is_stream(path)  # refuses what is no place for a file
        own = _identity(path)
        if own in read:
            raise InputError(
                f"{path}: is read{_called(read[own], path)}, and not written over; choose another "
                "name"
            )
        if own in written:
            raise InputError(
                f"{path}: two outputs would be one file{_called(written[own], path)}; choose "
                "another name"
            )
        written[own] = path
    for path in outputs:
        if (folder := written.get(_identity(path.parent))) is not None:
            raise InputError(f"{folder}: is to be the folder of {path}; choose another name")
    for own, path in (read | written).items():
        if own in standard:
            raise InputError(f"{path}: what is printed goes into this file; send it elsewhere")


def _called(other: Path, path: Path) -> str:
    return f" (as {other})" if str(other) != str(path) else ""


def _identity(path: Path) -> _Identity:
    with suppress(OSError):
        return _numbered(path.stat())
    whole = Path(os.path.realpath(path))
    below: list[str] = []
    for place in (whole, *whole.parents):
        with suppress(OSError):
            return _numbered(place.stat(), reversed(below))
        below.append(unicodedata.normalize("NFC", place.name.casefold()))
    return 0, 0, tuple(below)  # on a disk that is not there


def _numbered(found: os.stat_result, below: Iterable[str] = ()) -> _Identity:
    return found.st_dev, found.st_ino, tuple(below)


def _standard_files() -> Iterator[_Identity]:
    """Yield the files that standard output and standard error go to, where they are files."""
    for handle in (1, 2):
        with suppress(OSError):
            found = os.fstat(handle)
            if stat.S_ISREG(found.st_mode):
                yield _numbered(found)
