"""Which formula cells of a workbook depend on given cells, directly or through other cells.

This is read from the formulas: cells, ranges, whole columns and rows, other sheets, defined names,
columns of tables. What OFFSET or INDIRECT read is known only when they are calculated.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbook_tools.editing.cell_contents import SheetCells
from workbook_tools.formulas.names import Names
from workbook_tools.formulas.references import Area, areas
from workbook_tools.formulas.words import Word, moved, words
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.copying import PackageCopy
from workbook_tools.package.xml_parts import number

# Functions whose value changes by itself, and those of which it is not known what they read.
CHANGING = {"NOW", "TODAY", "RAND", "RANDBETWEEN", "RANDARRAY"}
UNKNOWABLE = {"OFFSET", "INDIRECT", "CELL", "INFO"}

_PART = re.compile(r"\[((?:[^\[\]']|'.)*)\]", re.DOTALL)
_ESCAPED = re.compile("'(.)", re.DOTALL)

Sheets = Mapping[str, SheetCells]  # by name, in the workbook's order


class Dependencies:
    """What the formulas of a workbook read."""

    def __init__(self, copy: PackageCopy, sheets: Sheets) -> None:
        self.cells: set[Cell] = set()  # cells that show the result of a formula
        self.changing: set[Cell] = set()  # cells whose value changes by itself
        self._shown_in: list[frozenset[Cell]] = []  # the cells of each formula
        # The numbers of the formulas that read an area, by sheet and area.
        self._readers: dict[tuple[str, Area], list[int]] = defaultdict(list)
        meanings = _Meanings(copy, sheets)
        for sheet, cells in sheets.items():
            for formula in cells.formulas():
                shown_in = frozenset((sheet, *place) for place in formula.shown_in)
                functions, read = meanings.of(formula.text, (sheet, *formula.place))
                if functions & CHANGING:
                    self.changing |= shown_in
                elif not functions & UNKNOWABLE:
                    for place in read:
                        self._readers[place].append(len(self._shown_in))
                self._shown_in.append(shown_in)
                self.cells |= {cell for cell in shown_in if cells.found(*cell[1:]) is not None}

    def on(self, cells: Collection[Cell]) -> set[Cell]:
        """Return the formula cells that depend on one of these, directly or through other cells.

        Left out are cells that change by themselves, cells of which it is not known what they
        read, and cells that depend on the given ones only through such cells.
        """
        blocks = self._blocks(set(cells).union(*self._shown_in))
        levels = {level for _, _, level, _ in blocks}
        found: set[Cell] = set()
        waiting = list(cells)
        while waiting:
            sheet, row, column = waiting.pop()
            for level in levels:
                for readers in blocks.pop((sheet, column, level, row >> level), ()):
                    for reader in readers:
                        waiting += self._shown_in[reader] - found
                        found |= self._shown_in[reader]
        return found

    def _blocks(self, cells: Collection[Cell]) -> dict[tuple[str, int, int, int], list[list[int]]]:
        """Return the readers of each block of rows in a column that holds one of the cells.

        Blocks have 1, 2, 4, 8 … rows, so that a cell is in few of them, and a range consists of
        few of them.
        """
        columns: dict[str, set[int]] = defaultdict(set)
        for sheet, _, column in cells:
            columns[sheet].add(column)
        blocks: dict[tuple[str, int, int, int], list[list[int]]] = defaultdict(list)
        for (sheet, area), readers in self._readers.items():
            wide = range(area.first_column, area.last_column + 1)
            own = columns[sheet]
            few, many = (wide, own) if len(wide) < len(own) else (own, wide)
            for column in few:
                if column not in many:
                    continue
                for level, block in _halved(area.first_row, area.last_row + 1):
                    blocks[sheet, column, level, block].append(readers)
        return blocks


def _halved(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the blocks that make up the rows from ``begin`` up to, but not including, ``end``."""
    while begin < end:
        level = min((begin & -begin).bit_length(), (end - begin).bit_length()) - 1
        yield level, begin >> level
        begin += 1 << level


@dataclass(frozen=True)
class _Table:
    """An Excel table: a range with a name, and a name for each column."""

    sheet: str
    area: Area
    headers: int  # rows
    totals: int
    columns: Sequence[str]  # names in lower case

    def read(self, parts: str, row: int) -> Area:
        """Return the cells that ``[[#This Row],[a]:[b]]`` and the like refer to in a row."""
        own = self.area
        first, last = own.first_row + self.headers, own.last_row - self.totals
        rows = {
            "#all": (own.first_row, own.last_row),
            "#data": (first, last),
            "#headers": (own.first_row, first - 1),
            "#totals": (last + 1, own.last_row),
            "#this row": (row, row),
        }
        items = [part.strip().casefold() for part in _PART.findall(parts) or [parts]]
        if parts.startswith("@"):  # how it is typed; files have [#This Row]
            items = [items[0].removeprefix("@"), *items[1:], "#this row"]
        chosen = [rows[item] for item in items if item in rows] or [(first, last)]
        named = [_ESCAPED.sub(r"\1", item) for item in items if item and item not in rows]
        if all(name in self.columns for name in named):
            columns = [own.first_column + self.columns.index(name) for name in named]
        else:
            columns = []  # a column in a spelling that is not understood: take all of them
        return Area(
            None,
            min(top for top, _ in chosen),
            min(columns, default=own.first_column),
            max(bottom for _, bottom in chosen),
            max(columns, default=own.last_column),
        )


class _Meanings:
    """Resolves the words of a workbook's formulas to cells."""

    def __init__(self, copy: PackageCopy, sheets: Sheets) -> None:
        self._sheets = {sheet.casefold(): sheet for sheet in sheets}
        self._order = list(sheets)
        self._names = Names.read(copy.package)
        self._tables: dict[str, _Table] = {}
        for sheet in copy.sheets:
            for relation in copy.relations(sheet.part):
                if relation.kind.endswith("/table") and relation.part:
                    self._add_table(copy.xml(relation.part), sheet.name)

    def of(self, formula: str, cell: Cell) -> tuple[set[str], list[tuple[str, Area]]]:
        """Return the functions that a cell's formula calls, and the areas that it reads."""
        sheet, row, column = cell
        functions: set[str] = set()
        read: list[tuple[str, Area]] = []
        texts, seen = [formula], set[str]()
        for text in texts:  # which grows: a name may contain others, or itself
            for word in words(text):
                if word.kind == "function":
                    functions.add(word.text.rpartition(".")[2].upper())
                if word.area:
                    read += [(name, word.area) for name in self._sheets_named(word.sheet, sheet)]
                elif word.kind == "table":
                    name, _, parts = word.text.partition("[")
                    if table := self._tables.get(name.casefold()):
                        read.append((table.sheet, table.read(parts[:-1], row)))
                elif (meaning := self._meaning(word, sheet)) and meaning not in seen:
                    seen.add(meaning)
                    # Relative references in a name are relative to A1.
                    texts.append(moved(meaning, row - 1, column - 1))
        return functions, read

    def _sheets_named(self, prefix: str | None, own: str) -> Sequence[str]:
        """Return the sheets in the prefix of a reference; none if they are in another workbook."""
        if not prefix:
            return [own]
        text = prefix[1:-1].replace("''", "'") if prefix[0] == "'" else prefix
        found = [self._sheets.get(name.casefold()) for name in (text, *text.split(":"))]
        whole, first, last = found[0], found[1], found[-1]
        if whole or not first or not last:
            return [whole] if whole else []
        places = sorted((self._order.index(first), self._order.index(last)))
        return self._order[places[0] : places[1] + 1]

    def _meaning(self, word: Word, own: str) -> str | None:
        key = word.text.casefold()
        for sheet in self._sheets_named(word.sheet, own):
            if key in (names := self._names.of_sheets.get(sheet, {})):
                return names[key]
        return self._names.everywhere.get(key)

    def _add_table(self, root: Any, sheet: str) -> None:
        found = areas(root.get("ref", ""))
        columns = [
            column.get("name", "").casefold()
            for column in root.iterfind("{*}tableColumns/{*}tableColumn")
        ]
        if len(found) == 1:
            headers = number(root.get("headerRowCount"), 1)
            totals = number(root.get("totalsRowCount"))
            table = _Table(sheet, found[0], headers, totals, columns)
            self._tables[root.get("displayName", root.get("name", "")).casefold()] = table
