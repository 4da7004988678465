"""Opens a workbook file safely: its sheets, their parts, its shared strings.

Nothing in a file is trusted: a file that is not a workbook is refused with one line, and XML is
read without entities, document types or network access. ``archive`` checks the zip file itself.
"""

import io
import math
import posixpath
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple, Self

from lxml import etree

from workbook_tools.errors import InputError
from workbook_tools.notation.addresses import MAX_COLUMNS
from workbook_tools.package.archive import open_archive, reading, target_of, with_document_type
from workbook_tools.package.placed_cells import DIGITS, PlacedCells
from workbook_tools.package.stored_cells import DoctypeError, StoredCell, TooDeepError, read_cells

_WORKBOOK_TYPES = ("/officeDocument",)
_NEEDED = ("/sharedStrings", "/styles")  # relations whose parts must exist, besides the sheets
_NONE: Mapping[str, bytes] = {}
_STRICT = "http://purl.oclc.org/ooxml/"


class SheetPart(NamedTuple):
    """A worksheet: its name and the part of the package that holds it."""

    name: str
    part: str


class StoredTable(NamedTuple):
    """A table of a worksheet as it is written: its attributes, and the names of its columns."""

    attributes: Mapping[str, str]
    columns: list[str]


class Iterations(NamedTuple):
    """How often the formulas of a circle are calculated, if a workbook allows circles."""

    times: int
    delta: float  # they are no more calculated once every change is smaller


class WorkbookPackage:
    """An open .xlsx file; use it as a context manager."""

    def __init__(
        self, path: Path, archive: zipfile.ZipFile, inflated: Mapping[str, bytes] = _NONE
    ) -> None:
        """``inflated`` are parts of the archive, by name, that need not be inflated again."""
        self._inflated = dict(inflated)
        self.path = path
        self.archive = archive
        self._in_any_case = {info.filename.lower(): info for info in archive.infolist()}
        self.is_strict = False  # "Strict Open XML", which has other namespaces
        self.sheets = self._find_sheets()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def sheet_names(self) -> list[str]:
        """The names of all sheets in order, including those without cells, such as charts."""
        return self._sheet_names

    @property
    def counts_from_1904(self) -> bool:
        """Whether dates count from 1904-01-01, as they once did on the Macintosh."""
        settings = self.iterate(self.workbook_part, "workbookPr")
        return any(one.get("date1904") in ("1", "true") for one in settings)

    @property
    def iterations(self) -> Iterations | None:
        """How often circles are calculated; None if they are mistakes, as in most workbooks.

        Raises ``InputError`` if these settings are no numbers.
        """
        for one in self.iterate(self.workbook_part, "calcPr"):
            if one.get("iterate") in ("1", "true"):
                try:
                    times = int(one.get("iterateCount", "100"))
                    return Iterations(times, float(one.get("iterateDelta", "0.001")))
                except ValueError:
                    raise InputError(
                        f"{self.path}: damaged, the settings for iterations are no numbers; open "
                        "and save it in a spreadsheet program"
                    ) from None
        return None

    def close(self) -> None:
        """Close the file."""
        self.archive.close()

    def iterate(self, part: str, tag: str) -> Iterator[Any]:
        """Yield each complete element of this local name in a part, and free it afterwards.

        Raises ``InputError`` if the part is missing, damaged or not plain XML.
        """
        with self.open_part(part) as stream:
            for _, element in etree.iterparse(
                stream, tag=f"{{*}}{tag}", resolve_entities=False, no_network=True
            ):
                if element.getroottree().docinfo.doctype:
                    raise with_document_type(self.path, part)
                yield element
                element.clear()
                parent = element.getparent()
                while parent is not None and element.getprevious() is not None:
                    del parent[0]

    def cells(self, sheet: SheetPart) -> Iterator[tuple[int, int, StoredCell]]:
        """Yield row, column and content of each cell; a cell without a name follows the one before.

        Raises ``InputError`` for a cell outside the limits of a sheet, or out of order, which
        programs treat differently.
        """
        placed = PlacedCells(partial(self.damaged, sheet))
        with self.open_part(sheet.part) as stream:
            yield from placed.of(read_cells(stream))

    def damaged(self, sheet: SheetPart, what: str) -> InputError:
        """Return the error for a damaged sheet; ``what`` says what is wrong with it."""
        return InputError(
            f"{self.path}: sheet {sheet.name!r} is damaged, {what}; open and save it in a "
            "spreadsheet program"
        )

    def shared_strings(self) -> list[str]:
        """Return the texts that cells refer to by number, without formatting and readings."""
        part = self._related(self._relations(self.workbook_part), "/sharedStrings")
        return [_plain_text(item) for item in self.iterate(part, "si")] if part else []

    @property
    def has_other_sheets(self) -> bool:
        """Whether there are also sheets of charts, macros or dialogs."""
        return len(self._sheet_names) > len(self.sheets)

    def defined_names(self) -> Iterator[tuple[str, str | None, str]]:
        """Yield each defined name, its sheet (None if it is valid on all), and its definition."""
        for name in self.iterate(self.workbook_part, "definedName"):
            place = name.get("localSheetId")
            if place is None:
                yield name.get("name", ""), None, name.text or ""
            elif DIGITS.fullmatch(place) and int(place) < len(self._sheet_names):
                yield name.get("name", ""), self._sheet_names[int(place)], name.text or ""

    def tables(self, sheet: SheetPart) -> list[StoredTable]:
        """Return the tables of a sheet, except those that cannot be read."""
        found: list[StoredTable] = []
        with suppress(InputError):  # most sheets have no relations
            for kind, part in self._relations(sheet.part).values():
                if kind.endswith("/table"):
                    with suppress(InputError):
                        found.append(self._table(part))
        return found

    def _table(self, part: str) -> StoredTable:
        attributes, columns = dict[str, str](), list[str]()
        for column in self.iterate(part, "tableColumn"):
            root, parent = column.getroottree().getroot(), column.getparent()
            # Not in extensions; and none has more columns than a sheet.
            if parent is not None and parent.getparent() is root and len(columns) <= MAX_COLUMNS:
                attributes = dict(root.attrib)
                columns.append(column.get("name", ""))
        return StoredTable(attributes, columns)

    def number(self, sheet: SheetPart, cell: StoredCell) -> float | None:
        """Return the number in a cell; None if it is empty or of another type."""
        text = cell.value
        if not text or cell.kind != "n":
            return None
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or "_" in text or not text.isascii():
            what = f"cell {cell.name} holds {text!r}, which is not a number"
            raise self.damaged(sheet, what)
        return number

    def text(self, sheet: SheetPart, cell: StoredCell, strings: list[str]) -> str | None:
        """Return the text in a cell, from the shared ``strings`` or inline; None if it has none."""
        if cell.kind == "s":
            number = cell.value
            if not number:
                return None  # Excel shows an empty cell
            if not DIGITS.fullmatch(number) or int(number) >= len(strings):
                what = f"cell {cell.name} refers to shared text {number!r} of {len(strings)}"
                raise self.damaged(sheet, what)
            return strings[int(number)]
        if cell.kind == "str":
            return cell.value or ""
        if cell.kind == "inlineStr":
            return cell.text or ""
        return None

    def _find_sheets(self) -> list[SheetPart]:
        workbook = self._related(self._relations(""), *_WORKBOOK_TYPES)
        if workbook is None or "xl" not in workbook.lower():
            raise InputError(
                f"{self.path}: a zip file, but not a workbook; save it as .xlsx and try again"
            )
        self.workbook_part = workbook
        relations = self._relations(workbook)
        self.is_strict = any(kind.startswith(_STRICT) for kind, _ in relations.values())
        for kind, part in relations.values():
            if kind.endswith(_NEEDED):
                with self.open_part(part):
                    pass  # missing parts are refused here, not later by an engine
        sheets: list[SheetPart] = []
        self._sheet_names: list[str] = []  # including those without cells, such as charts
        for sheet in self.iterate(workbook, "sheet"):
            if not sheet.getparent().tag.endswith("}sheets"):
                continue
            name = sheet.get("name", "")
            self._sheet_names.append(name)
            key = next((v for k, v in sheet.attrib.items() if k.endswith("}id")), None)
            kind, part = relations.get(key, ("", ""))
            if not part or (kind.endswith("/worksheet") and part not in self.archive.NameToInfo):
                raise InputError(
                    f"{self.path}: the sheet {name!r} is missing from the file; open and save it "
                    "in a spreadsheet program"
                )
            if kind.endswith("/worksheet"):
                sheets.append(SheetPart(name, part))
        self._refuse_names()
        if len({sheet.part for sheet in sheets}) < len(sheets):
            raise InputError(
                f"{self.path}: damaged, several sheets share one part; open and save it in a "
                "spreadsheet program"
            )
        if not sheets:
            only = "no worksheet, only sheets of charts, macros or dialogs"
            what = f"a workbook with {only}" if self._sheet_names else "a workbook without sheets"
            raise InputError(f"{self.path}: {what}; there is nothing to check")
        return sheets

    def _refuse_names(self) -> None:
        """Refuse sheets that formulas cannot tell apart; programs treat them differently."""
        # Only of ASCII letters do all programs agree which capital belongs to which letter.
        level = [name.upper() if name.isascii() else name for name in self._sheet_names]
        times = Counter(level)
        for name, own in zip(self._sheet_names, level, strict=True):
            if not name or times[own] > 1:
                has = f"two sheets are called {name!r}" if name else "a sheet has no name"
                raise InputError(f"{self.path}: {has}; open and save it in a spreadsheet program")

    def _relations(self, part: str) -> dict[str | None, tuple[str, str]]:
        """Return a part's relations: id to (type, target part)."""
        folder, name = posixpath.split(part)
        path = self.named(posixpath.join(folder, "_rels", f"{name}.rels"))
        relations = {}
        for relation in self.iterate(path, "Relationship"):
            named = self.named(target_of(part, relation))
            relations[relation.get("Id")] = (relation.get("Type", ""), named)
        return relations

    def named(self, part: str) -> str:
        """Return the name of a part in the archive, where its case may differ from ``part``.

        Where possible the part is renamed to ``part`` in the open archive, so that copies have the
        names that the relations use.
        """
        names, found = self.archive.NameToInfo, self._in_any_case.get(part.lower())
        if part in names or found is None:
            return part
        if found.filename == found.orig_filename:
            names[part] = names.pop(found.filename)
            found.filename = part
        return found.filename

    @staticmethod
    def _related(relations: dict[str | None, tuple[str, str]], *types: str) -> str | None:
        return next((part for kind, part in relations.values() if kind.endswith(types)), None)

    @contextmanager
    def open_part(self, part: str) -> Iterator[Any]:
        """Open a part; whatever goes wrong until it is closed is raised as ``InputError``."""
        if part not in self.archive.NameToInfo:
            raise InputError(
                f"{self.path}: a part of the workbook is missing ({part}); get a new copy of the "
                "file, or open and save it in a spreadsheet program"
            )
        try:
            with reading(self.path), self._opened(part) as stream:
                yield stream
        except DoctypeError:
            raise with_document_type(self.path, part) from None
        except TooDeepError:
            raise InputError(
                f"{self.path}: damaged, {part} has too many nested elements; do not trust this file"
            ) from None

    def _opened(self, part: str) -> IO[bytes]:
        """Open a part; most are read only once, so what is kept of it is given away."""
        content = self._inflated.pop(part, None)
        return self.archive.open(part) if content is None else io.BytesIO(content)


def _plain_text(item: Any) -> str:
    """Return a text without its formatting and phonetic readings."""
    own = "".join(t.text or "" for t in item.iterfind("{*}t"))
    return own + "".join(t.text or "" for t in item.iterfind("{*}r/{*}t"))


def open_package(path: Path) -> WorkbookPackage:
    """Open a workbook file.

    Raises ``InputError`` if it cannot be read, is no zip file, is encrypted, an old .xls, cut
    short, too large for a workbook, no workbook, or has no worksheets.
    """
    archive, inflated = open_archive(path)
    try:
        return WorkbookPackage(path, archive, inflated)
    except BaseException:
        archive.close()
        raise
