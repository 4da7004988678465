"""A workbook as the plainest program writes it, for engines that read no other.

Excel also opens a zip file of the 64-bit form, names that are told to be in another encoding, and
XML in UTF-16, and workbooks with sheets of macros. Some engines do not; they get the same parts,
packed anew, all XML in UTF-8, and of the sheets only those with cells, with all texts plainly
spelled, and without error values that are newer than Excel 2010.
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
_ERRORS = {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"}  # that all know
_LONGEST_DECLARATION = 1_024
_DECLARATION = re.compile(r"<\?xml\s(?:[^>]*?encoding\s*=\s*[\"'](?P<encoding>[\w.-]+))?[^>]*\?>")
# In these, "<!DOCTYPE" is nothing else than it was when the file was looked through.
_OF_ONE_BYTE = re.compile(r"iso-8859-\d+|windows-125\d|us-ascii", re.IGNORECASE)
_BEGINS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}


def repacked(package: WorkbookPackage) -> bytes:
    """Return the plain file of a workbook; raises ``InputError`` if a part cannot be read."""
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w", zipfile.ZIP_DEFLATED) as new:
        for name, pieces in plain_parts(package):
            with new.open(name, "w") as part:
                part.writelines(pieces)
    return plain.getvalue()


def plain_parts(package: WorkbookPackage) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the name of each part, and its content in pieces, to be taken before the next.

    Raises ``InputError`` if one cannot be read.
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
    """Return a sheet with its texts plainly spelled, and only error values that are old enough."""
    root = parsed(content)
    for value in root.iterfind("{*}sheetData/{*}row/{*}c[@t='e']/{*}v"):
        if value.text not in _ERRORS:
            value.text = "#VALUE!"
    return serialized(root)


def _with_worksheets_only(package: WorkbookPackage, workbook: bytes) -> bytes:
    """Return the part that lists the sheets without those that are no worksheets."""
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
    """Return the encoding that XML declares, if it is read by that and not as UTF-8."""
    declaration = _DECLARATION.match(begin.decode("latin-1"))
    if declaration and _OF_ONE_BYTE.fullmatch(declaration["encoding"] or ""):
        return declaration["encoding"]
    return None
