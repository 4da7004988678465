"""The default engine: formualizer, a wheel that needs no other program."""

import itertools
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import formualizer as fz
import openpyxl

from workbook_tools.engines import Calculation, CellError, CellValue
from workbook_tools.errors import InputError
from workbook_tools.package import open_package
from workbook_tools.references import forwards
from workbook_tools.repacking import repacked

_ERROR_CODES = {
    "Div": "#DIV/0!",
    "Na": "#N/A",
    "Name": "#NAME?",
    "Null": "#NULL!",
    "Num": "#NUM!",
    "Ref": "#REF!",
    "Value": "#VALUE!",
}
_LOAD_ERRORS = (
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


class FormualizerCalculation:
    """A workbook that formualizer has calculated."""

    engine = f"formualizer {version('formualizer')}"
    tolerance = 1e-12  # it carries full doubles
    storage = 0.0
    zero = 0.0

    def __init__(self, workbook: fz.Workbook) -> None:
        self.workbook = workbook

    def block(
        self, sheet: str, first_row: int, first_column: int, last_row: int, last_column: int
    ) -> list[list[CellValue]]:
        """Return the values of a range, row by row; rows and columns count from 1."""
        area = fz.RangeAddress(sheet, first_row, first_column, last_row, last_column)
        rows = self.workbook.sheet(sheet).get_values(area)
        return [[_value(value) for value in row] for row in rows]


def recalculate(path: Path) -> FormualizerCalculation:
    """Recalculate a workbook; raises ``InputError`` if formualizer cannot read it."""
    return Rerun(path).with_inputs({})


def _loaded(path: Path) -> fz.Workbook:
    try:
        workbook = fz.Workbook.load_path(str(path), config=_config(), load_limits=_LOAD_LIMITS)
    except _LOAD_ERRORS:
        with open_package(path) as package:
            content = repacked(package)
        workbook = fz.Workbook.from_bytes(content, config=_config(), load_limits=_LOAD_LIMITS)
    _add_functions(workbook)
    return workbook


def _cannot_calculate(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path}: the embedded engine cannot calculate it ({error}); try --engine libreoffice"
    )


Place = tuple[str, int, int]  # sheet, row, column


def _calculate(workbook: fz.Workbook, path: Path) -> None:
    """Calculate all that is to be calculated in a loaded workbook."""
    try:
        workbook.evaluate_all()
    except fz.ExcelEvaluationError:
        # A range that runs backwards stops formualizer; to Excel it is the same range.
        if not _straighten(workbook, path):
            raise
        workbook.evaluate_all()


def _straighten(workbook: fz.Workbook, path: Path) -> bool:
    """Turn ranges that run backwards around; return whether there were any."""
    found = False
    for sheet in openpyxl.load_workbook(path).worksheets:
        for cell in itertools.chain.from_iterable(sheet.iter_rows()):
            if isinstance(cell.value, str) and cell.data_type == "f":
                formula = forwards(cell.value)
                if formula != cell.value:
                    workbook.set_formula(sheet.title, cell.row, cell.column, formula)
                    found = True
    return found


class WhatIf:
    """A workbook of which some cells may hold something else for a moment."""

    def __init__(self, path: Path, calculation: Calculation | None = None) -> None:
        """Take over the ``calculation`` of the file, if it is one of this engine.

        It is not to be read any more, once a cell has held another formula.
        """
        self._path = path
        self._calculation = calculation

    @cached_property
    def _workbook(self) -> fz.Workbook:
        # Changes are cheap only in a workbook that was calculated whole.
        if isinstance(self._calculation, FormualizerCalculation):
            return self._calculation.workbook
        workbook = _loaded(self._path)
        _calculate(workbook, self._path)
        return workbook

    def value(self, contents: Mapping[Place, str | float], wanted: Place) -> CellValue:
        """Return what a cell would show if others had these formulas and numbers.

        Raises ``InputError`` if the engine cannot calculate it.
        """
        try:
            before = {place: self._workbook.get_formula(*place) for place in contents}
            if all(before.values()) and all(isinstance(c, str) for c in contents.values()):
                return self._with_other_formulas(contents, before, wanted)
            # In a calculated workbook, what reads a range does not hear that a number in it
            # became a formula.
            workbook = _loaded(self._path)
            for place, content in contents.items():
                if isinstance(content, str):
                    workbook.set_formula(*place, content)
                else:
                    workbook.set_value(*place, content)
            _calculate(workbook, self._path)
            return _value(workbook.get_value(*wanted))
        except _LOAD_ERRORS as error:
            raise _cannot_calculate(self._path, error) from error

    def _with_other_formulas(
        self, contents: Mapping[Place, str | float], before: Mapping[Place, Any], wanted: Place
    ) -> CellValue:
        try:
            self._put({place: str(formula) for place, formula in contents.items()})
            # What reads none of the changed cells keeps its value; asking for the one cell alone
            # takes twice as long.
            self._workbook.evaluate_all()
            return _value(self._workbook.get_value(*wanted))
        finally:
            self._put({place: f"={text.removeprefix('=')}" for place, text in before.items()})

    def _put(self, formulas: Mapping[Place, str]) -> None:
        columns: dict[tuple[str, int], dict[int, str]] = {}
        for (sheet, row, column), formula in formulas.items():
            columns.setdefault((sheet, column), {})[row] = formula
        for (sheet, column), own in columns.items():
            for rows in _runs(sorted(own)):
                block = [[own[row]] for row in rows]
                self._workbook.set_formulas_batch(sheet, rows[0], column, block)


class Rerun:
    """A workbook that is calculated again and again with other inputs."""

    def __init__(self, path: Path) -> None:
        """Load it; raises ``InputError`` if the engine cannot."""
        self._path = path
        try:
            self._workbook = _loaded(path)
        except _LOAD_ERRORS as error:
            raise _cannot_calculate(path, error) from error

    def with_inputs(self, inputs: Mapping[Place, float | str]) -> FormualizerCalculation:
        """Return it calculated with other numbers and texts in cells that hold no formula.

        They stay from one time to the next. Raises ``InputError`` if it cannot be calculated.
        """
        try:
            for place, value in inputs.items():
                self._workbook.set_value(*place, value)
            _calculate(self._workbook, self._path)
        except _LOAD_ERRORS as error:
            raise _cannot_calculate(self._path, error) from error
        return FormualizerCalculation(self._workbook)


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
    workbook: fz.Workbook | None = None
    for cells in numbers:
        first = workbook is None
        workbook = workbook or _with_sheets({sheet for sheet, _, _ in [*formulas, *cells]})
        for (name, row, column), number in cells.items():
            workbook.set_value(name, row, column, float(number))
        if first:  # a formula takes its time to be read, and is read once
            for (name, row, column), formula in formulas.items():
                workbook.set_formula(name, row, column, forwards(formula))
        try:
            workbook.evaluate_all()
        except fz.ExcelEvaluationError as error:
            if len(formulas) == 1:
                yield dict.fromkeys(formulas, CellError(str(error)))
                continue
            yield {
                place: value
                for place, formula in formulas.items()
                for found in evaluate({place: formula}, [cells])
                for value in found.values()
            }
            continue
        yield {place: _value(workbook.get_value(*place)) for place in formulas}


def _add_functions(workbook: fz.Workbook) -> None:
    """Add what Google Sheets calls arithmetic, and writes into the workbooks that it exports."""
    for name, function in _GOOGLE_SHEETS.items():
        workbook.register_function(name, function, min_args=2, max_args=2)


def _with_sheets(names: Iterable[str]) -> fz.Workbook:
    workbook = fz.Workbook(config=_config())
    _add_functions(workbook)
    for name in sorted(names):
        workbook.add_sheet(name)
    return workbook


def _config() -> fz.WorkbookConfig:
    evaluation = fz.EvaluationConfig()
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
