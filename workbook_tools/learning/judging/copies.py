"""Copies: of a wrong formula, and of a cell in the place of a derivative."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from workbook_tools.learning.judging.verdicts import Culprit, Judged, Verdict
from workbook_tools.learning.moved import as_copied
from workbook_tools.learning.space import Space
from workbook_tools.program.graph import Node

_LEAST = 2  # formulas that read a copy

_Line: TypeAlias = tuple[str | None, int | None, int | None]  # sheet, row and column; None: any


def fill_copies(result: Judged) -> None:
    """Add the copies of a culprit's formula that are not right.

    They are in its column or row, or in the same place of other sheets. From the gradients of the
    last iteration, for example, nothing is calculated.
    """
    model, space = result.model, result.model.space
    number = {cell: k for k, cell in enumerate(model.updates.cells.tolist())}
    known = {*result.culprits}
    # An update may be right itself, and its gradient wrong.
    are_of_gradients = {
        k for one in result.culprits.values() if one.is_gradient for k in one.updates
    }
    every_copy = _Copies(space)
    for culprit in [*result.culprits.values()]:
        for places in every_copy.of(culprit.cell):
            not_right = known.intersection(places) | result.wrong.intersection(places)
            if len(not_right) * 2 < len(places):
                continue
            for place in places:
                parameter = _moved_along(space, culprit.parameter, culprit.cell, place)
                if place in result.wrong and not space.is_parameter[parameter]:
                    parameter = culprit.parameter
                if place in known or parameter < 2:
                    continue
                known.add(place)
                is_right = result.claims.shows(place, parameter)
                k = number.get(place, -1)
                is_own = space.is_parameter[space.reads.across[parameter]]
                if culprit.is_gradient and is_own and not is_right:
                    copy = Culprit(place, parameter, is_helper=culprit.is_helper)
                    result.culprits[place] = copy
                    result.wrong.add(place)
                elif culprit.is_gradient or k < 0 or k in are_of_gradients:
                    continue
                elif result.verdicts[k] is not Verdict.RIGHT:
                    result.verdicts[k] = Verdict.WRONG
                    parameter = int(model.updates.parameters[k])
                    result.culprits[place] = Culprit(place, parameter, [k], False)


class _Copies:
    """Formulas that were copied to other cells."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._found: dict[Hashable, list[int]] = defaultdict(list)  # by place, and formula
        self._known: set[Hashable] = set()
        self._in_column: dict[int, list[Node]] = defaultdict(list)
        for node in space.whole.nodes:
            self._in_column[node.column].append(node)

    def of(self, cell: int) -> Iterator[list[int]]:
        """Yield the cells with the formula of one, copied; this one is among them.

        They are in one column, in one row, or in one place on several sheets. In a column, blocks
        may have been copied, with what is fixed in each of them.
        """
        sheet, row, column = self._space.layout.cell(cell)
        formula = self._space.formula(cell) or ""
        lines: Sequence[_Line] = ((sheet, None, column), (sheet, row, None), (None, row, column))
        for line in lines:
            if line not in self._known:
                self._read(line)
            yield self._found[line, as_copied(formula, row, column)]
        yield self._found[lines[0], as_copied(formula.replace("$", ""), row, column)]

    def _read(self, line: _Line) -> None:
        """Find the formulas of a column, a row, or a place."""
        self._known.add(line)
        whole = self._space.whole.nodes
        for node in whole if line[2] is None else self._in_column[line[2]]:
            if line[0] in (None, node.sheet):
                for row in node.run.rows if line[1] is None else (line[1],):
                    if row in node.run.rows:
                        formula = node.run.formula.at(row)
                        place = self._space.layout.place_of((node.sheet, row, node.column))
                        for text in {formula, formula.replace("$", "")}:
                            key = as_copied(text, row, node.column)
                            self._found[line, key].append(place)


def _moved_along(space: Space, cell: int, begin: int, end: int) -> int:
    """Return the cell that lies from one as ``end`` does from ``begin``; 0 if there is none."""
    sheet, row, column = space.layout.cell(cell)
    before, after = space.layout.cell(begin), space.layout.cell(end)
    row, column = row + after[1] - before[1], column + after[2] - before[2]
    sheet = after[0] if sheet == before[0] else sheet
    return space.layout.place_of((sheet, row, column)) if min(row, column) > 0 else 0


def blame_what_only_copies(result: Judged) -> None:
    """Blame a formula that only shows another cell, if all that read it there are wrong.

    An error that has lost its target is such a copy, of the prediction.
    """
    space, used = result.model.space, result.model.candidate.upstream
    reads = space.reads
    wrong = np.array([c.cell for c in result.culprits.values() if c.is_gradient], dtype=np.int64)
    named = np.unique(reads.cells[np.isin(reads.readers, wrong)])
    is_copy = (reads.origin[named] != named) & space.is_formula[named] & ~used[named]
    before = dict(result.culprits)
    for cell in named[is_copy & used[reads.origin[named]]].tolist():
        readers = np.unique(reads.readers[reads.cells == cell]).tolist()
        if len(readers) < _LEAST or not all(one in result.wrong for one in readers):
            continue
        if every := [before[one] for one in readers if one in before]:
            for one in every:
                result.culprits.pop(one.cell, None)
            updates = list(dict.fromkeys(k for one in every for k in one.updates))
            result.culprits[cell] = Culprit(cell, every[0].parameter, updates)
            result.wrong.add(cell)
