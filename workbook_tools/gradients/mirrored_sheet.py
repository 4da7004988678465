"""A sheet of formulas that stand at the addresses of the cells of another sheet.

Texts, widths and heights are those of the other sheet, so that it reads like it. Cells without a
formula are grey. Derivatives are coloured by size: red above 0, blue below.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from workbook_tools.editing.cell_contents import Place, put_value
from workbook_tools.editing.cell_styles import CellStyles
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.notation.addresses import cell_name, column_number, range_name
from workbook_tools.package.cell_values import CellValue
from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.workbook import SheetPart
from workbook_tools.package.xml_parts import added, namespace, number, serialized, write_text

_GREY, _HEADING = "EDEDED", "D9E1F2"
_BELOW, _NONE, _ABOVE = "FF5A8AC6", "FFFFFFFF", "FFF8696B"
_TAB = "FF7F7F7F"
_MOST_GREY = 200_000  # cells that get a colour though they are empty
_WIDTH = "12"  # characters of a column beside those of the sheet
_KEPT = ("sheetFormatPr", "cols")


@dataclass
class NewSheet:
    """A sheet that mirrors another one, and what it shows."""

    beside: Sheet
    name: str
    are_derivatives: bool
    formulas: dict[Place, str] = field(default_factory=dict)  # without their equals sign
    arrays: set[Place] = field(default_factory=set)  # which of them are array formulas
    values: dict[Place, CellValue] = field(default_factory=dict)
    # Of cells beside those that are mirrored:
    texts: dict[Place, str] = field(default_factory=dict)
    numbers: dict[Place, float] = field(default_factory=dict)  # that can be changed
    notes: dict[Place, str] = field(default_factory=dict)


def mirrored_sheet(
    copy: PackageCopy, part: SheetPart, sheet: NewSheet, styles: CellStyles
) -> bytes:
    """Return the XML of a sheet; ``part`` is the one that it mirrors."""
    original = copy.xml(part.part)
    root = etree.Element(f"{{{namespace(original)}}}worksheet", nsmap=original.nsmap)
    properties = added(root, "sheetPr")
    added(properties, "tabColor", rgb=_TAB)
    added(properties, "pageSetUpPr", fitToPage="1")
    _add_view(root, original)
    for name in _KEPT:
        if (kept := original.find(f"{{*}}{name}")) is not None:
            root.append(deepcopy(kept))
    _widen(root, sheet)
    rows = {number(row.get("r")): row for row in original.iterfind("{*}sheetData/{*}row")}
    _Cells(added(root, "sheetData"), sheet, styles).write(rows)
    if (merged := original.find("{*}mergeCells")) is not None:
        root.append(deepcopy(merged))
    if sheet.are_derivatives:
        _colour(root, sheet)
    added(root, "printOptions", headings="1", gridLines="1")
    margins = dict.fromkeys(("left", "right", "top", "bottom", "header", "footer"), "0.4")
    added(root, "pageMargins", **margins)
    added(root, "pageSetup", orientation="landscape", fitToHeight="0")
    return serialized(root)


def _add_view(root: Any, original: Any) -> None:
    """Freeze the panes that the sheet freezes, and keep its zoom."""
    view = added(added(root, "sheetViews"), "sheetView", workbookViewId="0")
    old = original.find("{*}sheetViews/{*}sheetView")
    if old is None:
        return
    for name in ("showGridLines", "zoomScale", "zoomScaleNormal", "rightToLeft"):
        if old.get(name):
            view.set(name, old.get(name))
    if (pane := old.find("{*}pane")) is not None:
        view.append(deepcopy(pane))


def _widen(root: Any, sheet: NewSheet) -> None:
    """Make columns beside the mirrored ones wide enough for their texts."""
    places = [place for own in (sheet.texts, sheet.formulas) for place in own]
    beside = sorted({column for _, column in places if column > sheet.beside.last_column})
    columns = root.find("{*}cols")
    if not beside or (columns is not None and number(columns[-1].get("max")) >= beside[0]):
        return
    for column in beside:
        if columns is None:
            columns = added(root, "cols")
        added(columns, "col", min=str(column), max=str(column), width=_WIDTH, customWidth="1")


class _Cells:
    """Writes the cells, row by row."""

    def __init__(self, data: Any, content: NewSheet, styles: CellStyles) -> None:
        self._data, self._content, self._styles = data, content, styles
        self._sheet = content.beside
        self._is_small = self._sheet.last_row * self._sheet.last_column <= _MOST_GREY

    def write(self, rows: Mapping[int, Any]) -> None:
        """Write all rows, given those of the sheet."""
        content = self._content
        own: dict[int, set[int]] = {}
        for places in (content.formulas, content.texts, content.numbers):
            for row, column in places:
                own.setdefault(row, set()).add(column)
        every = {*rows, *own, *(range(1, self._sheet.last_row + 1) if self._is_small else ())}
        for row in sorted(every):
            old = rows.get(row)
            element = added(self._data, "row", r=str(row))
            for name in ("ht", "customHeight", "hidden"):
                if old is not None and old.get(name):
                    element.set(name, old.get(name))
            styles = {} if old is None else _styles(old)
            columns = {*own.get(row, ()), *styles}
            if self._is_small:
                columns |= {*range(1, self._sheet.last_column + 1)}
            for column in sorted(columns):
                self._write_cell(element, (row, column), styles.get(column, 0))

    def _write_cell(self, row: Any, place: Place, style: int) -> None:
        content = self._content
        cell = added(row, "c", r=cell_name(*place))
        if place in content.formulas:
            if content.are_derivatives:
                style = self._styles.general(style, place in content.notes)
            cell.set("s", str(style))
            formula = added(cell, "f")
            formula.text = content.formulas[place]
            if place in content.arrays:
                formula.attrib.update({"t": "array", "ref": cell_name(*place)})
            put_value(cell, content.values.get(place))
        elif place in content.numbers:
            cell.set("s", str(self._styles.general(style, True)))
            put_value(cell, content.numbers[place])
        elif place in content.texts:
            cell.set("s", str(self._styles.filled(style, _HEADING)))
            _write_text(cell, content.texts[place])
        elif place in self._sheet.texts and self._sheet.formula_at(*place) is None:
            cell.set("s", str(style))
            _write_text(cell, self._sheet.texts[place])
        elif place[1] <= self._sheet.last_column:
            cell.set("s", str(self._styles.filled(style, _GREY)))


def _write_text(cell: Any, text: str) -> None:
    cell.set("t", "inlineStr")
    write_text(added(added(cell, "is"), "t"), text)


def _styles(row: Any) -> dict[int, int]:
    """Return the formats of the cells of a row, by column."""
    found, column = {}, 0
    for cell in row.iterchildren("{*}c"):
        name = cell.get("r")
        column = column_number(name.rstrip("0123456789")) if name else column + 1
        found[column] = number(cell.get("s"))
    return found


def _colour(root: Any, sheet: NewSheet) -> None:
    """Colour the derivatives by size; a tenth of them may be larger than the deepest colour."""
    own = [place for place in sheet.formulas if place[1] <= sheet.beside.last_column]
    if not own:
        return
    rows, columns = [row for row, _ in own], [column for _, column in own]
    area = range_name(min(rows), min(columns), max(rows), max(columns))
    first, last = cell_name(min(rows), min(columns), True), cell_name(max(rows), max(columns), True)
    k = 1 + len(own) // 10
    size = f"MAX(LARGE({first}:{last},{k}),-SMALL({first}:{last},{k}),1E-300)"
    rule = added(added(root, "conditionalFormatting", sqref=area), "cfRule")
    rule.attrib.update({"type": "colorScale", "priority": "1"})
    scale = added(rule, "colorScale")
    for kind, value in (("formula", f"-{size}"), ("num", "0"), ("formula", size)):
        added(scale, "cfvo", type=kind, val=value)
    for colour in (_BELOW, _NONE, _ABOVE):
        added(scale, "color", rgb=colour)
