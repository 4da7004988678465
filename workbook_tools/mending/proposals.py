"""Proposes formulas that may be meant where one is wrong, the likeliest first; none is proven.

The formulas of other cells in the column come first, then the smallest edits that help
(``edits.py``), then the formula written from scratch (``right_formulas.py``).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from workbook_tools.formulas.families import Formula, filled
from workbook_tools.formulas.references import Area, areas
from workbook_tools.formulas.replacing import bare, replaced, replaced_in
from workbook_tools.formulas.tree import (
    Number,
    Parentheses,
    Reference,
    Route,
    SyntaxProblemError,
    Tree,
    at,
    parse,
    parts,
)
from workbook_tools.formulas.wording import ANEW, BESIDE
from workbook_tools.judging.faults import Fault, Kind
from workbook_tools.judging.grounds import Grounds
from workbook_tools.judging.judge import Judge
from workbook_tools.judging.probe import Place, Trials
from workbook_tools.judging.rounded import unrounded
from workbook_tools.mending.cells import symbol_at, written
from workbook_tools.mending.edits import edits
from workbook_tools.mending.evaluation import LARGEST_AREA
from workbook_tools.mending.problem import Candidate, Problem
from workbook_tools.mending.right_formulas import RightFormulas
from workbook_tools.notation.addresses import Cell, cell_name, column_letter, sheet_prefix

_MOST_EDITS = 8  # that are proposed for a formula
_MOST_BESIDE = 20  # formulas of the same column; if it has more, none of them is typical


@dataclass(frozen=True)
class Proposal:
    """Formulas by row that may be meant, and how to describe the change."""

    formulas: dict[int, str]
    note: str = ""  # added to the description of the change
    changed: tuple[str, str] | None = None  # a helper cell's formula, as it is and as it should be
    helpers: dict[Cell, str] = field(default_factory=dict)


class Proposals:
    """Proposes formulas for the faults of one table."""

    def __init__(self, grounds: Grounds, trials: Trials, judge: Judge, blamed: set[str]) -> None:
        """``blamed`` are the quantities with a fault."""
        self._grounds = grounds
        self._table = grounds.table
        self._trials = trials
        self._judge = judge
        self._blamed = blamed
        self._right = RightFormulas(grounds)

    def of(self, fault: Fault) -> Iterator[Proposal]:
        """Yield what may be meant by the formulas of a fault, the likeliest first."""
        rows = fault.rows
        for formula in self._beside(fault):
            if fault.kind is Kind.ROUNDED and unrounded(formula.at(rows[0])):
                continue  # one that rounds less is not what was meant
            yield Proposal({row: formula.at(row) for row in rows}, BESIDE)
        if without := unrounded(fault.formula or ""):
            formula = self._filled(without[0], rows[0])
            yield Proposal({row: formula.at(row) for row in rows})
        if fault.formula:
            for text in self._edited(fault, fault.formula):
                formula = self._filled(text, rows[0])
                yield Proposal({row: formula.at(row) for row in rows})
            yield from self._through_helpers(fault, fault.formula)
        anew = {row: self._right.at(fault.quantity, row) for row in rows}
        complete = {row: text for row, text in anew.items() if text}
        if len(complete) == len(rows):
            yield Proposal(complete, ANEW)

    def _beside(self, fault: Fault) -> Iterator[Formula]:
        """Yield the formulas of the column's other cells, the most frequent first."""
        families = self._judge.families[fault.quantity]
        own = {self._table.position_of(row) for row in fault.rows}
        used = families.numbers[families.numbers >= 0]
        counts = np.bincount(used, minlength=len(families.formulas))
        counts[list({int(families.numbers[place]) for place in own} - {-1})] = 0
        for k in np.argsort(-counts, kind="stable")[: min(_MOST_BESIDE, (counts > 0).sum())]:
            yield families.formulas[k]

    def _edited(self, fault: Fault, formula: str) -> Iterator[str]:
        """Yield small edits of a formula that make it right in its first row."""
        try:
            tree = parse(formula)
        except SyntaxProblemError:
            return
        row = fault.rows[0]
        place = Place(fault.quantity, row, formula)
        if fault.quantity in self._grounds.reference.trained:
            yield from self._with_rate(tree)
        if self._trials.right([place])[0]:
            yield from self._anchored(tree)
        for edit in edits(tree, self._problem(place))[:_MOST_EDITS]:
            yield f"={edit.tree}"

    def _through_helpers(self, fault: Fault, formula: str) -> Iterator[Proposal]:
        """Yield edits of helper cells: unlabelled cells with a formula that this one reads."""
        try:
            tree = parse(formula)
        except SyntaxProblemError:
            return
        sheet, row = self._table.sheet, fault.rows[0]
        references = [(r, part) for r, part in parts(tree) if isinstance(part, Reference)]
        for route, part in references:
            [area] = areas(part.text)
            cell = (area.sheet or sheet.name, area.first_row, area.first_column)
            own = sheet.formula_at(*cell[1:]) if cell[0] == sheet.name else None
            alone = [other.text for _, other in references].count(part.text) == 1
            if own is None or symbol_at(self._grounds, cell) or area.cell_count > 1 or not alone:
                continue
            if self._serves_right_formulas(cell, row):
                continue
            try:
                expanded = replaced(tree, route, Parentheses(parse(own)))
            except SyntaxProblemError:
                continue
            place = Place(fault.quantity, row, f"={expanded}")
            for edit in edits(expanded, self._problem(place))[:_MOST_EDITS]:
                if not _differ_only_at(edit.tree, expanded, route):
                    continue
                new = f"={bare(at(edit.tree, route))}"
                helper = self._filled(new, cell[1])
                down = [cell[1] - row + other for other in fault.rows]
                cells = {(sheet.name, k, cell[2]): helper.at(k) for k in down}
                whole = self._filled(f"={edit.tree}", row)
                formulas = {other: whole.at(other) for other in fault.rows}
                name = column_letter(cell[2]) if fault.count > 1 else cell_name(*cell[1:])
                where = f"in {'column ' if fault.count > 1 else ''}{name}, which it reads"
                yield Proposal(formulas, where, (own, new), cells)

    def _serves_right_formulas(self, cell: Cell, row: int) -> bool:
        """Tell whether a quantity without a fault reads a cell: then the cell is not to blame."""
        position = self._table.position_of(row)
        for symbol, families in self._judge.families.items():
            number = families.numbers[position]
            if symbol in self._blamed or number < 0:
                continue
            read = areas(families.formulas[number].at(row))
            if any(area.covers(cell, self._table.sheet.name) for area in read):
                return True
        return False

    def _with_rate(self, tree: Tree) -> Iterator[str]:
        """Yield an update with the learning rate, anchored, in place of one reference."""
        if self._table.rate_cell:
            rate = Reference(written(self._table, self._table.rate_cell))
            for _, places in _single_cells(tree):
                yield f"={replaced_in(tree, places, rate)}"

    def _anchored(self, tree: Tree) -> Iterator[str]:
        """Yield a formula with one reference made absolute: it is right in its first row only.

        What the table has in every row is not anchored.
        """
        own = set(self._table.columns.values())
        for area, places in _single_cells(tree):
            inside = self._table.first_row <= area.first_row <= self._table.last_row
            if inside and not area.sheet and area.first_column in own:
                continue
            fixed = cell_name(area.first_row, area.first_column, absolute=True)
            prefix = sheet_prefix(area.sheet) if area.sheet else ""
            yield f"={replaced_in(tree, places, Reference(prefix + fixed))}"

    def _filled(self, text: str, row: int) -> Formula:
        return filled(text, row, self._table.rows, self._table.block)

    def _problem(self, place: Place) -> Problem:
        """Return what an edit of a formula has to solve: numbers, expected values, candidates."""
        sheet = self._table.sheet.name
        unknown = [f"={cell_name(place.row, column)}" for column in self._table.unknown]
        # A formula that is right only with the same data in all rows reads those of another row.
        same_data = not self._trials.right([place])[0]
        numbers = self._trials.numbers(place, unknown, same_data)
        own = (sheet, place.row, self._table.columns[place.symbol])
        right = self._right.at(place.symbol, place.row) or "0"
        read = {
            cell
            for area in areas(right)
            if area.cell_count <= LARGEST_AREA
            for cell in area.cells(sheet)
        }
        candidates = [
            Candidate(written(self._table, cell), self._kind(cell), values, cell not in read)
            for cell, values in numbers.items()
            if cell != own
        ]
        kinds = {
            part.text: self._kind(next(areas(part.text)[0].cells(sheet)))
            for _, part in parts(parse(place.formula))
            if isinstance(part, Reference)
        }
        expected = self._trials.expected(place)
        return Problem(sheet, numbers, expected, candidates, kinds, _numbers_of(right))

    def _kind(self, cell: Cell) -> str:
        """Return the kind of quantity in a cell; all weights, for example, are of one kind."""
        symbol = symbol_at(self._grounds, cell)
        if symbol is None:
            return ""
        stem = symbol.rstrip("0123456789_")
        return {"a_h": "source", "a_o": "source", "i": "source"}.get(stem, stem)


def _single_cells(tree: Tree) -> Iterator[tuple[Area, list[Route]]]:
    """Yield the cells that a formula reads one by one, and the places where it names each."""
    found: dict[str, list[Route]] = {}
    for route, part in parts(tree):
        if isinstance(part, Reference):
            found.setdefault(part.text, []).append(route)
    for text, places in found.items():
        [area] = areas(text)
        if area.cell_count == 1:
            yield area, places


def _numbers_of(formula: str) -> tuple[str, ...]:
    """Return the numbers that are written in a formula; none if it cannot be parsed."""
    try:
        found = {part.text for _, part in parts(parse(formula)) if isinstance(part, Number)}
    except SyntaxProblemError:
        return ()
    return tuple(sorted(found))


def _differ_only_at(one: Tree, other: Tree, route: Route) -> bool:
    """Tell whether two formulas differ in one part only."""
    try:
        return replaced(one, route, at(other, route)) == other
    except IndexError:  # one of them has no such part
        return False
