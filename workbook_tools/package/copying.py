"""A copy of a workbook that is being edited: its parts, their relations and content types.

Parts that are not changed are copied as they are.
"""

import posixpath
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO, Any

from lxml import etree

from workbook_tools.package.archive import CONTENT_TYPES, reading, target_of
from workbook_tools.package.workbook import SheetPart, WorkbookPackage
from workbook_tools.package.xml_parts import namespace, parsed, serialized

_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # of new parts: the same copy made again is the same file
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Relation:
    """A relation of one part to another; ``part`` is empty if that lies outside the file."""

    key: str
    kind: str  # a long name that ends with "/comments" and the like
    part: str


class PackageCopy:
    """The parts of an open workbook, as they will be written; the workbook stays as it is."""

    def __init__(self, package: WorkbookPackage) -> None:
        self.package = package
        self._archive = package.archive
        self._roots: dict[str, Any] = {}
        self._changed: set[str] = set()
        self._new: dict[str, bytes] = {}  # added parts, and parts that replace others
        self._removed: set[str] = set()
        names = self._archive.namelist()
        self._types = next(name for name in names if name.lower() == CONTENT_TYPES.lower())
        kinds = [relation.kind for relation in self.relations(package.workbook_part)]
        # Strict Open XML has another prefix.
        self.relation_names = next(k for k in kinds if k.endswith("/worksheet"))[
            : -len("/worksheet")
        ]

    @property
    def sheets(self) -> list[SheetPart]:
        """The worksheets of the original workbook."""
        return self.package.sheets

    @property
    def workbook(self) -> Any:
        """The root of the workbook's own part."""
        return self.xml(self.package.workbook_part)

    @property
    def is_changed(self) -> bool:
        """Whether it differs from the original workbook."""
        return bool(self._changed or self._new or self._removed)

    def xml(self, part: str) -> Any:
        """Return the root of a part; raises ``InputError`` if it is no XML.

        Whoever changes it must call ``changed``.
        """
        if part not in self._roots:
            with reading(self.package.path):
                self._roots[part] = parsed(self.content(part))
        return self._roots[part]

    def changed(self, part: str) -> None:
        """Note that the XML of a part was changed."""
        self._changed.add(part)

    def content(self, part: str) -> bytes:
        """Return the content of a part; raises ``InputError`` if it cannot be read."""
        with reading(self.package.path):
            return self._new[part] if part in self._new else self._archive.read(part)

    def replace(self, part: str, content: bytes) -> None:
        """Replace the content of a part."""
        self._new[part] = content

    def add(self, source: str, kind: str, name: str, content_type: str, content: bytes) -> str:
        """Add a part that ``source`` refers to; return the key of the relation.

        A ``{}`` in ``name`` is replaced by the first free number; other names are used as they are.
        """
        taken = {name.lower() for name in [*self._archive.namelist(), *self._new]}
        names = (name.format(k) for k in count(1))
        part = next(part for part in names if part == name or part.lower() not in taken)
        self._new[part] = content
        types = self.xml(self._types)
        etree.SubElement(
            types, f"{{{_TYPES}}}Override", PartName=f"/{part}", ContentType=content_type
        )
        self.changed(self._types)
        return self._relate(source, f"{self.relation_names}/{kind}", part)

    def remove(self, source: str, relation: Relation) -> None:
        """Remove a part, its content type, and its relation from ``source``."""
        self._removed.add(relation.part)
        types = self.xml(self._types)
        for override in types.findall("{*}Override"):
            if override.get("PartName", "").lower() == f"/{relation.part}".lower():
                types.remove(override)
                self.changed(self._types)
        relations = self._relations_of(source)
        for element in self.xml(relations).findall("{*}Relationship"):
            if element.get("Id") == relation.key:
                self.xml(relations).remove(element)
                self.changed(relations)

    def relations(self, part: str) -> list[Relation]:
        """Return the relations of a part."""
        name = self._relations_of(part)
        if name not in self._new and name not in self._archive.namelist():
            return []
        return [
            Relation(
                element.get("Id", ""),
                element.get("Type", ""),
                ""
                if element.get("TargetMode") == "External"
                else self.package.named(target_of(part, element)),
            )
            for element in self.xml(name).iterfind("{*}Relationship")
        ]

    def related(self, part: str, kind: str) -> Relation | None:
        """Return the first relation of this kind that a part has."""
        found = (r for r in self.relations(part) if r.kind.endswith(f"/{kind}") and r.part)
        return next(found, None)

    def save(self, destination: Path | IO[bytes]) -> None:
        """Write the copy.

        Raises ``InputError`` if the original can no longer be read, ``OSError`` if the copy cannot
        be written.
        """
        contents = self._new | {part: serialized(self._roots[part]) for part in self._changed}
        with zipfile.ZipFile(destination, "w") as new:
            for info in self._archive.infolist():
                if info.filename in self._removed:
                    continue
                entry = zipfile.ZipInfo(info.filename, info.date_time)
                entry.compress_type, entry.external_attr = info.compress_type, info.external_attr
                if info.filename in contents:
                    new.writestr(entry, contents.pop(info.filename))
                    continue
                entry.file_size = info.file_size  # so that zip64 is used for parts of gigabytes
                with new.open(entry, "w") as part:
                    for chunk in self._chunks(info):
                        part.write(chunk)
            for name, content in contents.items():
                entry = zipfile.ZipInfo(name, _ZIP_DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                new.writestr(entry, content)

    def _chunks(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        # Only errors in here are the fault of the workbook that is read.
        with reading(self.package.path), self._archive.open(info) as part:
            while chunk := part.read(_CHUNK):
                yield chunk

    def _relate(self, source: str, kind: str, part: str) -> str:
        name = self._relations_of(source)
        if name not in self._new and name not in self._archive.namelist():
            self._new[name] = serialized(
                etree.Element(f"{{{_RELATIONS}}}Relationships", nsmap={None: _RELATIONS})
            )
        root = self.xml(name)
        taken = {element.get("Id") for element in root}
        key = next(key for k in count(1) if (key := f"rId{k}") not in taken)
        target = posixpath.relpath(part, posixpath.dirname(source))
        etree.SubElement(
            root, f"{{{namespace(root)}}}Relationship", Id=key, Type=kind, Target=target
        )
        self.changed(name)
        return key

    @staticmethod
    def _relations_of(part: str) -> str:
        folder, name = posixpath.split(part)
        return posixpath.join(folder, "_rels", f"{name}.rels")
