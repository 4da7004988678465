"""Reads rows that repeat an earlier one further down, without parsing their XML again.

Where formulas were filled down, the next row can be predicted from one that was parsed: only its
values are new, and the row numbers, which have moved. A row whose bytes are exactly the predicted
ones, apart from the values, would be parsed to the same cells; so only its values are taken. That
also holds if the row reads other rows than the one that was parsed, wherever that has the same row
number, or has other styles. All other rows are left to the parser, and so are values that are not
written in the plainest way.

A workbook often has the same rows on several sheets. So what was learnt on one is used on the next.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress
from typing import NamedTuple

from workbook_tools.formulas.references import MAX_FORMULA_LENGTH, FilledFormula
from workbook_tools.formulas.row_layouts import Key, Layout, Place
from workbook_tools.formulas.row_patterns import HOLE, LONGEST_ROW, Mark, Pattern
from workbook_tools.notation.addresses import MAX_ROWS
from workbook_tools.package.stored_cells import StoredCell

ROW_BEGINS = b'<row r="'

_VALUE = re.compile(rb"<v>([^<]+)</v>")
_WITH_HOLE = b"<v>" + HOLE + b"</v>"
# Only of rows in this form is it certain that they have no comments, other elements or entities
# that could make a difference; the formula texts are compared with what the parser has read.
_PLAIN = re.compile(
    rb'<row r="[0-9]+"[^<>&]*>'
    rb'(?:<c r="[A-Z]{1,3}[0-9]+"[^<>&]*'
    rb"(?:/>|>(?:<f[^<>&]*/>|<f[^<>&]*>[^<]*</f>)?(?:<v>\0?</v>|<v ?/>)?</c>))*</row>"
)
_PARTS = re.compile(
    rb'(<c r="[A-Z]+)[0-9]+(?:(" s=")([1-9][0-9]*)(?="))?|(<f(?: [^<>]*[^<>/])?>)[^<]+(?=</f>)'
)
_DIGITS = b"0123456789"
_FIXED = re.compile(rb"(?<=\$)[1-9][0-9]{0,6}(?![0-9])")
_FIXED_IN_TEXT = re.compile(_FIXED.pattern.decode())
_KINDS = ("n", "s", "str", "b", "e")
_MOST_MARKS = 200
_MOST_TEMPLATES, _MOST_BYTES = 2_000, 1 << 23  # that are kept
_TRIES = 3  # of finding what a row reads from one that has the same letters
_PATIENCE = 2_000  # rows that are learnt, more than those that repeat one


class ReadCell(NamedTuple):
    """A cell that was parsed, and its formula."""

    column: int
    stored: StoredCell
    formula: int | None  # its number
    written: FilledFormula | None  # as it is written; None if it only names a shared one


@dataclass
class _Template:
    """A row that was parsed, or that differs from one only in the rows that it reads."""

    pattern: Pattern
    reads: tuple[int, ...]  # a number for each mark
    layout: Layout
    which: int  # of the layout's formulas
    written: list[FilledFormula | None]  # its formulas; None for one that only names a shared one
    index: int = 0  # among those that are alike

    def is_at(self, row: int, text: bytes, values: Sequence[bytes]) -> bool:
        """Tell whether a row is this one, apart from its values."""
        return self.pattern.at(row, self.reads, values) == text


@dataclass
class _Alike:
    """Templates that differ only in their digits, in the order in which they were learnt.

    They are mostly used in this order, again and again: iterations of several rows. Or one of them
    is used many times in sequence.
    """

    templates: list[_Template] = field(default_factory=list)
    last: int = 0  # the one that was used last
    in_vain: int = 0  # rows without its pattern, since the last one that had it
    _step: int = 0  # from the one before it

    def find(self, row: int, text: bytes, values: Sequence[bytes]) -> _Template | None:
        """Return the template of a row if it is one of the two that are likely."""
        if len(values) != self.templates[0].pattern.holes:
            return None
        for step in (self._step, 1 - self._step):
            index = (self.last + step) % len(self.templates)
            if self.templates[index].is_at(row, text, values):
                self.last, self._step = index, step
                return self.templates[index]
        return None


Learnt = Mapping[bytes, Sequence[_Template]]  # by their letters


class Templates:
    """The rows of a sheet that were parsed, and those that repeat them."""

    def __init__(
        self,
        strings: int,
        number: Callable[[FilledFormula, int, int], int | None],
        before: Learnt | None = None,
    ) -> None:
        """``strings`` is how many shared texts the workbook has.

        ``number`` returns the number of a formula that is written in a row and column; None if
        the row must be parsed. ``before`` was learnt on another sheet of the workbook.
        """
        self._strings = strings
        self._number = number
        self._before = before or {}
        self._layouts: dict[Key, Layout] = {}
        self._in_vain = 0
        self.forget()

    @property
    def layouts(self) -> list[Layout]:
        """The rows that were read, by their columns."""
        return [layout for layout in self._layouts.values() if layout.rows]

    @property
    def learnt(self) -> Learnt:
        """What another sheet can use, without the values that were read."""
        return {
            letters: [replace(one, layout=one.layout.emptied()) for one in alike.templates]
            for letters, alike in self._by_letters.items()
        }

    def forget(self) -> None:
        """Forget all that was learnt, except the rows that were read."""
        self._by_letters: dict[bytes, _Alike] = {}
        self._latest: _Alike | None = None
        self._known: dict[tuple[bytes, tuple[int, ...]], _Template] = {}
        self._bytes = 0

    def read(self, text: bytes, above: int, until: int = MAX_ROWS) -> int | None:
        """Read a row below row ``above``; return its number, or None if it must be parsed.

        So must all rows after row ``until``.
        ``text`` begins with ``ROW_BEGINS`` and ends with the first end of a row.
        """
        digits = text[len(ROW_BEGINS) : text.find(b'"', len(ROW_BEGINS))]
        if not digits.isdigit() or len(digits) > LONGEST_ROW:
            return None
        if not above < (row := int(digits)) <= until:
            return None
        values = _VALUE.findall(text)
        template = self._latest.find(row, text, values) if self._latest else None
        if template is None:
            skeleton = _VALUE.sub(_WITH_HOLE, text)
            letters = skeleton.translate(None, _DIGITS)
            alike = self._by_letters.get(letters) or self._from_before(letters, row)
            if alike is None:
                return None
            template = alike.find(row, text, values) or self._reading_others(alike, skeleton, row)
            if template is None:
                return None
            self._latest = alike
        if not template.layout.add(row, template.which, values, self._strings):
            return None
        self._in_vain = max(0, self._in_vain - 1)
        return row

    def learn(self, text: bytes, row: int, cells: Sequence[ReadCell]) -> None:
        """Remember a row that was parsed, if what was parsed can be told from its bytes."""
        if not cells or self._in_vain > _PATIENCE:
            return
        skeleton = _VALUE.sub(_WITH_HOLE, text)
        places = _places(cells)
        if places is None or not _PLAIN.fullmatch(skeleton):
            return
        marks, marked = _marked(skeleton, row, cells)
        if len(marks) > _MOST_MARKS:
            return
        pattern, reads = Pattern(marked, marks), tuple(number for _, number in marks)
        if row + max(compress(reads, pattern.moves)) > MAX_ROWS:
            return
        self._in_vain += 1
        letters = skeleton.translate(None, _DIGITS)
        alike = self._by_letters.get(letters, _Alike())
        template = self._known.get((pattern.text, reads))
        if template is None:
            numbers = [cell.formula for cell in cells if cell.formula is not None]
            written = [cell.written for cell in cells if cell.formula is not None]
            layout = self._layout(places, cells)
            template = _Template(pattern, reads, layout, layout.which(numbers), written)
            # It is not itself if it has references that are written in another way.
            if not template.is_at(row, text, _VALUE.findall(text)):
                return
            self._by_letters[letters] = alike
            self._bytes += len(pattern.text)
            self._add(template, alike)
        alike.last = template.index
        if len(self._known) > _MOST_TEMPLATES or self._bytes > _MOST_BYTES:
            self.forget()

    def _add(self, template: _Template, alike: _Alike) -> None:
        template.index = len(alike.templates)
        alike.templates.append(template)
        self._known[template.pattern.text, template.reads] = template

    def _from_before(self, letters: bytes, row: int) -> _Alike | None:
        """Return the templates with these letters that were learnt on another sheet."""
        alike = _Alike()
        for other in self._before.get(letters, ()):
            unknown = [None] * len(other.written)
            numbers = self._numbers(other.layout.formula_columns, other.written, unknown, row)
            if numbers is not None:
                layout = self._layouts.setdefault(other.layout.key, other.layout.emptied())
                template = replace(other, layout=layout, which=layout.which(numbers))
                self._bytes += len(template.pattern.text)
                self._add(template, alike)
        if not alike.templates:
            return None
        self._by_letters[letters] = alike
        return alike

    def _numbers(
        self,
        columns: Sequence[int],
        written: Sequence[FilledFormula | None],
        known: Sequence[int | None],
        row: int,
    ) -> list[int] | None:
        """Return the numbers of formulas in these columns; None if one of them must be parsed.

        Some are ``known``.
        """
        numbers = []
        for column, formula, number in zip(columns, written, known, strict=True):
            if number is None and formula is not None:
                number = self._number(formula, row, column)
            if number is None:
                return None
            numbers.append(number)
        return numbers

    def _reading_others(self, alike: _Alike, skeleton: bytes, row: int) -> _Template | None:
        """Return the template of a row that differs from the last one in the rows that it reads.

        For example, each row of an iteration is one row further below the first one.
        """
        if alike.in_vain == _TRIES or len(self._known) > _MOST_TEMPLATES:
            return None
        last = alike.templates[alike.last]
        reads = last.pattern.read(skeleton, row)
        if reads is None:
            alike.in_vain += 1
            return None
        alike.in_vain = 0
        template = self._known.get((last.pattern.text, reads))
        if template is None:
            written = _reading(last, reads)
            before = zip(last.layout.formulas[last.which], last.written, written, strict=True)
            known = [same if new is None or new is old else None for same, old, new in before]
            numbers = self._numbers(last.layout.formula_columns, written, known, row)
            if numbers is None:
                return None
            which = last.layout.which(numbers)
            template = _Template(last.pattern, reads, last.layout, which, written)
            self._add(template, alike)
        alike.last = template.index
        return template

    def _layout(self, places: tuple[Place, ...], cells: Sequence[ReadCell]) -> Layout:
        columns = tuple(cell.column for cell in cells if cell.formula is not None)
        last = max(cell.column for cell in cells)
        layout = Layout(places, columns, last)
        return self._layouts.setdefault(layout.key, layout)


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


def _marked(
    skeleton: bytes, row: int, cells: Sequence[ReadCell]
) -> tuple[Mapping[Mark, bytes], bytes]:
    """Return the marks of a row, and the text of its pattern; it is useless if they are many."""
    marks: dict[Mark, bytes] = {}
    formulas = iter([cell.written for cell in cells if cell.written is not None])

    def mark(key: Mark) -> bytes:
        new = f"\1{chr(0x100 + min(len(marks), _MOST_MARKS))}".encode()
        return marks.setdefault(key, new)

    def marked(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return match[1] + own + (match[2] + mark(("style", int(match[3]))) if match[2] else b"")
        formula = next(formulas)
        numbers = [mark(("distance", offset)).decode() for offset in formula.offsets]
        text = formula.pattern.format(*numbers)[1:]
        for letter, entity in ("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"):
            text = text.replace(letter, entity)
        return match[4] + _FIXED.sub(lambda fixed: mark(("row", int(fixed[0]))), text.encode())

    own = mark(("distance", 0))
    begin = len(ROW_BEGINS) + len(str(row))
    return marks, ROW_BEGINS + own + _PARTS.sub(marked, skeleton[begin:])


def _reading(template: _Template, reads: Sequence[int]) -> list[FilledFormula | None]:
    """Return the formulas of a template, reading other rows."""
    both = [*zip(template.reads, reads, strict=True)]
    distance = dict(compress(both, template.pattern.moves))
    fixed = {str(old): str(new) for old, new in compress(both, template.pattern.is_row)}
    is_same = all(old == new for old, new in fixed.items())
    apart = {old for old, new in distance.items() if old != new}
    found: list[FilledFormula | None] = []
    for formula in template.written:
        if formula is not None and not (is_same and apart.isdisjoint(formula.offsets)):
            pattern = formula.pattern
            if not is_same:
                pattern = _FIXED_IN_TEXT.sub(lambda match: fixed[match[0]], pattern)
            formula = FilledFormula(pattern, tuple(distance[old] for old in formula.offsets))
        found.append(formula)
    return found
