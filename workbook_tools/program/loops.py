"""Calculates formulas that feed themselves row by row, as a training does, in a generated loop.

Each formula gets a delay, in rows, such that everything that it reads has an earlier *time* (its
row plus the delay), or the same time and an earlier place in the loop. The loop goes on by a
*period*: one row, or the rows of an iteration. Its body calculates what is due in one period, with
plain floats. Where that fails (an error, a text, an overflow), ``evaluator`` calculates this
period.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from workbook_tools.formulas.families import Run
from workbook_tools.package.cell_values import CellValue
from workbook_tools.program.edges import Edges, Numbers
from workbook_tools.program.graph import Node
from workbook_tools.program.loop_body import Due, LoopBody, Other
from workbook_tools.program.memory import EMPTY, NUMBER, OTHER, Memory
from workbook_tools.program.order import longest_paths

_MOST_STATEMENTS = 60_000  # of the loops of a component
_MOST_STEPS = 20  # different ones that are tried as the period
_LONGEST = 1_000  # rows of a period that all steps fit into


class NoOrderError(Exception):
    """The formulas cannot be calculated in the order of rows."""


@dataclass(frozen=True)
class _Statement:
    """A formula in every so many rows."""

    node: int
    first_row: int
    count: int
    first: int  # the number of the first period
    due: tuple[int, int]  # the time within a period, and the rank among those of the same time

    @property
    def end(self) -> int:
        """The number of the period after its last one."""
        return self.first + self.count


class Loop:
    """A strongly connected component of the graph of formulas."""

    def __init__(
        self,
        nodes: Sequence[Node],
        edges: Edges,
        memory: Memory,
        strictly: Callable[[int, int, Callable[[int], CellValue]], CellValue],
    ) -> None:
        """Plan the loop; raises ``NoOrderError`` if there is none.

        ``edges`` are those between these nodes. ``strictly`` calculates the formula of a node in
        a row, given how to read places.
        """
        self._nodes, self._memory, self._strictly = nodes, memory, strictly
        self.period = _period([node.run for node in nodes])
        delays = _delays(len(nodes), edges)
        ranks = _ranks(len(nodes), edges, delays)
        self._statements = self._planned(delays, ranks)
        self._firsts = np.array([statement.first for statement in self._statements])
        self._ends = np.array([statement.end for statement in self._statements])
        self._periods = int(self._ends.max())

    def _planned(self, delays: Sequence[int], ranks: Sequence[int]) -> list[_Statement]:
        """Return the statements in their order within a period; the first periods become 0."""
        begin = min(n.run.first_row + delays[k] for k, n in enumerate(self._nodes))
        planned: list[_Statement] = []
        for k, node in enumerate(self._nodes):
            rows = node.run.rows
            every = self.period // node.run.step if _fits(node.run, self.period) else len(rows)
            for part in range(min(every, len(rows))):
                own = rows[part::every]
                first, due = divmod(own[0] + delays[k] - begin, self.period)
                planned.append(_Statement(k, own[0], len(own), first, (due, ranks[k])))
        earliest = min(statement.first for statement in planned)
        planned = [replace(own, first=own.first - earliest) for own in planned]
        return sorted(planned, key=lambda own: (own.due, self._place(own, 0)))

    def run(self, draw: int) -> None:
        """Calculate all cells, in one draw."""
        self._draw = draw
        self._load(draw)
        calculate = self._compiled()
        done = calculate(self._values, 0, self._periods)
        while done < self._periods:
            self._strict_period(done)
            done = calculate(self._values, done + 1, self._periods)
        self._save(draw)

    def _load(self, draw: int) -> None:
        """Copy the part of the memory that is read and written into a list, which is faster."""
        layout = self._memory.layout
        columns = {(layout.number[n.sheet], n.column) for n in self._nodes}
        fixed: set[tuple[int, int]] = set()
        for node in self._nodes:
            for slot in node.shape.slots:
                sheet = layout.sheet(slot.sheet or node.sheet)
                if slot.moves and sheet < len(layout.sheets):
                    columns |= {(sheet, slot.column + k) for k in range(slot.width)}
                elif sheet < len(layout.sheets):
                    fixed |= {(sheet, slot.column + k) for k in range(slot.width)}
        every = (layout.column(*column) for column in columns)
        parts = [slice(base + top, base + last + 1) for base, top, last in every if top <= last]
        self._begin = min(part.start for part in parts)
        self._end = max(part.stop for part in parts)
        self._values: list[Any] = [None] * (self._end - self._begin)
        if all(node.shape.is_complete for node in self._nodes):  # most may be other columns
            beside = (layout.column(*column) for column in fixed - columns)
            inside = range(self._begin, self._end)
            for base, first, last in beside:
                begin, end = max(base + first, inside.start), min(base + last + 1, inside.stop)
                parts += [slice(begin, end)] if begin < end else []
        else:
            parts = [slice(self._begin, self._end)]
        for part in parts:
            found = self._memory.numbers[part, draw].astype(object)
            kinds = self._memory.kinds[part]
            found[kinds == EMPTY] = None
            for k in np.flatnonzero(kinds == OTHER).tolist():
                found[k] = Other(self._memory.get(part.start + k, draw))
            self._values[part.start - self._begin : part.stop - self._begin] = found.tolist()

    def _save(self, draw: int) -> None:
        """Write the calculated cells into the memory."""
        for statement in self._statements:
            start = self._place(statement, statement.first) - self._begin
            places = range(start, start + statement.count * self.period, self.period)
            own = self._values[start : places[-1] + 1 : self.period]
            at = slice(start + self._begin, places[-1] + self._begin + 1, self.period)
            are_numbers = {*map(type, own)} == {float}
            if are_numbers and self._memory.draws == 1:
                self._memory.put_numbers(at, np.array(own)[:, None])
            elif are_numbers and (self._memory.kinds[at] == NUMBER).all():
                self._memory.numbers[at, draw] = own
            else:
                for place, value in zip(places, own, strict=True):
                    plain = value.value if isinstance(value, Other) else value
                    self._memory.put_in_draw(place + self._begin, draw, plain)

    def get(self, place: int) -> CellValue:
        """Return what a place of the memory holds now."""
        if self._begin <= place < self._end:
            value = self._values[place - self._begin]
            return value.value if isinstance(value, Other) else value
        return self._memory.get(place, self._draw)

    def _place(self, statement: _Statement, period: int) -> int:
        """Return where in the memory the cell of a statement is in a period."""
        node = self._nodes[statement.node]
        layout = self._memory.layout
        base, _, _ = layout.column(layout.number[node.sheet], node.column)
        row = statement.first_row + (period - statement.first) * self.period
        return base + row

    def _strict_period(self, period: int) -> None:
        """Calculate what is due in a period by Excel's full rules."""
        for k in np.flatnonzero((self._firsts <= period) & (period < self._ends)).tolist():
            statement = self._statements[k]
            row = statement.first_row + (period - statement.first) * self.period
            value = self._strictly(statement.node, row, self.get)
            self._values[self._place(statement, period) - self._begin] = _as_other(value)

    def _compiled(self) -> Callable[[list[Any], int, int], int]:
        """Return the loop over all periods."""
        body = LoopBody(
            self._memory, self._draw, (self._begin, self._end), self._periods, self.period
        )

        def place_of(statement: _Statement) -> int:
            return self._place(statement, 0) - self._begin

        for (_, place), own in groupby(self._statements, lambda one: (one.due, place_of(one))):
            dues: list[Due] = []
            for statement in own:
                row = statement.first_row - statement.first * self.period
                strictly = partial(self._one, statement.node, row)
                periods = statement.first, statement.end
                dues.append(Due(self._nodes[statement.node], row, periods, strictly))
            body.add(place, dues)
        return body.compiled()

    def _one(self, node: int, row: int, down: int) -> Any:
        return _as_other(self._strictly(node, row + down, self.get))


def _fits(run: Run, period: int) -> bool:
    """Tell whether a run is repeated in each period; otherwise its cells are taken one by one."""
    return len(run.rows) > 1 and period % run.step == 0


def _period(runs: Sequence[Run]) -> int:
    """Return the period that takes the fewest statements; raises ``NoOrderError`` if too many."""

    def statements(period: int) -> int:
        return sum(
            min(period // run.step, len(run.rows)) if _fits(run, period) else len(run.rows)
            for run in runs
        )

    steps = Counter(run.step for run in runs if len(run.rows) > 1)
    together = math.lcm(*steps)
    candidates = {1, together if together <= _LONGEST else 1}
    candidates |= {step for step, _ in steps.most_common(_MOST_STEPS)}
    period = min(sorted(candidates), key=statements)
    if statements(period) > _MOST_STATEMENTS:
        raise NoOrderError
    return period


def _as_other(value: CellValue) -> Any:
    return value if isinstance(value, float) else Other(value)


def _delays(count: int, edges: Edges) -> list[int]:
    """Return delays: for each edge, the reader's is at least the other's and the distance down."""
    return _longest(count, edges.read, edges.readers, edges.most)


def _ranks(count: int, edges: Edges, delays: Sequence[int]) -> list[int]:
    """Return ranks: a formula that reads another one of the same time has a higher rank."""
    at = np.array(delays)
    same = edges.most == at[edges.readers] - at[edges.read]
    return _longest(count, edges.read[same], edges.readers[same], 1)


def _longest(count: int, begins: Numbers, ends: Numbers, lengths: Numbers | int) -> list[int]:
    if (found := longest_paths(count, begins, ends, lengths)) is None:
        raise NoOrderError
    longest: list[int] = found.tolist()
    return longest
