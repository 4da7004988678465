"""Writes an engine's results into a workbook file, next to the formulas.

Sheets are processed some rows at a time, so the size of a workbook does not matter. Everything else
in the file is copied as it is.
"""

import re
import shutil
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO
from xml.sax.saxutils import escape

import numpy as np

from workbook_tools.notation.addresses import column_number
from workbook_tools.package.cell_values import number_text, written
from workbook_tools.package.columns import Calculation
from workbook_tools.package.workbook import open_package

_CHUNK = 1 << 20
_COMPRESSION = 5  # zlib's level: 2 % larger than with its default, 6, and a third faster

# A formula cell as openpyxl writes it; an old value may follow the formula. The groups are those
# that stay, and what names the cell.
_FORMULA_CELL = re.compile(
    r'(<c r="([A-Z]+)(\d+)"(?: s="\d+")?)(?: t="\w+")?'
    r"(><f[ >][^<]*</f>)(?:<v>[^<]*</v>|<v ?/>)?</c>"
)
_GROUPS = 5  # with the text between two cells


def fill(source: Path, destination: Path, calculation: Calculation) -> int:
    """Copy a workbook, giving every formula cell its calculated value; return their number.

    The same source and values give the same copy, byte for byte.
    """
    with open_package(source) as package:
        sheets = {sheet.part: sheet.name for sheet in package.sheets}
    filled = 0
    with (
        zipfile.ZipFile(source) as old,
        zipfile.ZipFile(destination, "w", zipfile.ZIP_DEFLATED, compresslevel=_COMPRESSION) as new,
    ):
        for name in old.namelist():
            # Opened by its name, an entry always gets the same date.
            with old.open(name) as content, new.open(name, "w") as part:
                if name not in sheets:
                    shutil.copyfileobj(content, part)
                    continue
                filled += _fill_sheet(content, part, sheets[name], calculation)
    return filled


def _fill_sheet(old: IO[bytes], new: IO[bytes], sheet: str, calculation: Calculation) -> int:
    filled = 0
    # The last rows are compressed while the next ones are filled.
    with ThreadPoolExecutor(1) as compressor:
        writing = compressor.submit(new.write, b"")
        for rows in _whole_rows(old):
            text, count = _filled(rows.decode(), sheet, calculation)
            filled += count
            writing.result()
            writing = compressor.submit(new.write, text.encode())
        writing.result()
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


def _filled(xml: str, sheet: str, calculation: Calculation) -> tuple[str, int]:
    pieces = _FORMULA_CELL.split(xml)
    letters, rows = pieces[2::_GROUPS], [int(row) for row in pieces[3::_GROUPS]]
    if len(rows) != xml.count("<f>") + xml.count("<f "):
        raise AssertionError(f"sheet {sheet!r} has a formula cell in a form that is not expected")
    if not rows:
        return xml, 0
    columns = {each: column_number(each) for each in dict.fromkeys(letters)}
    place = {each: k for k, each in enumerate(columns)}
    numbers, others = calculation.numbers(sheet, rows[0], rows[-1], list(columns.values()))
    values = numbers[np.array(rows) - rows[0], [place[each] for each in letters]]
    texts = [repr(x) if x % 1 else number_text(x) for x in values.tolist()]
    kinds = [""] * len(rows)
    for k in np.flatnonzero(~np.isfinite(values)).tolist():
        other = others.get((rows[k], columns[letters[k]]))
        kind, text = written(float(values[k]) if np.isinf(values[k]) else other)
        kinds[k], texts[k] = f' t="{kind}"', escape(text)
    # The cell's name and style are followed by its type, the formula, and the value.
    pieces[2::_GROUPS], pieces[3::_GROUPS] = kinds, pieces[4::_GROUPS]
    pieces[4::_GROUPS] = [f"<v>{text}</v></c>" for text in texts]
    return "".join(pieces), len(rows)
