"""Writes files whole or not at all: the old one stays until the new one is finished."""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbook_tools.errors import InputError

_NAME = 40  # characters of a file's name that the name of its unfinished copy repeats


@contextmanager
def replacing(
    path: Path, unless_same: Callable[[Path, Path], bool] = lambda new, old: False
) -> Iterator[Path]:
    """Yield the path of a new file, which replaces ``path`` on success and is removed otherwise.

    If ``path`` is a link, the file that it leads to is replaced or made, and the link stays. If it
    is a pipe or a device, the finished file is written to it. A replaced file keeps its
    permissions. If ``unless_same(new, old)`` is true, the old file is kept as it is.
    Raises ``InputError`` if ``path`` cannot be written; the old file is then untouched.
    """
    streams = is_stream(path)
    try:
        target = path
        while not streams and target.is_symlink():
            target = target.parent / target.readlink()
        # In the same folder, so that the last step is a rename within one file system.
        handle, name = tempfile.mkstemp(
            dir=None if streams else target.parent,
            prefix=f".{target.stem[:_NAME]}-",
            suffix=".tmp",
        )
        os.close(handle)
        new = Path(name)
        try:
            yield new
            if streams:
                _pour(new, path)
            elif not unless_same(new, target):
                new.chmod(_permissions(target))  # mkstemp lets only the owner read
                new.replace(target)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def refuse_streams(path: Path) -> None:
    """Raise ``InputError`` if an input is a pipe or a device, which may never end."""
    with suppress(OSError):  # errors of the name are reported by whoever reads it
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise InputError(f"{path}: is not a file; give a workbook")


def is_stream(path: Path) -> bool:
    """Tell whether a path leads to a pipe or a device, and not to a file or to nothing.

    Raises ``InputError`` if it is none of these: a folder, a disk, a link to itself.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unwritable(path, error) from error
    if stat.S_ISDIR(mode):
        raise InputError(f"{path}: is a folder; give the name of a file")
    streams = stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
    if not (streams or stat.S_ISREG(mode)):
        raise InputError(f"{path}: is neither a file nor a pipe; choose another place")
    return streams


def _pour(new: Path, stream: Path) -> None:
    """Write a finished file to a pipe or a device."""
    opener = _open_pipe if stream.is_fifo() else None
    with open(stream, "wb", opener=opener) as out, new.open("rb") as file:
        shutil.copyfileobj(file, out)


def _open_pipe(pipe: str, flags: int) -> int:
    try:
        handle = os.open(pipe, flags | os.O_NONBLOCK)  # a blocking open might wait for ever
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        raise InputError(f"{pipe}: nobody reads this pipe; start its reader first") from error
    os.set_blocking(handle, True)
    return handle


def _permissions(target: Path) -> int:
    """Return the permissions of a file, or those of a new file if it does not exist."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        return 0o666 & ~_umask()


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path}: cannot be written ({error.strerror or error}); an old file there is untouched; "
        "choose another place, or make room"
    )


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all; raises ``InputError`` as ``replacing`` does."""
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8")


def put_file(source: Path, path: Path) -> None:
    """Copy a finished file into place, whole or not at all; raises as ``replacing`` does."""
    with replacing(path) as new:
        shutil.copyfile(source, new)


def printable(text: str) -> str:
    """Return a text that can be written as UTF-8: other bytes of a file name become ``?``."""
    return text.encode("utf-8", "replace").decode("utf-8")


def make_folder(folder: Path, option: str) -> None:
    """Make a folder and those above it; ``option`` is the option that the user gave it with.

    Raises ``InputError`` if that cannot be done.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: the folder cannot be made ({error.strerror}); give {option} another one"
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
