"""Adds a sheet at the end of a workbook: texts, numbers, and links to cells."""

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from workbook_tools.editing.placed_sheet import place_sheet
from workbook_tools.notation.addresses import cell_name
from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.xml_parts import added, namespace, serialized, write_text

_LINE = 15.0  # points
_MOST_LINES = 27  # a row is at most 409 points high
_FILLED = 0.9  # fraction of a line that is filled before it breaks


@dataclass(frozen=True)
class NewCell:
    """A cell of the new sheet; a text is never written as a formula."""

    content: str | float | None
    style: int
    link: str | None = None  # cells of this workbook to jump to


def add_sheet(
    copy: PackageCopy, wanted: str, widths: Sequence[float], rows: Sequence[Sequence[NewCell]]
) -> str:
    """Add a sheet whose first row is a frozen header; return its name.

    If the ``wanted`` name is taken, a number is appended. ``widths`` are the widths of the columns
    in characters. The sheet is printed one page wide.
    """
    names = namespace(copy.workbook)
    root = etree.Element(f"{{{names}}}worksheet", nsmap={None: names})
    added(added(root, "sheetPr"), "pageSetUpPr", fitToPage="1")
    view = added(added(root, "sheetViews"), "sheetView", workbookViewId="0")
    added(view, "pane", ySplit="1", topLeftCell="A2", activePane="bottomLeft", state="frozen")
    columns = added(root, "cols")
    for column, width in enumerate(widths, start=1):
        added(columns, "col", min=str(column), max=str(column), width=str(width), customWidth="1")
    data = added(root, "sheetData")
    links = []
    for row, cells in enumerate(rows, start=1):
        height = _LINE * max(map(_lines, cells, widths), default=1)
        row_element = added(data, "row", r=str(row), ht=f"{height:g}", customHeight="1")
        for column, cell in enumerate(cells, start=1):
            name = cell_name(row, column)
            element = added(row_element, "c", r=name, s=str(cell.style))
            if isinstance(cell.content, str):
                element.set("t", "str")
                write_text(added(element, "v"), cell.content)
            elif cell.content is not None:
                added(element, "v").text = repr(cell.content)
            if cell.link:
                links.append((name, cell.link))
    if links:
        hyperlinks = added(root, "hyperlinks")
        for name, link in links:
            added(hyperlinks, "hyperlink", ref=name, location=link)
    added(root, "printOptions", gridLines="1")
    added(
        root,
        "pageMargins",
        left="0.4",
        right="0.4",
        top="0.5",
        bottom="0.5",
        header="0.3",
        footer="0.3",
    )
    added(root, "pageSetup", orientation="landscape", fitToHeight="0")
    taken = {sheet.get("name", "").casefold() for sheet in copy.workbook.find("{*}sheets")}
    possible = (wanted, *(f"{wanted} {k}" for k in range(2, len(taken) + 2)))
    name = next(name for name in possible if name.casefold() not in taken)
    return place_sheet(copy, name, serialized(root)).name


def _lines(cell: NewCell, width: float) -> int:
    """Return the number of lines of a text, since not every program adjusts the row height."""
    if not isinstance(cell.content, str):
        return 1
    lines = cell.content.split("\n")
    return min(_MOST_LINES, sum(1 + int(len(line) / (_FILLED * width)) for line in lines))
