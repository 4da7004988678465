"""Checks of workbooks that a test has made, and commands that refuse something."""

from pathlib import Path
from typing import Protocol

from typer.testing import CliRunner, Result

from workbook_tools.checking.verify import verify
from workbook_tools.cli import app
from workbook_tools.engines import DEFAULT
from workbook_tools.judging.report import Report
from workbook_tools.notation.addresses import cell_name


class Savable(Protocol):
    """A workbook of openpyxl's, or one that is made by hand."""

    def save(self, path: Path) -> object:
        """Write it."""


def check(book: Savable, folder: Path, engine: str = DEFAULT) -> Report:
    """Save a workbook, and check it."""
    book.save(folder / "made.xlsx")
    return verify(folder / "made.xlsx", engine)


def named_cells(report: Report) -> set[tuple[str, str]]:
    """Return all cells that the findings of a report name: sheet and cell."""
    return {
        (place.sheet, cell_name(row, place.column))
        for finding in report.findings
        for place in finding.places
        for row in place.rows
    }


def call(*words: object) -> Result:
    """Give a command."""
    return CliRunner().invoke(app, [str(word) for word in words])


def refused(*words: object) -> str:
    """Give a command that must end with status 2 and one line; return this line."""
    result = call(*words)
    assert isinstance(result.exception, SystemExit)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1), result.output
    return result.stderr
