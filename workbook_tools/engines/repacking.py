"""Repacks a workbook in its plainest form, for engines that read no other.

Excel also opens zip64 files, names with a wrong encoding flag, XML in UTF-16, and workbooks with
macro sheets. Some engines do not. They get the same parts in a new zip file, with all XML in UTF-8,
without sheets that have no cells, without CDATA and the like, and without error values that are
newer than Excel 2010.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import IO

from workbook_tools.package.archive import reading
from workbook_tools.package.workbook import WorkbookPackage
from workbook_tools.package.xml_parts import parsed, serialized

_CHUNK = 1 << 20
# The error values that every engine knows.
_ERRORS = {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"}
_LONGEST_DECLARATION = 1_024
_DECLARATION = re.compile(r"<\?xml\s(?:[^>]*?encoding\s*=\s*[\"'](?P<encoding>[\w.-]+))?[^>]*\?>")
# Encodings in which "<!DOCTYPE" has the same bytes that ``archive`` has searched for.
_OF_ONE_BYTE = re.compile(r"iso-8859-\d+|windows-125\d|us-ascii", re.IGNORECASE)
_BEGINS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}


def repacked(package: WorkbookPackage) -> bytes:
    """Return the repacked file of a workbook; raises ``InputError`` if a part cannot be read."""
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w", zipfile.ZIP_DEFLATED) as new:
        for name, pieces in plain_parts(package):
            with new.open(name, "w") as part:
                part.writelines(pieces)
    return plain.getvalue()


def plain_parts(package: WorkbookPackage) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the name of each part, and its content in pieces, to be read before the next part.

    Raises ``InputError`` if a part cannot be read.
    """
    sheets = {sheet.part for sheet in package.sheets}
    with reading(package.path):
        for info in package.archive.infolist():
            if not info.is_dir():
                with package.archive.open(info) as stream:
                    if info.filename == package.workbook_part and package.has_other_sheets:
                        yield info.filename, iter([_with_worksheets_only(package, stream.read())])
                    elif info.filename in sheets:
                        yield info.filename, iter([_plain_sheet(stream.read())])
                    else:
                        yield info.filename, _in_utf8(stream)


def _in_utf8(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a part; XML in another encoding is written in UTF-8."""
    begin = stream.read(_LONGEST_DECLARATION)
    stream.seek(0)
    encoding = _BEGINS.get(begin[:2]) or _declared(begin)
    if encoding is None:
        while chunk := stream.read(_CHUNK):
            yield chunk
        return
    text = io.TextIOWrapper(stream, encoding, newline="")
    yield _DECLARATION.sub("", text.read(_LONGEST_DECLARATION).removeprefix("\ufeff")).encode()
    while letters := text.read(_CHUNK):
        yield letters.encode()


def _plain_sheet(content: bytes) -> bytes:
    """Return a sheet serialized plainly, with ``#VALUE!`` for error values that are too new."""
    root = parsed(content)
    for value in root.iterfind("{*}sheetData/{*}row/{*}c[@t='e']/{*}v"):
        if value.text not in _ERRORS:
            value.text = "#VALUE!"
    return serialized(root)


def _with_worksheets_only(package: WorkbookPackage, workbook: bytes) -> bytes:
    """Return the workbook part without the sheets that are no worksheets."""
    root = parsed(workbook)
    kept, places = {sheet.name for sheet in package.sheets}, dict[str, str]()
    for place, sheet in enumerate(list(root.iterfind("{*}sheets/{*}sheet"))):
        if sheet.get("name") in kept:
            places[str(place)] = str(len(places))
        else:
            sheet.getparent().remove(sheet)
    for name in list(root.iterfind("{*}definedNames/{*}definedName[@localSheetId]")):
        if name.get("localSheetId") in places:
            name.set("localSheetId", places[name.get("localSheetId")])
        else:
            name.getparent().remove(name)
    for view in root.iterfind("{*}bookViews/{*}workbookView"):
        for shown in ("activeTab", "firstSheet"):
            view.attrib.pop(shown, None)
    return serialized(root)


def _declared(begin: bytes) -> str | None:
    """Return the encoding that an XML declaration names, if it is a known one other than UTF-8."""
    declaration = _DECLARATION.match(begin.decode("latin-1"))
    if declaration and _OF_ONE_BYTE.fullmatch(declaration["encoding"] or ""):
        return declaration["encoding"]
    return None
