"""Writes the Python source of a loop that calculates cells period by period, with plain floats."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from workbook_tools.package.cell_values import CellValue
from workbook_tools.program.graph import Node
from workbook_tools.program.kernels import LARGEST, SCALAR, sure
from workbook_tools.program.memory import Memory
from workbook_tools.program.shapes import Slot
from workbook_tools.program.source import NotPlainError, scalar_source

_LARGEST_AREA = 2_000  # cells that are written one by one
_CHECKED_TOGETHER = 50  # numbers


class Other:
    """A text, a boolean or an error value: any arithmetic with it raises ``TypeError``."""

    def __init__(self, value: CellValue) -> None:
        self.value = value


class Due(NamedTuple):
    """A formula that is calculated in some periods."""

    node: Node
    row: int  # of its cell in the first period of the loop; it may begin later
    place: int  # in the list, of the same cell
    rows: tuple[int, int]  # it is due while the loop is so many rows down, from one to another
    strictly: Callable[[int], Any]  # its value that many rows down, if no source can be written


class LoopBody:
    """The source of a loop over periods of some rows each.

    The values are in a list, a part of the memory from one place to another.
    """

    def __init__(
        self, memory: Memory, draw: int, places: tuple[int, int], length: int, period: int
    ) -> None:
        """``length`` is the number of rows that the loop goes down."""
        self._memory, self._draw, self._length, self._period = memory, draw, length, period
        self._begin, self._end = places
        self._lines: list[str] = []
        self._names: dict[int, str] = {}  # of what has been calculated in this period, by place
        self._checked: list[str] = []
        self._globals: dict[str, Any] = {**SCALAR, "picked": _picked}

    def add(self, due: Due) -> None:
        """Add a formula."""
        self._due = due
        name, cell = f"x{len(self._lines)}", f"v[i+{due.place}]"
        begin, end = due.rows
        is_always = begin == 0 and end == self._length
        try:
            source = scalar_source(due.node.shape.text, self)
            if is_always:
                self._checked.append(name)
            else:
                source = f"sure({source})"
        except NotPlainError:
            source = f"strict_{name}(i)"
            self._globals[f"strict_{name}"] = due.strictly
        if not is_always:
            source += f" if {begin} <= i < {end} else {cell}"
        self._lines.append(f"{cell} = {name} = {source}")
        self._names[due.place] = name

    def compiled(self) -> Callable[[list[Any], int, int], int]:
        """Return a function of the list, and of how many rows down it begins and ends.

        It returns where it has ended: before the end if a period cannot be calculated.
        """
        for begin in range(0, len(self._checked), _CHECKED_TOGETHER):
            total = " + ".join(self._checked[begin : begin + _CHECKED_TOGETHER])
            self._lines.append(f"if not -{LARGEST!r} <= {total} <= {LARGEST!r}: break")
        body = "\n            ".join([*self._lines, f"i += {self._period}"])
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
        """Return the source of a cell's value."""
        own = self._due.node.shape.slots[slot]
        return self._at(own, own.first_row(self._due.row), own.column)

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
        row = own.first_row(self._due.row)
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
        """Return the source of one value of a range, by its number from 1."""
        return f"picked({self.every(slot)}, {number})"

    def _places(self, slot: Slot, row: int, height: int, column: int) -> int | None:
        """Return the place in the list of some cells of a column, in the first period.

        None if they are outside of the list. Raises ``NotPlainError`` if they move and are outside,
        or leave the part of the column that has places.
        """
        layout = self._memory.layout
        base, first, last = layout.column(layout.sheet(slot.sheet or self._due.node.sheet), column)
        begin, end = self._due.rows if slot.moves else (0, self._period)
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


def _picked(values: Sequence[Any], number: float) -> Any:
    if not 1 <= number < len(values) + 1:
        raise ValueError
    return sure(values[int(number) - 1])
