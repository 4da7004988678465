"""Finds iterations that still work with the parameters of an earlier one.

The anchors of a block stay where they are when it is copied. Its updates then add the derivatives
by the parameters of the earlier block, and the loss does not depend on their own.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.references import Area, areas, with_areas
from workbook_tools.judging.faults import Kind
from workbook_tools.learning.found import Found
from workbook_tools.learning.judging.verdicts import Judged, Verdict
from workbook_tools.learning.meant.proposals import Change, Proposal
from workbook_tools.learning.moved import as_copied
from workbook_tools.learning.space import Space
from workbook_tools.notation.addresses import Cell, cell_name

_MOST = 300  # updates
_MOST_CELLS = 5_000  # that are behind them
_MOST_ALIKE = 500  # of which copies are looked for further down


def earlier_parameters(found: Found) -> Iterator[Proposal]:
    """Yield one proposal: to work with the latest parameters in all such iterations."""
    space = found.space
    changes: dict[Cell, Change] = {}
    updates: list[Cell] = []
    for result in found.results:
        for update, parameter, behind in with_earlier(found, result):
            updates.append(space.layout.cell(update))
            changes |= _changes(space, behind & space.is_formula & ~space.is_parameter, parameter)
    if changes:
        yield Proposal({**changes, **_further(space, changes)}, updates)


def with_earlier(found: Found, result: Judged) -> Iterator[tuple[int, int, NDArray[np.bool_]]]:
    """Yield updates that no loss explains, of parameters that have right ones in a model, too.

    They depend on an earlier parameter, but not on their own. Each is followed by its parameter,
    and by what it is calculated from.
    """
    space, left, own = found.space, found.left, result.model.updates
    if not 0 < len(left.cells) <= _MOST:
        return
    right = own.cells[result.are(Verdict.RIGHT) & (own.cells < space.layout.size)]
    good = {space.first_update(cell) for cell in right.tolist()}
    for update, parameter in zip(left.cells.tolist(), left.parameters.tolist(), strict=True):
        if space.first_update(update) not in good:
            continue
        read = np.unique(space.reads.by(np.array([update])).read)
        behind = space.flow.upstream(read[read != parameter])
        if not behind[parameter] and any(behind[one] for one in space.earlier(parameter)):
            yield update, parameter, behind


def _changes(space: Space, behind: NDArray[np.bool_], parameter: int) -> dict[Cell, Change]:
    """Return the formulas that name earlier parameters, with those of an iteration instead."""
    latest = _latest(space, space.iteration_of(parameter))
    found: dict[Cell, Change] = {}
    for place in np.flatnonzero(behind)[:_MOST_CELLS].tolist():
        cell, formula = space.layout.cell(place), space.formula(place) or ""
        new = with_areas(formula, partial(_moved, space, cell[0], latest))
        if new != formula:
            found[cell] = _change(cell, formula, new)
    return found


def _change(cell: Cell, formula: str, new: str) -> Change:
    area, other = next(pair for pair in _pairs(formula, new) if pair[0] != pair[1])
    read, meant = (cell_name(*next(one.cells(cell[0]))[1:]) for one in (area, other))
    what = f"reads {read}, which is from an earlier iteration than {meant}"
    return Change(Kind.WRONG_FORMULA, meant, formula, new, what)


def _pairs(one: str, other: str) -> Iterator[tuple[Area, Area]]:
    return zip(areas(one), areas(other), strict=True)


def _latest(space: Space, number: int) -> dict[int, int]:
    """Return, by earlier parameter, what it is in an iteration."""
    return {
        earlier: one
        for one in space.parameters.tolist()
        if space.iteration_of(one) == number
        for earlier in space.earlier(one)
    }


def _moved(space: Space, sheet: str, latest: Mapping[int, int], area: Area) -> Area:
    """Return where the latest parameters are, if a cell or range holds earlier ones."""
    places = [space.layout.place_of(cell) for cell in area.cells(sheet)]
    if not all(place in latest for place in places):
        return area
    _, row, column = space.layout.cell(latest[places[0]])
    down, right = row - area.first_row, column - area.first_column
    own = area._replace(
        first_row=area.first_row + down, last_row=area.last_row + down,
        first_column=area.first_column + right, last_column=area.last_column + right,
    )  # fmt: skip
    on_sheet = {space.layout.cell(latest[place])[0] for place in places} == {area.sheet or sheet}
    moved = [space.layout.place_of(cell) for cell in own.cells(sheet)]
    return own if on_sheet and moved == [latest[place] for place in places] else area


def _further(space: Space, changes: Mapping[Cell, Change]) -> dict[Cell, Change]:
    """Return the same mistakes in later blocks, from which no update is calculated."""
    if len(changes) > _MOST_ALIKE:
        return {}
    columns = {(sheet, column) for sheet, _, column in changes}
    copies: dict[tuple[str, int, str], list[tuple[Cell, str]]] = defaultdict(list)
    for node, places in space.nodes():
        for place in places.tolist() if (node.sheet, node.column) in columns else ():
            sheet, row, column = cell = space.layout.cell(place)
            formula = space.formula(place) or ""
            copies[sheet, column, as_copied(formula, row, column)].append((cell, formula))
    found: dict[Cell, Change] = {}
    known = {*space.updates.cells.tolist()}
    for (sheet, row, column), change in changes.items():
        for cell, formula in copies[sheet, column, as_copied(change.formula, row, column)]:
            down = cell[1] - row
            if down <= 0 or cell in changes:
                continue
            pairs = _pairs(change.formula, change.meant)
            new = with_areas(formula, partial(_as_above, pairs=pairs, down=down))
            moved = [own for own, old in _pairs(new, formula) if own != old]
            read = (space.layout.place_of(one) for own in moved for one in own.cells(sheet))
            if new != formula and all(place in known for place in read):
                found[cell] = _change(cell, formula, new)
    return found


def _as_above(area: Area, pairs: Iterator[tuple[Area, Area]], down: int) -> Area:
    """Return what a formula should name if one further up should name another cell, or the same."""
    old, meant = next(pairs)
    if old == meant:
        return area
    return meant._replace(first_row=meant.first_row + down, last_row=meant.last_row + down)
