"""Opening a workbook file safely: its sheets, their parts, its shared strings.

Nothing in a file is trusted: what is not a workbook is refused in one line, parts are counted
while they inflate, and XML is read without entities, document types or network.
"""

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from lxml import etree

from workbook_tools.errors import InputError

MAX_PART_BYTES = 4 << 30  # a sheet of 3 million formulas has 0.2 GiB
_OLE_MAGIC = bytes.fromhex("D0CF11E0A1B11AE1")
_WORKBOOK_TYPES = ("/officeDocument",)


@dataclass(frozen=True)
class SheetPart:
    """A worksheet: its name and the part of the package that holds it."""

    name: str
    part: str


class WorkbookPackage:
    """An open .xlsx file; use it as a context manager."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path = path
        self._archive = archive
        with self._reading():
            self.sheets = self._find_sheets()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._archive.close()

    def iterate(self, part: str, tag: str) -> Iterator[Any]:
        """Yield each element of this local name in a part, whole, and forget it afterwards.

        Raises ``InputError`` if the part is missing, damaged, too large or not plain XML.
        """
        with self._reading(), self._archive.open(part) as stream:
            counted: Any = _Counted(stream, self.path)
            for _, element in etree.iterparse(
                counted, tag=f"{{*}}{tag}", resolve_entities=False, no_network=True
            ):
                if element.getroottree().docinfo.doctype:
                    raise InputError(
                        f"{self.path}: {part} declares a document type, which no workbook needs; "
                        "do not trust this file"
                    )
                yield element
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]

    def contains(self, part: str, text: bytes) -> bool:
        """Tell whether these bytes occur in a part; much faster than reading its XML."""
        with self._reading(), self._archive.open(part) as stream:
            counted, rest = _Counted(stream, self.path), b""
            while chunk := counted.read(1 << 20):
                if text in rest + chunk:
                    return True
                rest = chunk[-len(text) :]
        return False

    def shared_strings(self) -> list[str]:
        """Return the texts that cells refer to by number, formatting and readings left out."""
        part = self._related(self._relations(self._workbook_part), "/sharedStrings")
        if part is None:
            return []
        return [
            "".join(t.text or "" for t in item.iterfind("{*}t"))
            + "".join(t.text or "" for t in item.iterfind("{*}r/{*}t"))
            for item in self.iterate(part, "si")
        ]

    def _find_sheets(self) -> list[SheetPart]:
        workbook = self._related(self._relations(""), *_WORKBOOK_TYPES)
        if workbook is None or "xl" not in workbook:
            raise InputError(
                f"{self.path}: a zip file, but not a workbook; save it as .xlsx and try again"
            )
        self._workbook_part = workbook
        relations = self._relations(workbook)
        sheets = []
        for sheet in self.iterate(workbook, "sheet"):
            key = next((v for k, v in sheet.attrib.items() if k.endswith("}id")), None)
            kind, part = relations.get(key, ("", ""))
            if kind.endswith("/worksheet"):
                if part not in self._archive.namelist():
                    raise InputError(
                        f"{self.path}: the sheet {sheet.get('name')!r} is missing from the file; "
                        "open and save it in a spreadsheet program"
                    )
                sheets.append(SheetPart(sheet.get("name"), part))
        if not sheets:
            raise InputError(f"{self.path}: a workbook without sheets; there is nothing to check")
        return sheets

    def _relations(self, part: str) -> dict[str | None, tuple[str, str]]:
        """Return a part's relations: id to (type, target part)."""
        folder, name = posixpath.split(part)
        path = posixpath.join(folder, "_rels", f"{name}.rels")
        relations = {}
        for relation in self.iterate(path, "Relationship"):
            target = posixpath.join("/", folder, relation.get("Target", ""))
            target = posixpath.normpath(target).lstrip("/")
            relations[relation.get("Id")] = (relation.get("Type", ""), target)
        return relations

    @staticmethod
    def _related(relations: dict[str | None, tuple[str, str]], *types: str) -> str | None:
        return next((part for kind, part in relations.values() if kind.endswith(types)), None)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except KeyError as error:
            raise InputError(
                f"{self.path}: not a workbook, or a part of it is missing ({error.args[0]}); "
                "save it again as .xlsx"
            ) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
            raise InputError(
                f"{self.path}: damaged ({error}); get the file anew, or open and save it in a "
                "spreadsheet program"
            ) from error
        except RuntimeError as error:  # zipfile's word for an encrypted member
            raise InputError(f"{self.path}: encrypted; save it without a password") from error
        except etree.XMLSyntaxError as error:
            raise InputError(
                f"{self.path}: damaged, its XML cannot be read ({error.msg}); open and save it in "
                "a spreadsheet program"
            ) from error


class _Counted:
    """A part's stream that stops when it inflates beyond every honest workbook."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream = stream
        self._path = path
        self._left = MAX_PART_BYTES

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise InputError(
                f"{self._path}: a part of it is larger than {MAX_PART_BYTES >> 30} GiB; "
                "do not trust this file"
            )
        return data


def open_package(path: Path) -> WorkbookPackage:
    """Open a workbook file.

    Raises ``InputError`` if it cannot be read, is no zip file, is encrypted, an old .xls, cut
    short, no workbook, or has no sheets.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(_OLE_MAGIC))
            if magic == _OLE_MAGIC:
                _refuse_ole(path, file.read())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the name") from error
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        if magic.startswith(b"PK"):
            raise InputError(f"{path}: cut short or damaged; get the file anew") from error
        raise InputError(
            f"{path}: not an .xlsx workbook; save it as .xlsx in a spreadsheet program"
        ) from error
    try:
        return WorkbookPackage(path, archive)
    except BaseException:
        archive.close()
        raise


def _refuse_ole(path: Path, content: bytes) -> None:
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise InputError(f"{path}: encrypted; save it without a password")
    raise InputError(f"{path}: an old .xls workbook; save it as .xlsx in a spreadsheet program")
