"""A journal of finished workbooks, so that an interrupted run can continue."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workbook_tools.classroom.row import Mistake, Row
from workbook_tools.errors import InputError

_BEGINNING = b'\n{"key": "'


class Journal:
    """A file of JSON lines, one per finished workbook; it is removed when all are finished."""

    def __init__(self, path: Path) -> None:
        """Open or create it; raises ``InputError`` if that fails, or the file is something else."""
        self.path = path
        try:
            self._known = dict(_entries(_kept(path).splitlines()))
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise _unkept(path, error) from error

    def find(self, key: str) -> tuple[Row, Any] | None:
        """Return a finished workbook's row and JSON report; None if it is not in the journal."""
        return self._known.get(key)

    def add(self, key: str, row: Row, document: Any) -> None:
        """Write a finished workbook at once; raises ``InputError`` if that fails."""
        entry = {"key": key, "row": asdict(row), "document": document}
        try:
            # The newline comes first, so that it ends a line that a crash has cut off.
            self._file.write("\n" + json.dumps(entry))
            self._file.flush()
        except OSError as error:
            raise _unkept(self.path, error) from error

    def close(self) -> None:
        """Close it, and keep it for a later run if it is not empty."""
        if not self._file.closed:
            is_empty = os.fstat(self._file.fileno()).st_size == 0
            self._close()
            if is_empty:
                self.path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove it when all workbooks are finished."""
        self._close()
        self.path.unlink(missing_ok=True)

    def _close(self) -> None:
        with suppress(OSError):  # a failure to write has been reported already
            self._file.close()


def key_of(*parts: object) -> str:
    """Return the key of a result: a hash of the file and of how it was checked."""
    return hashlib.sha256("\0".join(map(repr, parts)).encode()).hexdigest()


def _unkept(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path}: the results so far cannot be saved there ({error.strerror or error}); make room "
        "and give the same command to continue, or choose another place for the reports"
    )


def _kept(path: Path) -> str:
    """Return what an earlier run has written; raises ``InputError`` if it is another file."""
    if not os.path.lexists(path):
        return ""
    content = path.read_bytes() if path.is_file() and not path.is_symlink() else None
    # A crash may have cut it off anywhere.
    if content is None or content[: len(_BEGINNING)] != _BEGINNING[: len(content)]:
        raise InputError(
            f"{path}: the results so far would be saved there, but this is something else; move it "
            "away, or choose another place for the reports"
        )
    return content.decode(errors="replace")


def _entries(lines: list[str]) -> Iterator[tuple[str, tuple[Row, Any]]]:
    for line in lines:
        try:
            entry = json.loads(line)
            mistakes = [Mistake(**mistake) for mistake in entry["row"].pop("mistakes")]
            yield entry["key"], (Row(**entry["row"], mistakes=mistakes), entry["document"])
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # empty, cut short, or of another version
