"""Files are written whole or not at all: the old one stays until the new one is finished."""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbook_tools.errors import InputError

_NAME = 40  # letters of a file's name that the name of its unfinished copy repeats


@contextmanager
def replacing(
    path: Path, unless_same: Callable[[Path, Path], bool] = lambda new, old: False
) -> Iterator[Path]:
    """Yield a new file's path; on success it takes the place of ``path``, else it is removed.

    Of a link, the file that it leads to is replaced or made, and the link stays. To a pipe or a
    device the whole file is written. A file that is replaced keeps its permissions.
    ``unless_same(new, old)`` may keep the old file where the new one says nothing new.
    Raises ``InputError`` if the place cannot be written to; the old file is then untouched.
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
    """Raise ``InputError`` if what is to be read is a pipe or a device, which may never end."""
    with suppress(OSError):  # whoever reads it says what is wrong with its name
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise InputError(f"{path}: no file, but something else; give a workbook")


def is_stream(path: Path) -> bool:
    """Tell whether a place is a pipe or a device, which is written to, and not a file or nothing.

    Raises ``InputError`` if it is neither: a folder, a disk, a link to itself.
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
        raise InputError(f"{path}: is no file, and no pipe; choose another place")
    return streams


def _pour(new: Path, stream: Path) -> None:
    """Write a finished file to a pipe or a device."""
    opener = _open_pipe if stream.is_fifo() else None
    with open(stream, "wb", opener=opener) as out, new.open("rb") as file:
        shutil.copyfileobj(file, out)


def _open_pipe(pipe: str, flags: int) -> int:
    try:
        handle = os.open(pipe, flags | os.O_NONBLOCK)  # it would wait for a reader, for ever
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        raise InputError(f"{pipe}: nobody reads this pipe; start what reads it first") from error
    os.set_blocking(handle, True)
    return handle


def _permissions(target: Path) -> int:
    """Return those that a file has, or those that any new file gets."""
    try:
        return stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        return 0o666 & ~_umask()


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path}: cannot be written ({error.strerror or error}); an old file there is untouched: "
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
    """Return a text without what no text file can hold: bytes of a name that are no UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def make_folder(folder: Path, option: str) -> None:
    """Make a folder and those above it; ``option`` is what the user named it with.

    Raises ``InputError`` if that cannot be done.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: no folder can be made there ({error.strerror}); give {option} another one"
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
