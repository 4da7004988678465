"""A workbook as the plainest program writes it, for engines that read no other.

Excel also opens a zip file of the 64-bit form, names that are told to be in another encoding, and
XML in UTF-16. Some engines do not; they get the same parts, packed anew, all XML in UTF-8.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from workbook_tools.archive import reading
from workbook_tools.package import WorkbookPackage, open_package

_CHUNK = 1 << 20
_LONGEST_DECLARATION = 1_024
_DECLARATION = re.compile(r"<\?xml\s(?:[^>]*?encoding\s*=\s*[\"'](?P<encoding>[\w.-]+))?[^>]*\?>")
# In these, "<!DOCTYPE" is nothing else than it was when the file was looked through.
_OF_ONE_BYTE = re.compile(r"iso-8859-\d+|windows-125\d|us-ascii", re.IGNORECASE)
_BEGINS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}


def plain_copy(path: Path) -> bytes:
    """Return the file of the plain copy; raises ``InputError`` if the workbook cannot be read."""
    copy = io.BytesIO()
    with open_package(path) as package, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as new:
        for name, pieces in plain_parts(package):
            with new.open(name, "w") as part:
                part.writelines(pieces)
    return copy.getvalue()


def plain_parts(package: WorkbookPackage) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the name of each part, and its content in pieces, to be taken before the next.

    Raises ``InputError`` if one cannot be read.
    """
    with reading(package.path):
        for info in package.archive.infolist():
            if not info.is_dir():
                with package.archive.open(info) as stream:
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


def _declared(begin: bytes) -> str | None:
    """Return the encoding that XML declares, if it is read by that and not as UTF-8."""
    declaration = _DECLARATION.match(begin.decode("latin-1"))
    if declaration and _OF_ONE_BYTE.fullmatch(declaration["encoding"] or ""):
        return declaration["encoding"]
    return None
