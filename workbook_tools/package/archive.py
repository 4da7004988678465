"""The zip file that a workbook is: opened only if it is whole, and no larger than workbooks are.

An engine inflates whole parts into memory, and believes what the file says of itself. So every
part, also those that nothing here reads, is inflated and counted first, whatever sizes the file
states; and no XML may declare a document type, by which entities multiply or read other files.
"""

import copy
import io
import posixpath
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.parsers import expat

from lxml import etree

from workbook_tools.errors import InputError

MAX_PART_BYTES = 2 << 30  # a sheet of 3 million formulas has 0.25 GiB
MAX_BYTES = 4 << 30  # of all parts
MAX_RATIO = 250  # inflated to deflated; 10 is usual for sheets, 70 for the drawings of notes
_SMALL = 16 << 20  # bytes; a part that is no larger may have any ratio
_CHUNK = 1 << 20

_OLE_MAGIC = bytes.fromhex("D0CF11E0A1B11AE1")
_ZIP_MAGIC, _ZIP_END, _ZIP_END_SIZE = b"PK\3\4", b"PK\5\6", 22
_ZIP64_END, _ZIP64_END_SIZE, _ZIP64_PLACE_SIZE = b"PK\6\6", 56, 20
_ENTRY, _ENTRY_SIZE, _HEADER_SIZE = b"PK\1\2", 46, 30  # of the directory, and before each part
_ENCRYPTED, _UTF8 = 1, 1 << 11  # flags of a part; the latter is of its name
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what Open XML allows
# In UTF-8; in UTF-16 of either byte order.
_DOCTYPES = (b"<!DOCTYPE", "<!DOCTYPE".encode("utf-16-le")[:-1])
_XML_NAMES, _XML_TYPES = (".xml", ".rels", ".vml"), ("/xml", "+xml", ".vmldrawing")
# What parts are to others that are no XML of a workbook, even if they look like some.
_NO_XML = (
    "/image", "/hdphoto", "/thumbnail", "/audio", "/video", "/media", "/font", "/oleObject",
    "/package", "/printerSettings", "/activeXControlBinary", "/vbaProject", "/vbaProjectSignature",
    "/vbaProjectSignatureAgile", "/vbaProjectSignatureV3", "/attachedToolbars",
)  # fmt: skip

_OPEN_DOCUMENT = b"application/vnd.oasis"

CONTENT_TYPES = "[Content_Types].xml"


def open_archive(path: Path) -> zipfile.ZipFile:
    """Open the zip file of a workbook, and check it whole before anything else reads it.

    Raises ``InputError`` if it cannot be read, is no zip file, is encrypted, an old .xls, another
    program's, cut short, damaged, larger than any workbook, or not plain XML.
    """
    with reading(path):
        with path.open("rb") as file:
            magic = file.read(len(_OLE_MAGIC))
            if magic == _OLE_MAGIC:
                _refuse_ole(path, file.read())
        if not magic.startswith(_ZIP_MAGIC):
            raise InputError(
                f"{path}: not an .xlsx workbook; save it as .xlsx in a spreadsheet program"
            )
        try:
            archive = opened(path)
        except (zipfile.BadZipFile, struct.error) as error:
            raise InputError(f"{path}: cut short or damaged; get the file anew") from error
        try:
            _check(path, archive)
        except BaseException:
            archive.close()
            raise
        return archive


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a file is read into ``InputError``."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        UnicodeDecodeError,
    ) as error:
        raise InputError(
            f"{path}: damaged ({error}); get the file anew, or open and save it in a "
            "spreadsheet program"
        ) from error
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); check the name, and whether "
            "you may read it"
        ) from error
    except (etree.XMLSyntaxError, expat.ExpatError) as error:
        raise InputError(
            f"{path}: damaged, its XML cannot be read ({error.args[0]}); open and save it in a "
            "spreadsheet program"
        ) from error


def opened(path: Path) -> zipfile.ZipFile:
    """Open a zip file as it is; that names are not told to be UTF-8, or wrongly, is no obstacle."""
    with suppress(UnicodeDecodeError):
        archive = zipfile.ZipFile(path)
        if all(name.isascii() for name in archive.namelist()):
            return archive
        archive.close()
    return zipfile.ZipFile(io.BytesIO(_with_clear_names(path.read_bytes())))


def _with_clear_names(content: bytes) -> bytes:
    """Return a zip file in which every name that is UTF-8, and no other, is said to be.

    A part has its name, and what that is written in, twice: programs mind if they differ in the
    latter, or if it is not true. Raises ``struct.error`` if the file is cut short.
    """
    changed = bytearray(content)
    place = _directory(content)
    while content[place : place + len(_ENTRY)] == _ENTRY:
        length, *others = struct.unpack_from("<3H", content, place + 28)
        [header] = struct.unpack_from("<L", content, place + 42)
        name, local = (
            content[begin : begin + length]
            for begin in (place + _ENTRY_SIZE, header + _HEADER_SIZE)
        )
        for flags in (place + 8, header + 6) if name == local else ():  # else zipfile refuses it
            [own] = struct.unpack_from("<H", content, flags)
            struct.pack_into("<H", changed, flags, own | _UTF8 if _is_utf8(name) else own & ~_UTF8)
        place += _ENTRY_SIZE + length + sum(others)
    return bytes(changed)


def _directory(content: bytes) -> int:
    """Return where the directory of a zip file begins."""
    end = content.rfind(_ZIP_END)
    zip64 = end - _ZIP64_PLACE_SIZE - _ZIP64_END_SIZE
    if zip64 >= 0 and content[zip64 : zip64 + len(_ZIP64_END)] == _ZIP64_END:
        return int(struct.unpack_from("<Q", content, zip64 + 48)[0])
    return int(struct.unpack_from("<L", content, end + 16)[0])


def _is_utf8(name: bytes) -> bool:
    try:
        return bool(name.decode())
    except UnicodeDecodeError:
        return False


def _refuse_ole(path: Path, content: bytes) -> None:
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise InputError(f"{path}: encrypted; save it without a password")
    raise InputError(f"{path}: an old .xls workbook; save it as .xlsx in a spreadsheet program")


def _check(path: Path, archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    names = {part.filename.lower() for part in parts}
    if "xl/workbook.bin" in names:
        raise InputError(f"{path}: an .xlsb workbook; save it as .xlsx in a spreadsheet program")
    if any(part.flag_bits & _ENCRYPTED for part in parts):
        raise InputError(f"{path}: encrypted; save it without a password")
    for part in parts:
        if part.filename.lower() == "mimetype" and _begins(archive, part, _OPEN_DOCUMENT):
            raise InputError(
                f"{path}: an OpenDocument file (.ods); save it as .xlsx in a spreadsheet program"
            )
    # Programs differ in which of two parts, or of two directories, they read.
    if len(names) < len(parts):
        raise InputError(f"{path}: damaged, it has two parts of one name; get the file anew")
    with path.open("rb") as file:
        file.seek(-_ZIP_END_SIZE - len(archive.comment), 2)
        if file.read(len(_ZIP_END)) != _ZIP_END:
            raise InputError(f"{path}: damaged, something follows its end; get the file anew")
    if CONTENT_TYPES.lower() not in names:
        raise InputError(
            f"{path}: a zip file, but not a workbook, or its {CONTENT_TYPES} is missing; save it "
            "as .xlsx and try again"
        )
    left, declaring = MAX_BYTES, list[str]()
    for part in parts:
        size, declares = _inflated(path, archive, part, min(left, MAX_PART_BYTES))
        left -= size
        if declares:
            declaring.append(part.filename)
    if declaring:
        _refuse_document_types(path, archive, declaring)


def _begins(archive: zipfile.ZipFile, part: zipfile.ZipInfo, with_: bytes) -> bool:
    with archive.open(part) as stream:
        return stream.read(len(with_)) == with_


def _inflated(
    path: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo, limit: int
) -> tuple[int, bool]:
    """Inflate a part; return its true size, and whether it says what declares a document type."""
    if part.compress_type not in _METHODS:
        raise InputError(f"{path}: damaged ({part.filename} is packed as in no workbook)")
    whole = copy.copy(part)
    whole.file_size = sys.maxsize  # else reading would end at the size that the file states
    size, before, declares = 0, b"", False
    with archive.open(whole) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise InputError(
                    f"{path}: inflates beyond the limit of {MAX_PART_BYTES >> 30} GiB a part and "
                    f"{MAX_BYTES >> 30} GiB in all ({part.filename}); do not trust this file"
                )
            if size > max(_SMALL, MAX_RATIO * part.compress_size):
                raise InputError(
                    f"{path}: {part.filename} inflates to more than {MAX_RATIO} times its size; "
                    "do not trust this file"
                )
            near = before + chunk
            declares = declares or any(mark in near for mark in _DOCTYPES)
            before = chunk[-2 * len(_DOCTYPES[0]) :]
    if size != part.file_size:
        raise InputError(
            f"{path}: damaged, {part.filename} has {size:,} bytes where the file states "
            f"{part.file_size:,}; get the file anew"
        )
    return size, declares


def _refuse_document_types(path: Path, archive: zipfile.ZipFile, parts: Sequence[str]) -> None:
    """Refuse those of the parts that are XML; a picture, say, may hold any bytes.

    XML is what its name, its content type, or a part that refers to it says is XML: whatever makes
    a program read it so. The parts that say this were counted before.
    """
    files = {name.lower(): name for name in archive.namelist()}
    types = xml_root(archive.read(files[CONTENT_TYPES.lower()]))
    by_ending, by_name = (
        {
            kind.get(key, "").lower().lstrip("/"): kind.get("ContentType", "").lower()
            for kind in types.iterchildren(f"{{*}}{tag}")
        }
        for tag, key in (("Default", "Extension"), ("Override", "PartName"))
    )
    referred = {
        target_of(posixpath.dirname(name), relation).lower()
        for name in files
        if name.endswith(".rels")
        for relation in xml_root(archive.read(files[name])).iterchildren("{*}Relationship")
        if not relation.get("Type", "").endswith(_NO_XML)
    }
    for part in parts:
        name = part.lower()
        kind = by_name.get(name, by_ending.get(name.rpartition(".")[2], "")).partition(";")[0]
        is_said = kind.strip().endswith(_XML_TYPES) and not kind.startswith("image/")
        if is_said or name.endswith(_XML_NAMES) or not referred.isdisjoint((name, unquote(name))):
            raise with_document_type(path, part)


def with_document_type(path: Path, part: str) -> InputError:
    """Return the error of a part that declares a document type."""
    return InputError(
        f"{path}: {part} declares a document type, which no workbook needs; do not trust this file"
    )


def target_of(part: str, relation: Any) -> str:
    """Return the part that a relation of a part leads to."""
    named = posixpath.join("/", posixpath.dirname(part), relation.get("Target", ""))
    return posixpath.normpath(named).lstrip("/")


def xml_root(content: bytes) -> Any:
    """Return the root of a part that was looked through; raises ``XMLSyntaxError`` if none."""
    return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
