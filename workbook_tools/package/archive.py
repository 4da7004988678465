"""Opens a workbook's zip file, if it is complete and of a plausible size.

An engine inflates whole parts into memory, and trusts the sizes that the file states. So every
part is inflated and counted first, including those that nothing here reads. No XML may declare a
document type, since its entities can multiply (a "billion laughs" attack) or read other files.
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
MAX_BYTES = 4 << 30  # of all parts together
MAX_RATIO = 250  # inflated to deflated size; 10 is usual for sheets, 70 for the drawings of notes
_SMALL = 16 << 20  # bytes; up to this size a part may have any ratio
_CHUNK = 1 << 20
_MOST_KEPT = 32 << 20  # bytes of parts that need not be inflated again

_OLE_MAGIC = bytes.fromhex("D0CF11E0A1B11AE1")
_ZIP_MAGIC, _ZIP_END, _ZIP_END_SIZE = b"PK\3\4", b"PK\5\6", 22
_ZIP64_END, _ZIP64_END_SIZE, _ZIP64_PLACE_SIZE = b"PK\6\6", 56, 20
_ENTRY, _ENTRY_SIZE, _HEADER_SIZE = b"PK\1\2", 46, 30  # in the directory; before each part
_ENCRYPTED, _UTF8 = 1, 1 << 11  # flags of a part; the latter says how its name is encoded
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what Open XML allows
# In UTF-8; in UTF-16 of either byte order.
_DOCTYPES = (b"<!DOCTYPE", "<!DOCTYPE".encode("utf-16-le")[:-1])
_XML_NAMES, _XML_TYPES = (".xml", ".rels", ".vml"), ("/xml", "+xml", ".vmldrawing")
# Types of relation whose targets are not a workbook's XML, even if they look like it.
_NO_XML = (
    "/image", "/hdphoto", "/thumbnail", "/audio", "/video", "/media", "/font", "/oleObject",
    "/package", "/printerSettings", "/activeXControlBinary", "/vbaProject", "/vbaProjectSignature",
    "/vbaProjectSignatureAgile", "/vbaProjectSignatureV3", "/attachedToolbars",
)  # fmt: skip

_OPEN_DOCUMENT = b"application/vnd.oasis"

CONTENT_TYPES = "[Content_Types].xml"


def open_archive(path: Path) -> tuple[zipfile.ZipFile, dict[str, bytes]]:
    """Open the zip file of a workbook, and check all of it before anything else reads it.

    Also return the inflated parts, by name, as far as they are not too large to be kept.
    Raises ``InputError`` if it cannot be read, is no zip file, is encrypted, an old .xls or another
    program's file, cut short, damaged, too large for a workbook, or not plain XML.
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
            raise InputError(f"{path}: cut short or damaged; get a new copy of the file") from error
        try:
            return archive, _check(path, archive)
        except BaseException:
            archive.close()
            raise


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn the errors of reading a file into ``InputError``."""
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
            f"{path}: damaged ({error}); get a new copy of the file, or open and save it in a "
            "spreadsheet program"
        ) from error
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); check its name and permissions"
        ) from error
    except (etree.XMLSyntaxError, expat.ExpatError) as error:
        raise InputError(
            f"{path}: damaged, its XML cannot be read ({error.args[0]}); open and save it in a "
            "spreadsheet program"
        ) from error


def opened(path: Path) -> zipfile.ZipFile:
    """Open a zip file, even if the flags that say which names are UTF-8 are wrong."""
    with suppress(UnicodeDecodeError):
        archive = zipfile.ZipFile(path)
        if all(name.isascii() for name in archive.namelist()):
            return archive
        archive.close()
    return zipfile.ZipFile(io.BytesIO(_with_clear_names(path.read_bytes())))


def _with_clear_names(content: bytes) -> bytes:
    """Return a zip file in which exactly the names in UTF-8 have the flag that says so.

    A part has its name and this flag twice, and programs refuse the file if the two flags differ
    or are wrong. Raises ``struct.error`` if the file is cut short.
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
    """Return the offset at which the directory of a zip file begins."""
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


def _check(path: Path, archive: zipfile.ZipFile) -> dict[str, bytes]:
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
        raise InputError(
            f"{path}: damaged, two of its parts have the same name; get a new copy of the file"
        )
    with path.open("rb") as file:
        file.seek(-_ZIP_END_SIZE - len(archive.comment), 2)
        if file.read(len(_ZIP_END)) != _ZIP_END:
            raise InputError(
                f"{path}: damaged, there is data after its end; get a new copy of the file"
            )
    if CONTENT_TYPES.lower() not in names:
        raise InputError(
            f"{path}: a zip file, but not a workbook, or its {CONTENT_TYPES} is missing; save it "
            "as .xlsx and try again"
        )
    left, declaring = MAX_BYTES, list[str]()
    kept, room = dict[str, bytes](), _MOST_KEPT
    for part in parts:
        content: list[bytes] | None = [] if part.file_size <= room else None
        size, declares = _inflate(path, archive, part, min(left, MAX_PART_BYTES), content)
        left -= size
        if declares:
            declaring.append(part.filename)
        if content is not None:
            kept[part.filename] = b"".join(content)
            room -= size
    if declaring:
        _refuse_document_types(path, archive, declaring)
    return kept


def _begins(archive: zipfile.ZipFile, part: zipfile.ZipInfo, with_: bytes) -> bool:
    with archive.open(part) as stream:
        return stream.read(len(with_)) == with_


def _inflate(
    path: Path,
    archive: zipfile.ZipFile,
    part: zipfile.ZipInfo,
    limit: int,
    content: list[bytes] | None,
) -> tuple[int, bool]:
    """Inflate a part, into ``content`` if it is to be kept.

    Return its true size, and whether ``<!DOCTYPE`` occurs in it.
    """
    if part.compress_type not in _METHODS:
        raise InputError(
            f"{path}: damaged ({part.filename} is compressed by a method that no workbook uses); "
            "open and save it in a spreadsheet program"
        )
    whole = copy.copy(part)
    whole.file_size = sys.maxsize  # otherwise reading would stop at the size that the file states
    size, before, declares = 0, b"", False
    with archive.open(whole) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise InputError(
                    f"{path}: inflates beyond the limit of {MAX_PART_BYTES >> 30} GiB per part and "
                    f"{MAX_BYTES >> 30} GiB in all ({part.filename}); do not trust this file"
                )
            if size > max(_SMALL, MAX_RATIO * part.compress_size):
                raise InputError(
                    f"{path}: {part.filename} inflates to more than {MAX_RATIO} times its size; "
                    "do not trust this file"
                )
            if content is not None and size <= part.file_size:
                content.append(chunk)
            near = before + chunk
            declares = declares or any(mark in near for mark in _DOCTYPES)
            before = chunk[-2 * len(_DOCTYPES[0]) :]
    if size != part.file_size:
        raise InputError(
            f"{path}: damaged, {part.filename} has {size:,} bytes, but the file states "
            f"{part.file_size:,}; get a new copy of the file"
        )
    return size, declares


def _refuse_document_types(path: Path, archive: zipfile.ZipFile, parts: Sequence[str]) -> None:
    """Refuse those of these parts that are XML. Others, such as pictures, may hold any bytes.

    A part counts as XML if its name, its content type or a relation says so, since any of these
    may make a program parse it. The sizes of the parts that are read here were checked before.
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
    """Return the error for a part that declares a document type."""
    return InputError(
        f"{path}: {part} declares a document type, which no workbook needs; do not trust this file"
    )


def target_of(part: str, relation: Any) -> str:
    """Return the name of the part that a relation leads to."""
    named = posixpath.join("/", posixpath.dirname(part), relation.get("Target", ""))
    return posixpath.normpath(named).lstrip("/")


def xml_root(content: bytes) -> Any:
    """Return the root of a part that was checked; raises ``XMLSyntaxError`` if it is not XML."""
    return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
