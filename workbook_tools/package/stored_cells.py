"""Reads the cells of a worksheet as they are written, in one pass.

A sheet may have millions of cells, so the XML is parsed without building a tree.
"""

from collections.abc import Iterator, Mapping
from typing import IO, NamedTuple
from xml.parsers import expat

_CHUNK = 1 << 16
_DEEPEST = 256  # nested elements


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
    reader = _Reader()
    while chunk := stream.read(_CHUNK):
        reader.parser.Parse(chunk)
        yield from reader.found
        reader.found.clear()
    reader.parser.Parse(b"", True)
    yield from reader.found


class _Reader:
    """Handles the parser's events and collects the cells."""

    def __init__(self) -> None:
        self.found: list[StoredRow | StoredCell] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self._letters: list[str] = []
        self._local_names: dict[str, str] = {}
        self._cell: dict[str, str] | None = None
        self._formula: StoredFormula | None = None
        self._attributes: dict[str, str] = {}  # of the formula
        self._value: str | None = None
        self._text: list[str] | None = None
        self._in_order = True
        self._depth = 0
        self._in_data = False
        self._aloud = False  # inside a phonetic reading, which is not shown
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._letters.append

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
        if not self._in_data:  # extensions of a sheet may have elements of the same names
            self._in_data = name == "sheetData"
        elif name == "c":
            self._cell, self._in_order = attributes, True
            self._formula = self._value = self._text = None
        elif name == "row":
            self.found.append(StoredRow(attributes.get("r")))
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
            self._in_data = self._in_data and name != "sheetData"
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
            self.found.append(StoredCell(*cell))
            self._cell = None
