"""A workbook file in formualizer: loaded, calculated, read and changed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import formualizer as fz

from workbook_tools.engines import is_panic
from workbook_tools.engines.formualizer_oddities import oddities, unchecked
from workbook_tools.engines.formualizer_settings import ERRORS, config, prepare, value_of
from workbook_tools.engines.plain_copy import plain_copy, plain_file, plain_names
from workbook_tools.errors import InputError
from workbook_tools.formulas.references import forwards, with_sheets
from workbook_tools.notation.addresses import Cell
from workbook_tools.package.cell_values import CellValue, missing, of_sheet
from workbook_tools.package.workbook import WorkbookPackage

_NO_LIMIT = 1 << 40
_LOAD_LIMITS = {
    "max_input_bytes": _NO_LIMIT,
    "max_entries": 1_000_000,
    "max_expanded_bytes": _NO_LIMIT,
    "max_part_bytes": _NO_LIMIT,
    "max_xml_depth": 1_000,
}


class Book:
    """A workbook file in formualizer; a sheet may have another name there (``plain_copy.py``).

    Every failure of formualizer is raised as ``InputError``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with unchecked(path) as package:
            now = path.stat()
            odd = oddities(path, now.st_size, now.st_mtime_ns)
            names = plain_names(package.sheet_names)
            self._names = {sheet.name: names[sheet.name] for sheet in package.sheets}
            with self._errors_as_ours():
                self._workbook = _loaded(package, names, odd.spelled)
                self._check_sheets()
                prepare(self._workbook)
        self._backwards = odd.backwards

    def _check_sheets(self) -> None:
        """Raise ``InputError`` if formualizer has lost a sheet."""
        for own, name in self._names.items():
            if name not in self._workbook.sheet_names:
                raise InputError(
                    f"{self._path}: the embedded engine does not find its sheet {own!r}; rename "
                    "that, or try --engine libreoffice"
                )

    @contextmanager
    def _errors_as_ours(self) -> Iterator[None]:
        """Raise whatever formualizer raises as ``InputError``."""
        try:
            yield
        except BaseException as error:
            if not isinstance(error, ERRORS) and not is_panic(error):
                raise
            raise InputError(
                f"{self._path}: the embedded engine cannot calculate it ({error}); try --engine "
                "libreoffice"
            ) from error

    def calculate(self) -> None:
        """Calculate every cell that needs it."""
        with self._errors_as_ours():
            try:
                self._workbook.evaluate_all()
            except fz.ExcelEvaluationError:
                # A backwards range (B2:A1) stops formualizer; to Excel it is the same as A1:B2.
                if not self._straighten():
                    raise
                self._backwards = False
                self._workbook.evaluate_all()
            # Reading all formulas is fast only after they have been calculated once.
            if self._backwards and self._straighten():
                self._workbook.evaluate_all()
            self._backwards = False

    def _straighten(self) -> bool:
        """Rewrite backwards ranges; return whether there were any."""
        found = False
        with unchecked(self._path) as package, self._errors_as_ours():
            for sheet in package.sheets:
                name = self._names[sheet.name]
                for row, column, cell in package.cells(sheet):
                    # The file has a shared formula once; formualizer knows it for each cell.
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
        with self._errors_as_ours():
            rows = self._workbook.sheet(name).get_values(fz.RangeAddress(name, *corners))
        return [[value_of(value) for value in row] for row in rows]

    def value(self, place: Cell) -> CellValue:
        """Return the value of one cell."""
        with self._errors_as_ours():
            return value_of(self._workbook.get_value(*self._own(place)))

    def formula(self, place: Cell) -> str | None:
        """Return a cell's formula with its equals sign; None if it has none."""
        with self._errors_as_ours():
            text: str | None = self._workbook.get_formula(*self._own(place))
        return _with_sign(text) if text else None

    def put_values(self, values: Mapping[Cell, float | str]) -> None:
        """Put numbers and texts into cells."""
        with self._errors_as_ours():
            for place, value in values.items():
                self._workbook.set_value(*self._own(place), value)

    def put_formulas(self, formulas: Mapping[Cell, str]) -> None:
        """Put formulas into cells."""
        with self._errors_as_ours():
            for place, formula in formulas.items():
                self._workbook.set_formula(*self._own(place), self._own_formula(formula))

    def replace_formulas(self, formulas: Mapping[Cell, str]) -> None:
        """Put formulas into cells that hold others; by columns, which is faster."""
        columns: dict[tuple[str, int], dict[int, str]] = {}
        for (sheet, row, column), formula in formulas.items():
            columns.setdefault((sheet, column), {})[row] = self._own_formula(formula)
        with self._errors_as_ours():
            for (sheet, column), own in columns.items():
                for rows in _runs(sorted(own)):
                    block = [[own[row]] for row in rows]
                    place = self._own((sheet, rows[0], column))
                    self._workbook.set_formulas_batch(*place, block)

    def _own(self, place: Cell) -> Cell:
        """Return a cell as formualizer names it."""
        sheet, row, column = place
        return self._names[sheet], row, column

    def _own_formula(self, formula: str) -> str:
        """Return a formula with sheets as formualizer names them."""
        return with_sheets(forwards(formula), lambda name: of_sheet(self._names, name) or name)


def _loaded(package: WorkbookPackage, names: Mapping[str, str], is_odd: bool) -> fz.Workbook:
    """Load a workbook whose sheets are to have these ``names``: the file, or a plain copy.

    The copy is needed if names differ, the file is odd, or formualizer cannot read it.
    """
    settings = config("1904" if package.counts_from_1904 else "1900")
    if not is_odd and all(name == plain for name, plain in names.items()):
        with suppress(*ERRORS):
            return fz.Workbook.load_path(
                str(package.path), config=settings, load_limits=_LOAD_LIMITS
            )
    content = plain_file(plain_copy(package, names))
    return fz.Workbook.from_bytes(content, config=settings, load_limits=_LOAD_LIMITS)


def _with_sign(formula: str) -> str:
    return f"={formula.removeprefix('=')}"


def _runs(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield runs of consecutive rows."""
    begin = 0
    for k in range(1, len(rows) + 1):
        if k == len(rows) or rows[k] != rows[k - 1] + 1:
            yield rows[begin:k]
            begin = k
