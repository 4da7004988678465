"""Workbooks of a few cells, and how much their numbers move one of them."""

from collections.abc import Mapping
from pathlib import Path

from openpyxl import Workbook

from workbook_tools.notation.addresses import cell_name
from workbook_tools.sensitivity.asked import Question, Sensitivity, sensitivity
from workbook_tools.sensitivity.influence import Influence


def written(path: Path, cells: Mapping[str, object]) -> Path:
    """Write a workbook with one sheet, ``Sheet``."""
    book = Workbook()
    for name, content in cells.items():
        book.active[name] = content
    book.save(path)
    return path


def asked(path: Path, of: str, *by: str) -> Sensitivity:
    return sensitivity(Question(path, of, by))


def by_cell(found: Sensitivity) -> dict[str, Influence]:
    return {cell_name(*one.cell[1:]): one for one in found.influences}
