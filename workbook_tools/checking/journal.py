"""What a run has finished, line by line, so that an interrupted one need not begin anew."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from workbook_tools.checking.class_row import Mistake, Row
from workbook_tools.errors import InputError


class Journal:
    """A file of JSON lines, one a finished workbook; removed when all are."""

    def __init__(self, path: Path) -> None:
        """Open or begin it; raises ``InputError`` if that cannot be done."""
        self.path = path
        try:
            self._file = path.open("a+", encoding="utf-8")
            self._file.seek(0)
            self._known = dict(_entries(self._file.read().splitlines()))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise InputError(
                f"{path}: what is finished cannot be kept there ({reason}); choose another place "
                "for the reports, or remove that file"
            ) from error

    def find(self, key: str) -> tuple[Row, Any] | None:
        """Return a finished workbook's row and JSON report; None if it is not there."""
        return self._known.get(key)

    def add(self, key: str, row: Row, document: Any) -> None:
        """Write down a finished workbook, at once."""
        entry = {"key": key, "row": asdict(row), "document": document}
        # The newline comes first: a line that was cut off by a crash ends there.
        self._file.write("\n" + json.dumps(entry))
        self._file.flush()

    def close(self) -> None:
        """Keep it for a later run, if there is anything in it."""
        if not self._file.closed:
            is_empty = self._file.tell() == 0
            self._file.close()
            if is_empty:
                self.path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove it: all is done."""
        self._file.close()
        self.path.unlink(missing_ok=True)


def key_of(*parts: object) -> str:
    """Return what a result is found by again: of which file, and how it was checked."""
    return hashlib.sha256("\0".join(map(repr, parts)).encode()).hexdigest()


def _entries(lines: list[str]) -> Iterator[tuple[str, tuple[Row, Any]]]:
    for line in lines:
        try:
            entry = json.loads(line)
            mistakes = [Mistake(**mistake) for mistake in entry["row"].pop("mistakes")]
            yield entry["key"], (Row(**entry["row"], mistakes=mistakes), entry["document"])
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # empty, cut short, or of another version
