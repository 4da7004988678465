"""Writes an engine's results into a workbook file, next to the formulas.

Sheets are processed some rows at a time, so the size of a workbook does not matter. Everything else
in the file is copied as it is.
"""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape

from workbook_tools.engines import Calculation
from workbook_tools.notation.addresses import column_number
from workbook_tools.package.cell_values import CellError, CellValue
from workbook_tools.package.workbook import open_package

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # fixed, so that the same workbook gives the same file
_CHUNK = 1 << 20

# A formula cell as openpyxl writes it; an old value may follow the formula.
_FORMULA_CELL = re.compile(
    rb'<c r="(?P<column>[A-Z]+)(?P<row>\d+)"(?P<style>(?: s="\d+")?)(?: t="\w+")?>'
    rb"(?P<formula><f[ >][^<]*</f>)(?:<v>[^<]*</v>|<v ?/>)?</c>"
)


def fill(source: Path, destination: Path, calculation: Calculation) -> int:
    """Copy a workbook, giving every formula cell its calculated value; return their number.

    The same source and values give the same copy, byte for byte.
    """
    with open_package(source) as package:
        sheets = {sheet.part: sheet.name for sheet in package.sheets}
    filled = 0
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(destination, "w") as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, _ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with old.open(name) as content, new.open(entry, "w") as part:
                if name not in sheets:
                    while chunk := content.read(_CHUNK):
                        part.write(chunk)
                    continue
                for rows in _whole_rows(content):
                    text, count = _filled(rows, sheets[name], calculation)
                    part.write(text)
                    filled += count
    return filled


def _whole_rows(content: IO[bytes]) -> Iterator[bytes]:
    """Yield a sheet's XML in pieces that end at the end of a row."""
    rest = b""
    while chunk := content.read(_CHUNK):
        rest += chunk
        end = rest.rfind(b"</row>") + len(b"</row>")
        if end >= len(b"</row>"):
            yield rest[:end]
            rest = rest[end:]
    yield rest


def _filled(xml: bytes, sheet: str, calculation: Calculation) -> tuple[bytes, int]:
    cells = list(_FORMULA_CELL.finditer(xml))
    if len(cells) != xml.count(b"<f>") + xml.count(b"<f "):
        raise AssertionError(f"sheet {sheet!r} has a formula cell in a form that is not expected")
    if not cells:
        return xml, 0
    first_row, last_row = int(cells[0]["row"]), int(cells[-1]["row"])
    last_column = max(column_number(letters.decode()) for letters in {c["column"] for c in cells})
    block = calculation.block(sheet, first_row, 1, last_row, last_column)
    columns = {
        letters: column_number(letters.decode()) - 1 for letters in {c["column"] for c in cells}
    }

    def with_value(cell: re.Match[bytes]) -> bytes:
        column, row, style, formula = cell.groups()
        kind, text = _written(block[int(row) - first_row][columns[column]])
        return b'<c r="%s%s"%s%s>%s<v>%s</v></c>' % (column, row, style, kind, formula, text)

    return _FORMULA_CELL.sub(with_value, xml), len(cells)


def _written(value: CellValue) -> tuple[bytes, bytes]:
    """Return a value's type attribute and text as Excel writes them."""
    if isinstance(value, bool):
        return b' t="b"', b"1" if value else b"0"
    if isinstance(value, float):
        return b"", (b"%d" % value if value.is_integer() and abs(value) < 1e15 else b"%r" % value)
    if isinstance(value, CellError):
        return b' t="e"', escape(value.code).encode()
    return b' t="str"', escape(value or "").encode()
