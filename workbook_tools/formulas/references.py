"""A1 references in formulas: cells, ranges, and formulas that are filled down.

Nothing here knows what a formula computes.
"""

import operator
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import product
from typing import NamedTuple, Self

from workbook_tools.notation.addresses import column_letter, column_number, sheet_prefix

# From Excel's documentation, "Excel specifications and limits".
MAX_FORMULA_LENGTH = 8_192
MOST_ARGUMENTS = 255  # of a function

LARGEST_ARRAY = 100_000  # cells of one array formula that are looked at one by one


# A part of a table, or another workbook; what it is called may look like a cell or a text. All
# lengths are limited, so that no text takes long.
_IN_BRACKETS = r"(?:[^\[\]']|'.){0,256}+"  # 'x is an escaped x; a column's name has 255 characters
BRACKETS = rf"\[(?:{_IN_BRACKETS}|@?\s{{0,9}}+(?:\[{_IN_BRACKETS}\][\s,:]{{0,9}}+){{1,5}}+)\]"

# Words are matched as a whole; names of sheets have a limited length and do not begin with an
# apostrophe. So a formula is scanned once, and not again from each of its characters.
_TOKEN = re.compile(
    rf"""
    (?P<text>"[^"]*+")                                         # a string literal: no reference
    | (?P<sheet>'(?!')(?:[^']|''){{0,300}}+'!|[^\W\d][\w.]*+!)  # the sheet of a reference
    | (?<![\w.$])(?P<column>\$?[A-Za-z]{{1,3}})(?P<fixed>\$?)(?P<row>[1-9]\d{{0,6}})(?![\w.(!])
    | {BRACKETS}
    | [\w.$]++                                                 # another word, such as a function
    """,
    re.VERBOSE | re.DOTALL,
)
# The same, but only cells whose row is relative; everything else is left out as fast as possible.
_RELATIVE = re.compile(
    r"""(?:"[^"]*+"|'(?!')(?:[^']|''){0,300}+'!)"""
    r"|(?<![\w.$])(\$?[A-Za-z]{1,3})([1-9]\d{0,6})(?![\w.(!])"
)
_RELATIVE_OUTSIDE_BRACKETS = re.compile(
    _RELATIVE.pattern.replace("(?:", f"(?:{BRACKETS}|", 1), re.DOTALL
)
_BARE = re.compile(r"=[+(]*('(?:[^']|'')*+'!|[^\W\d][\w.]*+!)?\$?[A-Za-z]{1,3}\$?\d+\)*")


def is_too_long(formula: str) -> bool:
    """Tell whether a formula is longer than Excel allows; its references are then not read."""
    return len(formula) > MAX_FORMULA_LENGTH


def _tokens(formula: str) -> Iterator[re.Match[str]]:
    return iter(()) if is_too_long(formula) else _TOKEN.finditer(formula)


class Area(NamedTuple):
    """A cell or a range that a formula names, on a sheet (None: the formula's own)."""

    sheet: str | None
    first_row: int
    first_column: int
    last_row: int
    last_column: int

    @property
    def height(self) -> int:
        """How many rows it has."""
        return self.last_row - self.first_row + 1

    @property
    def width(self) -> int:
        """How many columns it has."""
        return self.last_column - self.first_column + 1

    @property
    def cell_count(self) -> int:
        """How many cells it spans."""
        return self.height * self.width

    def covers(self, cell: tuple[str, int, int], own_sheet: str) -> bool:
        """Tell whether a cell lies in it; the formula stands on ``own_sheet``."""
        sheet, row, column = cell
        return (
            sheet == (self.sheet or own_sheet)
            and self.first_row <= row <= self.last_row
            and self.first_column <= column <= self.last_column
        )

    def cells(self, own_sheet: str) -> Iterator[tuple[str, int, int]]:
        """Yield its cells, row by row; the formula stands on ``own_sheet``."""
        rows = range(self.first_row, self.last_row + 1)
        columns = range(self.first_column, self.last_column + 1)
        return product((self.sheet or own_sheet,), rows, columns)


@lru_cache(maxsize=20_000)
def areas(formula: str) -> tuple[Area, ...]:
    """Return the cells and ranges that a formula names, in order; none if it is too long."""
    found: list[Area] = []
    sheet, sheet_ends = None, -1
    for match in _tokens(formula):
        if match["sheet"]:
            sheet, sheet_ends = match["sheet"][:-1].strip("'").replace("''", "'"), match.end()
        elif match["column"]:
            row, column = int(match["row"]), column_number(match["column"].replace("$", ""))
            if found and formula.endswith(":", 0, match.start()):
                first = found.pop()
                rows = sorted((first.first_row, row))
                columns = sorted((first.first_column, column))
                found.append(Area(first.sheet, rows[0], columns[0], rows[1], columns[1]))
            else:
                on = sheet if match.start() == sheet_ends else None
                found.append(Area(on, row, column, row, column))
    return tuple(found)


def _column_of(corner: str) -> int:
    return column_number(corner.replace("$", ""))


def _row_of(corner: str) -> int:
    return int(corner.replace("$", ""))


def forwards(formula: str) -> str:
    """Return a formula with its backward ranges turned round: ``$B10:A$8`` becomes ``A$8:$B10``."""
    pieces: list[str] = []
    end = 0
    for first, *others in _corners(formula):
        if others:
            both = first, others[0]
            columns = sorted((corner["column"] for corner in both), key=_column_of)
            rows = sorted((corner["fixed"] + corner["row"] for corner in both), key=_row_of)
            pieces += [formula[end : first.start()], ":".join(map(operator.add, columns, rows))]
            end = others[0].end()
    return "".join(pieces) + formula[end:]


def _corners(formula: str) -> list[list[re.Match[str]]]:
    """Return the matches of the cells that a formula names; the two corners of a range together."""
    found: list[list[re.Match[str]]] = []
    for match in _tokens(formula):
        if match["column"] and found and formula[found[-1][-1].end() : match.start()] == ":":
            found[-1].append(match)
        elif match["column"]:
            found.append([match])
    return found


def bare_reference(formula: str) -> Area | None:
    """Return the cell that a formula only copies, as ``=A1`` does; None for any other formula."""
    found = areas(formula)
    if len(found) != 1 or found[0].cell_count != 1:
        return None
    return found[0] if _BARE.fullmatch(formula) else None


class FilledFormula(NamedTuple):
    """A formula independent of its row: what the fill handle repeats down a column.

    Two cells of one column have equal ``FilledFormula`` exactly if their formulas are the same in
    R1C1 notation.
    """

    pattern: str  # the formula for str.format, with a field for each relative row number
    offsets: tuple[int, ...]  # distinct distances from the formula's own row, one for each field

    @classmethod
    def parse(cls, formula: str, row: int) -> Self:
        """Read the formula in ``row``; its relative rows become distances."""
        text = formula.replace("{", "{{").replace("}", "}}")
        if is_too_long(formula):
            return cls(text, ())
        offsets: dict[int, int] = {}  # distance to number of the field

        def with_field(match: re.Match[str]) -> str:
            column, number = match.groups()
            if not number:
                return match[0]
            return f"{column}{{{offsets.setdefault(int(number) - row, len(offsets))}}}"

        relative = _RELATIVE_OUTSIDE_BRACKETS if "[" in text else _RELATIVE
        return cls(relative.sub(with_field, text), tuple(offsets))

    def at(self, row: int) -> str:
        """Return the formula as it reads when filled into ``row``."""
        return self.pattern.format(*[row + offset for offset in self.offsets])


_WITH_SPACES = re.compile(rf"(\"[^\"]*\"|{BRACKETS}|'[^']*')", re.DOTALL)


def without_spaces(formula: str) -> str:
    """Return a formula without the spaces that have no meaning.

    Spaces in texts and in names stay, and so does one between two ranges, which is the
    intersection operator.
    """
    if not re.search(r"\s", formula):
        return formula
    parts = _WITH_SPACES.split(formula)
    parts[::2] = [
        re.sub(r"\s+", "", re.sub(r"(?<=[\w)])\s+(?=[\w($])", "\0", part)).replace("\0", " ")
        for part in parts[::2]
    ]
    return "".join(parts)


def anchoring(formula: str) -> str:
    """Return a formula with its references reduced to their ``$`` signs.

    ``='LR 1'!$G$30`` becomes ``=!$C$R``. Formulas that do the same in different places become
    equal, and one that has lost a ``$`` does not.
    """

    def reduced(match: re.Match[str]) -> str:
        if match["sheet"]:
            return "!"
        if match["column"]:
            return f"{'$' * match['column'].startswith('$')}C{match['fixed']}R"
        return match[0]

    return formula if is_too_long(formula) else _TOKEN.sub(reduced, formula)


def with_areas(formula: str, moved: Callable[[Area], Area]) -> str:
    """Return a formula with its cells and ranges replaced; sheets and ``$`` stay.

    ``moved`` is called for each area in order, and returns another one of the same size.
    """
    text = forwards(formula)
    pieces: list[str] = []
    end = 0
    for own, area in zip(_corners(text), areas(text), strict=True):
        other = moved(area)
        rows, columns = (other.first_row, other.last_row), (other.first_column, other.last_column)
        names = [
            f"{'$' * corner['column'].startswith('$')}{column_letter(column)}{corner['fixed']}{row}"
            for corner, row, column in zip(own, rows, columns, strict=False)
        ]
        pieces += [text[end : own[0].start()], ":".join(names)]
        end = own[-1].end()
    return "".join(pieces) + text[end:]


def with_references(formula: str, name: Callable[[str | None, int, int], str]) -> str:
    """Return a formula with each cell that it names replaced, including its sheet and ``$``.

    ``name`` is given the sheet (None: the formula's own), row and column of a cell.
    """
    pieces: list[str] = []
    end = sheet_begins = 0
    sheet, sheet_ends = None, -1
    for match in _tokens(formula):
        if match["sheet"]:
            sheet = match["sheet"][:-1].strip("'").replace("''", "'")
            sheet_begins, sheet_ends = match.span()
        elif match["column"]:
            on = sheet if match.start() == sheet_ends else None
            pieces.append(formula[end : sheet_begins if on is not None else match.start()])
            column = column_number(match["column"].replace("$", ""))
            pieces.append(name(on, int(match["row"]), column))
            end = match.end()
    return "".join(pieces) + formula[end:]


# The prefix of a reference to a sheet, or to several (``First:Last!``); not in a text, and not
# after ``]``, where the name of another workbook ends.
_SHEETS = re.compile(
    r"""
    "[^"]*"
    | '(?P<quoted>(?:[^']|'')*)'(?P<is_sheet>!?)
    | (?<![\w.\]])(?P<bare>(?:[^\W\d][\w.]*+:)?[^\W\d][\w.]*+)!
    """,
    re.VERBOSE,
)


def with_sheets(formula: str, called: Callable[[str], str]) -> str:
    """Return a formula with its sheets renamed to what ``called`` returns for their names."""
    if "!" not in formula:
        return formula

    def renamed(match: re.Match[str]) -> str:
        quoted = match["quoted"].replace("''", "'") if match["is_sheet"] else None
        name = quoted if quoted is not None else match["bare"]
        if name is None:
            return match[0]
        new = called(name)
        if new == name and ":" in name:
            new = ":".join(map(called, name.split(":", 1)))
        return match[0] if new == name else sheet_prefix(new)

    return _SHEETS.sub(renamed, formula)
