"""Calculates formulas that feed themselves row by row, as a training does, in a generated loop.

Each formula gets a delay, in rows, such that everything that it reads has an earlier *time* (its
row plus the delay), or the same time and an earlier place in the loop. The loop goes on by
a *period*: one row, or the rows of an iteration. Its body calculates what is due in one period, with
plain floats. Where that fails (an error, a text, an overflow), ``strict`` calculates this period.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from workbook_tools.package.cell_values import CellValue
from workbook_tools.program.graph import Edges, Node
from workbook_tools.program.kernels import LARGEST, SCALAR, sure
from workbook_tools.program.memory import NUMBER, Memory
from workbook_tools.program.shapes import Slot
from workbook_tools.program.source import NotPlainError, scalar_source

_MOST_STATEMENTS = 60_000  # of the loops of a component
_LEAST_PERIODS = 3  # for which a loop is written
_LARGEST_AREA = 2_000  # cells that are written one by one
_CHECKED_TOGETHER = 50  # numbers


class NoOrderError(Exception):
    """The formulas cannot be calculated in the order of rows."""


class _Other:
    """A text, a boolean or an error value: any arithmetic with it raises ``TypeError``."""

    def __init__(self, value: CellValue) -> None:
        self.value = value


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
        self.period = max((node.run.step for node in nodes if len(node.run.rows) > 1), default=1)
        delays = _delays(len(nodes), edges)
        ranks = _ranks(len(nodes), edges, delays)
        self._statements = self._planned(delays, ranks)

    def _planned(self, delays: Sequence[int], ranks: Sequence[int]) -> list[_Statement]:
        begin = min(n.run.first_row + delays[k] for k, n in enumerate(self._nodes))
        planned: list[_Statement] = []
        for k, node in enumerate(self._nodes):
            rows = node.run.rows
            if len(rows) > 1 and self.period % node.run.step:
                raise NoOrderError
            every = self.period // node.run.step if len(rows) > 1 else 1
            for part in range(min(every, len(rows))):
                own = rows[part::every]
                first, due = divmod(own[0] + delays[k] - begin, self.period)
                planned.append(_Statement(k, own[0], len(own), first, (due, ranks[k])))
        if len(planned) > _MOST_STATEMENTS:
            raise NoOrderError
        return sorted(planned, key=lambda statement: statement.due)

    def run(self, draw: int) -> None:
        """Calculate all cells, in one draw."""
        self._draw = draw
        self._load(draw)
        ends = sorted({end for s in self._statements for end in (s.first, s.end)})
        left = _MOST_STATEMENTS
        for first, end in pairwise(ends):
            due = [s for s in self._statements if s.first <= first < s.end]
            left -= len(due)
            if left < 0 or end - first < _LEAST_PERIODS:
                for number in range(first, end):
                    self._strict_period(due, number)
            else:
                self._loop(due, first, end)
        self._save(draw)

    def _load(self, draw: int) -> None:
        """Copy the part of the memory that is read and written into a list, which is faster."""
        layout = self._memory.layout
        columns = {(layout.number[n.sheet], n.column) for n in self._nodes}
        for node in self._nodes:
            for slot in node.shape.slots:
                sheet = layout.sheet(slot.sheet or node.sheet)
                if slot.moves and sheet < len(layout.sheets):
                    columns |= {(sheet, slot.column + k) for k in range(slot.width)}
        places = [layout.column(*column) for column in columns]
        self._begin = min(base + first for base, first, last in places if first <= last)
        self._end = max(base + last for base, first, last in places if first <= last) + 1
        part = slice(self._begin, self._end)
        self.values: list[Any] = self._memory.numbers[part, draw].tolist()
        kinds = self._memory.kinds[part]
        for k in np.flatnonzero(kinds != NUMBER).tolist():
            value = self._memory.get(self._begin + k, draw)
            self.values[k] = None if value is None else _as_other(value)

    def _save(self, draw: int) -> None:
        """Write the calculated cells into the memory."""
        for statement in self._statements:
            start = self._place(statement, statement.first)
            places = range(start, start + statement.count * self.period, self.period)
            own = self.values[start : places[-1] + 1 : self.period]
            at = slice(start + self._begin, places[-1] + self._begin + 1, self.period)
            if all(type(value) is float for value in own) and self._memory.draws == 1:
                self._memory.put_numbers(at, np.array(own)[:, None])
                continue
            for place, value in zip(places, own, strict=True):
                plain = value.value if isinstance(value, _Other) else value
                self._memory.put_in_draw(place + self._begin, draw, plain)

    def get(self, place: int) -> CellValue:
        """Return what a place of the memory holds now."""
        if self._begin <= place < self._end:
            value = self.values[place - self._begin]
            return value.value if isinstance(value, _Other) else value
        return self._memory.get(place, self._draw)

    def _place(self, statement: _Statement, period: int) -> int:
        """Return where in the list the cell of a statement is in a period."""
        node = self._nodes[statement.node]
        layout = self._memory.layout
        base, _, _ = layout.column(layout.number[node.sheet], node.column)
        row = statement.first_row + (period - statement.first) * self.period
        return base + row - self._begin

    def _strict_period(self, due: Sequence[_Statement], period: int) -> None:
        for statement in due:
            row = statement.first_row + (period - statement.first) * self.period
            value = self._strictly(statement.node, row, self.get)
            self.values[self._place(statement, period)] = _as_other(value)

    def _loop(self, due: Sequence[_Statement], first: int, end: int) -> None:
        window = self._begin, self._end
        length = (end - first) * self.period
        body = _Body(self._memory, self._draw, window, length - self.period)
        for statement in due:
            row = statement.first_row + (first - statement.first) * self.period
            node = self._nodes[statement.node]
            body.add(node, row, self._place(statement, first), partial(self._one, statement, row))
        calculate = body.compiled(self.period)
        done = calculate(self.values, 0, length)
        while done < length:
            self._strict_period(due, first + done // self.period)
            done = calculate(self.values, done + self.period, length)

    def _one(self, statement: _Statement, row: int, down: int) -> Any:
        return _as_other(self._strictly(statement.node, row + down, self.get))


def _as_other(value: CellValue) -> Any:
    return value if isinstance(value, float) else _Other(value)


class _Body:
    """The source of a loop over the periods from one to another."""

    def __init__(self, memory: Memory, draw: int, window: tuple[int, int], last: int):
        """``last`` is how many rows down the last period is."""
        self._memory, self._draw = memory, draw
        self._begin, self._end = window
        self._last = last
        self._lines: list[str] = []
        self._names: dict[int, str] = {}  # of what has been calculated in this period, by place
        self._checked: list[str] = []
        self._globals: dict[str, Any] = {**SCALAR, "picked": _picked}

    def add(self, node: Node, row: int, place: int, strictly: Callable[[int], Any]) -> None:
        """Add the formula of a node: its cell is in a row, and at a place of the list."""
        self._node, self._row = node, row
        name = f"x{len(self._names)}"
        try:
            source = scalar_source(node.shape.text, self)
            self._checked.append(name)
        except NotPlainError:
            source = f"strict_{name}(i)"
            self._globals[f"strict_{name}"] = strictly
        self._lines.append(f"v[i+{place}] = {name} = {source}")
        self._names[place] = name

    def compiled(self, period: int) -> Callable[[list[Any], int, int], int]:
        """Return a function of the list, and of how many rows down it begins and ends.

        It returns where it has ended: before the end if a period cannot be calculated.
        """
        for begin in range(0, len(self._checked), _CHECKED_TOGETHER):
            total = " + ".join(self._checked[begin : begin + _CHECKED_TOGETHER])
            self._lines.append(f"if not -{LARGEST!r} <= {total} <= {LARGEST!r}: break")
        body = "\n            ".join([*self._lines, f"i += {period}"])
        source = f"""def loop(v, i, end):
    try:
        while i < end:
            {body}
    except (ArithmeticError, ValueError, TypeError):
        pass
    return i
"""
        exec(compile(source, "<loop>", "exec"), self._globals)
        found: Callable[[list[Any], int, int], int] = self._globals["loop"]
        return found

    def one(self, slot: int) -> str:
        own = self._node.shape.slots[slot]
        return self._at(own, own.first_row(self._row), own.column)

    def _at(self, slot: Slot, row: int, column: int) -> str:
        """Return the source of the value of a cell of a slot."""
        place = self._places(slot, row, 1, column)
        if place is None:
            value = self._value(slot, row, column)
            if isinstance(value, float) or value is None:
                return repr(value or 0.0)
            raise NotPlainError(slot)
        if slot.moves:
            return self._names.get(place) or f"v[i+{place}]"
        return f"v[{place}]"

    def every(self, slot: int) -> str:
        own = self._node.shape.slots[slot]
        row = own.first_row(self._row)
        columns = range(own.column, own.column + own.width)
        places = [self._places(own, row, own.height, column) for column in columns]
        if None in places:
            rows = range(row, row + own.height)
            name = f"k{len(self._globals)}"
            self._globals[name] = [self._value(own, r, c) for r in rows for c in columns]
            return name
        if own.width == 1:
            moves = "i+" if own.moves else ""
            return f"v[{moves}{places[0]}:{moves}{places[0] + own.height}]"  # type: ignore[operator]
        if own.height * own.width > _LARGEST_AREA:
            raise NotPlainError(slot)
        rows = range(row, row + own.height)
        return f"[{', '.join(self._at(own, r, c) for r in rows for c in columns)}]"

    def pick(self, slot: int, number: str) -> str:
        return f"picked({self.every(slot)}, {number})"

    def _places(self, slot: Slot, row: int, height: int, column: int) -> int | None:
        """Return the place in the list of some cells of a column, in the first period.

        None if they are outside of the list. Raises ``NotPlainError`` if they move and are outside,
        or leave the part of the column that has places.
        """
        layout = self._memory.layout
        base, first, last = layout.column(layout.sheet(slot.sheet or self._node.sheet), column)
        inside = first <= row and row + height - 1 + slot.moves * self._last <= last
        is_listed = first <= last and self._begin <= base + first < self._end
        if inside and is_listed:
            return base + row - self._begin
        if slot.moves or is_listed:
            raise NotPlainError(slot)
        return None

    def _value(self, slot: Slot, row: int, column: int) -> CellValue:
        """Return the value of a fixed cell that the loop does not write."""
        layout = self._memory.layout
        place = layout.place(layout.sheet(slot.sheet or self._node.sheet), row, column)
        return self._memory.get(place, self._draw)


def _picked(values: Sequence[Any], number: float) -> Any:
    if not 1 <= number < len(values) + 1:
        raise ValueError
    return sure(values[int(number) - 1])


def _delays(count: int, edges: Edges) -> list[int]:
    """Return delays: for each edge, the reader's is at least the other's and the distance down.

    The longest paths of the Bellman–Ford iteration; raises ``NoOrderError`` if some have no end.
    """
    delays = np.zeros(count, dtype=np.int64)
    for _ in range(count + 1):
        later = delays.copy()
        np.maximum.at(later, edges.readers, delays[edges.read] + edges.most)
        if (later == delays).all():
            return delays.tolist()
        delays = later
    raise NoOrderError


def _ranks(count: int, edges: Edges, delays: Sequence[int]) -> list[int]:
    """Return ranks: a formula that reads another one of the same time has a higher rank."""
    at = np.array(delays)
    same = edges.most == at[edges.readers] - at[edges.read]
    readers, read = edges.readers[same], edges.read[same]
    ranks = np.zeros(count, dtype=np.int64)
    for _ in range(count + 1):
        higher = ranks.copy()
        np.maximum.at(higher, readers, ranks[read] + 1)
        if (higher == ranks).all():
            return ranks.tolist()
        ranks = higher
    raise NoOrderError
