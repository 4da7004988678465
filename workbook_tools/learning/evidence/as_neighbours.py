"""Finds odd formulas that would be right if they were like those around them.

If the formulas around an odd one are right, and it would be right as one of them, but gives other
numbers, it is a mistake. The others are then judged as if it were mended.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from workbook_tools.differentiation.adjoints import NotDifferentiableError
from workbook_tools.formulas.references import areas, bare_reference
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.formulas.wording import change_in_words
from workbook_tools.judging.faults import Fault, Kind, Suggestion, compared, plain
from workbook_tools.judging.findings import Finding
from workbook_tools.learning.described import loss_of
from workbook_tools.learning.evidence.odd import odd_formulas
from workbook_tools.learning.found import Found, Search
from workbook_tools.learning.given import are_equal, cells_of, given_by
from workbook_tools.learning.judging.verdicts import Judged, Verdict
from workbook_tools.learning.moved import as_copied
from workbook_tools.learning.reads import TooManyReadsError
from workbook_tools.learning.space import Space
from workbook_tools.notation.addresses import Cell, cell_name
from workbook_tools.program.what_if import with_formulas

_MOST = 2_000  # odd formulas
_AS_GOOD = 0.9  # of the updates that were right must be right then
_CLEAR = 1e-6  # relative
_SAME = 1e-9  # a value that is off by less is right at present


class Odd(NamedTuple):
    """A wrong formula, in the model to which it belongs."""

    result: Judged
    cell: Cell
    formula: str
    meant: str
    now: float  # what it should show
    is_latent: bool
    update_of: int  # the parameter; −1 if it is a gradient
    by: int  # what it should be the derivative by
    said: str = ""  # what is wrong with it, if that is known


def as_neighbours(found: Found, sheets: Sequence[Sheet], search: Search) -> tuple[Found, list[Odd]]:
    """Return what learns if odd formulas are mended, and these; what was found if none is wrong."""
    meant = {cell: own for cell, own in odd_formulas(sheets).items() if _matters(found, cell, own)}
    if not 0 < len(meant) <= _MOST:
        return found, []
    space = found.space
    old = {cell: space.formula(space.layout.place_of(cell)) or "" for cell in meant}
    try:
        again = search(with_formulas(sheets, meant))
        odd = _proven(again, meant, old, again.right > found.right)
        if odd and len(odd) < len(meant):
            meant = {one.cell: one.meant for one in odd}
            again = search(with_formulas(sheets, meant))
            odd = _proven(again, meant, old, again.right > found.right)
    except (NotDifferentiableError, TooManyReadsError):
        return found, []
    if not odd or len(odd) < len(meant) or again.right < _AS_GOOD * found.right:
        return found, []
    known = [place for part in found.every_finding for place in part.places]
    suggested = {cell: formula for place in known for cell, formula in place.put_right.items()}
    if suggested == {one.cell: one.meant for one in odd}:
        return found, []
    said = {(place.sheet, place.rows[0], place.column): place.message for place in known}
    odd = [one._replace(said=said.get(one.cell, one.said)) for one in odd]
    for one in odd:
        place = one.result.model.space.layout.place_of(one.cell)
        if one.update_of != place:
            one.result.wrong.add(place)
        if one.by >= 0:
            one.result.odd[place] = one.by
        for part, k in _updates(one.result, one.cell):
            part.verdicts[k] = Verdict.WRONG
    return again, odd


def findings_of(result: Judged, odd: Sequence[Odd]) -> list[Finding]:
    """Return the mistakes of a model that such formulas are, those of a column together."""
    groups: dict[tuple[str, int, bool, bool], list[Odd]] = defaultdict(list)
    for one in odd:
        if one.result is result:
            sheet, _, column = one.cell
            groups[sheet, column, one.update_of < 0, one.is_latent].append(one)
    return [Finding((_fault(sorted(own, key=lambda one: one.cell)),)) for own in groups.values()]


def _fault(own: Sequence[Odd]) -> Fault:
    known = next((one for one in own if np.isfinite(one.now)), own[0])
    result, (sheet, row, column), parameter = known.result, known.cell, known.update_of
    space = result.model.space
    cell = cell_name(row, column)
    of = max(known.by, parameter)
    name = cell_name(*space.layout.cell(of)[1:]) if of >= 0 else cell
    kind, quantity, what = Kind.WRONG_UPDATE, name, f"by which it would be the update of {name}"
    if parameter < 0:
        kind = Kind.WRONG_GRADIENT
        what = "and the gradients are calculated from it"
    if known.by >= 0:
        origin = int(space.reads.origin[known.by])
        quantity = f"∂{loss_of(result, origin).rpartition('!')[2]}/∂{name}"
        what = f"by which it would be {quantity}"
    value = space.values.value((sheet, row, column))
    shown = value if isinstance(value, str | float) else None
    said = f"{cell} has another formula than the cells like it, {what}"
    if np.isfinite(known.now) and not known.is_latent:
        said = f"{said}: {compared(cell, shown, plain(known.now), True)}"
    edit = change_in_words(known.formula, known.meant, len(own) > 1)
    formulas = {one.cell[1]: one.meant for one in own}
    return Fault(
        kind=Kind.LATENT if known.is_latent else kind, quantity=quantity, sheet=sheet,
        column=column, rows=tuple(formulas), formula=own[0].formula, value=shown,
        expected=plain(known.now), max_rel_error=None,
        message=next((one.said for one in own if one.said), f"{said}."),
        suggestion=Suggestion(formulas, edit, None, len(own), result.model.memory.draws),
    )  # fmt: skip


def _matters(found: Found, cell: Cell, meant: str) -> bool:
    """Tell whether a formula may be meant in a cell, and has to do with parameters.

    What it names must hold numbers, not headings.
    """
    whole = found.space
    for area in areas(meant):
        for one in area.cells(cell[0]) if area.cell_count == 1 else ():
            is_formula = whole.is_formula[whole.layout.place_of(one)]
            if not is_formula and not isinstance(whole.values.value(one), float):
                return False
    read = [cell, *cells_of(meant, cell[0])]
    if _takes_over(whole, [cell]) and not _takes_over(whole, read[1:]):
        return False  # it looks ahead, to where the momentum leads
    for space in (whole, *(result.model.space for result in found.results)):
        places = space.reads.origin[[space.layout.place_of(one) for one in read]]
        if (space.depends[places] | space.is_parameter[places]).any():
            return True
    return not found.results


def _takes_over(space: Space, cells: Sequence[Cell]) -> bool:
    """Tell whether cells take something over from the step before that is at rest."""
    if not space.is_at_rest.any():
        return False
    places = np.array([space.layout.place_of(cell) for cell in cells], dtype=np.int64)
    return bool((space.flow.upstream(places) & space.is_at_rest).any())


def _proven(
    again: Found, meant: Mapping[Cell, str], old: Mapping[Cell, str], is_better: bool
) -> list[Odd]:
    """Return the cells that are right with other formulas, and show other numbers by their own.

    If all together ``is_better``, also cells from which updates are calculated, such as slopes.
    """
    found = []
    for cell, formula in meant.items():
        for result in again.results:
            one = _of_model(result, cell, formula, old[cell], is_better, meant.keys())
            if one is not None:
                found.append(one)
                break
    kinds = {_kind(one.cell, one.formula, one.meant): one for one in found}
    proven = {one.cell for one in found}
    for cell, formula in meant.items():  # a copy of what is wrong, where an input is 0, for example
        like = kinds.get(_kind(cell, old[cell], formula))
        if like and cell not in proven and not are_equal(cell, old[cell], formula):
            found.append(like._replace(cell=cell, formula=old[cell], meant=formula, now=np.nan))
    return found


def _takes_another(
    result: Judged, cell: Cell, old: str, meant: str, mended: Collection[Cell]
) -> bool:
    """Tell whether a formula only shows a parameter, and another one of it is meant.

    That is an update with which nothing else goes on, but for other cells that are ``mended``.
    """
    space, own = result.model.space, result.model.updates
    single = [bare_reference(formula) for formula in (old, meant)]
    if any(area is None or area.cell_count > 1 for area in single):
        return False
    cells = [one for text in (old, meant) for one in cells_of(text, cell[0])]
    places = [space.layout.place_of(one) for one in cells]
    read, should_read = space.reads.across[places].tolist()
    updates = own.cells.tolist()
    if should_read not in updates or not (read in updates or space.is_parameter[read]):
        return False
    shown = {*np.flatnonzero(space.reads.across == should_read).tolist()} - {should_read}
    is_free = {space.layout.cell(place) for place in shown} <= {*mended}
    is_free &= not (space.reads.cells == should_read).any()
    return is_free and space.first_update(read) == space.first_update(should_read)


def _kind(cell: Cell, old: str, meant: str) -> tuple[str, int, str, str]:
    """Return what copies of a wrong formula in a column have in common."""
    sheet, row, column = cell
    return sheet, column, as_copied(old, row, column), as_copied(meant, row, column)


def _updates(result: Judged, cell: Cell) -> Iterator[tuple[Judged, int]]:
    """Yield the updates in a cell by their numbers, also behind an optimizer."""
    for part in (result, result.indirect):
        if part is not None:
            place = part.model.space.layout.place_of(cell)
            for k in np.flatnonzero(part.model.updates.cells == place).tolist():
                yield part, k


def _of_model(
    result: Judged, cell: Cell, meant: str, old: str, is_better: bool, mended: Collection[Cell]
) -> Odd | None:
    model, place = result.model, result.model.space.layout.place_of(cell)
    update = next(_updates(result, cell), None)
    claims = result.claims.by_parameter.get(place) or result.claims.others.get(place)
    if place in result.wrong or place in result.culprits:
        return None
    is_helper = is_better and model.space.needed[place] and model.space.depends[place]
    is_taken_over = _takes_another(result, cell, old, meant, mended)
    if update is None and not claims and not is_helper and not is_taken_over:
        return None
    if update and update[0].verdicts[update[1]] not in (Verdict.RIGHT, Verdict.ALIKE):
        return None
    new, own = given_by(result, cell, meant), given_by(result, cell, old)
    if new is None or own is None or not np.isfinite(new[:-1]).all():
        return None
    size = np.nanmax(np.abs(new))
    if np.allclose(own, new, rtol=_CLEAR, atol=_CLEAR * size):
        return None
    is_latent = bool(np.isclose(own[-1], new[-1], rtol=_SAME, atol=_SAME * size))
    of, said = -1, ""
    if update:
        own_model = update[0].model
        parameter = own_model.space.layout.cell(int(own_model.updates.parameters[update[1]]))
        of = model.space.layout.place_of(parameter)
    elif is_taken_over:
        shown = (cell, *cells_of(old, cell[0]), *cells_of(meant, cell[0]))
        name, read, should_read = (cell_name(*one[1:]) for one in shown)
        of = place
        said = f"{name} goes on with {read}, not with the later {should_read}, as cells like it do."
    by = claims[0].by if claims and not update else -1
    return Odd(result, cell, old, meant, float(new[-1]), is_latent, of, by, said)
