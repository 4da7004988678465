"""Reads the cells of a worksheet as they are written, in one pass.

A sheet may have millions of cells, so the XML is parsed without building a tree.
"""

from collections.abc import Iterator, Mapping
from typing import IO, NamedTuple
from xml.parsers import expat

_CHUNK = 1 << 16
_DEEPEST = 256  # nested elements
ROW_ENDS = b"</row>"


class StoredFormula(NamedTuple):
    """A formula as it is written; a cell with a shared formula may only give its number."""

    text: str
    attributes: Mapping[str, str]


class StoredCell(NamedTuple):
    """What a cell holds."""

    name: str | None  # such as A1, if it is given
    kind: str  # of its value: n, s, str, inlineStr, b, e
    formula: StoredFormula | None
    value: str | None
    text: str | None  # an inline text, without formatting and phonetic readings
    in_order: bool  # whether the formula comes first, as it must


class StoredRow(NamedTuple):
    """The beginning of a row."""

    number: str | None  # if it is given


class DoctypeError(Exception):
    """The XML declares a document type."""


class TooDeepError(Exception):
    """The XML is nested more deeply than in any workbook."""


def read_cells(stream: IO[bytes]) -> Iterator[StoredRow | StoredCell]:
    """Yield each row of a worksheet part, followed by its cells.

    Raises ``expat.ExpatError`` if it is not XML, ``DoctypeError`` and ``TooDeepError``.
    """
    reader = CellReader()
    while chunk := stream.read(_CHUNK):
        yield from reader.feed(chunk)
    yield from reader.feed(b"", True)


class CellReader:
    """Handles the parser's events and collects the cells."""

    def __init__(self) -> None:
        self._found: list[StoredRow | StoredCell] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._letters: list[str] = []
        self._local_names: dict[str, str] = {}
        self._cell: dict[str, str] | None = None
        self._formula: StoredFormula | None = None
        self._attributes: dict[str, str] = {}  # of the formula
        self._value: str | None = None
        self._text: list[str] | None = None
        self._in_order = True
        self._depth = 0
        self._data_depth = 0  # of the rows' parent; 0 outside
        self._aloud = False  # inside a phonetic reading, which is not shown
        self._is_utf8 = True
        self._fed = 0  # bytes
        self._row_ended = -1  # after so many bytes, if its last tag is a plain one
        self._parser.XmlDeclHandler = self._declaration
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._letters.append

    def feed(self, data: bytes, is_last: bool = False) -> list[StoredRow | StoredCell]:
        """Parse the next bytes of the part; return the rows and cells that are complete now.

        Raises what ``read_cells`` raises.
        """
        self._fed += len(data)
        self._parser.Parse(data, is_last)
        found, self._found = self._found, []
        return found

    @property
    def is_between_rows(self) -> bool:
        """Whether all that was fed ends with the end of a row, in UTF-8, and not in a comment.

        The next bytes could then be left out if they are a whole row.
        """
        return self._row_ended == self._fed and self._is_utf8

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self._is_utf8 = (encoding or "utf-8").lower() == "utf-8"

    def _doctype(self, *_: object) -> None:
        raise DoctypeError

    def _local(self, tag: str) -> str:
        name = self._local_names[tag] = tag.rpartition(":")[2]
        return name

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = self._local_names.get(tag) or self._local(tag)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise TooDeepError
        if not self._data_depth:  # extensions of a sheet may have elements of the same names
            if name == "sheetData":
                self._data_depth = self._depth
        elif name == "c":
            self._cell, self._in_order = attributes, True
            self._formula = self._value = self._text = None
        elif name == "row":
            self._found.append(StoredRow(attributes.get("r")))
        elif self._cell is not None:
            self._letters.clear()
            if name == "f":
                self._attributes = attributes
                self._in_order = (self._formula, self._value, self._text) == (None, None, None)
            elif name == "is":
                self._text = []
            elif name == "rPh":
                self._aloud = True

    def _end(self, tag: str) -> None:
        self._depth -= 1
        name = self._local_names[tag]
        if self._cell is None:
            if name == "sheetData":
                self._data_depth = 0
            elif name == "row" and self._depth == self._data_depth:
                self._row_ended = self._parser.CurrentByteIndex + len(ROW_ENDS)
            return
        if name == "v":
            if self._value is None:  # the first one counts
                self._value = "".join(self._letters)
        elif name == "f":
            self._formula = StoredFormula("".join(self._letters), self._attributes)
        elif name == "t":
            if self._text is not None and not self._aloud:
                self._text.append("".join(self._letters))
        elif name == "rPh":
            self._aloud = False
        elif name == "c":
            get = self._cell.get
            text = None if self._text is None else "".join(self._text)
            cell = (get("r"), get("t", "n"), self._formula, self._value, text, self._in_order)
            self._found.append(StoredCell(*cell))
            self._cell = None
