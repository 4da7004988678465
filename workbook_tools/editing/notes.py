"""Adds notes to cells (Excel called them comments before it had threads): texts and boxes.

A note is stored in two parts of the file: its text in one, its box in an old drawing (VML). That
drawing is often not valid XML, and also holds the sheet's buttons and check boxes. So new boxes are
inserted before its end as bytes, and nothing else in it is touched.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from lxml import etree

from workbook_tools.editing.cell_contents import Place
from workbook_tools.errors import InputError
from workbook_tools.notation.addresses import cell_name
from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.workbook import SheetPart
from workbook_tools.package.xml_parts import (
    added,
    found_or_inserted,
    inserted,
    namespace,
    number,
    serialized,
    write_text,
)

_COMMENTS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
_DRAWING_TYPE = "application/vnd.openxmlformats-officedocument.vmlDrawing"
SHEET_ORDER = (
    "sheetPr dimension sheetViews sheetFormatPr cols sheetData sheetCalcPr sheetProtection "
    "protectedRanges scenarios autoFilter sortState dataConsolidate customSheetViews mergeCells "
    "phoneticPr conditionalFormatting dataValidations hyperlinks printOptions pageMargins "
    "pageSetup headerFooter rowBreaks colBreaks customProperties cellWatches ignoredErrors "
    "smartTags drawing legacyDrawing legacyDrawingHF drawingHF picture oleObjects controls "
    "webPublishItems tableParts extLst"
).split()
_COMMENTS_ORDER = ["authors", "commentList", "extLst"]
_TEXT_ORDER = ["t", "r", "rPh", "phoneticPr"]

_DRAWING = """<xml xmlns:v="urn:schemas-microsoft-com:vml" \
xmlns:o="urn:schemas-microsoft-com:office:office" \
xmlns:x="urn:schemas-microsoft-com:office:excel">
<o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="{clusters}"/></o:shapelayout>
</xml>
"""
# Each declares its namespaces itself: the drawing may have other prefixes.
_KIND_OF_BOX = """<v:shapetype xmlns:v="urn:schemas-microsoft-com:vml" \
xmlns:o="urn:schemas-microsoft-com:office:office" id="_x0000_t202" coordsize="21600,21600" \
o:spt="202" path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>\
<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>
"""
_BOX = """<v:shape xmlns:v="urn:schemas-microsoft-com:vml" \
xmlns:o="urn:schemas-microsoft-com:office:office" \
xmlns:x="urn:schemas-microsoft-com:office:excel" id="_x0000_s{number}" type="#_x0000_t202" \
style="position:absolute;visibility:hidden" fillcolor="#ffffe1" o:insetmode="auto">\
<v:fill color2="#ffffe1"/><v:shadow on="t" color="black" obscured="t"/>\
<v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto">\
<div style="text-align:left"></div></v:textbox><x:ClientData ObjectType="Note"><x:MoveWithCells/>\
<x:SizeWithCells/><x:Anchor>{anchor}</x:Anchor><x:AutoFill>False</x:AutoFill>\
<x:Row>{row}</x:Row><x:Column>{column}</x:Column></x:ClientData></v:shape>
"""
_HAS_KIND = re.compile(rb"shapetype(?:(?!shapetype)[^>])*?_x0000_t202")
_BOX_NUMBER = re.compile(rb"_x0000_s(\d{1,9})")
_CLUSTER = 1024  # the boxes of a drawing are numbered from here on

_WIDTH, _LINE, _CHARACTERS = 340, 17, 50  # of a box, a line (pixels); characters in a line
_MOST_LINES = 24
_TO_WIDE, _TO_HIGH = 7.6, 4 / 3  # pixels per character of Excel's default font, per point
_USUAL_WIDTH, _USUAL_HEIGHT = 64, 20  # of a column, a row (pixels)
_SIZE = re.compile(r"[0-9]{1,5}(\.[0-9]*)?")


def add_notes(copy: PackageCopy, sheet: SheetPart, author: str, notes: Mapping[Place, str]) -> None:
    """Add notes to cells of a sheet.

    If a cell has a note, the text is added below it. A cell with a thread of comments gets no note.
    Raises ``InputError`` if the sheet's old drawing is damaged.
    """
    threads = _cells_with_threads(copy, sheet)
    notes = {place: text for place, text in notes.items() if cell_name(*place) not in threads}
    if not notes:
        return
    part = _comments_part(copy, sheet)
    root = copy.xml(part)
    copy.changed(part)
    authors = found_or_inserted(root, "authors", _COMMENTS_ORDER)
    comments = found_or_inserted(root, "commentList", _COMMENTS_ORDER)
    known = {comment.get("ref"): comment for comment in comments.iterfind("{*}comment")}
    author_id = str(_author(authors, author))
    fresh = {}
    for place, text in notes.items():
        name = cell_name(*place)
        if name in known:
            _add_below(known[name], text)
            continue
        fresh[place] = text
        comment = added(comments, "comment", ref=name, authorId=author_id)
        _add_run(added(comment, "text"), text)
    if fresh:
        _add_boxes(copy, sheet, fresh)


def _cells_with_threads(copy: PackageCopy, sheet: SheetPart) -> set[str]:
    return {
        thread.get("ref", "")
        for relation in copy.relations(sheet.part)
        if relation.kind.endswith("/threadedComment") and relation.part
        for thread in copy.xml(relation.part).iterfind("{*}threadedComment")
    }


def _comments_part(copy: PackageCopy, sheet: SheetPart) -> str:
    if relation := copy.related(sheet.part, "comments"):
        return relation.part
    names = namespace(copy.xml(sheet.part))
    root = etree.Element(f"{{{names}}}comments", nsmap={None: names})
    copy.add(sheet.part, "comments", "xl/comments{}.xml", _COMMENTS_TYPE, serialized(root))
    return _comments_part(copy, sheet)


def _author(authors: Any, name: str) -> int:
    names = [author.text for author in authors]
    if name not in names:
        added(authors, "author").text = name
        names.append(name)
    return names.index(name)


def _add_below(comment: Any, text: str) -> None:
    """Add a text below the text of a note."""
    own = found_or_inserted(comment, "text", ["text"])
    if (plain := own.find("{*}t")) is not None:
        # A plain text must not stand beside formatted runs, so it becomes a run too.
        own.remove(plain)
        piece = etree.Element(etree.QName(namespace(own), "r"), nsmap=own.nsmap)
        piece.append(plain)
        own.insert(0, piece)
    _add_run(own, f"\n\n{text}")


def _add_run(parent: Any, text: str) -> None:
    run = inserted(parent, "r", _TEXT_ORDER)
    properties = added(run, "rPr")
    added(properties, "sz", val="9")
    added(properties, "color", indexed="81")
    added(properties, "rFont", val="Tahoma")
    added(properties, "family", val="2")
    write_text(added(run, "t"), text)


def _add_boxes(copy: PackageCopy, sheet: SheetPart, notes: Mapping[Place, str]) -> None:
    part = _drawing_part(copy, sheet, len(notes))
    old = copy.content(part)
    end = old.rfind(b"</xml")
    if end < 0:
        raise InputError(
            f"{copy.package.path}: sheet {sheet.name!r} is damaged, the drawing with its notes has "
            "no end; open and save it in a spreadsheet program"
        )
    first = max(map(int, _BOX_NUMBER.findall(old)), default=_CLUSTER) + 1
    grid = _Grid(copy.xml(sheet.part))
    boxes = "" if _HAS_KIND.search(old) else _KIND_OF_BOX
    boxes += "".join(
        _BOX.format(
            number=box, anchor=grid.anchor(*place, text), row=place[0] - 1, column=place[1] - 1
        )
        for box, (place, text) in enumerate(notes.items(), start=first)
    )
    copy.replace(part, old[:end] + boxes.encode() + old[end:])


def _drawing_part(copy: PackageCopy, sheet: SheetPart, count: int) -> str:
    """Return the part with the sheet's old drawing, which is made if it is missing."""
    root = copy.xml(sheet.part)
    key_name = f"{{{copy.relation_names}}}id"
    legacy = root.find("{*}legacyDrawing")
    if legacy is not None:
        for relation in copy.relations(sheet.part):
            if relation.key == legacy.get(key_name) and relation.part:
                return relation.part
    clusters = ",".join(str(k) for k in range(1, 2 + (count + 1) // _CLUSTER))
    drawing = _DRAWING.format(clusters=clusters).encode()
    name = "xl/drawings/vmlDrawing{}.vml"
    key = copy.add(sheet.part, "vmlDrawing", name, _DRAWING_TYPE, drawing)
    found_or_inserted(root, "legacyDrawing", SHEET_ORDER).set(key_name, key)
    copy.changed(sheet.part)
    return _drawing_part(copy, sheet, count)


class _Grid:
    """The sizes of a sheet's columns and rows, in pixels."""

    def __init__(self, root: Any) -> None:
        self._width, self._height = _USUAL_WIDTH, _USUAL_HEIGHT
        for usual in root.iterfind("{*}sheetFormatPr"):
            self._width = _pixels(usual.get("defaultColWidth"), _TO_WIDE) or _USUAL_WIDTH
            self._height = _pixels(usual.get("defaultRowHeight"), _TO_HIGH) or _USUAL_HEIGHT
        self._widths = [
            (number(c.get("min")), number(c.get("max")), _pixels(c.get("width"), _TO_WIDE))
            for c in root.iterfind("{*}cols/{*}col")
        ]
        self._heights = {
            number(row.get("r")): _pixels(row.get("ht"), _TO_HIGH)
            for row in root.iterfind("{*}sheetData/{*}row")
            if row.get("ht")
        }

    def anchor(self, row: int, column: int, text: str) -> str:
        """Return the anchor of the box of a cell's note: beside the cell, as large as needed."""
        lines = sum(1 + len(line) // _CHARACTERS for line in text.split("\n"))
        height = _LINE * (min(lines, _MOST_LINES) + 1)
        top = max(row - 1, 1)
        right, right_rest = _steps(column + 1, _WIDTH + 15, self._width_of)
        bottom, bottom_rest = _steps(top, height + 4, self._height_of)
        sides = (column, 15, top - 1, 4, right - 1, right_rest, bottom - 1, bottom_rest)
        return ", ".join(map(str, sides))

    def _width_of(self, column: int) -> int:
        found = (width for first, last, width in self._widths if first <= column <= last)
        return next(found, None) or self._width

    def _height_of(self, row: int) -> int:
        return self._heights.get(row) or self._height


def _steps(start: int, pixels: int, size_of: Callable[[int], int]) -> tuple[int, int]:
    """Return the column or row some pixels after the start of one, and the pixels into it."""
    while pixels >= (size := size_of(start)):
        pixels -= size
        start += 1
    return start, pixels


def _pixels(size: str | None, scale: float) -> int:
    """Return a size in pixels; 0 if none is given."""
    return round(float(size) * scale) if size and _SIZE.fullmatch(size) else 0
