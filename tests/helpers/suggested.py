"""Reports whose wrong formulas have suggestions: written from scratch, in the table's own cells."""

from dataclasses import replace
from pathlib import Path

from workbook_tools.checking.findings import Finding, Kind, Report, Suggestion
from workbook_tools.checking.grounds import Grounds
from workbook_tools.checking.reader import read_tables
from workbook_tools.checking.right_formulas import RightFormulas
from workbook_tools.checking.samples import read_samples
from workbook_tools.checking.sheets import read_sheets
from workbook_tools.checking.stated import read_parameters
from workbook_tools.checking.verify import verify
from workbook_tools.engines import recalculate
from workbook_tools.package import open_package

_NOT_MENDED = (Kind.STALE_VALUE, Kind.ODD_START)


def suggested(formulas: dict[int, str], edit: str = "replace J by L") -> Suggestion:
    """Return a suggestion with these formulas, by row."""
    return Suggestion(formulas, edit, None, len(formulas), 3)


def verified(path: Path) -> Report:
    """Check a workbook, and suggest a formula for each finding that wants one."""
    report = verify(path)
    calculation = recalculate(path, "embedded")
    with open_package(path) as package:
        sheets, _ = read_sheets(package)
    tables = read_tables(sheets, calculation)
    stated = read_parameters(sheets, tables, calculation)
    for table, part in zip(tables, report.tables, strict=True):
        sizes = table.naming.sizes
        samples = read_samples(sheets, sizes[0], sizes[-1], calculation)
        right = RightFormulas(Grounds.of(table, stated, samples, calculation))
        part.findings = [_with_suggestion(finding, right) for finding in part.findings]
    return report


def _with_suggestion(finding: Finding, right: RightFormulas) -> Finding:
    if finding.kind in _NOT_MENDED:
        return finding
    formulas = {row: right.at(finding.quantity, row) for row in finding.rows}
    if None in formulas.values():
        return finding
    found = {row: formula for row, formula in formulas.items() if formula}
    return replace(finding, suggestion=suggested(found, "written from scratch"))
