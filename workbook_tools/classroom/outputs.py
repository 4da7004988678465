"""Where the reports of a class are written."""

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workbook_tools.package.files import is_stream


@dataclass(frozen=True)
class Outputs:
    """The paths of a class's reports, and of the files written beside them."""

    csv: Path | None = None
    html: Path | None = None
    json: Path | None = None  # "-" is standard output, not a file

    @property
    def files(self) -> list[Path]:
        """The reports that are files."""
        return [path for path in (self.csv, self.html, self.json) if path and str(path) != "-"]

    @property
    def pages(self) -> Path | None:
        """The folder of the workbooks' own pages; None if the class's page is a pipe or device."""
        if self.html is None or is_stream(self.html):
            return None
        return self.html.with_name(f"{self.html.stem}_files")

    @property
    def journal(self) -> Path | None:
        """The journal of finished workbooks, beside the first report that is a regular file."""
        first = next((path for path in self.files if not is_stream(path)), None)
        return first.with_name(f".{first.name}.unfinished") if first else None

    def written(self, workbooks: Iterable[Path]) -> list[Path]:
        """Return every file that is written when these workbooks are checked.

        Raises ``InputError`` for a path where no file can be.
        """
        written = self.files
        if self.journal:
            written.append(self.journal)
        if self.pages:
            written += [self.pages / page_name(path) for path in workbooks]
        return written


def page_name(path: Path) -> str:
    """Return the file name of a workbook's own page, which is unique to its path."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-")[:60] or "workbook"
    return f"{readable}-{hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:12]}.html"
