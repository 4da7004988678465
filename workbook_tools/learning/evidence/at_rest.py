"""Looks at a training with momentum as if each step were the first one, without momentum.

With momentum, an update is no multiple of its gradient. Where the gradient has no cell of its own,
or is taken where the momentum alone would lead (Nesterov), nothing else shows whether it is right.
So what formulas read of the step before is replaced by numbers, which are 0 in the draws.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.adjoints import NotDifferentiableError
from workbook_tools.formulas.references import FilledFormula, areas
from workbook_tools.formulas.replacing import replaced
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.tree import (
    Operation,
    Parentheses,
    Reference,
    Route,
    Sign,
    SyntaxProblemError,
    Tree,
    at,
    parse,
    parts,
)
from workbook_tools.judging.faults import Fault
from workbook_tools.judging.findings import Finding
from workbook_tools.learning.found import Found, Search
from workbook_tools.learning.judging.blocks import blocks
from workbook_tools.learning.judging.verdicts import Judged, Verdict
from workbook_tools.learning.reads import TooManyReadsError
from workbook_tools.learning.space import AT_REST, Space
from workbook_tools.notation.addresses import Cell, sheet_prefix
from workbook_tools.package.cell_values import CellValue
from workbook_tools.package.columns import Column, Columns
from workbook_tools.program.graph import Node
from workbook_tools.program.memory import Indexes
from workbook_tools.program.what_if import with_formulas

_GOOD = (Verdict.RIGHT, Verdict.ALIKE, Verdict.LATENT)
_PROVEN = (Verdict.RIGHT, Verdict.LATENT)  # without a comparison with other parameters
_NEARLY_ALL = 0.9  # of the updates must be right then
_MOST = 3_000  # formulas that are filled down


class WithoutMomentum(NamedTuple):
    """What learns if each step were the first one."""

    found: Found
    sheets: Sequence[Sheet]
    search: Search
    taken_over: Sequence["TakenOver"]


def at_rest(found: Found, sheets: Sequence[Sheet], search: Search) -> "WithoutMomentum | None":
    """Return what learns without momentum, if that explains what is not explained with it."""
    failing = [own for own in _blocks(found) if 2 * own.good < own.every]
    if search.loss is not None:
        return None
    while failing:
        again = _without(failing, found, sheets, search)
        if again is None:
            return None
        after = {cell: own for own in _blocks(again.found, _PROVEN) for cell in own.firsts}
        better = [own for own in failing if _is_better(own, after)]
        if len(better) == len(failing):
            return again
        failing = better
    return None


def _without(
    failing: Sequence["_Block"], found: Found, sheets: Sequence[Sheet], search: Search
) -> WithoutMomentum | None:
    """Return what learns if some trainings are without momentum; None if they have none."""
    firsts = [cell for own in failing for cell in own.firsts]
    try:
        resting = _Resting(_of_single_steps(found.space, firsts), firsts)
        if not resting.cells:
            return None
        own = replace(search, values=resting.values)
        changed = resting.sheets(sheets)
        return WithoutMomentum(own(changed), changed, own, resting.taken_over)
    except (NotDifferentiableError, TooManyReadsError):
        return None


class _Block(NamedTuple):
    """The updates of a training: the first ones, how many are right, and how many there are."""

    firsts: frozenset[Cell]
    good: int
    every: int


def _is_better(own: _Block, after: Mapping[Cell, _Block]) -> bool:
    """Tell whether nearly all of a training is right, which was not."""
    known = {after[cell] for cell in own.firsts if cell in after}
    good, every = sum(one.good for one in known), sum(one.every for one in known)
    return 2 * good > own.every and good >= _NEARLY_ALL * every


def _blocks(found: Found, verdicts: Sequence[Verdict] = _GOOD) -> list[_Block]:
    """Return the trainings of a workbook; updates with some verdicts are right."""
    blocks_found = []
    every: list[Judged] = [*found.results, *(result for result, _ in found.almost)]
    for result in every + [one.indirect for one in every if one.indirect is not None]:
        space, updates = result.model.space, result.model.updates
        good = np.any([result.are(verdict) for verdict in verdicts], axis=0)
        numbers = np.where(result.are(Verdict.NONE), -1, blocks(result.model))
        for number in np.unique(numbers[numbers >= 0]).tolist():
            own = numbers == number
            blocks_found.append(_block(space, updates.cells[own], int(good[own].sum())))
    left = found.left.cells
    firsts = np.array([found.space.first_update(cell) for cell in left.tolist()])
    for first in np.unique(firsts).tolist():
        blocks_found.append(_block(found.space, left[firsts == first], 0))
    return blocks_found


def _block(space: Space, cells: Indexes, good: int) -> _Block:
    firsts = frozenset(space.layout.cell(space.first_update(cell)) for cell in cells.tolist())
    return _Block(firsts, good, len(cells))


def _of_single_steps(space: Space, firsts: Sequence[Cell]) -> Space:
    """Return the workbook without updates that only look ahead, to where the momentum leads.

    A parameter that has one has another update, too, which is calculated from its gradient.
    """
    own = space.updates
    count = np.bincount(own.parameters, minlength=space.layout.size)
    first_of = np.array([space.first_update(cell) for cell in own.cells.tolist()], dtype=np.int64)
    is_asked = np.isin(first_of, [*map(space.layout.place_of, firsts)])
    is_asked &= count[own.parameters] > 1
    looks_ahead = np.zeros(len(own.cells), dtype=bool)
    for group in np.unique(own.groups[is_asked]).tolist():
        alike = np.flatnonzero((own.groups == group) & is_asked)
        middle = alike[len(alike) // 2]
        parameter = int(own.parameters[middle])
        later = space.flow_of_all.downstream(np.array([parameter]))
        added = [c for c in space.named_by(int(own.cells[middle])) if c != parameter]
        added = [cell for cell in added if space.depends[cell]]
        looks_ahead[alike] = bool(added) and not later[added].any()
    if not looks_ahead.any():
        return space
    return Space(space.sheets, space.values, space.iterations, own.among(~looks_ahead))


class TakenOver(NamedTuple):
    """What a formula reads of the step before, as it reads in one row."""

    node: Node
    row: int
    text: str
    cell: Cell

    @property
    def move(self) -> tuple[bool, int, int]:
        """From the reader to what it reads: whether to another sheet, down, and to the right."""
        sheet, row, column = self.cell
        return sheet != self.node.sheet, row - self.row, column - self.node.column


class _Resting:
    """The formulas that read something of the step before, with numbers in its place."""

    def __init__(self, space: Space, firsts: Sequence[Cell]) -> None:
        """Find them in trainings that have some first updates."""
        self._space = space
        self.cells: set[Cell] = set()  # what is replaced, as it is read
        self.taken_over: list[TakenOver] = []
        self._formulas: dict[Cell, str] = {}
        self._number = np.full(space.layout.size, -1)  # of iterations before a parameter
        for parameter in space.parameters.tolist():
            self._number[parameter] = space.iteration_of(parameter)
        own = space.updates
        self._updates = dict(zip(own.cells.tolist(), own.parameters.tolist(), strict=True))
        begin = np.array([*map(space.layout.place_of, firsts)], dtype=np.int64)
        is_asked = space.flow_of_all.downstream(begin)
        backward = [
            (node, places)
            for node, places in space.nodes()
            if (self._is_backward(places) & is_asked[places]).any()
        ]
        for node, places in backward if len(backward) <= _MOST else ():
            self._cut(node, places)

    def _is_backward(self, places: Indexes) -> NDArray[np.bool_]:
        """Tell which cells depend on parameters, and are used for updates; these are among them."""
        space = self._space
        is_update = np.isin(places, space.updates.cells)
        return np.asarray((space.depends[places] & space.needed[places]) | is_update)

    def _cut(self, node: Node, places: Indexes) -> None:
        """Replace what a formula reads of the step before, as it reads in its second row."""
        k = min(1, len(places) - 1)
        row = node.run.rows[k]
        try:
            tree = parse(node.run.formula.at(row))
        except SyntaxProblemError:
            return
        new: Tree = tree
        for route, part in parts(tree):
            if isinstance(part, Reference) and (cell := _single(part, node.sheet)):
                place = self._space.layout.place_of(cell)
                is_added = self._is_added(tree, route, node.sheet)
                if is_added and self._is_of_the_step_before(place, int(places[k])):
                    name = part.text.rpartition("!")[2]
                    at_rest = Reference(sheet_prefix(AT_REST + cell[0]) + name)
                    new = replaced(new, route, at_rest)
                    self.taken_over.append(TakenOver(node, row, part.text, cell))
                    self.cells |= {
                        one
                        for own_row in node.run.rows
                        if (one := _moved(cell, part.text, own_row - row))
                    }
        if new is not tree:
            formula = FilledFormula.parse(f"={new}", row)
            for own_row in node.run.rows:
                self._formulas[node.sheet, own_row, node.column] = formula.at(own_row)

    def _is_of_the_step_before(self, read: int, reader: int) -> bool:
        space = self._space
        read = int(space.reads.across[read])
        if read < 2 or not space.depends[read] or space.is_parameter[read]:
            return False
        if reader in self._updates:
            latest = int(self._number[self._updates[reader]])
        else:
            latest = self._latest(reader)
        return self._latest(read) < latest

    def _is_added(self, tree: Tree, route: Route, sheet: str) -> bool:
        """Tell whether a part of a formula is a term of a sum, perhaps times a number."""
        space = self._space
        for depth in range(len(route)):
            around = at(tree, route[:depth])
            if isinstance(around, Operation) and around.operator in "*/":
                other = (around.right, around.left)[route[depth]]
                cells = (_single(p, sheet) for _, p in parts(other) if isinstance(p, Reference))
                read = space.reads.origin[[*map(space.layout.place_of, filter(None, cells))]]
                if (space.depends | space.is_parameter)[read].any() or (
                    around.operator == "/" and route[depth] == 1
                ):
                    return False
            elif not isinstance(around, Parentheses | Sign) and not (
                isinstance(around, Operation) and around.operator in "+-"
            ):
                return False
        return True

    def _latest(self, place: int) -> int:
        """Return the number of the latest iteration from whose parameters a cell is calculated."""
        upstream = self._space.flow.upstream(np.array([place]))
        return int(self._number[upstream].max(initial=-1))

    @property
    def values(self) -> Columns:
        """The values of the workbook, with those of what is replaced beside them."""
        old = self._space.values
        found: dict[str, dict[int, dict[int, CellValue]]] = defaultdict(lambda: defaultdict(dict))
        for sheet, row, column in self.cells:
            found[AT_REST + sheet][column][row] = old.value((sheet, row, column))
        more = {
            sheet: {column: Column.of(own) for column, own in columns.items()}
            for sheet, columns in found.items()
        }
        return Columns({**old.sheets, **more})

    def sheets(self, sheets: Sequence[Sheet]) -> list[Sheet]:
        """Return the sheets with numbers in the place of what is of the step before."""
        found = with_formulas(sheets, self._formulas)
        for name in sorted({cell[0] for cell in self.cells}):
            rows, columns = zip(*(cell[1:] for cell in self.cells if cell[0] == name), strict=True)
            found.append(Sheet(AT_REST + name, last_row=max(rows), last_column=max(columns)))
        return found


def _single(part: Reference, sheet: str) -> Cell | None:
    """Return the cell that a reference names; None if it is a range."""
    found = areas(f"={part.text}")
    if len(found) != 1 or found[0].cell_count != 1:
        return None
    return next(iter(found[0].cells(sheet)))


def _moved(cell: Cell, text: str, down: int) -> Cell | None:
    """Return what a reference names some rows further down."""
    sheet, row, column = cell
    is_fixed = "$" in text.rpartition("!")[2].lstrip("$")
    row += 0 if is_fixed else down
    return (sheet, row, column) if row > 0 else None


_PREFIX = re.compile(rf"'{re.escape(AT_REST)}((?:[^']|'')+)'!")


_NUMBERS = re.compile(r": [A-Z]+\d+ shows [^:]*\.$")


def as_read(finding: Finding, space: Space) -> Finding:
    """Return a finding with the references that the formulas have.

    What a cell should show is not known if it takes over something from the step before.
    """
    return replace(finding, places=tuple(_as_read(place, space) for place in finding.places))


def _as_read(place: Fault, space: Space) -> Fault:
    first = space.layout.place_of((place.sheet, place.rows[0], place.column))
    if not space.flow_of_all.upstream(np.array([first]))[space.is_at_rest].any():
        return place

    def name(match: re.Match[str]) -> str:
        sheet = match[1].replace("''", "'")
        return "" if sheet == place.sheet else sheet_prefix(sheet)

    def shown(text: str) -> str:
        return _PREFIX.sub(name, text)

    formula, suggestion, why_none = place.formula or "", place.suggestion, place.why_none
    if suggestion is not None:
        every = [*suggestion.formulas.values()]
        if any(_PREFIX.findall(formula) != _PREFIX.findall(new) for new in every):
            suggestion, why_none = None, "nothing that was tried keeps what is taken over"
        else:
            suggestion = replace(
                suggestion,
                edit=shown(suggestion.edit),
                formulas={row: shown(own) for row, own in suggestion.formulas.items()},
            )
    message = _NUMBERS.sub(".", shown(place.message))
    return replace(
        place, formula=place.formula and shown(formula), message=message, expected=None,
        suggestion=suggestion, why_none=why_none,
    )  # fmt: skip
