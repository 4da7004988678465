"""Reads rows that repeat an earlier one further down, without parsing their XML again.

Where formulas were filled down, the next row can be predicted from one that was parsed: only its
values are new, and the row numbers, which have moved. A row whose bytes are exactly the predicted
ones, apart from the values, would be parsed to the same cells; so only its values are taken. All
other rows are left to the parser, and so are values that are not written in the plainest way.
"""

import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape  # that of xml.sax loads http.client
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbook_tools.formulas.references import MAX_FORMULA_LENGTH, FilledFormula
from workbook_tools.notation.addresses import MAX_ROWS
from workbook_tools.package.stored_cells import StoredCell

Texts = list[str]
ROW_BEGINS = b'<row r="'

_VALUE = re.compile(rb"<v>([^<]+)</v>")
_HOLE = b"\0"  # where a value was; XML cannot contain it
# Only of rows in this form is it certain that they have no comments, other elements or entities
# that could make a difference; the formula texts are compared with what the parser has read.
_PLAIN = re.compile(
    rb'<row r="[0-9]+"[^<>&]*>'
    rb'(?:<c r="[A-Z]{1,3}[0-9]+"[^<>&]*'
    rb"(?:/>|>(?:<f[^<>&]*/>|<f[^<>&]*>[^<]*</f>)?(?:\0|<v></v>|<v ?/>)?</c>))*</row>"
)
_PARTS = re.compile(rb'(<c r="[A-Z]+)[0-9]+|(<f(?: [^<>]*[^<>/])?>)[^<]+(?=</f>)')
_DIGITS, _OF_NUMBERS = b"0123456789", b"0123456789.eE+-"
_KINDS = ("n", "s", "str", "b", "e")
_LONGEST_ROW = len(str(MAX_ROWS))
_MOST_DISTANCES = 200
_MOST_TEMPLATES, _MOST_BYTES = 2_000, 1 << 24  # that are kept
_PATIENCE = 2_000  # rows that are learnt, more than those that repeat one


class ReadCell(NamedTuple):
    """A cell that was parsed, and its formula."""

    column: int
    stored: StoredCell
    formula: int | None  # its number
    written: FilledFormula | None  # as it is written; None if it only names a shared one


class Place(NamedTuple):
    """A column that has a value in a row."""

    column: int
    kind: str  # of its value, as in StoredCell
    is_formula: bool


class Layout:
    """Rows that have values and formulas in the same columns, and what is in them."""

    def __init__(
        self, places: tuple[Place, ...], formula_columns: tuple[int, ...], last_column: int
    ) -> None:
        self.rows = array("q")
        self.last_column = last_column
        self.formulas: list[tuple[int, ...]] = []  # one number a formula column
        self._places = places
        self._formula_columns = formula_columns
        self._which = array("q")  # of the formulas, for each row
        self._numbers = array("d")  # row by row
        self._texts: Texts = []  # row by row
        kinds = list(enumerate(place.kind for place in places))
        self._shared = [k for k, kind in kinds if kind == "s"]
        self._of_texts = [k for k, kind in kinds if kind not in ("n", "s")]
        self._of_numbers = [k for k, kind in kinds if kind in ("n", "s")]

    def add(self, row: int, which: int, values: list[bytes], strings: int) -> bool:
        """Add the values of a row, unless one of them is left to the parser: then return False.

        Shared texts are added by their numbers; there are ``strings`` of them.
        """
        if len(values) != len(self._places):
            return False
        texts = []
        for k in self._of_texts:
            text = values[k]
            if b"&" in text or b">" in text:
                return False
            texts.append(text.decode())
            if not texts[-1].isprintable():
                return False
        for k in self._shared:
            if not values[k].isdigit() or len(values[k]) > 10 or int(values[k]) >= strings:
                return False
        own = [values[k] for k in self._of_numbers] if self._of_texts else values
        if b"".join(own).translate(None, _OF_NUMBERS):
            return False
        try:
            numbers = list(map(float, own))
        except ValueError:
            return False
        if not isfinite(sum(numbers)):
            return False
        self.rows.append(row)
        self._numbers.fromlist(numbers)
        self._texts += texts
        self._which.append(which)
        return True

    def values(self, strings: Sequence[str]) -> Iterator[tuple[Place, NDArray[np.float64] | Texts]]:
        """Yield the values of each place, for all rows: numbers, or texts of another kind."""
        numbers = iter(np.frombuffer(self._numbers).reshape(len(self.rows), -1).T)
        texts = (self._texts[k :: len(self._of_texts)] for k in range(len(self._of_texts)))
        for place in self._places:
            if place.kind == "s":
                yield place, [strings[int(number)] for number in next(numbers).tolist()]
            else:
                yield place, next(numbers) if place.kind == "n" else next(texts)

    def formulas_of_columns(self) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Yield the columns with formulas, and the number of the formula for each row."""
        numbers = np.array(self.formulas, dtype=np.int64)[np.frombuffer(self._which, np.int64)]
        return zip(self._formula_columns, numbers.T, strict=True)


@dataclass
class _Template:
    """A row with holes: where a value was, and where a row number is to be written."""

    pattern: bytes
    distances: list[tuple[bytes, int]]  # marks in the pattern; rows below the own one
    layout: Layout
    which: int  # of the layout's formulas
    index: int = 0  # among those that are alike

    def at(self, row: int) -> bytes:
        text = self.pattern
        for mark, distance in self.distances:
            text = text.replace(mark, b"%d" % (row + distance))
        return text


@dataclass
class _Alike:
    """Templates that differ only in their digits, in the order in which they were learnt.

    They are mostly used in this order, again and again: iterations of several rows. Or one of them
    is used many times in sequence.
    """

    templates: list[_Template] = field(default_factory=list)
    last: int = 0  # the one that was used last
    _step: int = 0  # from the one before it

    def find(self, skeleton: bytes, row: int) -> _Template | None:
        """Return the template of a row if it is one of the two that are likely."""
        for step in (self._step, 1 - self._step):
            index = (self.last + step) % len(self.templates)
            if self.templates[index].at(row) == skeleton:
                self.last, self._step = index, step
                return self.templates[index]
        return None


class Templates:
    """The rows of a sheet that were parsed, and those that repeat them."""

    def __init__(self, strings: int) -> None:
        """``strings`` is how many shared texts the workbook has."""
        self._strings = strings
        self._layouts: dict[tuple[tuple[Place, ...], tuple[int, ...], int], Layout] = {}
        self._in_vain = 0
        self.forget()

    @property
    def layouts(self) -> list[Layout]:
        """The rows that were read, by their columns."""
        return [layout for layout in self._layouts.values() if layout.rows]

    def forget(self) -> None:
        """Forget all that was learnt, except the rows that were read."""
        self._by_letters: dict[bytes, _Alike] = {}
        self._known: dict[tuple[bytes, tuple[int, ...]], _Template] = {}
        self._bytes = 0

    def read(self, text: bytes, above: int) -> int | None:
        """Read a row below row ``above``; return its number, or None if it must be parsed.

        ``text`` begins with ``ROW_BEGINS`` and ends with the first end of a row.
        """
        pieces = _VALUE.split(text)
        skeleton = _HOLE.join(pieces[::2])
        alike = self._by_letters.get(skeleton.translate(None, _DIGITS))
        digits = text[len(ROW_BEGINS) : text.find(b'"', len(ROW_BEGINS))]
        if alike is None or not digits.isdigit() or len(digits) > _LONGEST_ROW:
            return None
        if not above < (row := int(digits)) <= MAX_ROWS:
            return None
        template = alike.find(skeleton, row)
        if template is None:
            return None
        if not template.layout.add(row, template.which, pieces[1::2], self._strings):
            return None
        self._in_vain = max(0, self._in_vain - 1)
        return row

    def learn(self, text: bytes, row: int, cells: Sequence[ReadCell]) -> None:
        """Remember a row that was parsed, if what was parsed can be told from its bytes."""
        if self._in_vain > _PATIENCE:
            return
        skeleton = _VALUE.sub(_HOLE, text)
        places = _places(cells)
        if places is None or not _PLAIN.fullmatch(skeleton):
            return
        marks, pattern = _pattern(skeleton, row, cells)
        distances = [(mark.encode(), distance) for distance, mark in marks.items()]
        if len(marks) > _MOST_DISTANCES or row + max(marks) > MAX_ROWS:
            return
        self._in_vain += 1
        letters = skeleton.translate(None, _DIGITS)
        alike = self._by_letters.get(letters, _Alike())
        template = self._known.get((pattern, tuple(marks)))
        if template is None:
            layout, which = self._layout(places, cells)
            template = _Template(pattern, distances, layout, which, len(alike.templates))
            if template.at(row) != skeleton:  # it has references that are written in another way
                return
            self._known[pattern, tuple(marks)] = template
            alike.templates.append(template)
            self._by_letters[letters] = alike
            self._bytes += len(pattern)
        alike.last = template.index
        if len(self._known) > _MOST_TEMPLATES or self._bytes > _MOST_BYTES:
            self.forget()

    def _layout(self, places: tuple[Place, ...], cells: Sequence[ReadCell]) -> tuple[Layout, int]:
        columns = tuple(cell.column for cell in cells if cell.formula is not None)
        last = max((cell.column for cell in cells), default=0)
        layout = self._layouts.setdefault((places, columns, last), Layout(places, columns, last))
        layout.formulas.append(tuple(c.formula for c in cells if c.formula is not None))
        return layout, len(layout.formulas) - 1


def _places(cells: Sequence[ReadCell]) -> tuple[Place, ...] | None:
    """Return where a parsed row has values; None if a row like it must always be parsed."""
    places = []
    for column, stored, formula, written in cells:
        own = stored.formula
        if stored.kind not in _KINDS:
            return None
        if own and (own.attributes.get("t", "normal") != "normal") != (written is None):
            return None
        if own and len(own.text) > MAX_FORMULA_LENGTH // 2:  # further down it may be too long
            return None
        if stored.value:
            places.append(Place(column, stored.kind, formula is not None))
        elif stored.kind == "str" and formula is None:
            return None
    return tuple(places)


def _pattern(
    skeleton: bytes, row: int, cells: Sequence[ReadCell]
) -> tuple[Mapping[int, str], bytes]:
    """Return a row with marks in place of its row numbers, and the marks by their distances."""
    marks = {0: _mark(0)}
    formulas = iter([cell.written for cell in cells if cell.written is not None])
    own = marks[0].encode()

    def marked(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return match[1] + own
        formula = next(formulas)
        numbers = [marks.setdefault(offset, _mark(len(marks))) for offset in formula.offsets]
        return match[2] + escape(formula.pattern.format(*numbers)[1:], quote=False).encode()

    begin = len(ROW_BEGINS) + len(str(row))
    return marks, ROW_BEGINS + own + _PARTS.sub(marked, skeleton[begin:])


def _mark(number: int) -> str:
    return f"\1{chr(0x100 + number)}"  # XML cannot contain it
