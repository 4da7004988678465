"""Files are written whole or not at all: the old one stays until the new one is finished."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbook_tools.errors import InputError


@contextmanager
def replacing(
    path: Path, unless_same: Callable[[Path, Path], bool] = lambda new, old: False
) -> Iterator[Path]:
    """Yield a new file's path; on success it takes the place of ``path``, else it is removed.

    ``unless_same(new, old)`` may keep the old file where the new one says nothing new.
    Raises ``InputError`` if the place cannot be written to; the old file is then untouched.
    """
    try:
        # In the same folder, so that the last step is a rename within one file system.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
        os.close(handle)
        new = Path(name)
        try:
            yield new
            if not unless_same(new, path):
                new.chmod(0o666 & ~_umask())  # mkstemp lets only the owner read
                new.replace(path)
        finally:
            with suppress(FileNotFoundError):
                new.unlink()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror or error}); an old file there is "
            "untouched: choose another place, or make room"
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all; raises ``InputError`` as ``replacing`` does."""
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8")


def put_file(source: Path, path: Path) -> None:
    """Copy a finished file into place, whole or not at all; raises as ``replacing`` does."""
    with replacing(path) as new:
        shutil.copyfile(source, new)


def refuse_to_overwrite(inputs: Iterable[Path], outputs: Iterable[Path]) -> None:
    """Raise ``InputError`` if a file is to be written in the place of one that is read."""
    read = {path.resolve() for path in inputs}
    for path in outputs:
        if path.resolve() in read:
            raise InputError(f"{path}: is read; it is not written over, choose another name")


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
