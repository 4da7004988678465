"""The table of a class as CSV: one row per workbook, safe to open in a spreadsheet program."""

import csv
import io
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from workbook_tools.classroom.row import Row
from workbook_tools.judging.faults import Kind
from workbook_tools.package.files import write_text

_BYTE_ORDER_MARK = "\ufeff"  # tells Excel that it is UTF-8


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """Write the table; raises ``InputError`` if it cannot be written."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    kinds = [kind.value for kind in Kind]
    table.writerow(
        ["file", "verdict", "tables", "iterations", *kinds, "first finding", "why", "seconds"]
    )
    for row in rows:
        counts = [row.counts.get(kind, 0) for kind in kinds]
        table.writerow(
            [
                harmless(row.file),
                harmless(row.verdict),
                row.tables,
                row.iterations,
                *counts,
                harmless(row.first),
                harmless(row.why),
                row.seconds,
            ]
        )
    write_text(path, _BYTE_ORDER_MARK + text.getvalue())


def harmless(text: str) -> str:
    """Return a text that no spreadsheet program reads as a formula.

    If it begins with ``= + - @`` or a control character such as a tab, it gets an apostrophe.
    """
    if text and (text[0] in "=+-@" or unicodedata.category(text[0]) == "Cc"):
        return f"'{text}"
    return text
