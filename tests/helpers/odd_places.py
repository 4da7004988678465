"""Places that are no ordinary ones: a full disk, a device, a pipe that somebody reads."""

import os
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_FULL = os.makedev(1, 7)  # on Linux, the device that is always full
_NOTHING = os.makedev(1, 3)


def device(path: Path, number: int) -> Path:
    """Make a device in a test's own folder, where that is permitted."""
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, number)
        path.open("wb").close()
    except OSError as error:
        pytest.skip(f"no device can be made or opened here: {error}")
    return path


def full_device(path: Path) -> Path:
    return device(path, _FULL)


def null_device(path: Path) -> Path:
    return device(path, _NOTHING)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Make a folder a disk of so many bytes, where that is permitted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no disk can be mounted here: {error}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def read_pipe(path: Path) -> Iterator[list[bytes]]:
    """Make a pipe that is read; yield the list that has its content in the end."""
    os.mkfifo(path)
    content: list[bytes] = []
    keeps_open = os.open(path, os.O_RDWR)  # so that the reader need not wait for a writer
    ready = threading.Event()

    def read() -> None:
        with path.open("rb") as pipe:
            ready.set()
            content.append(pipe.read())

    reader = threading.Thread(target=read)
    reader.start()
    ready.wait()
    try:
        yield content
    finally:
        os.close(keeps_open)
        reader.join()
