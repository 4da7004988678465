"""Finds which formula was meant where one is wrong, and proves it.

What the cells beside it have comes first; then the smallest edit that helps (``edits.py``); then
the formula written from scratch. A suggestion is shown only if it gives the right values with the
sheet's own numbers in every row of the finding, and in every trial with random numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from workbook_tools.engines import Calculation
from workbook_tools.formulas.budget import Budget
from workbook_tools.formulas.families import Formula, filled
from workbook_tools.formulas.references import areas
from workbook_tools.formulas.tree import (
    Number,
    Parentheses,
    Reference,
    Route,
    SyntaxProblemError,
    Tree,
    at,
    bare,
    parse,
    parts,
    replaced,
    replaced_in,
)
from workbook_tools.formulas.values import LARGEST_AREA, Evaluation, NotEvaluatedError
from workbook_tools.formulas.wording import ANEW, BESIDE, change_in_words, in_symbols
from workbook_tools.judging.findings import Finding, Kind, Suggestion
from workbook_tools.judging.grounds import Grounds
from workbook_tools.judging.judge import Judge
from workbook_tools.judging.probe import Place, Trials
from workbook_tools.mathematics.rounding import Array
from workbook_tools.mending.edits import Candidate, Ground, edits
from workbook_tools.mending.right_formulas import RightFormulas
from workbook_tools.notation.addresses import Cell, cell_name, column_letter, sheet_prefix
from workbook_tools.notation.quantities import LEARNING_RATE
from workbook_tools.reading.trial import evaluate_on, read_elsewhere

_WITHOUT = {Kind.STALE_VALUE, Kind.ODD_START}  # nothing is wrong with a formula
_MOST_EDITS = 8  # that are put to the proof
_MOST_BESIDE = 20  # formulas of a column; where there are more, none of them is the usual one


@dataclass(frozen=True)
class _Proposal:
    """Formulas by row that may be meant, and what is to be said of them."""

    formulas: dict[int, str]
    note: str = ""  # in words, besides the change itself
    changed: tuple[str, str] | None = None  # a formula of a helper, as it is and as it should be
    helpers: dict[Cell, str] = field(default_factory=dict)


class Repair:
    """Suggests formulas for the findings of one table."""

    def __init__(
        self,
        grounds: Grounds,
        trials: Trials,
        judge: Judge,
        calculation: Calculation,
        budget: Budget,
    ) -> None:
        """Put suggestions to the proof as long as the ``budget`` lasts, which counts them."""
        self._grounds = grounds
        self._table = grounds.table
        self._trials = trials
        self._judge = judge
        self._calculation = calculation
        self._budget = budget
        self._right = RightFormulas(grounds)
        self._blamed: set[str] = set()  # quantities with a finding

    def of_all(self, findings: Sequence[Finding]) -> list[Finding]:
        """Return the findings with the formulas that their cells should have, if proven."""
        self._blamed = {finding.quantity for finding in findings}
        return [self._suggested(finding) for finding in findings]

    def _suggested(self, finding: Finding) -> Finding:
        if finding.kind in _WITHOUT or finding.quantity not in self._judge.families:
            return finding
        if not self._trials.knows(finding.quantity) or not self._budget.begins():
            return finding
        for proposal in self._possible(finding):
            self._budget.spend()
            checked = self._checked_rows(finding, proposal.formulas)
            if checked is not None and self._is_right(finding, proposal.formulas):
                edit, symbols = self._said(finding, proposal)
                suggestion = Suggestion(
                    proposal.formulas,
                    edit,
                    symbols,
                    checked,
                    self._trials.count,
                    proposal.helpers,
                )
                return replace(finding, suggestion=suggestion)
        return finding

    # What may be meant

    def _possible(self, finding: Finding) -> Iterator[_Proposal]:
        """Yield what may be meant, the likeliest first."""
        rows = finding.rows
        for formula in self._beside(finding):
            yield _Proposal({row: formula.at(row) for row in rows}, BESIDE)
        if finding.formula:
            for text in self._edited(finding, finding.formula):
                formula = self._filled(text, rows[0])
                yield _Proposal({row: formula.at(row) for row in rows})
            yield from self._through_helpers(finding, finding.formula)
        written = {row: self._right.at(finding.quantity, row) for row in rows}
        complete = {row: text for row, text in written.items() if text}
        if len(complete) == len(rows):
            yield _Proposal(complete, ANEW)

    def _beside(self, finding: Finding) -> Iterator[Formula]:
        """Yield the formulas of the column's other cells, the most used first."""
        families = self._judge.families[finding.quantity]
        own = {self._table.position_of(row) for row in finding.rows}
        used = families.numbers[families.numbers >= 0]
        counts = np.bincount(used, minlength=len(families.formulas))
        counts[list({int(families.numbers[place]) for place in own} - {-1})] = 0
        for k in np.argsort(-counts, kind="stable")[: min(_MOST_BESIDE, (counts > 0).sum())]:
            yield families.formulas[k]

    def _edited(self, finding: Finding, formula: str) -> Iterator[str]:
        try:
            tree = parse(formula)
        except SyntaxProblemError:
            return
        row = finding.rows[0]
        place = Place(finding.quantity, row, formula)
        ground = self._ground(place)
        if self._trials.right([place])[0]:
            yield from self._anchored(tree)
        for edit in edits(tree, ground)[:_MOST_EDITS]:
            yield f"={edit.tree}"

    def _through_helpers(self, finding: Finding, formula: str) -> Iterator[_Proposal]:
        """Yield edits of other formulas of the sheet that a formula reads."""
        try:
            tree = parse(formula)
        except SyntaxProblemError:
            return
        sheet, row = self._table.sheet, finding.rows[0]
        references = [(r, part) for r, part in parts(tree) if isinstance(part, Reference)]
        for route, part in references:
            [area] = areas(part.text)
            cell = (area.sheet or sheet.name, area.first_row, area.first_column)
            own = sheet.formula_at(*cell[1:]) if cell[0] == sheet.name else None
            alone = [other.text for _, other in references].count(part.text) == 1
            if own is None or self._symbol(cell) or area.cell_count > 1 or not alone:
                continue
            if self._serves_right_formulas(cell, row):
                continue
            try:
                expanded = replaced(tree, route, Parentheses(parse(own)))
            except SyntaxProblemError:
                continue
            place = Place(finding.quantity, row, f"={expanded}")
            for edit in edits(expanded, self._ground(place))[:_MOST_EDITS]:
                if not _differ_only_at(edit.tree, expanded, route):
                    continue
                new = f"={bare(at(edit.tree, route))}"
                helper = self._filled(new, cell[1])
                down = [cell[1] - row + other for other in finding.rows]
                cells = {(sheet.name, k, cell[2]): helper.at(k) for k in down}
                whole = self._filled(f"={edit.tree}", row)
                formulas = {other: whole.at(other) for other in finding.rows}
                name = column_letter(cell[2]) if finding.count > 1 else cell_name(*cell[1:])
                where = f"in {'column ' if finding.count > 1 else ''}{name}, which it reads"
                yield _Proposal(formulas, where, (own, new), cells)

    def _serves_right_formulas(self, cell: Cell, row: int) -> bool:
        """Tell whether a quantity without a finding reads a cell, which is then not to blame."""
        position = self._table.position_of(row)
        for symbol, families in self._judge.families.items():
            number = families.numbers[position]
            if symbol in self._blamed or number < 0:
                continue
            read = areas(families.formulas[number].at(row))
            if any(area.covers(cell, self._table.sheet.name) for area in read):
                return True
        return False

    def _anchored(self, tree: Tree) -> Iterator[str]:
        """Yield a formula that is right in its first row with one reference fixed there."""
        for text in dict.fromkeys(
            str(part) for _, part in parts(tree) if isinstance(part, Reference)
        ):
            [area] = areas(text)
            if area.cell_count == 1:
                fixed = cell_name(area.first_row, area.first_column, absolute=True)
                prefix = sheet_prefix(area.sheet) if area.sheet else ""
                places = [route for route, part in parts(tree) if str(part) == text]
                yield f"={replaced_in(tree, places, Reference(prefix + fixed))}"

    def _filled(self, text: str, row: int) -> Formula:
        return filled(text, row, self._table.rows, self._table.block)

    def _ground(self, place: Place) -> Ground:
        sheet = self._table.sheet.name
        unknown = [f"={cell_name(place.row, column)}" for column in self._table.unknown]
        numbers = self._trials.numbers(place, unknown)
        own = (sheet, place.row, self._table.columns[place.symbol])
        right = self._right.at(place.symbol, place.row) or "0"
        read = {
            cell
            for area in areas(right)
            if area.cell_count <= LARGEST_AREA
            for cell in area.cells(sheet)
        }
        candidates = [
            Candidate(
                self._written(cell), _kind(self._symbol(cell)), values, strange=cell not in read
            )
            for cell, values in numbers.items()
            if cell != own
        ]
        kinds = {
            part.text: _kind(self._symbol(next(areas(part.text)[0].cells(sheet))))
            for _, part in parts(parse(place.formula))
            if isinstance(part, Reference)
        }
        expected = self._trials.expected(place)
        return Ground(sheet, numbers, expected, candidates, kinds, _numbers_of(right))

    def _written(self, cell: Cell) -> str:
        """Return how a formula of the table names a cell."""
        sheet, row, column = cell
        if sheet != self._table.sheet.name:
            return sheet_prefix(sheet) + cell_name(row, column, absolute=True)
        inside = self._table.first_row <= row <= self._table.last_row
        return cell_name(row, column, absolute=not inside)

    def _symbol(self, cell: Cell) -> str | None:
        """Return the quantity that a cell holds; None if it is of none."""
        table = self._table
        if cell == table.rate_cell:
            return LEARNING_RATE
        for symbol, place in [*table.single.items(), *self._grounds.starts.items()]:
            if place == cell:
                return symbol
        if cell[0] == table.sheet.name and table.first_row <= cell[1] <= table.last_row:
            return next((s for s, column in table.columns.items() if column == cell[2]), None)
        return None

    # Proof

    def _checked_rows(self, finding: Finding, formulas: Mapping[int, str]) -> int | None:
        """Return in how many rows the formulas give what they should; None if not in all.

        Rows that lack a number are not counted: those of a circular reference, for example.
        """
        values = self._values(formulas)
        return self._judge.agreeing(finding.quantity, np.array(list(formulas)), values)

    def _values(self, formulas: Mapping[int, str]) -> Array:
        """Return what formulas give with the numbers that the sheet has."""
        sheet = self._table.sheet.name
        texts = list(formulas.values())
        try:
            tree = parse(texts[0])
            numbers = self._numbers(texts)
            found = Evaluation(tree, sheet, numbers).value[0]
            return np.broadcast_to(found, (len(texts),))
        except (SyntaxProblemError, NotEvaluatedError):
            kept = read_elsewhere(texts, sheet, {}, self._calculation)
            found = evaluate_on({c: np.array([v]) for c, v in kept.items()}, sheet, texts)
            return np.array([np.nan if values is None else values[0] for values in found])

    def _numbers(self, texts: list[str]) -> dict[Cell, Array]:
        """Return what the cells of the first formula hold, and those of the others in their place.

        Raises ``NotEvaluatedError`` if these are too many, or the others read more or fewer.
        """
        sheet = self._table.sheet.name
        if any(area.cell_count > LARGEST_AREA for area in areas(texts[0])):
            raise NotEvaluatedError("a large range")
        all_cells = [[cell for area in areas(text) for cell in area.cells(sheet)] for text in texts]
        if len({len(cells) for cells in all_cells}) > 1:
            raise NotEvaluatedError("formulas of different shapes")
        own = read_elsewhere(texts, sheet, {}, self._calculation)
        return {
            cells[0]: np.array([own.get(cell, np.nan) for cell in cells])
            for cells in zip(*all_cells, strict=True)
        }

    def _is_right(self, finding: Finding, formulas: Mapping[int, str]) -> bool:
        """Tell whether formulas are right on random numbers, where they begin and end."""
        rows = dict.fromkeys((finding.rows[0], finding.rows[-1]))
        if len(formulas) > self._table.block:  # the second iteration has another one above it
            rows[finding.rows[self._table.block]] = None
        places = [Place(finding.quantity, row, formulas[row]) for row in rows]
        return all(self._trials.right(places))

    # Words

    def _said(self, finding: Finding, proposal: _Proposal) -> tuple[str, tuple[str, str] | None]:
        """Return the change in words, and in symbols where these tell it."""
        row, note = finding.rows[0], proposal.note
        old, new = proposal.changed or (finding.formula, proposal.formulas[row])
        words = change_in_words(old, new, finding.count > 1)
        if note and note != ANEW and words != ANEW:
            words += f", {note}"
        try:
            trees = parse(old or ""), parse(new)
        except SyntaxProblemError:
            return words, None
        return words, in_symbols(*trees, lambda text: self._named(text, row))

    def _named(self, text: str, row: int) -> str:
        """Return the symbol of a reference, for people."""
        area = areas(text)[0]
        cell = (area.sheet or self._table.sheet.name, area.first_row, area.first_column)
        symbol = self._symbol(cell)
        if symbol is None:
            return text
        block = self._table.block
        inside = cell[0] == self._table.sheet.name and symbol in self._table.columns
        if inside and abs(cell[1] - row) > block:
            return f"{symbol} of row {cell[1]}"
        return symbol


def _numbers_of(formula: str) -> tuple[str, ...]:
    """Return the numbers that are written in a formula; none of one too long to be read."""
    try:
        found = {part.text for _, part in parts(parse(formula)) if isinstance(part, Number)}
    except SyntaxProblemError:
        return ()
    return tuple(sorted(found))


def _differ_only_at(one: Tree, other: Tree, route: Route) -> bool:
    """Tell whether two formulas are the same but for one part."""
    try:
        return replaced(one, route, at(other, route)) == other
    except IndexError:  # there is no such part
        return False


def _kind(symbol: str | None) -> str:
    """Return what kind of quantity a symbol is: all weights are of one, all gradients."""
    if symbol is None:
        return ""
    stem = symbol.rstrip("0123456789_")
    return {"a_h": "source", "a_o": "source", "i": "source"}.get(stem, stem)
