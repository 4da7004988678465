"""The table of a class as CSV: one row per workbook, safe to open in a spreadsheet program."""

from collections.abc import Sequence
from pathlib import Path

from workbook_tools.classroom.row import Row
from workbook_tools.judging.faults import Kind
from workbook_tools.reporting import csv_file


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """Write the table; raises ``InputError`` if it cannot be written."""
    kinds = [kind.value for kind in Kind]
    headings = [
        "file",
        "verdict",
        "tables",
        "iterations",
        *kinds,
        "first finding",
        "why",
        "seconds",
    ]
    csv_file.write_csv(
        headings,
        (
            [
                row.file,
                str(row.verdict),
                row.tables,
                row.iterations,
                *(row.counts.get(kind, 0) for kind in kinds),
                row.first,
                row.why,
                row.seconds,
            ]
            for row in rows
        ),
        path,
    )
