"""Tables of a workbook, whose rows and columns have names that formulas may use.

``Data[Price]`` is read as ``$C$2:$C$20``. ``Data[[#This Row],[Price]]``, or ``[@Price]`` inside the
table, is read as ``$C5`` in row 5. What leads nowhere, or could mean two things, stays as it is.

The forms are those of Microsoft, "Using structured references with Excel tables"; how a table is
stored is said in ECMA-376, part 1, 18.5.1.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple, Self

from workbook_tools.formulas.references import BRACKETS, is_too_long
from workbook_tools.notation.addresses import (
    MAX_COLUMNS,
    MAX_ROWS,
    Cell,
    column_letter,
    column_number,
    is_like_a_reference,
    sheet_prefix,
)
from workbook_tools.package.workbook import StoredTable, WorkbookPackage

_RANGE = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})(?::([A-Z]{1,3})([1-9]\d{0,6}))?", re.ASCII)
_COUNTS = {"0": 0, "1": 1}  # of rows of headers, and of rows of totals
_ESCAPED_CHARACTER = re.compile("_x([0-9A-Fa-f]{4})_")
_ESCAPED = re.compile("'(.)", re.DOTALL)
# Texts and sheets are no references; neither is what follows a sheet, or belongs to a workbook.
_REFERENCE = re.compile(
    r"\"[^\"]*+\"|'(?!')(?:[^']|''){0,300}+'!"
    rf"|(?<![\w.$!\\?\[\]'])(?P<table>[^\W\d][\w.\\?]*+)?+(?P<inside>{BRACKETS})(?![\w.!'(\[])",
    re.DOTALL,
)
_PIECE = re.compile(r"\s*+\[(?P<name>(?:[^\[\]']++|'.)*+)\]\s*+(?P<then>[,:]|\Z)", re.DOTALL)
_THIS_ROW = "#this row"
_SEVERAL = ({"#headers", "#data"}, {"#data", "#totals"})  # what may be asked for together


class Table(NamedTuple):
    """A table, and where it is."""

    name: str
    sheet: str
    first_row: int
    first_column: int
    last_row: int
    headers: int  # rows above the data: 0 or 1
    totals: int  # rows below the data: 0 or 1
    columns: tuple[str, ...]

    @property
    def data(self) -> range:
        """Its rows between headers and totals."""
        return range(self.first_row + self.headers, self.last_row + 1 - self.totals)

    def covers(self, cell: Cell) -> bool:
        """Tell whether a cell lies in it, be it in the headers or the totals."""
        sheet, row, column = cell
        return (
            sheet == self.sheet
            and self.first_row <= row <= self.last_row
            and 0 <= column - self.first_column < len(self.columns)
        )

    def column(self, name: str) -> int | None:
        """Return the number of a column of the sheet by its name; None if it is not just one."""
        columns = range(self.first_column, self.first_column + len(self.columns))
        for alike in (str, str.casefold):
            own = alike(name)
            found = [k for k, one in zip(columns, self.columns, strict=True) if alike(one) == own]
            if found:
                return found[0] if len(found) == 1 else None
        return None

    def rows(self, items: set[str]) -> range | None:
        """Return the rows of items such as ``#totals``, in lower case; None if there are none."""
        parts = {
            "#all": range(self.first_row, self.last_row + 1),
            "#headers": range(self.first_row, self.first_row + self.headers),
            "#data": self.data,
            "#totals": range(self.last_row + 1 - self.totals, self.last_row + 1),
        }
        if not (len(items) == 1 or items in _SEVERAL) or not all(map(parts.get, items)):
            return None
        return range(min(parts[k].start for k in items), max(parts[k].stop for k in items))


class _Specifier(NamedTuple):
    """What is written in the brackets of a reference."""

    items: set[str]  # in lower case
    columns: list[str]  # none, one, or the first and the last one

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read the text between the outer brackets; None if it is not understood."""
        if text.startswith("@"):
            own = cls.parse(text[1:])
            return None if own is None or own.items else cls({_THIS_ROW}, own.columns)
        if not text:
            return cls(set(), [])
        if not text.lstrip().startswith("["):
            return cls._of([(text, "")])
        pieces, at = [], 0
        while at < len(text):
            if (match := _PIECE.match(text, at)) is None:
                return None
            pieces.append((match["name"], match["then"]))
            at = match.end()
        return cls._of(pieces)

    @classmethod
    def _of(cls, pieces: list[tuple[str, str]]) -> Self | None:
        """Read names and the signs that follow them: first items, then columns."""
        items = [name.lower() for name, _ in pieces if name.startswith("#")]
        columns = [_ESCAPED.sub(r"\1", name) for name, _ in pieces[len(items) :]]
        signs = [","] * (len(pieces) - 1) + [""]
        if len(columns) == 2:
            signs[-2] = ":"
        come_first = all(name.startswith("#") for name, _ in pieces[: len(items)])
        if not come_first or len(columns) > 2 or [sign for _, sign in pieces] != signs:
            return None
        return cls(set(items), columns)


class Tables:
    """The tables of a workbook."""

    def __init__(self, tables: Iterable[Table] = ()) -> None:
        self._by_name: dict[str, list[Table]] = {}
        for table in tables:
            self._by_name.setdefault(table.name.casefold(), []).append(table)
        # Where two have the same name, it stands for neither of them.
        self._all = [own[0] for own in self._by_name.values() if len(own) == 1]

    def __bool__(self) -> bool:
        return bool(self._all)

    @classmethod
    def read(cls, package: WorkbookPackage) -> Self:
        """Read the tables of a workbook; damaged ones are left out."""
        stored = ((sheet.name, own) for sheet in package.sheets for own in package.tables(sheet))
        found = (_table(sheet, own) for sheet, own in stored)
        return cls(table for table in found if table)

    def names(self) -> dict[str, str]:
        """Return what the tables' names stand for: their data, as a name would be defined."""
        return {
            table.name: sheet_prefix(table.sheet) + _range_name(table.data, _all(table))
            for table in self._all
            if table.data
        }

    def alike_until(self, row: int) -> int:
        """Return the last row, from this one on, in which references mean what they mean here.

        That is, in the same column, and apart from the row that is this one.
        """
        k = bisect_right(self._changes, row)
        return self._changes[k] - 1 if k < len(self._changes) else MAX_ROWS

    @cached_property
    def _changes(self) -> list[int]:
        rows = set[int]()
        for table in self._all:
            rows |= {table.first_row, table.data.start, table.data.stop, table.last_row + 1}
        return sorted(rows)

    def put_into(self, formula: str, cell: Cell) -> str:
        """Return the formula of a cell with its references to tables replaced by plain ones."""
        if not self._all or "[" not in formula or is_too_long(formula):
            return formula

        def meant(match: re.Match[str]) -> str:
            plain = self._plain(match["table"], match["inside"][1:-1], cell) if match[2] else None
            return match[0] if plain is None else plain

        return _REFERENCE.sub(meant, formula)

    def _plain(self, name: str | None, inside: str, cell: Cell) -> str | None:
        """Return a plain reference; None if there is no such thing."""
        table, what = self._called(name, cell), _Specifier.parse(inside)
        if table is None or what is None:
            return None
        if inside.startswith("@") and table.column(inside) is not None:
            return None  # a column that is called so
        columns = [table.column(column) for column in what.columns] or [*_all(table)]
        found = [column for column in columns if column is not None]
        if len(found) < len(columns):
            return None
        sheet, row, _ = cell
        if what.items == {_THIS_ROW}:
            if row not in table.data:
                return None
            rows = range(row, row + 1)
        elif (others := table.rows(what.items or {"#data"})) is not None:
            rows = others
        else:
            return None
        prefix = "" if table.sheet == sheet else sheet_prefix(table.sheet)
        return prefix + _range_name(rows, found, "" if _THIS_ROW in what.items else "$")

    def _called(self, name: str | None, cell: Cell) -> Table | None:
        """Return the table of this name, or around a cell; None if it is not just one."""
        if name is None:
            found = [table for table in self._all if table.covers(cell)]
        else:
            found = self._by_name.get(name.casefold(), [])
        return found[0] if len(found) == 1 else None


def _all(table: Table) -> tuple[int, int]:
    """Return the first and the last column of a table."""
    return table.first_column, table.first_column + len(table.columns) - 1


def _range_name(rows: range, columns: Iterable[int], fixed: str = "$") -> str:
    corners = sorted(columns)
    first = f"${column_letter(corners[0])}{fixed}{rows[0]}"
    last = f"${column_letter(corners[-1])}{fixed}{rows[-1]}"
    return first if first == last else f"{first}:{last}"


def _table(sheet: str, stored: StoredTable) -> Table | None:
    """Return a table as it is stored; None if it contradicts itself."""
    get = stored.attributes.get
    place = _RANGE.fullmatch(get("ref", ""))
    headers = _COUNTS.get(get("headerRowCount", "1"))
    totals = _COUNTS.get(get("totalsRowCount", "0"))
    name = get("displayName") or get("name")
    if not place or not name or headers is None or totals is None:
        return None
    if is_like_a_reference(name):  # no program accepts that
        return None
    left, top, right, bottom = place.groups()
    first_column, last_column = column_number(left), column_number(right or left)
    first_row, last_row = int(top), int(bottom or top)
    columns = tuple(_ESCAPED_CHARACTER.sub(_character, own) for own in stored.columns)
    is_on_sheet = last_row <= MAX_ROWS and last_column <= MAX_COLUMNS
    if not is_on_sheet or last_column - first_column + 1 != len(columns):
        return None
    if last_row - first_row + 1 < headers + totals:
        return None
    return Table(name, sheet, first_row, first_column, last_row, headers, totals, columns)


def _character(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))
