"""A workbook in which the parameters count as numbers: its cells, and random numbers in them."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.adjoints import Derivatives
from workbook_tools.differentiation.tape import Array
from workbook_tools.formulas.references import areas
from workbook_tools.formulas.sheets import Sheet
from workbook_tools.learning.applied import Shown, assumed_updates, gradient_of
from workbook_tools.learning.flow import Flow, Ways
from workbook_tools.learning.reads import reads
from workbook_tools.learning.steps import steered_by
from workbook_tools.learning.updates import Updates, updates
from workbook_tools.notation.addresses import Cell, full_name
from workbook_tools.package.columns import Columns
from workbook_tools.package.workbook import Iterations
from workbook_tools.program.graph import Node
from workbook_tools.program.lanes import Batch
from workbook_tools.program.memory import NUMBER, Indexes, Memory

DRAWS = 4
_STEP = 1e-5  # relative, of differences in the place of derivatives
AT_REST = "at rest: "  # before the name of a sheet, with what counts as 0 in the draws
_MOST_SHRUNK = 4  # times that parameters are halved
_SATURATED = 1e-7
_EXPONENTIAL = re.compile(r"\b(?:EXP|TANH)\(", re.IGNORECASE)
_LARGE = 3.0  # times the number with which a training begins


class Space:
    """The cells of a workbook by their places, and ways between them."""

    def __init__(
        self,
        sheets: Sequence[Sheet],
        values: Columns,
        iterations: Iterations | None,
        known: Updates | None = None,
        parameters: Sequence[Cell] = (),
        shown: Sequence[Shown] = (),
    ) -> None:
        """Find the updates, unless they are ``known``, and the parameters.

        If parameters are given, only these are updated, and what is updated from them. If gradients
        are ``shown``, updates are assumed for them, beside those that are known.

        ``values`` are those of a calculation; raises ``NotDifferentiableError``, and
        ``TooManyReadsError``.
        """
        self.sheets = [*sheets, *assumed_updates(shown)]
        self.values, self.iterations = values, iterations
        self.whole = Derivatives(self.sheets, values, [], iterations)
        memory = self.whole.memory
        self.layout = memory.layout
        self.reads = reads(self.whole.nodes, memory)
        self.is_formula = self.whole.are_formulas
        self.is_leaf = (memory.kinds == NUMBER) & ~self.is_formula
        if shown:
            known = self._assumed(shown, known)
        self.updates = updates(self.whole.nodes, self.whole, self.reads) if known is None else known
        given = np.array([*map(self.layout.place_of, parameters)], dtype=np.int64)
        if len(given):
            self.updates = _of(self.updates, given)
        self._known: dict[tuple[bytes, bool, bytes | bool], Memory] = {}
        own = np.unique(np.concatenate(self.updates[:2]))
        self.copies = self._copies(own)
        tied = [k for every in self.copies.values() for k in every.tolist()]
        self.parameters = np.unique(
            np.array([*own.tolist(), *tied, *given.tolist()], dtype=np.int64)
        )
        self.is_parameter = np.zeros(self.layout.size, dtype=bool)
        self.is_parameter[self.parameters] = True

    def _assumed(self, shown: Sequence[Shown], known: Updates | None) -> Updates:
        by, cells = (
            np.array([*map(self.layout.place_of, own)], dtype=np.int64)
            for own in ([one.parameter for one in shown], [one.update for one in shown])
        )
        groups = np.array([one.group for one in shown], dtype=np.int64)
        own = Updates(by, cells, groups, np.zeros(len(groups), dtype=bool))
        return own if known is None else own.and_others(known)

    @cached_property
    def gradients(self) -> dict[int, int]:
        """The cells that only show gradients, or should, with the parameters."""
        return {cell: self._before[update] for update, cell in self._shown.items()}

    @cached_property
    def is_assumed(self) -> NDArray[np.bool_]:
        """Which cells are updates that are only assumed, for a gradient that is shown."""
        found = np.zeros(self.layout.size, dtype=bool)
        found[[*self._shown]] = True
        return found

    def shows(self, update: int) -> int | None:
        """Return the cell that shows the gradient, if an update is only assumed for it."""
        return self._shown.get(update)

    @cached_property
    def _shown(self) -> dict[int, int]:
        """The cell that shows the gradient, for each update that is only assumed."""
        on_sheet = [gradient_of((name, 1, 1)) is not None for name in self.layout.sheets]
        sheets, _, _ = self.layout.cells(self.updates.cells)
        found = {}
        for update in self.updates.cells[np.array(on_sheet)[sheets]].tolist():
            if cell := gradient_of(self.layout.cell(update)):
                found[update] = self.layout.place_of(cell)
        return found

    @cached_property
    def cut(self) -> Derivatives:
        """The workbook in which the parameters are numbers."""
        cells = [self.layout.cell(place) for place in self.parameters.tolist()]
        return Derivatives(self.sheets, self.values, cells, self.iterations)

    @cached_property
    def stored(self) -> Memory:
        """The numbers that the workbook has; those that it would have, if something is at rest."""
        places = np.flatnonzero(self.is_at_rest)
        if not len(places):
            return self.cut.memory
        return self.cut.drawn(places, np.zeros((len(places), 1)), self.readers_of(self.is_at_rest))

    @cached_property
    def flow(self) -> Flow:
        """The ways between cells, which end at the parameters."""
        return Flow(self.reads, self.parameters)

    @cached_property
    def flow_of_all(self) -> Flow:
        """The ways between cells, also by way of the updates."""
        return Flow(self.reads, self.parameters[:0])

    @cached_property
    def roles(self) -> Indexes:
        """By pair of ``reads``: the role on the sheet of the reader, a number for each."""
        sheets, _, _ = self.layout.cells(self.reads.readers)
        return np.asarray(self.reads.roles * len(self.layout.sheets) + sheets)

    def named_by(self, cell: int) -> list[int]:
        """Return the cells that a formula names, other than in ranges, in place of copies."""
        _, found = self.named(np.array([cell]))
        return [*found.tolist()]

    def named(self, cells: Indexes, copies_too: bool = False) -> tuple[Indexes, Indexes]:
        """Return pairs of the number of one of some cells, and a cell that its formula names.

        A cell is returned once, and in place of its copies, unless these are what is asked.
        """
        number, found = self._named.next(cells)
        if copies_too:
            return number, found
        found = self.reads.origin[found]
        _, first = np.unique(number * self.layout.size + found, return_index=True)
        first.sort()
        return number[first], found[first]

    @cached_property
    def _named(self) -> Ways:
        named = self.reads.is_named
        return Ways(self.reads.readers[named], self.reads.cells[named], self.layout.size)

    @cached_property
    def depends(self) -> NDArray[np.bool_]:
        """Which cells depend on the parameters; these themselves, and copies, do not count."""
        found = self.flow.downstream(self.parameters)
        found[self.is_parameter[self.reads.across]] = False
        return found

    @cached_property
    def needed(self) -> NDArray[np.bool_]:
        """Which cells are used for the updates."""
        return self.flow.upstream(np.unique(self.reads.by(self.updates.cells).read))

    @cached_property
    def _before(self) -> dict[int, int]:
        """The parameter of each update."""
        return dict(zip(self.updates.cells.tolist(), self.updates.parameters.tolist(), strict=True))

    def earlier(self, parameter: int) -> list[int]:
        """Return the parameters of which one is the update, of all iterations, the latest first."""
        found: dict[int, None] = {parameter: None}
        at = self._shown_by(parameter)
        while at in self._before and self._before[at] not in found:
            found[self._before[at]] = None
            at = self._shown_by(self._before[at])
        return [*found][1:]

    def iteration_of(self, parameter: int) -> int:
        """Return how many updates there were before that a parameter is calculated by."""
        update = self._shown_by(parameter)
        return self._chain(update)[1] + 1 if update in self._before else 0

    def first_update(self, update: int) -> int:
        """Return the first of the updates by which a parameter is calculated."""
        return self._chain(self._shown_by(update))[0]

    def _chain(self, update: int) -> tuple[int, int]:
        """Return the first of a chain of updates, and how many there were since."""
        waiting: dict[int, None] = {}
        at, count = update, -1
        while at not in self._chains and at not in waiting:
            waiting[at] = None
            before = self._shown_by(self._before.get(at, at))
            at = before if before in self._before else at
        first, count = self._chains.get(at, (at, -1))
        for one in reversed(waiting):
            count += 1
            self._chains[one] = first, count
        return self._chains[update]

    @cached_property
    def _chains(self) -> dict[int, tuple[int, int]]:
        """By update: the first one, and how many there were since."""
        return {}

    def _shown_by(self, cell: int) -> int:
        """Return the cell that one shows, perhaps on another sheet."""
        return int(self.reads.across[cell])

    def nodes(self) -> Iterator[tuple[Node, Indexes]]:
        """Yield the formulas, each filled down, and the places of their cells."""
        for node in self.whole.nodes:
            yield node, self.whole.places_of(node)

    @cached_property
    def shape_at(self) -> Indexes:
        """By place: a number for the shape of the formula that is there; −1 if there is none."""
        found = np.full(self.layout.size, -1)
        numbers: dict[str, int] = {}
        for node, places in self.nodes():
            found[places] = numbers.setdefault(node.shape.text, len(numbers))
        return found

    def formula(self, place: int) -> str | None:
        """Return the formula of a cell."""
        sheet, row, column = self.layout.cell(place)
        return self._by_name[sheet].formula_at(row, column)

    @cached_property
    def _by_name(self) -> dict[str, Sheet]:
        return {sheet.name: sheet for sheet in self.sheets}

    def empty_cell(self, place: int) -> Cell | None:
        """Return an empty cell that the formula of a cell names; None if there is none."""
        sheet, _, _ = self.layout.cell(place)
        single = (area for area in areas(self.formula(place) or "") if area.cell_count == 1)
        every = (cell for area in single for cell in area.cells(sheet))
        return next((cell for cell in every if self.values.value(cell) is None), None)

    def name(self, place: int) -> str:
        """Return what a cell is called in a message."""
        return full_name(self.layout.cell(place))

    def _copies(self, parameters: Indexes) -> dict[int, Indexes]:
        """Return the cells below parameters that hold the same number, and are read like them.

        A first block of rows may have the number typed into each of them.
        """
        leaves = self.reads.of(np.flatnonzero(self.is_leaf))
        roles: dict[int, set[int]] = defaultdict(set)
        for place, role in zip(leaves.read.tolist(), leaves.roles.tolist(), strict=True):
            roles[place].add(role)
        values = self.whole.memory.numbers[:, 0]
        found = {}
        for place in parameters[self.is_leaf[parameters]].tolist():
            own = [place]
            column = self.layout.cell(place)[2]
            while (
                (below := own[-1] + 1) < len(values)
                and self.is_leaf[below]
                and values[below] == values[place]
                and roles[below] & roles[place]
                and self.layout.cell(below)[2] == column
            ):
                own.append(below)
            if len(own) > 1:
                found[place] = np.array(own)
        return found

    def drawn(
        self,
        inputs: NDArray[np.bool_],
        keeps_whole: bool,
        are_tied: bool = False,
        kept: NDArray[np.bool_] | None = None,
        needed: NDArray[np.bool_] | None = None,
    ) -> Memory:
        """Return the workbook calculated on random parameters, and random ``inputs``.

        Whole numbers among the inputs may be kept: these may be classes, or counts. All other
        numbers stay as they are, such as the learning rate, those by which others are found, and
        those that are ``kept``. ``are_tied`` says whether ``copies`` of parameters stay copies.
        Only what is ``needed`` is calculated; by default, all is.
        """
        values = np.nan_to_num(self.stored.numbers[:, 0])  # an error is as good as 0
        drawn = inputs & self.is_leaf & ~self.is_steering
        if keeps_whole:
            drawn &= values % 1 != 0
        drawn[self.parameters] = True
        drawn |= self.is_at_rest
        if kept is not None:
            drawn &= ~kept
        key = drawn.tobytes(), are_tied, needed is None or needed.tobytes()
        if key not in self._known:
            self._known[key] = self._drawn(drawn, values, are_tied, needed)
        return self._known[key]

    @cached_property
    def is_steering(self) -> NDArray[np.bool_]:
        """Which cells, or what they are calculated from, say what is picked or counted."""
        steering = np.flatnonzero(steered_by(self.whole.nodes, self.whole.memory))
        return np.asarray(self.flow_of_all.upstream(steering) & self.is_leaf)

    def differs(self, inputs: NDArray[np.bool_]) -> bool:
        """Tell whether there are whole numbers among inputs, so that it matters to keep them."""
        values = np.nan_to_num(self.stored.numbers[:, 0])
        kept = self.is_parameter | self.is_steering
        return bool((inputs & self.is_leaf & ~kept & (values % 1 == 0)).any())

    def _drawn(
        self,
        drawn: NDArray[np.bool_],
        values: Array,
        are_tied: bool,
        needed: NDArray[np.bool_] | None,
    ) -> Memory:
        places = np.flatnonzero(drawn)
        now, size = self._usual(values)[places][:, None], (len(places), DRAWS)
        chance = np.random.default_rng(0)
        near_zero, near = chance.uniform(0.1, 0.5, size), now * chance.uniform(0.7, 1.3, size)
        numbers = np.where(now == 0, near_zero, near)
        numbers[self.is_at_rest[places]] = 0.0
        if are_tied:
            for place, own in self.copies.items():
                numbers[np.searchsorted(places, own)] = numbers[np.searchsorted(places, place)]
        readers, is_own = self.readers_of(drawn), self.is_parameter[places]
        memory = self.cut.drawn(places, numbers, readers, needed)
        saturated = self._saturated(memory)
        for _ in range(_MOST_SHRUNK if saturated else 0):
            numbers = np.where(is_own[:, None], numbers / 2, numbers)
            other = self.cut.drawn(places, numbers, readers, needed)
            if (left := self._saturated(other)) >= saturated:
                break
            memory, saturated = other, left
        return memory

    def _saturated(self, memory: Memory) -> int:
        """Return how many activations are so near to 1 that 1 less them is mostly rounding."""
        with np.errstate(invalid="ignore"):
            off = np.abs(np.abs(memory.numbers[self._activations]) - 1)
            return int((off < _SATURATED).sum())

    @cached_property
    def _activations(self) -> Indexes:
        """The cells with an exponential in their formulas, which depend on parameters."""
        found = [places for node, places in self.nodes() if _EXPONENTIAL.search(node.shape.text)]
        every = np.concatenate([np.zeros(0, dtype=np.int64), *found])
        return np.asarray(every[self.depends[every]])

    @cached_property
    def is_at_rest(self) -> NDArray[np.bool_]:
        """Which cells count as 0 in the draws."""
        found = np.zeros(self.layout.size, dtype=bool)
        names = [name for name in self.layout.sheets if name.startswith(AT_REST)]
        if names:
            places = np.flatnonzero(self.is_leaf)
            sheets, _, _ = self.layout.cells(places)
            found[places] = np.isin(sheets, [*map(self.layout.sheet, names)])
        return found

    def readers_of(self, cells: NDArray[np.bool_]) -> Indexes:
        """Return the cells that read some cells, or show them."""
        origin = self.reads.origin
        is_reader = cells[origin] & (origin != np.arange(len(origin)))  # copies
        is_reader[self.reads.readers[cells[self.reads.read]]] = True
        return np.flatnonzero(is_reader)

    def _usual(self, values: Array) -> Array:
        """Return numbers like those of the workbook; the first ones where a training explodes."""
        found = values.copy()
        places = self.parameters
        start = values[self._first[places]]
        is_large = np.abs(values[places]) > _LARGE * np.maximum(1.0, np.abs(start))
        found[places[is_large]] = start[is_large]
        return found

    @cached_property
    def _first(self) -> Indexes:
        """The first parameter of which each is the last of many updates, by place."""
        found = np.arange(self.layout.size)
        found[self.updates.cells] = self.updates.parameters
        for _ in range(len(self.updates.cells).bit_length()):  # each round doubles the way back
            found = found[found]
        return found

    def slopes_by(self, parameter: int, memory: Memory, needed: NDArray[np.bool_]) -> Array:
        """Return the derivatives of cells by a parameter, (places, draws), by differences.

        Those of cells that are not ``needed`` may be 0.
        """
        places = np.flatnonzero((self.is_leaf & needed) | self.is_parameter)
        numbers = np.repeat(memory.numbers[places], 2, axis=1)
        step = _STEP * np.maximum(np.abs(memory.numbers[parameter]), 1.0)
        numbers[np.searchsorted(places, parameter)] += np.repeat(step, 2) * np.tile(
            [1, -1], len(step)
        )
        drawn = np.zeros_like(needed)
        drawn[places] = True
        shown = needed[self.reads.origin]  # copies, too
        found = self.cut.drawn(places, numbers, self.readers_of(drawn), shown).numbers
        return np.asarray((found[:, ::2] - found[:, 1::2]) / (2 * step))

    def updated(self, memory: Memory) -> Array:
        """Return what the updates give, (updates, draws); NaN if that is no number."""
        found = np.full((self.layout.size, memory.draws), np.nan)
        for nodes in self._update_nodes.values():
            batch = Batch(nodes, memory)
            for part in batch.parts():
                numbers, right = batch.calculated(part, is_exact=False)
                found[batch.places[part]] = np.where(right, numbers, np.nan)
        return found[self.updates.cells]

    def kept(self, memory: Memory) -> Array:
        """Return how much of its parameter each update keeps, (updates, draws): 1, or 1 − η λ."""
        found = np.ones((len(self.updates.cells), memory.draws))
        decaying = np.flatnonzero(self.updates.are_decaying)
        cells, by = (
            part[decaying].tolist() for part in (self.updates.cells, self.updates.parameters)
        )
        # A copy of the parameter may be named.
        number, named = self.named(self.updates.cells[decaying], copies_too=True)
        copies = {
            (k, int(self.reads.origin[one])): one
            for k, one in zip(number.tolist(), named.tolist(), strict=True)
        }
        pairs = [
            (self.layout.cell(copies.get((k, parameter), parameter)), self.layout.cell(cell))
            for k, (cell, parameter) in enumerate(zip(cells, by, strict=True))
        ]
        for k, (_, _, slope) in zip(
            decaying.tolist(), self.whole.slopes(pairs, memory), strict=True
        ):
            found[k] = slope
        return found

    @cached_property
    def _update_nodes(self) -> dict[str, list[Node]]:
        is_update = np.zeros(self.layout.size, dtype=bool)
        is_update[self.updates.cells] = True
        found: dict[str, list[Node]] = defaultdict(list)
        for node, places in self.nodes():
            if is_update[places].any():
                found[node.shape.text].append(node)
        return found


def _of(updates: Updates, parameters: Indexes) -> Updates:
    """Return the updates of some parameters, and of what these are updated to."""
    kept = np.isin(updates.parameters, parameters)
    while True:
        more = kept | np.isin(updates.parameters, updates.cells[kept])
        if (more == kept).all():
            return updates.among(kept)
        kept = more
