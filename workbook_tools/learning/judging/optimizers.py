"""Compares the arithmetic of optimizers: every parameter must be updated as most others are.

Between a gradient and an update may stand a state, such as the momentum. Whatever the optimizer is,
it does the same with each parameter and its gradient. So gradients and parameters count as numbers
here, and some parameters are given the same ones: then their states and updates are the same, too.
Which parameters have the same numbers changes from draw to draw. So a state or an update that reads
the numbers of another parameter is found, too.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbook_tools.differentiation.adjoints import Derivatives
from workbook_tools.differentiation.tape import Array
from workbook_tools.learning.applied import Shown
from workbook_tools.learning.flow import Flow, Ways
from workbook_tools.learning.judging import textbook
from workbook_tools.learning.judging.verdicts import Compared, Culprit, Expected, Judged, Verdict
from workbook_tools.learning.reads import Reads
from workbook_tools.notation.addresses import MAX_COLUMNS
from workbook_tools.program.memory import Indexes, Memory

_GRADIENT, _FIRST_STATE = 1, 2  # kinds of cells that are given numbers; 0: parameters
_STREAMS = 2  # of random numbers
_DRAWS = 22  # in each, each parameter is given one of the streams; then the streams are exchanged
_SAME, _OTHER_PARAMETER = 0, 1  # draws: all are given the first stream; and other parameters
_AT_REST = slice(2, 12)  # draws: states begin with 0
_EXCHANGED = [0, 1, *(draw + 1 - 2 * (draw % 2) for draw in range(2, _DRAWS))]  # by draw
_CLEAR = 1e-9  # relative; numbers that differ less are equal
_OTHER_RATE = 1e-3  # what differs less is no other rate
_LEAST = 2  # parameters that are updated in the same way
_LEAST_FILLED = 4  # cells into which the formula of a state is filled
_STEADY = 4  # numbers of a single parameter that all iterations have
_LEAST_VARIANTS = 2  # the first updates of a parameter, which have a rate of their own
_USUAL = 0.8  # of the iterations
_MOST_NUMBERS = 50_000_000  # that are drawn; more would need too much memory
_MOST_EXPECTED = 20  # formulas for which it is worked out what they should give
_MOST_LEVELS = 12  # of cells between an update and a gradient


def compared(result: Judged, gradients: Sequence[Shown]) -> Compared:
    """Compare the arithmetic of updates whose gradients are known; return what is wrong in it."""
    if result.model.space.layout.size * _DRAWS > _MOST_NUMBERS:
        return Compared(result.model, result.claims, result.verdicts, result.of_one_sample)
    comparison = _Comparison(result, gradients)
    model = replace(result.model, memory=comparison.memory)
    found = Compared(model, result.claims, comparison.verdicts(), result.of_one_sample)
    culprits = comparison.culprits()
    comparison.explain(culprits, found.expected)
    found.culprits |= {one.cell: one for one in culprits}
    return found


class _Comparison:
    """The cells between gradients and updates, on numbers that parameters share."""

    def __init__(self, result: Judged, gradients: Sequence[Shown]) -> None:
        model, space = result.model, result.model.space
        self._result, self._space, self._updates = result, space, model.updates
        size = space.layout.size
        places = [(space.layout.place_of(one.cell), space.layout.place_of(one.parameter))
                  for one in gradients]  # fmt: skip
        self._gradients, self._by = np.array(places, dtype=np.int64).T
        self._find_iterations()
        # A sum of squares, for example, is updated, too, but is used for no loss.
        self._is_parameter = space.is_parameter & model.candidate.upstream
        self._is_parameter[model.updates.cells] = True
        ends = np.flatnonzero(self._is_parameter)
        flow = Flow(space.reads, np.concatenate([ends, self._gradients]))
        is_state = flow.downstream(self._gradients) & space.is_formula & ~self._is_parameter
        is_state &= ~model.candidate.upstream
        is_state[self._gradients] = False
        self._is_state = is_state
        reads = space.reads.at(np.flatnonzero(is_state[space.reads.readers]))
        self._forth = Ways(reads.read, reads.readers, size)
        self._find_times()
        self._find_lost_states()
        self._find_members()
        self._find_first_states()
        self._find_given()
        self._draw()
        self._compare()

    def _find_iterations(self) -> None:
        """Set for each parameter: from which one the training began, and after how many updates."""
        size = self._space.layout.size
        self._begin, self._time = np.arange(size), np.zeros(size, dtype=np.int64)
        own = self._space.updates
        updated = dict(zip(own.parameters.tolist(), own.cells.tolist(), strict=True))
        begins = updated.keys() - set(own.cells.tolist())
        for begin in begins:
            at, time = begin, 0
            while at in updated and (time == 0 or at != begin):
                at, time = updated[at], time + 1
                self._begin[at], self._time[at] = begin, time
        self._begin[self._gradients] = self._begin[self._by]
        self._time[self._gradients] = self._time[self._by]

    def _find_times(self) -> None:
        """Set for each state: the last iteration from which it reads a gradient."""
        left = self._is_state.copy()
        times = self._time[self._gradients]
        order = np.argsort(-times, kind="stable")
        ends = np.flatnonzero(np.diff(times[order], append=-1))
        for latest in np.split(self._gradients[order], ends[:-1] + 1):
            time = self._time[latest[0]]
            while len(latest):
                _, latest = self._forth.next(latest)
                latest = np.unique(latest[left[latest]])
                left[latest] = False
                self._time[latest] = time

    def _find_lost_states(self) -> None:
        """Find the columns that are read as states, but to which no gradient comes."""
        space, own, is_state = self._space, self._updates, self._is_state
        reads, keys = self._reads_by(own.cells)
        as_state = np.isin(keys, keys[is_state[reads.read]]) & ~is_state[reads.read]
        as_state &= space.is_formula[reads.read] & ~self._is_parameter[reads.read]
        as_state &= ~np.isin(reads.read, self._gradients)
        time_of = np.zeros(space.layout.size, dtype=np.int64)
        time_of[own.cells] = self._time[own.parameters]
        nodes = space.whole.node_at[reads.read[as_state]]
        for node in np.unique(nodes).tolist():
            places = space.whole.places_of(space.whole.nodes[node])
            own = np.flatnonzero(as_state)[nodes == node]
            if len(places) >= _LEAST_FILLED and 2 * len(own) > len(places):
                is_state[reads.read[own]] = True
                self._time[reads.read[own]] = time_of[reads.readers[own]]
        reads = space.reads.at(np.flatnonzero(is_state[space.reads.read]))
        self._back = Ways(reads.readers, reads.read, space.layout.size)

    def _reads_by(self, readers: Indexes) -> tuple[Reads, Indexes]:
        """Return what some cells read, and in which roles."""
        pairs = np.flatnonzero(np.isin(self._space.reads.readers, readers))
        return self._space.reads.at(pairs), self._space.roles[pairs]

    def _find_first_states(self) -> None:
        """Find the cells from which states begin, if these are other ones for each parameter."""
        space, is_state = self._space, self._is_state
        reads, keys = self._reads_by(np.flatnonzero(is_state))
        known = np.unique(keys[is_state[reads.read] & (reads.read != reads.readers)])
        begin_of = np.full(space.layout.size, -1)
        begin_of[self.cells] = self._begin[self.by]
        begins = begin_of[reads.readers]
        is_first = np.isin(keys, known) & ~is_state[reads.read] & ~self._is_parameter[reads.read]
        is_first &= ~np.isin(reads.read, self._gradients) & (begins >= 0) & (reads.read > 1)
        first, at = np.unique(reads.read[is_first], return_index=True)
        self._first_states = first
        self._begin[first] = begins[is_first][at]
        self._time[first] = self._time[reads.readers[is_first][at]]
        # Of several states of a parameter, such as m and v, they lie in the same order for each.
        own = np.stack([self._begin[first], self._time[first]])
        order = np.lexsort((first, *own))
        is_new = np.any(np.diff(own[:, order], prepend=-1) != 0, axis=0)
        numbers = np.arange(len(order))
        self._kind_of_first = np.zeros_like(first)
        self._kind_of_first[order] = (
            _FIRST_STATE + numbers - np.maximum.accumulate(np.where(is_new, numbers, 0))
        )

    def _draw(self) -> None:
        """Give parameters random numbers that they share, and work out all other cells."""
        chance = np.random.default_rng(0)
        times = int(self._time[self._given].max(initial=0)) + 1
        size = self._count_of_kinds, times, _STREAMS, _DRAWS
        numbers = chance.uniform(0.1, 0.9, size)
        numbers[:2] *= chance.choice([-1.0, 1.0], numbers[:2].shape)  # a state may be a square
        numbers[_FIRST_STATE:, :, :, _AT_REST] = 0.0
        numbers[1:, :, :, _OTHER_PARAMETER] = numbers[1:, :, :, _SAME]
        numbers[..., 3::2] = numbers[..., 2::2]
        self._streams = chance.integers(0, _STREAMS, (len(self._begins), _DRAWS))
        self._streams[:, 3::2] = 1 - self._streams[:, 2::2]
        self._streams[:, : _OTHER_PARAMETER + 1] = 0
        streams = self._streams[np.searchsorted(self._begins, self._begin[self._given])]
        kinds, times = self._kind[self._given], self._time[self._given]
        own = numbers[kinds[:, None], times[:, None], streams, np.arange(_DRAWS)]
        self._numbers = own
        self.memory, self.values = self._calculated(own)

    def _find_given(self) -> None:
        """Find the cells that are given numbers: parameters, gradients, and first states."""
        layout = self._space.layout
        parameters = np.flatnonzero(self._is_parameter)
        given = np.unique(np.concatenate([parameters, self._gradients, self._first_states]))
        self._given = given[np.isin(self._begin[given], self._begins)]
        self._is_given = np.zeros(layout.size, dtype=bool)
        self._is_given[self._given] = True
        self._kind = np.zeros(layout.size, dtype=np.int64)
        self._kind[self._gradients] = _GRADIENT
        self._kind[self._first_states] = self._kind_of_first
        self._count_of_kinds = int(self._kind.max()) + 1
        cut = np.union1d(np.flatnonzero(self._is_parameter), self._given)
        self._cut = Derivatives(
            self._space.sheets, self._space.values, [*map(layout.cell, cut.tolist())],
            self._space.iterations,
        )  # fmt: skip

    def _calculated(self, numbers: Array) -> tuple[Memory, Array]:
        """Return what cells are on given numbers, (given, draws), and what updates give then."""
        readers = self._space.readers_of(self._is_given)
        memory = self._cut.drawn(self._given, numbers, readers)
        values = memory.numbers.copy()
        values[self._space.updates.cells] = self._space.updated(memory)
        return memory, values

    def _find_members(self) -> None:
        """Set pairs of a cell that is a state or an update, and the parameter that it is for.

        A state is for the update that needs it, or if none does, for the gradient that it needs.
        """
        own, places = self._updates, self._space.layout.size
        self._is_update = np.zeros(places, dtype=bool)
        self._is_update[own.cells] = True
        pairs = self._near(self._back, np.stack([own.parameters, own.cells]))
        others = self._near(self._forth, np.stack([self._by, self._gradients]))
        is_known = np.zeros(places, dtype=bool)
        is_known[pairs[1]] = is_known[self._gradients] = True
        others = others[:, ~is_known[others[1]]]
        every = np.concatenate([pairs, others], axis=1)
        # Of others, no gradient is known. But if they are wrong, there may be none.
        are_wrong = self._result.are(Verdict.WRONG)
        wrong, count = np.unique(self._begin[own.parameters[are_wrong]], return_counts=True)
        every_begin, size = np.unique(self._begin[own.parameters], return_counts=True)
        wrong = wrong[2 * count > size[np.searchsorted(every_begin, wrong)]]
        self._begins = np.union1d(self._begin[self._by], wrong)
        self.by, self.cells = every[:, np.isin(self._begin[every[0]], self._begins)]

    def _near(self, ways: Ways, at: Indexes) -> Indexes:
        """Return pairs of a parameter and a cell, and those with states of the same iteration."""
        parts = [at]
        for _ in range(_MOST_LEVELS):
            number, cells = ways.next(at[1])
            at = np.unique(np.stack([at[0][number], cells]), axis=1)
            at = at[:, self._is_state[at[1]] & (self._time[at[0]] == self._time[at[1]])]
            if not at.size:
                break
            parts.append(at)
        return np.unique(np.concatenate(parts, axis=1), axis=1)

    def _compare(self) -> None:
        """Tell for each pair whether the cell is calculated as it is for other parameters."""
        sheets, _, _ = self._space.layout.cells(self.cells)
        self.times = self._time[self.by]
        self._iterations = sheets * (self.times.max(initial=0) + 1) + self.times
        self._are_updates = self._is_update[self.cells]
        values = self.values[self.cells]
        streams = self._streams_of(np.arange(len(self.by)))
        first = values[:, _SAME]
        order = np.lexsort((first, self._are_updates, self._iterations))
        keys = np.stack([self._iterations, self._are_updates])[:, order]
        first = first[order]
        with np.errstate(all="ignore"):
            is_new = np.diff(first) > _CLEAR * np.abs(first[1:])
        is_new |= np.any(keys[:, 1:] != keys[:, :-1], axis=0) | np.isnan(first[1:])
        self.is_usual = np.zeros(len(self.cells), dtype=bool)
        self._are_variants = np.zeros(len(self.cells), dtype=bool)  # by a rate of their own
        self._alike: dict[int, list[Indexes]] = defaultdict(list)  # by iteration
        for alike in np.split(order, np.flatnonzero(is_new) + 1):
            if len(alike) < _LEAST:
                continue
            should = np.full(values[alike].shape, np.nan)
            for stream in range(_STREAMS):
                has_it = streams[alike] == stream
                own = np.where(has_it, values[alike], np.nan)
                middle = _median(np.concatenate([own, own[:, _EXCHANGED]]))
                should = np.where(has_it, middle, should)
            with np.errstate(all="ignore"):
                close = np.abs(values[alike] - should) <= _CLEAR * np.abs(should)
                close |= ~np.isfinite(values[alike]) & ~np.isfinite(should)  # a division by 0
            same = alike[close.all(axis=1)]
            if len(np.unique(self._begin[self.by[same]])) >= _LEAST:
                self.is_usual[same] = True
                self._alike[int(self._iterations[same[0]])].append(same)

    def verdicts(self) -> list[Verdict]:
        """Return what is known of the updates."""
        own = self._updates.cells
        found = np.full(len(own), Verdict.THROUGH, dtype=object)
        odd = self._odd
        found[np.isin(own, self.cells[self.is_usual | self._are_variants])] = Verdict.ALIKE
        found[np.isin(own, self._filled())] = Verdict.ALIKE
        found[np.isin(own, self.cells[odd])] = Verdict.WRONG
        found[self._without_gradient()] = Verdict.WRONG
        return found.tolist()

    def _without_gradient(self) -> NDArray[np.bool_]:
        """Tell which updates are wrong because no gradient comes to them."""
        is_alone = ~np.isin(self._updates.cells, self.cells)
        return self._result.are(Verdict.WRONG) & is_alone

    def _filled(self) -> Indexes:
        """Return the updates of a sheet's only parameter that are as in its other iterations.

        So are all states that they read: each column has one formula, but for a few iterations.
        """
        sheets, _, _ = self._space.layout.cells(self.cells)
        nodes = self._space.whole.node_at[self.cells]
        sizes = np.bincount(nodes)[nodes]
        are_filled = np.zeros(len(self.cells), dtype=bool)
        for sheet in np.unique(sheets):
            own = sheets == sheet
            if len(np.unique(self._begin[self.by[own]])) == 1:
                count = len(np.unique(self.times[own]))
                are_filled[own] = sizes[own] >= max(_LEAST_FILLED, _USUAL * count)
        # The first state has a formula of its own, as no state is before it: the gradient itself,
        # for example.
        unlike = []
        for second, first in self._first_and_second_states(are_filled):
            if self._begins_like(first, int(self.cells[second])):
                are_filled[self.cells == first] = True
            else:
                unlike.append(int(self._iterations[second]) - 1)
        is_like = np.bincount(self._iterations, ~are_filled) == 0
        is_like[unlike] = False
        return np.asarray(self.cells[are_filled & is_like[self._iterations]])

    def _first_and_second_states(self, are_filled: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
        """Yield pairs that are second states, and the cells from which their columns begin.

        What reads a copy of the first gradient counts as reading the gradient.
        """
        space, layout = self._space, self._space.layout
        is_first = np.zeros(layout.size, dtype=bool)
        is_first[self._gradients] = self._time[self._gradients] == 0
        is_first[self.cells[(self.times == 0) & ~self._are_updates & ~are_filled]] = True
        for pair in np.flatnonzero((self.times == 1) & ~self._are_updates & are_filled).tolist():
            second = int(self.cells[pair])
            sheet, _, column = layout.cell(second)
            for cell in space.named_by(second):
                is_above = layout.cell(cell)[::2] == (sheet, column)
                if is_first[cell] and (is_above or self._kind[cell] == _GRADIENT):
                    yield pair, cell

    def _begins_like(self, first: int, second: int) -> bool:
        """Tell whether a first state is what the second one is if the first gradient is 0."""
        own, like = self._steady[first, :_STEADY], self._steady[second, _STEADY:]
        return bool((np.abs(own - like) <= _CLEAR * np.abs(like)).all())

    @cached_property
    def _steady(self) -> Array:
        """By place: what it is if all iterations have one parameter and one gradient.

        In the second half of the draws the first gradient is 0.
        """
        chance = np.random.default_rng(0)
        numbers = np.zeros((len(self._given), 2 * _STEADY))
        kinds, times = self._kind[self._given], self._time[self._given]
        parameter, gradient = chance.uniform(0.1, 0.9, (2, _STEADY)) * [[1.0], [-1.0]]
        numbers[kinds == 0] = np.tile(parameter, 2)
        numbers[kinds == _GRADIENT] = np.tile(gradient, 2)
        numbers[(kinds == _GRADIENT) & (times == 0), _STEADY:] = 0.0
        return self._calculated(numbers)[1]

    @cached_property
    def _usual_updates(self) -> Indexes:
        """By iteration: how many updates are alike."""
        return np.bincount(self._iterations, self.is_usual & self._are_updates)

    @cached_property
    def _odd(self) -> Indexes:
        """Return the numbers of the pairs that are not as most others, but should be."""
        # Of two updates that are not alike, each may be the wrong one.
        odd = self._are_updates & ~self.is_usual & (self._usual_updates[self._iterations] >= _LEAST)
        lines = self._begin[self.by] * len(self._space.layout.sheets)
        lines += self._space.layout.cells(self.cells)[0]
        for line in np.unique(lines[odd]).tolist():
            own = np.flatnonzero((lines == line) & odd)
            own = own[np.argsort(self.times[own])]
            ratios = np.array([*map(self._other_rate, own.tolist())])
            differ = np.isclose(ratios, ratios[0], rtol=_CLEAR, atol=0.0)
            judged = (lines == line) & self._are_updates
            judged &= self._usual_updates[self._iterations] >= _LEAST
            first = np.unique(self.times[judged])[:_LEAST_VARIANTS]
            if differ[:_LEAST_VARIANTS].all() and np.isin(first, self.times[own]).all():
                odd[own] = ~differ
                left = (lines == line) & ~self.is_usual & ~odd
                self._are_variants |= left & self._are_updates
                for pair in np.flatnonzero(left & ~self._are_updates).tolist():
                    self._are_variants[pair] = self._is_variant(pair)
        layout = self._space.layout
        sheets, _, columns = layout.cells(self.cells)
        number = sheets * (MAX_COLUMNS + 1) + columns
        is_usual = np.isin(self.cells, self.cells[self.is_usual])
        count, usual = np.bincount(number), np.bincount(number, is_usual)
        in_column = usual[number] >= _USUAL * count[number]
        odd |= in_column & ~is_usual & ~self._are_updates
        return np.flatnonzero(odd)

    def _other_rate(self, pair: int) -> float:
        """Return how much larger the rate is than that of others, if an update may differ in it.

        The weights of a layer may have a rate of their own. Biases often do not decay, as others
        do; then it is 1. NaN if the update differs in another way.
        """
        every = self._alike[int(self._iterations[pair])]
        [like, *_] = [own for own in every if self._are_updates[own[0]]]
        changes = self.values[self.cells] - self.memory.numbers[self.by]
        own, others = self._constants(pair), self._constants(int(like[0]))
        ratio = self._ratio(changes, like, pair) if not own or own != others else np.nan
        own_decays, others_decay = (
            not np.isclose(change[_SAME], change[_OTHER_PARAMETER], rtol=_CLEAR, atol=0.0)
            for change in (changes[pair], self._as_by(changes, like, pair))
        )
        return 1.0 if np.isnan(ratio) and others_decay and not own_decays else ratio

    def _constants(self, pair: int) -> frozenset[int]:
        """Return the numbers that an update and the states of its iteration read."""
        space, waiting = self._space, [int(self.cells[pair])]
        seen = {*waiting}
        while waiting:
            read = [cell for cell in space.named_by(waiting.pop()) if cell not in seen]
            seen.update(read)
            waiting += [
                cell for cell in read
                if self._is_state[cell] and self._time[cell] == self.times[pair]
            ]  # fmt: skip
        return frozenset(c for c in seen if space.is_leaf[c] and not self._is_given[c])

    def _ratio(self, values: Array, alike: Indexes, pair: int) -> float:
        """Return by what the values of a pair, from rest, are a multiple of others; NaN if not."""
        with np.errstate(all="ignore"):
            rates = (values[pair] / self._as_by(values, alike, pair))[_AT_REST]
        is_same = np.ptp(rates) <= _CLEAR * abs(rates[0])
        is_other = rates[0] > 0 and abs(rates[0] - 1) > _OTHER_RATE
        return float(rates[0]) if is_same and is_other else np.nan

    def _is_variant(self, pair: int) -> bool:
        """Tell whether a state is a multiple of those of other parameters, if these are alike."""
        values = self.values[self.cells]
        every = self._alike[int(self._iterations[pair])]
        states = [own for own in every if not self._are_updates[own[0]]]
        ratios = [self._ratio(values, own, pair) for own in states]
        return not states or bool(np.isfinite(ratios).any())

    def _as_by(self, values: Array, alike: Indexes, pair: int) -> Array:
        """Return the values, (draws,), that pairs have which are alike, on the numbers of a pair.

        ``values`` are those of all pairs.
        """
        own, streams = values[alike], self._streams_of(alike)
        own, streams = (np.concatenate([part, part[:, _EXCHANGED]]) for part in (own, streams))
        has_it = streams == self._streams_of([pair])
        return _median(np.where(has_it, own, np.nan))

    def _streams_of(self, pairs: Indexes | Sequence[int]) -> Indexes:
        """Return which streams of random numbers the parameters of some pairs have."""
        at = np.searchsorted(self._begins, self._begin[self.by[pairs]])
        return np.asarray(self._streams[at])

    def culprits(self) -> list[Culprit]:
        """Return the first cells that are not calculated as for most parameters, and copies."""
        space = self._space
        self._pair_of = np.full(space.layout.size, -1)
        self._pair_of[self.cells] = np.arange(len(self.cells))
        is_usual = np.zeros(space.layout.size, dtype=bool)
        is_usual[self.cells[self.is_usual | self._are_variants]] = True
        found = self._first_of(self.cells[self._odd], is_usual)
        found = found or self._first_of_two(is_usual)
        found += self._updates.cells[self._without_gradient()].tolist()
        copies = []
        for node in {int(space.whole.node_at[cell]) for cell in found}:
            places = space.whole.places_of(space.whole.nodes[node])
            own = places[~is_usual[places]]
            copies += (places if 2 * len(own) > len(places) else own).tolist()
        number = {cell: k for k, cell in enumerate(self._updates.cells.tolist())}
        every = {}
        parameter = -1
        for cell in sorted({*found, *copies}):
            k = number.get(cell, -1)
            if k >= 0:
                parameter = int(self._updates.parameters[k])
            elif (pair := int(self._pair_of[cell])) >= 0:
                parameter = int(self.by[pair])
            every[cell] = Culprit(cell, parameter, [k] if k >= 0 else [], False)
        return [*every.values()]

    def _first_of(self, waiting: Indexes, is_usual: NDArray[np.bool_]) -> list[int]:
        """Return the cells that make some cells unusual: they themselves read no unusual one."""
        seen = np.zeros(len(is_usual), dtype=bool)
        waiting = np.unique(waiting)
        found: list[int] = []
        while len(waiting):
            seen[waiting] = True
            number, read = self._back.next(waiting)
            kept = ~is_usual[read]
            number, read = number[kept], read[kept]
            is_first = np.ones(len(waiting), dtype=bool)
            is_first[number] = False
            found += waiting[is_first].tolist()
            waiting = np.unique(read[~seen[read]])
        if not found and seen.any():  # in a circle, no cell is the first one
            return self._rarest(np.flatnonzero(seen).tolist())
        return found

    def _rarest(self, cells: Sequence[int]) -> list[int]:
        """Return the cells whose formulas are filled into fewer cells than those of others."""
        nodes, node_at = self._space.whole.nodes, self._space.whole.node_at
        counts = {cell: len(nodes[int(node_at[cell])].run.rows) for cell in cells}
        most = max(counts.values(), default=0)
        return [cell for cell, count in counts.items() if 2 * count <= most]

    def _first_of_two(self, is_usual: NDArray[np.bool_]) -> list[int]:
        """Return the cells that make two updates differ, of two that are alike before.

        The formula that is filled into fewer cells is the odd one, or that of no known optimizer.
        """
        space, found = self._space, []
        sheets, _, _ = space.layout.cells(self.cells)
        odd = self._are_updates & (self._usual_updates[self._iterations] < _LEAST)
        for sheet in np.unique(sheets[odd]).tolist():
            own = odd & (sheets == sheet)
            is_first = self.times == self.times[own].min()
            odd_ones: list[int] = []
            if (self.is_usual & self._are_updates & (sheets == sheet)).any():
                odd_ones = self._rarest(self._first_of(self.cells[own & is_first], is_usual))
            if not odd_ones:
                wrong = self._unknown_of_two(own)
                odd_ones = self._first_of(self.cells[wrong[is_first[wrong]]], is_usual)
            found += odd_ones
        return found

    def _unknown_of_two(self, own: NDArray[np.bool_]) -> Indexes:
        """Return those updates of two parameters that no known optimizer has, if the others may be.

        The others are then what these should be like.
        """
        updates = [np.flatnonzero(own & (self._begin[self.by] == begin)) for begin in self._begins]
        updates = [every for every in updates if len(every)]
        if len(updates) != _LEAST:
            return np.zeros(0, dtype=np.int64)
        are_gradients = self._kind[self._given] == _GRADIENT
        is_old = self._time[self._given] % 3 == 0
        added = self._added(self.memory, self.values)
        of_scaled, of_others = (
            self._added(
                *self._calculated(np.where(changed[:, None], textbook.SCALE, 1.0) * self._numbers)
            )
            for changed in (are_gradients, are_gradients & is_old)
        )
        known = []
        for every in updates:
            later = every[self.times[every] % 3 == 2]  # by two iterations
            is_known = textbook.is_known(added[every], of_scaled[every])
            known.append((is_known, textbook.remembers(added[later], of_others[later])))
        if known[0] == known[1] or (True, True) not in known:
            return np.zeros(0, dtype=np.int64)
        right, wrong = updates if known[0] == (True, True) else updates[::-1]
        for pair in right.tolist():
            self._alike[int(self._iterations[pair])].append(np.array([pair]))
        return wrong

    def _added(self, memory: Memory, values: Array) -> Array:
        """Return what updates add to parameters, from rest, (pairs, draws)."""
        return np.asarray((values[self.cells] - memory.numbers[self.by])[:, _AT_REST])

    def explain(self, culprits: Sequence[Culprit], expected: dict[int, Expected]) -> None:
        """Set what the first culprit of each formula should be, from other parameters."""
        firsts: dict[int, Culprit] = {}
        for one in sorted(culprits, key=lambda one: one.cell):
            firsts.setdefault(int(self._space.whole.node_at[one.cell]), one)
        own = [*firsts.values()][:_MOST_EXPECTED]
        if not own:
            return
        stored = self._as_stored([int(self._begin[one.parameter]) for one in own])
        for number, one in enumerate(own):
            pair = int(self._pair_of[one.cell])
            if pair < 0:
                continue
            for alike in self._counterparts(pair):
                drawn = self._as_by(self.values[self.cells], alike, pair)
                if np.isfinite(drawn).all():
                    value = float(stored[self.cells[alike[0]], number])
                    expected[one.cell] = Expected(drawn, value, None)
                    one.like = int(self.cells[alike[0]])
                    at = self._iterations == self._iterations[alike[0]]
                    at &= self._begin[self.by] == self._begin[one.parameter]
                    one.parameter = int(self.by[at.argmax()])
                    break

    def _counterparts(self, pair: int) -> Iterator[Indexes]:
        """Yield the pairs that may be for other parameters what an odd one is for its own.

        A state that leaves out its gradient seems to belong to the iteration before.
        """
        first = int(self._iterations[pair])
        for iteration in (first, first + 1):
            for alike in sorted(self._alike[iteration], key=len, reverse=True):
                is_taken = self._begin[self.by[alike]] == self._begin[self.by[pair]]
                if not is_taken.any() and self._are_updates[alike[0]] == self._are_updates[pair]:
                    yield alike

    def _as_stored(self, begins: Sequence[int]) -> Array:
        """Return what cells are if all parameters have the numbers that one has in the workbook.

        ``begins`` are those from which some parameters begin; each has a draw, (places, begins).
        """
        stored = self._space.stored.numbers[:, 0]
        given = self._given
        keys = self._time[given] * self._count_of_kinds + self._kind[given]
        numbers = np.repeat(stored[given][:, None], len(begins), 1)
        for k, begin in enumerate(begins):
            own = self._begin[given] == begin
            known = dict(zip(keys[own].tolist(), stored[given[own]].tolist(), strict=True))
            now = zip(keys.tolist(), numbers[:, k].tolist(), strict=True)
            numbers[:, k] = [known.get(key, number) for key, number in now]
        _, values = self._calculated(numbers)
        return values


def _median(numbers: Array) -> Array:
    """Return the middle number of each column, one that is there; NaN if there is none."""
    ordered = np.sort(numbers, axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    middle = np.maximum(count - 1, 0) // 2
    return np.asarray(ordered[middle, np.arange(ordered.shape[1])])
