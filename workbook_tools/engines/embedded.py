"""The default engine: formualizer, a wheel that needs no other program."""

import operator
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import formualizer as fz

from workbook_tools.engines import Calculation, is_panic
from workbook_tools.engines.plain_copy import plain_copy, plain_file, plain_names
from workbook_tools.errors import InputError
from workbook_tools.formulas.references import forwards, with_sheets
from workbook_tools.package.archive import opened, reading
from workbook_tools.package.cell_values import CellError, CellValue, missing, of_sheet
from workbook_tools.package.workbook import WorkbookPackage

_ERROR_CODES = {
    "Div": "#DIV/0!",
    "Na": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
}
_ERRORS = (
    OSError, ValueError, RuntimeError, fz.FormualizerHostError, fz.ExcelEvaluationError
)  # fmt: skip
_NO_LIMIT = 1 << 40
_LOAD_LIMITS = {
    "max_input_bytes": _NO_LIMIT,
    "max_entries": 1_000_000,
    "max_expanded_bytes": _NO_LIMIT,
    "max_part_bytes": _NO_LIMIT,
    "max_xml_depth": 1_000,
}

_NOWHERE = "no such sheet"
_CHUNK = 1 << 20
# How a range of whole columns or rows may end. It is found fast, for its first letter is rare;
# then it is looked at with what stands before it.
_END_OF_WHOLE = re.compile(rb":\$?(?:[A-Za-z]{1,3}|[0-9]{1,7})(?![A-Za-z0-9_.$:(!\]])")
_SPELLED = (b"<![CDATA[", b"&#")
_LONGEST_CORNER = 9  # $1048576, and what stands before

Place = tuple[str, int, int]  # sheet, row, column


class FormualizerCalculation:
    """A workbook that formualizer has calculated."""

    engine = f"formualizer {version('formualizer')}"
    tolerance = 1e-12  # it carries full doubles
    storage = 0.0
    zero = 0.0

    def __init__(self, book: "_Book") -> None:
        self.book = book

    def block(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> list[list[CellValue]]:
        """Return the values of a range, row by row; rows and columns count from 1."""
        return self.book.block(sheet, first_row, first_column, last_row, last_column)


def recalculate(path: Path) -> FormualizerCalculation:
    """Recalculate a workbook; raises ``InputError`` if formualizer cannot read it."""
    return Rerun(path).with_inputs({})


class _Book:
    """A workbook file in formualizer, where a sheet may have another name.

    Whatever goes wrong there is an ``InputError`` here.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with _unchecked(path) as package:
            now = path.stat()
            odd = _oddities(path, now.st_size, now.st_mtime_ns)
            names = plain_names(package.sheet_names)
            self._names = {sheet.name: names[sheet.name] for sheet in package.sheets}
            with self._border():
                self._workbook = _loaded(package, names, odd.spelled)
                self._check_sheets()
                _prepare(self._workbook)
        self._backwards = odd.backwards

    def _check_sheets(self) -> None:
        """Raise ``InputError`` if a sheet was lost."""
        for own, name in self._names.items():
            if name not in self._workbook.sheet_names:
                raise InputError(
                    f"{self._path}: the embedded engine does not find its sheet {own!r}; rename "
                    "that, or try --engine libreoffice"
                )

    @contextmanager
    def _border(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if not isinstance(error, _ERRORS) and not is_panic(error):
                raise
            raise InputError(
                f"{self._path}: the embedded engine cannot calculate it ({error}); try --engine "
                "libreoffice"
            ) from error

    def calculate(self) -> None:
        """Calculate all that is to be calculated."""
        with self._border():
            try:
                self._workbook.evaluate_all()
            except fz.ExcelEvaluationError:
                # A range that runs backwards stops formualizer; to Excel it is the same range.
                if not self._straighten():
                    raise
                self._backwards = False
                self._workbook.evaluate_all()
            # Formulas are read in no time only when they have been calculated once.
            if self._backwards and self._straighten():
                self._workbook.evaluate_all()
            self._backwards = False

    def _straighten(self) -> bool:
        """Turn ranges that run backwards around; return whether there were any."""
        found = False
        with _unchecked(self._path) as package, self._border():
            for sheet in package.sheets:
                name = self._names[sheet.name]
                for row, column, cell in package.cells(sheet):
                    # Of cells that share a formula, only formualizer knows the one of each.
                    text = cell.formula and self._workbook.get_formula(name, row, column)
                    if text and (straight := forwards(text)) != text:
                        self._workbook.set_formula(name, row, column, _with_sign(straight))
                        found = True
        return found

    def block(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> list[list[CellValue]]:
        """Return the values of a range, as an engine's calculation does."""
        corners = first_row, first_column, last_row, last_column
        name = of_sheet(self._names, sheet)
        if name is None:
            return missing(*corners)
        with self._border():
            rows = self._workbook.sheet(name).get_values(fz.RangeAddress(name, *corners))
        return [[_value(value) for value in row] for row in rows]

    def value(self, place: Place) -> CellValue:
        """Return the value of one cell."""
        with self._border():
            return _value(self._workbook.get_value(*self._own(place)))

    def formula(self, place: Place) -> str | None:
        """Return a cell's formula with its equals sign; None if it has none."""
        with self._border():
            text: str | None = self._workbook.get_formula(*self._own(place))
        return _with_sign(text) if text else None

    def put_values(self, values: Mapping[Place, float | str]) -> None:
        """Put numbers and texts into cells."""
        with self._border():
            for place, value in values.items():
                self._workbook.set_value(*self._own(place), value)

    def put_formulas(self, formulas: Mapping[Place, str]) -> None:
        """Put formulas into cells."""
        with self._border():
            for place, formula in formulas.items():
                self._workbook.set_formula(*self._own(place), self._own_formula(formula))

    def replace_formulas(self, formulas: Mapping[Place, str]) -> None:
        """Put formulas into cells that hold others, which is faster done by columns."""
        columns: dict[tuple[str, int], dict[int, str]] = {}
        for (sheet, row, column), formula in formulas.items():
            columns.setdefault((sheet, column), {})[row] = self._own_formula(formula)
        with self._border():
            for (sheet, column), own in columns.items():
                for rows in _runs(sorted(own)):
                    block = [[own[row]] for row in rows]
                    place = self._own((sheet, rows[0], column))
                    self._workbook.set_formulas_batch(*place, block)

    def _own(self, place: Place) -> Place:
        """Return how formualizer calls a cell."""
        sheet, row, column = place
        return self._names[sheet], row, column

    def _own_formula(self, formula: str) -> str:
        """Return a formula that calls cells as formualizer does."""
        return with_sheets(forwards(formula), lambda name: of_sheet(self._names, name) or name)


def _loaded(package: WorkbookPackage, names: Mapping[str, str], is_odd: bool) -> fz.Workbook:
    """Load a workbook, with these ``names`` of its sheets: itself, or a plain copy.

    It is a copy if the names are others, the file is odd, or formualizer cannot read it.
    """
    config = _config("1904" if package.counts_from_1904 else "1900")
    if not is_odd and all(name == plain for name, plain in names.items()):
        with suppress(*_ERRORS):
            return fz.Workbook.load_path(str(package.path), config=config, load_limits=_LOAD_LIMITS)
    content = plain_file(plain_copy(package, names))
    return fz.Workbook.from_bytes(content, config=config, load_limits=_LOAD_LIMITS)


@contextmanager
def _unchecked(path: Path) -> Iterator[WorkbookPackage]:
    """Open a workbook without inflating all that is in it, which who hands it to us has done."""
    with reading(path), opened(path) as archive:
        yield WorkbookPackage(path, archive)


class _Oddities(NamedTuple):
    """What is in the sheets of a workbook that formualizer reads otherwise, without a word."""

    backwards: bool  # a range of whole columns or rows, B:A, which is #REF! to it
    spelled: bool  # text as CDATA or by numbers of characters, which it leaves out


@lru_cache(maxsize=8)  # a workbook may be calculated again and again
def _oddities(path: Path, size: int, changed: int) -> _Oddities:
    """Look through the sheets of a workbook, of this size and time of its last change."""
    backwards = spelled = False
    with _unchecked(path) as package:
        for sheet in package.sheets:
            with package.archive.open(sheet.part) as stream:
                before = b""
                while chunk := stream.read(_CHUNK):
                    text = before + chunk
                    spelled = spelled or any(sign in text for sign in _SPELLED)
                    for end in _END_OF_WHOLE.finditer(text) if not backwards else ():
                        corner = text[max(0, end.start() - _LONGEST_CORNER) : end.end()]
                        if corner.rfind(b"<") <= corner.rfind(b">"):  # not in a tag: <xm:f>
                            backwards = backwards or _runs_backwards(corner.decode("latin-1"))
                    before = text[-2 * _LONGEST_CORNER :]
    return _Oddities(backwards, spelled)


def _runs_backwards(text: str) -> bool:
    return forwards(text) != text


def _with_sign(formula: str) -> str:
    return f"={formula.removeprefix('=')}"


class WhatIf:
    """A workbook of which some cells may hold something else for a moment."""

    def __init__(self, path: Path, calculation: Calculation | None = None) -> None:
        """Take over the ``calculation`` of the file, if it is one of this engine.

        It is not to be read any more, once a cell has held another formula.
        """
        self._path = path
        self._calculation = calculation

    @cached_property
    def _book(self) -> _Book | None:
        # Changes are cheap only in a workbook that was calculated whole.
        if isinstance(self._calculation, FormualizerCalculation):
            return self._calculation.book
        try:
            book = _Book(self._path)
            book.calculate()
        except InputError:
            return None
        return book

    def value(self, contents: Mapping[Place, str | float], wanted: Place) -> CellValue:
        """Return what a cell would show if others had these formulas and numbers.

        None if the engine cannot calculate it: another one may have done that.
        """
        if self._book is None:
            return None
        try:
            return self._value(self._book, contents, wanted)
        except InputError:
            return None

    def _value(
        self, book: _Book, contents: Mapping[Place, str | float], wanted: Place
    ) -> CellValue:
        formulas = {place: c for place, c in contents.items() if isinstance(c, str)}
        before = {place: book.formula(place) for place in contents}
        if len(formulas) == len(contents) and all(before.values()):
            return self._with_other_formulas(book, formulas, before, wanted)
        # In a calculated workbook, what reads a range does not hear that a number in it
        # became a formula.
        other = _Book(self._path)
        other.put_formulas(formulas)
        other.put_values({place: c for place, c in contents.items() if not isinstance(c, str)})
        other.calculate()
        return other.value(wanted)

    @staticmethod
    def _with_other_formulas(
        book: _Book,
        formulas: Mapping[Place, str],
        before: Mapping[Place, str | None],
        wanted: Place,
    ) -> CellValue:
        try:
            book.replace_formulas(formulas)
            # What reads none of the changed cells keeps its value; asking for the one cell alone
            # takes twice as long.
            book.calculate()
            return book.value(wanted)
        finally:
            book.replace_formulas({place: text for place, text in before.items() if text})


class Rerun:
    """A workbook that is calculated again and again with other inputs."""

    def __init__(self, path: Path) -> None:
        """Load it; raises ``InputError`` if the engine cannot."""
        self._book = _Book(path)

    def with_inputs(self, inputs: Mapping[Place, float | str]) -> FormualizerCalculation:
        """Return it calculated with other numbers and texts in cells that hold no formula.

        They stay from one time to the next. Raises ``InputError`` if it cannot be calculated.
        """
        self._book.put_values(inputs)
        self._book.calculate()
        return FormualizerCalculation(self._book)


def _runs(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield the rows in pieces that follow each other without a gap."""
    begin = 0
    for k in range(1, len(rows) + 1):
        if k == len(rows) or rows[k] != rows[k - 1] + 1:
            yield rows[begin:k]
            begin = k


_GOOGLE_SHEETS = {
    "POW": operator.pow,
    "ADD": operator.add,
    "MINUS": operator.sub,
    "MULTIPLY": operator.mul,
    "DIVIDE": operator.truediv,
}


def evaluate(
    formulas: Mapping[Place, str], numbers: Iterable[Mapping[Place, float]]
) -> Iterator[dict[Place, CellValue]]:
    """Calculate formulas that are in no file, once with each set of numbers beside them.

    The sets are of the same cells. A formula that cannot be read, or that names a sheet without
    numbers, becomes an error value.
    """
    loose: _Loose | None = None
    for cells in numbers:
        try:
            loose = loose or _Loose(formulas, cells)
            yield loose.with_numbers(cells)
        except BaseException as error:
            if not isinstance(error, fz.ExcelEvaluationError) and not is_panic(error):
                raise
            if is_panic(error):
                loose = None  # it is broken
            if len(formulas) == 1:
                yield dict.fromkeys(formulas, CellError(str(error)))
                continue
            yield {
                place: value
                for place, formula in formulas.items()
                for found in evaluate({place: formula}, [cells])
                for value in found.values()
            }


class _Loose:
    """Formulas that are in no file."""

    def __init__(self, formulas: Mapping[Place, str], numbers: Iterable[Place]) -> None:
        names = sorted({sheet for sheet, _, _ in [*formulas, *numbers]})
        self._names = plain_names(names)
        self._formulas = formulas
        self._workbook = fz.Workbook(config=_config())
        _prepare(self._workbook)
        for name in self._names.values():
            self._workbook.add_sheet(name)
        self._is_read = False

    def with_numbers(self, numbers: Mapping[Place, float]) -> dict[Place, CellValue]:
        """Return what the formulas give with these numbers in other cells."""
        for (sheet, row, column), number in numbers.items():
            self._workbook.set_value(self._names[sheet], row, column, float(number))
        if not self._is_read:  # a formula takes its time to be read, and is read once
            for (sheet, row, column), formula in self._formulas.items():
                text = with_sheets(forwards(formula), self._called)
                self._workbook.set_formula(self._names[sheet], row, column, text)
            self._is_read = True
        self._workbook.evaluate_all()
        return {
            (sheet, row, column): _value(self._workbook.get_value(self._names[sheet], row, column))
            for sheet, row, column in self._formulas
        }

    def _called(self, sheet: str) -> str:
        # Formualizer has a sheet of its own, which is none of these.
        return of_sheet(self._names, sheet) or _NOWHERE


def _prepare(workbook: fz.Workbook) -> None:
    """Have a workbook give numbers as numbers, and know what Google Sheets calls arithmetic.

    Google Sheets writes these functions into the workbooks that it exports.
    """
    workbook.set_temporal_egress("serial")  # else those that are shown as dates become rounded ones
    for name, function in _GOOGLE_SHEETS.items():
        workbook.register_function(name, function, min_args=2, max_args=2)


def _config(date_system: str = "1900") -> fz.WorkbookConfig:
    evaluation = fz.EvaluationConfig()
    evaluation.date_system = date_system
    # A training run is one long chain; handing its cells to threads took 2.7 times as long.
    evaluation.enable_parallel = False
    return fz.WorkbookConfig(eval_config=evaluation)


def _value(value: Any) -> CellValue:
    if value is None or isinstance(value, float | str | bool):
        return value
    if isinstance(value, int):
        return float(value)
    if isinstance(value, dict) and value.get("type") == "Error":
        kind = str(value["kind"])
        return CellError(_ERROR_CODES.get(kind, f"#{kind.upper()}!"))
    return str(value)
