"""Puts formulas and calculated values into the cells of one sheet's XML.

Missing cells and rows are created. If a changed cell belongs to a shared formula or an array
formula, the other cells keep theirs: each gets its own formula.
"""

from bisect import bisect
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from workbook_tools.formulas.references import LARGEST_ARRAY, areas
from workbook_tools.formulas.words import moved
from workbook_tools.notation.addresses import cell_name, column_number, range_name
from workbook_tools.package.cell_values import CellValue, written
from workbook_tools.package.xml_parts import added, number, write_text

Place = tuple[int, int]  # row and column, from 1


class SheetCells:
    """The cells of a sheet, given the root of its XML."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._rows: dict[int, Any] = {}
        at = 0
        for row in root.iterfind("{*}sheetData/{*}row"):
            at = number(row.get("r"), at + 1)
            self._rows[at] = row
        self._numbers = sorted(self._rows)
        self._cells: dict[int, dict[int, Any]] = {}  # of the rows that were used so far

    def made(self, row: int, column: int) -> Any:
        """Return a cell's element, which is created if it is missing."""
        cells = self._row(row)
        if column in cells:
            return cells[column]
        parent = self._rows[row] if row in self._rows else self._new_row(row)
        cell = added(parent, "c", r=cell_name(row, column))
        later = min((c for c in cells if c > column), default=None)
        if later is not None:
            cells[later].addprevious(cell)
        if style := self._style_of_new(parent, column):
            cell.set("s", style)
        parent.attrib.pop("spans", None)  # optional, and the new cell may lie outside of it
        self._widen(row, column)
        cells[column] = cell
        return cell

    def put_formulas(self, formulas: Mapping[Place, str]) -> bool:
        """Put formulas, given with their equals sign, into cells, which lose their values.

        Return whether the set of cells with formulas has changed.
        """
        cells = dict(self._all())
        self._expand_shared(formulas.keys())
        outdated = self._split_arrays(cells, formulas.keys())
        for place, text in formulas.items():
            cell = self.made(*place)
            outdated |= _formula(cell) is None
            _put_formula(cell, place, text.removeprefix("="))
        return outdated

    def _all(self) -> Iterator[tuple[Place, Any]]:
        for row in self._numbers:
            for column, cell in self._row(row).items():
                yield (row, column), cell

    def _row(self, row: int) -> dict[int, Any]:
        """Return the cells of a row by column; some programs omit the names of cells."""
        if row not in self._cells:
            cells, column = {}, 0
            for cell in self._rows[row].iterchildren("{*}c") if row in self._rows else ():
                name = cell.get("r")
                column = column_number(name.rstrip("0123456789")) if name else column + 1
                cells[column] = cell
            self._cells[row] = cells
        return self._cells[row]

    def _new_row(self, row: int) -> Any:
        data = self._root.find("{*}sheetData")
        element = added(data, "row", r=str(row))
        place = bisect(self._numbers, row)
        if place < len(self._numbers):
            self._rows[self._numbers[place]].addprevious(element)
        self._rows[row] = element
        self._numbers.insert(place, row)
        return element

    def _style_of_new(self, row: Any, column: int) -> str | None:
        """Return the style of a new cell: that of its row, or else of its column."""
        if row.get("s") and row.get("customFormat") in ("1", "true"):
            return str(row.get("s"))
        for columns in self._root.iterfind("{*}cols/{*}col"):
            if number(columns.get("min")) <= column <= number(columns.get("max")):
                style: str | None = columns.get("style")
                return style
        return None

    def _widen(self, row: int, column: int) -> None:
        """Extend the sheet's stated dimension to include a cell."""
        dimension = self._root.find("{*}dimension")
        if dimension is None or len(found := areas(dimension.get("ref", ""))) != 1:
            return
        old = found[0]
        rows, columns = (
            (old.first_row, old.last_row, row),
            (old.first_column, old.last_column, column),
        )
        dimension.set("ref", range_name(min(rows), min(columns), max(rows), max(columns)))

    def _expand_shared(self, changed: Collection[Place]) -> None:
        """Give the other cells of a shared formula their own one, if the first cell is changed."""
        outdated: dict[str | None, tuple[Place, str]] = {}
        for place, cell in self._all():
            formula = _formula(cell)
            if formula is None or formula.get("t") != "shared":
                continue
            key = formula.get("si")
            if formula.text:
                outdated.pop(key, None)
                if place in changed:
                    outdated[key] = place, formula.text
            elif key in outdated and place not in changed:
                formula.text = _copied(*outdated[key], place)
                for attribute in ("t", "si", "ref"):
                    formula.attrib.pop(attribute, None)

    def _split_arrays(self, cells: Mapping[Place, Any], changed: Collection[Place]) -> bool:
        """Give the other cells of an array formula their element of it, if a cell is changed."""
        split = False
        for first in list(cells.values()):
            formula = _formula(first)
            covered = _covered(formula)
            if formula is None or len(covered) < 2 or covered.isdisjoint(changed):
                continue
            split = True
            first_row, first_column = min(covered)
            for row, column in sorted(covered):
                cell = self.made(row, column)
                cell.attrib.pop("cm", None)  # it no longer spills
                own = _formula(cell)
                if own is not None:
                    cell.remove(own)
                if (row, column) in changed:
                    continue
                own = added(cell, "f", t="array", ref=cell_name(row, column))
                own.text = (
                    f"INDEX({formula.text},{row - first_row + 1},{column - first_column + 1})"
                )
                cell.insert(0, own)
        return split


def put_value(cell: Any, value: CellValue) -> None:
    """Put a calculated value into a cell; None removes its value."""
    for old in [*cell.iterchildren("{*}v", "{*}is")]:
        cell.remove(old)
    for attribute in ("t", "vm"):
        cell.attrib.pop(attribute, None)
    if value is None:
        return
    kind, text = written(value)
    if kind:
        cell.set("t", kind)
    element = added(cell, "v")
    write_text(element, text)
    formula = _formula(cell)
    cell.insert(0 if formula is None else 1, element)  # before the cell's extensions


def _put_formula(cell: Any, place: Place, text: str) -> None:
    formula = _formula(cell)
    if formula is None or formula.get("t") != "array":
        if formula is not None:
            cell.remove(formula)
        cell.attrib.pop("cm", None)
        formula = added(cell, "f")
        cell.insert(0, formula)
    # Otherwise it is the array formula of this one cell; it stays one, as it may need to.
    formula.text = text
    put_value(cell, None)


def _copied(place: Place, text: str, to: Place) -> str:
    """Return the formula of one cell as it reads when copied to another."""
    return moved(text, to[0] - place[0], to[1] - place[1])


def _formula(cell: Any) -> Any | None:
    return next(cell.iterchildren("{*}f"), None)


def _covered(formula: Any | None) -> set[Place]:
    """Return the cells that show the results of an array formula; none for other formulas."""
    if formula is None or formula.get("t") != "array" or not formula.text:
        return set()
    return {
        (row, column)
        for area in areas(formula.get("ref", ""))
        if area.cell_count <= LARGEST_ARRAY
        for _, row, column in area.cells("")
    }
