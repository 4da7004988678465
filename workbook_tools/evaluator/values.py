"""The values that formulas work with, and how Excel converts, compares and writes them.

Conversions raise ``FailedError`` where a cell would show an error value. A text that Excel may take
for a date is not guessed: it raises ``UnknownFunctionError``.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TypeAlias

from workbook_tools.notation.addresses import MAX_TEXT_LENGTH
from workbook_tools.package.cell_values import CellError, CellValue

DIV0, NA, NAME = CellError("#DIV/0!"), CellError("#N/A"), CellError("#NAME?")
NUM, REF, VALUE = CellError("#NUM!"), CellError("#REF!"), CellError("#VALUE!")
MOST_CELLS = 1 << 22  # of an array that is worked out one by one
_DIGITS = 15  # significant digits of a number in a text
_LONGEST = 20  # characters of a number in a text that has no exponent


class UnknownFunctionError(Exception):
    """A formula uses a function or something else that is not known here; it is not guessed."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class FailedError(Exception):
    """The formula shows an error value."""

    def __init__(self, value: CellError) -> None:
        super().__init__(value.code)
        self.value = value


@dataclass(frozen=True, slots=True)
class Grid:
    """The value of a range or of an array."""

    rows: Sequence[Sequence[CellValue]]  # row by row; they may end before the grid does
    height: int
    width: int
    place: tuple[str, int, int] | None = None  # sheet, first row, first column of a reference
    rest: CellValue = (
        None  # the value of all cells that ``rows`` leaves out; those of a range are empty
    )

    def at(self, row: int, column: int) -> CellValue:
        """Return the value at a place, counted from 0."""
        if row < len(self.rows) and column < len(self.rows[row]):
            return self.rows[row][column]
        return self.rest

    def flat(self) -> Iterator[CellValue]:
        """Yield the values row by row, without the empty cells that ``rows`` leaves out."""
        if self.rest is None:
            return chain.from_iterable(self.rows)
        if self.left_out > 16 * MOST_CELLS:
            raise UnknownFunctionError(f"an array of {self.height * self.width:,} cells")
        return chain(
            chain.from_iterable(
                chain(row, repeat(self.rest, self.width - len(row))) for row in self.rows
            ),
            repeat(self.rest, self.width * (self.height - len(self.rows))),
        )

    @property
    def left_out(self) -> int:
        """How many of its cells ``rows`` leaves out."""
        return self.height * self.width - sum(map(len, self.rows))

    def first(self, count: int) -> list[CellValue]:
        """Return the cells of its first rows, row by row."""
        rows = self.rows[:count]
        if len(rows) == count and all(len(row) == self.width for row in rows):
            return list(chain.from_iterable(rows))
        return [self.at(i, j) for i in range(count) for j in range(self.width)]

    def full(self) -> list[list[CellValue]]:
        """Return all its rows at full length; raises ``UnknownFunctionError`` if they are many."""
        if self.height * self.width > MOST_CELLS:
            raise UnknownFunctionError(f"an array of {self.height * self.width:,} cells")
        rows = [[*row, *repeat(self.rest, self.width - len(row))] for row in self.rows]
        return rows + [[self.rest] * self.width for _ in range(self.height - len(rows))]


Value: TypeAlias = CellValue | Grid


def array(rows: Sequence[Sequence[CellValue]]) -> Grid:
    """Return rows of equal length as an array, in which no cell is empty."""
    filled = [[0.0 if value is None else value for value in row] for row in rows]
    return Grid(filled, len(filled), len(filled[0]))


def as_grid(value: Value) -> Grid:
    """Return a value as a grid, of one cell if it is no grid."""
    return value if isinstance(value, Grid) else Grid([[value]], 1, 1)


_SPELLED = re.compile(
    r"""(?P<open>\()?\s*+(?P<sign>[-+])?\s*+\$?\s*+
    (?P<digits>(?:\d{1,3}(?:,\d{3})++|\d++)(?:\.\d*+)?|\.\d++)(?P<exponent>[eE][-+]?\d++)?
    \s*+(?P<percent>%?)\s*+(?(open)\))""",
    re.VERBOSE,
)
_LIKE_A_DATE = re.compile(r"\d\s*+[-/:.,]\s*+\d|\d\s++[ap]m?\b", re.IGNORECASE)
_MONTH = re.compile("jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec", re.IGNORECASE)


def spelled(text: str) -> float | None:
    """Return the number that a text spells, None if it is another text."""
    match = _SPELLED.fullmatch(text.strip())
    if match is None:
        if _LIKE_A_DATE.search(text) or (_MONTH.search(text) and re.search(r"\d", text)):
            raise UnknownFunctionError(f"the text {text[:20]!r}, perhaps a date")
        return None
    if match["open"] and match["sign"]:
        return None
    found = float(match["digits"].replace(",", "") + (match["exponent"] or ""))
    if match["percent"]:
        found /= 100
    if math.isinf(found):
        return None
    return -found if match["sign"] == "-" or match["open"] else found


def number(value: Value) -> float:
    """Return a value as a number."""
    if isinstance(value, float):
        return value
    if value is None:
        return 0.0
    if isinstance(value, bool | int):
        return float(value)
    if isinstance(value, str):
        found = spelled(value)
        if found is None:
            raise FailedError(VALUE)
        return found
    raise FailedError(value if isinstance(value, CellError) else VALUE)


def logical(value: Value) -> bool:
    """Return a value as a condition."""
    if isinstance(value, str):
        if value.upper() not in ("TRUE", "FALSE"):
            raise FailedError(VALUE)
        return value.upper() == "TRUE"
    return number(value) != 0


def text(value: Value) -> str:
    """Return a value as a text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return general(number(value))


def general(value: float) -> str:
    """Return a number as ``&`` writes it: 15 digits, with an exponent if that is too long."""
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, power = f"{abs(value):.{_DIGITS - 1}e}".partition("e")
    digits, exponent = mantissa.replace(".", "").rstrip("0"), int(power)
    if 0 <= exponent < _LONGEST:
        whole = digits[: exponent + 1].ljust(exponent + 1, "0")
        rest = digits[exponent + 1 :]
        return f"{sign}{whole}.{rest}" if rest else f"{sign}{whole}"
    small = f"0.{'0' * (-exponent - 1)}{digits}"
    if exponent < 0 and len(small) <= _LONGEST:
        return sign + small
    point = "." if digits[1:] else ""
    return f"{sign}{digits[0]}{point}{digits[1:]}E{exponent:+03d}"


def rank(value: CellValue) -> int:
    """Return the place of a value's type in Excel's order: numbers, texts, booleans."""
    return 2 if isinstance(value, bool) else 1 if isinstance(value, str) else 0


_EMPTY: tuple[CellValue, ...] = (0.0, "", False)


def compared(left: Value, right: Value) -> int:
    """Return -1, 0 or 1 if the first value is less, equal or greater to ``=``, ``<`` and ``>``.

    To them, numbers are equal if their first 15 digits are: 0.1+0.2=0.3 holds. (Excel stores 0 for
    ``IF(B14=1,0,1)`` where B14 is 0.9999999999999999.)
    """
    if type(left) is float and type(right) is float and left != right:
        is_near = abs(left - right) <= 1e-14 * abs(left)
        if is_near and f"{left:.{_DIGITS - 1}e}" == f"{right:.{_DIGITS - 1}e}":
            return 0
    return ordered(left, right)


def ordered(left: Value, right: Value) -> int:
    """Return -1, 0 or 1 if the first value is less, equal or greater, as lookups compare.

    Numbers are less than texts, texts less than booleans; case does not count. An empty cell is 0,
    an empty text or FALSE, like the other value.
    """
    for value in (left, right):
        if isinstance(value, CellError | Grid):
            raise FailedError(value if isinstance(value, CellError) else VALUE)
    one = _EMPTY[rank(right)] if left is None else left  # type: ignore[arg-type]
    other = _EMPTY[rank(left)] if right is None else right  # type: ignore[arg-type]
    ranks = rank(one), rank(other)  # type: ignore[arg-type]
    if ranks[0] != ranks[1]:
        return -1 if ranks[0] < ranks[1] else 1
    if isinstance(one, str) and isinstance(other, str):
        one, other = one.lower(), other.lower()
    return (one > other) - (one < other)  # type: ignore[operator]


def finished(value: Value) -> Value:
    """Return what Excel shows for a result: ``#NUM!`` for an overflow, 0 for -0.

    A text that is too long for a cell is ``#VALUE!``.
    """
    if isinstance(value, float):
        return value + 0.0 if math.isfinite(value) else NUM
    if isinstance(value, str) and len(value) > MAX_TEXT_LENGTH:
        return VALUE
    return value
