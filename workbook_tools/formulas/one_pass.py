"""Reads a worksheet in one pass: values by columns, texts, and runs of formulas.

A row that repeats an earlier one further down is read without parsing (``row_templates``); any
other row is parsed and read cell by cell. Both ways give the same.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import IO

import numpy as np

from workbook_tools.formulas.budget import Budget
from workbook_tools.formulas.families import Run
from workbook_tools.formulas.names import Names
from workbook_tools.formulas.references import FilledFormula
from workbook_tools.formulas.row_layouts import Layout
from workbook_tools.formulas.row_templates import ROW_BEGINS, Learnt, ReadCell, Templates
from workbook_tools.formulas.runs import runs_of
from workbook_tools.formulas.stored_formulas import StoredFormulas, elements_of
from workbook_tools.notation.addresses import cell_name
from workbook_tools.package.cell_values import CellValue
from workbook_tools.package.columns import Column, Gathered
from workbook_tools.package.placed_cells import PlacedCells
from workbook_tools.package.stored_cells import ROW_ENDS, CellReader, StoredCell
from workbook_tools.package.stored_values import of_text, stored_value
from workbook_tools.package.workbook import SheetPart, WorkbookPackage

_CHUNK = 1 << 18
_LONGEST = 1 << 20  # bytes of a row; a longer one is parsed piece by piece


@dataclass
class Content:
    """What a worksheet holds; places are (row, column)."""

    last_row: int = 0
    last_column: int = 0
    texts: dict[tuple[int, int], str] = field(default_factory=dict)  # except those of formulas
    runs: dict[int, list[Run]] = field(default_factory=dict)  # by column
    arrays: dict[tuple[int, int], str] = field(default_factory=dict)
    columns: dict[int, Column] = field(default_factory=dict)


class OnePass:
    """Reads one worksheet."""

    def __init__(
        self,
        package: WorkbookPackage,
        part: SheetPart,
        strings: list[str],
        names: Names,
        elements: Budget,
        before: Learnt | None = None,
    ) -> None:
        """``strings`` are the workbook's shared texts, ``elements`` its budget for arrays.

        ``before`` was learnt about rows on another sheet.
        """
        self._package = package
        self._part = part
        self._strings = strings
        self._elements = elements
        self._content = Content()
        self._values = defaultdict[int, Gathered](lambda: Gathered("d"))
        self._others = defaultdict[int, dict[int, CellValue]](dict)
        self._cells = defaultdict[int, Gathered](lambda: Gathered("q"))  # formulas, by number
        self._formulas = StoredFormulas(names, part.name)
        self._templates = Templates(len(strings), self._formulas.number_written, before)
        self._parser = CellReader()
        self._placed = PlacedCells(partial(package.damaged, part))
        self._spilled: dict[tuple[int, int], str] = {}  # formulas of cells in arrays
        self._spilled_until = 0  # row
        self._learns = names.are_apart

    @property
    def learnt(self) -> Learnt:
        """What was learnt about rows, for another sheet of the workbook."""
        return self._templates.learnt

    def read(self) -> Content:
        """Return what the sheet holds; rows that repeat others are not parsed again.

        Raises ``InputError`` if the sheet is damaged; only ``parsed`` can say where.
        """
        with self._package.open_part(self._part.part) as stream:
            for piece in _pieces(stream):
                if not self._is_read(piece):
                    self._parse(piece)
            self._parser.feed(b"", True)
        return self._finished()

    def parsed(self) -> Content:
        """Return what the sheet holds; every row is parsed.

        Raises ``InputError`` if the sheet cannot be read.
        """
        for row, column, cell in self._package.cells(self._part):
            self._read_cell(row, column, cell)
        return self._finished()

    def _is_read(self, piece: bytes) -> bool:
        """Read a row that repeats another one; return whether it does."""
        if not (self._parser.is_between_rows and piece.startswith(ROW_BEGINS)):
            return False
        above = self._placed.row
        row = None
        if above >= self._spilled_until:
            row = self._templates.read(piece, above, self._formulas.alike_until)
        self._placed.row = row or above
        return row is not None

    def _parse(self, piece: bytes) -> None:
        may_learn = self._learns and piece.startswith(ROW_BEGINS)
        may_learn &= self._placed.row >= self._spilled_until
        redefined = self._formulas.redefined
        cells = [self._read_cell(*cell) for cell in self._placed.of(self._parser.feed(piece))]
        self._formulas.reach(self._placed.row)
        if self._formulas.redefined != redefined:
            self._templates.forget()
        if may_learn and self._parser.is_between_rows:
            self._templates.learn(piece, self._placed.row, cells)

    def _read_cell(self, row: int, column: int, cell: StoredCell) -> ReadCell:
        self._content.last_row = row
        if column > self._content.last_column:
            self._content.last_column = column
        self._add(row, column, stored_value(self._package, self._part, cell, self._strings))
        formula, written = self._formula(row, column, cell)
        number = None
        if formula is not None:
            number = self._formulas.number(formula)
            self._cells[column].add(row, number)
        elif cell.kind != "n":
            text = self._package.text(self._part, cell, self._strings)
            if text is not None:
                self._content.texts[row, column] = text
        return ReadCell(column, cell, number, written)

    def _add(self, row: int, column: int, value: CellValue) -> None:
        if isinstance(value, float):
            self._values[column].add(row, value)
        elif value is not None:
            self._values[column].add(row, np.nan)
            self._others[column][row] = value

    def _formula(
        self, row: int, column: int, cell: StoredCell
    ) -> tuple[FilledFormula | None, FilledFormula | None]:
        """Return a cell's formula, and how it is written, as ``StoredFormulas`` does."""
        formula = written = None
        if cell.formula is not None:
            try:
                formula, written = self._formulas.read(cell.formula, row, column)
            except KeyError as error:
                what = f"the shared formula of {cell_name(row, column)} is defined in no cell"
                raise self._package.damaged(self._part, what) from error
            if cell.formula.attributes.get("t") == "array" and formula:
                reference = cell.formula.attributes.get("ref", "")
                self._content.arrays[row, column] = reference
                found = elements_of(formula.at(row), reference, self._elements)
                self._spilled |= found
                self._spilled_until = max((self._spilled_until, *(row for row, _ in found)))
        if self._spilled and (text := self._spilled.pop((row, column), None)):
            formula = FilledFormula.parse(text, row)
        return formula, written

    def _finished(self) -> Content:
        content = self._content
        for layout in self._templates.layouts:
            self._add_layout(layout)
        content.texts = dict(sorted(content.texts.items()))
        for column, values in sorted(self._values.items()):
            content.columns[column] = Column(*values.in_order(), self._others[column])
        cells = [(column, *found.in_order()) for column, found in self._cells.items()]
        for column, rows, numbers in sorted(cells, key=lambda cell: (cell[1][0], cell[0])):
            content.runs[column] = runs_of(rows, numbers, self._formulas.distinct)
        return content

    def _add_layout(self, layout: Layout) -> None:
        """Add the rows that were read without parsing."""
        rows = np.frombuffer(layout.rows, dtype=np.int64)
        self._content.last_row = max(self._content.last_row, int(rows[-1]))
        self._content.last_column = max(self._content.last_column, layout.last_column)
        for place, values in layout.values(self._strings):
            if isinstance(values, np.ndarray):
                self._values[place.column].extend(rows, values)
                continue
            for row, text in zip(layout.rows, values, strict=True):
                self._add(row, place.column, of_text(place.kind, text))
                if place.kind in ("s", "str") and not place.is_formula:
                    self._content.texts[row, place.column] = text
        for column, numbers in layout.formulas_of_columns():
            self._cells[column].extend(rows, numbers)


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a stream in pieces that end with the end of a row, if it is near."""
    rest = b""
    while chunk := stream.read(_CHUNK):
        rest += chunk
        begin = 0
        while (end := rest.find(ROW_ENDS, begin)) >= 0:
            end += len(ROW_ENDS)
            yield rest[begin:end]
            begin = end
        if len(rest) - begin > _LONGEST:
            yield rest[begin:]
            begin = len(rest)
        rest = rest[begin:]
    yield rest
