"""Zip files written byte by byte, with headers as no library writes them."""

import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

UTF8, DESCRIPTOR = 1 << 11, 1 << 3  # flags
_NOT_HERE = 0xFFFFFFFF  # a size that stands in the extra field


@dataclass(frozen=True)
class Headers:
    """How the headers of a part are written; the defaults are the plainest."""

    local_flags: int = 0
    flags: int = 0  # in the directory
    stored: bool = False
    descriptor: bool = False  # the sizes follow the content
    zip64_header: bool = False
    zip64_directory: bool = False
    extra: bytes = b""  # in the header
    raw_name: bytes | None = None
    raw_local_name: bytes | None = None


PLAIN = Headers()


def content(path: Path) -> list[tuple[str, bytes]]:
    """Return the parts of a workbook in their order."""
    with zipfile.ZipFile(path) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def write_zip(
    path: Path,
    parts: Iterable[tuple[str, bytes, Headers]],
    comment: bytes = b"",
    zip64_end: bool = False,
) -> Path:
    """Write a zip file of these parts, in this order."""
    out, directory, count = bytearray(), bytearray(), 0
    for name, data, how in parts:
        packed = data if how.stored else zlib.compress(data, wbits=-15)
        method = zipfile.ZIP_STORED if how.stored else zipfile.ZIP_DEFLATED
        raw = name.encode() if how.raw_name is None else how.raw_name
        local = raw if how.raw_local_name is None else how.raw_local_name
        crc, sizes, begin = zlib.crc32(data), (len(packed), len(data)), len(out)
        later = DESCRIPTOR if how.descriptor else 0
        own_crc, own_sizes = (0, (0, 0)) if how.descriptor else (crc, sizes)
        extra = how.extra
        if how.zip64_header:
            extra = struct.pack("<2H2Q", 1, 16, *reversed(own_sizes)) + extra
            own_sizes = (_NOT_HERE, _NOT_HERE)
        out += b"PK\3\4" + struct.pack(
            "<5H3L2H", 45, how.local_flags | later, method, 0, 33, own_crc, *own_sizes,
            len(local), len(extra),
        )  # fmt: skip
        out += local + extra + packed
        if how.descriptor:
            size = "<L2Q" if how.zip64_header else "<3L"
            out += b"PK\7\x08" + struct.pack(size, crc, *sizes)
        extra, own_sizes = b"", sizes
        if how.zip64_directory:
            extra = struct.pack("<2H2Q", 1, 16, *reversed(sizes))
            own_sizes = (_NOT_HERE, _NOT_HERE)
        directory += b"PK\1\2" + struct.pack(
            "<6H3L5H2L", 45, 45, how.flags | later, method, 0, 33, crc, *own_sizes,
            len(raw), len(extra), 0, 0, 0, 0, begin,
        )  # fmt: skip
        directory += raw + extra
        count += 1
    begin, size = len(out), len(directory)
    out += directory
    numbers = (0, 0, count, count, size, begin)
    if zip64_end:
        end = len(out)
        out += b"PK\6\6" + struct.pack("<Q2H2L4Q", 44, 45, 45, 0, 0, count, count, size, begin)
        out += b"PK\6\7" + struct.pack("<LQL", 0, end, 1)
        numbers = (0, 0, 0xFFFF, 0xFFFF, _NOT_HERE, _NOT_HERE)
    out += b"PK\5\6" + struct.pack("<4H2LH", *numbers, len(comment)) + comment
    path.write_bytes(out)
    return path
