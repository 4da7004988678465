"""The last steps on the file that openpyxl saved: filling down, and what Excel would add.

openpyxl writes a training table's first two iterations. Here the second one is repeated down to
the last row, as Excel's fill handle would do, while the sheet streams into a new file. So a table
of any length is written in little memory. Also, texts become shared strings, and the properties of
fonts are put in the schema's order, as in a file that Excel saved; charts and pictures get their
alternative texts, and the file a fixed date.
"""

import filecmp
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, BinaryIO, Self
from xml.sax.saxutils import escape, quoteattr, unescape

from lxml import etree
from PIL import Image

from workbook_tools.formulas.references import FilledFormula

# The same spec must give the same file, so its date cannot be today's.
FIXED_DATE = "2026-01-01T00:00:00Z"
_ROWS_A_CHUNK = 2000
# Stand for row numbers in a template: no XML has these characters, and replacing one byte is fast.
_MARKS = "\0\1\2\3\4\5\6\7"

_SHARED_STRINGS = "xl/sharedStrings.xml"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STRINGS_TYPE = (
    b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-'
    b'officedocument.spreadsheetml.sharedStrings+xml"/>'
)
_STRINGS_RELATION = (
    b'<Relationship Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
    b'sharedStrings" Target="sharedStrings.xml" Id="rIdStrings"/>'
)
# The order of a font's properties in the Open XML schema; openpyxl writes another.
_FONT_ORDER = (
    "b i strike condense extend outline shadow u vertAlign sz color name family charset scheme"
)

_INLINE_STRING = re.compile(
    r't="inlineStr"><is><t(?: xml:space="preserve")?>(?P<text>[^<]*)</t></is></c>'
)
_CELL = re.compile(r'<c r="([A-Z]+)\d+"([^>]*)><f>([^<]*)</f><v></v></c>')
_DATE = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True)
class Fill:
    """Repeat the rows from ``pattern_row`` on down to ``last_row``; they start at column A."""

    pattern_row: int
    rows: int  # of the pattern: those of one iteration
    last_row: int


def finish(
    saved: Path, destination: BinaryIO, fills: dict[str, Fill], alternative_texts: dict[str, str]
) -> None:
    """Copy a saved workbook, filling rows down and describing charts and pictures.

    The keys of ``fills`` are sheet parts (``xl/worksheets/sheet2.xml``); those of
    ``alternative_texts`` are a drawing part, a ``#``, and openpyxl's name of the object
    (``Chart 1``). The copy is not compressed: the engine reads it once, and then it is rewritten.
    """
    strings: dict[str, int] = {}  # each shared string's number
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(destination, "w") as target:
        for name in [*source.namelist(), _SHARED_STRINGS]:  # the strings last: then all are known
            content = b"" if name == _SHARED_STRINGS else source.read(name)
            if name == "docProps/core.xml":
                content = _DATE.sub(FIXED_DATE.encode(), content)
            elif name == "xl/styles.xml":
                content = _fonts_in_order(content)
            elif name == _SHARED_STRINGS:
                content = _shared_strings(strings)
            elif name == "[Content_Types].xml":
                content = content.replace(b"</Types>", _STRINGS_TYPE + b"</Types>")
            elif name == "xl/_rels/workbook.xml.rels":
                content = content.replace(
                    b"</Relationships>", _STRINGS_RELATION + b"</Relationships>"
                )
            elif name.startswith("xl/drawings/drawing"):
                content = _described(content, name, alternative_texts)
            elif name.startswith("xl/worksheets/sheet"):
                content = _strings_shared(content, strings)
            with target.open(name, "w") as part:
                if name in fills:
                    part.writelines(_filled(content, fills[name]))
                else:
                    part.write(content)


def _strings_shared(content: bytes, strings: dict[str, int]) -> bytes:
    """Replace the texts in a sheet's cells by their numbers among the shared strings."""

    def share(match: re.Match[str]) -> str:
        number = strings.setdefault(match["text"], len(strings))
        return f't="s"><v>{number}</v></c>'

    shared = _INLINE_STRING.sub(share, content.decode())
    if 't="inlineStr"' in shared:
        raise AssertionError("openpyxl wrote a text in a form that this module does not expect")
    return shared.encode()


def _shared_strings(strings: dict[str, int]) -> bytes:
    items = "".join(f'<si><t xml:space="preserve">{text}</t></si>' for text in strings)
    head = f'<sst xmlns="{_MAIN}" uniqueCount="{len(strings)}">'
    return f"<?xml version='1.0' encoding='UTF-8'?>\n{head}{items}</sst>".encode()


def _fonts_in_order(content: bytes) -> bytes:
    styles = etree.fromstring(content)
    order = [f"{{{_MAIN}}}{name}" for name in _FONT_ORDER.split()]
    for font in styles.iter(f"{{{_MAIN}}}font"):
        font[:] = sorted(font, key=lambda element: order.index(element.tag))
    ordered: bytes = etree.tostring(styles, xml_declaration=True, encoding="UTF-8")
    return ordered


def _described(content: bytes, part: str, texts: dict[str, str]) -> bytes:
    def describe(match: re.Match[str]) -> str:
        text = texts[f"{part}#{match[2]}"]
        return f'<cNvPr id="{match[1]}" name="{match[2]}" descr={quoteattr(text)}/>'

    pattern = r'<cNvPr id="(\d+)" name="([^"]+)"[^>]*/>'
    return re.sub(pattern, describe, content.decode()).encode()


def _filled(xml: bytes, fill: Fill) -> Iterator[bytes]:
    """Yield a sheet's XML with the pattern rows repeated below themselves."""
    start = xml.index(b'<row r="%d"' % fill.pattern_row)
    last_pattern_row = fill.pattern_row + fill.rows - 1
    end = xml.index(b"</row>", xml.index(b'<row r="%d"' % last_pattern_row)) + len(b"</row>")
    columns = re.search(rb'<dimension ref="A1:([A-Z]+)\d+"/>', xml)
    if not columns:
        raise AssertionError("openpyxl wrote no dimension for the sheet")
    yield xml[: columns.start()]
    yield b'<dimension ref="A1:%s%d"/>' % (columns[1], fill.last_row)
    yield xml[columns.end() : end]
    pieces = xml[start:end].decode().split("</row>")[:-1]
    templates = [_RowTemplate.of(piece, row) for row, piece in enumerate(pieces, fill.pattern_row)]
    for first in range(last_pattern_row + 1, fill.last_row + 1, _ROWS_A_CHUNK):
        rows = range(first, min(first + _ROWS_A_CHUNK, fill.last_row + 1))
        yield b"".join(templates[(row - fill.pattern_row) % fill.rows].at(row) for row in rows)
    yield xml[end:]


@dataclass(frozen=True)
class _RowTemplate:
    """A row's XML, with a mark in the place of every relative row number."""

    xml: bytes
    marks: dict[bytes, int]  # each one's distance from the row's own number

    @classmethod
    def of(cls, xml: str, row: int) -> Self:
        """Read a row's XML, up to its end tag."""
        opening = xml[: xml.index(">") + 1]
        cells = _CELL.findall(xml)
        if xml != opening + "".join(
            f'<c r="{column}{row}"{attributes}><f>{formula}</f><v></v></c>'
            for column, attributes, formula in cells
        ):
            raise AssertionError("openpyxl wrote a row in a form that this module does not expect")
        marks = {0: _MARKS[0]}
        pieces = [opening.replace(f'r="{row}"', f'r="{marks[0]}"')]
        for column, attributes, formula in cells:
            filled = FilledFormula.parse(unescape(formula), row)
            for offset in filled.offsets:
                marks.setdefault(offset, _MARKS[len(marks)])
            text = escape(filled.pattern.format(*[marks[offset] for offset in filled.offsets]))
            pieces.append(f'<c r="{column}{marks[0]}"{attributes}><f>{text}</f><v></v></c>')
        whole = "".join(pieces) + "</row>"
        return cls(whole.encode(), {mark.encode(): offset for offset, mark in marks.items()})

    def at(self, row: int) -> bytes:
        """Return the row as it reads when filled down to another one."""
        xml = self.xml
        for mark, offset in self.marks.items():
            xml = xml.replace(mark, b"%d" % (row + offset))
        return xml


def same_content(one: Path, other: Path) -> bool:
    """Tell whether two workbooks are the same except for the compression of their parts.

    Compression libraries differ between Python builds. For the same reason pictures are compared
    pixel by pixel.
    """
    try:
        if filecmp.cmp(one, other, shallow=False):
            return True
        with zipfile.ZipFile(one) as a, zipfile.ZipFile(other) as b:
            if a.namelist() != b.namelist():
                return False
            return all(_same_part(name, a.open(name), b.open(name)) for name in a.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def _same_part(name: str, one: IO[bytes], other: IO[bytes]) -> bool:
    if name.endswith(".png"):
        a, b = Image.open(BytesIO(one.read())), Image.open(BytesIO(other.read()))
        return a.size == b.size and a.mode == b.mode and a.tobytes() == b.tobytes()
    while chunk := one.read(1 << 20):
        if chunk != other.read(len(chunk)):
            return False
    return not other.read(1)
