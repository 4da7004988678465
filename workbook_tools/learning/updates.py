"""Finds the cells that update a parameter: those that hold it plus something else.

Such a cell has the slope 1 by the parameter, whatever the numbers are, or 1 − η λ if the parameter
decays. A slope of 1 has a pre-activation by its bias, too, a running total by the total before, and
an error by a target. An updated parameter is told from these by its role: the formulas that read it
are those that read the parameter.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.adjoints import Derivatives, named_in
from workbook_tools.differentiation.tape import Array
from workbook_tools.formulas.references import areas
from workbook_tools.formulas.replacing import bare
from workbook_tools.formulas.tree import Operation, SyntaxProblemError, parse
from workbook_tools.learning.flow import Flow
from workbook_tools.learning.reads import COPIES, Reads
from workbook_tools.notation.addresses import Cell
from workbook_tools.program.edges import members_of
from workbook_tools.program.graph import Node
from workbook_tools.program.memory import NUMBER, Indexes, Layout, Memory

_LEAST_ALIKE = 3  # formulas of one shape
_INSIDE = r"[^()]*(?:\([^()]*\)[^()]*)*"
_LOOKED_UP = re.compile(rf"=\+?(?:INDEX|[VHX]?LOOKUP|OFFSET|CHOOSE)\({_INSIDE}\)$", re.IGNORECASE)
_CHOSEN = re.compile(rf"=\+?IF\({_INSIDE},_\d+,_\d+\)$", re.IGNORECASE)
_CELL = re.compile(r"\$?[A-Z]{1,3}\$?\d+", re.IGNORECASE)
_DRAWS = 6
_CLEAR = 1e-9  # a slope is 1 up to this
_LARGEST_DECAY = 0.5  # λ
_MOST_PARTS = 50  # cells that a formula names, by which it is differentiated


class Updates(NamedTuple):
    """Cells that update parameters, by their places in a memory."""

    parameters: Indexes
    cells: Indexes
    groups: Indexes  # updates that are alike have the same number
    are_decaying: NDArray[np.bool_]  # the slope by the parameter is less than 1

    def among(self, kept: NDArray[np.bool_]) -> "Updates":
        """Return some of them."""
        groups, are_decaying = self.groups[kept], self.are_decaying[kept]
        return Updates(self.parameters[kept], self.cells[kept], groups, are_decaying)

    def and_others(self, others: "Updates") -> "Updates":
        """Return these and others; groups stay apart."""
        apart = others._replace(groups=others.groups + int(self.groups.max(initial=-1)) + 1)
        return joined([self, apart])


def joined(every: Sequence[Updates]) -> Updates:
    """Return several updates as one."""
    return Updates(
        np.concatenate([own.parameters for own in every]),
        np.concatenate([own.cells for own in every]),
        np.concatenate([own.groups for own in every]),
        np.concatenate([own.are_decaying for own in every]),
    )


def updates(nodes: Sequence[Node], derivatives: Derivatives, own: Reads) -> Updates:
    """Return the updates of a workbook; ``derivatives`` are those without parameters."""
    memory = derivatives.memory
    found = _of_originals(_with_slope_one(nodes, derivatives, memory, own), derivatives, own)
    is_leaf = starts(nodes, derivatives, own)
    found = found.among((found.parameters != found.cells) & (found.parameters > 1))  # not empty
    known = is_leaf[found.parameters] | np.isin(found.parameters, found.cells)
    found = found.among(_by_most(known, found) & (known | _are_read_alike(known, found, own)))
    # So the table of all words takes the new vector of a word, and keeps those of the others.
    only_choose = _written_as(_CHOSEN, nodes, derivatives)
    used = own.at(np.flatnonzero(~only_choose[own.readers]))
    found = found.among(_play_the_same_role(found, used, is_leaf))
    found = found.among(~_read_another(found, own))
    while len(found.cells):
        # What is no number is itself an update. What is added depends on parameters.
        known = is_leaf[found.parameters] | np.isin(found.parameters, found.cells)
        kept = _by_most(known, found) & (known | _are_read_alike(known, found, own))
        parameters = np.unique([*found.parameters, *found.cells])
        depends = Flow(own, parameters).downstream(parameters)
        depends[parameters] = False
        by = own.by(found.cells)
        adds_something = np.isin(found.cells, by.readers[depends[by.read]])
        kept &= _by_most(adds_something | _read_it_twice(found, by), found)
        if kept.all():
            return found
        found = found.among(kept)
    return found


def _of_originals(found: Updates, derivatives: Derivatives, own: Reads) -> Updates:
    """Return updates of the numbers themselves, where only an update reads a copy of one.

    The copy may stand beside the update, on a sheet of its own.
    """
    origin = own.across[found.parameters]
    is_number = (derivatives.memory.kinds == NUMBER) & ~derivatives.are_formulas
    is_copy = (origin != found.parameters) & is_number[origin]
    if not is_copy.any():
        return found
    by_copies = own.of(found.parameters[is_copy])
    pairs = np.unique(by_copies.read * len(own.origin) + by_copies.readers)
    readers = np.bincount(pairs // len(own.origin), minlength=len(own.origin))
    is_shown = is_copy & (readers[found.parameters] == 1)
    return found._replace(parameters=np.where(is_shown, origin, found.parameters))


def starts(nodes: Sequence[Node], derivatives: Derivatives, own: Reads) -> NDArray[np.bool_]:
    """Tell with which cells a training may begin.

    They are numbers, also those that another sheet has, or that are looked up in a table, as the
    vector of a word is.
    """
    found: NDArray[np.bool_] = derivatives.memory.kinds == NUMBER
    found = found & ~derivatives.are_formulas | _written_as(_LOOKED_UP, nodes, derivatives)
    for node in nodes:
        if node.shape.text in COPIES:
            places = derivatives.places_of(node)
            found[places] = own.origin[places] == places
    return found


def _written_as(
    pattern: re.Pattern[str], nodes: Sequence[Node], derivatives: Derivatives
) -> NDArray[np.bool_]:
    """Tell which cells have formulas of a shape that matches a pattern."""
    found = np.zeros_like(derivatives.are_formulas)
    for node in nodes:
        if pattern.match(node.shape.text):
            found[derivatives.places_of(node)] = True
    return found


def overlooked(
    found: Updates,
    own: Reads,
    used: NDArray[np.bool_],
    is_start: NDArray[np.bool_],
    layout: Layout,
) -> Updates:
    """Return cells that should update a parameter, as others do that are alike.

    They have another slope than 1 by it, or do not name it. But they are calculated from what
    depends on parameters, and are ``used`` for the loss in the role in which the parameter is.
    """
    depends = Flow(own, found.cells[:0]).downstream(np.unique(found.parameters))
    is_parameter = np.zeros(len(used), dtype=bool)
    is_parameter[found.parameters] = is_parameter[found.cells] = True
    is_updated = np.zeros(len(used), dtype=bool)
    is_updated[found.cells] = True
    is_candidate = used & depends & ~is_start & (own.origin == np.arange(len(used)))
    forward = own.at(np.flatnonzero(used[own.readers] & used[own.read]))
    most = int(own.roles.max(initial=0)) + 1
    roles = _distinct(forward.read * most + forward.roles)
    parts = []
    _, firsts = np.unique(found.groups, return_index=True)
    for first in firsts.tolist():
        # Below each other, the first update may be overlooked, too; a row may be something else.
        columns = layout.cells(np.array([found.cells[first], found.parameters[first]]))[2]
        may_begin = is_start & (columns[0] == columns[1])
        while True:
            places = np.flatnonzero(is_candidate & ~is_updated)
            before = _before(found, first, places, layout)
            kept = (before > 1) & used[before]
            places, before = places[kept], before[kept]
            kept = is_parameter[before] | may_begin[before]
            places, before = places[kept], before[kept]
            number, own_roles = _roles_of(places, roles, most)
            shared = _are_among(before[number] * most + own_roles, roles)
            number = np.unique(number[shared])
            if not len(number):
                break
            like = [first] * len(number)
            alike = found.groups[like], found.are_decaying[like]
            parts.append(Updates(before[number], places[number], *alike))
            is_parameter[places[number]] = is_updated[places[number]] = True
    if not parts:
        return found.among(np.zeros(len(found.cells), dtype=bool))
    return joined(parts)


def _before(found: Updates, k: int, places: Indexes, layout: Layout) -> Indexes:
    """Return the cells that lie before some as the parameter of an update lies before it."""
    (sheet, row, column), (other, *at) = map(
        layout.cell, (int(found.cells[k]), int(found.parameters[k]))
    )
    sheets, rows, columns = layout.cells(places)
    own = np.flatnonzero(sheets == layout.sheet(sheet))
    rows, columns = rows[own] - row + at[0], columns[own] - column + at[1]
    before = np.ones(len(places), dtype=np.int64)
    kept = (rows > 0) & (columns > 0)
    sheets = np.array(layout.sheet(other))
    before[own[kept]] = layout.places(sheets, rows[kept], columns[kept])
    return before


def _with_slope_one(
    nodes: Sequence[Node], derivatives: Derivatives, memory: Memory, own: Reads
) -> Updates:
    """Return all cells that have the slope 1 by a cell that they name.

    Slopes are worked out once for each shape of formulas, on random numbers.
    """
    chance = np.random.default_rng(0)
    drawn = Memory.of(memory.layout, derivatives.values, _DRAWS)
    size = np.count_nonzero(drawn.kinds == NUMBER), _DRAWS
    drawn.numbers[drawn.kinds == NUMBER] = chance.uniform(0.2, 0.9, size) * chance.choice(
        [-1.0, 1.0], size
    )
    known: dict[tuple[str, tuple[int, ...]], list[tuple[int, bool]]] = {}
    none = np.zeros(0, dtype=np.int64)
    found = [Updates(none, none, none, none.astype(bool))]
    kinds: dict[tuple[object, ...], int] = {}
    layout = memory.layout
    for node in nodes:
        named = named_in(node, node.run.first_row)[:_MOST_PARTS]
        key = node.shape.text, tuple(named.index(cell) for cell in named)
        if key not in known:
            slopes = derivatives.slopes(((cell, node.cell) for cell in dict.fromkeys(named)), drawn)
            numbers = {cell: drawn.numbers[layout.place_of(cell)] for cell in named}
            known[key] = [
                (named.index(cell), is_decaying)
                for cell, _, slope in slopes
                for is_decaying in (False, True)
                if (_decays if is_decaying else _stays)(slope, cell, numbers)
            ]
            found_so = {k for k, _ in known[key]}
            known[key] += [(k, False) for k in _added_alone(node, named) if k not in found_so]
        if not known[key] or node.shape.text in COPIES:
            continue
        rows = np.arange(node.run.first_row, node.run.last_row + 1, node.run.step)
        cells = derivatives.places_of(node)
        for k, is_decaying in known[key]:
            sheet, first_row, column = named[k]
            moves = 0
            if len(rows) > 1:  # the cell moves down with the formula, or stays
                below = named_in(node, int(rows[1]))
                if len(below) < len(named):
                    continue  # a range that grows, and begins with one cell
                moves = int(below[k][1] != first_row)
            read = first_row + moves * (rows - rows[0])
            places = layout.places(np.array(layout.sheet(sheet)), read, np.array(column))
            down = rows - read
            for distance in np.unique(down).tolist():
                same = down == distance
                kind = node.sheet, sheet, distance, node.column - column, is_decaying
                group = kinds.setdefault(kind, len(kinds))
                alike = np.full(same.sum(), group), np.full(same.sum(), is_decaying)
                found.append(Updates(own.origin[places[same]], cells[same], *alike))
    every = joined(found)
    return every.among(own.origin[every.cells] == every.cells)


def _added_alone(node: Node, named: Sequence[Cell]) -> list[int]:
    """Return the numbers of the cells that a formula adds, and that are in other terms, too.

    The other terms may be a gradient that is written out in the update itself.
    """
    found, texts = [], set()
    try:
        tree = parse(node.run.formula.at(node.run.first_row))
    except SyntaxProblemError:
        return []
    while isinstance(tree, Operation) and tree.operator in "+-":
        if tree.operator == "+":
            texts.add(str(bare(tree.right)))
        tree = tree.left
    texts.add(str(bare(tree)))
    for text in texts:
        own = areas(f"={text}") if _CELL.fullmatch(text) else ()
        for cell in (cell for area in own for cell in area.cells(node.sheet)):
            if named.count(cell) > 1:
                found.append(named.index(cell))
    return found


def _stays(slope: Array, _: Cell, __: Mapping[Cell, Array]) -> bool:
    """Tell whether a slope, (draws,), is 1."""
    return bool(np.allclose(slope, 1.0, rtol=0.0, atol=_CLEAR))


def _decays(slope: Array, by: Cell, numbers: Mapping[Cell, Array]) -> bool:
    """Tell whether a slope is 1 less a product of two numbers, one of which may be typed.

    A mean of what was before has the slope β, or 1 − β.
    """
    others = [number for cell, number in numbers.items() if cell != by and number.all()]
    for number in others:
        rest = (1.0 - slope) / number
        if not np.isfinite(rest).all() or not rest.all():
            return False
        if np.ptp(rest) <= _CLEAR * abs(rest[0]):
            return bool(0 < rest[0] < _LARGEST_DECAY)
        ratios = (rest / other for other in others if other is not number)
        if any(np.ptp(ratio) <= _CLEAR and abs(ratio[0] - 1) <= _CLEAR for ratio in ratios):
            return True
    return False


def _play_the_same_role(
    found: Updates, own: Reads, is_leaf: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Tell which cells are read in a role in which their parameter is read, or by nobody.

    The updates themselves do not count. Of updates that are alike, most must be; then a single one
    may be read by mistake. The next iteration may be on another sheet, and read copies there.
    """
    most = int(own.roles.max(initial=0)) + 1
    is_copy = own.across[own.readers] != own.readers
    read = np.concatenate([own.read[~is_copy], own.across[own.cells[~is_copy]]])
    is_same = ~np.isin(found.cells, read)
    sure, size = found.among(_go_on(found)), len(own.origin)
    updates = _are_among(
        own.read * size + own.readers, np.sort(sure.parameters * size + sure.cells)
    )
    counts = ~(is_copy | updates)
    read = np.concatenate([own.read[counts], own.across[own.cells[counts]]])
    roles = _distinct(read * most + np.tile(own.roles[counts], 2))
    shape_of = np.zeros(most, dtype=np.int64)
    shape_of[own.roles] = own.shapes
    own_shapes = np.zeros(len(own.origin), dtype=np.int64)
    own_shapes[own.readers] = own.shapes
    own_shapes = own_shapes[found.cells]
    pair, role = _roles_of(found.cells, roles, most)
    is_shared = _are_among(found.parameters[pair] * most + role, roles)
    is_shared &= shape_of[role] != own_shapes[pair]
    is_same[pair[is_shared]] = True
    # A parameter that is no number is read by others than its updates, too.
    pair, role = _roles_of(found.parameters, roles, most)
    is_read = is_leaf[found.parameters]
    is_read[pair[shape_of[role] != own_shapes[pair]]] = True
    # What lies from a target as an update does from its parameter may be the error.
    used = own.read[~np.isin(own.readers, found.cells)]
    may_be = is_same | np.isin(found.parameters, used)
    number = np.unique(found.groups * (most + 1) + own_shapes, return_inverse=True)[1]
    is_something_else = (np.bincount(number, may_be) == 0) & (np.bincount(number) >= _LEAST_ALIKE)
    return np.asarray(_by_most(is_same & is_read, found) & ~is_something_else[number])


def _read_it_twice(found: Updates, by: Reads) -> NDArray[np.bool_]:
    """Tell which updates name their parameter more than once, as with a gradient written out."""
    size = int(max(by.readers.max(initial=0), found.cells.max(initial=0))) + 1
    every, counts = np.unique(by.read * size + by.readers, return_counts=True)
    return np.isin(found.parameters * size + found.cells, every[counts > 1])


def _go_on(found: Updates) -> NDArray[np.bool_]:
    """Tell which updates are of groups in which what is updated is updated again."""
    count = int(found.groups.max(initial=-1)) + 1
    key = found.groups * (int(found.cells.max(initial=0)) + 1)
    goes_on = np.isin(key + found.cells, key + found.parameters)
    is_chain = 2 * np.bincount(found.groups, goes_on, count) >= np.bincount(found.groups)
    return np.asarray(is_chain[found.groups])


def _are_read_alike(known: NDArray[np.bool_], found: Updates, own: Reads) -> NDArray[np.bool_]:
    """Tell which parameters are read in a role in which one is read that is known to be one."""
    most = int(own.roles.max(initial=0)) + 1
    pair, role = _roles_of(found.parameters, _distinct(own.read * most + own.roles), most)
    is_shared = np.isin(role, role[known[pair]])
    alike = np.zeros(len(known), dtype=bool)
    alike[pair[is_shared]] = True
    return alike


def _distinct(numbers: Indexes) -> Indexes:
    """Return numbers in order, each once; of many, this is faster than ``np.unique``."""
    found = np.sort(numbers)
    return found[np.diff(found, prepend=-1) > 0]


def _are_among(numbers: Indexes, ordered: Indexes) -> NDArray[np.bool_]:
    """Tell which numbers are among others, which are in order."""
    at = np.searchsorted(ordered, numbers)
    found = np.zeros(len(numbers), dtype=bool)
    inside = at < len(ordered)
    found[inside] = ordered[at[inside]] == numbers[inside]
    return found


def _by_most(are_right: NDArray[np.bool_], found: Updates) -> NDArray[np.bool_]:
    """Tell for which updates most that are alike are right."""
    count = int(found.groups.max(initial=-1)) + 1
    right = np.bincount(found.groups, are_right, count)
    return 2 * right[found.groups] >= np.bincount(found.groups, minlength=count)[found.groups]


def _roles_of(cells: Indexes, roles: Indexes, most: int) -> tuple[Indexes, Indexes]:
    """Return for each role in which one of some cells is read: the number of the cell, the role.

    ``roles`` are those of all cells: place times ``most``, plus role; in order.
    """
    limits = (np.searchsorted(roles, own * most) for own in (cells, cells + 1))
    pair, at = members_of(*limits)
    return pair, roles[at] % most


def _read_another(found: Updates, own: Reads) -> NDArray[np.bool_]:
    """Tell which cells also read an update of their parameter: these show how much it changes."""
    relevant = own.by(found.cells)
    size = len(own.origin)
    updated = found.parameters * size + found.cells
    order = np.argsort(relevant.readers, kind="stable")
    readers, read = relevant.readers[order], relevant.read[order]
    end = np.searchsorted(readers, found.cells, side="right")
    pair, at = members_of(np.searchsorted(readers, found.cells), end)
    is_update = np.isin(found.parameters[pair] * size + read[at], updated)
    reads_one = np.zeros(len(found.cells), dtype=bool)
    reads_one[pair[is_update]] = True
    return reads_one
