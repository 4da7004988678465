"""Workbooks of any layout, made cell by cell, and what is called wrong in them."""

from collections.abc import Mapping
from pathlib import Path

from openpyxl import Workbook

from workbook_tools.checking.verify import verify
from workbook_tools.judging.report import Report
from workbook_tools.notation.addresses import cell_name


def checked(cells: Mapping[str, object], path: Path) -> Report:
    """Write a workbook of one sheet, and check it."""
    workbook = Workbook()
    for name, value in cells.items():
        workbook.active[name] = value
    workbook.save(path)
    return verify(path)


def called_wrong(report: Report) -> set[str]:
    """Return the cells that are called wrong."""
    return {
        cell_name(row, place.column)
        for finding in report.findings
        for place in finding.places
        for row in place.rows
    }
