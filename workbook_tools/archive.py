"""The zip file that a workbook is: opened only if it is whole, and no larger than workbooks are.

An engine inflates whole parts into memory, and believes what the file says of itself. So every
part, also those that nothing here reads, is inflated and counted first, whatever sizes the file
states; and no part may declare a document type, by which entities multiply or read other files.
"""

import copy
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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
_ENCRYPTED = 1  # a flag of a part
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what Open XML allows
# In UTF-8; in UTF-16 of either byte order.
_DOCTYPES = (b"<!DOCTYPE", "<!DOCTYPE".encode("utf-16-le")[:-1])
_PICTURES_WITH_DOCTYPE = ".svg"

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
            archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile as error:
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
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
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


def _refuse_ole(path: Path, content: bytes) -> None:
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise InputError(f"{path}: encrypted; save it without a password")
    raise InputError(f"{path}: an old .xls workbook; save it as .xlsx in a spreadsheet program")


def _check(path: Path, archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    names = {part.filename.lower() for part in parts}
    if "mimetype" in names:
        raise InputError(
            f"{path}: an OpenDocument file (.ods); save it as .xlsx in a spreadsheet program"
        )
    if "xl/workbook.bin" in names:
        raise InputError(f"{path}: an .xlsb workbook; save it as .xlsx in a spreadsheet program")
    if any(part.flag_bits & _ENCRYPTED for part in parts):
        raise InputError(f"{path}: encrypted; save it without a password")
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
    left = MAX_BYTES
    for part in parts:
        left -= _inflated_size(path, archive, part, min(left, MAX_PART_BYTES))


def _inflated_size(path: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo, limit: int) -> int:
    """Inflate a part, look for document types, and return its true size."""
    if part.compress_type not in _METHODS:
        raise InputError(f"{path}: damaged ({part.filename} is packed as in no workbook)")
    whole = copy.copy(part)
    whole.file_size = sys.maxsize  # else reading would end at the size that the file states
    size, before = 0, b""
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
            if any(mark in near for mark in _DOCTYPES) and not part.filename.endswith(
                _PICTURES_WITH_DOCTYPE
            ):
                raise InputError(
                    f"{path}: {part.filename} declares a document type, which no workbook needs; "
                    "do not trust this file"
                )
            before = chunk[-2 * len(_DOCTYPES[0]) :]
    if size != part.file_size:
        raise InputError(
            f"{path}: damaged, {part.filename} has {size:,} bytes where the file states "
            f"{part.file_size:,}; get the file anew"
        )
    return size
