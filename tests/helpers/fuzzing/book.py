"""A workbook as parts of bytes and XML, and an independent look into one that is finished."""

import posixpath
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from lxml import etree
from openpyxl.utils.cell import coordinate_from_string

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WORKBOOK, CONTENT_TYPES = "xl/workbook.xml", "[Content_Types].xml"
STRINGS, STYLES = "xl/sharedStrings.xml", "xl/styles.xml"


class NotApplicableError(Exception):
    """What was to be done cannot be done to this workbook, perhaps after what was done before."""


@dataclass
class Book:
    """The parts of a workbook, in order, and what is done to the bytes of the finished file."""

    parts: dict[str, bytes]
    write: Callable[[dict[str, bytes]], bytes] = field(default=lambda parts: zipped(parts))
    bytes_damage: list[Callable[[bytes], bytes]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> "Book":
        """Take a workbook apart."""
        with zipfile.ZipFile(path) as archive:
            return cls({name: archive.read(name) for name in archive.namelist()})

    def finished(self) -> bytes:
        """Return the file."""
        content = self.write(self.parts)
        for damage in self.bytes_damage:
            content = damage(content)
        return content

    def root(self, part: str) -> Any:
        """Return the XML of a part."""
        if part not in self.parts:
            raise NotApplicableError
        try:
            return etree.fromstring(self.parts[part], _parser())
        except (etree.XMLSyntaxError, ValueError) as error:
            raise NotApplicableError from error

    def put(self, part: str, root: Any) -> None:
        """Give a part this XML."""
        tree = root.getroottree()
        self.parts[part] = etree.tostring(tree, xml_declaration=True, encoding="UTF-8",
                                          standalone=True)  # fmt: skip

    @contextmanager
    def editing(self, part: str) -> Iterator[Any]:
        """Yield the XML of a part, to be edited; where that fails, the part stays as it is."""
        root = self.root(part)
        yield root
        self.put(part, root)

    def sheets(self) -> dict[str, str]:
        """Return the part of each worksheet by its name."""
        try:
            return sheet_parts(self.parts)
        except etree.XMLSyntaxError as error:  # it has been damaged before
            raise NotApplicableError from error

    def add(self, part: str, content: bytes, content_type: str) -> None:
        """Add a part with its content type."""
        self.parts[part] = content
        types = self.root(CONTENT_TYPES)
        namespace = etree.QName(types).namespace
        etree.SubElement(
            types, f"{{{namespace}}}Override", PartName=f"/{part}", ContentType=content_type
        )
        self.put(CONTENT_TYPES, types)


def zipped(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Pack parts as most programs do."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return stream.getvalue()


def _parser() -> Any:
    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)


def local(element: Any) -> str:
    """Return the name of an element without its namespace; empty for comments and the like."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def named(root: Any, *names: str) -> Iterator[Any]:
    """Yield the elements below that have one of these names, in the file's order."""
    return (element for element in root.iter() if local(element) in names)


def child(element: Any, name: str) -> Any:
    """Return the first child of a name, or None."""
    return next((one for one in element if local(one) == name), None)


def sheet_parts(parts: dict[str, bytes]) -> dict[str, str]:
    """Return the part of each worksheet by its name; raises what a damaged file makes it raise."""
    book = etree.fromstring(parts[WORKBOOK], _parser())
    relations = etree.fromstring(parts["xl/_rels/workbook.xml.rels"], _parser())
    targets = {
        one.get("Id"): one.get("Target")
        for one in relations
        if (one.get("Type") or "").endswith("/worksheet")
    }
    found: dict[str, str] = {}
    for sheet in named(book, "sheet"):
        target = targets.get(sheet.get(f"{{{OFFICE}}}id"))
        if target is not None and sheet.get("name") is not None:
            if sheet.get("name") in found:
                raise NotApplicableError
            found[sheet.get("name")] = posixpath.normpath(posixpath.join("/xl", target))[1:]
    return found


# Single cells


def cell_of(root: Any, name: str) -> Any:
    """Return a cell of a sheet, made if it is not there."""
    letters, row_number = coordinate_from_string(name)
    data = next(named(root, "sheetData"), None)
    if data is None:
        raise NotApplicableError
    namespace = etree.QName(data).namespace
    rows = {one.get("r"): one for one in data if local(one) == "row"}
    row = rows.get(str(row_number))
    if row is None:
        row = etree.Element(f"{{{namespace}}}row", r=str(row_number))
        after = [one for one in data if (one.get("r") or "").isdigit()
                 and int(one.get("r")) < row_number]  # fmt: skip
        data.insert(data.index(after[-1]) + 1 if after else 0, row)
    for one in row:
        if one.get("r") == name:
            return one
    cell = etree.Element(f"{{{namespace}}}c", r=name)
    column = _order(letters)
    before = [
        one for one in row if one.get("r") and _order(one.get("r").rstrip("0123456789")) < column
    ]
    row.insert(row.index(before[-1]) + 1 if before else 0, cell)
    return cell


def _order(letters: str) -> tuple[int, str]:
    return len(letters), letters


def set_cell(
    cell: Any,
    formula: str | None = None,
    value: object = None,
    kind: str | None = None,
    attributes: dict[str, str] | None = None,
) -> None:
    """Give a cell a formula (without ``=``), a value, or both; its format stays."""
    namespace = etree.QName(cell).namespace
    for one in list(cell):
        cell.remove(one)
    cell.attrib.pop("t", None)
    if kind is None:
        kind = {bool: "b", str: "str" if formula is not None else "inlineStr"}.get(type(value), "n")
    if kind != "n":
        cell.set("t", kind)
    if formula is not None:
        element = etree.SubElement(cell, f"{{{namespace}}}f", attributes or {})
        element.text = formula
    if value is None:
        return
    text = str(int(value)) if isinstance(value, bool) else str(value)
    if kind == "inlineStr":
        holder = etree.SubElement(cell, f"{{{namespace}}}is")
        etree.SubElement(holder, f"{{{namespace}}}t").text = text
    else:
        etree.SubElement(cell, f"{{{namespace}}}v").text = text


# A look into a finished file, by nothing of the program under test


@dataclass(frozen=True)
class Seen:
    """What a cell of a file holds, as it is written there."""

    formula: tuple[str, tuple[tuple[str, str], ...]] | None  # text, attributes
    kind: str
    value: str | None
    text: str | None  # of its own, or shared


def look(content: bytes) -> dict[str, dict[str, Seen]] | None:
    """Return the cells of each sheet of a workbook; None where they are not plain to see."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = archive.namelist()
            if len(set(names)) < len(names):
                return None
            parts = {name: archive.read(name) for name in names}
        strings = _strings(parts)
        return {
            name: _cells(etree.fromstring(parts[part], _parser()), strings)
            for name, part in sheet_parts(parts).items()
        }
    except Exception:
        return None


def _strings(parts: dict[str, bytes]) -> list[str]:
    if STRINGS not in parts:
        return []
    root = etree.fromstring(parts[STRINGS], _parser())
    return ["".join(map(_text, named(item, "t"))) for item in named(root, "si")]


def _cells(root: Any, strings: list[str]) -> dict[str, Seen]:
    found: dict[str, Seen] = {}
    last_row = 0
    for row in named(root, "row"):
        number = int(row.get("r") or last_row + 1)
        if number <= last_row:
            raise NotApplicableError
        last_row, last_column = number, (0, "")
        for cell in row:
            if local(cell) != "c":
                continue
            name = cell.get("r")
            if name is None:  # the next one
                name = f"{_next(last_column[1])}{number}"
            letters = name.rstrip("0123456789")
            if f"{letters}{number}" != name or _order(letters) <= last_column:
                raise NotApplicableError
            last_column = _order(letters)
            found[name] = _seen(cell, strings)
    return found


def _text(element: Any) -> str:
    """Return the text of an element, around comments and processing instructions."""
    return "".join(element.xpath("text()"))


def _next(letters: str) -> str:
    if not letters:
        return "A"
    head, last = letters[:-1], letters[-1]
    return f"{head}{chr(ord(last) + 1)}" if last < "Z" else f"{_next(head)}A"


def _seen(cell: Any, strings: list[str]) -> Seen:
    formula, value, own = (child(cell, name) for name in ("f", "v", "is"))
    kind = cell.get("t", "n")
    inside = (_text(value) or None) if value is not None else None
    text = None
    if own is not None:
        text = "".join(map(_text, named(own, "t")))
    elif kind == "s" and inside is not None and re.fullmatch(r"\d{1,9}", inside):
        text = strings[int(inside)]
    written = None
    if formula is not None:
        written = _text(formula), tuple(sorted(formula.attrib.items()))
    return Seen(written, kind, inside, text)
