"""Adds cell formats to a workbook: copies of its own ones with another fill, and new ones.

A cell names its format by number. Existing formats are never changed, since other cells may use
them; new ones are added at the end.
"""

from copy import deepcopy
from functools import cache
from typing import Any

from lxml import etree

from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.xml_parts import (
    added,
    found_or_inserted,
    inserted,
    local_name,
    namespace,
    serialized,
)

_CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
_ORDER = (
    "numFmts fonts fills borders cellStyleXfs cellXfs cellStyles dxfs tableStyles colors extLst"
).split()
_FONT_ORDER = (
    "b i strike condense extend outline shadow u vertAlign sz color name family charset scheme"
).split()
_XF_ORDER = ["alignment", "protection", "extLst"]
_RESERVED_FILLS = ("none", "gray125")  # Excel takes the first two fills for these in any case


class CellStyles:
    """The cell formats of a workbook, to which others are added."""

    def __init__(self, copy: PackageCopy) -> None:
        part = self._part(copy)
        self._root = copy.xml(part)
        copy.changed(part)
        self._complete()
        self.filled = cache(self._filled)
        self.general = cache(self._general)
        self._fill = cache(self._new_fill)

    def _filled(self, style: int, colour: str) -> int:
        """Return the number of a format like ``style``, but with a fill (``FFC7CE``)."""
        return self._add_format(style, fill=self._fill(colour))

    def _general(self, style: int, bold: bool = False) -> int:
        """Return the number of a format like ``style``, but for any number, without a fill."""
        return self._add_format(
            style, fill=0, font=self._new_font(True, False) if bold else None, kind=0
        )

    def new(
        self, *, bold: bool = False, link: bool = False, fill: str | None = None, wrap: bool = False
    ) -> int:
        """Return the number of a format like the workbook's default, with these changes."""
        number = self._add_format(
            0,
            fill=self._fill(fill) if fill else None,
            font=self._new_font(bold, link) if bold or link else None,
        )
        alignment = found_or_inserted(self._list("cellXfs")[number], "alignment", _XF_ORDER)
        alignment.set("horizontal", "left")
        alignment.set("vertical", "top")
        alignment.set("wrapText", "1" if wrap else "0")
        alignment.getparent().set("applyAlignment", "1")
        return number

    @staticmethod
    def _part(copy: PackageCopy) -> str:
        """Return the part with the formats, which is made if the workbook has none."""
        workbook = copy.package.workbook_part
        if (relation := copy.related(workbook, "styles")) is None:
            names = namespace(copy.workbook)
            empty = etree.Element(f"{{{names}}}styleSheet", nsmap={None: names})
            copy.add(workbook, "styles", "xl/styles.xml", _CONTENT_TYPE, serialized(empty))
            relation = copy.related(workbook, "styles")
            assert relation is not None
        return relation.part

    def _complete(self) -> None:
        """Add the lists that formats refer to and that a stylesheet may omit."""
        if not len(fonts := self._list("fonts")):
            font = self._append(fonts, "font")
            added(font, "sz", val="11")
            added(font, "name", val="Calibri")
        fills = self._list("fills")
        for pattern in _RESERVED_FILLS[len(fills) :]:
            added(self._append(fills, "fill"), "patternFill", patternType=pattern)
        if not len(borders := self._list("borders")):
            self._append(borders, "border")
        for name in ("cellStyleXfs", "cellXfs"):
            if not len(formats := self._list(name)):
                self._append(formats, "xf", numFmtId="0", fontId="0", fillId="0", borderId="0")
        if not len(names := self._list("cellStyles")):
            self._append(names, "cellStyle", name="Normal", xfId="0", builtinId="0")

    def _list(self, name: str) -> Any:
        return found_or_inserted(self._root, name, _ORDER)

    def _append(self, parent: Any, tag: str, /, **attributes: str) -> Any:
        element = added(parent, tag, **attributes)
        parent.set("count", str(len(parent)))
        return element

    def _add_format(
        self, style: int, fill: int | None = None, font: int | None = None, kind: int | None = None
    ) -> int:
        formats = self._list("cellXfs")
        clone = deepcopy(formats[style if style < len(formats) else 0])
        for number, name, what in (
            (fill, "fillId", "Fill"),
            (font, "fontId", "Font"),
            (kind, "numFmtId", "NumberFormat"),
        ):
            if number is not None:
                clone.set(name, str(number))
                clone.set(f"apply{what}", "1")
        formats.append(clone)
        formats.set("count", str(len(formats)))
        return len(formats) - 1

    def _new_fill(self, colour: str) -> int:
        fills = self._list("fills")
        pattern = added(self._append(fills, "fill"), "patternFill", patternType="solid")
        added(pattern, "fgColor", rgb=f"FF{colour}")
        added(pattern, "bgColor", indexed="64")
        return len(fills) - 1

    def _new_font(self, bold: bool, link: bool) -> int:
        fonts = self._list("fonts")
        font = deepcopy(fonts[0])
        if bold:
            found_or_inserted(font, "b", _FONT_ORDER).attrib.clear()
        if link:
            found_or_inserted(font, "u", _FONT_ORDER).attrib.clear()
            for old in font.findall("{*}color"):
                font.remove(old)
            inserted(font, "color", _FONT_ORDER).set("rgb", "FF0563C1")
        # Excel requires this order; not every program that writes stylesheets keeps to it.
        font[:] = sorted(font, key=_place_in_font)
        fonts.append(font)
        fonts.set("count", str(len(fonts)))
        return len(fonts) - 1


def _place_in_font(child: Any) -> int:
    name = local_name(child)
    return _FONT_ORDER.index(name) if name in _FONT_ORDER else len(_FONT_ORDER)
