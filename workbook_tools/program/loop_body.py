"""Writes the Python source of a loop that calculates cells period by period, with plain floats."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

from workbook_tools.evaluator.values import FailedError, compared
from workbook_tools.package.cell_values import CellValue
from workbook_tools.program.dialect import NotPlainError
from workbook_tools.program.graph import Node
from workbook_tools.program.kernels import LARGEST, SCALAR, sure
from workbook_tools.program.memory import Memory
from workbook_tools.program.shapes import Slot
from workbook_tools.program.source import scalar_source

_LARGEST_AREA = 2_000  # cells that are written one by one
_CHECKED_TOGETHER = 50  # numbers
_RARE = 8  # periods, for which no source is worth its compilation
_STRICT = "strict_"  # with which the source of what only ``evaluator`` calculates begins


class Other:
    """A text, a boolean or an error value: any arithmetic with it raises ``TypeError``."""

    def __init__(self, value: CellValue) -> None:
        self.value = value


class Due(NamedTuple):
    """A formula that is calculated in some periods."""

    node: Node
    row: int  # of its cell in the first period of the loop; it may begin later
    periods: tuple[int, int]  # from one to another, of the loop's
    strictly: Callable[[int], Any]  # its value so many rows down, by Excel's full rules


class LoopBody:
    """The source of a loop over periods of some rows each.

    The values are in a list, a part of the memory from one place to another.
    """

    def __init__(
        self, memory: Memory, draw: int, places: tuple[int, int], periods: int, period: int
    ) -> None:
        """``periods`` says how many there are, ``period`` how many rows each has."""
        self._memory, self._draw, self._periods, self._period = memory, draw, periods, period
        self._begin, self._end = places
        self._lines: list[str] = []
        self._names: dict[int, str] = {}  # of what is calculated in every period, by place
        self._checked: list[str] = []
        self._globals: dict[str, Any] = {**SCALAR, "picked": _picked, "says": _says}

    def add(self, place: int, dues: Sequence[Due]) -> None:
        """Add the formulas of a cell and of those below it, each due in other periods.

        ``place`` is where in the list the cell is in the first period.
        """
        name, cell = f"x{len(self._lines)}", f"v[i+{place}]"
        sources: dict[str, list[tuple[int, int]]] = {}  # the periods of each
        rare: dict[int, Callable[[int], Any]] = {}
        for due in dues:
            begin, end = due.periods
            if end - begin <= _RARE < self._periods:
                rare |= dict.fromkeys(range(begin, end), due.strictly)
            else:
                sources.setdefault(self._source(due), []).append(due.periods)
        if not rare and list(sources.values()) == [[(0, self._periods)]]:
            [source] = sources
            self._lines.append(f"{cell} = {name} = {source}")
            if not source.startswith(_STRICT):
                self._checked.append(name)
            self._names[place] = name
            return
        number = np.zeros(self._periods, dtype=np.int64)  # of the source; 0 if none is due
        number[list(rare)] = 1
        choices = [f"{_STRICT}{name}[j](i)"] if rare else []
        self._globals[f"{_STRICT}{name}"] = rare
        for source, due_in in sources.items():
            choices.append(source if source.startswith(_STRICT) else f"sure({source})")
            for begin, end in due_in:
                number[begin:end] = len(choices)
        self._globals[f"number_{name}"] = number.tolist()
        self._lines.append(f"k = number_{name}[j]")
        self._lines += _chosen([f"{cell} = {choice}" for choice in choices], 1)

    def _source(self, due: Due) -> str:
        """Return the source for a formula."""
        self._due = due
        try:
            return scalar_source(due.node.shape.text, self)
        except NotPlainError:
            name = f"{_STRICT}{len(self._globals)}"
            self._globals[name] = due.strictly
            return f"{name}(i)"

    def compiled(self) -> Callable[[list[Any], int, int], int]:
        """Return a function of the list, and of the periods in which it begins and ends.

        It returns where it has ended: before the end if a period cannot be calculated.
        """
        for begin in range(0, len(self._checked), _CHECKED_TOGETHER):
            total = " + ".join(self._checked[begin : begin + _CHECKED_TOGETHER])
            self._lines.append(f"if not -{LARGEST!r} <= {total} <= {LARGEST!r}: break")
        body = "\n            ".join([*self._lines, f"i += {self._period}", "j += 1"])
        source = f"""def loop(v, j, end):
    i = j * {self._period}
    try:
        while j < end:
            {body}
    except (ArithmeticError, ValueError, TypeError):
        pass
    return j
"""
        exec(_code(source), self._globals)
        found: Callable[[list[Any], int, int], int] = self._globals["loop"]
        return found

    def one(self, slot: int) -> str:
        """Return the source of a cell's value."""
        own = self._due.node.shape.slots[slot]
        return self._at(own, own.first_row(self._due.row), own.column)

    def held(self, slot: int) -> str:
        """Return the source of what a cell holds: a number, None or an ``Other``."""
        own = self._due.node.shape.slots[slot]
        row = own.first_row(self._due.row)
        if self._places(own, row, 1, own.column) is not None:
            return self._at(own, row, own.column)
        name = f"c{len(self._globals)}"
        self._globals[name] = self._value(own, row, own.column)
        return name

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
        """Return the source of a list of the values of a range, row by row."""
        own = self._due.node.shape.slots[slot]
        if own.width > 1 and own.height * own.width > _LARGEST_AREA:
            raise NotPlainError(slot)
        row = own.first_row(self._due.row)
        columns = range(own.column, own.column + own.width)
        places = [self._places(own, row, own.height, column) for column in columns]
        if None in places:
            rows = range(row, row + own.height)
            values = [self._value(own, r, c) for r in rows for c in columns]
            if not all(isinstance(value, float) for value in values):
                raise NotPlainError(slot)
            name = f"c{len(self._globals)}"
            self._globals[name] = values
            return name
        if own.width == 1:
            moves = "i+" if own.moves else ""
            return f"v[{moves}{places[0]}:{moves}{places[0] + own.height}]"  # type: ignore[operator]
        rows = range(row, row + own.height)
        return f"[{', '.join(self._at(own, r, c) for r in rows for c in columns)}]"

    def _places(self, slot: Slot, row: int, height: int, column: int) -> int | None:
        """Return the place in the list of some cells of a column, in the first period.

        None if they are outside of the list. Raises ``NotPlainError`` if they move and are outside,
        or leave the part of the column that has places.
        """
        layout = self._memory.layout
        base, first, last = layout.column(layout.sheet(slot.sheet or self._due.node.sheet), column)
        periods = self._due.periods if slot.moves else (0, 1)
        begin, end = (self._period * own for own in periods)
        inside = first <= row + begin and row + height - 1 + end - self._period <= last
        is_listed = first <= last and self._begin <= base + first < self._end
        if inside and is_listed:
            return base + row - self._begin
        if slot.moves or is_listed:
            raise NotPlainError(slot)
        return None

    def _value(self, slot: Slot, row: int, column: int) -> CellValue:
        """Return the value of a fixed cell that the loop does not write."""
        layout = self._memory.layout
        place = layout.place(layout.sheet(slot.sheet or self._due.node.sheet), row, column)
        return self._memory.get(place, self._draw)


@lru_cache(maxsize=8)
def _code(source: str) -> CodeType:
    """Return the compiled source; what would be without one mistake or another is often alike."""
    return compile(source, "<loop>", "exec")


def _chosen(choices: Sequence[str], first: int) -> list[str]:
    """Return the lines of a statement for each ``k`` from the first one on; none for k = 0.

    They are found by halves: there may be thousands.
    """
    if len(choices) == 1:
        return [f"if k == {first}: {choices[0]}"]
    half = len(choices) // 2
    begin, end = _chosen(choices[:half], first), _chosen(choices[half:], first + half)
    return [
        f"if k < {first + half}:",
        *(f"    {line}" for line in begin),
        "else:",
        *(f"    {line}" for line in end),
    ]


def _says(held: Any, text: str) -> bool:
    value = held.value if isinstance(held, Other) else held
    try:
        return compared(value, text) == 0
    except FailedError:
        raise ValueError from None


def _picked(values: Sequence[Any], number: float) -> Any:
    if not 1 <= number < len(values) + 1:
        raise ValueError
    return sure(values[int(number) - 1])
