"""Refuses outputs of a command that would overwrite an input, or another output."""

import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from workbook_tools.errors import InputError
from workbook_tools.package.files import is_stream

# Device and inode of a file. For a file that does not exist yet: those of the nearest folder that
# does, and the names below it.
_Identity = tuple[int, int, tuple[str, ...]]


def refuse_conflicts(inputs: Iterable[Path], outputs: Sequence[Path]) -> None:
    """Raise ``InputError`` if an output would overwrite an input or another output.

    ``inputs`` are all files that a command reads, also those found in a folder; ``outputs`` all
    that it writes. Links are followed. Two new files whose names differ only in case count as one,
    as they would be on many file systems. If standard output goes to a file, that is an output too.
    """
    standard = set(_standard_files())
    read = {_identity(path): path for path in inputs}
    written: dict[_Identity, Path] = {}
    for path in outputs:
        is_stream(path)  # refuses places where no file can be
        own = _identity(path)
        if own in read:
            raise InputError(
                f"{path}: is an input{_called(read[own], path)}, and not written over; choose "
                "another name"
            )
        if own in written:
            raise InputError(
                f"{path}: two outputs would be the same file{_called(written[own], path)}; choose "
                "another name"
            )
        written[own] = path
    for path in outputs:
        if (folder := written.get(_identity(path.parent))) is not None:
            raise InputError(f"{folder}: is also the folder of {path}; choose another name")
    for own, path in (read | written).items():
        if own in standard:
            raise InputError(
                f"{path}: the printed output goes to this file too; redirect it elsewhere"
            )


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
    return 0, 0, tuple(below)  # on a disk that does not exist


def _numbered(found: os.stat_result, below: Iterable[str] = ()) -> _Identity:
    return found.st_dev, found.st_ino, tuple(below)


def _standard_files() -> Iterator[_Identity]:
    """Yield the files that standard output and standard error go to, where they are files."""
    for handle in (1, 2):
        with suppress(OSError):
            found = os.fstat(handle)
            if stat.S_ISREG(found.st_mode):
                yield _numbered(found)
